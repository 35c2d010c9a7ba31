"""The real client reads damaged streams and recordings over loopback, torn anywhere."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.answer import Answer
from bot.core.question import AppKind, AppProfile, Question
from bot.dashscope.client import DashScope, Timeouts
from bot.errors import DashScopeError
from bot.metrics import Metrics
from bot.playground.dashscope.apps import echo_app
from bot.playground.dashscope.captures import Capture
from bot.playground.dashscope.server import PLAYGROUND_KEY, DashScopeServer
from tests.unit.core.broken_streams import RECORDED, damaged
from tests.unit.core.test_streams_fuzzed import check_can_be_kept, moments
from tests.unit.dashscope.replay_server import Part, ReplayServer, Reset, chunked_stream, response

APP = "APP"
CUTS_EACH = 12
"""Hundreds are tried on the decoder; over a connection a few stand for all."""


async def no_wait(_seconds: float) -> None:
    """Ask again at once."""


def client() -> DashScope:
    """Open a client that waits for nothing long."""
    return DashScope(
        metrics=Metrics(), deadline_s=10, timeouts=Timeouts(drain_s=0.05), sleep=no_wait
    )


async def outcome(apps: DashScope, base_url: str) -> tuple[Answer, DashScopeError | None]:
    """Return what there is of an answer, and how it failed; nothing else may be raised."""
    app = AppProfile(APP, APP, AppKind.AGENT, base_url, PLAYGROUND_KEY)
    try:
        async with apps.ask(Question(app, "Hi")) as answering:
            try:
                async for _ in answering:
                    pass
            except DashScopeError as error:
                return answering.answer, error
            return answering.answer, None
    except DashScopeError as error:
        return Answer(), error


def at_its_end(stream: bytes) -> Answer:
    """Return the answer the core makes of a stream."""
    *_, last = [Answer(), *moments([stream])]
    return last


def torn(stream: bytes, at: Sequence[int]) -> list[bytes]:
    """Return a stream in the pieces between places, none empty."""
    return list(Capture(stream, cuts=tuple(at)).pieces()) if stream else []


WAYS = st.sampled_from(["closed", "chunked", "short", "reset", "json"])


def script(way: str, pieces: Sequence[bytes]) -> list[Part]:
    """Return a response with these bytes, ended in one of several ways."""
    match way:
        case "closed":
            return response(200, *pieces, content_type="text/event-stream")
        case "reset":
            return response(200, *pieces, Reset, content_type="text/event-stream")
        case "short":
            return response(200, *pieces, content_type="text/event-stream", content_length="99999")
        case "json":
            return response(200, *pieces, content_type="application/json")
        case _:
            return chunked_stream(*pieces)


@settings(
    deadline=None,
    max_examples=120,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(damaged(), st.lists(st.integers(0, 9000), max_size=4), WAYS)
async def test_a_damaged_stream_is_an_answer_or_an_error_of_ours_over_a_real_connection(
    stream: bytes, at: list[int], way: str
) -> None:
    before = asyncio.all_tasks()
    async with ReplayServer([script(way, torn(stream, at))]) as server, client() as apps:
        answer, error = await outcome(apps, server.base_url)
    assert asyncio.all_tasks() <= before
    check_can_be_kept(answer)
    if error is None and way in {"closed", "chunked"}:
        assert answer == at_its_end(stream)
    if answer.complete:
        assert at_its_end(stream).complete or way == "json"


def replay(server: DashScopeServer, stream: bytes, *, cuts: Sequence[int] = ()) -> None:
    """Answer every request with a recording from now on, those that ask once more included."""
    server.faults.clear()
    server.faults.add(Capture(stream, cuts=tuple(cuts)), times=None)


@pytest.mark.parametrize("name", RECORDED)
async def test_a_recording_gives_the_same_answer_wherever_the_server_tears_it(name: str) -> None:
    stream = RECORDED[name]
    every = range(1, len(stream))
    some = every[:: max(1, len(stream) // CUTS_EACH)]
    async with DashScopeServer([echo_app(APP)]) as server, client() as apps:
        replay(server, stream)
        answer, error = await outcome(apps, server.base_url)
        for cuts in [every, *([at] for at in some)]:
            replay(server, stream, cuts=cuts)
            again, error_again = await outcome(apps, server.base_url)
            assert again == answer
            assert repr(error_again) == repr(error)


@pytest.mark.parametrize("name", RECORDED)
async def test_a_recording_cut_off_anywhere_is_never_taken_for_whole(name: str) -> None:
    stream = RECORDED[name]
    async with DashScopeServer([echo_app(APP)]) as server, client() as apps:
        for end in range(1, len(stream), max(1, len(stream) // CUTS_EACH)):
            replay(server, stream[:end])
            answer, error = await outcome(apps, server.base_url)
            expected = at_its_end(stream[:end])
            assert error is not None or answer == expected
            assert answer.complete <= expected.complete
