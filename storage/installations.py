"""The bot in further workspaces: who it is there, and its sealed token.

The workspace of `SLACK_BOT_TOKEN` is not among them. A token is written and deleted together with
its row, so neither is ever without the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from storage import secrets_at_rest
from storage.clock import instant_ms, now_ms, to_datetime
from storage.secrets_at_rest import BOT_TOKEN, Secrets
from storage.tables import installation, secret
from storage.upserts import insert_into

if TYPE_CHECKING:
    from storage.database import Storage


@dataclass(frozen=True, slots=True)
class NewInstallation:
    """The bot as a workspace just got it.

    Attributes:
        team_id: The workspace.
        team_name: Its name.
        url: Its address.
        bot_user_id: As the bot is mentioned there.
        bot_id: As an author.
        app_id: The app; None when Slack would not tell.
        scopes: What the token may do.
        installed_by: Who installed it.
        bot_token: Never logged, never shown, stored sealed only.
    """

    team_id: str
    team_name: str
    url: str
    bot_user_id: str
    bot_id: str
    app_id: str | None
    scopes: Sequence[str]
    installed_by: str
    bot_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class StoredInstallation(NewInstallation):
    """The bot in a workspace.

    Attributes:
        installed_at: When it was installed last.
    """

    installed_at: datetime


class Installations:
    """One row for each workspace. Every method raises `storage.errors.StorageError`."""

    def __init__(self, storage: "Storage", secrets: Secrets) -> None:
        self._storage = storage
        self._secrets = secrets

    async def save(self, new: NewInstallation) -> None:
        """Keep an installation, in place of the workspace's earlier one if there is one.

        Raises:
            SecretsLocked: No key is set, so no token can be kept.
        """
        box = self._secrets.seal(new.team_id, BOT_TOKEN, new.bot_token)
        await self._storage.run(_save, new, box=box)

    async def get(self, team_id: str) -> StoredInstallation | None:
        """Return a workspace's installation; None when there is none.

        Raises:
            SecretsLocked: No key is set.
            SecretUnreadable: No key opens its token.
        """
        row = await self._storage.read(_get, team_id)
        if row is None:
            return None
        return _to_installation(row, token=self._secrets.unseal(team_id, BOT_TOKEN, row.box))

    async def remove(self, team_id: str, *, until: datetime) -> bool:
        """Forget a workspace's installation and its token, unless it was made later.

        Slack may tell late that the bot was removed, and it may be back by then.

        Args:
            team_id: The workspace.
            until: An installation made after this instant stays.

        Returns:
            Whether there was one to forget.
        """
        return await self._storage.run(_remove, team_id, until_ms=instant_ms(until))


def _save(conn: sa.Connection, new: NewInstallation, *, box: str) -> None:
    written = {
        "team_name": new.team_name,
        "url": new.url,
        "bot_user_id": new.bot_user_id,
        "bot_id": new.bot_id,
        "app_id": new.app_id,
        "scopes": sorted(new.scopes),
        "installed_by": new.installed_by,
        "installed_at_ms": now_ms(),
    }
    insert = insert_into(conn, installation).values(team_id=new.team_id, **written)
    conn.execute(
        insert.on_conflict_do_update(index_elements=[installation.c.team_id], set_=written)
    )
    secrets_at_rest.write(conn, (new.team_id, BOT_TOKEN), box)


def _get(conn: sa.Connection, team_id: str) -> sa.Row[Any] | None:
    is_its_token = sa.and_(
        secret.c.team_id == installation.c.team_id,
        secret.c.name == BOT_TOKEN,
    )
    joined = installation.join(secret, is_its_token)
    statement = sa.select(installation, secret.c.box).select_from(joined)
    return conn.execute(statement.where(installation.c.team_id == team_id)).one_or_none()


def _remove(conn: sa.Connection, team_id: str, *, until_ms: int) -> bool:
    statement = sa.delete(installation).where(
        installation.c.team_id == team_id, installation.c.installed_at_ms <= until_ms
    )
    if conn.execute(statement).rowcount == 0:
        return False
    secrets_at_rest.delete(conn, team_id, [BOT_TOKEN])
    return True


def _to_installation(row: sa.Row[Any], *, token: str) -> StoredInstallation:
    return StoredInstallation(
        team_id=row.team_id,
        team_name=row.team_name,
        url=row.url,
        bot_user_id=row.bot_user_id,
        bot_id=row.bot_id,
        app_id=row.app_id,
        scopes=tuple(row.scopes),
        installed_by=row.installed_by,
        bot_token=token,
        installed_at=to_datetime(row.installed_at_ms),
    )
