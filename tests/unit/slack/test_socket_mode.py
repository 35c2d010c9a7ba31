"""The connection to Slack, against a small Slack on loopback."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer
from receivers import receiving
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.core.messages import UserMessage
from bot.metrics import Metrics
from bot.slack.authorize import Installation, InstallationAuthorize, Installed
from bot.slack.identity import Identity
from bot.slack.listeners import build_bolt
from bot.slack.socket_mode import SocketMode, SocketTiming

FAST = SocketTiming(
    ping_s=60.0,
    look_s=0.02,
    open_s=60.0,
    first_pause_s=0.01,
    longest_pause_s=0.05,
    steady_s=0.0,
    drain_s=60.0,
)
"""It comes back fast, and waits for what comes longer than any test does."""
MENTION: dict[str, Any] = {
    "type": "events_api",
    "envelope_id": "e1",
    "accepts_response_payload": False,
    "payload": {
        "type": "event_callback",
        "team_id": "T1",
        "api_app_id": "A1",
        "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}],
        "event": {
            "type": "app_mention",
            "user": "U1",
            "text": "<@UBOT> hello",
            "ts": "1790000000.000100",
            "channel": "C1",
        },
    },
}


@dataclass
class Slack:
    """Hands out one-time addresses and speaks on the sockets opened there.

    Attributes:
        refuses: An error for apps.connections.open, while set.
        retry_after_s: What a refusal asks to wait, while set.
        asked_at: When addresses were asked for.
        dead_tickets: Tickets that nobody can connect with.
        deaf: Pings of new connections are not answered.
        silent: New connections are not greeted.
        tickets: How many addresses were handed out.
        refusals: How often none was.
        opened: Tickets that were connected with, in order.
        sockets: The connections, in the same order.
        acks: What the bot acknowledged.
        tries: Tickets that were tried.
        changed: Set whenever any of these changed.
    """

    refuses: str | None = None
    retry_after_s: int | None = None
    asked_at: list[float] = field(default_factory=list)
    dead_tickets: set[int] = field(default_factory=set)
    deaf: bool = False
    silent: bool = False
    tickets: int = 0
    refusals: int = 0
    opened: list[int] = field(default_factory=list)
    tries: list[int] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    acks: list[dict[str, Any]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def open(self, request: web.Request) -> web.Response:
        assert request.headers["authorization"] == "Bearer xapp-1"
        self.asked_at.append(asyncio.get_running_loop().time())
        if self.refuses:
            self.refusals += 1
            wait = {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}
            body = {"ok": False, "error": self.refuses}
            return web.json_response(body, status=429 if wait else 200, headers=wait)
        self.tickets += 1
        url = f"ws://{request.host}/link?ticket={self.tickets}"
        return web.json_response({"ok": True, "url": url})

    async def link(self, request: web.Request) -> web.StreamResponse:
        ticket = int(request.query["ticket"])
        self.tries.append(ticket)
        if ticket in self.dead_tickets or ticket in self.opened:
            return web.Response(status=403)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        deaf = self.deaf
        if not self.silent:
            await socket.send_json({"type": "hello", "num_connections": 1})
        self.sockets.append(socket)
        self.opened.append(ticket)
        self.changed.set()
        async for frame in socket:
            if frame.type is WSMsgType.PING and not deaf:
                await socket.pong(frame.data)
            elif frame.type is WSMsgType.TEXT:
                self.acks.append(json.loads(frame.data))
                self.changed.set()
        return socket

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds; a test's timeout bounds it."""
        async with asyncio.timeout(60):
            while not holds():
                self.changed.clear()
                try:
                    async with asyncio.timeout(0.02):  # what the bot knows does not announce itself
                        await self.changed.wait()
                except TimeoutError:
                    continue


class Claims:
    """Takes messages once `open`; fails while `broken`."""

    def __init__(self) -> None:
        self.messages: list[UserMessage] = []
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False
        self.asked = 0

    async def submit(self, message: UserMessage) -> bool:
        self.asked += 1
        await self.open.wait()
        if self.broken:
            raise RuntimeError
        self.messages.append(message)
        return True


@pytest.fixture
def claims() -> Claims:
    return Claims()


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
async def build(slack: Slack, claims: Claims) -> AsyncIterator[Callable[..., SocketMode]]:
    app = web.Application()
    app.router.add_route("*", "/api/apps.connections.open", slack.open)
    app.router.add_get("/link", slack.link)
    identity = Identity(
        team_id="T1", bot_user_id="UBOT", bot_id="B1", app_id="A1", scopes=frozenset()
    )
    async with TestServer(app, host="127.0.0.1") as server, aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            base_url=str(server.make_url("/api/")), session=session, retry_handlers=[]
        )
        metrics = Metrics()
        bolt = build_bolt(
            client=client,
            signing_secret="",
            authorize=InstallationAuthorize(
                Installed(Installation(identity=identity, bot_token="xoxb-1"))
            ),
            receivers=receiving(claims.submit),
            metrics=metrics,
        )
        yield lambda timing=FAST: SocketMode(
            bolt, client=client, app_token="xapp-1", metrics=metrics, timing=timing
        )
        for socket in slack.sockets:
            await socket.close()


Build = Callable[..., SocketMode]


@asynccontextmanager
async def connected(
    build: Build, slack: Slack, timing: SocketTiming = FAST
) -> AsyncGenerator[SocketMode]:
    async with build(timing) as socket_mode:
        await slack.until(lambda: socket_mode.live)
        yield socket_mode


async def test_a_question_on_the_socket_is_acknowledged_after_its_claim(
    build: Build, slack: Slack, claims: Claims
) -> None:
    async with connected(build, slack):
        await slack.sockets[0].send_json(MENTION)
        await slack.until(lambda: slack.acks == [{"envelope_id": "e1"}])
        assert len(claims.messages) == 1


async def test_a_failed_claim_is_not_acknowledged_and_the_redelivery_is(
    build: Build, slack: Slack, claims: Claims
) -> None:
    async with connected(build, slack):
        claims.broken = True
        await slack.sockets[0].send_json(MENTION)
        await slack.until(lambda: claims.asked == 1)
        claims.broken = False
        await slack.sockets[0].send_json({**MENTION, "envelope_id": "e2"})
        await slack.until(lambda: bool(slack.acks))
        assert slack.acks == [{"envelope_id": "e2"}]


async def test_it_is_live_from_slacks_hello_to_the_end(build: Build, slack: Slack) -> None:
    socket_mode = build(replace(FAST, open_s=2.0))
    assert not socket_mode.live
    slack.silent = True
    async with socket_mode:
        await slack.until(lambda: bool(slack.opened))
        assert not socket_mode.live
        slack.silent = False
        await slack.until(lambda: socket_mode.live)
        assert _gauge(socket_mode) == 1
    assert not socket_mode.live
    assert _gauge(socket_mode) == 0


async def test_a_socket_that_answers_no_pings_is_replaced_and_both_are_said_once(
    build: Build, slack: Slack
) -> None:
    slack.deaf = True
    with capture_logs() as lines:
        async with connected(build, slack, replace(FAST, ping_s=0.8)) as socket_mode:
            slack.deaf = False
            await slack.until(lambda: not socket_mode.live)
            await slack.until(lambda: socket_mode.live)
            assert slack.opened == [1, 2]
            said = [line["event"] for line in lines]
    assert said == ["socket.connected", "socket.lost", "socket.connected"]


async def test_a_socket_slack_closed_is_replaced_with_one_address(
    build: Build, slack: Slack
) -> None:
    async with connected(build, slack) as socket_mode:
        await slack.sockets[0].close()
        await slack.until(lambda: slack.opened == [1, 2] and socket_mode.live)
    assert slack.tickets == 2


async def test_a_socket_that_dies_young_is_replaced_after_a_pause(
    build: Build, slack: Slack
) -> None:
    hesitant = replace(FAST, first_pause_s=0.5, longest_pause_s=0.5, steady_s=60.0)
    async with build(hesitant) as socket_mode:
        await slack.until(lambda: socket_mode.live)
        closed_at = asyncio.get_running_loop().time()
        await slack.sockets[0].close()
        await slack.until(lambda: slack.opened == [1, 2])
    assert slack.asked_at[1] - closed_at >= 0.5


async def test_a_dead_ticket_is_given_up_for_a_fresh_one(build: Build, slack: Slack) -> None:
    slack.dead_tickets = {1}
    async with connected(build, slack, replace(FAST, open_s=2.0)):
        assert slack.opened == [2]
        assert set(slack.tries) == {1, 2}


async def test_asked_to_refresh_it_opens_the_next_before_it_leaves_the_old(
    build: Build, slack: Slack
) -> None:
    with capture_logs() as lines:
        async with connected(build, slack) as socket_mode:
            slack.silent = True
            await slack.sockets[0].send_json({"type": "disconnect", "reason": "refresh_requested"})
            await slack.until(lambda: slack.opened == [1, 2])
            assert socket_mode.live
            await slack.sockets[0].send_json(MENTION)
            await slack.until(lambda: bool(slack.acks))
            assert not slack.sockets[0].closed
            await slack.sockets[1].send_json({"type": "hello", "num_connections": 2})
            await slack.until(lambda: slack.sockets[0].closed)
            assert socket_mode.live
    said = [line["event"] for line in lines]
    assert said.count("socket.lost") == 1, said  # at the end, when everything is closed


async def test_asked_to_refresh_while_slack_refuses_it_goes_on_with_the_old(
    build: Build, slack: Slack
) -> None:
    async with connected(build, slack) as socket_mode:
        slack.refuses = "internal_error"
        await slack.sockets[0].send_json({"type": "disconnect", "reason": "warning"})
        await slack.until(lambda: slack.refusals >= 2)
        assert socket_mode.live
        await slack.sockets[0].send_json(MENTION)
        await slack.until(lambda: bool(slack.acks))
        await slack.sockets[0].close()
        await slack.until(lambda: not socket_mode.live)
        slack.refuses = None
        await slack.until(lambda: socket_mode.live)


async def test_while_slack_refuses_it_keeps_asking_and_says_why_once(
    build: Build, slack: Slack
) -> None:
    slack.refuses = "internal_error"
    with capture_logs() as lines:
        async with build() as socket_mode:
            await slack.until(lambda: slack.refusals >= 3)
            slack.refuses = None
            await slack.until(lambda: socket_mode.live)
            said = [(line["event"], line["reason"]) for line in lines]
    assert said == [("socket.lost", "internal_error"), ("socket.connected", "hello")]


async def test_when_slack_asks_for_a_rest_no_address_is_asked_for_before_it_is_over(
    build: Build, slack: Slack
) -> None:
    slack.refuses, slack.retry_after_s = "ratelimited", 1
    async with build() as socket_mode:
        await slack.until(lambda: slack.refusals == 1)
        slack.refuses = None
        await slack.until(lambda: socket_mode.live)
    first, second = slack.asked_at
    assert second - first >= 1.0


async def test_leaving_lets_a_delivery_under_way_be_acknowledged_and_takes_no_other(
    build: Build, slack: Slack, claims: Claims
) -> None:
    socket_mode = build()
    claims.open.clear()
    async with socket_mode:
        await slack.until(lambda: socket_mode.live)
        await slack.sockets[0].send_json(MENTION)
        await slack.until(lambda: claims.asked == 1)
        leaving = asyncio.create_task(socket_mode.__aexit__(None, None, None))
        await slack.until(lambda: not socket_mode.live)
        await slack.sockets[0].send_json({**MENTION, "envelope_id": "e2"})
        await asyncio.sleep(0.05)
        claims.open.set()
        await leaving
    await slack.until(lambda: slack.sockets[0].closed)
    assert slack.acks == [{"envelope_id": "e1"}]
    assert claims.asked == 1


@pytest.mark.parametrize("state", ["connected", "refused", "not greeted", "stuck delivery"])
async def test_leaving_leaves_no_task_behind(
    build: Build, slack: Slack, claims: Claims, state: str
) -> None:
    slack.refuses = "internal_error" if state == "refused" else None
    slack.silent = state == "not greeted"
    before = asyncio.all_tasks()
    async with build(replace(FAST, drain_s=0.5)) as socket_mode:
        if state == "stuck delivery":
            claims.open.clear()
            await slack.until(lambda: socket_mode.live)
            await slack.sockets[0].send_json(MENTION)
            await slack.until(lambda: claims.asked == 1)
        else:
            await slack.until(lambda: bool(slack.refuses or slack.opened))
    assert not {task for task in asyncio.all_tasks() - before if _is_ours(task)}


async def test_leaving_twice_is_harmless(build: Build, slack: Slack) -> None:
    async with connected(build, slack) as socket_mode:
        await socket_mode.__aexit__(None, None, None)


def test_pauses_double_up_to_the_longest() -> None:
    timing = SocketTiming(first_pause_s=1, longest_pause_s=30)
    pauses = [timing.pause_s(failures) for failures in (0, 1, 2, 3, 5, 6, 10_000)]
    assert pauses == [0, 1, 2, 4, 16, 30, 30]


def _gauge(socket_mode: SocketMode) -> float:
    value = socket_mode._metrics.registry.get_sample_value("dashscope_slack_socket_live")
    assert value is not None
    return value


def _is_ours(task: asyncio.Task[Any]) -> bool:
    """Tell the bot's tasks from the test server's."""
    name = getattr(task.get_coro(), "__qualname__", "")
    return "RequestHandler" not in name and "Slack" not in name
