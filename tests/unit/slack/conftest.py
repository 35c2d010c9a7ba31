"""A Slack that says what it is told to say, over a real loopback socket."""

import asyncio
import json
import sys
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.metrics import Metrics
from bot.slack.budgets import Budgets
from bot.slack.calls import Calls
from bot.slack.web_api import WebApi

sys.path.insert(0, str(Path(__file__).parent))

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Heard:
    """A request as it arrived."""

    method: str
    verb: str
    token: str
    arguments: dict[str, Any]


@dataclass
class ScriptedSlack:
    """Answers each method with what was scripted for it, and with plain success afterwards."""

    heard: list[Heard] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    _scripts: dict[str, deque[Answer]] = field(default_factory=dict)

    def says(self, method: str, *answers: Answer) -> None:
        self._scripts.setdefault(method, deque()).extend(answers)

    def ok(self, **fields: Any) -> Answer:
        async def answer(_: web.Request) -> web.StreamResponse:
            return web.json_response({"ok": True, **fields})

        return answer

    def refuses(self, code: str, *, status: int = 200, retry_after: str = "") -> Answer:
        headers = {"Retry-After": retry_after} if retry_after else {}

        async def answer(_: web.Request) -> web.StreamResponse:
            return web.json_response({"ok": False, "error": code}, status=status, headers=headers)

        return answer

    def writes(self, body: bytes, *, content_type: str, status: int = 200) -> Answer:
        async def answer(_: web.Request) -> web.StreamResponse:
            return web.Response(body=body, content_type=content_type, status=status)

        return answer

    async def hangs_up(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def stays_silent(self, _: web.Request) -> web.StreamResponse:
        await self.released.wait()
        return web.Response()

    def calls(self, method: str) -> list[dict[str, Any]]:
        return [heard.arguments for heard in self.heard if heard.method == method]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        body = await request.text()
        arguments: dict[str, Any] = json.loads(body) if body else dict(request.query)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.heard.append(Heard(method, request.method, token, arguments))
        script = self._scripts.get(method)
        answer = script.popleft() if script else self.ok(ts="1790000000.000200")
        return await answer(request)


@pytest.fixture
async def scripted_slack() -> AsyncIterator[ScriptedSlack]:
    slack = ScriptedSlack()
    app = web.Application()
    app.router.add_route("*", "/api/{method}", slack.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        slack.url = str(server.make_url("/api/"))
        yield slack
        slack.released.set()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def budgets(metrics: Metrics) -> AsyncIterator[Budgets]:
    async with Budgets(metrics=metrics) as opened:
        yield opened


async def token_for(team_id: str) -> str:
    return f"xoxb-{team_id}"


@pytest.fixture
async def calls(
    scripted_slack: ScriptedSlack, budgets: Budgets, metrics: Metrics
) -> AsyncIterator[Calls]:
    """Calls that wait for Slack longer than any test does, on however slow a machine."""
    async with WebApi(base_url=scripted_slack.url, call_timeout_s=60) as api:
        yield Calls(api=api, budgets=budgets, metrics=metrics, token_for=token_for)


@pytest.fixture
async def impatient_calls(
    scripted_slack: ScriptedSlack, budgets: Budgets, metrics: Metrics
) -> AsyncIterator[Calls]:
    """Calls for a Slack that stays silent."""
    async with WebApi(base_url=scripted_slack.url, call_timeout_s=0.1) as api:
        yield Calls(api=api, budgets=budgets, metrics=metrics, token_for=token_for)
