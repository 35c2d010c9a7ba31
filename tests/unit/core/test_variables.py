"""Variables of a workflow, taken off the question they were given with."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.json_value import Json
from bot.core.language import Language
from bot.core.messages import prompt
from bot.core.variables import (
    MAX_VALUE_CHARS,
    Given,
    is_value,
    missing,
    read_variables,
    troubles,
    typed,
)

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


@pytest.mark.parametrize(
    ("given", "like", "value"),
    [
        ("7", None, "7"),
        ("7", "3", "7"),
        ("7", 3, 7),
        ("-7.5", 3, -7.5),
        ("7", 3.5, 7),
        ("True", False, True),
        ('{"a": 1}', {"b": 2}, {"a": 1}),
        ('["a"]', ["b"], ["a"]),
        ("[1]", (), [1]),
    ],
)
def test_what_is_given_has_the_type_of_the_value_it_takes_the_place_of(
    given: str, like: Json, value: Json
) -> None:
    found = typed("x", given=given, like=like)
    assert (found, type(found)) == (value, type(value))
    assert missing(("x",), given={"x": given}, fixed={"x": like}) == ()
    assert troubles(("x",), given={"x": given}, fixed={"x": like}) == ()


@pytest.mark.parametrize(
    ("given", "like", "sentence"),
    [
        ("x" * (MAX_VALUE_CHARS + 1), None, "`x` may have 500 characters at most."),
        ("seven", 3, "`x` must be a number."),
        ("true", 3, "`x` must be a number."),
        ("NaN", 3.5, "`x` must be a number."),
        ("1", True, "`x` must be true or false."),
        ("[1]", {"a": 1}, "`x` must be a JSON object."),
        ('"text"', ["a"], "`x` must be a JSON list."),
    ],
)
def test_a_value_that_cannot_be_is_missing_and_one_sentence_says_why(
    given: str, like: Json, sentence: str
) -> None:
    fixed = {} if like is None else {"x": like}
    assert missing(("x",), given={"x": given}, fixed=fixed) == ("x",)
    (trouble,) = troubles(("x", "y"), given={"x": given}, fixed=fixed)
    assert trouble.phrase.say(Language.EN, **trouble.values) == sentence


def test_of_a_blank_value_there_is_nothing_to_say() -> None:
    assert troubles(("x",), given={"x": " "}, fixed={"x": 3}) == ()


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
