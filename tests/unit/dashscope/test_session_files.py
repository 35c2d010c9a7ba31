"""The real client of session files against the playground's OpenAPI, over sockets."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog

from bot.core.acs3 import AccessKey
from bot.dashscope.openapi import Account, OpenApi
from bot.dashscope.session_files import Bounds, SessionFiles
from bot.errors import (
    ContentBlocked,
    DashScopeError,
    FileRefused,
    Misconfigured,
    RequestRefused,
    Throttled,
    UpstreamGarbled,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from bot.playground.bailian import (
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    WORKSPACE_ID,
    BailianServer,
    Refusal,
)
from tests.unit.dashscope.passing_time import Time
from tests.unit.dashscope.raw_server import RawServer

pytestmark = pytest.mark.usefixtures("no_task_left")

CONTENT = b"# A report\n\nNoodles are up.\n" * 100
NAME = "报告 & more.md"


def api_of(endpoint: str, *, time: Time) -> OpenApi:
    account = Account(endpoint, WORKSPACE_ID, AccessKey(ACCESS_KEY_ID, ACCESS_KEY_SECRET))
    return OpenApi(account, sleep=time.sleep, clock=time.clock, utc_now=time.utc_now)


async def in_pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 1000):
        yield content[start : start + 1000]


async def upload(
    endpoint: str,
    *,
    time: Time,
    name: str = NAME,
    content: bytes = CONTENT,
    size_bytes: int | None = None,
    bounds: Bounds | None = None,
) -> str:
    async with api_of(endpoint, time=time) as api:
        files = SessionFiles(api, bounds=bounds, sleep=time.sleep, clock=time.clock)
        return await files.upload(
            name, in_pieces(content), size_bytes=len(content) if size_bytes is None else size_bytes
        )


def lease_to(url: str, **changes: Any) -> bytes:
    param = {"Url": url, "Method": "PUT", "Headers": {"X-bailian-extra": "x"}} | changes
    return json.dumps({"Data": {"FileUploadLeaseId": "l1", "Param": param}}).encode()


async def test_a_file_is_leased_brought_added_and_waited_for(
    server: BailianServer, time: Time
) -> None:
    file_id = await upload(server.endpoint, time=time)
    [file] = server.desk.files.files
    assert (file.file_id, file.name, file.content) == (file_id, NAME, CONTENT)
    assert file_id.startswith("file_session_")
    actions = [heard.action for heard in server.heard]
    assert actions == ["ApplyFileUploadLease", "AddFile", *["DescribeFile"] * 5]
    assert time.now_s >= 4 * 2.0


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("PARSE_FAILED", FileRefused),
        ("FILE_EXPIRED", FileRefused),
        ("SAFE_CHECK_FAILED", ContentBlocked),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_in_the_right_class(
    server: BailianServer, time: Time, state: str, expected: type[DashScopeError]
) -> None:
    server.desk.files.states = ("INIT", state)
    with pytest.raises(expected) as caught:
        await upload(server.endpoint, time=time)
    assert caught.value.code == state


async def test_a_file_that_is_never_ready_is_not_waited_for_longer_than_that(
    server: BailianServer, time: Time
) -> None:
    server.desk.files.states = ("PARSING",)
    with pytest.raises(UpstreamTimeout):
        await upload(server.endpoint, time=time, bounds=Bounds(poll_s=2, ready_within_s=10))
    assert 10 <= time.now_s < 15


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a.c"},
        {"name": "../../etc/passwd.txt"},
        {"size_bytes": 0},
        {"size_bytes": len(CONTENT) - 1},
        {"size_bytes": len(CONTENT) + 1},
        {"bounds": Bounds(max_bytes=len(CONTENT) - 1)},
    ],
    ids=str,
)
async def test_what_will_not_do_is_refused_before_anything_is_sent(
    server: BailianServer, time: Time, wrong: dict[str, Any]
) -> None:
    with pytest.raises(FileRefused):
        await upload(server.endpoint, time=time, **wrong)
    assert not server.heard


async def test_a_file_longer_than_it_was_said_to_be_is_not_read_to_its_end(
    server: BailianServer, time: Time
) -> None:
    read: list[bytes] = []

    async def longer() -> AsyncIterator[bytes]:
        for _ in range(100):
            read.append(b"x" * 10)
            yield read[-1]

    async with api_of(server.endpoint, time=time) as api:
        with pytest.raises(FileRefused):
            await SessionFiles(api).upload(NAME, longer(), size_bytes=25)
    assert len(read) == 3


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (Refusal(429, "Throttling.User", "w"), Throttled),
        (Refusal(403, "NoPermission", "w"), Misconfigured),
        (Refusal(404, "Category.NotFound", "w"), FileRefused),
    ],
)
async def test_a_refused_lease_ends_the_upload(
    server: BailianServer, time: Time, refusal: Refusal, expected: type[DashScopeError]
) -> None:
    server.desk.planned.append(refusal)
    with pytest.raises(expected):
        await upload(server.endpoint, time=time)
    assert len(server.heard) == 1


async def test_a_storage_that_refuses_or_breaks_ends_the_upload(
    server: BailianServer, time: Time
) -> None:
    strange = f"{server.endpoint}/-/uploads/unknown"
    async with RawServer([lease_to(strange)]) as raw:
        with pytest.raises(RequestRefused):
            await upload(raw.endpoint, time=time)
    async with RawServer([None]) as storage, RawServer([lease_to(storage.endpoint)]) as raw:
        with pytest.raises(UpstreamUnreachable):
            await upload(raw.endpoint, time=time)
    assert len(storage.requests) == 1


async def test_only_what_the_lease_says_goes_to_the_storage_and_never_the_key(time: Time) -> None:
    headers = {"X-bailian-extra": "x", "Content-Type": "", "Host": "evil.example", "n": 7}
    async with (
        RawServer([b"{}"]) as storage,
        RawServer([lease_to(storage.endpoint, Headers=headers), b"{}"]) as raw,
    ):
        with pytest.raises(UpstreamGarbled):
            await upload(raw.endpoint, time=time)
    [brought] = storage.requests
    assert (brought["x-bailian-extra"], brought["content-type"]) == ("x", "")
    assert brought["host"] == storage.endpoint.removeprefix("http://")
    assert "authorization" not in brought
    assert ACCESS_KEY_ID not in str(brought)


@pytest.mark.parametrize(
    "lease",
    [
        lease_to("http://storage.example/x"),
        lease_to("ftp://127.0.0.1/x"),
        lease_to(""),
        lease_to("https://storage.example/x", Method="DELETE"),
        b"{}",
        b'{"Data":{"Param":7}}',
    ],
)
async def test_a_lease_that_leads_nowhere_safe_is_not_followed(time: Time, lease: bytes) -> None:
    async with RawServer([lease]) as raw:
        with pytest.raises(UpstreamGarbled):
            await upload(raw.endpoint, time=time)


async def test_a_file_that_is_no_session_file_is_not_waited_for(time: Time) -> None:
    async with (
        RawServer([b"{}"]) as storage,
        RawServer([lease_to(storage.endpoint), b'{"Data":{"FileId":"file_1"}}']) as raw,
    ):
        with pytest.raises(UpstreamGarbled):
            await upload(raw.endpoint, time=time)
    assert len(raw.requests) == 2


async def test_no_more_files_are_held_at_once_than_there_is_room_for(
    server: BailianServer, time: Time
) -> None:
    reading, most = 0, 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        await asyncio.sleep(0)
        yield CONTENT
        reading -= 1

    async with api_of(server.endpoint, time=time) as api:
        bounds = Bounds(at_once=2)
        files = SessionFiles(api, bounds=bounds, sleep=time.sleep, clock=time.clock)
        ids = await asyncio.gather(
            *(files.upload(NAME, counted(), size_bytes=len(CONTENT)) for _ in range(6))
        )
    assert (len(set(ids)), most) == (6, 2)


async def test_neither_a_name_nor_an_address_is_logged(
    server: BailianServer, time: Time, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with structlog.testing.capture_logs() as lines:
        await upload(server.endpoint, time=time, name="canary.md")
    said = json.dumps(lines, default=repr) + caplog.text
    assert "AddFile" in said
    assert not any(word in said for word in ("canary", "uploads", ACCESS_KEY_SECRET))
