"""Questions about turns, in statements that change nothing."""

import sqlalchemy as sa

from storage.clock import now_ms
from storage.keys import order_key
from storage.records import Counts, FoundTurn, TurnStatus
from storage.tables import is_live, is_queued, is_running, turn

_REPLY_WINDOW_US = 24 * 60 * 60 * 1_000_000
"""A reply's messages are posted within this time after the question; bounds the search for one."""


def waiting(conn: sa.Connection, turn_id: int) -> int:
    """Count the live turns of its thread that go before a turn."""
    this, other = turn.alias("this"), turn.alias("other")
    before = sa.or_(
        is_running(other),
        sa.tuple_(other.c.order_key, other.c.id) < sa.tuple_(this.c.order_key, this.c.id),
    )
    statement = (
        sa.select(sa.func.count())
        .select_from(this.join(other, this.c.thread_key == other.c.thread_key))
        .where(this.c.id == turn_id, other.c.id != turn_id, is_live(other), before)
    )
    return conn.scalar(statement) or 0


def find(conn: sa.Connection, turn_id: int) -> FoundTurn | None:
    """Return the turn with an id."""
    return _find(conn, turn.c.id == turn_id)


def find_by_message(
    conn: sa.Connection, team_id: str, channel_id: str, message_ts: str
) -> FoundTurn | None:
    """Return the last turn that answers, or answered, a message."""
    return _find(
        conn,
        turn.c.team_id == team_id,
        turn.c.channel_id == channel_id,
        turn.c.order_key >= order_key(message_ts),  # for the index; a repeat comes later
        turn.c.message_ts == message_ts,
    )


def find_by_reply(
    conn: sa.Connection, team_id: str, channel_id: str, reply_ts: str
) -> FoundTurn | None:
    """Return the turn one of whose reply's messages this is."""
    posted_at = order_key(reply_ts)
    return _find(
        conn,
        turn.c.team_id == team_id,
        turn.c.channel_id == channel_id,
        turn.c.order_key.between(posted_at - _REPLY_WINDOW_US, posted_at),
        sa.cast(turn.c.reply, sa.Text).contains(f'"{reply_ts}"', autoescape=True),
    )


def _find(conn: sa.Connection, *which: sa.ColumnElement[bool]) -> FoundTurn | None:
    statement = sa.select(turn).where(*which).order_by(turn.c.id.desc()).limit(1)
    row = conn.execute(statement).one_or_none()
    if row is None:
        return None
    return FoundTurn(
        id=row.id,
        status=TurnStatus(row.status),
        team_id=row.team_id,
        channel_id=row.channel_id,
        thread_ts=row.thread_ts,
        user_id=row.user_id,
    )


def counts(conn: sa.Connection) -> Counts:
    """Count the live turns of all workers."""
    oldest_at_ms = sa.func.min(turn.c.created_at_ms).filter(is_queued())
    statement = sa.select(
        sa.func.count().filter(is_queued()).label("queued"),
        sa.func.count().filter(is_running()).label("running"),
        (now_ms() - oldest_at_ms).label("oldest_ms"),
    ).where(is_live())
    row = conn.execute(statement).one()
    return Counts(
        queued=row.queued, running=row.running, oldest_queued_s=max(0, row.oldest_ms or 0) / 1000
    )
