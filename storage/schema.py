"""The schema's history: bring a database up to date, take it back, tell where it stands.

Migrations block, so they run in a thread of their own; on SQLite the file must not be in use, on
PostgreSQL they may run while the bot does. Alembic keeps its state in globals: within one process,
one call at a time.
"""

import asyncio
from collections.abc import Callable
from importlib.resources import files
from typing import TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from storage.database import parse_url
from storage.errors import DatabaseBehind, StorageError, storage_errors
from storage.postgres import single_engine
from storage.sqlite import FileLock, database_file, writer_engine
from storage.tables import metadata

T = TypeVar("T")


def head() -> str:
    """Return the revision this release was written for, as its files say: reads them."""
    (revision,) = ScriptDirectory.from_config(_config()).get_heads()
    return revision


async def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database up to a revision; one that does not exist is made on SQLite.

    Raises:
        DatabaseBusy: The bot runs on the SQLite file.
        StorageUnavailable: The database cannot be used.
        StorageError: The revision is unknown, or a migration was refused; it left nothing behind.
    """
    await _migrate(url, lambda config: command.upgrade(config, revision))


async def downgrade(url: str, revision: str) -> None:
    """Take a database back to a revision, `base` for an empty one; what is newer is lost.

    Raises:
        DatabaseBusy: The bot runs on the SQLite file.
        StorageUnavailable: The database cannot be used.
        StorageError: The revision is unknown, or a migration was refused; it left nothing behind.
    """
    await _migrate(url, lambda config: command.downgrade(config, revision))


async def current(url: str) -> str | None:
    """Return the revision of a database; None for an empty one, and for a SQLite file not yet made.

    Raises:
        StorageUnavailable: The database cannot be used.
    """
    return await asyncio.to_thread(_current_blocking, parse_url(url))


async def check_current(url: str) -> None:
    """Return if a database has all this release needs.

    A revision this release does not know is newer: migrations leave room for the release before
    them, so that replicas can be replaced one by one.

    Raises:
        DatabaseBehind: `upgrade` is needed.
        StorageUnavailable: The database cannot be used.
    """
    found = await current(url)
    await asyncio.to_thread(_compare, found)


async def drift(url: str) -> list[str]:
    """Return how a database differs from the tables this release declares; empty if not at all."""
    return await asyncio.to_thread(_inspect, url, _drift)


def _compare(found: str | None) -> None:
    history = ScriptDirectory.from_config(_config())
    known = {script.revision for script in history.walk_revisions()}
    if found is None or (found in known and found != head()):
        raise DatabaseBehind(current=found, head=head())


def _config() -> Config:
    config = Config()
    # The value is interpolated, hence the doubled percent signs.
    config.set_main_option("script_location", str(files("migrations")).replace("%", "%%"))
    return config


async def _migrate(url: str, step: Callable[[Config], None]) -> None:
    await asyncio.to_thread(_migrate_blocking, parse_url(url), step)


def _migrate_blocking(url: sa.URL, step: Callable[[Config], None]) -> None:
    lock = FileLock(database_file(url)) if url.get_backend_name() == "sqlite" else None
    with storage_errors():
        try:
            if lock is not None:
                lock.acquire()
            _on_connection(url, lambda conn: step(_config_for(conn)))
        except CommandError as error:
            raise StorageError(str(error)) from error
        finally:
            if lock is not None:
                lock.release()


def _config_for(conn: sa.Connection) -> Config:
    config = _config()
    config.attributes["connection"] = conn
    return config


def _current_blocking(url: sa.URL) -> str | None:
    with storage_errors():
        if url.get_backend_name() == "sqlite" and not database_file(url).exists():
            return None  # opening it would make it, or fail for want of its folder
        return _on_connection(url, _current)


def _inspect(url: str, question: Callable[[sa.Connection], T]) -> T:
    with storage_errors():
        return _on_connection(parse_url(url), question)


def _on_connection(url: sa.URL, work: Callable[[sa.Connection], T]) -> T:
    """Run blocking work on a connection of its own; what it leaves uncommitted is undone."""
    if url.get_backend_name() == "postgresql":
        return asyncio.run(_on_postgresql(url, work))
    engine = writer_engine(url)
    try:
        with engine.connect() as conn:
            return work(conn)
    finally:
        engine.dispose()


async def _on_postgresql(url: sa.URL, work: Callable[[sa.Connection], T]) -> T:
    engine = single_engine(url)
    try:
        async with engine.connect() as conn:
            return await conn.run_sync(work)
    finally:
        await engine.dispose()


def _current(conn: sa.Connection) -> str | None:
    return MigrationContext.configure(conn).get_current_revision()


def _drift(conn: sa.Connection) -> list[str]:
    return [str(difference) for difference in compare_metadata(_comparing(conn), metadata)]


def _comparing(conn: sa.Connection) -> MigrationContext:
    return MigrationContext.configure(conn, opts={"compare_server_default": True})
