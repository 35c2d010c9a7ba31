"""The inbox's statements: claim a message, take a turn, give it back.

Every function runs in a transaction of its caller. The same statements serve both databases; on
SQLite, where nobody else writes, the locking clause is left out by SQLAlchemy.
"""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from storage.clock import now_ms, to_datetime
from storage.errors import LeaseLost
from storage.keys import event_key, order_key, thread_key
from storage.notices import Wake, notify
from storage.records import NewTurn, Turn, TurnStatus
from storage.tables import is_live, is_queued, is_running, turn, worker
from storage.upserts import insert_into

MAX_TAKE = 32
"""Turns taken by one statement; a dispatcher with more room asks again."""


def claim(conn: sa.Connection, new: NewTurn) -> int | None:
    """Store a message as a turn; None if it has one already, however that ended."""
    now = now_ms()
    statement = (
        insert_into(conn, turn)
        .values(
            event_key=event_key(new.team_id, new.channel_id, new.message_ts),
            thread_key=thread_key(new.team_id, new.channel_id, new.thread_ts),
            order_key=order_key(new.message_ts),
            team_id=new.team_id,
            channel_id=new.channel_id,
            thread_ts=new.thread_ts,
            message_ts=new.message_ts,
            user_id=new.user_id,
            payload=new.payload,
            status=TurnStatus.QUEUED,
            available_at_ms=now,
            created_at_ms=now,
        )
        .on_conflict_do_nothing(index_elements=[turn.c.event_key])
        .returning(turn.c.id)
    )
    turn_id = conn.execute(statement).scalar_one_or_none()
    if turn_id is not None:
        notify(conn, Wake())
    return turn_id


def take(conn: sa.Connection, worker_id: str, *, limit: int) -> list[Turn]:
    """Make up to `limit` turns this worker's: the oldest live one of each thread that is at rest.

    Raises:
        sqlalchemy.exc.IntegrityError: Another worker took a turn of one of the threads meanwhile.
    """
    picked = _heads().limit(min(limit, MAX_TAKE)).with_for_update(skip_locked=True).cte("picked")
    statement = (
        sa.update(turn)
        .where(turn.c.id.in_(sa.select(picked.c.id)))
        .values(
            status=TurnStatus.RUNNING,
            worker_id=worker_id,
            fence=turn.c.fence + 1,
            attempts=turn.c.attempts + 1,
            started_at_ms=now_ms(),
        )
        .returning(turn)
    )
    if conn.dialect.name == "postgresql":
        # A worker that was declared dead meanwhile must register again first.
        statement = statement.where(
            sa.exists().where(worker.c.id == worker_id, worker.c.lease_until_ms > now_ms())
        )
    return sorted(map(_to_turn, conn.execute(statement)), key=lambda taken: taken.id)


def _heads() -> sa.Select[int]:
    """Select the turns that are due, with no turn of their thread running or ahead of them."""
    other = turn.alias("other")
    place = sa.tuple_(turn.c.order_key, turn.c.id)
    ahead = sa.tuple_(other.c.order_key, other.c.id) < place
    in_the_way = sa.exists().where(
        other.c.thread_key == turn.c.thread_key, is_live(other), sa.or_(is_running(other), ahead)
    )
    return (
        sa.select(turn.c.id)
        .where(is_queued(), turn.c.available_at_ms <= now_ms(), ~in_the_way)
        .order_by(turn.c.id)
    )


def _to_turn(row: sa.Row[Any]) -> Turn:
    return Turn(
        id=row.id,
        fence=row.fence,
        attempts=row.attempts,
        crashes=row.crashes,
        team_id=row.team_id,
        channel_id=row.channel_id,
        thread_ts=row.thread_ts,
        message_ts=row.message_ts,
        user_id=row.user_id,
        payload=row.payload,
        stop_requested_by=row.stop_requested_by,
        reply=tuple(row.reply or ()),
        posting=row.posting,
        ending=row.ending,
        created_at=to_datetime(row.created_at_ms),
        revision=row.revision,
        notice=row.notice,
    )


def update_taken(conn: sa.Connection, taken: Turn, **values: Any) -> None:
    """Write to a turn if it is still this take-up's.

    Raises:
        LeaseLost: It is not; nothing was changed.
    """
    statement = (
        sa.update(turn)
        .where(turn.c.id == taken.id, turn.c.fence == taken.fence, is_running())
        .values(**values)
    )
    if conn.execute(statement).rowcount == 0:
        raise LeaseLost(taken.id)


def postpone(conn: sa.Connection, taken: Turn, *, delay_ms: int, reason: str) -> None:
    """Give a turn back for later; those behind it in its thread wait with it."""
    update_taken(
        conn,
        taken,
        status=TurnStatus.QUEUED,
        worker_id=None,
        available_at_ms=now_ms() + delay_ms,
        outcome=reason,
    )


def requeue(conn: sa.Connection, *which: sa.ColumnElement[bool], **values: Any) -> int:
    """Give running turns back at once and wake the workers; return how many."""
    statement = (
        sa.update(turn)
        .where(is_running(), *which)
        .values(status=TurnStatus.QUEUED, worker_id=None, available_at_ms=now_ms(), **values)
    )
    count = conn.execute(statement).rowcount
    if count:
        notify(conn, Wake())
    return count


def release(conn: sa.Connection, taken: Sequence[Turn]) -> int:
    """Give turns back as if they had never been taken; those lost meanwhile are passed over."""
    mine = sa.or_(
        sa.false(), *(sa.and_(turn.c.id == each.id, turn.c.fence == each.fence) for each in taken)
    )
    return requeue(conn, mine, attempts=turn.c.attempts - 1)


def requeue_orphans(
    conn: sa.Connection, worker_id: str, owned_ids: Collection[int], *, older_than_ms: int
) -> int:
    """Give back this worker's turns that nothing in it runs, if they were not just taken."""
    return requeue(
        conn,
        turn.c.worker_id == worker_id,
        turn.c.started_at_ms <= now_ms() - older_than_ms,
        turn.c.id.not_in(owned_ids),
    )


def requeue_unowned(conn: sa.Connection) -> int:
    """Give back the turns whose worker is gone, and count the crash."""
    owner = sa.exists().where(worker.c.id == turn.c.worker_id)
    return requeue(conn, ~owner, crashes=turn.c.crashes + 1)
