"""Streams that break in every way end in an answer or an error of ours, and take nothing back."""

import itertools
import json
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core import texts
from bot.core.answer import Answer, AnswerReader
from bot.core.failures import parse_error_body
from bot.core.language import Language
from bot.core.loose_json import MAX_ID_CHARS, object_at, parse_object, text_at
from bot.core.sse import MAX_HELD_BYTES, ServerSentEvent, SseDecoder
from bot.errors import DashScopeError, UpstreamGarbled
from tests.unit.core.broken_streams import (
    RANK,
    RECORDED,
    UNSEEN,
    Body,
    damaged,
    fields_replaced,
    frame,
    framed,
    rank_of,
    shuffled,
)

thorough = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
MAX_TOKENS = 2**53 - 1


def moments(stream: Sequence[bytes], *, incremental: bool = True) -> Iterator[Answer]:
    """Yield the answer after each event, until the stream or the reading ends."""
    decoder, reader = SseDecoder(), AnswerReader(incremental=incremental)
    try:
        for piece in stream:
            for event in decoder.feed(piece):
                yield from merged(reader, event)
        for event in decoder.finish():
            yield from merged(reader, event)
    except DashScopeError:
        yield reader.answer


def merged(reader: AnswerReader, event: ServerSentEvent) -> Iterator[Answer]:
    was_complete = reader.complete
    reader.feed(event)
    assert was_complete or reader.complete == is_terminal(event)
    yield reader.answer


def is_terminal(event: ServerSentEvent) -> bool:
    output = object_at(parse_object(event.data) or {}, "output")
    return text_at(output, "finish_reason") not in {"", "null"}


def check_can_be_kept(answer: Answer) -> None:
    """Check that an answer can be encoded, counted and stored as it is."""
    repr(answer).encode()
    answer.text.encode()
    ids = [answer.session_id or "", answer.request_id or ""]
    for name in [*ids, *(used.model_id for used in answer.usage)]:
        assert len(name) <= MAX_ID_CHARS
        assert "\0" not in name
    for used in answer.usage:
        assert 0 <= used.input_tokens <= MAX_TOKENS
        assert 0 <= used.output_tokens <= MAX_TOKENS


def cut(stream: bytes, at: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted(min(place, len(stream)) for place in at), len(stream)]
    return [stream[begin:end] for begin, end in itertools.pairwise(edges)]


@thorough
@given(damaged(), st.lists(st.integers(0, 9000), max_size=4), st.booleans())
def test_a_damaged_stream_is_an_answer_or_an_error_of_ours_however_it_is_cut(
    stream: bytes, at: list[int], incremental: bool
) -> None:
    *_, whole = [Answer(), *moments([stream], incremental=incremental)]
    *_, pieced = [Answer(), *moments(cut(stream, at), incremental=incremental)]
    assert pieced == whole
    check_can_be_kept(whole)
    assert len(whole.text) + len(whole.steps) + len(whole.sources) <= len(stream)


FIELDS = {
    f"{name} {path}": spoilt
    for name, stream in RECORDED.items()
    for path, spoilt in {
        path: spoilt
        for event in SseDecoder().feed(stream)
        for path, spoilt in fields_replaced(json.loads(event.data))
    }.items()
}  # fmt: skip


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_of_every_recorded_event_may_be_anything(field: str) -> None:
    before = framed([{"output": {"text": "before", "finish_reason": "null"}}])
    for spoilt in FIELDS[field]:
        for incremental in (True, False):
            stream = [*before, frame(2, spoilt)]
            *_, answer = moments(stream, incremental=incremental)
            check_can_be_kept(answer)


@thorough
@given(shuffled())
def test_an_answer_never_falls_back_to_words_that_count_less_and_never_loses_any(
    bodies: list[Body],
) -> None:
    shown, spoken = "", 0
    for body, answer in zip(bodies, moments(framed(bodies)), strict=True):
        text = answer.text
        assert not UNSEEN & set(text)
        spoken = spoken if answer.complete else max(spoken, rank_of(body))
        assert not spoken or RANK[text[0]] >= spoken
        if shown:
            assert len(set(text)) == 1
            assert RANK[text[0]] >= RANK[shown[0]]
            assert text[0] != shown[0] or len(text) >= len(shown)
        shown = text


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_cut_off_anywhere_is_complete_only_with_its_terminal_event(name: str) -> None:
    stream = RECORDED[name]
    incremental = name != "agent_stream_full"
    step = max(1, len(stream) // 150)
    for end in range(0, len(stream), step):
        *_, answer = [Answer(), *moments([stream[:end]], incremental=incremental)]
        assert answer.complete == any(
            is_terminal(event) for event in events_until_error(stream[:end])
        )


def events_until_error(stream: bytes) -> list[ServerSentEvent]:
    decoder = SseDecoder()
    events = [*decoder.feed(stream), *decoder.finish()]
    return list(itertools.takewhile(lambda event: event.event != "error", events))


@pytest.mark.parametrize(
    "piece",
    [b"x", b"data:x\n", b"data\n", b": ping", b"data:{" + b" " * 1000 + b"\nid:1\n"],
    ids=["no line", "lines", "empty lines", "a comment", "ids that may end it"],
)
def test_no_event_without_end_is_held_without_end(piece: bytes) -> None:
    decoder = SseDecoder()
    block = piece * (64 * 1024 // len(piece))
    held = 0
    try:
        for _ in range(2 * MAX_HELD_BYTES // len(block)):
            held += len(block) - sum(len(event.data) for event in decoder.feed(block))
            assert len(decoder._rest) + decoder._data_size <= MAX_HELD_BYTES
    except UpstreamGarbled:
        assert held <= MAX_HELD_BYTES + len(block)


OUR_WORDS = {
    texts.failure(kind(), turn_id=7, language=language)
    for language in Language
    for kind in [DashScopeError, *DashScopeError.__subclasses__()]
}
BODIES = st.one_of(
    st.binary(max_size=200),
    damaged(),
    st.dictionaries(
        st.sampled_from(["code", "message", "msg", "request_id", "error", "errorInfo", "output"]),
        st.recursive(
            st.text(max_size=40) | st.sampled_from(["Throttling", "Arrearage", "session_id"]),
            lambda inner: st.dictionaries(st.sampled_from(["code", "message", "type"]), inner),
            max_leaves=4,
        ),
    ).map(lambda body: json.dumps(body).encode()),
)


@thorough
@given(BODIES, st.none() | st.integers(100, 599))
def test_no_word_of_an_errors_body_reaches_a_reader(body: bytes, status: int | None) -> None:
    error = parse_error_body(body, status=status)
    for language in Language:
        assert texts.failure(error, turn_id=7, language=language) in OUR_WORDS
    assert len(error.detail) <= 2000
