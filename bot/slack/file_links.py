"""Short-lived addresses under which DashScope reads a file that is kept in Slack.

DashScope cannot open Slack's files, so the bot hands them through: an address names a file and an
instant, is signed, and stops working soon. Nothing is stored, neither the bytes nor the address, so
any replica with the same keys serves it, also after a restart.
"""

import asyncio
import hmac
import re
import secrets
import time
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import structlog
from aiohttp import web
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from bot.core.attachments import BYTES_MOST
from bot.core.files import FORMATS
from bot.errors import SlackError, SlackThrottled, SlackUnavailable
from bot.slack.downloads import Download, SlackDownloads

FILES_PATH = "/files"

_PURPOSE = b"dashscope-slack: links to files"
_KEY_BYTES = 32
_NONCE_BYTES = 16
_ID = "[A-Za-z0-9_-]{1,64}"
_TOKEN = re.compile(
    rf"(?P<team_id>{_ID})\.(?P<file_id>{_ID})\.(?P<expires_at>[0-9]{{1,12}})"
    r"\.(?P<nonce>[A-Za-z0-9_-]{22})\.(?P<signature>[A-Za-z0-9_-]{43})\.(?P<ending>[a-z]{2,5})"
)
_LINKS_COUNTED = 10_000

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Grant:
    """What a link allows: one file to be read for a while.

    Attributes:
        team_id: Whose token opens the file.
        file_id: The file.
        expires_at: From this second of Unix time on the link is nothing.
        nonce: Tells it from other links to the same file.
        ending: One of `core.files.FORMATS`: what the file is served as.
    """

    team_id: str
    file_id: str
    expires_at: int
    nonce: str
    ending: str


class LinkKeys:
    """Signs what links allow, and knows its own signatures.

    Args:
        keys: Secrets the operator set, such as ENCRYPTION_KEYS or the signing secret; what signs is
            derived from them. The first signs, all are accepted.

    Raises:
        ValueError: There is none.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if not all(keys) or not keys:
            raise ValueError("links cannot be signed without a key")
        self._keys = [_derived(key) for key in keys]

    def token(self, grant: Grant) -> str:
        """Return a grant as the last part of an address, which ends as the file's name would."""
        return _token(grant, signature=_signature(grant, self._keys[0]))

    def read(self, token: str) -> Grant | None:
        """Return what a token allows; None when it was not signed here, whatever else it is.

        Whether it has expired is for the caller to judge.
        """
        parts = _TOKEN.fullmatch(token)
        if parts is None or parts["ending"] not in FORMATS:
            return None
        grant = Grant(
            team_id=parts["team_id"],
            file_id=parts["file_id"],
            expires_at=int(parts["expires_at"]),
            nonce=parts["nonce"],
            ending=parts["ending"],
        )
        # The whole token is compared, so that there is one way to write it and no other.
        expected = (_token(grant, signature=_signature(grant, key)) for key in self._keys)
        return grant if any(hmac.compare_digest(token, each) for each in expected) else None


@dataclass(frozen=True, slots=True)
class LinkRules:
    """How much a link allows.

    Attributes:
        window_s: For how long, in seconds.
        uses: How often the file may be asked for; DashScope may look before it reads, and read more
            than once. With the bound on a file's size it bounds the bytes of a link.
        serve_s: How long one reader may take.
    """

    window_s: int = 600
    uses: int = 5
    serve_s: float = 300.0


_RULES = LinkRules()


class FileLinks:
    """Makes links and serves what they lead to.

    Uses are counted in this process alone: with several replicas a link works as often in each.

    Args:
        keys: Sign the links.
        public_url: This server as the internet sees it.
        downloads: Where the bytes come from.
        rules: How much a link allows.
        served: Set while `routes` are served; None when they always are.
        clock: Unix time, in seconds.
    """

    def __init__(
        self,
        *,
        keys: LinkKeys,
        public_url: str,
        downloads: SlackDownloads,
        rules: LinkRules = _RULES,
        served: asyncio.Event | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._public_url = public_url.rstrip("/")
        self._downloads = downloads
        self._rules = rules
        self._served = served
        self._clock = clock
        self._uses: OrderedDict[str, int] = OrderedDict()

    async def until_served(self) -> None:
        """Wait until links lead somewhere: work begins before the server does, and ends after."""
        if self._served is not None:
            await self._served.wait()

    def link(self, team_id: str, file_id: str, *, ending: str) -> str:
        """Return an address for a file. Whoever holds it can read the file: it is never logged.

        Args:
            team_id: Whose token opens the file.
            file_id: The file.
            ending: One of `core.files.FORMATS`.
        """
        grant = Grant(
            team_id=team_id,
            file_id=file_id,
            expires_at=int(self._clock()) + self._rules.window_s,
            nonce=secrets.token_urlsafe(_NONCE_BYTES),
            ending=ending,
        )
        return f"{self._public_url}{FILES_PATH}/{self._keys.token(grant)}"

    def routes(self) -> list[web.RouteDef]:
        """Return the route of the links.

        GET and HEAD alone; anything else is a 405. What is not a link that works now is a 404, a
        Slack that is away a 503, and neither says more. A wish for a part gets the whole.
        """
        return [web.get(f"{FILES_PATH}/{{token}}", self._answer)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        grant = self._keys.read(request.match_info["token"])
        if grant is None or not self._is_used_rightly(grant):
            return _nothing(404)
        response = web.StreamResponse(headers=_headers(grant.ending))
        try:
            async with asyncio.timeout(self._rules.serve_s):
                return await self._serve(request, grant, response)
        except (SlackError, TimeoutError) as error:
            _log(error, team_id=grant.team_id)
            is_short = isinstance(error, SlackUnavailable | SlackThrottled | TimeoutError)
        if not response.prepared:
            return _nothing(503 if is_short else 404)
        if request.transport is not None:  # what was read so far must not pass for the whole
            request.transport.abort()
        return response

    async def _serve(
        self, request: web.Request, grant: Grant, response: web.StreamResponse
    ) -> web.StreamResponse:
        note = await self._downloads.look_up(grant.team_id, grant.file_id)
        bytes_most = BYTES_MOST[FORMATS[grant.ending].family]
        async with self._downloads.open(grant.team_id, note, bytes_most=bytes_most) as download:
            response.content_length = download.size_bytes
            await response.prepare(request)
            if request.method != "HEAD":
                await _copy(download, response)
        await response.write_eof()
        return response

    def _is_used_rightly(self, grant: Grant) -> bool:
        """Tell whether a link works still, and count the use."""
        used = self._uses.get(grant.nonce, 0)
        if self._clock() >= grant.expires_at or used >= self._rules.uses:
            return False
        self._uses[grant.nonce] = used + 1
        if len(self._uses) > _LINKS_COUNTED:
            self._uses.popitem(last=False)  # the link first used of all, so as good as expired
        return True


async def _copy(download: Download, response: web.StreamResponse) -> None:
    async with aclosing(download.chunks()) as chunks:
        async for chunk in chunks:
            await response.write(chunk)


def _nothing(status: int) -> web.Response:
    return web.Response(status=status, headers={"Cache-Control": "no-store"})


def _headers(ending: str) -> dict[str, str]:
    """Return headers that let no browser run or keep the file; its owner's words are in none."""
    found = FORMATS[ending]
    return {
        "Content-Type": found.mimetype,
        "Content-Disposition": f'attachment; filename="{found.family.value}.{ending}"',
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
        "Accept-Ranges": "none",
    }


def _log(error: SlackError | TimeoutError, *, team_id: str) -> None:
    log.warning(
        "file.not_served",
        team_id=team_id,
        error=type(error).__name__,
        code=getattr(error, "code", ""),
    )


def _derived(key: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE)
    return derivation.derive(key.encode())


def _signature(grant: Grant, key: bytes) -> str:
    # No part can hold a dot, so no two grants are signed alike.
    words = f"{grant.team_id}.{grant.file_id}.{grant.expires_at}.{grant.nonce}.{grant.ending}"
    digest = hmac.digest(key, words.encode(), "sha256")
    return urlsafe_b64encode(digest).decode().rstrip("=")


def _token(grant: Grant, *, signature: str) -> str:
    known = f"{grant.team_id}.{grant.file_id}.{grant.expires_at}.{grant.nonce}"
    return f"{known}.{signature}.{grant.ending}"
