"""Over HTTP and over Socket Mode: nothing forged comes in, and nothing real is lost."""

import asyncio
import json
import re
import sqlite3
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from midway import ANSWER, SPOKEN, when_words_show
from rig import APP_ID, BOT, PUBLIC, WITHIN_S, Rig, a_rig, words

from bot.app import Running
from bot.playground.dashscope.apps import echo_app
from bot.playground.slack.delivery import DeliveryRules
from bot.playground.slack.faults import Fault, FaultKind
from bot.playground.slack.message import Message
from bot.playground.slack.request_url import signed_headers
from bot.playground.slack.sockets import DisconnectReason

QUICK_RETRIES = DeliveryRules(retry_delays_s=(1.0, 2.0, *[4.0] * 10))
MENTION = {
    "type": "event_callback",
    "team_id": "T0PLAY",
    "event": {
        "type": "app_mention",
        "user": "U0ANN",
        "text": f"<@{BOT}> forged",
        "ts": "1790000000.000100",
        "channel": PUBLIC,
    },
}


@pytest.fixture
def socket_rig(rig: Rig) -> Rig:
    """A rig in Socket Mode, with a Slack that delivers again soon."""
    rig.is_socket = True
    rig.slack.dispatcher.rules = QUICK_RETRIES
    return rig


async def fetch(bot: Running, path: str) -> tuple[int, str]:
    """Return status and body of one GET."""
    async with aiohttp.ClientSession() as client, client.get(bot.address + path) as response:
        return response.status, await response.text()


async def post(bot: Running, body: bytes, *, headers: Mapping[str, str]) -> int:
    """Post to the request URL and return the status."""
    headers = {"Content-Type": "application/json", **headers}
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.post(f"{bot.address}/slack/events", data=body) as response,
    ):
        return response.status


async def until_status(bot: Running, path: str, status: int) -> str:
    """Ask until the status is as given, and return the body."""
    until = time.monotonic() + WITHIN_S
    while time.monotonic() < until:
        found, body = await fetch(bot, path)
        if found == status:
            return body
    raise TimeoutError(f"{path} never had {status}")


@pytest.mark.parametrize(
    ("secret", "age_s"), [("another-secret", 0), (None, 600), (None, -600)], ids=str
)
async def test_a_forged_or_replayed_request_is_refused(
    rig: Rig, secret: str | None, age_s: float
) -> None:
    body = json.dumps(MENTION).encode()
    headers = signed_headers(
        body, secret=secret or rig.slack.signing_secret, now=time.time() - age_s
    )
    async with rig.bot() as bot:
        assert await post(bot, body, headers=headers) == 401
    assert rig.asked() == ()
    counted = re.findall(r"messages_total\{.*", bot.metrics.text().decode())
    assert counted == ['messages_total{outcome="unsigned"} 1.0']


async def test_a_request_without_a_signature_is_refused(rig: Rig) -> None:
    async with rig.bot() as bot:
        assert await post(bot, json.dumps(MENTION).encode(), headers={}) == 401
    assert rig.asked() == ()


@contextmanager
def writing(database: Path) -> Generator[sqlite3.Connection]:
    """Hold a write transaction on a SQLite file."""
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
    finally:
        connection.close()


@pytest.mark.parametrize("is_socket", [False, True], ids=["http", "socket"])
async def test_a_message_that_could_not_be_claimed_is_delivered_again_and_answered_once(
    tmp_path: Path, is_socket: bool
) -> None:
    async with a_rig(tmp_path, echo_app(APP_ID)) as rig:
        rig.is_socket = is_socket
        # Longer than the bot's own patience, so that its answer is seen on a slow machine too.
        rig.slack.dispatcher.rules = replace(QUICK_RETRIES, ack_timeout_s=10.0)
        async with rig.bot():
            with writing(tmp_path / "bot.db"):
                thread = await rig.ask("once")
                await rig.slack.until(
                    lambda: any(d.attempts for d in rig.slack.deliveries), timeout_s=WITHIN_S
                )
                firsts = [d.attempts[0] for d in rig.slack.deliveries if d.attempts]
            await rig.finished()
            await rig.slack.until(
                lambda: all(d.is_done for d in rig.slack.deliveries), timeout_s=WITHIN_S
            )
    assert all(first.status == (None if is_socket else 500) for first in firsts)
    assert all(delivery.is_delivered for delivery in rig.slack.deliveries)
    assert len(rig.asked()) == 1
    assert words(rig.reply(thread)) == "once"


@pytest.mark.parametrize("loss", ["dropped", "refreshed"])
async def test_an_answer_goes_on_while_the_socket_is_away_and_what_is_said_then_is_answered_too(
    socket_rig: Rig, loss: str
) -> None:
    rig = socket_rig
    rig.dashscope.manner = replace(rig.dashscope.manner, pace=SPOKEN)

    def lose(_message: Message) -> None:
        if loss == "dropped":
            rig.slack.sockets.drop()

    struck = when_words_show(rig, lose)
    async with rig.bot():
        first = await rig.ask(ANSWER)
        await rig.slack.until(lambda: struck, timeout_s=WITHIN_S)
        if loss == "refreshed":
            await rig.slack.sockets.disconnect(DisconnectReason.REFRESH)
        second = await rig.ask("said meanwhile")
        await rig.finished(2)
    assert words(rig.reply(first)) == ANSWER
    assert words(rig.reply(second)) == "said meanwhile"
    assert len(rig.asked()) == 2


async def test_a_warning_of_a_refresh_brings_a_second_socket_before_the_first_goes(
    socket_rig: Rig,
) -> None:
    rig = socket_rig
    async with rig.bot():
        (old,) = rig.slack.sockets.connections
        await rig.slack.sockets.disconnect(DisconnectReason.WARNING)
        await rig.slack.until(
            lambda: rig.slack.sockets.is_open and old not in rig.slack.sockets.connections,
            timeout_s=WITHIN_S,
        )
        assert await rig.answer("still here?") == "still here?"
    assert all(len(delivery.attempts) == 1 for delivery in rig.slack.deliveries)


async def test_the_process_is_ready_only_while_its_socket_lives(socket_rig: Rig) -> None:
    async with socket_rig.bot() as bot:
        await until_status(bot, "/readyz", 200)
        fault = Fault("apps.connections.open", FaultKind.STATUS, times=None)
        socket_rig.slack.faults.add(fault)
        socket_rig.slack.sockets.drop()
        body = await until_status(bot, "/readyz", 503)
        checks = {"database": True, "dispatcher": True, "socket": False}
        assert json.loads(body) == {"ok": False, "checks": checks}
        status, _ = await fetch(bot, "/healthz")
        assert status == 200
        assert "dashscope_slack_socket_live 0.0" in (await fetch(bot, "/metrics"))[1]
        socket_rig.slack.faults.clear()
        await until_status(bot, "/readyz", 200)


async def test_over_http_the_process_is_ready_from_the_start(rig: Rig) -> None:
    async with rig.bot() as bot:
        told = '{"ok": true, "checks": {"database": true, "dispatcher": true}}'
        assert await fetch(bot, "/readyz") == (200, told)
        assert await fetch(bot, "/healthz") == (200, '{"ok": true}')


@pytest.mark.parametrize(
    ("database", "task"),
    [("sqlite", "dispatcher"), ("postgresql", "dispatcher"), ("postgresql", "heartbeat")],
)
async def test_a_process_without_a_task_it_lives_by_is_not_ready_and_says_which(
    rig: Rig, task: str
) -> None:
    async with rig.bot() as bot:
        healthy = json.loads(await until_status(bot, "/readyz", 200))["checks"]
        (alive,) = (each for each in asyncio.all_tasks() if each.get_name() == task)
        alive.cancel()
        await asyncio.wait({alive})
        status, body = await fetch(bot, "/readyz")
    assert (status, json.loads(body)["checks"]) == (503, {**healthy, task: False})


async def test_over_the_socket_no_request_url_is_open(socket_rig: Rig) -> None:
    async with socket_rig.bot() as bot:
        assert await post(bot, json.dumps(MENTION).encode(), headers={}) == 404


async def test_metrics_tell_of_turns_first_words_and_rate_limits(any_rig: Rig) -> None:
    any_rig.slack.faults.add(Fault("chat.update", FaultKind.RATE_LIMITED))
    async with any_rig.bot() as bot:
        await any_rig.answer("count me")
        status, body = await fetch(bot, "/metrics")
    assert status == 200
    lines = set(body.splitlines())
    assert {
        'dashscope_slack_turns_total{outcome="answered"} 1.0',
        'dashscope_slack_messages_total{outcome="claimed"} 1.0',
        'dashscope_slack_messages_total{outcome="duplicate"} 1.0',
        'dashscope_slack_web_api_calls_total{method="chat.update",outcome="throttled"} 1.0',
        'dashscope_slack_app_requests_total{outcome="ok"} 1.0',
        "dashscope_slack_first_words_seconds_count 1.0",
        "dashscope_slack_answer_seconds_count 1.0",
    } <= lines
    assert "count me" not in body
