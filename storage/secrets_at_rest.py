"""Secrets at rest: sealed by the vault, readable only with the operator's keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage.clock import now_ms, to_ms
from storage.errors import SecretsLocked, SecretUnreadable
from storage.journal import undoable_secrets
from storage.tables import app_profile, secret
from storage.team_lock import Purpose, lock_team
from storage.upserts import insert_into
from storage.vault import Vault

if TYPE_CHECKING:
    from storage.database import Storage

BATCH = 100
"""Secrets sealed anew in one transaction: a matter of milliseconds."""

PERSONAL = "plugin/"
"""How the names of secrets begin that belong to a person: `plugin/`, the person, and what they open
with it. Nobody else names them, so only their owner makes them go."""

BOT_TOKEN = "slack/bot"  # noqa: S105 - a name
"""What the bot's token of a workspace is called; it goes with the installation."""

Place = tuple[str, str]
"""A workspace and a name: where a secret is, and what is sealed in with it."""


class Secrets:
    """The secrets of workspaces, by name; it is the caller who makes names up.

    A name that is used once, such as `app/` and something random, lets a change that replaces a
    secret be undone: the old one stays for a while beside the new one.

    Every method raises `storage.errors.StorageError` in its most specific form.
    """

    def __init__(self, storage: "Storage", vault: Vault) -> None:
        self._storage = storage
        self._vault = vault

    @property
    def is_open(self) -> bool:
        """Whether there is a key, without which no secret can be kept or read."""
        return self._vault.is_open

    async def put(self, team_id: str, name: str, text: str) -> None:
        """Keep a secret, in place of the one of that name if there is one.

        Raises:
            SecretsLocked: No key is set.
        """
        box = self.seal(team_id, name, text)
        await self._storage.run(write, (team_id, name), box)

    async def get(self, team_id: str, name: str) -> str | None:
        """Return a secret; None when there is none of that name.

        Raises:
            SecretsLocked: No key is set.
            SecretUnreadable: No key fits, or it was stored under another name.
        """
        if not self.is_open:
            raise SecretsLocked
        box = await self._storage.read(_get, (team_id, name))
        return None if box is None else self.unseal(team_id, name, box)

    async def get_all(self, team_id: str, names: Sequence[str]) -> Mapping[str, str | None]:
        """Return the secrets there are among some names, in one read.

        Returns:
            None for one that cannot be opened: no key fits, no key is set, or it was stored under
            another name.
        """
        boxes = await self._storage.read(_get_all, team_id, names)
        return {name: self._opened(box, owner=(team_id, name)) for name, box in boxes.items()}

    async def names(self, team_id: str, *, prefix: str) -> Sequence[str]:
        """Return the names that begin so, sorted; no key is needed for that."""
        return await self._storage.read(_names, team_id, prefix=prefix)

    async def remove(self, team_id: str, name: str) -> None:
        """Delete a secret, if there is one of that name."""
        await self._storage.run(delete, team_id, [name])

    def seal(self, team_id: str, name: str, text: str) -> str:
        """Return a secret as `write` keeps it, for a transaction that writes more than that.

        Raises:
            SecretsLocked: No key is set.
        """
        return self._vault.seal(text, owner=(team_id, name))

    def unseal(self, team_id: str, name: str, box: str) -> str:
        """Return what is in a box that was read from the place it was written to.

        Raises:
            SecretsLocked: No key is set.
            SecretUnreadable: No key fits, or it was stored under another name.
        """
        return self._vault.unseal(box, owner=(team_id, name))

    async def reencrypt(self) -> tuple[int, Sequence[Place]]:
        """Seal every secret anew with the first key.

        It goes in small transactions: ended anywhere, it can simply be run again. What no key
        opens stays as it is.

        Returns:
            How many are sealed with the first key now, and where those are that cannot be read.

        Raises:
            SecretsLocked: No key is set.
        """
        if not self.is_open:
            raise SecretsLocked
        done, unreadable = 0, list[Place]()
        batch = await self._storage.run(reseal, self._vault, after=None)
        while batch.last is not None:
            done += batch.done
            unreadable += batch.unreadable
            batch = await self._storage.run(reseal, self._vault, after=batch.last)
        return done, unreadable

    async def prune(self, *, older_than_s: float, limit: int) -> int:
        """Delete up to `limit` secrets that no app and no change that can be undone names.

        A person's own, and the bot's tokens, are left alone.

        Args:
            older_than_s: Secrets younger than this stay; so do those that undoing a change as
                young as this would bring back.
            limit: How many at most.

        Returns:
            How many were deleted.
        """
        return await self._storage.run(_prune, older_than_ms=to_ms(older_than_s), limit=limit)

    def _opened(self, box: str, *, owner: Place) -> str | None:
        try:
            return self._vault.unseal(box, owner=owner)
        except (SecretsLocked, SecretUnreadable):
            return None


@dataclass(frozen=True, slots=True)
class Batch:
    """Some secrets that were sealed anew.

    Attributes:
        done: How many.
        unreadable: Which were left as they were.
        last: Where the batch ended; None when there was nothing left.
    """

    done: int
    unreadable: Sequence[Place]
    last: Place | None


def exists(conn: sa.Connection, team_id: str, name: str) -> bool:
    """Return whether there is a secret of a name, readable or not."""
    return _get(conn, (team_id, name)) is not None


def reseal(conn: sa.Connection, vault: Vault, *, after: Place | None) -> Batch:
    """Seal the next secrets anew with the first key."""
    place = sa.tuple_(secret.c.team_id, secret.c.name)
    statement = sa.select(secret).order_by(secret.c.team_id, secret.c.name).limit(BATCH)
    if after is not None:
        statement = statement.where(place > after)
    rows = conn.execute(statement.with_for_update()).all()
    unreadable = [(row.team_id, row.name) for row in rows if not _reseal_one(conn, vault, row)]
    last = (rows[-1].team_id, rows[-1].name) if rows else None
    return Batch(done=len(rows) - len(unreadable), unreadable=unreadable, last=last)


def _reseal_one(conn: sa.Connection, vault: Vault, row: sa.Row[Any]) -> bool:
    owner = (row.team_id, row.name)
    try:
        box = vault.seal(vault.unseal(row.box, owner=owner), owner=owner)
    except SecretUnreadable:
        return False
    conn.execute(sa.update(secret).where(*_at(owner)).values(box=box))
    return True


def write(conn: sa.Connection, place: Place, box: str) -> None:
    """Keep a sealed secret, in place of the one of that name if there is one."""
    written = {"box": box, "updated_at_ms": now_ms()}
    team_id, name = place
    insert = insert_into(conn, secret).values(team_id=team_id, name=name, **written)
    key = [secret.c.team_id, secret.c.name]
    conn.execute(insert.on_conflict_do_update(index_elements=key, set_=written))


def _get(conn: sa.Connection, place: Place) -> str | None:
    return conn.scalar(sa.select(secret.c.box).where(*_at(place)))


def _get_all(conn: sa.Connection, team_id: str, names: Sequence[str]) -> dict[str, str]:
    statement = sa.select(secret.c.name, secret.c.box)
    statement = statement.where(secret.c.team_id == team_id, secret.c.name.in_(names))
    return {row.name: row.box for row in conn.execute(statement)}


def _names(conn: sa.Connection, team_id: str, *, prefix: str) -> list[str]:
    begins = secret.c.name.startswith(prefix, autoescape=True)
    found = conn.scalars(sa.select(secret.c.name).where(secret.c.team_id == team_id, begins))
    # Both databases order text by rules of their own, and one of them folds case in LIKE.
    return sorted(name for name in found if name.startswith(prefix))


def delete(conn: sa.Connection, team_id: str, names: Sequence[str]) -> int:
    """Delete the secrets there are among some names; return how many."""
    statement = sa.delete(secret).where(secret.c.team_id == team_id, secret.c.name.in_(names))
    return conn.execute(statement).rowcount


def _prune(conn: sa.Connection, *, older_than_ms: int, limit: int) -> int:
    found = conn.execute(_unnamed(older_than_ms).limit(limit)).all()
    gone = 0
    for team_id, rows in groupby(found, key=lambda row: row.team_id):
        # Nobody names one of them from here on, and what was named meanwhile is seen.
        lock_team(conn, team_id, purpose=Purpose.SETTINGS)
        kept = {
            *conn.scalars(_named(team_id)),
            *undoable_secrets(conn, team_id=team_id, within_ms=older_than_ms),
        }
        gone += delete(conn, team_id, [row.name for row in rows if row.name not in kept])
    return gone


def _unnamed(older_than_ms: int) -> sa.Select[str, str]:
    named = sa.exists().where(
        app_profile.c.team_id == secret.c.team_id, app_profile.c.secret_name == secret.c.name
    )
    return (
        sa.select(secret.c.team_id, secret.c.name)
        .where(
            secret.c.updated_at_ms < now_ms() - older_than_ms,
            ~secret.c.name.startswith(PERSONAL, autoescape=True),
            secret.c.name != BOT_TOKEN,
            ~named,
        )
        .order_by(secret.c.team_id, secret.c.name)
    )


def _named(team_id: str) -> sa.Select[str | None]:
    return sa.select(app_profile.c.secret_name).where(app_profile.c.team_id == team_id)


def _at(place: Place) -> tuple[sa.ColumnElement[bool], ...]:
    team_id, name = place
    return (secret.c.team_id == team_id, secret.c.name == name)
