"""Conversations: which DashScope session a thread is in."""

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.clock import instant_ms, now_ms, to_ms
from storage.keys import order_key, thread_key, thread_keys, ts_of
from storage.records import Conversation, SessionUse, Turn
from storage.tables import conversation, turn
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

    async def forget(
        self, team_id: str, channel_id: str, thread_ts: str, *, up_to_ts: str = ""
    ) -> bool:
        """Let a thread start afresh: without its session, and without what was said in it so far.

        The second holds as long as the conversation is kept. A turn whose message is not later than
        that leaves no session here, even when it ends later.

        Args:
            team_id: The workspace.
            channel_id: The channel or DM.
            thread_ts: The thread's root.
            up_to_ts: The last moment that counts as before, as Slack writes it; now if empty.

        Returns:
            Whether there was a session.
        """
        key = thread_key(team_id, channel_id, thread_ts)
        return await self._storage.run(_forget, key, up_to_ts)

    async def forget_all(self, team_id: str, channel_id: str) -> int:
        """Let every thread of a channel start afresh; return how many of them are known.

        Known are those with a conversation, and those of which a turn is still remembered.
        """
        return await self._storage.run(_forget_all, team_id, channel_id)

    async def prune(self, *, older_than_s: float, limit: int) -> int:
        """Delete up to `limit` conversations unused for so long; return how many."""
        return await self._storage.run(_prune, to_ms(older_than_s), limit)


def keep_session(conn: sa.Connection, key: str, session: SessionUse, *, asked: Turn) -> None:
    """Note one more answer in a thread's session, or the first one of another session.

    The session counts as used since the question was claimed: the service counts from its request,
    and to show an answer can take long. Nothing is noted when the thread was started afresh after
    the question. An answer outside any session leaves no conversation where there was none.
    """
    if order_key(asked.message_ts) <= _since_key(conn, key):
        return
    used_at_ms = instant_ms(asked.created_at)
    if not session.session_id:
        left = {"session_id": "", "last_used_at_ms": used_at_ms}
        conn.execute(sa.update(conversation).where(conversation.c.thread_key == key).values(left))
        return
    insert = insert_into(conn, conversation).values(
        thread_key=key,
        app_key=session.app_key,
        session_id=session.session_id,
        rounds=1,
        last_used_at_ms=used_at_ms,
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
                "last_used_at_ms": used_at_ms,
            },
        )
    )


def _get(conn: sa.Connection, key: str) -> Conversation | None:
    statement = sa.select(
        conversation.c.app_key,
        conversation.c.session_id,
        conversation.c.rounds,
        conversation.c.since_ts,
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
        since_ts=row.since_ts or "",
    )


def _since_key(conn: sa.Connection, key: str) -> int:
    """Return the moment up to which a thread is forgotten, 0 for none; it stays so till the end."""
    since = sa.select(conversation.c.since_ts).where(conversation.c.thread_key == key)
    return order_key(conn.scalar(since.with_for_update()) or "0")


def _forget(conn: sa.Connection, key: str, up_to_ts: str) -> bool:
    found = sa.select(conversation.c.session_id).where(conversation.c.thread_key == key)
    had_session = bool(conn.scalar(found))
    up_to_key = order_key(up_to_ts) if up_to_ts else _now_key(conn)
    # What was forgotten once stays so, also when an older message asks for it later.
    fresh = _fresh(max(up_to_key, _since_key(conn, key)))
    insert = insert_into(conn, conversation).values(thread_key=key, **fresh)
    conn.execute(
        insert.on_conflict_do_update(index_elements=[conversation.c.thread_key], set_=fresh)
    )
    return had_session


def _forget_all(conn: sa.Connection, team_id: str, channel_id: str) -> int:
    fresh = _fresh(_now_key(conn))
    asked_in = sa.select(turn.c.thread_key).where(
        turn.c.team_id == team_id, turn.c.channel_id == channel_id
    )
    if known := [{"thread_key": key} for key in conn.scalars(asked_in.distinct())]:
        insert = insert_into(conn, conversation).values(fresh)
        conn.execute(insert.on_conflict_do_nothing(), known)
    begins = conversation.c.thread_key.startswith(thread_keys(team_id, channel_id), autoescape=True)
    return conn.execute(sa.update(conversation).where(begins).values(fresh)).rowcount


def _now_key(conn: sa.Connection) -> int:
    return int(conn.execute(sa.select(now_ms())).scalar_one()) * 1000


def _fresh(since_key: int) -> dict[str, Any]:
    """Return a conversation that was started afresh, and not gone on with yet."""
    return {
        "app_key": "",
        "session_id": "",
        "rounds": 0,
        "last_used_at_ms": now_ms(),
        "since_ts": ts_of(since_key),
    }


def _prune(conn: sa.Connection, older_than_ms: int, limit: int) -> int:
    old = (
        sa.select(conversation.c.thread_key)
        .where(conversation.c.last_used_at_ms < now_ms() - older_than_ms)
        .order_by(conversation.c.last_used_at_ms)
        .limit(limit)
    )
    return conn.execute(sa.delete(conversation).where(conversation.c.thread_key.in_(old))).rowcount
