"""How much of a quota is used."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.json_value import Json
from bot.core.question import AppKind, AppProfile
from bot.core.quota import (
    NEAR_PERCENT,
    Used,
    counted,
    has_uncounted_tokens,
    judge,
    resets_in,
)
from bot.core.resolution import Effective, Quota

TEN_TURNS = Quota("user", "turns", 10, "workspace")
TEN_TOKENS = Quota("channel", "tokens", 10, "channel")
JUDGED = [(0, "ok"), (7, "ok"), (8, "near"), (9, "near"), (10, "spent"), (11, "spent")]


@pytest.mark.parametrize(("count", "stands"), JUDGED)
def test_from_four_fifths_on_a_quota_is_near_its_end_and_at_its_limit_spent(
    count: int, stands: str
) -> None:
    assert judge(TEN_TURNS, Used(turns=count, tokens=99)) == stands
    assert judge(TEN_TOKENS, Used(turns=99, tokens=count)) == stands


@given(limit=st.integers(1, 10**12), count=st.integers(0, 10**13))
def test_a_quota_is_spent_exactly_when_nothing_is_left(limit: int, count: int) -> None:
    quota = Quota("user", "tokens", limit, "workspace")
    stands = judge(quota, Used(turns=0, tokens=count))
    assert (stands == "spent") == (limit - count <= 0)
    assert (stands == "ok") == (count * 100 < limit * NEAR_PERCENT and count < limit)


def test_a_quota_counts_in_its_own_unit() -> None:
    used = Used(turns=3, tokens=4)
    assert (counted(TEN_TURNS, used), counted(TEN_TOKENS, used)) == (3, 4)


@pytest.mark.parametrize(
    ("kind", "options", "is_uncounted"),
    [
        (AppKind.WORKFLOW, {}, False),
        (AppKind.WORKFLOW, {"flow_stream_mode": "message_format_plus"}, False),
        (AppKind.WORKFLOW, {"flow_stream_mode": "message_format"}, True),
        (AppKind.DIALOG_WORKFLOW, {"flow_stream_mode": "agent_format"}, True),
        (AppKind.WORKFLOW, {"has_thoughts": False}, True),
        (AppKind.ORCHESTRATION, {}, True),
        (AppKind.ORCHESTRATION, {"flow_stream_mode": "agent_format"}, True),
        (AppKind.ORCHESTRATION, {"flow_stream_mode": "message_format_plus"}, False),
        (AppKind.AGENT, {"has_thoughts": False}, False),
    ],
)
def test_a_quota_of_tokens_counts_where_the_app_reports_them(
    kind: AppKind, options: Mapping[str, Json], *, is_uncounted: bool
) -> None:
    app = AppProfile(name="a", app_id="A", kind=kind, base_url="", api_key="")
    effective = Effective(app=app, options=options, quotas=(TEN_TURNS, TEN_TOKENS))
    assert has_uncounted_tokens(effective) is is_uncounted
    assert not has_uncounted_tokens(replace(effective, quotas=(TEN_TURNS,)))


def test_a_quota_begins_anew_at_midnight_utc_wherever_the_clock_is() -> None:
    assert resets_in(datetime(2026, 11, 21, 18, 48, tzinfo=UTC)) == timedelta(hours=5, minutes=12)
    assert resets_in(datetime(2026, 11, 21, tzinfo=UTC)) == timedelta(days=1)
    shanghai = timezone(timedelta(hours=8))
    assert resets_in(datetime(2026, 11, 22, 7, 59, tzinfo=shanghai)) == timedelta(minutes=1)


@given(st.datetimes(timezones=st.just(UTC), max_value=datetime(2999, 1, 1)))  # noqa: DTZ001 - naive as hypothesis wants it
def test_a_new_day_is_never_far_and_never_past(now: datetime) -> None:
    left = resets_in(now)
    assert timedelta(0) < left <= timedelta(days=1)
    assert (now + left).time() == datetime.min.time()
