"""What people do to turns, in statements: edits, repeats, and the lines of those that wait."""

from typing import Any

import sqlalchemy as sa

from storage.clock import now_ms
from storage.keys import event_key, order_key
from storage.lookups import find, waiting
from storage.notices import Stop, Wake, notify
from storage.records import FoundTurn, Turn, TurnStatus, Waiting, WaitingLine, Wish
from storage.tables import is_live, is_queued, is_running, turn
from storage.upserts import insert_into

BEING_POSTED = ""
"""Stands in `notice` while its message is on its way, and for good if that was interrupted."""
REFUSED = "refused"
"""The outcome of a turn that was not let ask: its question is where it was before."""


def amend(
    conn: sa.Connection, *, team_id: str, channel_id: str, message_ts: str, payload: dict[str, Any]
) -> FoundTurn | None:
    """Replace the question of a live turn and tell its worker; None when none is live.

    What the new payload does not name stays as it was. An edit that is known, or older than the one
    that is known, changes nothing.
    """
    statement = (
        sa.select(turn.c.id, turn.c.payload)
        .where(
            turn.c.team_id == team_id,
            turn.c.channel_id == channel_id,
            turn.c.order_key >= order_key(message_ts),  # for the index; a repeat comes later
            turn.c.message_ts == message_ts,
            is_live(),
        )
        .order_by(turn.c.id.desc())
        .limit(1)
        .with_for_update()
    )
    row = conn.execute(statement).one_or_none()
    if row is None:
        return None
    if _edited_at(row.payload) < _edited_at(payload):
        values = {"payload": {**row.payload, **payload}, "revision": turn.c.revision + 1}
        conn.execute(sa.update(turn).where(turn.c.id == row.id).values(values))
        notify(conn, Stop(row.id), only_if=sa.exists().where(turn.c.id == row.id, is_running()))
    return find(conn, row.id)


def _edited_at(payload: dict[str, Any]) -> int:
    return order_key(payload.get("edited_ts") or "0")


def look(conn: sa.Connection, taken: Turn) -> Wish | None:
    """Return what is wanted of a taken turn; None when it is another take-up's."""
    statement = sa.select(turn.c.stop_requested_by, turn.c.revision, turn.c.payload).where(
        turn.c.id == taken.id, turn.c.fence == taken.fence, is_running()
    )
    row = conn.execute(statement).one_or_none()
    return None if row is None else Wish(row.stop_requested_by, row.revision, row.payload)


def repeat(
    conn: sa.Connection, *, turn_id: int, occasion: str, payload: dict[str, Any]
) -> int | None:
    """Queue the question of an ended turn once more, to be answered in the same messages.

    Args:
        conn: In a transaction.
        turn_id: The turn.
        occasion: Why; a message is repeated once for each, and again after a repeat was refused.
        payload: What is known of the question besides its words, which are read from Slack.

    Returns:
        The new turn's id; None when the question is being answered, or was on this occasion.
    """
    old, other = turn.alias("old"), turn.alias("other")
    same_message = sa.and_(
        other.c.team_id == old.c.team_id,
        other.c.channel_id == old.c.channel_id,
        other.c.message_ts == old.c.message_ts,
    )
    is_later = sa.and_(other.c.id > old.c.id, other.c.outcome != REFUSED)
    was_repeated = sa.exists().where(same_message, is_later | is_live(other))
    refusals = (
        sa.select(sa.func.count()).where(same_message, other.c.outcome == REFUSED).scalar_subquery()
    )
    # Of two who ask at the same moment the second sees what the first one did.
    conn.execute(sa.select(turn.c.id).where(turn.c.id == turn_id).with_for_update())
    newest = conn.execute(
        sa.select(old, refusals.label("refusals")).where(
            old.c.id == turn_id, ~is_live(old), ~was_repeated
        )
    ).one_or_none()
    if newest is None:
        return None
    return _queue_again(conn, newest, occasion=f"{occasion}:{newest.refusals}", payload=payload)


def _queue_again(
    conn: sa.Connection, old: sa.Row[Any], *, occasion: str, payload: dict[str, Any]
) -> int | None:
    kept = ("thread_key", "team_id", "channel_id", "thread_ts", "message_ts", "user_id", "reply")
    message_key = event_key(old.team_id, old.channel_id, old.message_ts)
    statement = (
        insert_into(conn, turn)
        .values(
            event_key=f"{message_key}:{occasion}",
            # After everything that waits now.
            order_key=now_ms() * 1000,
            payload=payload,
            status=TurnStatus.QUEUED,
            available_at_ms=now_ms(),
            created_at_ms=now_ms(),
            **{name: getattr(old, name) for name in kept},
        )
        .on_conflict_do_nothing(index_elements=[turn.c.event_key])
        .returning(turn.c.id)
    )
    turn_id = conn.execute(statement).scalar_one_or_none()
    if turn_id is not None:
        notify(conn, Wake())
    return turn_id


def to_announce(conn: sa.Connection, *, older_than_ms: int, limit: int) -> list[Waiting]:
    """Return turns that wait in silence for too long; each is returned once, to one caller.

    Only so many that there are `limit` lines at most, those that are still to be taken away
    included.
    """
    lines = sa.select(sa.func.count()).where(turn.c.notice.is_not(None))
    room = limit - (conn.scalar(lines) or 0)
    if room <= 0:
        return []
    silent = (
        sa.select(turn.c.id)
        .where(
            is_queued(),
            turn.c.notice.is_(None),
            turn.c.reply.is_(None),
            ~turn.c.posting,
            turn.c.attempts == 0,
            turn.c.created_at_ms <= now_ms() - older_than_ms,
        )
        .order_by(turn.c.id)
        .limit(room)
        .with_for_update(skip_locked=True)
        .cte("silent")
    )
    statement = (
        sa.update(turn)
        .where(turn.c.id.in_(sa.select(silent.c.id)))
        .values(notice=BEING_POSTED)
        .returning(turn)
    )
    return [
        Waiting(
            id=row.id,
            team_id=row.team_id,
            channel_id=row.channel_id,
            thread_ts=row.thread_ts,
            message_ts=row.message_ts,
            ahead=waiting(conn, row.id),
        )
        for row in conn.execute(statement)
    ]


def announced(conn: sa.Connection, *, turn_id: int, notice_ts: str) -> bool:
    """Record the line of a turn that waits; False when it does not wait any more."""
    statement = sa.update(turn).where(turn.c.id == turn_id, is_queued()).values(notice=notice_ts)
    return conn.execute(statement).rowcount > 0


def left_lines(conn: sa.Connection, *, older_than_ms: int, limit: int) -> list[WaitingLine]:
    """Return lines of turns that were taken up so long ago and wait no more."""
    statement = (
        sa.select(turn)
        .where(
            turn.c.notice.is_not(None),
            ~is_queued(),
            turn.c.started_at_ms <= now_ms() - older_than_ms,
        )
        .order_by(turn.c.id)
        .limit(limit)
    )
    return [
        WaitingLine(
            turn_id=row.id,
            team_id=row.team_id,
            channel_id=row.channel_id,
            thread_ts=row.thread_ts,
            message_ts=row.message_ts,
            ts=row.notice,
        )
        for row in conn.execute(statement)
    ]


def line_gone(conn: sa.Connection, turn_id: int) -> None:
    """Note that a turn has no line any more."""
    conn.execute(sa.update(turn).where(turn.c.id == turn_id).values(notice=None))
