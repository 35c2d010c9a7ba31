"""Files the bot sends."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import (
    SlackError,
    SlackRefused,
    SlackThrottled,
    SlackTokenRefused,
    SlackUnavailable,
)
from bot.metrics import Metrics
from bot.playground.slack import BOT_TOKEN, SlackServer, User, Workspace
from bot.slack.budgets import Budgets
from bot.slack.calls import Calls
from bot.slack.uploads import (
    ANNOUNCE,
    BYTES_MOST,
    CARRY,
    COMPLETE,
    SlackUploads,
    Upload,
    is_slacks,
)
from bot.slack.web_api import WebApi

API_URL = "https://slack.com/api/"
UPLOAD = Upload(name="usage.png", content=b"\x89PNG" * 5, title="Usage", comment="7 < 8 & <!here>")


@dataclass
class Harbour:
    """Where bytes are carried to."""

    url: str = ""
    status: int = 200
    is_silent: bool = False
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        if self.is_silent:
            await self.released.wait()
        return web.Response(status=self.status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def harbour() -> AsyncIterator[Harbour]:
    harbour = Harbour()
    app = web.Application(client_max_size=BYTES_MOST)
    app.router.add_route("*", "/{path:.*}", harbour.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        harbour.url = str(server.make_url("/upload/v1/ABC"))
        yield harbour
        harbour.released.set()


@pytest.fixture
def uploads(scripted_slack: Any, calls: Calls, harbour: Harbour) -> SlackUploads:
    scripted_slack.says("conversations.open", scripted_slack.ok(channel={"id": "D1"}))
    scripted_slack.says(ANNOUNCE, scripted_slack.ok(file_id="F1", upload_url=harbour.url))
    return SlackUploads(calls=calls, api_url=scripted_slack.url)


async def failure(uploads: SlackUploads, upload: Upload = UPLOAD) -> SlackError:
    with pytest.raises(SlackError) as failed:
        await uploads.send_to_person("T1", "U1", upload)
    return failed.value


async def test_a_file_is_announced_carried_without_a_token_and_shared_in_direct_messages(
    scripted_slack: Any, uploads: SlackUploads, harbour: Harbour
) -> None:
    await uploads.send_to_person("T1", "U1", UPLOAD)
    assert [heard.method for heard in scripted_slack.heard] == [
        "conversations.open",
        ANNOUNCE,
        COMPLETE,
    ]
    assert scripted_slack.calls(ANNOUNCE) == [{"filename": "usage.png", "length": "20"}]
    assert harbour.bodies == [UPLOAD.content]
    (headers,) = harbour.headers
    assert "Authorization" not in headers
    assert "Cookie" not in headers
    (completed,) = scripted_slack.calls(COMPLETE)
    assert completed["files"] == [{"id": "F1", "title": "Usage"}]
    assert completed["channel_id"] == "D1"


async def test_a_comment_is_plain_words(scripted_slack: Any, uploads: SlackUploads) -> None:
    await uploads.send_to_person("T1", "U1", UPLOAD)
    (completed,) = scripted_slack.calls(COMPLETE)
    assert completed["initial_comment"] == "7 &lt; 8 &amp; &lt;!here&gt;"


async def test_the_playgrounds_slack_shows_the_file_to_its_reader() -> None:
    workspace, metrics = Workspace(), Metrics()
    workspace.add_user(User("U0ANN", name="ann"))

    async def token_for(_: str) -> str:
        return BOT_TOKEN

    async with (
        SlackServer(workspace) as server,
        WebApi(base_url=server.api_url) as api,
        Budgets(metrics=metrics) as budgets,
    ):
        calls = Calls(api=api, budgets=budgets, metrics=metrics, token_for=token_for)
        uploads = SlackUploads(calls=calls, api_url=server.api_url)
        await uploads.send_to_person(workspace.team_id, "U0ANN", UPLOAD)
    dm = workspace.dm(workspace.app.bot_user_id, "U0ANN")
    (message,) = workspace.messages(dm.channel_id)
    (file,) = message.draft.files
    assert (file.content, file.title) == (UPLOAD.content, "Usage")
    assert workspace.pings == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, SlackUnavailable), (404, SlackRefused), (302, SlackRefused), (307, SlackRefused)],
)
async def test_bytes_that_were_not_taken_are_not_shared_nor_carried_elsewhere(
    scripted_slack: Any,
    uploads: SlackUploads,
    harbour: Harbour,
    status: int,
    kind: type[SlackError],
) -> None:
    harbour.status = status
    error = await failure(uploads)
    assert type(error) is kind
    assert (error.method, error.status) == (CARRY, status)
    assert len(harbour.bodies) == 1
    assert scripted_slack.calls(COMPLETE) == []


@pytest.mark.usefixtures("uploads")
async def test_an_address_that_does_not_answer_is_given_up(
    scripted_slack: Any, calls: Calls, harbour: Harbour
) -> None:
    harbour.is_silent = True
    error = await failure(SlackUploads(calls=calls, api_url=scripted_slack.url, timeout_s=0.1))
    assert type(error) is SlackUnavailable
    assert scripted_slack.calls(COMPLETE) == []


async def test_bytes_go_nowhere_but_to_slack(
    scripted_slack: Any, calls: Calls, harbour: Harbour
) -> None:
    scripted_slack.says("conversations.open", scripted_slack.ok(channel={"id": "D1"}))
    scripted_slack.says(ANNOUNCE, scripted_slack.ok(file_id="F1", upload_url=harbour.url))
    error = await failure(SlackUploads(calls=calls, api_url=API_URL))
    assert type(error) is SlackRefused
    assert error.code == "foreign_host"
    assert harbour.bodies == []


@pytest.mark.parametrize("size", [0, BYTES_MOST + 1])
async def test_a_file_of_an_impossible_size_costs_no_call(
    scripted_slack: Any, uploads: SlackUploads, size: int
) -> None:
    error = await failure(uploads, replace(UPLOAD, content=b"x" * size))
    assert type(error) is SlackRefused
    assert scripted_slack.heard == []


async def test_a_file_of_the_largest_size_is_carried(
    uploads: SlackUploads, harbour: Harbour
) -> None:
    await uploads.send_to_person("T1", "U1", replace(UPLOAD, content=b"x" * BYTES_MOST))
    assert [len(body) for body in harbour.bodies] == [BYTES_MOST]


@pytest.mark.parametrize("method", ["conversations.open", ANNOUNCE, COMPLETE])
@pytest.mark.parametrize(
    ("code", "kind"), [("missing_scope", SlackTokenRefused), ("ratelimited", SlackThrottled)]
)
async def test_a_refused_step_is_the_last_one(
    scripted_slack: Any, calls: Calls, harbour: Harbour, method: str, code: str, kind: type
) -> None:
    answers = {
        "conversations.open": scripted_slack.ok(channel={"id": "D1"}),
        ANNOUNCE: scripted_slack.ok(file_id="F1", upload_url=harbour.url),
    }
    for name, answer in {**answers, method: scripted_slack.refuses(code)}.items():
        scripted_slack.says(name, answer)
    error = await failure(SlackUploads(calls=calls, api_url=scripted_slack.url))
    assert type(error) is kind
    assert scripted_slack.heard[-1].method == error.method == method


@pytest.mark.parametrize("answer", [{}, {"file_id": 7, "upload_url": "x"}, {"file_id": "F1"}])
async def test_an_answer_without_an_address_is_no_answer(
    scripted_slack: Any, calls: Calls, answer: dict[str, Any]
) -> None:
    scripted_slack.says("conversations.open", scripted_slack.ok(channel={"id": "D1"}))
    scripted_slack.says(ANNOUNCE, scripted_slack.ok(**answer))
    error = await failure(SlackUploads(calls=calls, api_url=scripted_slack.url))
    assert type(error) is SlackUnavailable


@pytest.mark.parametrize(
    ("url", "api_url"),
    [
        ("https://files.slack.com/upload/v1/ABC", API_URL),
        ("https://slack.com/upload", "http://127.0.0.1:8999/api/"),
        ("https://FILES.SLACK.COM:443/upload", API_URL),
        ("http://127.0.0.1:8999/files/upload/1", "http://127.0.0.1:8999/api/"),
        ("https://files.slack-gov.com/upload", "https://slack-gov.com/api/"),
        ("https://proxy.example/upload", "https://proxy.example/api/"),
    ],
)
def test_slacks_own_addresses_are_trusted(url: str, api_url: str) -> None:
    assert is_slacks(url, api_url=api_url)


@pytest.mark.parametrize(
    "url",
    [
        "http://files.slack.com/upload",
        "https://files.slack.com.example/upload",
        "https://notslack.com/upload",
        "https://files.slack.com@evil.example/upload",
        "https://evil.example#@files.slack.com",
        "https://evil.example\\.slack.com/upload",
        "https://user@files.slack.com/upload",
        "https://127.0.0.1/upload",
        "http://127.0.0.1/upload",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
        "ftp://files.slack.com/upload",
        "//files.slack.com/upload",
        "https://[::1",
        "https://slack.com:99999/",
        "https://files.slack.com/up load",
        "https://files.slack.com/\r\nHost: evil.example",
        "\thttps://files.slack.com/upload",
        "https://files.ｓlack.com/upload",
        "",
    ],
)
def test_every_other_address_is_foreign(url: str) -> None:
    assert not is_slacks(url, api_url=API_URL)


@given(st.text(), st.text())
def test_no_address_breaks_the_check(url: str, api_url: str) -> None:
    assert is_slacks(url, api_url=api_url) in {True, False}
