"""How answers become events, in every stream mode."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.question import AppKind
from bot.playground.dashscope.answers import Reference, Said, echo
from bot.playground.dashscope.apps import App
from bot.playground.dashscope.ask import Ask
from bot.playground.dashscope.fields import FlowStreamMode
from bot.playground.dashscope.generation import Generation
from bot.playground.dashscope.moments import Moment, agent_moments, pieces
from bot.playground.dashscope.nodes import END, START, flow_moments, speaker
from bot.playground.dashscope.sessions import Session

FIXTURES = Path(__file__).parents[3] / "fixtures" / "dashscope"
REFERENCE = Reference(doc_name="guide.md", title="Start", text="Begin here.")
MODES = list(FlowStreamMode)

texts = st.text(max_size=60)
sizes = st.integers(min_value=1, max_value=9)


def captured(name: str) -> list[Any]:
    lines = (FIXTURES / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line[5:]) for line in lines if line.startswith("data:")]


def agent(said: Said, *, size: int = 5, thinks: bool = False, **wanted: Any) -> list[Moment]:
    asked = Ask("Hi", streamed=True, **wanted)
    return list(agent_moments(said, asked, thinks=thinks, piece_chars=size))


def flow(
    said: Said, *, size: int = 5, streams: bool = True, speaks: str = "End", **wanted: Any
) -> list[Moment]:
    asked, node = Ask("Hi", streamed=True, **wanted), speaker(speaks)
    return list(flow_moments(said, asked, streams=streams, piece_chars=size, speaking=node))


def traced(moment: Moment) -> list[Any]:
    return [json.loads(one["response"]) for one in moment.output.get("thoughts", [])]


def traced_delta(moment: Moment, node_id: str) -> str:
    for node in traced(moment):
        if node["nodeId"] == node_id:
            return json.loads(node["nodeResult"])["result"]
    return ""


@given(text=texts, size=sizes)
def test_pieces_are_the_text_and_there_is_always_one(text: str, size: int) -> None:
    cut = [piece for _, piece in pieces(text, size=size, incremental=True)]
    assert "".join(cut) == text
    assert cut
    assert all(0 < len(one) <= size for one in cut) or cut == [""]


@given(text=texts, size=sizes)
def test_an_agents_deltas_joined_are_the_text_and_the_stop_event_is_empty(
    text: str, size: int
) -> None:
    moments = agent(Said(text), size=size, incremental=True)
    assert "".join(moment.output["text"] for moment in moments) == text
    assert moments[-1].output["text"] == ""
    assert [moment.last for moment in moments] == [False] * (len(moments) - 1) + [True]


@given(text=texts, size=sizes)
def test_an_agents_cumulative_texts_grow_and_the_stop_event_repeats_all(
    text: str, size: int
) -> None:
    shown = [moment.output["text"] for moment in agent(Said(text), size=size)]
    assert all(after.startswith(before) for before, after in pairwise(shown))
    assert shown[-2:] == [text, text]


@given(thought=st.text(min_size=1, max_size=40), text=texts, size=sizes)
def test_thoughts_come_first_as_deltas_of_their_own(thought: str, text: str, size: int) -> None:
    said = Said(text, thought=thought)
    moments = agent(said, size=size, thinks=True, incremental=True, has_thoughts=True)
    deltas = [moment.output["thoughts"][-1]["thought"] for moment in moments]
    assert "".join(deltas) == thought
    first_text = next(n for n, delta in enumerate(deltas) if not delta)
    assert all(moment.output["text"] == "" for moment in moments[:first_text])
    assert "".join(moment.output["text"] for moment in moments) == text


def test_thinking_looks_as_in_the_vendors_guide() -> None:
    said = Said("1.1", thought="Compare.")
    mine = agent(said, thinks=True, incremental=True, has_thoughts=True)[0].output
    theirs = captured("secondary/agent_thinking_incremental.sse")[0]["output"]
    assert mine["thoughts"][0].keys() == theirs["thoughts"][0].keys()


def test_thinking_takes_its_time_even_when_nobody_wants_to_see_it() -> None:
    said = Said("1.1", thought="Compare them.")
    first = agent(said, thinks=True, incremental=True)[0]
    assert "thoughts" not in first.output
    assert first.chars > len(said.thought)


def test_references_come_with_the_stop_event_and_a_retrieval_stands_before_the_reasoning() -> None:
    said = Said("See<ref>[1]</ref>.", thought="Look it up.", references=(REFERENCE,))
    *running, last = agent(said, thinks=True, has_thoughts=True)
    assert all("doc_references" not in moment.output for moment in running)
    theirs = json.loads((FIXTURES / "knowledge_base_references.json").read_text(encoding="utf-8"))
    [reference] = last.output["doc_references"]
    assert reference.keys() == theirs["doc_references"][0].keys()
    assert [one["action_type"] for one in last.output["thoughts"]] == ["agentRag", "reasoning"]


def test_a_workflow_without_has_thoughts_gives_one_late_event() -> None:
    [only] = flow(Said("Answer", drafts=("Draft",)))
    assert only == Moment(len("DraftAnswer"), output={"text": "Answer"}, last=True)


@given(draft=texts, text=texts, size=sizes)
def test_a_full_trace_repeats_every_node_and_only_the_running_one_carries_a_delta(
    draft: str, text: str, size: int
) -> None:
    said = Said(text, drafts=(draft,))
    moments = flow(said, size=size, incremental=True, has_thoughts=True)
    assert moments[0].output == {}
    ids = [node["nodeId"] for node in traced(moments[-1])]
    for node_id, result in zip(ids[1:], [draft, text, text], strict=True):
        assert "".join(traced_delta(moment, node_id) for moment in moments) == result
    assert all("text" not in moment.output for moment in moments[:-1])
    assert moments[-1].output["text"] == text
    assert moments[-1].last


def test_a_full_trace_looks_as_captured() -> None:
    mine = flow(Said("Lake and tower", drafts=("Fish",)), incremental=True, has_thoughts=True)
    theirs = captured("workflow_full_thoughts_nodename.sse")
    mine_last = [set(node) for node in traced(mine[-1])]
    theirs_last = [set(json.loads(one["response"])) for one in theirs[-1]["output"]["thoughts"]]
    assert mine_last == theirs_last
    names = [node["nodeName"] for moment in mine for node in traced(moment)[1:2]]
    assert len(set(names)) == 2, "the first LLM node changes its name while it runs"


def test_a_full_trace_without_incremental_output_carries_whole_results() -> None:
    moments = flow(Said("Answer", drafts=("Draft",)), size=2, has_thoughts=True)
    assert traced_delta(moments[-1], "LLM_x1Yz") == "Draft"
    assert traced_delta(moments[-1], "LLM_x2Yz") == "Answer"


@given(text=texts, size=sizes, incremental=st.booleans())
def test_message_format_sends_deltas_whatever_incremental_output_says(
    text: str, size: int, incremental: bool
) -> None:
    mode = FlowStreamMode.MESSAGE_FORMAT
    *running, stop = flow(Said(text), size=size, flow_stream_mode=mode, incremental=incremental)
    messages = [moment.output["workflow_message"] for moment in running]
    assert "".join(one["message"]["content"] for one in messages) == text
    assert [one["node_msg_seq_id"] for one in messages] == list(range(1, len(messages) + 1))
    assert messages[-1]["node_is_completed"] is True
    assert stop.output == {"text": text}
    assert {one["node_id"] for one in messages} == {END.node_id}


@pytest.mark.parametrize("speaks", ["Output", "LLM", "Message"])
@pytest.mark.parametrize("streams", [True, False])
def test_message_format_tells_of_the_opened_node_whatever_its_type(
    speaks: str, streams: bool
) -> None:
    mode = FlowStreamMode.MESSAGE_FORMAT
    *running, stop = flow(Said("Hello"), streams=streams, speaks=speaks, flow_stream_mode=mode)
    messages = [moment.output["workflow_message"] for moment in running]
    assert {one["node_type"] for one in messages} == {speaks}
    assert "".join(one["message"]["content"] for one in messages) == "Hello"
    assert stop.output == {"text": "Hello"}


def test_message_format_looks_as_in_the_vendors_guide() -> None:
    mine = flow(Said("Hello"), flow_stream_mode=FlowStreamMode.MESSAGE_FORMAT)[0].output
    theirs = captured("secondary/workflow_message_format.sse")[0]["output"]
    assert mine["workflow_message"].keys() == theirs["workflow_message"].keys()


@pytest.mark.parametrize("mode", [FlowStreamMode.MESSAGE_FORMAT, FlowStreamMode.AGENT_FORMAT])
def test_a_node_that_does_not_stream_says_everything_at_once(mode: FlowStreamMode) -> None:
    moments = flow(Said("All at once"), streams=False, flow_stream_mode=mode, incremental=True)
    assert {moment.chars for moment in moments} == {len("All at once")}
    assert moments[-1].output == {"text": "All at once"}


def test_message_format_plus_lets_every_node_speak_and_wraps_what_llm_nodes_say() -> None:
    said = Said("Answer", drafts=("Draft",))
    mode = FlowStreamMode.MESSAGE_FORMAT_PLUS
    *running, stop = flow(said, flow_stream_mode=mode, variables={"city": "Hangzhou"})
    messages = [moment.output["workflow_message"] for moment in running]
    assert json.loads(messages[0]["message"]["content"]) == {"user": {"city": "Hangzhou"}}
    assert messages[0]["node_id"] == START.node_id
    llm = [one["message"]["content"] for one in messages if one["node_id"] == "LLM_x2Yz"]
    assert "".join(json.loads(one)["result"] for one in llm[:-1]) == "Answer"
    first_done = next(n for n, one in enumerate(messages) if one["node_is_completed"] and n)
    assert [moment.usage for moment in running] == [n >= first_done for n in range(len(running))]
    assert stop.usage


@given(text=texts, size=sizes, streams=st.booleans())
def test_in_message_format_plus_the_end_node_says_the_answer_beside_the_last_model_or_after_it(
    text: str, size: int, streams: bool
) -> None:
    mode = FlowStreamMode.MESSAGE_FORMAT_PLUS
    moments = flow(Said(text), size=size, streams=streams, flow_stream_mode=mode)
    messages = [moment.output["workflow_message"] for moment in moments[:-1]]
    ends = [place for place, one in enumerate(messages) if one["node_id"] == END.node_id]
    model_is_done = next(n for n, one in enumerate(messages) if one["node_is_completed"] and n)
    assert "".join(messages[place]["message"]["content"] for place in ends) == text
    assert [messages[n]["node_msg_seq_id"] for n in ends] == list(range(1, len(ends) + 1))
    assert (ends[0] < model_is_done) is streams


@given(text=texts, size=sizes)
def test_agent_format_reads_like_an_agent(text: str, size: int) -> None:
    mode = FlowStreamMode.AGENT_FORMAT
    deltas = flow(Said(text), size=size, flow_stream_mode=mode, incremental=True)
    whole = flow(Said(text), size=size, flow_stream_mode=mode)
    assert "".join(moment.output["text"] for moment in deltas) == text
    assert whole[-1].output["text"] == text


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("has_thoughts", [True, False])
def test_every_mode_ends_once_and_never_goes_back_in_time(
    mode: FlowStreamMode, has_thoughts: bool
) -> None:
    said = Said("The answer at last", drafts=("one", "two"))
    moments = flow(said, flow_stream_mode=mode, has_thoughts=has_thoughts)
    assert [moment.last for moment in moments].count(True) == 1
    chars = [moment.chars for moment in moments]
    assert chars == sorted(chars)


def generation(app: App, said: Said, **wanted: Any) -> Generation:
    asked = Ask("Why?", streamed=True, **wanted)
    return Generation(
        app, asked, said, Session("s", app_id="a", used_at=0), "r", history_chars=0, fault=None
    )


def test_usage_is_cumulative_and_the_stop_event_repeats_it() -> None:
    made = generation(App("a", echo), Said("Because it is so"), incremental=True)
    payloads = [made.payload(moment) for moment in made.moments(piece_chars=4)]
    tokens = [one["usage"]["models"][0]["output_tokens"] for one in payloads]
    assert tokens == sorted(tokens)
    assert tokens[-1] == tokens[-2] == 8


def test_finish_reason_is_the_string_null_until_the_stop_event() -> None:
    made = generation(App("a", echo, kind=AppKind.WORKFLOW), Said("x" * 9), has_thoughts=True)
    payloads = [made.payload(moment) for moment in made.moments(piece_chars=4)]
    assert [one["output"]["finish_reason"] for one in payloads[:-1]] == ["null"] * (
        len(payloads) - 1
    )
    assert payloads[-1]["output"]["finish_reason"] == "stop"
    assert all(one["usage"] == {} for one in payloads)


def test_the_requests_choice_about_thinking_beats_the_consoles() -> None:
    said = Said("Yes", thought="Hm.")
    thoughtful = App("a", echo, thinks=True)
    plain = App("a", echo)
    for app, choice, expected in [
        (thoughtful, None, True),
        (thoughtful, False, False),
        (plain, None, False),
        (plain, True, True),
    ]:
        made = generation(app, said, has_thoughts=True, enable_thinking=choice)
        assert any(one.output.get("thoughts") for one in made.moments(piece_chars=9)) is expected


def test_an_app_that_shows_no_sources_has_neither_marks_nor_references() -> None:
    said = Said("So<ref>[1]</ref>.", references=(REFERENCE,))
    whole = generation(App("a", echo, shows_sources=False), said, has_thoughts=True).whole()
    assert whole.output == {"text": "So."}


@pytest.mark.parametrize("incremental", [True, False])
def test_an_answer_without_streaming_is_whole(incremental: bool) -> None:
    said = Said("All of it", thought="Long thought about it.", references=(REFERENCE,))
    app = App("a", echo, thinks=True)
    whole = generation(app, said, has_thoughts=True, incremental=incremental).whole()
    assert whole.output["text"] == "All of it"
    assert whole.output["thoughts"][-1]["thought"] == said.thought
    assert whole.last
