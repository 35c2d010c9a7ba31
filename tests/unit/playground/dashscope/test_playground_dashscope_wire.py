"""The bytes of the playground's event streams."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.sse import SseDecoder
from bot.playground.dashscope.captures import Capture
from bot.playground.dashscope.wire import LONGEST_CUT_BYTES, Framing, cut, frame

FIXTURES = Path(__file__).parents[3] / "fixtures" / "dashscope"


def payloads_of(recorded: bytes) -> list[Any]:
    lines = recorded.decode().splitlines()
    return [json.loads(line[5:]) for line in lines if line.startswith("data:")]


def framed(payloads: list[Any], framing: Framing) -> bytes:
    return b"".join(
        frame(payload, number=number, framing=framing) for number, payload in enumerate(payloads, 1)
    )


@pytest.mark.parametrize(
    ("name", "framing"),
    [
        ("agent_stream_full", Framing()),
        ("agent_stream_incremental", Framing()),
        ("agent_stream_incremental_crlf", Framing(newline="\r\n")),
        ("agent_stream_incremental_noblank", Framing(blank_lines=False)),
        ("workflow_full_thoughts", Framing()),
    ],
)
def test_a_capture_written_again_is_the_same_to_the_byte(name: str, framing: Framing) -> None:
    recorded = (FIXTURES / f"{name}.sse").read_bytes()
    assert framed(payloads_of(recorded), framing) == recorded


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("blank_lines", [True, False])
@pytest.mark.parametrize("spaced", [True, False])
@pytest.mark.parametrize("heartbeats", [True, False])
def test_every_framing_says_the_same(
    newline: Any, blank_lines: bool, spaced: bool, heartbeats: bool
) -> None:
    framing = Framing(newline, blank_lines=blank_lines, spaced=spaced, heartbeats=heartbeats)
    payloads = [{"n": 1, "text": "你好\u2028"}, {"n": 2}, {"n": 3}]
    decoder = SseDecoder()
    events = decoder.feed(framed(payloads, framing)) + decoder.finish()
    assert [json.loads(event.data) for event in events] == payloads
    assert [event.id for event in events] == ["1", "2", "3"]
    assert {event.status for event in events} == {200}


def test_an_error_event_carries_its_true_status_in_a_comment() -> None:
    data = frame({"code": "Throttling"}, number=4, event="error", status=429)
    assert data == b'id:4\nevent:error\n:HTTP_STATUS/429\ndata:{"code":"Throttling"}\n\n'


@given(data=st.binary(max_size=200), seed=st.integers())
def test_cut_bytes_joined_are_the_bytes(data: bytes, seed: int) -> None:
    cuts = list(cut(data, random=Random(seed)))
    assert b"".join(cuts) == data
    assert all(0 < len(one) <= LONGEST_CUT_BYTES for one in cuts)
    assert cuts == list(cut(data, random=Random(seed)))


@given(body=st.binary(max_size=50), cuts=st.lists(st.integers(-5, 60), max_size=9))
def test_a_recording_is_served_whole_wherever_it_is_cut(body: bytes, cuts: list[int]) -> None:
    served = list(Capture(body, cuts=tuple(cuts)).pieces())
    assert b"".join(served) == body
    if body:
        assert len(served) == 1 + len({at for at in cuts if 0 < at < len(body)})


def test_a_recording_is_labelled_by_its_file() -> None:
    assert Capture.read(FIXTURES / "agent_stream_full.sse").content_type.startswith("text/event")
    assert Capture.read(FIXTURES / "single_turn.json", cuts=[3]).content_type == "application/json"


def test_a_lone_surrogate_does_not_break_the_stream() -> None:
    assert b"data:" in frame({"text": "\ud800"}, number=1)
