"""When a question may be asked again."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.retry import RETRY_WINDOW_S, parse_retry_after, retry_delay_s
from bot.errors import (
    AccountProblem,
    ContentBlocked,
    DashScopeError,
    Misconfigured,
    RequestRefused,
    Throttled,
    UpstreamFailed,
    UpstreamGarbled,
    UpstreamTimeout,
    UpstreamUnreachable,
)


def delays(error: DashScopeError, *, jitter: float = 0.0) -> list[float]:
    """Return all waits for one failure that comes again and again."""
    found: list[float] = []
    for attempt in itertools.count(1):
        delay_s = retry_delay_s(error, attempt=attempt, elapsed_s=sum(found), jitter=jitter)
        if delay_s is None:
            return found
        found.append(delay_s)
    raise AssertionError


@pytest.mark.parametrize(
    "error",
    [
        Misconfigured(status=401),
        AccountProblem(code="PrepaidBillOverdue", status=429),
        ContentBlocked(status=400),
        RequestRefused(status=400),
        UpstreamGarbled(status=200),
        UpstreamTimeout(),
        UpstreamTimeout(status=504),
        UpstreamFailed(code="AppProcessFailed", status=500),
        UpstreamFailed(status=200),
        UpstreamFailed(),
        UpstreamUnreachable("it had answered with a status", status=200),
    ],
    ids=repr,
)
def test_what_no_waiting_mends_or_may_be_done_already_is_never_asked_again(
    error: DashScopeError,
) -> None:
    assert delays(error) == []


@pytest.mark.parametrize(
    "error",
    [
        UpstreamUnreachable(),
        UpstreamFailed(code="InternalError", status=500),
        UpstreamFailed(status=502),
        Throttled(status=500),
    ],
    ids=repr,
)
def test_what_is_uncertain_is_asked_again_once(error: DashScopeError) -> None:
    assert len(delays(error)) == 1


@pytest.mark.parametrize(
    "error",
    [
        Throttled(code="Throttling.RateQuota", status=429),
        UpstreamFailed(status=503),
        UpstreamFailed(code="ModelUnavailable", status=500),
    ],
    ids=repr,
)
def test_a_busy_service_is_asked_three_times_more_with_longer_and_longer_waits(
    error: DashScopeError,
) -> None:
    assert delays(error) == [0.5, 1.0, 2.0]


def test_a_quota_of_tokens_is_waited_for_longer() -> None:
    assert delays(Throttled(code="Throttling.AllocationQuota", status=429)) == [2.0, 4.0, 8.0]
    assert delays(Throttled(code="insufficient_quota", status=429)) == [2.0, 4.0, 8.0]


def test_retry_after_is_honoured() -> None:
    assert delays(Throttled(status=429, retry_after_s=7.0)) == [7.0, 7.0, 7.0]


def test_nobody_waits_longer_than_a_reader_would() -> None:
    assert delays(Throttled(status=429, retry_after_s=RETRY_WINDOW_S + 1)) == []
    assert delays(Throttled(status=429, retry_after_s=20.0)) == [20.0]


ERRORS = st.builds(
    lambda kind, status, after: kind(status=status, retry_after_s=after),
    st.sampled_from([Throttled, UpstreamFailed, UpstreamUnreachable]),
    st.sampled_from([None, 200, 429, 500, 503]),
    st.none() | st.floats(0, 100),
)


@given(ERRORS, st.floats(0, 1))
def test_waits_are_few_and_never_beyond_the_window_nor_shorter_than_asked(
    error: DashScopeError, jitter: float
) -> None:
    waits = delays(error, jitter=jitter)
    assert len(waits) <= 3
    assert sum(waits) <= RETRY_WINDOW_S
    assert all(wait >= (error.retry_after_s or 0) for wait in waits)


@given(st.floats(0, 1))
def test_jitter_makes_a_wait_longer_by_a_quarter_at_most(jitter: float) -> None:
    [wait, *_] = delays(UpstreamFailed(status=503), jitter=jitter)
    assert 0.5 <= wait <= 0.625


NOW = "Sat, 21 Nov 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "³"}, None),
        ({"retry-after": "soon", "date": NOW}, None),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:09 GMT", "date": NOW}, 9.0),
        ({"retry-after": "Sat, 21 Nov 2026 09:00:00 GMT", "date": NOW}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:09 GMT"}, None),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:09 -0000", "date": NOW}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert parse_retry_after(headers) == seconds
