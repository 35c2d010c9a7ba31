"""Settings of workspaces, channels and users; every change of them is audited."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.clock import now_ms, to_datetime
from storage.documents import is_same, plain
from storage.errors import VersionConflict
from storage.journal import SETTINGS, Act, record
from storage.records import StoredSettings
from storage.tables import setting
from storage.team_lock import Purpose, lock_team
from storage.upserts import insert_into

if TYPE_CHECKING:
    from storage.database import Storage


class Settings:
    """What admins set, by scope: `workspace`, `channel:C…` or `user:U…`.

    Every method raises `storage.errors.StorageError` in its most specific form.
    """

    def __init__(self, storage: "Storage") -> None:
        self._storage = storage

    async def get(self, team_id: str, *scopes: str) -> Mapping[str, StoredSettings]:
        """Return the settings of each scope, in one read; all of them have an entry."""
        return await self._storage.read(read, team_id, *scopes)

    async def channels(self, team_id: str, *, limit: int) -> Sequence[StoredSettings]:
        """Return the settings of up to `limit` channels that have any, ordered by id."""
        return await self._storage.read(read_channels, team_id, limit=limit)

    async def change(
        self,
        team_id: str,
        scope: str,
        *,
        values: Mapping[str, Any],
        expected_version: int,
        by: str,
        action: str = "settings.changed",
    ) -> StoredSettings:
        """Replace the values of a scope and return what is stored now.

        Values equal to those there are change nothing: no new version, no entry in the audit.

        Args:
            team_id: The workspace.
            scope: Where.
            values: All of the scope's values, JSON.
            expected_version: Of the settings that were read and changed.
            by: The user who does it.
            action: What the audit calls it.

        Raises:
            VersionConflict: Somebody else changed them meanwhile.
            ValueError: A number is none JSON knows.
            TypeError: A value is no JSON.
        """
        act = Act(team_id=team_id, by=by, action=action)
        return await self._storage.run(
            change, act, scope, values=plain(values), expected_version=expected_version
        )


def read(conn: sa.Connection, team_id: str, *scopes: str) -> dict[str, StoredSettings]:
    """Return the settings of each scope."""
    statement = sa.select(setting).where(setting.c.team_id == team_id, setting.c.scope.in_(scopes))
    found = {row.scope: _to_settings(row) for row in conn.execute(statement)}
    return {scope: found.get(scope) or _unset(scope) for scope in scopes}


def read_channels(conn: sa.Connection, team_id: str, *, limit: int) -> list[StoredSettings]:
    """Return what channels set themselves."""
    statement = (
        sa.select(setting)
        .where(setting.c.team_id == team_id, setting.c.scope.startswith("channel:"))
        .order_by(setting.c.scope)
        .limit(limit)
    )
    return [_to_settings(row) for row in conn.execute(statement)]


def change(
    conn: sa.Connection, act: Act, scope: str, *, values: dict[str, Any], expected_version: int
) -> StoredSettings:
    """Replace the values of a scope if nobody else did since they were read.

    Raises:
        VersionConflict: Somebody did.
    """
    lock_team(conn, act.team_id, purpose=Purpose.SETTINGS)
    current = read(conn, act.team_id, scope)[scope]
    if current.version != expected_version:
        raise VersionConflict(current)
    if is_same(current.values, values):
        return current
    return put(conn, act, current, values=values)


def put(
    conn: sa.Connection, act: Act, current: StoredSettings, *, values: Mapping[str, Any]
) -> StoredSettings:
    """Write and audit new values of settings; the workspace is locked since they were read."""
    written = {
        "values": values,
        "version": current.version + 1,
        "updated_by": act.by,
        "updated_at_ms": now_ms(),
    }
    insert = insert_into(conn, setting).values(team_id=act.team_id, scope=current.scope, **written)
    key = [setting.c.team_id, setting.c.scope]
    conn.execute(insert.on_conflict_do_update(index_elements=key, set_=written))
    before = current.values
    record(conn, act, scope=current.scope, subject=SETTINGS, before=before, after=values)
    return read(conn, act.team_id, current.scope)[current.scope]


def _to_settings(row: sa.Row[Any]) -> StoredSettings:
    return StoredSettings(
        scope=row.scope,
        values=row.values,
        version=row.version,
        updated_by=row.updated_by,
        updated_at=to_datetime(row.updated_at_ms),
    )


def _unset(scope: str) -> StoredSettings:
    return StoredSettings(scope=scope, values={}, version=0, updated_by="", updated_at=None)
