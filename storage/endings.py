"""How turns end, in statements: finished, stopped, forgotten."""

from collections.abc import Sequence

import sqlalchemy as sa

from storage.clock import now_ms
from storage.conversations import keep_session
from storage.inbox import update_taken
from storage.keys import thread_key
from storage.notices import Stop, Wake, notify
from storage.records import SessionUse, Turn, TurnStatus
from storage.tables import is_live, is_queued, is_running, turn
from storage.usage import count_off, keep_usage
from storage.usage_records import ModelUse

STOPPED = "stopped"
"""The outcome of a turn that was stopped before anything of it was shown."""

MIN_KEEP_MS = 24 * 60 * 60 * 1000
"""Finished turns stay this long at least, so that a late redelivery finds its message answered."""


def finish(
    conn: sa.Connection,
    taken: Turn,
    *,
    status: TurnStatus,
    session: SessionUse | None,
    outcome: str,
    usage: Sequence[ModelUse],
) -> None:
    """End a turn, erase its text, keep its session and usage, and wake the next of its thread.

    Raises:
        LeaseLost: The turn is another take-up's; nothing was changed.
    """
    update_taken(
        conn,
        taken,
        status=status,
        outcome=outcome,
        payload=None,
        ending=None,
        posting=False,
        finished_at_ms=now_ms(),
    )
    key = thread_key(taken.team_id, taken.channel_id, taken.thread_ts)
    if session is not None:
        keep_session(conn, key, session, asked=taken)
    keep_usage(conn, taken.id, usage)
    if status is TurnStatus.FAILED:
        count_off(conn, taken.id)
    notify(conn, Wake(), only_if=sa.exists().where(is_queued(), turn.c.thread_key == key))


def request_stop(conn: sa.Connection, *, turn_id: int, by: str) -> TurnStatus | None:
    """Note that somebody wants a turn stopped, and return where it stands now.

    One that waits and has shown nothing ends here. One that waits but has shown something is taken
    up soon, to be ended where people see it. None: there is no such turn.
    """
    status = _end_unseen(conn, turn_id=turn_id, by=by) or _mark_stopped(
        conn, turn_id=turn_id, by=by
    )
    if status is None:
        status = conn.scalar(sa.select(turn.c.status).where(turn.c.id == turn_id))
    elif status == TurnStatus.RUNNING:
        notify(conn, Stop(turn_id))
    else:
        notify(conn, Wake())
    return None if status is None else TurnStatus(status)


def _end_unseen(conn: sa.Connection, *, turn_id: int, by: str) -> str | None:
    statement = (
        sa.update(turn)
        .where(
            turn.c.id == turn_id,
            is_queued(),
            turn.c.reply.is_(None),
            ~turn.c.posting,
            turn.c.notice.is_(None),  # whoever takes it up takes its line away
        )
        .values(
            status=TurnStatus.CANCELLED,
            stop_requested_by=by,
            outcome=STOPPED,
            payload=None,
            ending=None,
            finished_at_ms=now_ms(),
        )
        .returning(turn.c.status)
    )
    return conn.execute(statement).scalar_one_or_none()


def _mark_stopped(conn: sa.Connection, *, turn_id: int, by: str) -> str | None:
    statement = (
        sa.update(turn)
        .where(turn.c.id == turn_id, is_live())
        .values(
            stop_requested_by=sa.func.coalesce(turn.c.stop_requested_by, by),
            available_at_ms=now_ms(),
        )
        .returning(turn.c.status)
    )
    return conn.execute(statement).scalar_one_or_none()


def stop_requests(conn: sa.Connection, worker_id: str) -> list[int]:
    """Return the ids of a worker's turns that somebody wants stopped, or whose question changed."""
    wanted = sa.select(turn.c.id).where(
        is_running(),
        turn.c.worker_id == worker_id,
        sa.or_(turn.c.stop_requested_by.is_not(None), turn.c.revision > 0),
    )
    return list(conn.scalars(wanted))


def prune(conn: sa.Connection, *, older_than_ms: int, limit: int) -> int:
    """Delete the turns that ended longest ago; return how many."""
    old = (
        sa.select(turn.c.id)
        .where(turn.c.finished_at_ms < now_ms() - max(older_than_ms, MIN_KEEP_MS))
        .order_by(turn.c.finished_at_ms)
        .limit(limit)
    )
    return conn.execute(sa.delete(turn).where(turn.c.id.in_(old))).rowcount
