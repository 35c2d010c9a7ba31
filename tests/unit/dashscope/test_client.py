"""The real client against a server that replays bytes, faults included."""

import asyncio
import gzip
import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.core.answer import MAX_ANSWER_CHARS, Answer
from bot.core.question import AppKind, AppProfile, Question
from bot.dashscope.client import DashScope, Timeouts
from bot.errors import (
    AccountProblem,
    ContentBlocked,
    DashScopeError,
    Misconfigured,
    RequestRefused,
    Throttled,
    UpstreamFailed,
    UpstreamGarbled,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from bot.metrics import Metrics
from bot.turns.ports import Apps
from tests.unit.dashscope.passing_time import Time
from tests.unit.dashscope.replay_server import (
    Part,
    ReplayServer,
    Reset,
    Stall,
    chunked_stream,
    response,
    stream,
)

pytestmark = pytest.mark.usefixtures("no_task_left")

FIXTURES = Path(__file__).parents[2] / "fixtures" / "dashscope"
RECORDED = (FIXTURES / "agent_stream_incremental.sse").read_bytes()
RECORDED_TEXT = "我是来自阿里云的超大规模语言模型,我叫通义千问。"
KEY = "sk-0123456789"
PROMPT = "the words of the user"
IMPATIENT = Timeouts(idle_s=0.5, probe_s=0.5)
THROTTLED = b'{"code":"Throttling.RateQuota","message":"slow","request_id":"r1"}'


def client(
    *, time: Time | None = None, timeouts: Timeouts | None = None, metrics: Metrics | None = None
) -> DashScope:
    time = time or Time()
    return DashScope(
        metrics=metrics or Metrics(),
        timeouts=timeouts,
        sleep=time.sleep,
        clock=time.clock,
        jitter=lambda: 0.0,
    )


def profile(base_url: str) -> AppProfile:
    return AppProfile(
        name="default", app_id="APP", kind=AppKind.AGENT, base_url=base_url, api_key=KEY
    )


async def ask(apps: Apps, base_url: str) -> Answer:
    async with apps.ask(Question(profile(base_url), PROMPT)) as answering:
        async for _ in answering:
            pass
        return answering.answer


async def answer_of(*scripts: Sequence[Part], **options: Any) -> tuple[Answer, ReplayServer]:
    async with ReplayServer(scripts) as server, client(**options) as apps:
        return await ask(apps, server.base_url), server


async def error_of(*scripts: Sequence[Part], **options: Any) -> tuple[DashScopeError, int]:
    """Return the error of asking and how many requests were made."""
    async with ReplayServer(scripts) as server, client(**options) as apps:
        with pytest.raises(DashScopeError) as caught:
            await ask(apps, server.base_url)
        return caught.value, len(server.received)


def delta(text: str, *, reason: str = "null", **more: Any) -> bytes:
    output = {"text": text, "finish_reason": reason, "session_id": "s1"} | more
    return b"data:" + json.dumps({"output": output, "request_id": "r1"}).encode() + b"\n\n"


DONE = delta("", reason="stop")


async def test_an_answer_is_streamed_to_its_end() -> None:
    answer, server = await answer_of(stream(RECORDED))
    assert answer.text == RECORDED_TEXT
    assert answer.complete
    [request] = server.received
    assert request.path == "/api/v1/apps/APP/completion"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["x-dashscope-sse"] == "enable"
    assert request.body["input"] == {"prompt": PROMPT}


@pytest.mark.parametrize("cut", range(0, len(RECORDED), 97))
async def test_an_answer_is_the_same_wherever_the_network_cuts_it(cut: int) -> None:
    parts = [part for part in (RECORDED[:cut], RECORDED[cut:]) if part]
    answer, _ = await answer_of(stream(*parts))
    assert (answer.text, answer.complete) == (RECORDED_TEXT, True)


async def test_iterating_yields_once_for_each_event_and_the_answer_grows() -> None:
    seen: list[str] = []
    async with (
        ReplayServer([stream(delta("a") + delta("b"), delta("c"), DONE)]) as server,
        client() as apps,
        apps.ask(Question(profile(server.base_url), PROMPT)) as answering,
    ):
        async for _ in answering:
            seen.append(answering.answer.text)  # noqa: PERF401 - the answer is looked at each time
    assert seen == ["a", "ab", "abc", "abc"]


async def test_the_first_event_is_in_hand_on_entering() -> None:
    async with (
        ReplayServer([stream(delta("a"), Stall)]) as server,
        client() as apps,
        apps.ask(Question(profile(server.base_url), PROMPT)) as answering,
    ):
        assert answering.answer.text == "a"


async def test_throttling_is_waited_for_as_long_as_the_gateway_asks() -> None:
    time = Time()
    answer, server = await answer_of(
        response(429, THROTTLED, retry_after="7"), stream(delta("a"), DONE), time=time
    )
    assert answer.text == "a"
    assert time.waits == [7.0]
    assert len(server.received) == 2


async def test_throttling_told_by_the_first_event_is_waited_for_too() -> None:
    throttled = (FIXTURES / "secondary/error_first_event_http200.sse").read_bytes()
    time = Time()
    answer, _ = await answer_of(stream(throttled), stream(delta("a"), DONE), time=time)
    assert answer.text == "a"
    assert time.waits == [0.5]


async def test_throttling_without_end_is_given_up_after_a_few_tries() -> None:
    error, requests = await error_of(response(429, THROTTLED))
    assert isinstance(error, Throttled)
    assert (error.request_id, requests) == ("r1", 4)


async def test_no_reader_waits_for_more_tries_than_fit_into_half_a_minute() -> None:
    time = Time()
    error, requests = await error_of(response(429, THROTTLED, retry_after="20"), time=time)
    assert isinstance(error, Throttled)
    assert (time.waits, requests) == ([20.0], 2)


async def test_an_answer_that_never_begins_is_given_up_at_the_deadline() -> None:
    async with (
        ReplayServer([[Stall]]) as server,
        DashScope(metrics=Metrics(), deadline_s=0.5) as apps,
        asyncio.timeout(60),
    ):
        with pytest.raises(UpstreamTimeout):
            await ask(apps, server.base_url)
    assert len(server.received) == 1


async def test_a_connection_that_breaks_before_a_byte_came_is_tried_once_more() -> None:
    answer, server = await answer_of([Reset], stream(delta("a"), DONE))
    assert answer.text == "a"
    assert len(server.received) == 2
    error, requests = await error_of([Reset])
    assert isinstance(error, UpstreamUnreachable)
    assert requests == 2


async def test_a_refused_connection_is_tried_once_more() -> None:
    async with ReplayServer([stream(DONE)]) as server:
        closed = server.base_url
    time = Time()
    async with client(time=time) as apps:
        with pytest.raises(UpstreamUnreachable):
            await ask(apps, closed)
    assert time.waits == [0.5]


@pytest.mark.parametrize(
    ("status", "body", "expected", "requests"),
    [
        (401, (FIXTURES / "error_invalid_key.json").read_bytes(), Misconfigured, 1),
        (400, b'{"code":"InvalidParameter"}', RequestRefused, 1),
        (429, b'{"code":"PrepaidBillOverdue"}', AccountProblem, 1),
        (
            *(400, (FIXTURES / "secondary/error_pre_stream_http400_body.txt").read_bytes()),
            *(AccountProblem, 1),
        ),
        (500, b'{"code":"InternalError"}', UpstreamFailed, 2),
        (502, b"<html>", UpstreamFailed, 2),
        (503, b"", UpstreamFailed, 4),
        (504, b"", UpstreamTimeout, 1),
        (302, b"", Misconfigured, 1),
    ],
)
async def test_an_error_before_the_stream_is_classified_and_asked_again_only_where_that_is_safe(
    status: int, body: bytes, expected: type[DashScopeError], requests: int
) -> None:
    error, made = await error_of(response(status, body, x_request_id="from-header"))
    assert type(error) is expected
    assert (error.status, made) == (status, requests)
    assert error.request_id is not None


@pytest.mark.parametrize("fault", [Reset, Stall])
async def test_an_error_whose_body_never_ends_is_known_by_its_status(fault: Part) -> None:
    script = response(401, b'{"code":', fault, content_length="900")
    error, _ = await error_of(script, timeouts=IMPATIENT)
    assert isinstance(error, Misconfigured)


async def test_a_body_of_an_error_is_read_within_bounds() -> None:
    async with asyncio.timeout(20):  # sooner than a body that stalls is given up
        error, _ = await error_of(response(400, *[b"x" * 65536] * 40, Stall))
    assert isinstance(error, RequestRefused)


MID_STREAM: list[tuple[str, type[DashScopeError]]] = [
    ("error_mid_stream_inspection.sse", ContentBlocked),
    ("error_mid_stream_throttling.sse", Throttled),
]


@pytest.mark.parametrize(("name", "expected"), MID_STREAM)
async def test_an_error_in_the_middle_is_raised_keeps_the_text_and_is_never_asked_again(
    name: str, expected: type[DashScopeError]
) -> None:
    metrics = Metrics()
    async with (
        ReplayServer([stream((FIXTURES / "secondary" / name).read_bytes())]) as server,
        client(metrics=metrics) as apps,
        apps.ask(Question(profile(server.base_url), PROMPT)) as answering,
    ):
        with pytest.raises(expected):
            async for _ in answering:
                pass
        assert answering.answer.text.startswith("Half")
    assert len(server.received) == 1
    assert outcomes(metrics) == {expected.__name__: 1}


@pytest.mark.parametrize("fault", [(), (Reset,)], ids=["end", "reset"])
async def test_a_stream_that_ends_too_early_is_a_cut_answer_and_never_asked_again(
    fault: tuple[Part, ...],
) -> None:
    for first in (delta("Half"), delta("")):
        metrics = Metrics()
        answer, server = await answer_of(stream(first, *fault), metrics=metrics)
        assert not answer.complete
        assert answer.session_id == "s1"
        assert len(server.received) == 1
        assert outcomes(metrics) == {"cut": 1}


async def test_a_chunked_stream_broken_in_the_middle_is_a_cut_answer() -> None:
    answer, server = await answer_of([*chunked_stream(delta("Half"), end=False), Reset])
    assert (answer.text, answer.complete) == ("Half", False)
    assert len(server.received) == 1


async def test_silence_after_text_is_a_cut_answer() -> None:
    answer, server = await answer_of(stream(delta("Half"), Stall), timeouts=IMPATIENT)
    assert (answer.text, answer.complete) == ("Half", False)
    assert len(server.received) == 1


async def test_silence_before_any_text_is_a_timeout_and_never_asked_again() -> None:
    for script in (stream(Stall), stream(delta(""), Stall), [Stall]):
        error, requests = await error_of(script, timeouts=IMPATIENT)
        assert isinstance(error, UpstreamTimeout)
        assert requests == 1


async def test_the_deadline_cuts_an_answer_that_never_ends() -> None:
    for text, ends_as in (("x", "cut"), ("", "UpstreamTimeout")):
        metrics, time = Metrics(), Time()
        script = stream(*[delta(text)] * 50, Stall)
        async with (
            ReplayServer([script]) as server,
            DashScope(metrics=metrics, deadline_s=5, clock=time.clock) as apps,
            apps.ask(Question(profile(server.base_url), PROMPT)) as answering,
        ):
            await drain(answering, until_s=5, time=time)
        assert outcomes(metrics) == {ends_as: 1}


async def drain(answering: Any, *, until_s: float, time: Time) -> None:
    """Read on while a second passes with each event."""
    try:
        async for _ in answering:
            time.now_s += 1
    except UpstreamTimeout:
        assert time.now_s >= until_s


async def test_the_deadline_counts_from_the_first_try() -> None:
    time = Time()
    async with (
        ReplayServer([response(429, THROTTLED, retry_after="7"), stream(DONE)]) as server,
        DashScope(metrics=Metrics(), deadline_s=5, clock=time.clock, sleep=time.sleep) as apps,
    ):
        with pytest.raises(UpstreamTimeout):
            await ask(apps, server.base_url)


@pytest.mark.parametrize(
    "script",
    [
        stream(),
        stream(b": ping\n\n"),
        stream(Reset),
        stream(b"data:{"),
    ],
)
async def test_a_stream_without_any_event_is_unreachable_and_not_asked_again(
    script: Sequence[Part],
) -> None:
    error, requests = await error_of(script)
    assert isinstance(error, UpstreamUnreachable)
    assert requests == 1


@pytest.mark.parametrize(
    "script",
    [
        response(200, b"<html>login</html>", content_type="text/html"),
        response(200, b"not JSON", content_type="application/json"),
        response(200, b"{}", content_type="application/json"),
        response(200, b"data:x\n\n" * 3, content_type="text/event-stream"),
        response(200, b"zzz", content_type="text/event-stream", content_encoding="gzip"),
    ],
)
async def test_what_is_not_dashscopes_format_is_garbled(script: Sequence[Part]) -> None:
    error, requests = await error_of(script)
    assert isinstance(error, UpstreamGarbled)
    assert requests == 1


async def test_a_single_json_answer_instead_of_a_stream_is_an_answer() -> None:
    body = (FIXTURES / "single_turn.json").read_bytes()
    answer, _ = await answer_of(response(200, body, content_type="application/json"))
    assert answer.complete
    assert answer.text == json.loads(body)["output"]["text"]


async def test_a_json_error_under_a_status_of_success_is_an_error() -> None:
    error, _ = await error_of(
        response(200, b'{"code":"InvalidApiKey"}', content_type="application/json")
    )
    assert isinstance(error, Misconfigured)


async def test_a_body_labelled_as_json_that_never_ends_is_given_up() -> None:
    million = b'"' + b"x" * 1_000_000
    endless = response(200, *[million] * 10, Stall, content_type="application/json")
    async with asyncio.timeout(60):
        error, _ = await error_of(endless)
    assert isinstance(error, UpstreamGarbled)


async def test_a_stream_labelled_as_json_is_a_stream() -> None:
    answer, _ = await answer_of(response(200, RECORDED, content_type="application/json"))
    assert (answer.text, answer.complete) == (RECORDED_TEXT, True)


async def test_leaving_closes_the_connection_at_once() -> None:
    metrics = Metrics()
    async with (
        ReplayServer([stream(delta("a"), Stall)]) as server,
        client(metrics=metrics) as apps,
    ):
        async with apps.ask(Question(profile(server.base_url), PROMPT)):
            assert not server.left.is_set()
        await asyncio.wait_for(server.left.wait(), timeout=60)
    assert outcomes(metrics) == {"left": 1}


@pytest.mark.parametrize("script", [stream(delta("a"), Stall), stream(Stall), [Stall]])
async def test_cancelling_closes_the_connection_at_once(script: Sequence[Part]) -> None:
    async with ReplayServer([script]) as server, client() as apps:
        asking = asyncio.create_task(ask(apps, server.base_url))
        await asyncio.wait_for(server.said_all.wait(), timeout=60)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await asyncio.wait_for(server.left.wait(), timeout=60)


async def test_a_finished_answer_leaves_its_connection_for_the_next() -> None:
    patient = client(timeouts=Timeouts(drain_s=60.0))
    async with ReplayServer([chunked_stream(delta("a"), DONE)]) as server, patient as apps:
        for _ in range(3):
            await ask(apps, server.base_url)
        assert (len(server.received), server.connections) == (3, 1)


async def test_a_server_that_keeps_a_finished_answer_open_is_not_waited_for_long() -> None:
    async with (
        ReplayServer([[*chunked_stream(DONE, end=False), Stall]]) as server,
        client(timeouts=Timeouts(drain_s=0.05)) as apps,
    ):
        answer = await asyncio.wait_for(ask(apps, server.base_url), timeout=60)
    assert answer.complete


async def test_what_follows_the_stop_event_is_not_part_of_the_answer() -> None:
    for late in (stream(delta("a") + DONE + delta("b")), stream(delta("a"), DONE, delta("b"))):
        answer, _ = await answer_of(late)
        assert answer.text == "a"


async def test_a_probe_is_one_small_question_read_to_its_end() -> None:
    async with ReplayServer([stream(delta("a"), DONE)]) as server, client() as apps:
        await apps.probe(profile(server.base_url))
    [request] = server.received
    assert request.headers["x-dashscope-sse"] == "enable"


@pytest.mark.parametrize(
    ("recording", "tells_of_nodes"),
    [("workflow_full_thoughts", True), ("agent_stream_incremental", False)],
)
async def test_a_probe_says_whether_nodes_were_told_of(
    recording: str, tells_of_nodes: bool
) -> None:
    recorded = (FIXTURES / f"{recording}.sse").read_bytes()
    async with ReplayServer([stream(recorded)]) as server, client() as apps:
        assert await apps.probe(profile(server.base_url)) is tells_of_nodes


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (response(401, b'{"code":"InvalidApiKey"}'), Misconfigured),
        (response(429, THROTTLED), Throttled),
        (response(200, b"<html>"), UpstreamGarbled),
        (stream(b'event:error\ndata:{"code":"Arrearage"}\n\n'), AccountProblem),
        (stream(delta("a"), b'event:error\ndata:{"code":"InvalidApiKey"}\n\n'), Misconfigured),
        ([Reset], UpstreamUnreachable),
        ([Stall], UpstreamTimeout),
    ],
)
async def test_a_probe_that_fails_says_how_and_is_not_repeated(
    script: Sequence[Part], expected: type[DashScopeError]
) -> None:
    timeouts = IMPATIENT if script == [Stall] else None
    async with ReplayServer([script]) as server, client(timeouts=timeouts) as apps:
        with pytest.raises(expected):
            await apps.probe(profile(server.base_url))
    assert len(server.received) == 1


async def test_the_answer_to_a_probe_is_read_within_bounds() -> None:
    endless = response(200, *[b"x" * 65536] * 200, Stall)
    async with ReplayServer([endless]) as server, client() as apps:
        with pytest.raises(UpstreamGarbled):
            await apps.probe(profile(server.base_url))
        assert not server.said_all.is_set()


async def test_no_compressed_body_is_asked_for_or_unpacked() -> None:
    packed = gzip.compress(RECORDED)
    script = response(200, packed, content_type="text/event-stream", content_encoding="gzip")
    answer = response(200, gzip.compress(b"{}"), content_encoding="gzip")
    async with ReplayServer([script, answer]) as server, client() as apps:
        with pytest.raises(UpstreamGarbled):
            await ask(apps, server.base_url)
        with pytest.raises(UpstreamGarbled):
            await apps.probe(profile(server.base_url))
    assert {each.headers["accept-encoding"] for each in server.received} == {"identity"}


async def test_a_compressed_error_is_known_by_its_status() -> None:
    error, _ = await error_of(response(401, gzip.compress(b"{}"), content_encoding="gzip"))
    assert isinstance(error, Misconfigured)


async def test_using_it_unopened_is_a_mistake_and_closing_it_twice_is_none() -> None:
    apps = client()
    with pytest.raises(RuntimeError):
        await ask(apps, "http://127.0.0.1:1/api/v1")
    async with apps:
        await apps.__aexit__(None, None, None)


async def test_what_happened_is_logged_with_ids_and_without_any_words(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    throttled = response(429, b'{"code":"Throttling","message":"SECRET","request_id":"r0"}')
    with structlog.testing.capture_logs() as lines:
        await answer_of(throttled, stream(delta("SECRET"), DONE))
        await error_of(response(400, b'{"code":"InvalidParameter","message":"SECRET"}'))
    retried, ended, failed = lines
    assert retried["event"] == failed["event"] == "app_request.failed"
    assert (retried["code"], retried["status"], retried["request_id"]) == ("Throttling", 429, "r0")
    assert (retried["delay_s"], failed["delay_s"]) == (0.5, None)
    assert (ended["event"], ended["outcome"], ended["events"]) == ("app_request.ended", "ok", 2)
    said = json.dumps(lines, default=repr) + caplog.text
    assert not any(words in said for words in (KEY, PROMPT, "SECRET"))


async def test_an_answer_without_end_is_cut_at_its_bound_and_its_request_closed() -> None:
    is_left = asyncio.Event()
    one = delta("word " * 200)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\n\r\n")
        with suppress(ConnectionError):
            writer.write(one * (2 * MAX_ANSWER_CHARS // 1000))
            await writer.drain()
            await reader.read()  # the end never comes; whoever waits for it never leaves
        is_left.set()
        writer.transport.abort()

    metrics = Metrics()
    async with (
        await asyncio.start_server(talk, "127.0.0.1", 0) as server,
        client(metrics=metrics) as apps,
    ):
        port = server.sockets[0].getsockname()[1]
        with structlog.testing.capture_logs() as lines:
            async with asyncio.timeout(20):
                answer = await ask(apps, f"http://127.0.0.1:{port}/api/v1")
                await is_left.wait()
    assert (len(answer.text), answer.complete) == (MAX_ANSWER_CHARS, False)
    assert answer.session_id == "s1"
    assert (lines[-1]["outcome"], lines[-1]["reason"]) == ("cut", "length")
    assert outcomes(metrics) == {"cut": 1}


async def test_the_key_is_in_no_repr_and_no_error() -> None:
    async with ReplayServer([[Reset]]) as server, client() as apps:
        with pytest.raises(UpstreamUnreachable) as caught:
            await ask(apps, server.base_url)
        told = [repr(apps), repr(profile(server.base_url)), repr(caught.value), caught.value.detail]
    assert not any(KEY in text for text in told)


def outcomes(metrics: Metrics) -> dict[str, float]:
    """Return how many requests ended how."""
    samples = [sample for family in metrics.questions.collect() for sample in family.samples]
    return {
        sample.labels["outcome"]: sample.value
        for sample in samples
        if sample.name.endswith("_total")
    }
