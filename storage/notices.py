"""What one process tells the others through PostgreSQL's NOTIFY; nothing on SQLite.

Two payloads: there may be a turn to take, and somebody asked to stop a turn. Notices are hints. One
that is lost costs time, never a turn: workers also look by themselves.
"""

from dataclasses import dataclass

import sqlalchemy as sa

CHANNEL = "dashscope_slack_turn"
_WAKE = "w"
_STOP = "s"


@dataclass(frozen=True, slots=True)
class Wake:
    """There may be a turn to take."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Somebody asked to stop a running turn.

    Attributes:
        turn_id: The turn, whoever runs it.
    """

    turn_id: int


Notice = Wake | Stop


def notify(conn: sa.Connection, notice: Notice, *, only_if: sa.Exists | None = None) -> None:
    """Send a notice when the transaction commits.

    Args:
        conn: In a transaction.
        notice: What to send.
        only_if: Send it only if this holds.
    """
    if conn.dialect.name != "postgresql":
        return
    payload = _WAKE if isinstance(notice, Wake) else f"{_STOP}{notice.turn_id}"
    statement = sa.select(sa.func.pg_notify(CHANNEL, payload))
    conn.execute(statement if only_if is None else statement.where(only_if))


def parse(payload: str) -> Notice | None:
    """Return the notice in a payload; None for one of another release."""
    if payload == _WAKE:
        return Wake()
    number = payload.removeprefix(_STOP)
    return Stop(int(number)) if number != payload and number.isdecimal() else None
