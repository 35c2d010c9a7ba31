"""Files people attached: what Slack tells of them, and their bytes as a stream.

The bytes are had with the bot token (docs.slack.dev, "Working with files": url_private). It goes to
Slack's own addresses alone, whatever an address out of an answer or a redirect says.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from urllib.parse import urljoin, urlsplit

import aiohttp

from bot.core.files import FileNote, note_of
from bot.core.reply import Place, Urgency
from bot.errors import SlackRefused, SlackThrottled, SlackTokenRefused, SlackUnavailable
from bot.slack.calls import Calls, TokenFor
from bot.slack.failures import RETRY_AFTER_S, web_api_errors
from bot.slack.uploads import is_slacks
from bot.slack.web_api import proxy_for

LOOK_UP = "files.info"
FETCH = "url_private"
"""Stands for the method in errors about the bytes, which travel outside the Web API."""

TOO_LARGE = "file_too_large"
LOGIN_PAGE = "login_page"
FOREIGN_HOST = "foreign_host"

REDIRECTS_MOST = 3
"""In an organisation a file may be kept at another of Slack's addresses."""
CONNECT_TIMEOUT_S = 5.0
IDLE_TIMEOUT_S = 15.0
TOTAL_TIMEOUT_S = 300.0
_SHORTEST_S = 0.05
"""A timeout of 0 would be none at all."""
_WEB_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Download:
    """The bytes of one file on their way; iterate `chunks` once.

    Args:
        response: Slack's answer, its body unread.
        note: The file.
        bytes_most: More is refused, whatever was announced.
    """

    def __init__(
        self, response: aiohttp.ClientResponse, note: FileNote, *, bytes_most: int
    ) -> None:
        self._response = response
        self._note = note
        self._bytes_most = bytes_most

    @property
    def size_bytes(self) -> int | None:
        """How many bytes were announced; None when none were."""
        return self._response.content_length

    async def chunks(self) -> AsyncGenerator[bytes]:
        """Yield the file piece by piece, each no more than was read at once.

        Raises:
            SlackRefused: With TOO_LARGE, before more than the bound is yielded.
            SlackTokenRefused: It was a login page: a web page of another size than the file's.
            SlackUnavailable: It broke off, or took too long.
        """
        size = 0
        while chunk := await self._read():
            size += len(chunk)
            if size > self._bytes_most:
                raise SlackRefused(method=FETCH, code=TOO_LARGE)
            yield chunk
        if self._note.is_html and self._note.size_bytes not in {None, size}:
            raise SlackTokenRefused(method=FETCH, code=LOGIN_PAGE)

    async def _read(self) -> bytes:
        with web_api_errors(FETCH):
            return await self._response.content.readany()


class SlackDownloads:
    """Looks files up and fetches them; needs the scope `files:read`.

    Args:
        calls: How Slack is called.
        token_for: Finds a workspace's token.
        api_url: Where the Web API is; its host may keep files too.
        idle_timeout_s: How long no byte may come.
        total_timeout_s: How long one file may take, redirects included.
    """

    def __init__(
        self,
        *,
        calls: Calls,
        token_for: TokenFor,
        api_url: str,
        idle_timeout_s: float = IDLE_TIMEOUT_S,
        total_timeout_s: float = TOTAL_TIMEOUT_S,
    ) -> None:
        self._calls = calls
        self._token_for = token_for
        self._api_url = api_url
        self._idle_timeout_s = idle_timeout_s
        self._total_timeout_s = total_timeout_s

    async def look_up(self, team_id: str, file_id: str) -> FileNote:
        """Ask Slack what a file is.

        Raises:
            SlackError: In its most specific form; SlackRefused also when the bot may not see it.
        """
        place = Place(team_id, "", "")
        await self._calls.permit(place, method=LOOK_UP, urgency=Urgency.FIRST_WORDS)
        answer = await self._calls.read(place, method=LOOK_UP, query={"file": file_id})
        note = note_of(answer.get("file"))
        if note is None or note.file_id != file_id:
            raise SlackUnavailable(method=LOOK_UP, code="not_json")
        return note

    @asynccontextmanager
    async def open(
        self, team_id: str, note: FileNote, *, bytes_most: int
    ) -> AsyncGenerator[Download]:
        """Fetch a file; leaving the context closes the connection.

        Raises:
            SlackTokenRefused: The token is not accepted, or a login page came.
            SlackRefused: FOREIGN_HOST, TOO_LARGE, or Slack did not give the file.
            SlackThrottled: Too many files at once.
            SlackUnavailable: Slack is away or too slow.
        """
        token = await self._token_for(team_id)
        # A session of its own: no cookie and no header of the Web API's can come along. What came
        # packed would stay packed, so that few bytes cannot become many.
        async with aiohttp.ClientSession(auto_decompress=False) as session:
            with closing(await self._fetch(session, note.url, token=token)) as response:
                _judge(response, note)
                if (response.content_length or 0) > bytes_most:
                    raise SlackRefused(method=FETCH, code=TOO_LARGE)
                yield Download(response, note, bytes_most=bytes_most)

    async def _fetch(
        self, session: aiohttp.ClientSession, url: str, *, token: str
    ) -> aiohttp.ClientResponse:
        """Return Slack's answer after its redirects."""
        clock = asyncio.get_running_loop().time
        ends_at = clock() + self._total_timeout_s
        for _ in range(1 + REDIRECTS_MOST):
            if not keeps_files(url, api_url=self._api_url):
                raise SlackRefused(method=FETCH, code=FOREIGN_HOST)
            timeout = aiohttp.ClientTimeout(
                total=max(_SHORTEST_S, ends_at - clock()),
                sock_connect=CONNECT_TIMEOUT_S,
                sock_read=self._idle_timeout_s,
            )
            with web_api_errors(FETCH):
                response = await session.get(
                    url,
                    headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
                    allow_redirects=False,
                    proxy=proxy_for(url),
                    timeout=timeout,
                )
            if response.status not in _REDIRECTS:
                return response
            response.close()
            url = _joined(url, response.headers.get("Location", ""))
        raise SlackRefused(method=FETCH, code="redirects")


def keeps_files(url: str, *, api_url: str) -> bool:
    """Tell whether the bot token may go to `url`.

    Beyond being Slack's own, it is the very server of the Web API or at https' usual port: another
    port of the same machine is somebody else.
    """
    if not is_slacks(url, api_url=api_url):
        return False
    parts = urlsplit(url)
    is_usual = parts.scheme == "https" and parts.port in {None, 443}
    return is_usual or parts.netloc.lower() == urlsplit(api_url).netloc.lower()


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:  # brackets that enclose no address
        return ""


def _judge(response: aiohttp.ClientResponse, note: FileNote) -> None:
    """Raise unless the answer is the file."""
    status = response.status
    if status == 429:
        told = response.headers.get("Retry-After", "")
        raise SlackThrottled(
            method=FETCH,
            retry_after_s=float(told) if told.isdecimal() else RETRY_AFTER_S,
            status=status,
        )
    if status >= 500:
        raise SlackUnavailable(method=FETCH, status=status)
    if status in {401, 403}:
        raise SlackTokenRefused(method=FETCH, code="not_allowed", status=status)
    if status != 200:
        raise SlackRefused(method=FETCH, code="not_given", status=status)
    if response.content_type in _WEB_PAGES and not note.is_html:
        raise SlackTokenRefused(method=FETCH, code=LOGIN_PAGE, status=status)
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise SlackUnavailable(method=FETCH, code="encoded", status=status)
