"""Asking the bot to forget a thread."""

import pytest

from bot.core.afresh import AFRESH_WORDS, asks_to_start_afresh


@pytest.mark.parametrize("word", sorted(AFRESH_WORDS))
def test_the_bare_word_asks_for_a_fresh_start(word: str) -> None:
    said = (word, word.upper(), f" {word}. ", f"{word}！")
    assert all(asks_to_start_afresh(each) for each in said)


@pytest.mark.parametrize("said", ["", "new", "Reset.", "the new one", "/newer", "重新开始吧"])
def test_what_may_answer_a_question_of_the_apps_does_not(said: str) -> None:
    assert not asks_to_start_afresh(said)
