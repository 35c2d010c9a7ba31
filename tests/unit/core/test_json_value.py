"""JSON as people type it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.json_value import (
    MAX_DEPTH,
    MAX_TYPED_CHARS,
    Json,
    json_text,
    parse_json,
    trouble_with,
)
from bot.core.language import Language
from bot.errors import BadValue


def refusal(typed: str) -> BadValue:
    with pytest.raises(BadValue) as caught:
        parse_json(typed)
    return caught.value


def said(error: BadValue) -> str:
    return error.phrase.say(Language.EN, **error.values)


def outcome(typed: str) -> tuple[list[str], Json]:
    """Return why it is refused, in every language, or no words and the value."""
    try:
        return [], parse_json(typed)
    except BadValue as error:
        return [error.phrase.say(language, **error.values) for language in Language], None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(JSON)
def test_what_may_be_kept_is_read_back_as_it_was_written(value: Json) -> None:
    if trouble_with(value) is None:
        assert json.dumps(parse_json(json_text(value))) == json.dumps(value)


@given(st.text() | st.text('{}[]":,“”0123456789eE.-truefalsn \\\n\t'))
def test_any_text_is_json_that_may_be_kept_or_is_refused_in_words(typed: str) -> None:
    sentences, value = outcome(typed)
    assert all(sentences)
    assert sentences or trouble_with(value) is None


@pytest.mark.parametrize(
    ("typed", "line", "column", "reason"),
    [
        ('{"a": }', 1, 7, "a value is missing"),
        ('{"a": 1,\n b: 2}', 2, 2, "a name in double quotes"),
        ('{"a" 1}', 1, 6, "a colon"),
        ('{"a": 1 "b": 2}', 1, 9, "a comma"),
        ('\n\n {"a": "x}', 3, 8, "no closing"),
        ('{"a": "x\ny"}', 1, 9, "a line break"),
        ('{"a": 1} x', 1, 10, "ended before"),
        ('{"a": "\\x"}', 1, 8, "cannot be read"),
        ('{"a": 1', 1, 8, "a comma"),
    ],
)
def test_a_mistake_is_told_by_line_and_column_of_the_users_own_text(
    typed: str, line: int, column: int, reason: str
) -> None:
    sentence = said(refusal(typed))
    assert sentence.startswith(f"Line {line}, column {column}")
    assert reason in sentence


def test_what_stands_at_the_mistake_is_repeated_though_it_holds_braces() -> None:
    assert "(`{x}}`)" in said(refusal('{"a": {{x}}'))
    assert "(`'x'}`)" in said(refusal('{"a": `x`}'))
    assert "Line 1, column 9: a line" in said(refusal('{"a": "x\ny"}'))


def test_curly_quotation_marks_are_taken_for_straight_ones() -> None:
    assert parse_json("{“a”:\u00a0“b”}") == {"a": "b"}


def test_curly_quotation_marks_inside_straight_ones_stay() -> None:
    assert parse_json('{"a": "say “hi”"}') == {"a": "say “hi”"}


@pytest.mark.parametrize(
    ("typed", "column"),
    [("{“a”: “b” “c”}", 11), ('{"a": 1 "b": “x”}', 9), ("{“a” 1}", 6), ('{"a": "say “hi”}', 7)],
)
def test_among_curly_quotation_marks_the_place_of_the_mistake_is_still_right(
    typed: str, column: int
) -> None:
    assert said(refusal(typed)).startswith(f"Line 1, column {column}")


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        (" \n", "nothing here"),
        ("NaN", "none in JSON"),
        ("-Infinity", "none in JSON"),
        ("1e999", "none in JSON"),
        ("9007199254740992", "too large"),
        ("9" * 2999, "too large"),
        ('"\\u0000"', "cannot be sent"),
        ('{"\\ud83d": 1}', "cannot be sent"),
        ('{"a": 1, "a": 2}', "`a` stands in it twice"),
        ("[" * 9 + "]" * 9, f"deeper than {MAX_DEPTH}"),
        ("[" * 3000, f"deeper than {MAX_DEPTH}"),
        ("[" + "1," * 1400 + "1]", "at most 3000 characters are possible, these are 4203"),
        (" " * 3000 + "1", "at most 3000 characters are possible, these are 3001"),
    ],
)
def test_what_cannot_be_kept_or_sent_is_refused(typed: str, why: str) -> None:
    assert why in said(refusal(typed))


def test_as_much_as_one_input_takes_is_taken() -> None:
    longest = '"' + "x" * (MAX_TYPED_CHARS - 2) + '"'
    assert json_text(parse_json(longest)) == longest


def test_what_was_typed_stands_neither_in_the_errors_text_nor_its_repr() -> None:
    error = refusal('{"secret": nothing}')
    assert "nothing" not in f"{error} {error!r}"
