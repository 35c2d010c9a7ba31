"""bytes -> events: any cut gives the same events, and the work is linear."""

import itertools
import json
import random
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.sse import MAX_HELD_BYTES, ServerSentEvent, SseDecoder
from bot.errors import UpstreamGarbled

FIXTURES = Path(__file__).parents[2] / "fixtures" / "dashscope"
STREAMS = sorted(FIXTURES.rglob("*.sse"))
EVERY_CUT_BELOW_BYTES = 2500


def decode(*chunks: bytes) -> list[ServerSentEvent]:
    decoder = SseDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.finish()


def bytewise(stream: bytes) -> list[bytes]:
    return [stream[i : i + 1] for i in range(len(stream))]


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_a_recorded_stream_gives_the_same_events_wherever_it_is_cut(path: Path) -> None:
    stream = path.read_bytes()
    whole = decode(stream)
    assert decode(*bytewise(stream)) == whole
    if len(stream) < EVERY_CUT_BELOW_BYTES:
        cuts = range(len(stream))
    else:
        cuts = random.Random(path.name).sample(range(len(stream)), 200)
    for cut in cuts:
        assert decode(stream[:cut], stream[cut:]) == whole


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_a_recorded_stream_gives_the_events_it_is_known_to_hold(path: Path) -> None:
    expected = json.loads(path.with_suffix(".expected.json").read_text())
    events = decode(path.read_bytes())
    # An id without data is no event; the cut stream ends with one.
    ids = expected["ids"][:-1] if path.stem == "agent_stream_truncated" else expected["ids"]
    assert [event.id for event in events] == ids
    assert sorted({event.event for event in events}) == expected["event_types"]
    told = {event.status for event in events if event.status is not None}
    assert sorted(told) == expected["http_status_comments"]


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=6))
def test_arbitrary_bytes_give_the_same_events_wherever_they_are_cut(
    stream: bytes, at: list[int]
) -> None:
    cuts = [0, *sorted(min(cut, len(stream)) for cut in at), len(stream)]
    chunks = [stream[a:b] for a, b in itertools.pairwise(cuts)]
    assert decode(*chunks) == decode(stream)


LINES = st.sampled_from(
    (
        *(b"id:1", b"event:error", b"data:{", b"data:}", b'data: {"a":1}', b"", b"status:503"),
        *(b"data", b":HTTP_STATUS/429", b": ping", b"retry:1", b"\xff"),
        'data:{"é":"\u2028"}'.encode(),
    )
)


@given(st.lists(LINES), st.sampled_from([b"\n", b"\r\n"]), st.integers(1, 9))
def test_any_mix_of_lines_gives_the_same_events_in_pieces_of_any_size(
    lines: list[bytes], end: bytes, size: int
) -> None:
    stream = end.join(lines)
    pieces = [stream[i : i + size] for i in range(0, len(stream), size)]
    assert decode(*pieces) == decode(stream)


def test_all_fields_of_an_event_are_read() -> None:
    [event] = decode(b'id: 7\nevent:error\n:HTTP_STATUS/429\ndata: {"a":\ndata:1}\n\n')
    assert event == ServerSentEvent("error", '{"a":\n1}', "7", 429)


def test_an_event_without_a_type_is_a_message() -> None:
    assert decode(b"data:x\n\n") == [ServerSentEvent("message", "x")]


def test_nothing_of_an_event_goes_over_into_the_next() -> None:
    first, second = decode(b"id:1\nevent:error\nstatus:500\ndata:a\n\ndata:b\n\n")
    assert (first.id, first.event, first.status) == ("1", "error", 500)
    assert second == ServerSentEvent("message", "b")


def test_one_space_after_the_colon_belongs_to_the_field_and_no_other() -> None:
    assert decode(b"data:  two\n\n")[0].data == " two"


def test_a_byte_order_mark_is_dropped_at_the_start_alone() -> None:
    mark = "\ufeff".encode()
    assert [e.data for e in decode(mark + b"data:a\n\n" + b"data:" + mark + b"\n\n")] == [
        "a",
        "\ufeff",
    ]


def test_comments_and_unknown_fields_and_empty_events_are_nothing() -> None:
    assert decode(b": ping\n\nretry:10\n\nid:1\n\nnonsense\n\ndata:\n\n") == []


FRAMES = st.sampled_from(
    [
        b'id:1\nevent:result\n:HTTP_STATUS/200\ndata:{"a":1}\n\n',
        b'id: 2\nevent: error\n:HTTP_STATUS/429\ndata: {"a":"\xc2\x85"}\n\n',
        b"id:\nevent:\n:HTTP_STATUS/200\ndata:x\n\n",
        b"id:3\r\nevent:result\r\n:HTTP_STATUS/200\r\ndata:{}\r\n\r\n",
        b"id:4\nevent:result\n:HTTP_STATUS/2000\ndata:\n\n",
        b'id:5\nevent:result\n:HTTP_STATUS/200\ndata:{"a":1}\n',
        b"id:6\n",
        b"data:{\n",
    ]
)


@given(st.lists(FRAMES, max_size=5))
def test_frames_of_every_kind_give_the_same_events_whole_and_byte_by_byte(
    frames: list[bytes],
) -> None:
    stream = b"".join(frames)
    assert decode(stream) == decode(*bytewise(stream))


@pytest.mark.parametrize("line", ["status:abc", ":HTTP_STATUS/", "status:²²²", ": 2 pings"])
def test_a_status_that_is_no_number_is_none(line: str) -> None:
    assert decode(f"{line}\ndata:a\n\n".encode())[0].status is None


def test_a_missing_blank_line_does_not_join_two_events() -> None:
    assert [e.id for e in decode(b'id:1\ndata:{"a":1}\nid:2\ndata:{"b":2}\n')] == ["1", "2"]


def test_an_id_inside_an_unfinished_event_does_not_end_it() -> None:
    [event] = decode(b'data:{"a":\nid:5\ndata:1}\n\n')
    assert (event.id, json.loads(event.data)) == ("5", {"a": 1})


def test_broken_data_without_a_blank_line_costs_few_events_and_not_the_rest() -> None:
    good = [f'id:{i}\nevent:result\ndata:{{"n":{i}}}\n' for i in range(10)]
    events = decode(("id:x\nevent:result\ndata:{broken\n" + "".join(good)).encode())
    assert [event.id for event in events[-8:]] == [str(i) for i in range(2, 10)]


def test_an_event_cut_inside_its_json_is_dropped_at_the_end() -> None:
    assert decode(b'data:{"a":1}\n\ndata:{"a":') == [ServerSentEvent("message", '{"a":1}')]


def test_a_whole_event_without_its_last_line_end_counts_at_the_end() -> None:
    assert decode(b'id:1\ndata:{"a":1}\r') == [ServerSentEvent("message", '{"a":1}', "1")]


def test_unicode_line_separators_are_ordinary_text() -> None:
    text = "a\u2028b\u2029c\u0085d\x0be\x0cf"
    assert decode(f"data:{text}\n\n".encode())[0].data == text


def test_bytes_that_are_no_utf8_are_replaced_and_harm_no_other_line() -> None:
    assert [e.data for e in decode(b"data:\xe4\xbd\n\ndata:ok\n\n")] == ["\ufffd", "ok"]


@pytest.mark.parametrize("piece", [b"data:" + b"x" * 65536, b"data:" + b"x" * 65530 + b"\n"])
def test_an_event_without_end_is_given_up(piece: bytes) -> None:
    with pytest.raises(UpstreamGarbled):
        decode(*[piece] * (MAX_HELD_BYTES // 65536 + 2))


def test_empty_data_lines_without_end_are_given_up() -> None:
    with pytest.raises(UpstreamGarbled):
        decode(b"data:\n" * (MAX_HELD_BYTES // 64 + 1))


def seconds_for(*chunks: bytes) -> float:
    """Return how long decoding keeps the processor, which other processes cannot prolong."""
    started_at = time.process_time()
    decode(*chunks)
    return time.process_time() - started_at


def test_four_times_the_bytes_one_by_one_take_about_four_times_as_long() -> None:
    line = b'data:{"a":"' + b"x" * 50_000
    short = min(seconds_for(*bytewise(line)) for _ in range(3))
    long = min(seconds_for(*bytewise(line + b"x" * 3 * len(line))) for _ in range(3))
    assert long < short * 10


def test_a_new_id_again_and_again_does_not_parse_held_data_each_time() -> None:
    held = b"data:[" + b"[" * 4_000_000 + b"\n"
    once = min(seconds_for(held + b"id:1\ndata:[\n") for _ in range(3))
    often = min(seconds_for(held + b"id:1\ndata:[\n" * 1000) for _ in range(3))
    assert often < once * 15
