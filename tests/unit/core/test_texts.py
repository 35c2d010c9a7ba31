"""The bot's own sentences."""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bot.core
from bot import errors
from bot.core import texts
from bot.core.answer import Step
from bot.core.language import Language, Phrase
from bot.core.resolution import Quota

EN, ZH = Language.EN, Language.ZH
CHINESE = re.compile(r"[\u4e00-\u9fff]")
LANGUAGES = pytest.mark.parametrize("language", [EN, ZH])


def phrases_in(value: object) -> Iterator[Phrase]:
    match value:
        case Phrase():
            yield value
        case Mapping():
            yield from (each for inner in value.values() for each in phrases_in(inner))
        case tuple() | list():
            yield from (each for inner in value for each in phrases_in(inner))
        case _:
            return


def all_phrases() -> list[Phrase]:
    names = [found.name for found in pkgutil.iter_modules(bot.core.__path__, "bot.core.")]
    modules = [importlib.import_module(name) for name in names]
    return [p for module in modules for value in vars(module).values() for p in phrases_in(value)]


def fields_of(sentence: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(sentence)} - {None}


def all_dashscope_errors() -> list[type[errors.DashScopeError]]:
    found = [errors.DashScopeError]
    for error in found:
        found.extend(error.__subclasses__())
    return found


def test_every_sentence_says_the_same_in_both_languages() -> None:
    found = all_phrases()
    assert texts.THINKING in found
    for phrase in found:
        assert phrase.en.strip(), phrase
        assert CHINESE.search(phrase.zh), phrase
        assert not CHINESE.search(phrase.en), phrase
        assert fields_of(phrase.en) == fields_of(phrase.zh), phrase


@LANGUAGES
@pytest.mark.parametrize("kind", all_dashscope_errors())
def test_every_failure_is_one_plain_sentence_with_an_id_and_none_of_the_vendors_words(
    kind: type[errors.DashScopeError], language: Language
) -> None:
    error = kind("SECRET detail", code="Vendor.Code", status=500, request_id="req-1")
    sentence = texts.failure(error, turn_id=42, language=language)
    assert "T42" in sentence[-6:]
    assert not any(word in sentence for word in ("SECRET", "Vendor", "500", "req-1", "\n"))


@LANGUAGES
def test_failures_a_reader_can_do_something_about_say_what(language: Language) -> None:
    kinds = all_dashscope_errors()
    assert len({texts.failure(kind(), turn_id=1, language=language) for kind in kinds}) == 8


@LANGUAGES
@pytest.mark.parametrize("kind", all_dashscope_errors())
def test_an_interrupted_answer_says_that_it_was_cut_and_then_what_any_failure_says(
    kind: type[errors.DashScopeError], language: Language
) -> None:
    note = texts.interrupted(kind(), turn_id=7, language=language)
    failure = texts.failure(kind(), turn_id=7, language=language)
    assert note.removesuffix(failure).strip() in {"The answer was cut off here.", "回答到此中断。"}


def test_giving_up_and_breaking_off_name_the_id() -> None:
    assert "T9" in texts.gave_up(turn_id=9, language=EN)
    assert "T9" in texts.cut(turn_id=9, language=EN)


def test_somebody_slack_tells_nothing_of_reads_so_with_the_id() -> None:
    for language in Language:
        assert "T9" in texts.untold(turn_id=9, language=language)


def test_a_reply_without_text_says_that_it_is_thought_about_and_later_that_it_still_is() -> None:
    assert texts.progress((), waited_s=0, language=ZH) == texts.THINKING.zh
    late_s = texts.STILL_WORKING_AFTER_S
    assert texts.progress((), waited_s=late_s, language=EN) == texts.STILL_WORKING.en


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
    assert texts.progress((step,), waited_s=0, language=EN) == note


def test_beside_a_growing_answer_stands_what_began_last_and_nothing_while_nothing_runs() -> None:
    assert texts.under_way(STEPS, language=EN) == "Working: Translate…"
    assert texts.under_way(STEPS[:2], language=ZH) == "正在检索知识库…"
    assert texts.under_way((Step("1", "tool", "Weather", "done"),), language=EN) == ""


@given(st.text(max_size=300))
def test_the_name_of_a_step_stays_on_one_short_line(title: str) -> None:
    note = texts.under_way((Step("1", "node", title, "running"),), language=EN)
    assert len(note.splitlines()) == 1
    assert len(note) <= texts.TITLE_CHARS + len("Working: …")


def test_a_message_that_waits_is_told_how_many_go_first() -> None:
    assert "soon" in texts.waiting(0, language=EN)
    assert texts.waiting(1, language=EN).startswith("One message")
    assert texts.waiting(3, language=EN).startswith("3 messages")
    assert "3 条" in texts.waiting(3, language=ZH)


def test_the_steps_taken_are_named_in_order_each_once() -> None:
    again = Step("5", "tool", "Weather", "done")
    line = texts.steps_taken((*STEPS, again), language=EN)
    assert line == "Steps: thought it over · searched the knowledge base · used Weather · Translate"
    assert texts.steps_taken((), language=EN) == ""


@given(st.lists(st.text(max_size=120), max_size=9))
def test_the_line_of_steps_is_one_short_line(titles: list[str]) -> None:
    steps = tuple(Step(str(n), "node", title, "done") for n, title in enumerate(titles))
    line = texts.steps_taken(steps, language=ZH)
    assert len(line) <= texts.STEPS_CHARS
    assert len(line.splitlines()) <= 1


@pytest.mark.parametrize(
    ("quota", "said"),
    [
        (Quota("user", "turns", 20, "workspace"), "Your quota of 20 questions a day is used up."),
        (Quota("user", "turns", 1, "workspace"), "Your quota of one question a day is used up."),
        (
            Quota("user", "tokens", 5_000, "channel"),
            "Your quota of 5,000 tokens a day in this channel is used up.",
        ),
        (
            Quota("channel", "turns", 20, "channel"),
            "This channel's quota of 20 questions a day is used up.",
        ),
    ],
)
def test_a_spent_quota_is_named_with_whose_it_is_how_much_and_when_it_begins_anew(
    quota: Quota, said: str
) -> None:
    left = timedelta(hours=5, minutes=12)
    sentence = texts.quota_spent(quota, resets_in=left, language=EN)
    assert sentence == f"{said} It begins anew at 00:00 UTC (in 5 h 12 min)."
    assert "5 小时 12 分钟" in texts.quota_spent(quota, resets_in=left, language=ZH)


def test_a_quota_near_its_end_tells_what_is_left() -> None:
    quota = Quota("user", "tokens", 5_000, "workspace")
    note = texts.quota_near(quota, used=4_500, resets_in=timedelta(seconds=1), language=EN)
    assert note == (
        "Your quota of 5,000 tokens a day: 4,500 used, 500 left until 00:00 UTC (in 1 min)."
    )
    beyond = texts.quota_near(quota, used=9_000, resets_in=timedelta(days=1), language=EN)
    assert "9,000 used, 0 left until 00:00 UTC (in 24 h 0 min)" in beyond


@pytest.mark.parametrize("language", Language)
def test_what_a_question_lacks_is_named_with_an_example_of_how_to_give_it(
    language: Language,
) -> None:
    sentence = texts.lacking(("city", "days"), language=language)
    assert "`city`, `days`" in sentence
    assert "`city=…`" in sentence
