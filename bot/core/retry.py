"""When a question that failed may be asked again.

Asking is not idempotent: each POST costs tokens, adds to the session, may write memory and start
plugins. So a question is asked again only while nothing of an answer came, and only for failures
that say it was not worked on, or that the vendor's own SDK asks again for. Once an event is in hand
nobody asks here any more.
"""

from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from bot.core.failures import plain_code
from bot.errors import DashScopeError, Throttled, UpstreamFailed, UpstreamUnreachable

RETRY_WINDOW_S = 30.0
"""No waiting goes beyond this, counted from the first request: a reader is waiting."""

_BUSY_RETRIES = 3
"""For 429 and 503; our own bound within the window."""
_UNCERTAIN_RETRIES = 1
"""For a connection that failed or broke before a byte came back, 500, 502, and a workflow's node
that was throttled after others had run: the work may be done already (the SDK's HTTP client asks
once more after a lost connection, too)."""

_FIRST_DELAY_S = 0.5
_MAX_DELAY_S = 8.0
_JITTER = 0.25
"""The three of them as in the SDK's retry policy for calls without a stream."""
_QUOTA_FACTOR = 4.0
"""Quotas of tokens count by the minute, so they free up later ("Error codes", AllocationQuota)."""

_TOKEN_QUOTAS = ("throttlingallocationquota", "insufficientquota")
_OVERLOADED = ("serviceunavailable", "modelunavailable", "modelserving")
_HOPELESS = ("appprocessfailed",)
"""A node of the app is set up wrongly ("Error codes" page)."""


def retry_delay_s(
    error: DashScopeError, *, attempt: int, elapsed_s: float, jitter: float
) -> float | None:
    """Return the seconds to wait before asking again, or None to give up.

    Args:
        error: What the last request ended with, before any event of an answer.
        attempt: Requests made so far, at least 1.
        elapsed_s: Seconds since the first of them began.
        jitter: From 0 to 1; spreads those who were refused together.
    """
    if attempt > _retries(error):
        return None
    delay_s = _backoff_s(error, attempt=attempt)
    if error.retry_after_s is not None:
        delay_s = max(delay_s, error.retry_after_s)
    delay_s *= 1 + _JITTER * jitter
    return delay_s if elapsed_s + delay_s <= RETRY_WINDOW_S else None


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds a response asks to wait, from `retry-after-ms` or `retry-after`.

    A date counts from the response's own `date`, so that nobody's clock matters.

    Args:
        headers: By name in lower case.
    """
    in_ms = _number(headers.get("retry-after-ms"))
    if in_ms is not None:
        return in_ms / 1000
    asked = headers.get("retry-after")
    in_s = _number(asked)
    return in_s if in_s is not None else _seconds_between(headers.get("date"), asked)


def _retries(error: DashScopeError) -> int:
    """Return how often this failure may be asked again for."""
    code = plain_code(error.code)
    match error:
        case UpstreamFailed() if code.startswith(_HOPELESS):
            return 0
        case UpstreamFailed() if error.status == 503 or code.startswith(_OVERLOADED):
            return _BUSY_RETRIES
        case UpstreamFailed(status=500 | 502) | Throttled(status=500):
            return _UNCERTAIN_RETRIES
        case UpstreamUnreachable(status=None):
            return _UNCERTAIN_RETRIES
        case Throttled():
            return _BUSY_RETRIES
        case _:
            return 0


def _backoff_s(error: DashScopeError, *, attempt: int) -> float:
    delay_s = min(_FIRST_DELAY_S * 2 ** (attempt - 1), _MAX_DELAY_S)
    is_quota = plain_code(error.code).startswith(_TOKEN_QUOTAS)
    return delay_s * _QUOTA_FACTOR if is_quota else delay_s


def _number(text: str | None) -> float | None:
    """Return a number that is not negative; 'nan' and 'inf' are none."""
    text = (text or "").strip()
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else None


def _seconds_between(start: str | None, end: str | None) -> float | None:
    if start is None or end is None:
        return None
    try:
        gap = parsedate_to_datetime(end) - parsedate_to_datetime(start)
    except (ValueError, TypeError):  # TypeError: one of them names no time zone
        return None
    return max(gap.total_seconds(), 0.0)
