"""A playground's DashScope and a way to ask it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from bot.core.question import AppKind
from bot.core.sse import ServerSentEvent, SseDecoder
from bot.playground.dashscope.answers import Inquiry, Said
from bot.playground.dashscope.apps import App, echo_app, long_app
from bot.playground.dashscope.server import PLAYGROUND_KEY, DashScopeServer

TEXT = "A short answer. 一个简短的回答。"


def recite(inquiry: Inquiry) -> Said:
    """Say every question so far."""
    return Said(" / ".join([*(one.question for one in inquiry.history), inquiry.prompt]))


@dataclass
class Asking:
    """A client of the server under test."""

    server: DashScopeServer
    client: httpx.AsyncClient

    @asynccontextmanager
    async def stream(
        self, prompt: str = TEXT, *, app_id: str = "echo", **wanted: Any
    ) -> AsyncGenerator[httpx.Response]:
        """Open a stream."""
        body = self.body(prompt, **wanted)
        headers = {"X-DashScope-SSE": "enable"}
        url = f"/apps/{app_id}/completion"
        async with self.client.stream("POST", url, json=body, headers=headers) as response:
            yield response

    async def events(self, prompt: str = TEXT, **wanted: Any) -> list[ServerSentEvent]:
        """Read a stream to its end."""
        decoder = SseDecoder()
        found: list[ServerSentEvent] = []
        async with self.stream(prompt, **wanted) as response:
            async for chunk in response.aiter_raw():
                found += decoder.feed(chunk)
        return found + decoder.finish()

    async def whole(
        self, prompt: str = TEXT, *, app_id: str = "echo", **wanted: Any
    ) -> httpx.Response:
        """Ask without streaming."""
        body = self.body(prompt, **wanted)
        return await self.client.post(f"/apps/{app_id}/completion", json=body)

    @staticmethod
    def body(prompt: str, *, session_id: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Return a body."""
        session = {} if session_id is None else {"session_id": session_id}
        return {"input": {"prompt": prompt, **session}, "parameters": parameters}


@pytest.fixture
async def server() -> AsyncIterator[DashScopeServer]:
    """Open a server with an app of every sort; it leaves no task behind."""
    apps = [
        echo_app("echo"),
        long_app("long", chars=100_000),
        App("recite", recite),
        echo_app("flow", kind=AppKind.WORKFLOW),
    ]
    async with DashScopeServer(apps) as opened:
        tasks = asyncio.all_tasks()
        yield opened
    await asyncio.sleep(0)
    assert asyncio.all_tasks() - tasks <= {asyncio.current_task()}


@pytest.fixture
async def asking(server: DashScopeServer) -> AsyncIterator[Asking]:
    """A client with the right key."""
    headers = {"Authorization": f"Bearer {PLAYGROUND_KEY}"}
    async with httpx.AsyncClient(
        base_url=server.base_url, headers=headers, timeout=60, trust_env=False
    ) as client:
        yield Asking(server, client)
