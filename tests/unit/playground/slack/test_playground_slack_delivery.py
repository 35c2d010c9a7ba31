import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.signature import SignatureVerifier

from bot.playground.slack import SIGNING_SECRET, DeliveryRules, SlackServer, Workspace
from bot.playground.slack.message import Draft

FAST = DeliveryRules(time_scale=0.0)


@dataclass
class Bot:
    """An app that keeps what it was sent and answers what it was told to."""

    answers: list[Callable[[], web.Response]] = field(default_factory=list)
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""
    is_slow: bool = False

    async def take(self, request: web.Request) -> web.Response:
        self.requests.append((dict(request.headers), await request.read()))
        if self.is_slow:
            await asyncio.Event().wait()
        return self.answers.pop(0)() if self.answers else web.Response()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]


async def served(bot: Bot) -> AsyncIterator[Bot]:
    app = web.Application()
    app.router.add_post("/slack/events", bot.take)
    async with TestServer(app, host="127.0.0.1") as server:
        bot.url = str(server.make_url("/slack/events"))
        yield bot


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async for started in served(Bot()):
        yield started


@pytest.fixture
async def replica() -> AsyncIterator[Bot]:
    async for started in served(Bot()):
        yield started


@pytest.fixture
async def server(server: SlackServer, bot: Bot) -> SlackServer:
    server.dispatcher.rules = FAST
    server.deliver_to(bot.url)
    return server


def done(server: SlackServer, count: int = 1) -> Callable[[], bool]:
    return lambda: sum(d.is_done for d in server.deliveries) == count


async def test_slacks_own_verifier_takes_the_signature(server: SlackServer, bot: Bot) -> None:
    await server.say("U0ANN", "C0GENERAL", "hello 世界")
    await server.until(done(server), timeout_s=60)
    ((headers, body),) = bot.requests
    verifier = SignatureVerifier(SIGNING_SECRET)
    assert verifier.is_valid_request(body, headers)
    assert not verifier.is_valid_request(body + b" ", headers)
    assert "X-Slack-Retry-Num" not in headers


async def test_a_failed_event_comes_three_more_times_with_number_and_reason(
    server: SlackServer, bot: Bot
) -> None:
    bot.answers = [lambda: web.Response(status=500)] * 4
    await server.say("U0ANN", "C0GENERAL", "hello")
    await server.until(done(server), timeout_s=60)
    marks = [(h.get("X-Slack-Retry-Num"), h.get("X-Slack-Retry-Reason")) for h, _ in bot.requests]
    assert marks == [(None, None), *((str(n), "http_error") for n in (1, 2, 3))]
    assert len({e["event_id"] for e in bot.events}) == 1
    (delivery,) = server.deliveries
    assert not delivery.is_delivered
    assert [a.status for a in delivery.attempts] == [500] * 4


async def test_retries_end_with_the_first_success(server: SlackServer, bot: Bot) -> None:
    bot.answers = [lambda: web.Response(status=503)]
    await server.say("U0ANN", "C0GENERAL", "hello")
    await server.until(done(server), timeout_s=60)
    assert [a.status for a in server.deliveries[0].attempts] == [503, 200]


async def test_an_app_may_ask_not_to_be_tried_again(server: SlackServer, bot: Bot) -> None:
    bot.answers = [lambda: web.Response(status=500, headers={"X-Slack-No-Retry": "1"})]
    await server.say("U0ANN", "C0GENERAL", "hello")
    await server.until(done(server), timeout_s=60)
    assert len(bot.requests) == 1


async def test_an_app_that_does_not_answer_in_time_is_tried_again(
    server: SlackServer, bot: Bot
) -> None:
    bot.is_slow = True
    server.dispatcher.rules = DeliveryRules(
        ack_timeout_s=1.0, time_scale=0.0, retry_delays_s=(0.0,)
    )
    await server.say("U0ANN", "C0GENERAL", "hello")
    await server.until(done(server), timeout_s=60)
    assert [a.failure for a in server.deliveries[0].attempts] == ["http_timeout"] * 2
    assert bot.requests[1][0]["X-Slack-Retry-Reason"] == "http_timeout"


async def test_an_app_that_is_not_there_is_a_failed_connection(server: SlackServer) -> None:
    server.deliver_to("http://127.0.0.1:9/slack/events")
    await server.say("U0ANN", "C0GENERAL", "hello")
    await server.until(done(server), timeout_s=60)
    assert {a.failure for a in server.deliveries[0].attempts} == {"connection_failed"}


async def test_retries_wait_as_long_as_slack_does_times_the_scale(
    server: SlackServer, bot: Bot
) -> None:
    bot.answers = [lambda: web.Response(status=500)] * 3
    server.dispatcher.rules = DeliveryRules(time_scale=0.001)
    started = asyncio.get_running_loop().time()
    await server.say("U0ANN", "C0GENERAL", "hello")
    await server.until(done(server), timeout_s=60)
    assert asyncio.get_running_loop().time() - started >= 0.36


async def test_replicas_take_turns(server: SlackServer, bot: Bot, replica: Bot) -> None:
    server.deliver_to(bot.url, replica.url)
    for _ in range(4):
        await server.say("U0ANN", "C0GENERAL", "hello")
    await server.until(done(server, 4), timeout_s=60)
    assert (len(bot.requests), len(replica.requests)) == (2, 2)


async def test_every_event_can_be_made_to_come_twice(server: SlackServer, bot: Bot) -> None:
    server.dispatcher.rules = DeliveryRules(time_scale=0.0, duplicates=1)
    await server.say("U0ANN", "C0GENERAL", "hello")
    await server.until(done(server, 2), timeout_s=60)
    assert len({e["event_id"] for e in bot.events}) == 1


async def test_jitter_changes_the_order_of_events(server: SlackServer, bot: Bot) -> None:
    server.dispatcher.rules = DeliveryRules(time_scale=0.0, jitter_s=0.2, seed=1)
    said = [await server.say("U0ANN", "C0GENERAL", "hello") for _ in range(8)]
    await server.until(done(server, 8), timeout_s=60)
    came = [e["event"]["ts"] for e in bot.events]
    assert came != said
    assert sorted(came) == said


async def test_a_command_is_a_form_and_is_never_retried(server: SlackServer, bot: Bot) -> None:
    bot.answers = [lambda: web.Response(status=500)]
    delivery = await server.command("U0ANN", "C0GENERAL", "use <x>")
    ((headers, body),) = bot.requests
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert (form["command"], form["text"]) == ("/dashscope", "use &lt;x&gt;")
    assert form["response_url"].startswith(server.url)
    assert (form["user_name"], form["channel_name"]) == ("ann", "general")
    assert not delivery.is_delivered


async def test_a_server_that_closes_leaves_no_delivery_underway(workspace: Workspace) -> None:
    rules = DeliveryRules(delay_s=600)
    async with SlackServer(workspace, rules=rules) as server:
        server.people.say("U0ANN", "C0GENERAL", "hello")
    assert not server.deliveries[0].is_done
    assert asyncio.all_tasks() == {asyncio.current_task()}
    workspace.post("C0GENERAL", Draft("U0ANN", "nobody listens any more"))
    assert len(server.deliveries) == 1


async def test_system_lines_edits_and_deletions_reach_the_app(
    server: SlackServer, bot: Bot
) -> None:
    ts = await server.say("U0ANN", "C0GENERAL", "a")
    await server.until(done(server, 1), timeout_s=60)
    await server.edit("U0ANN", "C0GENERAL", ts, "b")
    await server.until(done(server, 2), timeout_s=60)
    await server.delete("U0ANN", "C0GENERAL", ts)
    await server.until(done(server, 3), timeout_s=60)
    server.people.system_message("U0ANN", "C0GENERAL", subtype="channel_purpose", text="x")
    await server.until(done(server, 4), timeout_s=60)
    subtypes = [e["event"].get("subtype") for e in bot.events]
    assert subtypes == [None, "message_changed", "message_deleted", "channel_purpose"]
