"""A question -> the request that asks it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.api_fields import FLOW_STREAM_MODES
from bot.core.question import AppKind, AppProfile, Question
from bot.core.resolution import Layers, resolve
from bot.dashscope.request import AppRequest, probing_question, streaming_request
from bot.errors import Misconfigured
from bot.playground.dashscope.checks import problem

FIXTURES = Path(__file__).parents[2] / "fixtures" / "dashscope" / "requests"
PROFILE = AppProfile(
    name="default",
    app_id="APP_ID",
    kind=AppKind.AGENT,
    base_url="https://dashscope-intl.aliyuncs.com/api/v1",
    api_key="sk-secret",
)


def asked(question: Question) -> dict[str, Any]:
    return json.loads(streaming_request(question).body)


OURS = ("prompt", "session_id", "messages", "memory_id", "incremental_output", "rag_options")
"""What a question carries beside its options."""

WORKFLOWS = ("flow_stream_mode", "has_thoughts_workflow", "workflow_biz_params")
DOCUMENTED = [
    path.stem for path in sorted(FIXTURES.glob("*.json")) if "body" in json.loads(path.read_text())
]


def documented(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def question_of(name: str) -> Question:
    """Return the question that a documented request asks, said in our own terms."""
    request = documented(name)
    given, parameters = request["body"]["input"], request["body"]["parameters"]
    fields = given | parameters | parameters.get("rag_options", {})
    options = {field: value for field, value in fields.items() if field not in OURS}
    variables = dict(options.get("biz_params", {}))
    tokens = variables.pop("user_defined_tokens", {})
    if variables:
        options["biz_params"] = variables
    is_flow = name.startswith(WORKFLOWS)
    return Question(
        app=replace(
            PROFILE,
            kind=AppKind.WORKFLOW if is_flow else AppKind.AGENT,
            base_url=request["url"].partition("/apps/")[0],
            app_id=request["url"].split("/")[-2],
            workspace=request["headers"].get("X-DashScope-WorkSpace", ""),
        ),
        prompt=given.get("prompt", ""),
        session_id=given.get("session_id"),
        options=options,
        messages=tuple((each["role"], each["content"]) for each in given.get("messages", ())),
        memory_id=given.get("memory_id"),
        tokens={tool: each["user_token"] for tool, each in tokens.items()},
    )


def documented_places() -> set[tuple[str, str]]:
    """Return every (place, field) of the documented requests."""
    bodies = [json.loads(path.read_text()).get("body", {}) for path in FIXTURES.glob("*.json")]
    return {
        (place, name)
        for body in bodies
        for place in ("input", "parameters")
        for name in body.get(place, {})
    }


@pytest.mark.parametrize("kind", AppKind)
def test_every_field_stands_where_the_documented_requests_have_it(kind: AppKind) -> None:
    body = asked(Question(replace(PROFILE, kind=kind), "Hi", "4f8e"))
    sent = {(place, name) for place in ("input", "parameters") for name in body[place]}
    assert sent <= documented_places()


@pytest.mark.parametrize("kind", AppKind)
def test_deltas_are_always_asked_for_by_name(kind: AppKind) -> None:
    body = asked(Question(replace(PROFILE, kind=kind), "Hi"))
    assert body["parameters"]["incremental_output"] is True


@pytest.mark.parametrize(
    ("kind", "parameter", "value"),
    [
        (AppKind.AGENT, "has_thoughts", True),
        (AppKind.ORCHESTRATION, "has_thoughts", True),
        (AppKind.WORKFLOW, "flow_stream_mode", "message_format_plus"),
        (AppKind.DIALOG_WORKFLOW, "flow_stream_mode", "message_format_plus"),
    ],
)
def test_every_kind_of_app_is_asked_in_the_way_that_makes_it_stream(
    kind: AppKind, parameter: str, value: Any
) -> None:
    parameters = asked(Question(replace(PROFILE, kind=kind), "Hi"))["parameters"]
    assert parameters == {"incremental_output": True, parameter: value}


@pytest.mark.parametrize("mode", ["message_format", "agent_format", "full_thoughts"])
def test_a_mode_that_was_set_is_kept(mode: str) -> None:
    flow = replace(PROFILE, kind=AppKind.WORKFLOW)
    request = streaming_request(Question(flow, "Hi", options={"flow_stream_mode": mode}))
    assert json.loads(request.body)["parameters"]["flow_stream_mode"] == mode
    assert request.every_node_speaks == (mode == "message_format")


def test_where_steps_are_not_wanted_only_the_nodes_that_answer_are_told_of() -> None:
    flow = replace(PROFILE, kind=AppKind.WORKFLOW)
    request = streaming_request(Question(flow, "Hi", options={"has_thoughts": False}))
    assert json.loads(request.body)["parameters"] == {
        "flow_stream_mode": "message_format",
        "incremental_output": True,
    }


@pytest.mark.parametrize("name", DOCUMENTED)
def test_every_documented_request_is_sent_as_the_vendor_writes_it(name: str) -> None:
    expected, question = documented(name), question_of(name)
    request = streaming_request(question)
    body = json.loads(request.body)
    assert request.url == expected["url"]
    assert body["input"] == expected["body"]["input"]
    ours = {"incremental_output", "has_thoughts", "flow_stream_mode"} - set(question.options)
    assert without(body["parameters"], ours) == without(
        expected["body"]["parameters"], {"incremental_output"}
    )
    assert request.headers.get("X-DashScope-WorkSpace") == expected["headers"].get(
        "X-DashScope-WorkSpace"
    )


def without(fields: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("flow_stream_mode_agent_format", {}),
        ("flow_stream_mode_full_thoughts", {}),
        ("flow_stream_mode_message_format", {"incremental_output": True}),
        (
            "has_thoughts_workflow_stream",
            {
                "flow_stream_mode": "message_format_plus",
                "has_thoughts": True,
                "incremental_output": True,
            },
        ),
        ("images_files_thinking", {}),
        ("streaming_incremental", {"has_thoughts": True, "incremental_output": True}),
        ("streaming_cumulative", {"has_thoughts": True, "incremental_output": True}),
    ],
)
def test_a_documented_stream_is_asked_for_byte_by_byte_with_ours_added(
    name: str, parameters: dict[str, Any]
) -> None:
    expected = documented(name)["body"]
    # Ours first where they come first: a later spelling of the same name keeps the place.
    ahead = parameters if "incremental_output" in expected["parameters"] else {}
    expected["parameters"] = {**ahead, **expected["parameters"], **parameters}
    sent = streaming_request(question_of(name)).body
    assert sent == json.dumps(expected, ensure_ascii=False).encode()


def parameters_of(kind: AppKind, options: dict[str, Any]) -> dict[str, Any]:
    return asked(Question(replace(PROFILE, kind=kind), "Hi", options=options))["parameters"]


@pytest.mark.parametrize("kind", AppKind)
def test_steps_that_are_switched_off_are_not_asked_for(kind: AppKind) -> None:
    assert "has_thoughts" not in parameters_of(kind, {"has_thoughts": False})


@pytest.mark.parametrize("kind", AppKind)
def test_steps_that_are_switched_on_are_asked_for(kind: AppKind) -> None:
    assert parameters_of(kind, {"has_thoughts": True})["has_thoughts"] is True


@pytest.mark.parametrize("kind", [AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW])
def test_full_thoughts_bring_the_thoughts_they_need(kind: AppKind) -> None:
    assert parameters_of(kind, {"flow_stream_mode": "full_thoughts"}) == {
        "flow_stream_mode": "full_thoughts",
        "has_thoughts": True,
        "incremental_output": True,
    }


def test_the_steps_of_an_orchestration_come_along_in_any_mode_that_was_chosen() -> None:
    assert parameters_of(AppKind.ORCHESTRATION, {"flow_stream_mode": "agent_format"}) == {
        "flow_stream_mode": "agent_format",
        "has_thoughts": True,
        "incremental_output": True,
    }


def test_deltas_are_asked_for_whatever_the_options_say() -> None:
    sent = parameters_of(AppKind.AGENT, {"incremental_output": False})
    assert sent["incremental_output"] is True


def test_a_conversation_goes_without_prompt_and_session() -> None:
    question = Question(PROFILE, "Hi", "4f8e", messages=(("user", "Hello"),))
    assert asked(question)["input"] == {"messages": [{"role": "user", "content": "Hello"}]}


def test_tokens_of_tools_travel_beside_their_parameters_and_show_nowhere() -> None:
    options: dict[str, Any] = {"user_defined_params": {"T": {"index": 2}}}
    question = Question(PROFILE, "Hi", options=options, tokens={"T": "token-of-ann"})
    assert asked(question)["input"]["biz_params"] == {
        "user_defined_params": {"T": {"index": 2}},
        "user_defined_tokens": {"T": {"user_token": "token-of-ann"}},
    }
    assert options == {"user_defined_params": {"T": {"index": 2}}}
    assert "token-of-ann" not in repr(question) + repr(streaming_request(question))


def test_a_token_needs_no_parameters_beside_it() -> None:
    sent = asked(Question(PROFILE, "Hi", tokens={"T": "t"}))["input"]["biz_params"]
    assert sent == {"user_defined_tokens": {"T": {"user_token": "t"}}}


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "pipeline_ids": st.just(["P1"]),
        "file_ids": st.just(["F1"]),
        "tags": st.just(["t"]),
        "metadata_filter": st.just({"k": ["a", "b"]}),
        "structured_filter": st.just({"price": "2999"}),
        "biz_params": st.sampled_from([{"city": "x"}, {"user_prompt_params": {"a": {}}}]),
        "user_defined_params": st.just({"T": {"index": 2}}),
        "has_thoughts": st.booleans(),
        "flow_stream_mode": st.sampled_from(FLOW_STREAM_MODES),
        "enable_thinking": st.booleans(),
        "model_id": st.just("qwen-plus"),
        "image_list": st.just(["https://example.com/a.jpg"]),
        "top_p": st.just(0.5),
        "seed": st.just(1),
    },
)


@given(OPTIONS, st.sampled_from(AppKind))
def test_what_holds_for_a_place_is_a_request_that_dashscope_takes(
    options: dict[str, Any], kind: AppKind
) -> None:
    app = replace(PROFILE, kind=kind, options=options)
    effective = resolve(Layers(), app=app)
    body = asked(Question(app, "Hi", options=effective.options))
    assert problem(body, kind=kind) is None


def test_what_is_not_set_is_left_out() -> None:
    request = streaming_request(Question(PROFILE, "Hi"))
    assert json.loads(request.body)["input"] == {"prompt": "Hi"}
    assert "X-DashScope-WorkSpace" not in request.headers
    assert b"null" not in request.body


def test_a_session_goes_along_when_there_is_one() -> None:
    expected = json.loads((FIXTURES / "multi_turn_session_id_2.json").read_text())["body"]["input"]
    question = Question(PROFILE, expected["prompt"], expected["session_id"])
    assert asked(question)["input"] == expected


def test_the_headers_ask_for_a_stream_that_nobody_holds_back() -> None:
    headers = streaming_request(Question(replace(PROFILE, workspace="llm-1"), "Hi")).headers
    assert headers["Authorization"] == "Bearer sk-secret"
    assert headers["Content-Type"] == "application/json"
    assert headers["Accept"] == "text/event-stream"
    assert headers["X-DashScope-SSE"] == "enable"
    assert headers["X-Accel-Buffering"] == "no"
    assert headers["Accept-Encoding"] == "identity"
    assert headers["X-DashScope-WorkSpace"] == "llm-1"
    assert headers["User-Agent"].startswith("dashscope-slack")


def test_a_probe_asks_as_questions_are_asked_and_with_the_options_of_the_app() -> None:
    options = {"pipeline_ids": ["KB1"], "temperature": 0.5}
    probe = streaming_request(
        probing_question(replace(PROFILE, options={**options, "flow_stream_mode": "x"}))
    )
    assert probe == streaming_request(Question(PROFILE, "ping", options=options))


@pytest.mark.parametrize(
    "wrong",
    [
        {"app_id": ""},
        {"app_id": "{YOUR_APP_ID}"},
        {"app_id": "../x"},
        {"app_id": "a\n"},
        {"base_url": "ftp://example.com"},
        {"base_url": "https://"},
        {"base_url": "https://user@host/api/v1"},
        {"base_url": "https://host/api/v1?x=1"},
        {"api_key": ""},
        {"api_key": "sk secret"},
        {"api_key": "sk-secret\n"},
        {"api_key": "sk-secrét"},
        {"workspace": "llm\r\nX: y"},
    ],
)
def test_a_profile_that_cannot_be_right_is_refused_before_anything_is_sent(
    wrong: dict[str, str],
) -> None:
    profile = replace(PROFILE, **wrong)  # pyright: ignore[reportArgumentType] - only texts
    for build in (
        lambda: streaming_request(Question(profile, "Hi")),
        lambda: streaming_request(probing_question(profile)),
    ):
        with pytest.raises(Misconfigured) as caught:
            build()
        assert "secr" not in repr(caught.value) + caught.value.detail


def test_a_trailing_slash_of_the_address_is_no_second_one() -> None:
    request = streaming_request(Question(replace(PROFILE, base_url="https://h/api/v1/"), "Hi"))
    assert request.url == "https://h/api/v1/apps/APP_ID/completion"


def test_half_a_character_in_a_prompt_is_replaced() -> None:
    assert asked(Question(PROFILE, "a\ud83d"))["input"]["prompt"] == "a?"


def test_a_prompt_travels_as_it_is() -> None:
    prompt = 'é漢\U0001f600 "\\\n\u2028'
    assert asked(Question(PROFILE, prompt))["input"]["prompt"] == prompt


def test_neither_key_nor_prompt_shows_in_a_repr() -> None:
    request: AppRequest = streaming_request(Question(PROFILE, "my words"))
    assert "sk-secret" not in repr(request)
    assert "my words" not in repr(request)
