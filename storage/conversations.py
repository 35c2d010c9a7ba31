"""Conversations: which DashScope session a thread is in."""

from typing import TYPE_CHECKING

import sqlalchemy as sa

from storage.clock import now_ms, to_ms
from storage.keys import thread_key
from storage.records import Conversation, SessionUse
from storage.tables import conversation
from storage.upserts import insert_into

if TYPE_CHECKING:
    from storage.database import Storage


class Conversations:
    """Threads and their sessions. Only a finished turn writes one (`Turns.finish`).

    Every method raises `storage.errors.StorageError` in its most specific form.
    """

    def __init__(self, storage: "Storage") -> None:
        self._storage = storage

    async def get(self, team_id: str, channel_id: str, thread_ts: str) -> Conversation | None:
        """Return a thread's conversation; None while it has none."""
        return await self._storage.read(_get, thread_key(team_id, channel_id, thread_ts))

    async def forget(self, team_id: str, channel_id: str, thread_ts: str) -> bool:
        """Drop a thread's conversation; return whether there was one."""
        return await self._storage.run(_forget, thread_key(team_id, channel_id, thread_ts))

    async def prune(self, *, older_than_s: float, limit: int) -> int:
        """Delete up to `limit` conversations unused for so long; return how many."""
        return await self._storage.run(_prune, to_ms(older_than_s), limit)


def keep_session(conn: sa.Connection, key: str, session: SessionUse) -> None:
    """Note one more answer in a thread's session, or the first one of another session."""
    insert = insert_into(conn, conversation).values(
        thread_key=key,
        app_key=session.app_key,
        session_id=session.session_id,
        rounds=1,
        last_used_at_ms=now_ms(),
    )
    same = sa.and_(
        conversation.c.app_key == session.app_key, conversation.c.session_id == session.session_id
    )
    conn.execute(
        insert.on_conflict_do_update(
            index_elements=[conversation.c.thread_key],
            set_={
                "app_key": session.app_key,
                "session_id": session.session_id,
                "rounds": sa.case((same, conversation.c.rounds + 1), else_=1),
                "last_used_at_ms": now_ms(),
            },
        )
    )


def _get(conn: sa.Connection, key: str) -> Conversation | None:
    statement = sa.select(
        conversation.c.app_key,
        conversation.c.session_id,
        conversation.c.rounds,
        (now_ms() - conversation.c.last_used_at_ms).label("idle_ms"),
    ).where(conversation.c.thread_key == key)
    row = conn.execute(statement).one_or_none()
    if row is None:
        return None
    return Conversation(
        app_key=row.app_key,
        session_id=row.session_id,
        rounds=row.rounds,
        idle_s=max(0, row.idle_ms) / 1000,
    )


def _forget(conn: sa.Connection, key: str) -> bool:
    return (
        conn.execute(sa.delete(conversation).where(conversation.c.thread_key == key)).rowcount > 0
    )


def _prune(conn: sa.Connection, older_than_ms: int, limit: int) -> int:
    old = (
        sa.select(conversation.c.thread_key)
        .where(conversation.c.last_used_at_ms < now_ms() - older_than_ms)
        .order_by(conversation.c.last_used_at_ms)
        .limit(limit)
    )
    return conn.execute(sa.delete(conversation).where(conversation.c.thread_key.in_(old))).rowcount
