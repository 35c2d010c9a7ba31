"""How files get into a question."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from bot.core.api_fields import problems
from bot.core.attachments import IMAGE_VARIABLE, Way
from bot.core.file_refusals import NO_WAY, TOO_LARGE, Refusal
from bot.core.json_value import Json
from bot.core.prepared import Prepared
from bot.core.question import AppKind, AppProfile, Question

APP = AppProfile("app", "APP", AppKind.AGENT, "http://127.0.0.1/api/v1", api_key="sk-x")
OUTCOMES = [
    (Way.TEXT, "a.txt:\n```\nA\n```"),
    (Way.IMAGE_LINK, "https://bot/files/1.png"),
    Refusal(NO_WAY, "x"),
    (Way.DOCUMENT_LINK, "https://bot/files/2.pdf"),
    (Way.SESSION_FILE, "file_session_3"),
    (Way.IMAGE_LINK, "https://bot/files/4.png"),
    Refusal(NO_WAY, "y"),
    Refusal(TOO_LARGE, "x", bound="1 MB"),
]
PREPARED = Prepared.of(OUTCOMES)


def test_each_way_keeps_the_order_of_the_message() -> None:
    assert PREPARED.images == ("https://bot/files/1.png", "https://bot/files/4.png")
    assert PREPARED.documents == ("https://bot/files/2.pdf",)
    assert PREPARED.session_files == ("file_session_3",)
    assert [each.phrase for each in PREPARED.refusals] == [NO_WAY, NO_WAY, TOO_LARGE]


def test_texts_stand_under_the_question() -> None:
    assert PREPARED.prompt("Why?") == "Why?\n\na.txt:\n```\nA\n```"
    assert PREPARED.prompt("") == "a.txt:\n```\nA\n```"
    assert Prepared().prompt("Why?") == "Why?"


def test_an_agent_gets_files_beside_what_its_options_name() -> None:
    options: Mapping[str, Json] = {"image_list": ["https://logo"], "temperature": 1}
    assert PREPARED.options(options, kind=AppKind.AGENT) == {
        "image_list": ["https://logo", *PREPARED.images],
        "file_list": [*PREPARED.documents],
        "session_file_ids": [*PREPARED.session_files],
        "temperature": 1,
    }


@pytest.mark.parametrize("kind", [AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW])
def test_a_workflow_gets_images_as_its_variable(kind: AppKind) -> None:
    options: Mapping[str, Json] = {"biz_params": {"city": "Hangzhou", IMAGE_VARIABLE: []}}
    assert PREPARED.options(options, kind=kind) == {
        "biz_params": {"city": "Hangzhou", IMAGE_VARIABLE: [*PREPARED.images]}
    }


@pytest.mark.parametrize("kind", AppKind)
def test_without_files_options_stay_as_they_are(kind: AppKind) -> None:
    options: Mapping[str, Json] = {"biz_params": {IMAGE_VARIABLE: []}, "image_list": ["https://x"]}
    assert Prepared().options(options, kind=kind) == options


@pytest.mark.parametrize("kind", AppKind)
def test_what_comes_out_may_be_sent(kind: AppKind) -> None:
    assert not problems(PREPARED.options({}, kind=kind), kind=kind)


def test_a_question_gets_texts_and_links_whichever_way_it_is_asked() -> None:
    asked = Question(APP, "Why?", session_id="s1", options={"temperature": 1}, memory_id="m1")
    got = PREPARED.added_to(asked)
    assert got.prompt == PREPARED.prompt("Why?")
    assert got.options == PREPARED.options({"temperature": 1}, kind=AppKind.AGENT)
    assert (got.session_id, got.memory_id, got.messages) == ("s1", "m1", ())
    told = replace(asked, messages=(("user", "Hi"), ("assistant", "Hello"), ("user", "Why?")))
    *before, last = PREPARED.added_to(told).messages
    assert before == [("user", "Hi"), ("assistant", "Hello")]
    assert last == ("user", PREPARED.prompt("Why?"))
    assert Prepared().added_to(told) == told


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_what_is_left_out_gives_the_app_nothing(outcome: tuple[Way, str] | Refusal) -> None:
    assert Prepared.of([outcome]).is_empty == isinstance(outcome, Refusal)


def test_addresses_and_texts_do_not_show_in_logs() -> None:
    assert "https" not in repr(PREPARED)
    assert "```" not in repr(PREPARED)
