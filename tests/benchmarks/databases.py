"""Migrated databases to measure on, one for each measurement."""

import itertools
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from storage import schema
from tests.postgres import TempPostgres

SAFE = ("fsync=on", "synchronous_commit=on", "full_page_writes=on")
"""As in production; tests switch these off."""


@dataclass
class Databases:
    """Makes fresh ones.

    Attributes:
        folder: For SQLite's files.
        server: A PostgreSQL.
    """

    folder: Path
    server: TempPostgres
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def new(self, kind: str) -> str:
        """Return the URL of a new one, `SQLite` or `PostgreSQL`."""
        name = f"bench_{next(self._numbers)}"
        if kind == "SQLite":
            url = f"sqlite+aiosqlite:///{self.folder}/{name}.db"
        else:
            await self._execute(f'CREATE DATABASE "{name}"')
            url = self.server.url(name)
        await schema.upgrade(url)
        return url

    async def transactions(self, url: str) -> int:
        """Return how many transactions a PostgreSQL database has seen."""
        query = (
            "SELECT xact_commit + xact_rollback AS seen FROM pg_stat_database WHERE datname = $1"
        )
        connection = await asyncpg.connect(self.server.dsn("postgres"))
        try:
            return int(await connection.fetchval(query, url.rpartition("/")[2]))
        finally:
            await connection.close()

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.server.dsn("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@asynccontextmanager
async def databases() -> AsyncGenerator[Databases]:
    """Start a PostgreSQL that keeps what it promises; everything is gone afterwards."""
    with TemporaryDirectory(prefix="bench-") as folder, TempPostgres(*SAFE) as server:
        yield Databases(Path(folder), server)
