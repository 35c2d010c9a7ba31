"""Naming somebody's memory by hand."""

import pytest

from bot.core.commands import NameMemory, Read, Write, parse_command
from bot.core.memory_naming import Named, parse_named


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("<@U1|ann> private m1", Named("U1", "private", "m1")),
        ("<@U1>  Channels   M_-1", Named("U1", "channels", "M_-1")),
        ("<@W1|ann> <#C1|general> m1", Named("W1", "channel:C1", "m1")),
        ("<@U1|ann> <#G1> none", Named("U1", "channel:G1", None)),
        ("<@U1|ann> private 无", Named("U1", "private", None)),
    ],
)
def test_a_person_a_place_and_an_id_are_read(typed: str, named: Named) -> None:
    assert parse_named(typed) == named


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ann private m1",
        "<@U1> m1",
        "<@U1> everywhere m1",
        "<@U1> <#D1> m1",
        "<@U1> private",
        "<@U1> private m1 m2",
        "<@U1> private a/b",
        f"<@U1> private {'m' * 129}",
        "<!here> private m1",
    ],
)
def test_anything_else_is_nothing(typed: str) -> None:
    assert parse_named(typed) is None


def test_the_commands_tokens_reach_the_reader() -> None:
    typed = parse_command("Memory ID <@U1|ann> private m1").command
    assert typed == NameMemory("<@U1|ann> private m1")


def test_other_words_after_memory_are_its_setting() -> None:
    assert isinstance(parse_command("memory").command, Read)
    assert isinstance(parse_command("memory separate").command, Write)
    assert isinstance(parse_command("memory identity").command, Write)
