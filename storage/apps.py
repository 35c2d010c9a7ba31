"""Named DashScope apps; every change of them is audited.

An app's name is compared in folded case. Its own API key is not here but among the secrets; only
the name it is kept under is.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage import journal, settings
from storage.clock import now_ms
from storage.documents import is_same, plain
from storage.errors import AppInUse, VersionConflict
from storage.journal import APP_PREFIX, WORKSPACE, Act, count, record
from storage.records import AuditEntry, StoredApp
from storage.tables import app_profile, setting
from storage.team_lock import Purpose, lock_team

if TYPE_CHECKING:
    from storage.database import Storage

DROPPED = "app.dropped"
"""What the audit calls it when settings lose an app that is removed."""

Fields = Mapping[str, Any]
"""An app as JSON: everything but its version."""


class Apps:
    """The apps of workspaces.

    Every method raises `storage.errors.StorageError` in its most specific form.
    """

    def __init__(self, storage: "Storage") -> None:
        self._storage = storage

    async def list(self, team_id: str) -> Sequence[StoredApp]:
        """Return all apps of a workspace, by name."""
        return await self._storage.read(read_all, team_id)

    async def get(self, team_id: str, name: str) -> StoredApp | None:
        """Return the app of a name."""
        return await self._storage.read(read, team_id, name)

    async def put(
        self,
        team_id: str,
        app: StoredApp,
        *,
        expected_version: int,
        by: str,
        action: str | None = None,
    ) -> StoredApp:
        """Add an app, or replace the one of its name, and return what is stored now.

        An app equal to the one there is changes nothing: no new version, no entry in the audit.

        Args:
            team_id: The workspace.
            app: The app; its version is not looked at.
            expected_version: Of the app that was read and changed; 0 for one that must be new.
            by: The user who does it.
            action: What the audit calls it; `app.added` or `app.edited` when None.

        Raises:
            VersionConflict: Somebody else changed, added or removed it meanwhile.
            ValueError: A number among the options is none JSON knows.
            TypeError: An option is no JSON.
        """
        usual = "app.edited" if expected_version else "app.added"
        act = Act(team_id=team_id, by=by, action=action or usual)
        app = replace(app, options=plain(app.options))
        return await self._storage.run(put, act, app, expected_version=expected_version)

    async def remove(
        self,
        team_id: str,
        name: str,
        *,
        expected_version: int,
        by: str,
        unless_used: bool = True,
    ) -> Sequence[str]:
        """Remove an app; its secret stays for as long as the removal can be undone.

        Settings that name it name none afterwards, and again when the removal is undone.

        Args:
            team_id: The workspace.
            name: The app's name.
            expected_version: Of the app that was read.
            by: The user who does it.
            unless_used: Whether settings that name the app keep it.

        Returns:
            The scopes whose settings named it, in order.

        Raises:
            AppInUse: Settings name it.
            VersionConflict: Somebody else changed or removed it meanwhile.
        """
        act = Act(team_id=team_id, by=by, action="app.removed")
        return await self._storage.run(
            remove, act, name, expected_version=expected_version, unless_used=unless_used
        )

    async def users_of(self, team_id: str, name: str) -> Sequence[str]:
        """Return the scopes whose settings name an app, in order."""
        return await self._storage.read(users_of, team_id, name)

    async def places(self, team_id: str) -> Mapping[str, int]:
        """Return how many scopes' settings name each app, by `name_key`; 0 is left out."""
        return await self._storage.read(places, team_id)


def name_key(name: str) -> str:
    """Return what is equal for two names that are the same."""
    return name.casefold()


def subject_of(name: str) -> str:
    """Return what the audit calls an app."""
    return APP_PREFIX + name_key(name)


def read_all(conn: sa.Connection, team_id: str) -> list[StoredApp]:
    """Return all apps of a workspace, by name."""
    statement = sa.select(app_profile).where(app_profile.c.team_id == team_id)
    apps = [_to_app(row) for row in conn.execute(statement)]
    return sorted(apps, key=lambda app: name_key(app.name))  # the databases sort each their way


def read(conn: sa.Connection, team_id: str, name: str) -> StoredApp | None:
    """Return the app of a name."""
    row = conn.execute(sa.select(app_profile).where(*_is(team_id, name))).one_or_none()
    return None if row is None else _to_app(row)


def users_of(conn: sa.Connection, team_id: str, name: str) -> list[str]:
    """Return the scopes whose settings name an app, in order."""
    return sorted(scope for scope, key in _choices(conn, team_id) if key == name_key(name))


def places(conn: sa.Connection, team_id: str) -> dict[str, int]:
    """Return how many scopes' settings name each app, by its folded name."""
    return dict(Counter(key for _, key in _choices(conn, team_id)))


def _choices(conn: sa.Connection, team_id: str) -> Iterator[tuple[str, str]]:
    """Yield each scope whose settings name an app, and the app's folded name."""
    # Names cannot be folded in SQL, and PostgreSQL refuses to look into some JSON it has stored.
    statement = sa.select(setting.c.scope, setting.c["values"]).where(setting.c.team_id == team_id)
    for scope, values in conn.execute(statement):
        if isinstance(values.get("app"), str):
            yield scope, name_key(values["app"])


def put(conn: sa.Connection, act: Act, app: StoredApp, *, expected_version: int) -> StoredApp:
    """Write an app if nobody else did since it was read.

    Raises:
        VersionConflict: Somebody did.
    """
    lock_team(conn, act.team_id, purpose=Purpose.SETTINGS)
    current = _expect(conn, act, app.name, version=expected_version)
    if current is not None and is_same(fields_of(current), fields_of(app)):
        return current
    return write(conn, act, current, fields=fields_of(app))


def remove(
    conn: sa.Connection, act: Act, name: str, *, expected_version: int, unless_used: bool
) -> list[str]:
    """Remove an app if nobody else changed it since it was read; return where it was chosen.

    Raises:
        AppInUse: Settings name it, and then it is to be kept.
        VersionConflict: Somebody did, or it is not there.
    """
    lock_team(conn, act.team_id, purpose=Purpose.SETTINGS)
    current = _expect(conn, act, name, version=expected_version)
    if current is None:
        raise VersionConflict(None)
    if unless_used:
        refuse_used(conn, act.team_id, name)
    scopes = users_of(conn, act.team_id, name)
    dropping = replace(act, action=DROPPED)
    for stored in settings.read(conn, act.team_id, *scopes).values():
        kept = {key: value for key, value in stored.values.items() if key != "app"}
        settings.put(conn, dropping, stored, values=kept)
    erase(conn, act, current)
    return scopes


def choose_again(conn: sa.Connection, act: Act, removal: AuditEntry) -> None:
    """Name an app again in the settings that lost it with its removal, and name no other now."""
    for entry in journal.beside(conn, removal, team_id=act.team_id, action=DROPPED):
        stored = settings.read(conn, act.team_id, entry.scope)[entry.scope]
        if "app" not in stored.values:
            values = {**stored.values, "app": (entry.before or {})["app"]}
            settings.put(conn, replace(act, undoes=entry.id), stored, values=values)


def _expect(conn: sa.Connection, act: Act, name: str, *, version: int) -> StoredApp | None:
    current = read(conn, act.team_id, name)
    if (0 if current is None else current.version) != version:
        raise VersionConflict(current)
    return current


def refuse_used(conn: sa.Connection, team_id: str, name: str) -> None:
    """Return if no settings name an app.

    Raises:
        AppInUse: Some do.
    """
    if scopes := users_of(conn, team_id, name):
        raise AppInUse(scopes)


def write(conn: sa.Connection, act: Act, current: StoredApp | None, *, fields: Fields) -> StoredApp:
    """Write and audit an app; the workspace is locked since it was read."""
    name, subject = fields["name"], subject_of(fields["name"])
    changes = count(conn, team_id=act.team_id, scope=WORKSPACE, subject=subject)
    columns = {
        **fields,
        "version": changes + 1,  # goes on where a removed app of the name had stopped
        "updated_by": act.by,
        "updated_at_ms": now_ms(),
    }
    if current is None:
        key = {"team_id": act.team_id, "name_key": name_key(name)}
        conn.execute(sa.insert(app_profile).values(**key, **columns))
    else:
        conn.execute(sa.update(app_profile).where(*_is(act.team_id, name)).values(columns))
    before = None if current is None else fields_of(current)
    record(conn, act, scope=WORKSPACE, subject=subject, before=before, after=fields)
    return StoredApp(**fields, version=changes + 1)


def erase(conn: sa.Connection, act: Act, current: StoredApp) -> None:
    """Delete an app and audit it; the workspace is locked since it was read."""
    conn.execute(sa.delete(app_profile).where(*_is(act.team_id, current.name)))
    before, subject = fields_of(current), subject_of(current.name)
    record(conn, act, scope=WORKSPACE, subject=subject, before=before, after=None)


def fields_of(app: StoredApp) -> Fields:
    """Return an app as the audit keeps it."""
    fields = asdict(app)
    del fields["version"]
    return fields


def _is(team_id: str, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (app_profile.c.team_id == team_id, app_profile.c.name_key == name_key(name))


def _to_app(row: sa.Row[Any]) -> StoredApp:
    return StoredApp(
        name=row.name,
        app_id=row.app_id,
        kind=row.kind,
        base_url=row.base_url,
        workspace=row.workspace,
        secret_name=row.secret_name,
        options=row.options,
        is_open=row.is_open,
        version=row.version,
    )
