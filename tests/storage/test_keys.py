"""The keys of messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.keys import order_key, ts_before, ts_of

instants = st.integers(min_value=0, max_value=10**16)


@given(first=instants, second=instants)
def test_order_keys_sort_as_the_moments_do(first: int, second: int) -> None:
    keys = [order_key(f"{us // 10**6}.{us % 10**6:06}") for us in (first, second)]
    assert keys == [first, second]


@given(instants)
def test_the_ts_of_an_order_key_has_that_key(us: int) -> None:
    assert order_key(ts_of(us)) == us
    assert len(ts_of(us).partition(".")[2]) == 6


@given(instants.filter(bool))
def test_nothing_is_between_a_message_and_the_moment_before_it(us: int) -> None:
    assert order_key(ts_before(ts_of(us))) == us - 1


@pytest.mark.parametrize(
    ("ts", "expected"), [("1", 1_000_000), ("1.5", 1_500_000), ("1.1234567", 1_123_456)]
)
def test_a_ts_of_another_precision_is_still_in_microseconds(ts: str, expected: int) -> None:
    assert order_key(ts) == expected


@pytest.mark.parametrize("ts", ["", "abc", "1.x"])
def test_what_is_no_ts_is_refused(ts: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        order_key(ts)
