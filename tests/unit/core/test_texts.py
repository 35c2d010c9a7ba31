"""The bot's own sentences."""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from string import Formatter

import pytest

import bot.core
from bot import errors
from bot.core import texts
from bot.core.language import Language, Phrase

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
    assert len({texts.failure(kind(), turn_id=1, language=language) for kind in kinds}) == 9


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


def test_a_message_that_waits_is_told_how_many_go_first() -> None:
    assert "soon" in texts.waiting(0, language=EN)
    assert texts.waiting(1, language=EN).startswith("One message")
    assert texts.waiting(3, language=EN).startswith("3 messages")
    assert "3 条" in texts.waiting(3, language=ZH)


@pytest.mark.parametrize("language", Language)
def test_what_a_question_lacks_is_named_with_an_example_of_how_to_give_it(
    language: Language,
) -> None:
    sentence = texts.lacking(("city", "days"), language=language)
    assert "`city`, `days`" in sentence
    assert "`city=…`" in sentence
