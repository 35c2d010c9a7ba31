from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.screens import Caller
from bot.core.usage_request import DAYS_MOST, Extent, UsageRequest, extent_of, parse_usage

TODAY = date(2026, 11, 21)
CALLER = Caller(team_id="T1", channel_id="C1", user_id="U1")


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        ("", UsageRequest(30, None, as_csv=False)),
        ("today", UsageRequest(1)),
        ("7", UsageRequest(7)),
        ("7 days", UsageRequest(7)),
        ("7days", UsageRequest(7)),
        ("90d all csv", UsageRequest(90, "all", as_csv=True)),
        ("CSV channel 30 days", UsageRequest(30, "channel", as_csv=True)),
        ("me", UsageRequest(30, "me")),
        ("今天 频道", UsageRequest(1, "channel")),
        ("7天 全部", UsageRequest(7, "all")),
    ],
)
def test_words_are_read_in_any_order(rest: str, expected: UsageRequest) -> None:
    assert parse_usage(rest) == expected


@pytest.mark.parametrize(
    "rest", ["yesterday", "0", "401", "7 30", "today 7", "me all", "csv csv", "days", "me days"]
)
def test_words_that_make_no_sense_are_not_guessed(rest: str) -> None:
    assert parse_usage(rest) is None


@given(st.text())
def test_any_text_is_read_or_refused(rest: str) -> None:
    request = parse_usage(rest)
    assert request is None or 1 <= request.days <= DAYS_MOST


@given(
    st.builds(
        UsageRequest,
        days=st.integers(1, DAYS_MOST),
        whose=st.sampled_from([None, "me", "channel", "all"]),
    )
)
def test_nobody_but_an_admin_sees_what_others_used(request: UsageRequest) -> None:
    extent, is_less = extent_of(request, caller=CALLER, sees_all=False, today=TODAY)
    assert extent.user_id == "U1"
    assert is_less == (request.whose in {"channel", "all"})
    assert len(extent.days) == request.days
    assert extent.days[-1] == extent.until == TODAY


@pytest.mark.parametrize(
    ("whose", "channel_id", "user_id"),
    [(None, None, None), ("all", None, None), ("channel", "C1", None), ("me", None, "U1")],
)
def test_an_admin_sees_what_was_asked_for(
    whose: str, channel_id: str | None, user_id: str | None
) -> None:
    request = parse_usage(f"7 {whose or ''}")
    assert request is not None
    extent, is_less = extent_of(request, caller=CALLER, sees_all=True, today=TODAY)
    assert extent == Extent(date(2026, 11, 15), TODAY, channel_id, user_id)
    assert not is_less
