"""Asking the bot to be quiet."""

import pytest

from bot.core.quiet import QUIET_WORDS, asks_for_quiet


@pytest.mark.parametrize("word", sorted(QUIET_WORDS))
def test_the_bare_word_asks_for_quiet(word: str) -> None:
    assert all(asks_for_quiet(said) for said in (word, word.upper(), f" {word}. ", f"{word}！"))


@pytest.mark.parametrize("said", ["", "be quiet", "quiet please", "unmute", "quiet?", "安静一点"])
def test_any_other_word_does_not(said: str) -> None:
    assert not asks_for_quiet(said)
