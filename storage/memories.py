"""Which long-term memory belongs to which user and place, and who is making one.

Only ids are kept here: what is remembered stays with the vendor. A row without an id stands for a
memory that is being made, or whose maker died; its claim grows stale then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sa

from storage.clock import now_ms, to_ms
from storage.errors import NotUndoable, StorageConflict
from storage.journal import MEMORY_PREFIX, WORKSPACE, Act, record
from storage.records import AuditEntry
from storage.tables import audit, memory
from storage.upserts import insert_into

if TYPE_CHECKING:
    from storage.database import Storage

STALE_AFTER_S = 30.0
"""A claim so old is its maker's no longer."""

Origin = Literal["made", "by_hand"]
MADE: Origin = "made"
BY_HAND: Origin = "by_hand"


@dataclass(frozen=True, slots=True)
class MemoryKey:
    """Whose memory, and where.

    Attributes:
        team_id: The workspace.
        user_id: Its owner.
        scope: `private`, `channels`, `channel:C…`, `connect:C…` or `untold:C…`.
    """

    team_id: str
    user_id: str
    scope: str


@dataclass(frozen=True, slots=True)
class StoredMemory:
    """A memory that belongs to somebody.

    Attributes:
        key: Whose, and where.
        memory_id: The vendor's id; None while it is being made.
        origin: Whether the bot made it or an admin named it.
    """

    key: MemoryKey
    memory_id: str | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class MemoryClaim:
    """What came of wanting to make a memory.

    Attributes:
        memory_id: Set when there is one already.
        is_won: Whether the caller, and nobody else, is to make it now.
        is_second: Whether a maker before the caller may have made one without storing its id.
    """

    memory_id: str | None
    is_won: bool
    is_second: bool = False


@dataclass(frozen=True, slots=True)
class Given:
    """What naming a memory by hand changed.

    Attributes:
        former_id: The memory in whose place it was put; None when there was none.
    """

    former_id: str | None


class Memories:
    """Rows by user and place. Every method raises `storage.errors.StorageError`."""

    def __init__(self, storage: "Storage") -> None:
        self._storage = storage

    async def get(self, key: MemoryKey) -> StoredMemory | None:
        """Return a memory; None when there is none and nobody makes one."""
        return await self._storage.read(_get, key)

    async def of_user(self, team_id: str, user_id: str) -> Sequence[StoredMemory]:
        """Return all memories of a user, by scope."""
        return await self._storage.read(_of_user, team_id, user_id)

    async def claim(
        self, key: MemoryKey, *, by: str, stale_after_s: float = STALE_AFTER_S
    ) -> MemoryClaim:
        """Take the right to make a memory, if there is none and nobody else is at it.

        Args:
            key: Whose.
            by: Who wants to make it; different in every process.
            stale_after_s: A claim so old may be taken over, and a release so old be tried again.
        """
        return await self._storage.run(_claim, key, by=by, stale_ms=to_ms(stale_after_s))

    async def store(self, key: MemoryKey, memory_id: str, *, by: str) -> bool:
        """Keep the id of a memory that was made; return False when the claim was lost meanwhile.

        Raises:
            StorageConflict: This memory is somebody else's.
        """
        return await self._storage.run(_store, key, memory_id, by=by)

    async def release(self, key: MemoryKey, *, by: str) -> None:
        """Give a claim back after which nothing was made for certain."""
        await self._storage.run(_release, key, by=by)

    async def forget(self, key: MemoryKey, memory_id: str) -> bool:
        """Let a user have this memory no longer; return whether they had it."""
        return await self._storage.run(_forget, key, memory_id)

    async def give(self, key: MemoryKey, memory_id: str | None, *, by: str) -> Given | None:
        """Name a user's memory by hand, or take it away; audited.

        Returns:
            What that changed; None when it was so already.

        Raises:
            StorageConflict: This memory is somebody else's.
        """
        act = Act(team_id=key.team_id, by=by, action="memory.given")
        return await self._storage.run(_give, act, key, memory_id)


def subject_of(key: MemoryKey) -> str:
    """Return what the audit calls a memory."""
    return f"{MEMORY_PREFIX}{key.user_id}:{key.scope}"


def undo(conn: sa.Connection, act: Act, entry: AuditEntry) -> None:
    """Put back the memory there was before an entry about one.

    Raises:
        NotUndoable: The user has another one by now.
        StorageConflict: The memory is somebody else's by now.
    """
    user_id, _, scope = entry.subject.removeprefix(MEMORY_PREFIX).partition(":")
    key = MemoryKey(act.team_id, user_id, scope)
    if _id_of(_get(conn, key)) != (entry.after or {}).get("memory_id"):
        raise NotUndoable(entry.id)
    _give(conn, act, key, (entry.before or {}).get("memory_id"))


def _is(key: MemoryKey) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        memory.c.team_id == key.team_id,
        memory.c.user_id == key.user_id,
        memory.c.scope == key.scope,
    )


def _get(conn: sa.Connection, key: MemoryKey) -> StoredMemory | None:
    row = conn.execute(sa.select(memory).where(*_is(key))).one_or_none()
    return None if row is None else _to_memory(row)


def _of_user(conn: sa.Connection, team_id: str, user_id: str) -> list[StoredMemory]:
    statement = sa.select(memory).where(memory.c.team_id == team_id, memory.c.user_id == user_id)
    return [_to_memory(row) for row in conn.execute(statement.order_by(memory.c.scope))]


def _claim(conn: sa.Connection, key: MemoryKey, *, by: str, stale_ms: int) -> MemoryClaim:
    begun = {"claimed_by": by, "claimed_at_ms": now_ms()}
    fresh = insert_into(conn, memory).values(
        **_columns(key), origin=MADE, created_at_ms=now_ms(), **begun
    )
    if conn.execute(fresh.on_conflict_do_nothing()).rowcount > 0:
        return MemoryClaim(None, is_won=True)
    is_stale = (memory.c.claimed_at_ms < now_ms() - stale_ms).label("is_stale")
    # Of two who find it stale at the same moment, the second sees what the first one did.
    statement = sa.select(memory, is_stale).where(*_is(key)).with_for_update()
    row = conn.execute(statement).one_or_none()
    if row is None or row.memory_id is not None or not row.is_stale:
        return MemoryClaim(None if row is None else row.memory_id, is_won=False)
    conn.execute(sa.update(memory).where(*_is(key)).values(**begun))
    return MemoryClaim(None, is_won=True, is_second=row.claimed_by is not None)


def _store(conn: sa.Connection, key: MemoryKey, memory_id: str, *, by: str) -> bool:
    statement = sa.update(memory).where(*_is_claimed(key, by))
    done = {"memory_id": memory_id, "claimed_by": None, "claimed_at_ms": None}
    return conn.execute(statement.values(**done)).rowcount > 0


def _release(conn: sa.Connection, key: MemoryKey, *, by: str) -> None:
    # The moment stays: whatever refused it will refuse it again for a while.
    conn.execute(sa.update(memory).where(*_is_claimed(key, by)).values(claimed_by=None))


def _is_claimed(key: MemoryKey, by: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (*_is(key), memory.c.memory_id.is_(None), memory.c.claimed_by == by)


def _forget(conn: sa.Connection, key: MemoryKey, memory_id: str) -> bool:
    statement = sa.delete(memory).where(*_is(key), memory.c.memory_id == memory_id)
    return conn.execute(statement).rowcount > 0


def _give(conn: sa.Connection, act: Act, key: MemoryKey, memory_id: str | None) -> Given | None:
    before = _id_of(_get(conn, key))
    if before == memory_id:
        return None
    if memory_id is not None and _was_somebody_elses(conn, key, memory_id):
        raise StorageConflict
    if memory_id is None:
        conn.execute(sa.delete(memory).where(*_is(key)))
    else:
        _put(conn, key, memory_id)
    record(
        conn,
        act,
        scope=WORKSPACE,
        subject=subject_of(key),
        before=_fields(before),
        after=_fields(memory_id),
    )
    return Given(before)


def _was_somebody_elses(conn: sa.Connection, key: MemoryKey, memory_id: str) -> bool:
    """Tell whether a memory was taken from another person: what it holds is theirs for ever.

    In another workspace everybody is another person: ids of users are unique within theirs.
    """
    ids = (audit.c.before["memory_id"].as_string(), audit.c.after["memory_id"].as_string())
    own = f"{MEMORY_PREFIX}{key.user_id}:"
    is_own = sa.and_(
        audit.c.team_id == key.team_id, audit.c.subject.startswith(own, autoescape=True)
    )
    statement = sa.select(audit.c.id).where(
        audit.c.subject.startswith(MEMORY_PREFIX, autoescape=True),
        sa.not_(is_own),
        sa.or_(*(each == memory_id for each in ids)),
    )
    return conn.scalar(statement.limit(1)) is not None


def _put(conn: sa.Connection, key: MemoryKey, memory_id: str) -> None:
    named = {
        "memory_id": memory_id,
        "origin": BY_HAND,
        "claimed_by": None,
        "claimed_at_ms": None,
        "created_at_ms": now_ms(),
    }
    statement = insert_into(conn, memory).values(**_columns(key), **named)
    at = [memory.c.team_id, memory.c.user_id, memory.c.scope]
    conn.execute(statement.on_conflict_do_update(index_elements=at, set_=named))


def _columns(key: MemoryKey) -> dict[str, str]:
    return {"team_id": key.team_id, "user_id": key.user_id, "scope": key.scope}


def _fields(memory_id: str | None) -> dict[str, str] | None:
    return None if memory_id is None else {"memory_id": memory_id}


def _id_of(found: StoredMemory | None) -> str | None:
    return None if found is None else found.memory_id


def _to_memory(row: sa.Row[Any]) -> StoredMemory:
    return StoredMemory(
        key=MemoryKey(row.team_id, row.user_id, row.scope),
        memory_id=row.memory_id,
        origin=BY_HAND if row.origin == BY_HAND else MADE,
    )
