"""Files the bot sends: announced, carried to the address Slack names, and shared.

Three steps (docs.slack.dev, "Working with files", "files.getUploadURLExternal",
"files.completeUploadExternal"). The bytes go to an address out of an answer, without a token; it
must be Slack's own all the same, because what is in the file belongs to the workspace.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

import aiohttp

from bot.core.reply import Place, Urgency
from bot.errors import SlackRefused, SlackUnavailable
from bot.slack.calls import Calls
from bot.slack.failures import web_api_errors
from bot.slack.replies import SlackReplies
from bot.slack.web_api import LOOPBACK, proxy_for

ANNOUNCE = "files.getUploadURLExternal"
CARRY = "upload_url"
"""Stands for the method in errors about the bytes, which travel outside the Web API."""
COMPLETE = "files.completeUploadExternal"

BYTES_MOST = 20 * 2**20
"""The bot's own files are far smaller; Slack takes up to 1 GB ("Working with files")."""
CARRY_TIMEOUT_S = 60.0
SLACK_HOST = "slack.com"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to send.

    Attributes:
        name: With its ending, by which Slack tells what it is.
        content: 1 to BYTES_MOST bytes.
        title: Shown over the file.
        comment: The message it comes with: plain words, in which nothing is a link or a mention.
    """

    name: str
    content: bytes = field(repr=False)
    title: str
    comment: str


class SlackUploads:
    """Sends files; needs the scopes `files:write` and `im:write`. Nothing is ever sent twice.

    Args:
        calls: How Slack is called.
        api_url: Where the Web API is; its host may take files too.
        timeout_s: How long the bytes of one file may take.
    """

    def __init__(self, *, calls: Calls, api_url: str, timeout_s: float = CARRY_TIMEOUT_S) -> None:
        self._calls = calls
        self._replies = SlackReplies(calls=calls)
        self._api_url = api_url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def send_to_person(self, team_id: str, user_id: str, upload: Upload) -> None:
        """Send a file to somebody's direct messages with the bot.

        Cancelled, or failed before its last step, nothing shows: Slack drops a file that was never
        completed.

        Raises:
            SlackError: In its most specific form; SlackTokenRefused when a scope is missing.
        """
        if not 0 < len(upload.content) <= BYTES_MOST:
            raise SlackRefused(method=ANNOUNCE, code="file_size")
        # Sharing takes a conversation's own id, never a person's.
        place = await self._replies.direct(team_id, user_id)
        file_id, upload_url = await self._announce(place, upload)
        await self._carry(upload_url, upload.content)
        await self._complete(place, upload, file_id=file_id)

    async def _announce(self, place: Place, upload: Upload) -> tuple[str, str]:
        """Return the new file's id, and where its bytes go."""
        query: dict[str, str | int | bool] = {
            "filename": upload.name,
            "length": len(upload.content),
        }
        await self._calls.permit(place, method=ANNOUNCE, urgency=Urgency.INTERIM)
        answer = await self._calls.read(place, method=ANNOUNCE, query=query)
        return _text(answer, "file_id"), _text(answer, "upload_url")

    async def _carry(self, upload_url: str, content: bytes) -> None:
        if not is_slacks(upload_url, api_url=self._api_url):
            raise SlackRefused(method=CARRY, code="foreign_host")
        # A session of its own: no cookie and no header of the Web API's can come along.
        with web_api_errors(CARRY):
            async with (
                aiohttp.ClientSession(timeout=self._timeout) as session,
                session.post(
                    upload_url,
                    data=io.BytesIO(content),
                    allow_redirects=False,
                    proxy=proxy_for(upload_url),
                ) as response,
            ):
                status = response.status
        if status >= 500:
            raise SlackUnavailable(method=CARRY, status=status)
        if status != 200:
            raise SlackRefused(method=CARRY, code="not_taken", status=status)

    async def _complete(self, place: Place, upload: Upload, *, file_id: str) -> None:
        body = {
            "files": [{"id": file_id, "title": upload.title}],
            "channel_id": place.channel_id,
            "initial_comment": _escaped(upload.comment),
        }
        await self._calls.permit(place, method=COMPLETE, urgency=Urgency.INTERIM)
        await self._calls.send(place, method=COMPLETE, body=body)


def is_slacks(url: str, *, api_url: str) -> bool:
    """Tell whether `url` may be trusted with a workspace's data.

    It must be https, or http on this machine, and its host slack.com, the Web API's own (which may
    be another Slack, such as slack-gov.com) or one below either.
    """
    if not url.isascii() or any(char <= " " for char in url):
        return False  # two parsers may read such an address in two ways
    try:
        parts = urlsplit(url)
        own_host = urlsplit(api_url).hostname or ""
        host = _host(parts)
    except ValueError:  # brackets or a port that are none
        return False
    is_private = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    return is_private and any(_is_within(host, trusted) for trusted in (SLACK_HOST, own_host))


def _host(parts: SplitResult) -> str:
    """Return the host; empty when it is written in a way that invites misreading."""
    has_disguise = "@" in parts.netloc or "\\" in parts.netloc
    return "" if has_disguise or parts.port == 0 else (parts.hostname or "")


def _is_within(host: str, trusted: str) -> bool:
    return bool(host and trusted) and (host == trusted or host.endswith(f".{trusted}"))


def _escaped(words: str) -> str:
    """Return plain words as Slack's `text` takes them ("Formatting message text")."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _text(answer: Mapping[str, object], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise SlackUnavailable(method=ANNOUNCE, code="not_json")
    return value
