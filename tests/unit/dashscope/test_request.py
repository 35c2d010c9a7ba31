"""A question -> the request that asks it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.question import AppKind, AppProfile, Question
from bot.dashscope.request import AppRequest, probing_request, streaming_request
from bot.errors import Misconfigured

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
        (AppKind.WORKFLOW, "flow_stream_mode", "message_format"),
        (AppKind.DIALOG_WORKFLOW, "flow_stream_mode", "message_format"),
    ],
)
def test_every_kind_of_app_is_asked_in_the_way_that_makes_it_stream(
    kind: AppKind, parameter: str, value: Any
) -> None:
    parameters = asked(Question(replace(PROFILE, kind=kind), "Hi"))["parameters"]
    assert parameters == {"incremental_output": True, parameter: value}


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


def test_a_probe_asks_for_no_stream() -> None:
    request = probing_request(PROFILE)
    documented = json.loads((FIXTURES / "single_turn_intl.json").read_text())
    assert request.url == documented["url"]
    assert json.loads(request.body) == documented["body"] | {"input": {"prompt": "ping"}}
    assert "X-DashScope-SSE" not in request.headers


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
        lambda: probing_request(profile),
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
