"""Variables of a workflow, taken off the question they were given with."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.messages import prompt
from bot.core.variables import MAX_VALUE_CHARS, Given, is_value, missing, read_variables

ASKED = ("city", "days", "出发地")
spoken = partial(prompt, bot_user_id="UBOT", names={"U2": "Ben"})


def read(text: str) -> Given:
    return read_variables(text, asked=ASKED, spoken=spoken)


@pytest.mark.parametrize(
    "text",
    [
        "city=Hangzhou\ndays=3\nWhat to eat?",
        "<@UBOT> city=Hangzhou\ndays = 3\n\nWhat to eat?",
        "<@UBOT>\n\ncity=Hangzhou\n\ndays=3\nWhat to eat?",
        "<@UBOT> What to eat?\ncity=Hangzhou\ndays=3",
        "What to eat?\n\ncity=Hangzhou\ndays=3\n<@UBOT>",
        "City＝Hangzhou\nWhat to eat?\nDAYS=3\n",
        'city="Hangzhou"\nWhat to eat?\ndays=“3”',
    ],
)
def test_lines_before_and_after_a_question_are_its_variables_and_no_part_of_it(text: str) -> None:
    found = read(text)
    assert found.values == {"city": "Hangzhou", "days": "3"}
    assert spoken(found.text) == "What to eat?"


@pytest.mark.parametrize(
    "text",
    [
        "What to eat?\ncity=Hangzhou\nAnd to drink?",
        "town=Hangzhou\nWhat to eat?",
        "What is city=Hangzhou?",
        "user_defined_tokens=x\nWhat?",
        "user_prompt_params=x\nWhat?",
        "What to eat?",
        "",
    ],
)
def test_whatever_else_looks_alike_is_part_of_the_question(text: str) -> None:
    assert read(text) == Given(text, {})


def test_of_a_variable_given_twice_the_last_counts() -> None:
    assert read("city=A\ncity=B\nWhat?").values == {"city": "B"}
    assert read("What?\ncity=A\ncity=B").values == {"city": "B"}
    assert read("city=A\nWhat?\ncity=B").values == {"city": "B"}


def test_a_value_is_what_its_reader_sees_of_it() -> None:
    found = read("city=<http://hangzhou.cn|hangzhou.cn> &amp; <@U2>\nWhat?\n出发地=a=b")
    assert found.values == {"city": "http://hangzhou.cn & @Ben", "出发地": "a=b"}


def test_where_nothing_else_is_said_the_variables_are_the_question_too() -> None:
    found = read("<@UBOT> city=Hangzhou\ndays=3")
    assert found == Given("<@UBOT> city=Hangzhou\ndays=3", {"city": "Hangzhou", "days": "3"})


def test_a_question_keeps_its_own_lines() -> None:
    assert read("city=A\none\n\n  two\nx=1\n\ndays=3").text == "one\n\n  two\nx=1"


def test_what_was_said_stands_in_no_repr() -> None:
    assert "secret" not in repr(read("city=secret\nsecret"))


def test_what_has_no_value_is_missing_unless_it_is_fixed() -> None:
    assert missing(ASKED, given={"city": "x"}, fixed={"days": "3"}) == ("出发地",)
    assert missing(ASKED, given={}, fixed={}) == ASKED
    assert missing((), given={}, fixed={}) == ()


@pytest.mark.parametrize("bad", ["", " ", "x" * (MAX_VALUE_CHARS + 1), "two\nlines"])
def test_a_value_that_cannot_be_is_as_good_as_none_even_where_one_is_fixed(bad: str) -> None:
    assert not is_value(bad)
    assert missing(("city",), given={"city": bad}, fixed={"city": "x"}) == ("city",)
    assert is_value("x" * MAX_VALUE_CHARS)


TEXTS = st.lists(
    st.sampled_from(["city=1", "days = 2", "<@UBOT>", "", "x", "x=1", "=", "city=", "<@UBOT> a"])
    | st.text(max_size=8),
    max_size=6,
).map("\n".join)


@given(TEXTS, st.lists(st.sampled_from([*ASKED, "x"]), unique=True))
def test_only_names_that_are_asked_for_are_ever_read_and_no_question_is_emptied(
    text: str, asked: list[str]
) -> None:
    found = read_variables(text, asked=asked, spoken=spoken)
    assert set(found.values) <= set(asked)
    assert found.text in text
    assert bool(spoken(found.text)) == bool(spoken(text))
    if not asked:
        assert spoken(found.text) == spoken(text)
