"""The database's clock: the only one that decides about leases, delays and ages.

Instants are stored as whole milliseconds since 1970 UTC, which both databases add, compare and
index alike.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 24 * 60 * 60 * 1000


class NowMs(FunctionElement[int]):
    """The database's time when the statement began, in milliseconds."""

    type = sa.BigInteger()
    inherit_cache = True


@compiles(NowMs, "postgresql")
def _now_on_postgresql(_element: NowMs, _compiler: SQLCompiler, **_options: Any) -> str:
    # Stable within a statement, so that an index can serve a comparison with it; `now()` would be
    # the transaction's beginning, `clock_timestamp()` changes from row to row.
    return "CAST(extract(epoch FROM statement_timestamp()) * 1000 AS bigint)"


@compiles(NowMs, "sqlite")
def _now_on_sqlite(_element: NowMs, _compiler: SQLCompiler, **_options: Any) -> str:
    # `unixepoch('subsec')` needs SQLite 3.42; 2440587.5 is 1970 as a Julian day.
    return "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"


def now_ms() -> NowMs:
    """Return the SQL for the current time."""
    return NowMs()


def to_ms(seconds: float) -> int:
    """Return seconds as whole milliseconds."""
    return round(seconds * 1000)


def to_datetime(ms: int) -> datetime:
    """Return a stored instant as an aware UTC datetime."""
    return EPOCH + timedelta(milliseconds=ms)


def instant_ms(at: datetime) -> int:
    """Return an aware instant as it is stored."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def day_of(at_ms: sa.ColumnElement[int]) -> sa.ColumnElement[int]:
    """Return the SQL for the UTC day of an instant, as `to_day` counts days."""
    return at_ms // DAY_MS


def to_day(day: date) -> int:
    """Return a day as the number of days since 1970."""
    return (day - EPOCH.date()).days


def to_date(day: int) -> date:
    """Return a stored day."""
    return EPOCH.date() + timedelta(days=day)
