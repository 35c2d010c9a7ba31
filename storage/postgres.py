"""PostgreSQL: a pool for statements, and a way to open the one connection that listens."""

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, Self, TypeVar
from urllib.parse import urlencode

import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from storage.errors import StorageError

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


_HOST = "host"
"""Read by SQLAlchemy: a socket's folder, or several hosts (its docs, "asyncpg")."""
_TLS = frozenset({"sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "sslpassword"})
"""Read by asyncpg as libpq means them, but only out of a DSN (its docs, "connect")."""
_WORDS = _TLS | {_HOST, "ssl", "target_session_attrs"}
PERCENT_ENCODE = "in a password, write `@` as `%40`, `:` as `%3A`, `/` as `%2F` and `%` as `%25`"


def check_address(url: sa.URL) -> None:
    """Return when a URL holds nothing that connecting would stumble over.

    Raises:
        StorageError: It does; the text says what, without a value.
    """
    if "@" in (url.host or ""):
        raise StorageError(f"the host has an `@` in it; {PERCENT_ENCODE}")
    if url.port is not None and not 0 < url.port < 2**16:
        raise StorageError("the port must be from 1 to 65535")
    if unknown := sorted(url.query.keys() - _WORDS):
        known = ", ".join(sorted(_WORDS))
        raise StorageError(f"leave {', '.join(unknown)} out: after the `?`, only {known} are known")


def single_engine(url: sa.URL) -> AsyncEngine:
    """Return an engine that opens a connection for each use and keeps none."""
    return _engine(url, poolclass=NullPool)


def _pool_engine(url: sa.URL) -> AsyncEngine:
    engine = _engine(url, pool_size=POOL_SIZE, max_overflow=0, pool_timeout=COMMAND_TIMEOUT_S)
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _engine(url: sa.URL, **pool: Any) -> AsyncEngine:
    words = dict(url.query)
    if "ssl" in words:  # asyncpg's own name for it
        words.setdefault("sslmode", words.pop("ssl"))
    host = {_HOST: words.pop(_HOST)} if _HOST in words else {}
    connect_args = _CONNECT_ARGS | ({"dsn": f"postgresql://?{urlencode(words)}"} if words else {})
    return create_async_engine(
        url.set(query=host), connect_args=connect_args, hide_parameters=True, **pool
    )


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
