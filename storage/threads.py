"""Threads the bot follows, and those in which it was asked to be still."""

from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.clock import now_ms, to_ms
from storage.keys import thread_key
from storage.records import PastTurn, ThreadState
from storage.tables import quiet_thread, turn
from storage.upserts import insert_into

if TYPE_CHECKING:
    from storage.database import Storage

TURNS_MOST = 200
"""Of a thread, the last ones; no question brings so much of its thread along."""


class Threads:
    """How the bot stands to threads.

    Every method raises `storage.errors.StorageError` in its most specific form.
    """

    def __init__(self, storage: "Storage") -> None:
        self._storage = storage

    async def state(self, team_id: str, channel_id: str, thread_ts: str) -> ThreadState:
        """Return how the bot stands to a thread; one read, for every message of a thread."""
        return await self._storage.read(_state, thread_key(team_id, channel_id, thread_ts))

    async def turns(self, team_id: str, channel_id: str, thread_ts: str) -> list[PastTurn]:
        """Return a thread's last turns, TURNS_MOST at most, in no particular order."""
        return await self._storage.read(_turns, thread_key(team_id, channel_id, thread_ts))

    async def quiet(self, team_id: str, channel_id: str, thread_ts: str, *, by: str) -> None:
        """Note that somebody wants the bot to be still in a thread."""
        key = thread_key(team_id, channel_id, thread_ts)
        await self._storage.run(_quiet, key, by=by)

    async def wake(self, team_id: str, channel_id: str, thread_ts: str) -> bool:
        """Let the bot speak in a thread again; return whether it had been still."""
        return await self._storage.run(_wake, thread_key(team_id, channel_id, thread_ts))

    async def prune(self, *, older_than_s: float, limit: int) -> int:
        """Forget up to `limit` threads that have been still for so long; return how many.

        One of which a turn is still remembered stays: forgotten, it would be followed again.
        """
        return await self._storage.run(_prune, to_ms(older_than_s), limit)


def state_query(key: str) -> sa.Select[bool, bool]:
    """Select whether a thread has a turn, and whether it is quiet."""
    return sa.select(
        sa.exists().where(turn.c.thread_key == key).label("is_known"),
        sa.exists().where(quiet_thread.c.thread_key == key).label("is_quiet"),
    )


def _state(conn: sa.Connection, key: str) -> ThreadState:
    row = conn.execute(state_query(key)).one()
    return ThreadState(is_known=row.is_known, is_quiet=row.is_quiet)


def turns_query(key: str) -> sa.Select[int, str, str, str | None]:
    """Select the last turns of a thread."""
    columns = (turn.c.id, turn.c.message_ts, turn.c.user_id, turn.c.outcome)
    chosen = sa.select(*columns).where(turn.c.thread_key == key)
    return chosen.order_by(turn.c.id.desc()).limit(TURNS_MOST)


def _turns(conn: sa.Connection, key: str) -> list[PastTurn]:
    return [
        PastTurn(row.id, message_ts=row.message_ts, user_id=row.user_id, outcome=row.outcome)
        for row in conn.execute(turns_query(key))
    ]


def _quiet(conn: sa.Connection, key: str, *, by: str) -> None:
    statement = insert_into(conn, quiet_thread).values(
        thread_key=key, quiet_by=by, quiet_at_ms=now_ms()
    )
    conn.execute(statement.on_conflict_do_nothing(index_elements=[quiet_thread.c.thread_key]))


def _wake(conn: sa.Connection, key: str) -> bool:
    statement = sa.delete(quiet_thread).where(quiet_thread.c.thread_key == key)
    return conn.execute(statement).rowcount > 0


def _prune(conn: sa.Connection, older_than_ms: int, limit: int) -> int:
    old = (
        sa.select(quiet_thread.c.thread_key)
        .where(
            quiet_thread.c.quiet_at_ms < now_ms() - older_than_ms,
            ~sa.exists().where(turn.c.thread_key == quiet_thread.c.thread_key),
        )
        .order_by(quiet_thread.c.quiet_at_ms)
        .limit(limit)
    )
    return conn.execute(sa.delete(quiet_thread).where(quiet_thread.c.thread_key.in_(old))).rowcount
