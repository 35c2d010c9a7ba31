"""The languages the bot speaks."""

import pytest

from bot.core.language import Language, Phrase, of_locale, together

EN, ZH = Language.EN, Language.ZH


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        *((locale, ZH) for locale in ("zh", "zh-CN", "zh_TW", "ZH-hk")),
        *((locale, EN) for locale in ("", "en-US", "de-DE", "zha", "zhx-CN", "-zh")),
    ],
)
def test_chinese_is_spoken_to_whoever_reads_chinese_and_english_to_the_others(
    locale: str, language: Language
) -> None:
    assert of_locale(locale) is language


def test_a_phrase_is_said_in_the_language_asked_for_with_its_values() -> None:
    phrase = Phrase("{count} of {all}", "{all} 中的 {count}")
    assert phrase.say(EN, count=1, all=2) == "1 of 2"
    assert phrase.say(ZH, count=1, all=2) == "2 中的 1"
    with pytest.raises(KeyError):
        phrase.say(EN, count=1)


def test_a_value_is_never_read_as_a_sentence() -> None:
    assert Phrase("<{name}>", "<{name}>").say(EN, name="{count}") == "<{count}>"


def test_chinese_sentences_stand_together_and_english_ones_apart() -> None:
    assert together(["One.", "Two."], language=Language.EN) == "One. Two."
    assert together(["一。", "二。"], language=Language.ZH) == "一。二。"
