"""Handing out files under their addresses (docs page "Working with files")."""

import asyncio
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field

from aiohttp import web

from bot.playground.slack.workspace import Workspace

DOWNLOADS_LIMIT = 1_000
"""Downloads beyond that are forgotten, the oldest first."""
_LOGIN_PAGE = "<!DOCTYPE html><html><body>Sign in to playground</body></html>"


@dataclass(frozen=True, slots=True)
class Download:
    """One time somebody asked for a file's bytes.

    Attributes:
        file_id: The file.
        is_allowed: Whether a token was shown that opens it; else they saw the login page.
    """

    file_id: str
    is_allowed: bool


@dataclass
class FileCounter:
    """Where files are fetched.

    Attributes:
        workspace: Whose files.
        token: Opens them, with the scope `files:read`.
        on_change: Called after each request.
        is_open: While it is cleared, everybody waits for the first byte.
        knows_nobody: Whether the login page is shown whatever token comes.
        downloads: Everything asked for, the oldest first.
    """

    workspace: Workspace
    _: KW_ONLY
    token: str = field(repr=False)
    on_change: Callable[[], None]
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    knows_nobody: bool = False
    downloads: list[Download] = field(default_factory=list[Download])

    def __post_init__(self) -> None:
        """Open the counter."""
        self.is_open.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one download; without a good token Slack shows its login page, with a 200."""
        file = self.workspace.files.get(request.match_info["file_id"])
        if file is None:
            return web.Response(status=404)
        download = Download(file.file_id, self._is_allowed(request))
        del self.downloads[: -DOWNLOADS_LIMIT + 1]
        self.downloads.append(download)
        self.on_change()
        await self.is_open.wait()
        if not download.is_allowed:
            return web.Response(text=_LOGIN_PAGE, content_type="text/html")
        return web.Response(body=file.content, content_type=file.mimetype)

    def _is_allowed(self, request: web.Request) -> bool:
        is_known = request.headers.get("Authorization") == f"Bearer {self.token}"
        has_scope = "files:read" in self.workspace.app.scopes
        return is_known and has_scope and not self.knows_nobody
