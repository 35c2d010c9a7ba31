"""Fields of requests: where they go, what they may be, which kinds of app know them."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.api_fields import (
    API_FIELDS,
    RESERVED,
    Spot,
    is_sent,
    placed,
    problem_of,
    problems,
    unheard_of,
)
from bot.core.json_value import Json
from bot.core.language import Language
from bot.core.question import AppKind

FIXTURES = Path(__file__).parents[2] / "fixtures" / "dashscope" / "requests"
AGENT, WORKFLOW = AppKind.AGENT, AppKind.WORKFLOW
FLOWS = frozenset(AppKind) - {AGENT}

GOOD: dict[str, Json] = {
    "biz_params": {"user_prompt_params": {"tone": "kind"}},
    "user_prompt_params": {"tone": "kind"},
    "user_defined_params": {"TOOL": {"article_index": 2}},
    "image_list": ["https://example.com/a.jpg", "data:image/png;base64,AAAA"],
    "file_list": ["https://example.com/a.pdf"],
    "doc_reference_type": "indexed",
    "doc_tag_codes": ["c1"],
    "flow_stream_mode": "message_format_plus",
    "enable_thinking": True,
    "has_thoughts": False,
    "model_id": "qwen-plus",
    "enable_web_search": True,
    "enable_system_time": False,
    "enable_premium": True,
    "dialog_round": 3,
    "mcp_servers": ["amap-maps"],
    "cip_service_codes": {"text": {"input": "query_security_check"}},
    "temperature": 0,
    "top_p": 1,
    "top_k": 40,
    "seed": 7,
    "pipeline_ids": ["ID1", "x3g.z:4-_"],
    "file_ids": ["file_0b21e0a8_10026221"],
    "metadata_filter": {"author": "Ann", "source": ["wiki", "docs"]},
    "tags": ["手机", "two words"],
    "structured_filter": {"price": "2999", "rank": 3, "is_new": True},
    "session_file_ids": ["file_session_x"],
    "ask": ["city", "城市", "start.date_1"],
    "plugins": ["TOOL", "tool-2"],
}

BAD: list[tuple[str, Json]] = [
    ("biz_params", "city=Hangzhou"),
    ("biz_params", {}),
    ("biz_params", {"user_prompt_params": None}),
    ("biz_params", {"user_defined_tokens": {"TOOL": {"user_token": "t"}}}),
    ("biz_params", {"user_defined_params": {}}),
    ("user_prompt_params", {}),
    ("user_defined_params", {"TOOL": 1}),
    ("user_defined_params", {f"TOOL{n}": {} for n in range(11)}),
    ("image_list", []),
    ("image_list", ["ftp://example.com/a.jpg"]),
    ("file_list", "https://example.com/a.pdf"),
    ("file_list", ["https://exa mple.com"]),
    ("doc_reference_type", "complex"),
    ("doc_tag_codes", [""]),
    ("enable_thinking", "true"),
    ("has_thoughts", 1),
    ("model_id", " qwen"),
    ("model_id", "a\nb"),
    ("model_id", "x" * 129),
    ("dialog_round", -1),
    ("dialog_round", True),
    ("dialog_round", 1.5),
    ("mcp_servers", [7]),
    ("cip_service_codes", []),
    ("temperature", 2),
    ("temperature", -0.1),
    ("temperature", True),
    ("top_p", 0),
    ("top_p", 1.01),
    ("top_k", "40"),
    ("pipeline_ids", "ID1"),
    ("pipeline_ids", ["ID1,ID2"]),
    ("pipeline_ids", ["{YOUR_ID}"]),
    ("pipeline_ids", ["ID1\n"]),
    ("pipeline_ids", ["x" * 129]),
    ("pipeline_ids", {"0": "ID1"}),
    ("file_ids", [f"F{n}" for n in range(6)]),
    ("metadata_filter", {}),
    ("metadata_filter", {"year": 2024}),
    ("metadata_filter", {"author": ["Ann", 2]}),
    ("metadata_filter", {"author": []}),
    ("tags", "手机"),
    ("tags", ['"quoted"']),
    ("structured_filter", {"price": ["2999"]}),
    ("structured_filter", {"price": None}),
    ("session_file_ids", ["file_1"]),
    ("session_file_ids", ["file_session_ ,"]),
    ("session_file_ids", [f"file_session_{n}" for n in range(11)]),
    ("ask", "city"),
    ("ask", []),
    ("ask", ["two words"]),
    ("ask", ["city="]),
    ("ask", ["x" * 65]),
    ("ask", ["user_defined_tokens"]),
    ("ask", [f"v{n}" for n in range(11)]),
    ("plugins", ["a/b"]),
    ("plugins", [f"TOOL{n}" for n in range(11)]),
    ("model_id", None),
    ("a new field", 1),
    ("", 1),
    ("x" * 65, 1),
    ("new_field", None),
    ("new_field", "\ud83d"),
    ("new_field", "x" * 3000),
]


def a_kind_for(name: str) -> AppKind:
    return next((kind for kind in AppKind if name not in API_FIELDS or knows(name, kind)), AGENT)


def knows(name: str, kind: AppKind) -> bool:
    return kind in API_FIELDS[name].kinds


def said(name: str, value: Json, *, kind: AppKind = AGENT) -> str:
    problem = problem_of(name, value, kind=kind)
    assert problem is not None, (name, value)
    assert problem.say(Language.ZH)
    return problem.say(Language.EN)


def test_every_field_has_an_example_here() -> None:
    assert set(GOOD) == set(API_FIELDS)


@pytest.mark.parametrize("name", API_FIELDS)
def test_a_field_takes_what_the_vendor_documents_for_it(name: str) -> None:
    assert problem_of(name, GOOD[name], kind=a_kind_for(name)) is None


@pytest.mark.parametrize(("name", "value"), BAD)
def test_what_a_field_cannot_be_is_refused_in_words(name: str, value: Json) -> None:
    assert said(name, value, kind=a_kind_for(name))


@pytest.mark.parametrize("kind", AppKind)
@pytest.mark.parametrize("name", [name for name in API_FIELDS if name != "biz_params"])
def test_a_field_is_refused_by_every_kind_of_app_that_does_not_know_it(
    name: str, kind: AppKind
) -> None:
    assert (problem_of(name, GOOD[name], kind=kind) is None) is knows(name, kind)


def test_which_kinds_know_a_field_is_as_the_vendor_documents_it() -> None:
    for_all = {name for name in API_FIELDS if API_FIELDS[name].kinds == frozenset(AppKind)}
    for_flows = {name for name in API_FIELDS if API_FIELDS[name].kinds == FLOWS}
    for_agents = {name for name in API_FIELDS if API_FIELDS[name].kinds == frozenset({AGENT})}
    assert for_all == {"biz_params", "has_thoughts"}
    assert for_flows == {"flow_stream_mode", "ask"}
    assert for_agents == set(API_FIELDS) - for_all - for_flows


def test_a_refusal_by_kind_names_the_kinds_that_would_do_and_the_one_that_is_here() -> None:
    sentence = said("flow_stream_mode", "agent_format", kind=AGENT)
    assert sentence.startswith("Only for workflow, dialog workflow, agent orchestration;")
    assert sentence.endswith("here is: agent.")


def test_too_many_ids_are_told_with_the_limit_and_how_many_were_given() -> None:
    sentence = said("pipeline_ids", [f"ID{n}" for n in range(7)])
    assert "At most 5" in sentence
    assert "7 were given" in sentence


@pytest.mark.parametrize("kind", [kind for kind in AppKind if kind in FLOWS])
def test_a_workflow_takes_variables_by_their_own_names_only(kind: AppKind) -> None:
    assert problem_of("biz_params", {"city": "Hangzhou", "days": 3}, kind=kind) is None
    assert "agents only" in said("biz_params", {"user_defined_params": {"T": {}}}, kind=kind)


def test_an_agent_takes_no_flat_variables() -> None:
    assert "takes only" in said("biz_params", {"city": "Hangzhou"})


@pytest.mark.parametrize("kind", AppKind)
@pytest.mark.parametrize("name", RESERVED)
def test_what_the_bot_sends_itself_and_what_is_secret_cannot_be_set(
    name: str, kind: AppKind
) -> None:
    assert problem_of(name, "x", kind=kind) is RESERVED[name]
    assert name not in API_FIELDS


@pytest.mark.parametrize("kind", AppKind)
def test_a_field_nobody_here_has_heard_of_is_fine(kind: AppKind) -> None:
    assert problem_of("brand_new", {"a": [1, None]}, kind=kind) is None


@pytest.mark.parametrize("name", ["file_ids", "metadata_filter", "tags"])
def test_a_filter_of_documents_needs_the_knowledge_bases_they_are_in(name: str) -> None:
    assert set(problems({name: GOOD[name]}, kind=AGENT)) == {name}
    assert not problems({name: GOOD[name], "pipeline_ids": ["ID1"]}, kind=AGENT)


def test_full_thoughts_need_thoughts() -> None:
    mode: dict[str, Json] = {"flow_stream_mode": "full_thoughts"}
    assert not problems(mode, kind=WORKFLOW)
    assert not problems(mode | {"has_thoughts": True}, kind=WORKFLOW)
    assert set(problems(mode | {"has_thoughts": False}, kind=WORKFLOW)) == {"flow_stream_mode"}
    assert not problems({"flow_stream_mode": "agent_format", "has_thoughts": False}, kind=WORKFLOW)


def test_what_is_wrong_with_a_field_by_itself_goes_before_what_it_needs() -> None:
    found = problems({"tags": "手机", "seed": -1, "top_k": 1}, kind=AGENT)
    assert set(found) == {"tags", "seed"}
    assert "list" in found["tags"].en


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.sampled_from([*API_FIELDS, *RESERVED, "new"]) | st.text(), ANY, st.sampled_from(AppKind))
def test_any_json_passes_or_is_refused_in_both_languages(
    name: str, value: Any, kind: AppKind
) -> None:
    problem = problem_of(name, value, kind=kind)
    assert problem is None or (problem.say(Language.EN) and problem.say(Language.ZH))


def test_every_field_goes_to_its_own_spot() -> None:
    asked, parameters = placed(GOOD)
    at = {
        Spot.INPUT: asked,
        Spot.PARAMETERS: parameters,
        Spot.RAG_OPTIONS: parameters["rag_options"],
        Spot.BIZ_PARAMS: asked["biz_params"],
    }
    for name, field in API_FIELDS.items():
        if name != "biz_params" and field.spot is not Spot.NOWHERE:
            spot: Any = at[field.spot]
            assert spot[name] == GOOD[name]


def test_what_the_bot_keeps_to_itself_stands_nowhere_in_a_request() -> None:
    kept = {name for name in API_FIELDS if not is_sent(name)}
    assert kept == {"ask", "plugins"}
    assert placed({name: GOOD[name] for name in kept}) == ({}, {})
    assert is_sent("brand_new")


def test_variables_of_all_levels_share_one_object() -> None:
    options: dict[str, Json] = {
        "biz_params": {"user_prompt_params": {"tone": "kind"}},
        "user_defined_params": {"TOOL": {}},
    }
    asked, parameters = placed(options)
    assert asked == {
        "biz_params": {"user_prompt_params": {"tone": "kind"}, "user_defined_params": {"TOOL": {}}}
    }
    assert parameters == {}
    assert options["biz_params"] == {"user_prompt_params": {"tone": "kind"}}


def test_variables_that_are_no_object_give_way() -> None:
    asked, _ = placed({"biz_params": "?", "user_prompt_params": {"tone": "kind"}})
    assert asked == {"biz_params": {"user_prompt_params": {"tone": "kind"}}}


def test_unknown_fields_go_to_parameters_after_the_known_ones() -> None:
    _, parameters = placed({"brand_new": 1, "has_thoughts": True})
    assert list(parameters.items()) == [("has_thoughts", True), ("brand_new", 1)]


def test_nothing_set_adds_nothing() -> None:
    assert placed({}) == ({}, {})


def test_the_vendors_own_sdk_puts_every_field_in_the_same_place() -> None:
    sent = json.loads((FIXTURES / "sdk_2_0_2_wire.json").read_text())["kitchen_sink"]
    ours = {"messages", "session_id", "memory_id", "incremental_output", "rag_options"}
    asked = {name: value for name, value in sent["input"].items() if name not in ours}
    parameters = {name: value for name, value in sent["parameters"].items() if name not in ours}
    assert placed({**parameters, **asked}) == (asked, parameters)


def test_fields_are_sent_in_the_same_order_however_they_were_set() -> None:
    names = list(placed(dict(reversed(GOOD.items())))[1])
    order = list(API_FIELDS)
    assert all(order.index(a) < order.index(b) for a, b in pairwise(names[:-1]))


def test_a_name_nobody_knows_is_told_with_the_one_it_looks_like() -> None:
    assert unheard_of(["temperture", "seed", "zzzz"]) == {
        "temperture": "temperature",
        "zzzz": "",
    }
