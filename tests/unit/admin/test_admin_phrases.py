"""Every sentence of the admin commands exists in both languages, with the same places in it."""

import importlib
import pkgutil
import re
import string
from collections.abc import Iterator, Mapping

import pytest

import bot.admin
from bot.core.language import Phrase

MODULES = [f"bot.admin.{module.name}" for module in pkgutil.iter_modules(bot.admin.__path__)]

LONGEST_NAME_WORDS = 2
"""Names of up to so many words, such as `API key`, are the same in both languages."""


def phrases(value: object) -> Iterator[Phrase]:
    match value:
        case Phrase():
            yield value
        case Mapping():
            for each in value.values():
                yield from phrases(each)
        case tuple() | list():
            for each in value:
                yield from phrases(each)
        case _:
            return


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("module", MODULES)
def test_both_languages_say_the_same(module: str) -> None:
    for name, value in vars(importlib.import_module(module)).items():
        for phrase in phrases(value):
            assert phrase.en.strip(), name
            assert phrase.zh.strip(), name
            assert placeholders(phrase.en) == placeholders(phrase.zh), name
            words = re.findall("[A-Za-z]+", re.sub(r"`[^`]*`|\{[^}]*\}", "", phrase.en))
            if len(words) > LONGEST_NAME_WORDS:
                assert any("\u4e00" <= char <= "\u9fff" for char in phrase.zh), name
