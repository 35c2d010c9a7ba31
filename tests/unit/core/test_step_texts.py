"""What is said about the steps of an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import step_texts, texts
from bot.core.answer import Step
from bot.core.language import Language

EN, ZH = Language.EN, Language.ZH


def test_a_reply_without_text_says_that_it_is_thought_about_and_later_that_it_still_is() -> None:
    assert step_texts.progress((), waited_s=0, language=ZH) == texts.THINKING.zh
    late_s = step_texts.STILL_WORKING_AFTER_S
    assert step_texts.progress((), waited_s=late_s, language=EN) == texts.STILL_WORKING.en


STEPS = (
    Step("1", "reasoning", "r", "running"),
    Step("2", "retrieval", "r", "running"),
    Step("3", "tool", "Weather", "running"),
    Step("4", "node", "Translate", "running"),
)


@pytest.mark.parametrize(
    ("step", "note"),
    [
        *zip(
            STEPS,
            [
                texts.THINKING.en,
                "Searching the knowledge base…",
                "Using a tool…",
                "Working: Translate…",
            ],
            strict=True,
        ),
        (Step("1", "node", "Translate", "done"), texts.THINKING.en),
    ],
)
def test_a_running_step_shows_as_the_note(step: Step, note: str) -> None:
    assert step_texts.progress((step,), waited_s=0, language=EN) == note


def test_beside_a_growing_answer_stands_what_began_last_and_nothing_while_nothing_runs() -> None:
    assert step_texts.under_way(STEPS, language=EN) == "Working: Translate…"
    assert step_texts.under_way(STEPS[:2], language=ZH) == "正在检索知识库…"
    assert step_texts.under_way((Step("1", "tool", "Weather", "done"),), language=EN) == ""


@given(st.text(max_size=300))
def test_the_name_of_a_step_stays_on_one_short_line(title: str) -> None:
    note = step_texts.under_way((Step("1", "node", title, "running"),), language=EN)
    assert len(note.splitlines()) == 1
    assert len(note) <= step_texts.TITLE_CHARS + len("Working: …")


def test_the_steps_taken_are_named_in_order_each_once() -> None:
    again = Step("5", "tool", "Weather", "done")
    line = step_texts.taken((*STEPS, again), language=EN)
    assert line == "Steps: thought it over · searched the knowledge base · used Weather · Translate"
    assert step_texts.taken((), language=EN) == ""


@given(st.lists(st.text(max_size=120), max_size=9))
def test_the_line_of_steps_is_one_short_line(titles: list[str]) -> None:
    steps = tuple(Step(str(n), "node", title, "done") for n, title in enumerate(titles))
    line = step_texts.taken(steps, language=ZH)
    assert len(line) <= step_texts.STEPS_CHARS
    assert len(line.splitlines()) <= 1
