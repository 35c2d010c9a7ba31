"""The real client of memories against the playground's OpenAPI, over sockets."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import structlog

from bot.core.acs3 import AccessKey
from bot.core.memory import Memory, MemoryNode
from bot.dashscope.memories import Memories
from bot.dashscope.openapi import Account, ApiCall, Delivery, OpenApi, Waits
from bot.errors import (
    BadValue,
    DashScopeError,
    MemoryGone,
    Misconfigured,
    RequestRefused,
    Throttled,
    UpstreamFailed,
    UpstreamGarbled,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from bot.logs import configure
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

ANOTHERS = b'{"content": "x", "memoryId": "m2", "memoryNodeId": "n1", "workspaceId": "llm-1"}'
KEY = AccessKey(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
ODD = "喜欢 & likes noodles + tea? 100% ~ok~ =/'(*)! \n😀"


@pytest.fixture
def logs_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, config = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**config)


@pytest.fixture
async def memories(server: BailianServer, time: Time) -> AsyncIterator[Memories]:
    async with client(server.endpoint, time=time) as opened:
        yield opened


@asynccontextmanager
async def client(
    endpoint: str,
    *,
    time: Time,
    workspace_id: str = WORKSPACE_ID,
    key: AccessKey = KEY,
    **more: Any,
) -> AsyncGenerator[Memories]:
    options: dict[str, Any] = {"sleep": time.sleep, "clock": time.clock, "utc_now": time.utc_now}
    async with OpenApi(Account(endpoint, workspace_id, key), **options | more) as api:
        yield Memories(api)


async def test_a_memory_is_made_read_renamed_and_deleted(
    memories: Memories, server: BailianServer
) -> None:
    memory_id = await memories.create("Slack:U0123_用户")
    assert await memories.get(memory_id) == Memory(memory_id, "Slack:U0123_用户")
    await memories.update(memory_id, description="new.name-1")
    assert await memories.list() == (Memory(memory_id, "new.name-1"),)
    await memories.delete(memory_id)
    assert server.bank.memories == ()


async def test_a_fact_is_kept_read_corrected_and_forgotten(
    memories: Memories, server: BailianServer
) -> None:
    memory_id = server.bank.create()
    node_id = await memories.add_node(memory_id, content=ODD)
    assert await memories.node(memory_id, node_id) == MemoryNode(node_id, ODD)
    await memories.update_node(memory_id, node_id, content="likes rice")
    assert (await memories.nodes(memory_id)).nodes == (MemoryNode(node_id, "likes rice"),)
    await memories.delete_node(memory_id, node_id)
    assert server.bank.recall(memory_id) == ()


async def test_facts_are_read_page_by_page_and_no_further_than_asked(
    memories: Memories, server: BailianServer
) -> None:
    memory_id = server.bank.create()
    for number in range(120):
        server.bank.add(memory_id, f"fact {number}")
    every = await memories.nodes(memory_id)
    assert [node.content for node in every.nodes] == [f"fact {number}" for number in range(120)]
    assert (every.total, every.is_complete) == (120, True)
    some = await memories.nodes(memory_id, limit=60)
    assert [node.content for node in some.nodes] == [f"fact {number}" for number in range(60)]
    assert (some.total, some.is_complete) == (120, False)
    exactly = await memories.nodes(memory_id, limit=120)
    assert exactly.is_complete
    assert len(server.heard) == 3 + 2 + 3


async def test_a_last_page_that_holds_more_than_was_asked_for_is_cut(
    memories: Memories, server: BailianServer
) -> None:
    memory_id = server.bank.create()
    for number in range(80):
        server.bank.add(memory_id, f"fact {number}")
    some = await memories.nodes(memory_id, limit=60)
    assert (len(some.nodes), some.total, some.is_complete) == (60, 80, False)


async def test_a_list_that_never_ends_is_left_after_its_last_page(time: Time) -> None:
    page = b'{"memoryNodes":[{"memoryNodeId":"n","content":"c"}],"nextToken":"t","totalCount":1}'
    async with RawServer([page]) as raw, client(raw.endpoint, time=time) as memories:
        found = await memories.nodes("m1", limit=150)
    assert (len(found.nodes), found.is_complete, len(raw.requests)) == (3, False, 3)


async def test_calls_keep_a_second_between_them_even_when_made_at_once(
    memories: Memories, server: BailianServer, time: Time
) -> None:
    memory_id = server.bank.create()
    await asyncio.gather(*(memories.get(memory_id) for _ in range(4)))
    times = [heard.at for heard in server.heard]
    gaps = [later - sooner for sooner, later in pairwise(times)]
    assert {heard.status for heard in server.heard} == {200}
    assert all(gap >= timedelta(seconds=1) for gap in gaps)
    time.now_s += 10
    waited = len(time.waits)
    await memories.get(memory_id)
    assert sum(time.waits[waited:]) == 0


async def test_a_memory_is_made_before_the_facts_that_many_want_to_read(
    memories: Memories, server: BailianServer
) -> None:
    memory_id = server.bank.create()
    reading = [asyncio.create_task(memories.nodes(memory_id)) for _ in range(10)]
    async with asyncio.timeout(60):
        while not server.heard:
            await asyncio.sleep(0)
    for number in range(3):
        await memories.create(f"newcomer-{number}")
    await asyncio.gather(*reading)
    made = [at for at, heard in enumerate(server.heard) if heard.action == "CreateMemory"]
    assert made[0] <= 2  # the second of those who read may be on its way already
    assert made[2] <= 6
    assert len(server.heard) == 13
    assert {heard.status for heard in server.heard} == {200}


async def test_another_client_of_the_same_account_is_what_throttles(
    memories: Memories, server: BailianServer, time: Time
) -> None:
    memory_id = server.bank.create()
    await memories.get(memory_id)
    async with client(server.endpoint, time=time) as other:
        with pytest.raises(Throttled) as caught:
            await other.get(memory_id)
    assert (caught.value.code, caught.value.status) == ("Throttling.User", 429)


@pytest.mark.parametrize(
    "missing", ["0" * 32, "a b", "..", "", "a/b", "x" * 129], ids=lambda text: text[:8]
)
async def test_a_memory_that_does_not_exist_is_gone_for_every_call(
    memories: Memories, server: BailianServer, missing: str
) -> None:
    memory_id = server.bank.create("kept")
    for calling in (
        memories.get(missing),
        memories.update(missing, description="d"),
        memories.delete(missing),
        memories.nodes(missing),
        memories.add_node(missing, content="c"),
        memories.node(memory_id, missing),
        memories.update_node(memory_id, missing, content="c"),
        memories.delete_node(memory_id, missing),
    ):
        with pytest.raises(MemoryGone):
            await calling
    assert [kept.memory_id for kept in server.bank.memories] == [memory_id]


async def test_text_that_will_not_be_taken_is_refused_before_anything_is_sent(
    memories: Memories, server: BailianServer
) -> None:
    for calling in (
        memories.create(""),
        memories.create("d" * 51),
        memories.create("a b"),
        memories.update("m1", description="a/b"),
        memories.add_node("m1", content=" "),
        memories.add_node("m1", content="c" * 201),
        memories.update_node("m1", "n1", content=""),
    ):
        with pytest.raises(BadValue):
            await calling
    assert not server.heard


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"key": AccessKey(ACCESS_KEY_ID, "canary-wrong")}, "SignatureDoesNotMatch"),
        ({"key": AccessKey("LTAI-other", ACCESS_KEY_SECRET)}, "InvalidAccessKeyId.NotFound"),
        ({"workspace_id": "llm-other"}, "Forbidden.Workspace"),
    ],
)
async def test_a_wrong_key_or_workspace_is_the_operators_to_mend(
    server: BailianServer, time: Time, wrong: dict[str, Any], code: str
) -> None:
    async with client(server.endpoint, time=time, **wrong) as memories:
        with pytest.raises(Misconfigured) as caught:
            await memories.create("d")
    assert caught.value.code == code
    assert server.bank.memories == ()


@pytest.mark.parametrize("minutes", [-16, 16])
async def test_a_clock_more_than_a_quarter_of_an_hour_off_is_the_operators_to_mend(
    server: BailianServer, time: Time, minutes: int
) -> None:
    def off() -> Any:
        return time.utc_now() + timedelta(minutes=minutes)

    async with client(server.endpoint, time=time, utc_now=off) as memories:
        with pytest.raises(Misconfigured) as caught:
            await memories.list()
    assert caught.value.code == "InvalidTimeStamp.Expired"


async def test_a_clock_a_little_off_is_fine(server: BailianServer, time: Time) -> None:
    def off() -> Any:
        return time.utc_now() + timedelta(minutes=14)

    async with client(server.endpoint, time=time, utc_now=off) as memories:
        assert await memories.list() == ()


async def test_a_nonce_serves_once(server: BailianServer, time: Time) -> None:
    async with client(server.endpoint, time=time, new_nonce=lambda: "same") as memories:
        await memories.list()
        with pytest.raises(RequestRefused) as caught:
            await memories.list()
    assert caught.value.code == "SignatureNonceUsed"


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (Refusal(429, "Throttling.User", "w"), Throttled),
        (Refusal(400, "Throttling.Api", "w"), Throttled),
        (Refusal(403, "Forbidden.RAM", "w"), Misconfigured),
        (Refusal(400, "InvalidParameter", "w"), RequestRefused),
        (Refusal(500, "InternalError", "w"), UpstreamFailed),
    ],
)
async def test_a_refusal_is_raised_once_and_not_asked_again(
    memories: Memories, server: BailianServer, refusal: Refusal, expected: type[DashScopeError]
) -> None:
    server.desk.planned.append(refusal)
    with pytest.raises(expected) as caught:
        await memories.list()
    assert type(caught.value) is expected
    assert caught.value.request_id
    assert len(server.heard) == 1


async def test_reading_is_tried_a_second_time_when_the_connection_breaks(time: Time) -> None:
    async with RawServer([None, b'{"description":"d"}']) as raw:
        async with client(raw.endpoint, time=time) as memories:
            assert (await memories.get("m1")).description == "d"
        first, second = raw.requests
    assert len(raw.requests) == 2
    assert first["x-acs-signature-nonce"] != second["x-acs-signature-nonce"]
    assert first["x-acs-date"] != second["x-acs-date"]


async def test_reading_is_not_tried_a_third_time(time: Time) -> None:
    async with RawServer([None]) as raw, client(raw.endpoint, time=time) as memories:
        with pytest.raises(UpstreamUnreachable):
            await memories.get("m1")
    assert len(raw.requests) == 2


@pytest.mark.parametrize("method", ["create", "add_node", "update", "delete"])
async def test_nothing_that_changes_is_tried_twice(time: Time, method: str) -> None:
    async with RawServer([None]) as raw, client(raw.endpoint, time=time) as memories:
        calls = {
            "create": lambda: memories.create("d"),
            "add_node": lambda: memories.add_node("m1", content="c"),
            "update": lambda: memories.update("m1", description="d"),
            "delete": lambda: memories.delete("m1"),
        }
        with pytest.raises(UpstreamUnreachable):
            await calls[method]()
    assert len(raw.requests) == 1


async def test_a_service_that_says_nothing_is_not_waited_for(time: Time) -> None:
    waits = Waits(idle_s=0.05)
    async with (
        RawServer([RawServer.SILENCE]) as raw,
        client(raw.endpoint, time=time, waits=waits) as memories,
    ):
        with pytest.raises(UpstreamTimeout):
            await memories.create("d")
    assert len(raw.requests) == 1


async def test_waiting_for_a_turn_has_an_end_and_leaves_the_queue_usable(time: Time) -> None:
    waits = Waits(call_s=0.5)
    async with (
        RawServer([RawServer.SILENCE]) as raw,
        client(raw.endpoint, time=time, waits=waits) as memories,
    ):
        results = await asyncio.gather(
            *(memories.delete("m1") for _ in range(3)), return_exceptions=True
        )
        assert {type(result) for result in results} == {UpstreamTimeout}
        raw.bodies = [b"{}"]
        await memories.delete("m1")
    # The second may have been let through in the moment between the first one's end and its own.
    assert len(raw.requests) in {2, 3}


async def test_a_cancelled_call_leaves_the_next_one_its_turn(time: Time) -> None:
    async with (
        RawServer([RawServer.SILENCE, b"{}"]) as raw,
        client(raw.endpoint, time=time) as memories,
    ):
        calling = asyncio.create_task(memories.delete("m1"))
        await raw.heard.wait()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await memories.delete("m1")
    assert len(raw.requests) == 2


@pytest.mark.parametrize("body", [b"{}", b"[]", b"<html>", b'{"memoryId":7}'])
async def test_an_answer_without_what_was_made_is_garbled(time: Time, body: bytes) -> None:
    async with RawServer([body]) as raw, client(raw.endpoint, time=time) as memories:
        with pytest.raises(UpstreamGarbled):
            await memories.create("d")


async def test_an_answer_without_end_is_not_read_to_it(time: Time) -> None:
    body = b'{"a":"' + b"x" * 2_000_000 + b'"}'
    async with RawServer([body]) as raw, client(raw.endpoint, time=time) as memories:
        with pytest.raises(UpstreamGarbled):
            await memories.get("m1")


async def test_no_compressed_answer_is_asked_for(time: Time) -> None:
    async with RawServer([b"{}"]) as raw, client(raw.endpoint, time=time) as memories:
        with pytest.raises(UpstreamGarbled):
            await memories.create("d")
    assert [each["accept-encoding"] for each in raw.requests] == ["identity"]


@pytest.mark.usefixtures("logs_restored")
async def test_no_secret_and_no_word_of_anybody_is_ever_logged(
    server: BailianServer, time: Time, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("DEBUG", console=False)
    memory_id = server.bank.create()
    server.desk.planned += [Refusal(500, "InternalError", "canary message")]
    key = AccessKey(ACCESS_KEY_ID, ACCESS_KEY_SECRET, security_token="canary-token")
    async with client(server.endpoint, time=time, key=key) as memories:
        with pytest.raises(UpstreamFailed) as caught:
            await memories.list()
        await memories.add_node(memory_id, content="canary-content")
        await memories.update(memory_id, description="canary-description")
    async with client(server.endpoint, time=time, key=AccessKey("AKID", "canary-secret")) as wrong:
        with pytest.raises(Misconfigured) as refused:
            await wrong.add_node(memory_id, content="canary-content")
    said = capsys.readouterr().err
    assert [word in said for word in ("openapi_call.failed", "openapi_call.ended")] == [True, True]
    for text in (said, str(caught.value), repr(refused.value), str(refused.value)):
        assert "canary" not in text
        assert ACCESS_KEY_SECRET not in text
        assert "Signature=" not in text


def test_what_is_kept_shows_no_secret() -> None:
    account = Account("https://bailian.cn-beijing.aliyuncs.com", "llm-1", AccessKey("A", "canary"))
    assert "canary" not in repr(account) + repr(OpenApi(account))
    words = {"content": "canary"}
    assert "canary" not in repr(ApiCall("A", "POST", "/x", gap_s=1.0, query=words, form=words))
    url = "https://storage.example/f?Signature=canary"
    assert "canary" not in repr(Delivery("PUT", url, headers={"x": "canary"}, content=b"canary"))


@pytest.mark.parametrize(
    ("endpoint", "workspace_id"),
    [
        ("http://bailian.cn-beijing.aliyuncs.com", "llm-1"),
        ("bailian.cn-beijing.aliyuncs.com", "llm-1"),
        ("https://bailian.cn-beijing.aliyuncs.com/v1", "llm-1"),
        ("https://bailian.cn-beijing.aliyuncs.com", ""),
        ("https://bailian.cn-beijing.aliyuncs.com", ".."),
    ],
)
def test_an_account_that_cannot_be_right_is_refused_at_once(
    endpoint: str, workspace_id: str
) -> None:
    with pytest.raises(ValueError, match=r"must be|segment"):
        Account(endpoint, workspace_id, KEY)


async def test_using_it_unopened_is_a_mistake_and_closing_it_twice_is_none(
    server: BailianServer,
) -> None:
    api = OpenApi(Account(server.endpoint, WORKSPACE_ID, KEY))
    with pytest.raises(RuntimeError):
        await Memories(api).list()
    async with api:
        await api.__aexit__(None, None, None)


async def test_a_fact_of_another_memory_is_none_of_this_one(time: Time) -> None:
    async with RawServer([ANOTHERS]) as raw, client(raw.endpoint, time=time) as memories:
        with pytest.raises(MemoryGone):
            await memories.node("m1", "n1")
        assert (await memories.node("m2", "n1")).content == "x"
