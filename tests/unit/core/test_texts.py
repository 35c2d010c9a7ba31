"""The bot's own sentences."""

import pytest

from bot import errors
from bot.core import texts
from bot.core.answer import Step


def all_dashscope_errors() -> list[type[errors.DashScopeError]]:
    found = [errors.DashScopeError]
    for error in found:
        found.extend(error.__subclasses__())
    return found


@pytest.mark.parametrize("kind", all_dashscope_errors())
def test_every_failure_is_one_plain_sentence_with_an_id_and_none_of_the_vendors_words(
    kind: type[errors.DashScopeError],
) -> None:
    error = kind("SECRET detail", code="Vendor.Code", status=500, request_id="req-1")
    sentence = texts.failure(error, turn_id=42)
    assert sentence.endswith("(id T42)")
    assert not any(word in sentence for word in ("SECRET", "Vendor", "500", "req-1", "\n"))


def test_failures_a_reader_can_do_something_about_say_what() -> None:
    said = {texts.failure(kind(), turn_id=1) for kind in all_dashscope_errors()}
    assert len(said) == 8


def test_an_interrupted_answer_says_that_it_was_cut_and_why() -> None:
    note = texts.interrupted(errors.Throttled(), turn_id=7)
    assert texts.cut(turn_id=7) in note
    assert "minute" in note


def test_giving_up_names_the_id() -> None:
    assert "T9" in texts.gave_up(turn_id=9)


def test_a_reply_without_text_says_that_it_is_thought_about_and_later_that_it_still_is() -> None:
    assert texts.progress((), waited_s=0) == texts.THINKING
    assert texts.progress((), waited_s=texts.STILL_WORKING_AFTER_S) == texts.STILL_WORKING


@pytest.mark.parametrize(
    ("step", "note"),
    [
        (Step("1", "reasoning", "r", "running"), texts.THINKING),
        (Step("1", "retrieval", "r", "running"), "Searching the knowledge base…"),
        (Step("1", "tool", "weather", "running"), "Using a tool…"),
        (Step("1", "node", "Translate", "running"), "Working: Translate…"),
        (Step("1", "node", "Translate", "done"), texts.THINKING),
    ],
)
def test_a_running_step_shows_as_the_note(step: Step, note: str) -> None:
    assert texts.progress((step,), waited_s=0) == note


def test_a_message_that_waits_is_told_how_many_go_first() -> None:
    assert "soon" in texts.waiting(0)
    assert texts.waiting(1).startswith("One message")
    assert texts.waiting(3).startswith("3 messages")
