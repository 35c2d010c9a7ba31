"""Events -> the answer: every way DashScope tells one ends in the same few words."""

import json
import random
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.answer import (
    MAX_ANSWER_CHARS,
    MAX_MODELS,
    MAX_SOURCES,
    Answer,
    AnswerReader,
    ModelUsage,
    Source,
    Step,
)
from bot.core.sse import ServerSentEvent, SseDecoder
from bot.errors import (
    ContentBlocked,
    DashScopeError,
    Misconfigured,
    Throttled,
    UpstreamFailed,
    UpstreamGarbled,
)

FIXTURES = Path(__file__).parents[2] / "fixtures" / "dashscope"
STREAMS = sorted(FIXTURES.rglob("*.sse"))
BODIES = sorted(path for path in FIXTURES.glob("*.json") if "expected" not in path.name)


def read(*chunks: bytes, incremental: bool = True) -> tuple[Answer, DashScopeError | None]:
    decoder, reader = SseDecoder(), AnswerReader(incremental=incremental)
    try:
        for chunk in chunks:
            for event in decoder.feed(chunk):
                reader.feed(event)
        for event in decoder.finish():
            reader.feed(event)
    except DashScopeError as error:
        return reader.answer, error
    return reader.answer, None


def fed(
    *outputs: dict[str, Any], incremental: bool = True, every_node_speaks: bool = False
) -> Answer:
    reader = AnswerReader(incremental=incremental, every_node_speaks=every_node_speaks)
    for output in outputs:
        reader.feed(event(output=output))
    return reader.answer


def event(**body: Any) -> ServerSentEvent:
    return ServerSentEvent("result", json.dumps(body))


def listed(node_id: str, kind: str, result: Any, *, status: str = "executing") -> dict[str, Any]:
    node = {"nodeId": node_id, "nodeType": kind, "nodeStatus": status, "nodeResult": result}
    return {"response": json.dumps(node)}


def message(kind: str, content: Any, *, node_id: str = "n", **more: Any) -> dict[str, Any]:
    node = {"node_id": node_id, "node_type": kind, "node_status": "executing", **more}
    return {"workflow_message": node | {"message": {"content": content}}}


def pieces_of(stream: bytes, *, seed: str) -> list[bytes]:
    at = sorted(random.Random(seed).sample(range(len(stream)), 20))
    return [stream[a:b] for a, b in zip([0, *at], [*at, len(stream)], strict=True)]


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_a_recorded_stream_ends_in_the_answer_it_is_known_to_hold_however_it_is_cut(
    path: Path,
) -> None:
    expected = json.loads(path.with_suffix(".expected.json").read_text())
    incremental = expected["text_mode"] != "cumulative"
    stream = path.read_bytes()
    answer, error = read(stream, incremental=incremental)
    assert answer.text == expected["final_text"]
    assert answer.complete == expected["complete"]
    assert answer.finish_reason == expected["finish_reason"]
    assert answer.session_id == expected["session_id"]
    assert [vars_of(usage) for usage in answer.usage] == (expected["usage"] or {}).get("models", [])
    if expected["error"] is None:
        assert error is None
        assert answer.request_id == expected["request_id"]
    else:
        assert error is not None
        told = {"code": error.code, "message": error.detail, "request_id": error.request_id}
        assert told | {"http_status": error.status} == expected["error"]
    ways = [[stream[i : i + 1] for i in range(len(stream))], pieces_of(stream, seed=path.name)]
    for chunks in ways:
        again, error_again = read(*chunks, incremental=incremental)
        assert again == answer
        assert repr(error_again) == repr(error)


def vars_of(usage: ModelUsage) -> dict[str, Any]:
    return {
        "model_id": usage.model_id,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
    }


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_what_is_shown_on_the_way_only_grows(path: Path) -> None:
    expected = json.loads(path.with_suffix(".expected.json").read_text())
    reader = AnswerReader(incremental=expected["text_mode"] != "cumulative")
    shown = ""
    for one in SseDecoder().feed(path.read_bytes()):
        try:
            reader.feed(one)
        except DashScopeError:
            break
        assert reader.answer.text.startswith(shown)
        shown = reader.answer.text


THOUGHT = re.compile(rb'"(?:thought|reasoningContent)":"((?:[^"\\]|\\.){4,})"')


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_no_thought_of_a_recorded_stream_is_ever_seen_and_no_answering_node_is_a_step(
    path: Path,
) -> None:
    thoughts = [json.loads(b'"%b"' % found) for found in THOUGHT.findall(path.read_bytes())]
    reader = AnswerReader(incremental=True)
    for one in SseDecoder().feed(path.read_bytes()):
        try:
            reader.feed(one)
        except DashScopeError:
            break
        seen = [reader.answer.text, *(step.title for step in reader.answer.steps)]
        assert not [text for text in seen for thought in thoughts if thought in text]
        assert not [step for step in reader.answer.steps if step.title in {"Start", "End"}]


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.stem)
def test_workflows_tell_of_nodes_and_agents_do_not(path: Path) -> None:
    reader = AnswerReader(incremental=True)
    for one in SseDecoder().feed(path.read_bytes()):
        with suppress(DashScopeError):
            reader.feed(one)
    assert reader.tells_of_nodes == path.stem.startswith("workflow")


def test_nodes_that_are_no_steps_are_told_of_all_the_same() -> None:
    reader = AnswerReader(incremental=True)
    assert not reader.tells_of_nodes
    reader.feed(event(output={"thoughts": [listed("S", "Start", None), listed("E", "End", "x")]}))
    assert (reader.tells_of_nodes, reader.answer.steps) == (True, ())


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
def test_a_recorded_body_is_an_answer_or_an_error(path: Path) -> None:
    body = path.read_bytes()
    told = json.loads(body)
    reader = AnswerReader(incremental=False)
    if "code" in told:
        with pytest.raises(Misconfigured):
            reader.feed_body(body)
    elif "output" not in told:  # only what the SDK prints of it
        with pytest.raises(UpstreamGarbled):
            reader.feed_body(body)
    else:
        reader.feed_body(body)
        assert reader.answer.text == told["output"].get("text", "")
        assert reader.answer.session_id == told["output"]["session_id"]
        assert reader.answer.complete == (told["output"]["finish_reason"] == "stop")


def test_sources_are_one_for_each_index_and_null_addresses_are_none() -> None:
    output = json.loads((FIXTURES / "knowledge_base_references.json").read_text())
    answer = fed(output, incremental=False)
    assert answer.sources == (Source("1", "Pengenalan Produk Ponsel Seri Bailian"),)


def test_of_many_sources_and_models_the_first_count_and_a_mark_as_long_as_a_text_is_none() -> None:
    numbers = range(2 * MAX_SOURCES)
    references = [{"index_id": str(n), "doc_name": "d"} for n in numbers]
    models = [{"model_id": f"m{n}", "input_tokens": 1} for n in numbers]
    reader = AnswerReader(incremental=True)
    reader.feed(
        event(
            output={"doc_references": [{"index_id": "1" * 9999, "doc_name": "d"}, *references]},
            usage={"models": models},
        )
    )
    indices = [source.index for source in reader.answer.sources]
    assert indices == [str(n) for n in range(MAX_SOURCES)]
    assert [model.model_id for model in reader.answer.usage] == [f"m{n}" for n in range(MAX_MODELS)]


def test_of_sources_the_latest_list_counts_and_an_empty_one_does_not() -> None:
    two = [
        {"index_id": "1", "title": "T", "doc_url": "https://example.com/a"},
        {"index_id": "1", "title": "again"},
        {"index_id": "2", "doc_id": "file_2", "doc_url": "javascript:alert(1)"},
        {"title": "no index"},
    ]
    answer = fed({"doc_references": [{"index_id": "9"}]}, {"doc_references": two}, {"text": "x"})
    assert answer.sources == (Source("1", "T", "https://example.com/a"), Source("2", "file_2"))


def test_an_index_that_is_a_number_is_one_all_the_same() -> None:
    answer = fed({"doc_references": [{"index_id": 2, "title": "T"}, {"index_id": True}]})
    assert [source.index for source in answer.sources] == ["2"]


@pytest.mark.parametrize(
    ("reason", "is_early"),
    [("stop", False), ("STOP", False), ("length", True), ("null", False), (None, False)],
)
def test_an_answer_that_ended_for_another_reason_than_being_done_ended_early(
    reason: str | None, is_early: bool
) -> None:
    assert fed({"text": "x", "finish_reason": reason}).ended_early is is_early


def test_the_word_null_does_not_end_an_answer_and_any_other_reason_does() -> None:
    assert not fed({"text": "a", "finish_reason": "null"}).complete
    assert not fed({"text": "a", "finish_reason": ""}).complete
    assert not fed({"text": "a", "finish_reason": None}).complete
    assert fed({"text": "a", "finish_reason": "length"}).finish_reason == "length"


def test_a_delta_that_looks_like_a_longer_whole_is_a_delta() -> None:
    assert fed({"text": "ha"}, {"text": "haha"}).text == "hahaha"


def test_wholes_replace_each_other_and_an_empty_one_erases_nothing() -> None:
    answer = fed({"text": "ab"}, {"text": "abc"}, {"text": ""}, {"text": "xy"}, incremental=False)
    assert answer.text == "xy"


def test_a_last_delta_that_is_no_repetition_is_added() -> None:
    assert fed({"text": "Hel"}, {"text": "lo", "finish_reason": "stop"}).text == "Hello"


def test_a_last_delta_that_repeats_all_and_adds_to_it_is_the_whole() -> None:
    assert fed({"text": "Hel"}, {"text": "Hello", "finish_reason": "stop"}).text == "Hello"


def test_spaces_at_the_edges_of_deltas_are_kept() -> None:
    assert fed({"text": " a"}, {"text": " "}, {"text": "b\n"}).text == " a b\n"


def test_what_comes_after_the_terminal_event_is_ignored() -> None:
    reader = AnswerReader(incremental=True)
    reader.feed(event(output={"text": "a", "finish_reason": "stop"}))
    reader.feed(event(output={"text": "b"}))
    reader.feed(ServerSentEvent("error", '{"code":"Throttling"}'))
    assert reader.answer.text == "a"


def test_an_escaped_pair_cut_between_two_deltas_is_one_character() -> None:
    reader = AnswerReader(incremental=True)
    reader.feed(ServerSentEvent("result", r'{"output":{"text":"a\ud83d"}}'))
    assert reader.answer.text == "a"
    reader.feed(ServerSentEvent("result", r'{"output":{"text":"\ude00b"}}'))
    assert reader.answer.text == "a\U0001f600b"


def test_half_a_pair_at_the_end_of_an_answer_is_replaced() -> None:
    assert fed({"text": "a\ud83d", "finish_reason": "stop"}).text == "a\ufffd"


def test_usage_is_the_last_one_told_and_never_a_sum() -> None:
    reader = AnswerReader(incremental=True)
    for tokens in (1, 5):
        models = [{"model_id": "m", "input_tokens": 7, "output_tokens": tokens}]
        reader.feed(event(output={"text": "a"}, usage={"models": models}))
    reader.feed(event(output={"text": "", "finish_reason": "stop"}, usage={}))
    assert reader.answer.usage == (ModelUsage("m", 7, 5),)


def test_thinking_is_a_step_and_never_text() -> None:
    thought = {"action_type": "reasoning", "action_name": "Thinking", "thought": "SECRET"}
    reader = AnswerReader(incremental=True)
    reader.feed(event(output={"text": "", "thoughts": [thought]}))
    assert [step.status for step in reader.answer.steps] == ["running"]
    reader.feed(event(output={"text": "Yes.", "thoughts": [thought]}))
    assert reader.answer.steps == (Step("reasoning Thinking", "reasoning", "Thinking", "done"),)
    assert reader.answer.text == "Yes."
    assert "SECRET" not in repr(reader.answer)


def test_an_empty_thought_means_that_thinking_is_over() -> None:
    thought = {"action_type": "reasoning", "thought": "", "response": ""}
    assert fed({"thoughts": [thought]}).steps[0].status == "done"


def test_retrievals_and_tools_are_steps_until_something_is_observed() -> None:
    search = {"action_type": "agentRag", "action_name": "knowledge"}
    tool = {"action_type": "API", "action": "weather", "action_input": {"a": 1}}
    running = fed({"thoughts": [search, tool, {"action_type": "response"}, {"thought": "x"}]})
    assert [(step.kind, step.title, step.status) for step in running.steps] == [
        ("retrieval", "knowledge", "running"),
        ("tool", "weather", "running"),
    ]
    done = fed({"thoughts": [search | {"observation": "found"}, tool | {"observation": {"t": 1}}]})
    assert {step.status for step in done.steps} == {"done"}


def test_every_step_is_done_when_the_answer_is() -> None:
    answer = fed({"thoughts": [{"action_type": "mcp"}], "finish_reason": "stop", "text": "x"})
    assert [step.status for step in answer.steps] == ["done"]


def test_a_step_that_is_no_thinking_goes_on_while_text_comes() -> None:
    assert fed({"thoughts": [{"action_type": "mcp"}], "text": "x"}).steps[0].status == "running"


def test_what_an_agent_did_before_it_speaks_is_done_and_what_it_does_while_speaking_is_not() -> (
    None
):
    tool, search = {"action_type": "mcp"}, {"action_type": "agentRag"}
    spoken = fed({"thoughts": [tool, search]}, {"text": "x", "thoughts": [search]})
    assert [(step.kind, step.status) for step in spoken.steps] == [
        ("tool", "done"),
        ("retrieval", "running"),
    ]


def test_a_node_goes_on_while_another_one_speaks() -> None:
    node = message("LLM", "{}", node_name="Model 1")
    assert fed(node, {"text": "x"}).steps[0].status == "running"


def test_model_nodes_of_a_workflow_are_steps_and_only_its_end_is_text() -> None:
    first = listed("LLM_1", "LLM", '{"result":"draft"}')
    again = listed("LLM_1", "LLM", '{"result":""}', status="success")
    end = listed("End_1", "End", '{"result":"final"}', status="success")
    assert fed({"thoughts": [first]}).text == ""
    answer = fed({"thoughts": [listed("S", "Start", None), first]}, {"thoughts": [again, end]})
    assert answer.text == "final"
    assert answer.steps == (Step("LLM_1", "node", "LLM", "done"),)


def test_a_node_keeps_its_place_when_its_name_changes() -> None:
    stream = (FIXTURES / "workflow_full_thoughts_nodename.sse").read_bytes()
    answer, _ = read(stream)
    assert [(step.key, step.title) for step in answer.steps] == [
        ("LLM_Ilo9", "大模型_Bsvj"),
        ("LLM_vQDv", "大模型_kBgf"),
    ]


def test_listed_output_nodes_grow_by_deltas_until_the_end_node_repeats_them() -> None:
    outputs = [
        {"thoughts": [listed("O", "Output", '{"result":"Hel"}')]},
        {"thoughts": [listed("O", "Output", '{"result":"lo"}', status="success")]},
        {"thoughts": [listed("O", "Output", '{"result":"lo"}', status="success")]},
    ]
    assert fed(*outputs).text == "Hello"
    end = listed("E", "End", '{"result":"Hello!"}', status="success")
    assert fed(*outputs, {"thoughts": [end]}).text == "Hello!"


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ('{"result":["a",1]}', '["a", 1]'),
        ({"result": "plain"}, "plain"),
        ("no JSON", "no JSON"),
        ('{"other":1}', ""),
        (None, ""),
        (7, ""),
    ],
)
def test_a_node_result_may_be_any_json(result: Any, text: str) -> None:
    assert fed({"thoughts": [listed("E", "End", result, status="success")]}).text == text


def test_an_agents_thought_that_is_json_by_chance_is_no_node() -> None:
    thought = {"action_type": "reasoning", "thought": '{"a":1}', "response": '{"a":1}'}
    assert fed({"thoughts": [thought]}).steps[0].kind == "reasoning"


def test_streamed_nodes_speak_by_deltas_whatever_was_asked_for() -> None:
    parts = [message("End", "Hel"), message("End", "lo")]
    for incremental in (True, False):
        assert fed(*parts, incremental=incremental).text == "Hello"
        whole = {"text": "Hello", "finish_reason": "stop"}
        assert fed(*parts, whole, incremental=incremental).text == "Hello"


def test_parallel_nodes_speak_one_after_the_other() -> None:
    parts = [("a", "1"), ("b", "2"), ("a", "3")]
    assert fed(*(message("Output", text, node_id=node) for node, text in parts)).text == "132"


def test_a_node_that_said_it_is_complete_says_nothing_more() -> None:
    answer = fed(
        message("End", "all", node_is_completed=True), message("End", "all", node_status="success")
    )
    assert answer.text == "all"


def test_start_and_model_nodes_are_never_heard() -> None:
    model = message("LLM", '{"result":"x","reasoningContent":"SECRET"}', node_name="Model 1")
    answer = fed(message("Start", '{"user":"echo"}', node_id="s"), model)
    assert answer.text == ""
    assert answer.steps == (Step("n", "node", "Model 1", "running"),)


@pytest.mark.parametrize("kind", ["End", "Output", "LLM", "Message", "TextConverter", ""])
def test_where_only_opened_nodes_are_told_of_each_speaks_whatever_its_type(kind: str) -> None:
    parts = [message(kind, "Hel"), message(kind, "lo"), message("Start", "echo", node_id="s")]
    answer = fed(*parts, every_node_speaks=True)
    assert (answer.text, answer.steps) == ("Hello", ())


def test_listed_nodes_are_no_answer_even_where_every_streamed_node_speaks() -> None:
    answer = fed({"thoughts": [listed("L", "LLM", "x")]}, every_node_speaks=True)
    assert (answer.text, [step.key for step in answer.steps]) == ("", ["L"])


def test_nodes_told_in_both_dialects_are_not_said_twice() -> None:
    both = message("End", "Hi") | {"thoughts": [listed("n", "End", '{"result":"Hi"}')]}
    assert fed(both).text == "Hi"


@pytest.mark.parametrize(
    ("kind", "data", "status", "expected"),
    [
        ("error", '{"code":"Throttling.RateQuota"}', 429, Throttled),
        ("error", "{}", None, UpstreamFailed),
        ("error", "not JSON", 429, Throttled),
        ("result", '{"code":"DataInspectionFailed","message":"no"}', None, ContentBlocked),
        ("result", '{"error":{"code":"model_not_found"}}', 404, Misconfigured),
    ],
)
def test_an_error_event_raises_its_class_and_keeps_the_answer_so_far(
    kind: str, data: str, status: int | None, expected: type[DashScopeError]
) -> None:
    reader = AnswerReader(incremental=True)
    reader.feed(event(output={"text": "Half"}, request_id="r1"))
    with pytest.raises(expected) as caught:
        reader.feed(ServerSentEvent(kind, data, status=status))
    assert caught.value.request_id == "r1"
    assert reader.answer.text == "Half"


def test_two_bad_events_are_skipped_and_a_third_in_a_row_is_not() -> None:
    bad = ServerSentEvent("result", "[DONE]")
    reader = AnswerReader(incremental=True)
    for one in (bad, bad, event(output={"text": "a"}), bad, bad):
        reader.feed(one)
    with pytest.raises(UpstreamGarbled):
        reader.feed(bad)
    assert reader.answer.text == "a"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"output":null}'])
def test_a_body_that_is_no_answer_is_garbled(body: bytes) -> None:
    with pytest.raises(UpstreamGarbled):
        AnswerReader(incremental=False).feed_body(body)


WORDS = st.sampled_from(
    [
        *("output", "usage", "models", "text", "thoughts", "response", "nodeId", "nodeResult"),
        *("nodeType", "workflow_message", "message", "content", "node_id", "node_type"),
        *("doc_references", "index_id", "action_type", "code", "error", "finish_reason", "result"),
        *("session_id", "request_id", "input_tokens", "End", "reasoning", "stop", "null"),
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS
SURROGATES = st.sampled_from(["\ud83d", "\ude00", "x\udfff"])
JSON = st.recursive(
    LEAVES | SURROGATES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(WORDS, inner, max_size=6)
        | inner.map(json.dumps)
    ),
    max_leaves=25,
)


@given(st.lists(JSON, max_size=6), st.booleans())
def test_no_event_however_hostile_raises_anything_but_our_errors(
    bodies: list[Any], incremental: bool
) -> None:
    reader = AnswerReader(incremental=incremental)
    for body in bodies:
        try:
            reader.feed(ServerSentEvent("result", json.dumps(body)))
            reader.feed(ServerSentEvent("result", json.dumps({"output": body})))
        except DashScopeError:
            continue
    assert_can_be_encoded(reader.answer)


def assert_can_be_encoded(answer: Answer) -> None:
    json.dumps(repr(answer), ensure_ascii=False).encode()
    "".join((answer.text, answer.session_id or "", answer.finish_reason or "")).encode()
    "".join(step.title + step.key for step in answer.steps).encode()


@pytest.mark.parametrize("depth", [500, 990, 100_000])
def test_json_nested_without_end_is_no_more_than_a_bad_event(depth: int) -> None:
    deep = '{"output":{"text":"a","thoughts":' + "[" * depth + "]" * depth + "}}"
    AnswerReader(incremental=True).feed(ServerSentEvent("result", deep))
    nested = json.dumps({"nodeId": "E", "nodeType": "End", "nodeResult": "RESULT"})
    inner = json.dumps('{"result":' + "[" * depth + "]" * depth + "}")
    response = json.dumps(nested.replace('"RESULT"', inner))
    AnswerReader(incremental=True).feed(
        ServerSentEvent("result", '{"output":{"thoughts":[{"response":' + response + "}]}}")
    )


def seconds_to_feed(events: int) -> float:
    """Return how long the events keep the processor, which other processes cannot prolong."""
    one = event(output={"text": "x" * 5})
    reader = AnswerReader(incremental=True)
    started_at = time.process_time()
    for _ in range(events):
        reader.feed(one)
    return time.process_time() - started_at


def test_merging_costs_the_same_for_the_last_event_as_for_the_first() -> None:
    short = min(seconds_to_feed(2_000) for _ in range(3))
    long = min(seconds_to_feed(20_000) for _ in range(3))
    assert long < short * 30


def endless_deltas(number: int) -> dict[str, Any]:
    return {"text": f"{number:05}" * 40}


def endless_thoughts(number: int) -> dict[str, Any]:
    return {"thoughts": [listed("n", "Output", {"result": f"{number:05}" * 40})]}


def endless_nodes(number: int) -> dict[str, Any]:
    return message("Output", "", node_id=f"n{number}")


def endless_steps(number: int) -> dict[str, Any]:
    return {"text": "Hm. ", "thoughts": [{"action_type": "api", "action_name": f"tool {number}"}]}


@pytest.mark.parametrize(
    ("output", "most"),
    [
        (endless_deltas, MAX_ANSWER_CHARS),
        (endless_thoughts, MAX_ANSWER_CHARS),
        (endless_nodes, 0),
        (endless_steps, 10_000),
    ],
)
def test_an_answer_without_end_is_held_up_to_a_bound_and_never_complete(
    output: Callable[[int], dict[str, Any]], most: int
) -> None:
    reader, number = AnswerReader(incremental=True), 0
    while not reader.is_full:
        reader.feed(event(output=output(number)))
        number += 1
        assert number < 10_000
    held = reader.answer
    assert len(held.text) <= most
    assert len(held.steps) <= MAX_ANSWER_CHARS // 100
    reader.feed(event(output={"text": "more", "finish_reason": "stop"}))
    assert reader.answer == held
    assert not held.complete


@pytest.mark.parametrize(
    ("chars", "complete"), [(MAX_ANSWER_CHARS, True), (MAX_ANSWER_CHARS + 1, False)]
)
def test_an_answer_that_comes_at_once_is_held_up_to_the_same_bound(
    chars: int, complete: bool
) -> None:
    whole = fed({"text": "a" * chars, "finish_reason": "stop", "session_id": "s1"})
    assert (len(whole.text), whole.complete) == (MAX_ANSWER_CHARS, complete)
    assert whole.session_id == "s1"
