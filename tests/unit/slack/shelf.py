"""A server that keeps files, and one that only listens; both say what they are told to say."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.core.files import FileNote
from bot.metrics import Metrics
from bot.slack.budgets import Budgets
from bot.slack.calls import Calls, TokenFor
from bot.slack.downloads import SlackDownloads
from bot.slack.web_api import WebApi

TOKEN = "xoxb-shelf"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Shelf:
    """Answers every path with what was put there, and keeps the headers of whoever asked.

    It counts the pieces that it poured, too.
    """

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    poured: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def api_url(self) -> str:
        return f"{self.url}/api/"

    @property
    def tokens(self) -> list[str]:
        return [headers.get("Authorization", "") for _, headers in self.asked]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, dict(request.headers)))
        answer = self.answers.get(request.path)
        return await answer(request) if answer else web.Response(status=404)

    def puts(
        self,
        path: str,
        body: bytes = b"",
        *,
        content_type: str = "application/octet-stream",
        status: int = 200,
        after_s: float = 0.0,
        **headers: str,
    ) -> str:
        """Answer a path with a body, and return its address."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def answer(_: web.Request) -> web.StreamResponse:
            await asyncio.sleep(after_s)
            return web.Response(body=body, content_type=content_type, status=status, headers=named)

        self.answers[path] = answer
        return self.url + path

    def pours(self, path: str, *chunks: bytes, pause_s: float = 0.0, ends: bool = True) -> str:
        """Answer a path piece by piece without telling how much it will be."""

        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
            response.enable_chunked_encoding()
            await response.prepare(request)
            for chunk in chunks:
                await response.write(chunk)
                self.poured += 1
                await asyncio.sleep(pause_s)
            if not ends:
                await self.released.wait()
            return response

        self.answers[path] = answer
        return self.url + path

    def lies(self, path: str, body: bytes, *, announced: int) -> str:
        """Answer a path with a body that is not as long as announced."""

        async def answer(request: web.Request) -> web.StreamResponse:
            transport = request.transport
            assert isinstance(transport, asyncio.Transport)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {announced}\r\n\r\n"
            transport.write(head.encode() + body)
            transport.close()
            return web.Response()

        self.answers[path] = answer
        return self.url + path

    def keeps(self, told: dict[str, Any]) -> None:
        """Answer `files.info` about one file."""

        async def answer(request: web.Request) -> web.StreamResponse:
            is_known = request.query.get("file") == told["id"]
            body = {"ok": True, "file": told} if is_known else {"ok": False}
            return web.json_response(body if is_known else {**body, "error": "file_not_found"})

        self.answers["/api/files.info"] = answer


@asynccontextmanager
async def shelf_at(host: str = "127.0.0.1") -> AsyncGenerator[Shelf]:
    shelf = Shelf()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", shelf.handle)
    async with TestServer(app, host=host) as server:
        shelf.url = str(server.make_url("")).rstrip("/")
        yield shelf
        shelf.released.set()


@asynccontextmanager
async def downloads_from(
    api_url: str,
    *,
    token: str = TOKEN,
    token_for: TokenFor | None = None,
    idle_s: float = 5.0,
    total_s: float = 10.0,
) -> AsyncGenerator[SlackDownloads]:
    async def the_token(_: str) -> str:
        return token

    token_for = token_for or the_token
    metrics = Metrics()
    async with WebApi(base_url=api_url) as api, Budgets(metrics=metrics) as budgets:
        yield SlackDownloads(
            calls=Calls(api=api, budgets=budgets, metrics=metrics, token_for=token_for),
            token_for=token_for,
            api_url=api_url,
            idle_timeout_s=idle_s,
            total_timeout_s=total_s,
        )


async def fetched(downloads: SlackDownloads, note: FileNote, *, bytes_most: int = 10_000) -> bytes:
    async with downloads.open("T1", note, bytes_most=bytes_most) as download:
        return b"".join([chunk async for chunk in download.chunks()])
