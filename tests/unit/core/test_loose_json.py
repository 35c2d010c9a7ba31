"""JSON of others."""

import json
from typing import Any

import pytest

from bot.core import loose_json


@pytest.mark.parametrize("text", ["", "[]", "1", "null", "{", '"x"', "[" * 100_000, b"\xff"])
def test_what_is_no_object_is_none(text: str | bytes) -> None:
    assert loose_json.parse_object(text) is None


@pytest.mark.parametrize("value", [None, "x", 1, [], True, {}])
def test_a_wrong_type_reads_as_empty(value: Any) -> None:
    holder = {"key": value}
    assert loose_json.object_at(holder, "key") == {}
    assert loose_json.objects_at(holder, "key") == []
    assert loose_json.text_at(holder, "key") == (value if isinstance(value, str) else "")
    assert loose_json.count_at(holder, "key") == (1 if value == 1 and value is not True else 0)


def test_of_a_list_only_the_objects_count() -> None:
    assert loose_json.objects_at({"key": [1, {"a": 1}, None]}, "key") == [{"a": 1}]


@pytest.mark.parametrize("value", [-1, 2**53, 10**4000, 1.0, float("inf")])
def test_a_count_nobody_could_have_counted_is_none(value: float) -> None:
    assert loose_json.count_at({"key": value}, "key") == 0
    assert loose_json.count_at({"key": 2**53 - 1}, "key") == 2**53 - 1


def test_text_holds_nothing_a_database_refuses() -> None:
    assert loose_json.text_at(json.loads(r'{"key":"a\u0000b"}'), "key") == "ab"


def test_an_id_longer_than_any_is_none() -> None:
    longest = "x" * loose_json.MAX_ID_CHARS
    assert loose_json.id_at({"key": longest}, "key") == longest
    assert loose_json.id_at({"key": f"{longest}x"}, "key") == ""


def test_any_value_can_be_written_out_except_one_nested_without_end() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert loose_json.as_text(deep) == ""
    assert loose_json.as_text({"a": "é"}) == '{"a": "é"}'
    assert loose_json.as_text(None) == ""
    assert loose_json.as_text("as it is") == "as it is"


def test_surrogates_are_joined_or_replaced() -> None:
    assert loose_json.mend_surrogates("a\ud83d\ude00b\ud83d") == "a\U0001f600b\ufffd"
    assert loose_json.text_at(json.loads(r'{"key":"\udc00"}'), "key") == "\ufffd"
