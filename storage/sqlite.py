"""SQLite: one process, one writer thread, a few readers.

Synchronous FULL keeps every acknowledged write through a power loss; in WAL mode NORMAL does not
(SQLite, "PRAGMA synchronous"). Only the writer checkpoints: SQLite before 3.51.3 can damage a file
when two connections write and checkpoint at the same moment.
"""

import asyncio
import contextlib
import fcntl
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage.errors import DatabaseBusy, StorageError
from storage.writer import Writer

P = ParamSpec("P")
T = TypeVar("T")

BUSY_TIMEOUT_S = 5.0
READERS = 4

_SHARED_PRAGMAS = ("foreign_keys=ON",)
_WRITER_PRAGMAS = (
    *_SHARED_PRAGMAS,
    "journal_mode=WAL",
    "synchronous=FULL",
    # Erased message text is overwritten in the file, not just unlinked.
    "secure_delete=ON",
)
_READER_PRAGMAS = (*_SHARED_PRAGMAS, "query_only=ON", "wal_autocheckpoint=0")


def database_file(url: sa.URL) -> Path:
    """Return the file a SQLite URL names.

    Raises:
        StorageError: It names none; turns must outlive the process.
    """
    if not url.database or url.database == ":memory:":
        raise StorageError("a SQLite URL must name a file, such as sqlite+aiosqlite:///data/bot.db")
    return Path(url.database)


def make_private(database: Path) -> None:
    """Make a database's file and folder, for their owner alone, where there are none.

    What is there stays as it is. SQLite gives its write-ahead log and shared memory the rights of
    the file (SQLite, "os_unix.c", findCreateFileMode).

    Raises:
        OSError: One of them cannot be made.
    """
    database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def unwritable_place(url: sa.URL) -> Path | None:
    """Return what of a database's folder and files this process may not write to; None if it may.

    The nearest folder there is, is tried with a file that has no name; nothing is left behind. None
    for a database that is no file.

    Raises:
        StorageError: The URL names no file.
    """
    if url.get_backend_name() != "sqlite":
        return None
    database = database_file(url)
    try:
        folder = next(folder for folder in database.absolute().parents if folder.exists())
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        return database.parent
    files = [*_files(database), _lock_file(database)]
    return next((file for file in files if file.exists() and not _may_write(file)), None)


def exposed_file(url: sa.URL) -> Path | None:
    """Return the database's file if anybody but its owner can read what is in it, as rights go.

    A folder that lets nobody else in protects what is inside; those further up are not looked at.
    None for a file that is not there, and for a database that is none.

    Raises:
        StorageError: The URL names no file.
    """
    if url.get_backend_name() != "sqlite":
        return None
    database = database_file(url)
    with contextlib.suppress(OSError):
        way_in = database.parent.stat().st_mode
        files = [part for part in _files(database) if part.exists()]
        if any(_is_readable(part.stat().st_mode, way_in) for part in files):
            return database
    return None


def _files(database: Path) -> list[Path]:
    """Return the database's file and those that SQLite makes beside it."""
    return [database.with_name(f"{database.name}{end}") for end in ("", "-wal", "-shm")]


def _lock_file(database: Path) -> Path:
    return database.with_name(f"{database.name}.lock")


def _may_write(file: Path) -> bool:
    return os.access(file, os.W_OK, effective_ids=True)


def _is_readable(mode: int, way_in: int) -> bool:
    by_group = mode & stat.S_IRGRP and way_in & stat.S_IXGRP
    return bool(by_group or (mode & stat.S_IROTH and way_in & stat.S_IXOTH))


class FileLock:
    """The right of one process to run on a SQLite file; freed by the system if the process dies."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock, and make the database's file and folder where there are none.

        Raises:
            DatabaseBusy: Another process has it.
            OSError: They cannot be made, or the lock's file cannot be opened.
        """
        make_private(self._database)
        descriptor = os.open(_lock_file(self._database), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise DatabaseBusy(str(self._database)) from None
        self._descriptor = descriptor

    def release(self) -> None:
        """Free the lock; the file stays, because removing it would let two processes have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def writer_engine(url: sa.URL) -> sa.Engine:
    """Return an engine of one connection whose transactions take the write lock at once.

    A transaction that starts reading and then wants to write can fail without waiting, so all of
    them begin as writers (SQLite, "BEGIN IMMEDIATE").
    """
    engine = sa.create_engine(
        url.set(drivername="sqlite+pysqlite"),
        # None keeps the driver from opening transactions by itself.
        connect_args={
            "isolation_level": None,
            "timeout": BUSY_TIMEOUT_S,
            "check_same_thread": False,
        },
        pool_size=1,
        max_overflow=0,
        hide_parameters=True,
    )
    _on_connect(engine, _WRITER_PRAGMAS)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _reader_engine(url: sa.URL) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername="sqlite+aiosqlite"),
        connect_args={"timeout": BUSY_TIMEOUT_S},
        pool_size=READERS,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT_S,
        hide_parameters=True,
    )
    _on_connect(engine.sync_engine, _READER_PRAGMAS)
    return engine


def _begin_immediate(conn: sa.Connection) -> None:
    conn.exec_driver_sql("BEGIN IMMEDIATE")


def _on_connect(engine: sa.Engine, pragmas: tuple[str, ...]) -> None:
    def configure(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine, "connect", configure)


class SqliteDatabase:
    """A SQLite file as `storage.database` uses it: `async with` opens it.

    Raises:
        DatabaseBusy: On opening, when it is wanted exclusively and another process runs on it.
    """

    dialect = "sqlite"

    def __init__(self, url: sa.URL, *, exclusive: bool) -> None:
        self._url = url
        self._exclusive = exclusive
        self._stack = AsyncExitStack()
        self._readers = _reader_engine(url)
        self._writer = Writer(writer_engine(url))

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            if self._exclusive:
                lock = FileLock(database_file(self._url))
                await asyncio.to_thread(lock.acquire)
                stack.callback(lock.release)
            self._writer.start()
            stack.push_async_callback(self._writer.aclose)
            # Readers close first: the last connection tidies the write-ahead log away.
            stack.push_async_callback(self._readers.dispose)
            await self._writer.run(_touch)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    async def run(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `fn` returned, once it is committed."""
        return await self._writer.run(fn, *args, **kwargs)

    async def read(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `fn` read; it cannot write."""
        async with self._readers.connect() as conn:
            return await conn.run_sync(fn, *args, **kwargs)


def _touch(conn: sa.Connection) -> None:
    """Open the connection, so that a file that cannot be written fails at the start."""
    conn.exec_driver_sql("SELECT 1")
