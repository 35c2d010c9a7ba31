"""PostgreSQL: a pool for statements, and a way to open the one connection that listens."""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

P = ParamSpec("P")
T = TypeVar("T")

POOL_SIZE = 10
COMMAND_TIMEOUT_S = 5.0
_CONNECT_ARGS: dict[str, Any] = {
    "timeout": COMMAND_TIMEOUT_S,
    "command_timeout": COMMAND_TIMEOUT_S,
    "server_settings": {
        "application_name": "dashscope-slack",
        # A process frozen inside a transaction would keep its rows locked for ever.
        "idle_in_transaction_session_timeout": "10s",
    },
}


def single_engine(url: sa.URL) -> AsyncEngine:
    """Return an engine that opens a connection for each use and keeps none."""
    return create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        connect_args=_CONNECT_ARGS,
        poolclass=NullPool,
        hide_parameters=True,
    )


def _pool_engine(url: sa.URL) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername="postgresql+asyncpg"),
        connect_args=_CONNECT_ARGS,
        pool_size=POOL_SIZE,
        max_overflow=0,
        pool_timeout=COMMAND_TIMEOUT_S,
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: Any, _record: object, _proxy: object) -> None:
    # asyncpg notices a server that went away; asking it costs no round trip, unlike a ping.
    if connection.driver_connection.is_closed():
        raise exc.DisconnectionError


class PostgresDatabase:
    """A PostgreSQL database as `storage.database` uses it; connections open when first needed."""

    dialect = "postgresql"

    def __init__(self, url: sa.URL) -> None:
        self._engine = _pool_engine(url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._engine.dispose()

    async def run(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `fn` returned, once it is committed."""
        async with self._engine.begin() as conn:
            return await conn.run_sync(fn, *args, **kwargs)

    async def read(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `fn` read."""
        async with self._engine.connect() as conn:
            return await conn.run_sync(fn, *args, **kwargs)
