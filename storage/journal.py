"""The audit's statements: who changed what, written in the transaction of the change itself.

Entries are never deleted. The newest one of a subject is the one that can be undone, because
nothing of the subject has changed since.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from storage.clock import now_ms, to_datetime
from storage.records import AuditEntry
from storage.tables import audit

WORKSPACE = "workspace"
"""The scope of the workspace's own settings, and of its apps."""
SETTINGS = "settings"
"""The subject of changes to settings."""
APP_PREFIX = "app:"
"""What the subject of a change to an app begins with."""
MEMORY_PREFIX = "memory:"
"""What the subject of a change to somebody's memory begins with."""


@dataclass(frozen=True, slots=True)
class Act:
    """What somebody does.

    Attributes:
        team_id: In which workspace.
        by: Who.
        action: What, such as `app.added`.
        undoes: The entry whose change is taken back.
    """

    team_id: str
    by: str
    action: str
    undoes: int | None = None


def record(
    conn: sa.Connection,
    act: Act,
    *,
    scope: str,
    subject: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
) -> None:
    """Write one entry; `before` and `after` hold no secrets."""
    entry = {
        "team_id": act.team_id,
        "at_ms": now_ms(),
        "user_id": act.by,
        "action": act.action,
        "scope": scope,
        "subject": subject,
        "before": before,
        "after": after,
        "undoes": act.undoes,
    }
    conn.execute(sa.insert(audit).values(entry))


def count(conn: sa.Connection, *, team_id: str, scope: str, subject: str) -> int:
    """Return how often a subject was changed."""
    statement = sa.select(sa.func.count()).select_from(audit)
    return conn.execute(statement.where(*_of(team_id, scope, subject))).scalar_one()


def page(
    conn: sa.Connection, *, team_id: str, scope: str | None, before_id: int | None, limit: int
) -> list[AuditEntry]:
    """Return entries, newest first."""
    statement = sa.select(audit).where(audit.c.team_id == team_id)
    if scope is not None:
        statement = statement.where(audit.c.scope == scope)
    if before_id is not None:
        statement = statement.where(audit.c.id < before_id)
    rows = conn.execute(statement.order_by(audit.c.id.desc()).limit(limit))
    return [_to_entry(row) for row in rows]


def find(conn: sa.Connection, *, team_id: str, entry_id: int) -> AuditEntry | None:
    """Return an entry of a workspace."""
    statement = sa.select(audit).where(audit.c.id == entry_id, audit.c.team_id == team_id)
    row = conn.execute(statement).one_or_none()
    return None if row is None else _to_entry(row)


def newest(conn: sa.Connection, *, team_id: str, scope: str, subject: str) -> AuditEntry:
    """Return the newest entry of a subject, which has one."""
    statement = sa.select(audit).where(*_of(team_id, scope, subject))
    return _to_entry(conn.execute(statement.order_by(audit.c.id.desc()).limit(1)).one())


def former(
    conn: sa.Connection, *, team_id: str, scope: str, subject: str, version: int
) -> Mapping[str, Any] | None:
    """Return what a subject was at a version, if it was anything, and was changed since.

    Versions count a subject's entries, so that of version N is what the next entry has for before.
    """
    entries = sa.select(audit.c.before).where(*_of(team_id, scope, subject))
    statement = entries.order_by(audit.c.id).offset(version).limit(1)
    return conn.execute(statement).scalar_one_or_none()


def beside(
    conn: sa.Connection, entry: AuditEntry, *, team_id: str, action: str
) -> list[AuditEntry]:
    """Return the entries of an action that came right before another, in its transaction.

    Settings and apps of a workspace change one transaction after the other; memories do as they
    like, and are not looked at.
    """
    is_memory = audit.c.subject.startswith(MEMORY_PREFIX, autoescape=True)
    before = (audit.c.team_id == team_id, audit.c.id < entry.id, ~is_memory)
    last_of_others = (
        sa.select(sa.func.coalesce(sa.func.max(audit.c.id), 0))
        .where(*before, audit.c.action != action)
        .scalar_subquery()
    )
    statement = sa.select(audit).where(*before, audit.c.id > last_of_others)
    return [_to_entry(row) for row in conn.execute(statement.order_by(audit.c.id))]


def undoable_secrets(conn: sa.Connection, *, team_id: str, within_ms: int) -> set[str]:
    """Return the names of the secrets that undoing a recent change of an app would bring back."""
    later = audit.alias("later")
    changed_since = sa.exists().where(
        later.c.team_id == audit.c.team_id,
        later.c.scope == audit.c.scope,
        later.c.subject == audit.c.subject,
        later.c.id > audit.c.id,
    )
    statement = sa.select(audit.c.before).where(
        audit.c.team_id == team_id,
        audit.c.scope == WORKSPACE,
        audit.c.subject.startswith(APP_PREFIX, autoescape=True),
        audit.c.at_ms >= now_ms() - within_ms,
        ~changed_since,
    )
    apps: Sequence[Mapping[str, Any] | None] = conn.scalars(statement).all()
    return {app["secret_name"] for app in apps if app is not None and app["secret_name"]}


def _of(team_id: str, scope: str, subject: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (audit.c.team_id == team_id, audit.c.scope == scope, audit.c.subject == subject)


def _to_entry(row: sa.Row[Any]) -> AuditEntry:
    return AuditEntry(
        id=row.id,
        at=to_datetime(row.at_ms),
        user_id=row.user_id,
        action=row.action,
        scope=row.scope,
        subject=row.subject,
        before=row.before,
        after=row.after,
        undoes=row.undoes,
    )
