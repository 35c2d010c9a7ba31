"""Quotas, in statements: is there room for one more turn today, and if so, count it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, assert_never

import sqlalchemy as sa

from storage.clock import day_of, now_ms
from storage.tables import usage, usage_model
from storage.team_lock import Purpose, lock_team
from storage.upserts import insert_into
from storage.usage_records import Admission, Limit


@dataclass(frozen=True, slots=True)
class Entry:
    """A turn that wants to be counted.

    Attributes:
        turn_id: The turn, which is counted once.
        team_id: The workspace.
        channel_id: The channel or DM.
        user_id: Who asked.
        app: The name of the app that is asked.
    """

    turn_id: int
    team_id: str
    channel_id: str
    user_id: str
    app: str


def admit(
    conn: sa.Connection, entry: Entry, *, limits: Sequence[Limit], day: int | None
) -> Admission:
    """Count a turn unless a limit is spent; one that is counted already is admitted again."""
    if limits:  # two at once would both see the last free place
        lock_team(conn, entry.team_id, purpose=Purpose.USAGE)
    row = conn.execute(_state(entry, limits=limits, day=day)).one()
    used = tuple((limit, int(count)) for limit, count in zip(limits, row[2:], strict=True))
    if row.is_counted:
        return Admission(refused=None, used=used)
    refused = next((limit for limit, count in used if count >= limit.limit), None)
    if refused is None:
        _count(conn, entry, day=row.day)
    return Admission(refused=refused, used=used)


def _state(entry: Entry, *, limits: Sequence[Limit], day: int | None) -> sa.Select[Any]:
    """Select the day, whether the turn is counted, and what is used of each limit, in order."""
    on_day = day_of(now_ms()) if day is None else sa.literal(day)
    is_counted = sa.exists().where(usage.c.turn_id == entry.turn_id)
    used = (_used(entry, limit=limit, on_day=on_day).scalar_subquery() for limit in limits)
    return sa.select(on_day.label("day"), is_counted.label("is_counted"), *used)


def _used(entry: Entry, *, limit: Limit, on_day: sa.ColumnElement[int]) -> sa.Select[Any]:
    """Select what others than this turn have used of a limit."""
    conditions = [
        usage.c.team_id == entry.team_id,
        usage.c.day == on_day,
        usage.c.turn_id != entry.turn_id,
    ]
    if limit.per == "user":
        conditions.append(usage.c.user_id == entry.user_id)
    if limit.per == "channel" or limit.across == "channel":
        conditions.append(usage.c.channel_id == entry.channel_id)
    return _sum(limit).where(*conditions)


def _sum(limit: Limit) -> sa.Select[Any]:
    match limit.unit:
        case "turns":
            return sa.select(sa.func.count()).select_from(usage).where(~usage.c.has_failed)
        case "tokens":
            tokens = sa.func.sum(usage_model.c.input_tokens + usage_model.c.output_tokens)
            joined = usage.join(usage_model, usage_model.c.turn_id == usage.c.turn_id)
            return sa.select(sa.func.coalesce(tokens, 0)).select_from(joined)
        case _:
            assert_never(limit.unit)


def _count(conn: sa.Connection, entry: Entry, *, day: int) -> None:
    statement = insert_into(conn, usage).values(
        turn_id=entry.turn_id,
        team_id=entry.team_id,
        channel_id=entry.channel_id,
        user_id=entry.user_id,
        app=entry.app,
        day=day,
        created_at_ms=now_ms(),
    )
    conn.execute(statement.on_conflict_do_nothing(index_elements=[usage.c.turn_id]))
