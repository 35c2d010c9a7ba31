"""Slack over HTTP, from a signed request to its status."""

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from receivers import ScriptedDoor, closed_ways, receiving, reception_for
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs
from yarl import URL

from bot.core.messages import UserMessage
from bot.core.screens import Caller
from bot.metrics import Metrics
from bot.server import serving
from bot.slack.authorize import Installation, InstallationAuthorize, Installed
from bot.slack.events_http import EVENTS_PATH, routes
from bot.slack.identity import Identity
from bot.slack.listeners import build_bolt

SECRET = "s3cr3t"
SOON_S = 30.0
UNSIGNED = "delivery.unsigned"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
MENTION: dict[str, Any] = {
    "type": "event_callback",
    "team_id": "T1",
    "api_app_id": "A1",
    "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}],
    "event": {
        "type": "app_mention",
        "user": "U1",
        "text": "<@UBOT> the secret question",
        "ts": "1790000000.000100",
        "channel": "C1",
    },
}

Client = TestClient[web.Request, web.Application]


class Claims:
    """Takes messages once `open`, fails while `broken`."""

    def __init__(self) -> None:
        self.messages: list[UserMessage] = []
        self.open = asyncio.Event()
        self.open.set()
        self.broken = False
        self.asked = asyncio.Event()

    async def submit(self, message: UserMessage) -> bool:
        self.asked.set()
        await self.open.wait()
        if self.broken:
            raise RuntimeError("the database's own words")
        self.messages.append(message)
        return True


@pytest.fixture
def claims() -> Claims:
    return Claims()


@pytest.fixture
def door() -> ScriptedDoor:
    return ScriptedDoor()


@dataclass
class Watch:
    """A clock that is set by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def body_may_take_s() -> float:
    """More than any body takes, on however slow a machine; override it by parametrising."""
    return 60.0


@pytest.fixture
async def taking(
    claims: Claims, door: ScriptedDoor, metrics: Metrics, watch: Watch, body_may_take_s: float
) -> AsyncIterator[list[web.RouteDef]]:
    """The routes under test, for as long as what answers there is open."""
    identity = Identity(
        team_id="T1", bot_user_id="UBOT", bot_id="B1", app_id="A1", scopes=frozenset()
    )
    installation = Installation(identity=identity, bot_token="xoxb-1")
    reception = reception_for(door, ways=closed_ways())
    bolt = build_bolt(
        client=AsyncWebClient(base_url="http://127.0.0.1:9/api/", retry_handlers=[]),
        signing_secret=SECRET,
        authorize=InstallationAuthorize(Installed(installation)),
        receivers=receiving(claims.submit, reception=reception),
        metrics=metrics,
    )
    async with reception:
        yield routes(bolt, metrics=metrics, clock=watch, body_may_take_s=body_may_take_s)


@pytest.fixture
async def slack(taking: list[web.RouteDef]) -> AsyncIterator[Client]:
    app = web.Application()
    app.add_routes(taking)
    async with TestClient(TestServer(app, host="127.0.0.1")) as client:
        yield client


async def post(
    slack: Client,
    body: str,
    *,
    content_type: str = JSON,
    secret: str = SECRET,
    age_s: float = 0,
) -> ClientResponse:
    stamp = str(int(time.time() - age_s))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    headers = {
        "content-type": content_type,
        "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={digest}",
    }
    return await slack.post(EVENTS_PATH, data=BytesIO(body.encode()), headers=headers)


async def begun(
    server: URL, *, content_type: str = JSON, header: str = "Accept: */*"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a head and the first byte of its body."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    head = f"POST {EVENTS_PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n{header}\r\n"
    writer.write(f"{head}Content-Type: {content_type}\r\n\r\n{{".encode())
    return reader, writer


async def status(reader: asyncio.StreamReader) -> int:
    return int((await reader.readline()).split()[1])


async def test_a_signed_question_is_claimed(slack: Client, claims: Claims) -> None:
    assert (await post(slack, json.dumps(MENTION))).status == 200
    assert [message.ts for message in claims.messages] == ["1790000000.000100"]


async def test_slack_gets_its_200_only_after_the_claim(slack: Client, claims: Claims) -> None:
    claims.open.clear()
    delivery = asyncio.create_task(post(slack, json.dumps(MENTION)))
    await claims.asked.wait()
    done, _ = await asyncio.wait({delivery}, timeout=0.1)
    assert not done
    claims.open.set()
    assert (await delivery).status == 200


async def test_a_failed_claim_is_a_500_without_a_word_about_why(
    slack: Client, claims: Claims
) -> None:
    claims.broken = True
    response = await post(slack, json.dumps(MENTION))
    assert (response.status, await response.text()) == (500, "")
    claims.broken = False
    assert (await post(slack, json.dumps(MENTION))).status == 200


@pytest.mark.parametrize(("secret", "age_s"), [("another", 0), (SECRET, 600), (SECRET, -600)])
async def test_a_wrong_signature_or_a_stale_request_is_a_401_and_its_body_not_logged(
    slack: Client,
    claims: Claims,
    caplog: pytest.LogCaptureFixture,
    secret: str,
    age_s: float,
) -> None:
    caplog.set_level(logging.DEBUG)
    response = await post(slack, json.dumps(MENTION), secret=secret, age_s=age_s)
    assert response.status == 401
    assert claims.messages == []
    assert "secret question" not in caplog.text


async def test_an_unsigned_request_is_a_401(slack: Client) -> None:
    assert (await slack.post(EVENTS_PATH, json=MENTION)).status == 401


async def test_unsigned_requests_are_all_counted_and_told_once_a_minute(
    slack: Client, metrics: Metrics, watch: Watch
) -> None:
    with capture_logs() as logs:
        for watch.now in (0.0, 1.0, 59.0, 60.0, 61.0):
            await post(slack, json.dumps(MENTION), secret="another")
        await post(slack, json.dumps(MENTION))
    told = [(line["log_level"], line["count"]) for line in logs if line["event"] == UNSIGNED]
    assert told == [("warning", 1), ("warning", 3)]
    assert b'dashscope_slack_messages_total{outcome="unsigned"} 5.0' in metrics.text()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("{", JSON),
        ("[]", JSON),
        ('"text"', JSON),
        ('{"authorizations": 7}', JSON),
        ("payload=%7B", FORM),
        ("[" * 200_000, JSON),
        ("{}", "application/json; charset=unheard-of"),
    ],
)
async def test_an_unreadable_body_is_a_400(slack: Client, body: str, content_type: str) -> None:
    response = await post(slack, body, content_type=content_type)
    assert (response.status, await response.text()) == (400, "")


@pytest.mark.parametrize("charset", ["punycode", "latin-1", "utf-16", "rot13", '"a b"'])
async def test_another_charset_than_utf_8_is_a_400_before_the_body_is_there(
    slack: Client, charset: str
) -> None:
    async with asyncio.timeout(SOON_S):
        reader, writer = await begun(
            slack.make_url("/"), content_type=f"text/plain; charset={charset}"
        )
        assert await status(reader) == 400
    writer.close()


@pytest.mark.parametrize("charset", ["utf-8", "UTF-8", "utf8"])
async def test_a_charset_that_is_utf_8_may_be_named(slack: Client, charset: str) -> None:
    content_type = f"{JSON}; charset={charset}"
    assert (await post(slack, json.dumps(MENTION), content_type=content_type)).status == 200


async def test_bytes_that_are_not_utf_8_are_a_400(slack: Client) -> None:
    response = await slack.post(EVENTS_PATH, data=b"\xff", headers={"content-type": JSON})
    assert response.status == 400


@pytest.mark.parametrize("body_may_take_s", [0.2])
async def test_a_body_that_takes_too_long_is_a_408(slack: Client) -> None:
    async with asyncio.timeout(SOON_S):
        reader, writer = await begun(slack.make_url("/"))
        assert await status(reader) == 408
    writer.close()


async def test_a_body_that_is_broken_off_is_no_error(
    taking: list[web.RouteDef], caplog: pytest.LogCaptureFixture
) -> None:
    with capture_logs() as logs:
        async with serving(taking, host="127.0.0.1", port=0) as address, asyncio.timeout(SOON_S):
            reader, writer = await begun(URL(address), header="Expect: 100-continue")
            assert await status(reader) == 100  # it is waited for now
            writer.close()
            while not logs:
                await asyncio.sleep(0)
    told = [(line["event"], line["error"]) for line in logs]
    assert told == [("delivery.unreadable", "ConnectionResetError")]
    assert [line for line in caplog.records if line.levelno >= logging.ERROR] == []


async def test_a_body_that_is_packed_wrongly_is_a_400(slack: Client) -> None:
    headers = {"content-type": JSON, "content-encoding": "gzip"}
    assert (await slack.post(EVENTS_PATH, data=b"no gzip", headers=headers)).status == 400


async def test_a_body_over_one_mebibyte_is_a_413(slack: Client) -> None:
    assert (await post(slack, "a" * (2**20 + 1))).status == 413


async def test_slacks_challenge_is_answered_without_an_installation_being_asked(
    slack: Client,
) -> None:
    response = await post(slack, json.dumps({"type": "url_verification", "challenge": "abc"}))
    assert response.status == 200
    assert await response.json() == {"challenge": "abc"}


async def test_slacks_certificate_check_is_answered(slack: Client) -> None:
    body = urlencode({"ssl_check": "1", "token": "legacy"})
    response = await slack.post(EVENTS_PATH, data=body, headers={"content-type": FORM})
    assert response.status == 200


async def test_a_command_comes_in_as_a_form(slack: Client, door: ScriptedDoor) -> None:
    body = urlencode({"command": "/dashscope", "text": "help", "team_id": "T1", "user_id": "U1"})
    response = await post(slack, body, content_type=FORM)
    assert (response.status, await response.text()) == (200, "")
    assert door.commands == [(Caller("T1", "", "U1", user_team_id="T1"), "help")]


async def test_a_click_comes_in_as_a_form_with_a_payload(slack: Client) -> None:
    click = {"type": "block_actions", "team": {"id": "T1"}, "actions": [{"action_id": "x"}]}
    response = await post(slack, urlencode({"payload": json.dumps(click)}), content_type=FORM)
    assert response.status == 200


async def test_another_method_is_a_405(slack: Client) -> None:
    assert (await slack.get(EVENTS_PATH)).status == 405
