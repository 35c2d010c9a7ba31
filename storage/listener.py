"""The one PostgreSQL connection of a worker that hears notices and holds its advisory lock.

Heartbeats go over it too: a connection that can renew the lease is one that can hear. It must lead
to the server itself or through a pooler in session mode.
"""

import asyncio
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from storage.errors import StorageUnavailable, storage_errors
from storage.notices import CHANNEL, Notice, parse
from storage.workers import try_lock

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def _driver_errors() -> Generator[None]:
    """Map what asyncpg itself raises: listening is asked of it, past SQLAlchemy.

    Raises:
        StorageUnavailable: The connection ended, or the server refused.
    """
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise StorageUnavailable(type(error).__name__) from error


class Listener:
    """A connection that listens; `async with` opens it, and it is never mended, only replaced.

    Args:
        engine: Opens the connection and stays the caller's.
        on_notice: Called on the event loop with each notice.
        timeout_s: For opening, and for each transaction.

    Attributes:
        lock_no: The advisory lock it holds, new with each connection: the server may notice later
            than this process that the former one has ended.
        ended: Set when the connection has ended.
    """

    def __init__(
        self, engine: AsyncEngine, *, on_notice: Callable[[Notice], None], timeout_s: float
    ) -> None:
        self._engine = engine
        self._on_notice = on_notice
        self._timeout_s = timeout_s
        self._conn: AsyncConnection | None = None
        self._driver: Any = None
        self.lock_no = secrets.randbits(62)
        self.ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        try:
            await self._open()
            await self._lock()
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()

    async def _open(self) -> None:
        with storage_errors(), _driver_errors():
            async with asyncio.timeout(self._timeout_s):
                self._conn = await self._engine.connect()
                self._driver = (await self._conn.get_raw_connection()).driver_connection
                self._driver.add_termination_listener(self._note_end)
                await self._driver.add_listener(CHANNEL, self._hear)

    async def _lock(self) -> None:
        if not await self.run(try_lock, self.lock_no):
            raise StorageUnavailable("another worker has the same advisory lock")

    async def aclose(self) -> None:
        """Drop the connection without waiting for a server that may not answer."""
        conn, self._conn = self._conn, None
        if conn is None:
            return
        if self._driver is not None:
            self._driver.terminate()
        if not conn.invalidated:
            await conn.invalidate()
        await conn.close()

    async def run(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `fn(conn, …)` returned, once it is committed.

        Raises:
            StorageError: In its most specific form; the listener is of no use any more.
        """
        if self._conn is None or self.ended.is_set():
            # SQLAlchemy would connect anew in silence, to a connection that hears nothing.
            raise StorageUnavailable("the listener's connection has ended")
        with storage_errors():
            async with asyncio.timeout(self._timeout_s), self._conn.begin():
                return await self._conn.run_sync(fn, *args, **kwargs)

    def _note_end(self, _connection: object) -> None:
        self.ended.set()

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: str) -> None:
        notice = parse(payload)
        if notice is not None:
            self._on_notice(notice)
