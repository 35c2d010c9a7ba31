"""The audit: who changed what and when, and taking changes back.

It is kept for as long as the database is.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, assert_never

import sqlalchemy as sa

from storage import apps, journal, memories, secrets_at_rest, settings
from storage.errors import NotUndoable, VersionConflict
from storage.journal import APP_PREFIX, MEMORY_PREFIX, SETTINGS, Act
from storage.records import AuditEntry, StoredApp, StoredSettings
from storage.team_lock import Purpose, lock_team

if TYPE_CHECKING:
    from storage.database import Storage


class Audit:
    """The changes of settings and apps.

    Every method raises `storage.errors.StorageError` in its most specific form.
    """

    def __init__(self, storage: "Storage") -> None:
        self._storage = storage

    async def page(
        self, team_id: str, *, scope: str | None, before_id: int | None, limit: int
    ) -> Sequence[AuditEntry]:
        """Return up to `limit` entries, newest first.

        Args:
            team_id: The workspace.
            scope: Only entries of this scope; None for all.
            before_id: Only entries older than this one; None for the newest.
            limit: How many at most.
        """
        return await self._storage.read(
            journal.page, team_id=team_id, scope=scope, before_id=before_id, limit=limit
        )

    async def last(self, team_id: str, scope: str) -> AuditEntry | None:
        """Return the newest entry of a scope."""
        entries = await self.page(team_id, scope=scope, before_id=None, limit=1)
        return entries[0] if entries else None

    async def former(
        self, team_id: str, scope: str, *, version: int, subject: str = SETTINGS
    ) -> Mapping[str, Any] | None:
        """Return the values a subject had at a version; None when it has them now, or never had.

        Args:
            team_id: The workspace.
            scope: Where.
            version: At least 0.
            subject: The settings there, or an app, as `storage.apps.subject_of` calls it.
        """
        return await self._storage.read(
            journal.former, team_id=team_id, scope=scope, subject=subject, version=version
        )

    async def undo(self, team_id: str, entry_id: int, *, by: str) -> AuditEntry:
        """Put back what there was before a change, and return the entry of doing so.

        Only the last change of a subject can be undone. Undoing an undo does the change again.

        Args:
            team_id: The workspace.
            entry_id: The change to undo.
            by: The user who does it.

        Raises:
            VersionConflict: The subject was changed since.
            AppInUse: An app's adding cannot be undone while settings name it.
            NotUndoable: The entry is unknown, or the app's own key is gone by now.
            StorageConflict: A memory it would give back is somebody else's, or elsewhere, by now.
        """
        return await self._storage.run(_undo, team_id, entry_id, by=by)


def _undo(conn: sa.Connection, team_id: str, entry_id: int, *, by: str) -> AuditEntry:
    lock_team(conn, team_id, purpose=Purpose.SETTINGS)
    entry = journal.find(conn, team_id=team_id, entry_id=entry_id)
    if entry is None:
        raise NotUndoable(entry_id)
    is_newest = _newest_like(conn, team_id, entry).id == entry_id
    if entry.subject.startswith(MEMORY_PREFIX):
        if not is_newest:
            raise NotUndoable(entry_id)
        memories.undo(conn, Act(team_id, by, "memory.undone", undoes=entry_id), entry)
        return _newest_like(conn, team_id, entry)
    current = _current(conn, team_id, entry)
    if not is_newest:
        raise VersionConflict(current)
    match current:
        case StoredSettings():
            act = Act(team_id=team_id, by=by, action="settings.undone", undoes=entry_id)
            settings.put(conn, act, current, values=entry.before or {})
        case StoredApp() | None:
            act = Act(team_id=team_id, by=by, action="app.undone", undoes=entry_id)
            _undo_app(conn, act, current, entry=entry)
        case _:
            assert_never(current)
    return _newest_like(conn, team_id, entry)


def _current(
    conn: sa.Connection, team_id: str, entry: AuditEntry
) -> StoredSettings | StoredApp | None:
    """Return what an entry's subject is now."""
    if entry.subject == SETTINGS:
        return settings.read(conn, team_id, entry.scope)[entry.scope]
    return apps.read(conn, team_id, entry.subject.removeprefix(APP_PREFIX))


def _newest_like(conn: sa.Connection, team_id: str, entry: AuditEntry) -> AuditEntry:
    return journal.newest(conn, team_id=team_id, scope=entry.scope, subject=entry.subject)


def _undo_app(
    conn: sa.Connection, act: Act, current: StoredApp | None, *, entry: AuditEntry
) -> None:
    if entry.before is not None:
        _need_secret(conn, act.team_id, entry)
        if entry.action == "app.removed":
            apps.choose_again(conn, act, entry)
        apps.write(conn, act, current, fields=entry.before)
    elif current is not None:
        apps.refuse_used(conn, act.team_id, current.name)
        apps.erase(conn, act, current)


def _need_secret(conn: sa.Connection, team_id: str, entry: AuditEntry) -> None:
    """Return if the app that undoing a change brings back has no own key, or has it still."""
    name = (entry.before or {}).get("secret_name")
    if name is not None and not secrets_at_rest.exists(conn, team_id, name):
        raise NotUndoable(entry.id)
