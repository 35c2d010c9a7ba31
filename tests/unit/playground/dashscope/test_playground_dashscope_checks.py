"""Which requests the playground's DashScope takes."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.core.question import AppKind
from bot.playground.dashscope.answers import Round
from bot.playground.dashscope.ask import read
from bot.playground.dashscope.checks import Rules, problem
from bot.playground.dashscope.fields import FlowStreamMode

REQUESTS = Path(__file__).parents[3] / "fixtures" / "dashscope" / "requests"
FLOW_SAMPLES = ("flow_stream_mode", "has_thoughts_workflow", "workflow_biz")
NOT_BODIES = ("sdk_2_0_2_wire", "memory_openapi", "rag_file_ids_metadata_tags.json")

A, W, DW, ORCH = (
    AppKind.AGENT,
    AppKind.WORKFLOW,
    AppKind.DIALOG_WORKFLOW,
    AppKind.ORCHESTRATION,
)


def sample(name: str) -> Any:
    return json.loads((REQUESTS / f"{name}.json").read_text(encoding="utf-8"))


SAMPLES = [
    path.stem for path in sorted(REQUESTS.glob("*.json")) if not path.name.startswith(NOT_BODIES)
]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_documented_sample_is_taken(name: str) -> None:
    kind = W if name.startswith(FLOW_SAMPLES) else A
    assert problem(sample(name)["body"], kind=kind) is None


def test_there_are_samples_to_take() -> None:
    assert len(SAMPLES) >= 20


@pytest.mark.parametrize("form", ["single", "stream_incremental_False", "stream_incremental_unset"])
def test_what_the_official_sdk_puts_on_the_wire_is_taken(form: str) -> None:
    assert problem(sample("sdk_2_0_2_wire")[form], kind=A) is None


def test_a_bare_string_for_tags_is_only_taken_when_the_rules_are_loosened() -> None:
    body = sample("rag_file_ids_metadata_tags")["body"]
    assert "rag_options.tags" in (problem(body, kind=A) or "")
    assert problem(body, kind=A, rules=Rules(tags_may_be_text=True)) is None


def body(parameters: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
    return {"input": {"prompt": "Hi", **asked}, "parameters": parameters or {}, "debug": {}}


def rag(**options: Any) -> dict[str, Any]:
    return body({"rag_options": {"pipeline_ids": ["P"], **options}})


def messages(*roles: str) -> dict[str, Any]:
    return {"input": {"messages": [{"role": role, "content": "x"} for role in roles]}}


def plugins(name: str, count: int) -> dict[str, Any]:
    value = {"user_token": "t"}
    return body(biz_params={name: {f"tool-{n}": value for n in range(count)}})


MISPLACED = [
    (A, body({"session_id": "s"}), "belongs in input"),
    (W, body({"biz_params": {}}), "belongs in input"),
    (A, body({"memory_id": "m"}), "belongs in input"),
    (A, body({"image_list": ["u"]}), "belongs in input"),
    (A, body({"file_list": ["u"]}), "belongs in input"),
    (A, body(rag_options={}), "belongs in parameters"),
    (A, body(has_thoughts=True), "belongs in parameters"),
    (A, body(incremental_output=True), "belongs in parameters"),
    (W, body(flow_stream_mode="agent_format"), "belongs in parameters"),
    (A, body(model_id="qwen-max"), "belongs in parameters"),
    (A, body(enable_thinking=True), "belongs in parameters"),
    (A, body(enable_web_search=True), "belongs in parameters"),
    (A, body({"pipeline_ids": ["P"]}), "belongs in parameters.rag_options"),
    (A, body(user_defined_params={}), "belongs in input.biz_params"),
    (A, {"input": {"prompt": "Hi"}, "prompt": "Hi"}, "belongs in input"),
    (A, {**body(), "stream": True}, "X-DashScope-SSE"),
    (A, body({"stream": True}), "X-DashScope-SSE"),
    (A, body({"streem": True}), "streem is not a field"),
]

WRONG = [
    (A, [], "must be an object"),
    (A, {"parameters": {}}, "input is required"),
    (A, {**body(), "parameters": None}, "parameters must be an object"),
    (A, {**body(), "model": "qwen-max"}, "model must be empty"),
    (A, {"input": {}}, "input.prompt is required"),
    (A, {"input": {"prompt": ""}}, "input.prompt must be"),
    (A, {"input": {"prompt": " \n"}}, "input.prompt must be"),
    (A, {"input": {"prompt": 7}}, "input.prompt must be"),
    (A, body(session_id=None), "input.session_id must not be null"),
    (A, body({"rag_options": None}), "parameters.rag_options must not be null"),
    (A, body({"incremental_output": "yes"}), "incremental_output must be a boolean"),
    (A, body({"enable_thinking": "true"}), "enable_thinking must be a boolean"),
    (A, body({"dialog_round": True}), "dialog_round must be"),
    (A, body({"temperature": 2}), "temperature must be"),
    (A, body({"top_p": 0}), "top_p must be"),
    (A, body(image_list="u"), "image_list must be"),
    (A, body(doc_reference_type="full"), "doc_reference_type must be"),
    (W, body({"flow_stream_mode": "fast"}), "flow_stream_mode must be one of"),
    (W, body({"flow_stream_mode": []}), "flow_stream_mode must be one of"),
]

UNSUPPORTED = [
    (W, body({"rag_options": {}}), "rag_options is not supported"),
    (W, body(memory_id="m"), "memory_id is not supported"),
    (DW, body({"enable_thinking": True}), "enable_thinking is not supported"),
    (ORCH, body({"model_id": "m"}), "model_id is not supported"),
    (W, body(file_list=["u"]), "file_list is not supported"),
    (A, body({"flow_stream_mode": "message_format"}), "flow_stream_mode is not supported"),
    (W, messages("user"), "messages is not supported"),
    (ORCH, messages("user"), "messages is not supported"),
    (A, body(biz_params={"city": "Hangzhou"}), "biz_params.city is not supported"),
    (W, body(biz_params={"user_defined_params": {}}), "only supported by an agent"),
]

CONVERSATIONS = [
    (A, {"input": {**messages("user")["input"], "prompt": "Hi"}}, "together with input.messages"),
    (A, {"input": {**messages("user")["input"], "session_id": "s"}}, "together with"),
    (A, messages("user", "assistant"), "must end with a message of role user"),
    (A, messages("user", "system", "user"), "only the first message"),
    (A, messages("bot"), "messages[0].role must be"),
    (A, {"input": {"messages": [{"role": "user"}]}}, "messages[0].content must be"),
    (A, {"input": {"messages": []}}, "messages must be"),
    (A, {"input": {"messages": [{"role": {}, "content": "x"}]}}, "messages[0].role must be"),
]

LIMITS = [
    (A, rag(pipeline_ids=[str(n) for n in range(6)]), "more than 5"),
    (A, rag(file_ids=[str(n) for n in range(6)]), "more than 5"),
    (A, rag(session_file_ids=[f"file_session_{n}" for n in range(11)]), "more than 10"),
    (A, rag(session_file_ids=["file_1"]), "begin with file_session_"),
    (A, rag(pipeline_ids=["P1,P2"]), "one id per element"),
    (A, rag(pipeline_ids="P"), "pipeline_ids must be"),
    (A, rag(pipeline_ids=None), "pipeline_ids must not be null"),
    (A, body({"rag_options": {"file_ids": ["F"]}}), "needs the pipeline_ids"),
    (A, body({"rag_options": {"tags": ["T"]}}), "needs the pipeline_ids"),
    (A, rag(tags="T"), "tags must be"),
    (A, rag(metadata_filter={"k": 1}), "metadata_filter.k must be"),
    (A, rag(metadata_filter=[]), "metadata_filter must be"),
    (A, rag(structured_filter="x"), "structured_filter must be"),
    (A, rag(top=1), "top is not a field"),
    (A, plugins("user_defined_params", 11), "more than 10 plugins"),
    (A, plugins("user_defined_tokens", 11), "more than 10 plugins"),
    (A, body(biz_params={"user_defined_tokens": {"t": {}}}), "user_token must be"),
    (A, body(biz_params={"user_defined_params": {"t": 1}}), "user_defined_params.t must be"),
    (A, body(biz_params={"user_defined_params": None}), "must not be null"),
    (A, body(biz_params={"user_defined_params": []}), "must be an object"),
]


@pytest.mark.parametrize(
    ("kind", "wrong", "named"), [*MISPLACED, *WRONG, *UNSUPPORTED, *CONVERSATIONS, *LIMITS]
)
def test_every_mistake_is_refused_by_naming_the_field(
    kind: AppKind, wrong: Any, named: str
) -> None:
    found = problem(wrong, kind=kind)
    assert found is not None
    assert named in found


def test_the_limits_themselves_are_allowed() -> None:
    five = [str(n) for n in range(5)]
    assert problem(rag(pipeline_ids=five, file_ids=five), kind=A) is None
    assert problem(plugins("user_defined_tokens", 10), kind=A) is None
    assert problem(messages("system", "user", "assistant", "user"), kind=DW) is None


def test_unknown_parameters_pass_only_when_the_rules_are_loosened() -> None:
    loose = Rules(unknown_parameters=True)
    assert problem(body({"next_year": 1}), kind=A) is not None
    assert problem(body({"next_year": 1}), kind=A, rules=loose) is None
    assert "belongs in" in (problem(body({"session_id": "s"}), kind=A, rules=loose) or "")


def test_the_string_true_counts_as_true_as_the_captures_show() -> None:
    asked = read(body({"incremental_output": "true", "has_thoughts": "false"}), streamed=True)
    assert asked.incremental
    assert not asked.has_thoughts


def test_messages_become_a_question_and_its_history() -> None:
    sent = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One?"},
        {"role": "user", "content": "Two?"},
        {"role": "assistant", "content": "2."},
        {"role": "user", "content": "Three?"},
    ]
    asked = read({"input": {"messages": sent}}, streamed=False)
    assert asked.prompt == "Three?"
    assert asked.brought == (Round("One?", ""), Round("Two?", "2."))


def test_the_old_history_field_and_the_stream_mode_are_read() -> None:
    wanted = body({"flow_stream_mode": "agent_format"}, history=[{"user": "A?", "bot": "B."}])
    asked = read(wanted, streamed=True)
    assert asked.brought == (Round("A?", "B."),)
    assert asked.flow_stream_mode is FlowStreamMode.AGENT_FORMAT
