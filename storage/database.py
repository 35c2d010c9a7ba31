"""The way in: one object that opens a database and holds its queries."""

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Concatenate, Literal, ParamSpec, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from storage.apps import Apps
from storage.audit import Audit
from storage.conversations import Conversations
from storage.errors import StorageError, storage_errors
from storage.installations import Installations
from storage.memories import Memories
from storage.postgres import PERCENT_ENCODE, PostgresDatabase, check_address
from storage.secrets_at_rest import Secrets
from storage.settings import Settings
from storage.signals import Signals
from storage.sqlite import SqliteDatabase, database_file
from storage.threads import Threads
from storage.turns import Turns
from storage.usage import UsageBook
from storage.vault import Vault

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT_S = 10.0
"""For one transaction, the wait for a connection included."""


_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
"""What a URL may begin with, and what it means: providers hand out the names without a driver."""


def parse_url(url: str) -> sa.URL:
    """Return a database URL in SQLAlchemy's form.

    Raises:
        StorageError: It is no URL, of a database that is not supported, or holds what cannot be
            meant. The text says what, without the URL: that may hold a password.
    """
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError:
        raise StorageError("not a database URL") from None
    except ValueError:
        raise StorageError(f"the port is no number; {PERCENT_ENCODE}") from None
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise StorageError("must begin with sqlite+aiosqlite:// or postgresql+asyncpg://")
    parsed = parsed.set(drivername=driver)
    if parsed.get_backend_name() == "sqlite":
        database_file(parsed)
    else:
        check_address(parsed)
    return parsed


def new_worker_id() -> str:
    """Return an id no other process has: host, process and a random part."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


class Storage:
    """A database, opened with `async with`; the tables must be there (`storage.schema`).

    Args:
        url: `sqlite+aiosqlite:///path` or `postgresql+asyncpg://…`; see `parse_url`.
        worker: The id under which this process takes turns; made up when None.
        exclusive: Whether a SQLite file is opened for running the bot, which only one process may.
        keys: For secrets, as `storage.vault` takes them; without one none can be kept or read.

    Attributes:
        dialect: `sqlite` or `postgresql`.
        url: The parsed URL.
        worker: The id under which this process takes turns.
        signals: Whom to tell about work, in this process.
        turns: The inbox.
        conversations: Threads and their sessions.
        threads: How the bot stands to threads.
        usage: What was used, by day.
        settings: What admins set.
        apps: The named DashScope apps.
        audit: Who changed settings and apps.
        secrets: Secrets at rest.
        memories: Which long-term memory is whose.
        installations: The bot in further workspaces.

    Raises:
        StorageError: From the constructor: the URL will not do.
        ValueError: From the constructor: a key is too short.
        DatabaseBusy: On opening: another process runs on the SQLite file.
        StorageUnavailable: On opening: the SQLite file cannot be used. PostgreSQL is first
            contacted with the first statement.
    """

    def __init__(
        self,
        url: str,
        *,
        worker: str | None = None,
        exclusive: bool = True,
        keys: Sequence[str] = (),
    ) -> None:
        self.url = parse_url(url)
        self.worker = worker or new_worker_id()
        self.signals = Signals()
        self.dialect: Literal["sqlite", "postgresql"]
        if self.url.get_backend_name() == "sqlite":
            self.dialect = "sqlite"
            self._database = SqliteDatabase(self.url, exclusive=exclusive)
        else:
            self.dialect = "postgresql"
            self._database = PostgresDatabase(self.url)
        self.turns = Turns(self)
        self.conversations = Conversations(self)
        self.threads = Threads(self)
        self.usage = UsageBook(self)
        self.settings = Settings(self)
        self.apps = Apps(self)
        self.audit = Audit(self)
        self.secrets = Secrets(self, Vault(keys))
        self.memories = Memories(self)
        self.installations = Installations(self, self.secrets)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        with storage_errors():
            await self._stack.enter_async_context(self._database)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def run(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `fn(conn, …)` returned, once it is committed in one write transaction.

        Cancelled, or out of time, it may still be committed.

        Raises:
            StorageError: In its most specific form; other errors of `fn` come through unchanged.
        """
        with storage_errors():
            async with asyncio.timeout(TIMEOUT_S):
                return await self._database.run(fn, *args, **kwargs)

    async def read(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `fn(conn, …)` read.

        Raises:
            StorageError: In its most specific form.
        """
        with storage_errors():
            async with asyncio.timeout(TIMEOUT_S):
                return await self._database.read(fn, *args, **kwargs)

    async def ping(self, timeout_s: float) -> None:
        """Return if the database answers.

        Raises:
            StorageUnavailable: It does not, or not in time.
        """
        with storage_errors():
            async with asyncio.timeout(timeout_s):
                await self.read(_answer)


def _answer(conn: sa.Connection) -> None:
    conn.execute(sa.select(sa.literal(1)))
