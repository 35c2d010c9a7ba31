"""Both databases: a migrated one for each test, copied from one made once."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from storage import schema
from storage.database import Storage
from tests.postgres import TempPostgres

TEMPLATE = "migrated"
numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[TempPostgres]:
    with TempPostgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: TempPostgres) -> str:
    async def make() -> None:
        await create_database(postgres, TEMPLATE, template="template0")
        await schema.upgrade(postgres.url(TEMPLATE))

    asyncio.run(make())
    return TEMPLATE


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "bot.db"
    asyncio.run(schema.upgrade(sqlite_url(path)))
    return path


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "bot.db"
    shutil.copy(sqlite_template, path)
    return sqlite_url(path)


@pytest.fixture
async def postgres_database(postgres: TempPostgres, postgres_template: str) -> AsyncIterator[str]:
    name = f"test_{next(numbers)}"
    await create_database(postgres, name, template=postgres_template)
    yield postgres.url(name)
    await drop_database(postgres, name)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    name = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    return str(request.getfixturevalue(name))


@pytest.fixture
async def storage(url: str) -> AsyncIterator[Storage]:
    async with Storage(url) as opened:
        yield opened


@pytest.fixture
async def pair(postgres_database: str) -> AsyncIterator[tuple[Storage, Storage]]:
    """Two processes' worth of storage on one database."""
    async with Storage(postgres_database) as one, Storage(postgres_database) as other:
        yield one, other


def sqlite_url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


async def create_database(server: TempPostgres, name: str, *, template: str) -> None:
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    finally:
        await connection.close()


async def drop_database(server: TempPostgres, name: str) -> None:
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await connection.close()
