"""The schema's history, on both databases."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import schema
from storage.database import Storage
from storage.errors import DatabaseBehind, DatabaseBusy, StorageError, StorageUnavailable
from storage.tables import conversation, metadata, turn
from tests.postgres import TempPostgres
from tests.storage.conftest import create_database, drop_database, numbers, sqlite_url

Definitions = dict[str, str]

FIRST_RELEASE_WRITES = (
    sa.text("""
        INSERT INTO turn (event_key, thread_key, order_key, team_id, channel_id, thread_ts,
            message_ts, user_id, status, available_at_ms, created_at_ms)
        VALUES (:key, :key, 1, 'T1', 'C1', '1.0', '1.0', 'U1', 'queued', 1, 1)
    """),
    sa.text("""
        INSERT INTO conversation (thread_key, app_key, session_id, rounds, last_used_at_ms)
        VALUES (:key, 'A', 's', 1, 1)
    """),
)


@pytest.fixture
async def empty_postgres_database(postgres: TempPostgres) -> AsyncIterator[str]:
    name = f"empty_{next(numbers)}"
    await create_database(postgres, name, template="template0")
    yield postgres.url(name)
    await drop_database(postgres, name)


@pytest.fixture
def empty_sqlite_database(tmp_path: Path) -> str:
    return sqlite_url(tmp_path / "new folder" / "100%" / "bot.db")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest) -> str:
    name = request.param if request.param == "sqlite" else "postgres"
    return str(request.getfixturevalue(f"empty_{name}_database"))


async def test_migrations_lead_up_down_and_up_again(empty_url: str) -> None:
    await schema.upgrade(empty_url)
    assert await schema.current(empty_url) == schema.head()
    await schema.downgrade(empty_url, "base")
    assert await schema.current(empty_url) is None
    assert await tables_of(empty_url) <= {"alembic_version", "sqlite_sequence"}
    await schema.upgrade(empty_url)
    assert await schema.current(empty_url) == schema.head()


async def test_what_a_former_release_wrote_and_writes_stays_through_every_migration(
    empty_url: str,
) -> None:
    """While replicas are replaced one by one, both releases write to the new tables."""
    await schema.upgrade(empty_url, "0001")
    await as_the_first_release_writes(empty_url, "before")
    await schema.upgrade(empty_url)
    await as_the_first_release_writes(empty_url, "beside")
    assert await schema.drift(empty_url) == []
    await schema.downgrade(empty_url, "0001")
    async with Storage(empty_url) as storage:
        found = await storage.read(
            lambda conn: [
                sorted(conn.scalars(sa.select(table.c.thread_key)))
                for table in (turn, conversation)
            ]
        )
    assert found == [["before", "beside"]] * 2


async def as_the_first_release_writes(url: str, key: str) -> None:
    async with Storage(url) as storage:
        for statement in FIRST_RELEASE_WRITES:
            await storage.run(sa.Connection.execute, statement, {"key": key})


async def test_upgrading_an_upgraded_database_changes_nothing(url: str) -> None:
    await schema.upgrade(url)
    assert await schema.current(url) == schema.head()


async def test_migrations_make_what_the_tables_declare(url: str) -> None:
    assert await schema.drift(url) == []


async def test_drift_is_noticed(url: str) -> None:
    async with Storage(url) as storage:
        await storage.run(lambda conn: conn.exec_driver_sql("DROP INDEX ix_turn_finished") and None)
    assert len(await schema.drift(url)) == 1


async def test_indexes_have_the_declared_conditions_to_the_letter(empty_url: str) -> None:
    """Alembic's comparison does not look at the conditions of partial indexes."""
    await schema.upgrade(empty_url)
    async with Storage(empty_url) as storage:
        migrated = await storage.read(definitions)
    await schema.downgrade(empty_url, "base")
    async with Storage(empty_url) as storage:
        await storage.run(metadata.create_all)
        declared = await storage.read(definitions)
    assert migrated == declared
    assert "WHERE" in migrated["uq_turn_one_running"]


async def test_an_empty_database_is_behind(empty_url: str) -> None:
    await schema.upgrade(empty_url)
    await schema.check_current(empty_url)
    await schema.downgrade(empty_url, "base")
    with pytest.raises(DatabaseBehind) as caught:
        await schema.check_current(empty_url)
    assert (caught.value.current, caught.value.head) == (None, schema.head())


async def test_a_database_of_a_later_release_is_not_behind(url: str) -> None:
    async with Storage(url) as storage:
        await storage.run(
            lambda conn: (
                conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'")) and None
            )
        )
    await schema.check_current(url)
    with pytest.raises(StorageError, match="9999"):
        await schema.upgrade(url)


async def test_an_unknown_revision_is_refused(empty_url: str) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        await schema.upgrade(empty_url, "nowhere")


async def test_two_processes_may_upgrade_one_postgresql_at_once(
    empty_postgres_database: str,
) -> None:
    code = "import asyncio, sys, storage.schema as s; asyncio.run(s.upgrade(sys.argv[1]))"
    upgraders = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", code, empty_postgres_database)
        for _ in range(3)
    ]
    assert [await upgrader.wait() for upgrader in upgraders] == [0, 0, 0]
    assert await schema.current(empty_postgres_database) == schema.head()


async def test_a_migration_that_fails_leaves_nothing_behind(empty_url: str) -> None:
    await schema.upgrade(empty_url)
    await schema.downgrade(empty_url, "base")
    async with Storage(empty_url) as storage:
        # The last thing the first migration makes is there already.
        await storage.run(lambda conn: conn.exec_driver_sql("CREATE TABLE worker (x INT)") and None)
    with pytest.raises(StorageError):
        await schema.upgrade(empty_url)
    assert await schema.current(empty_url) is None
    assert "turn" not in await tables_of(empty_url)


async def test_a_sqlite_file_in_use_is_not_migrated(sqlite_database: str) -> None:
    async with Storage(sqlite_database):
        with pytest.raises(DatabaseBusy):
            await schema.upgrade(sqlite_database)
        assert await schema.current(sqlite_database) == schema.head()


async def test_a_database_that_is_not_there_is_unavailable(postgres: TempPostgres) -> None:
    with pytest.raises(StorageUnavailable):
        await schema.upgrade(postgres.url("no_such_database"))


@pytest.mark.parametrize(
    "bad", ["", "mysql://host/db", "sqlite+aiosqlite://", "sqlite:///:memory:"]
)
async def test_an_address_that_cannot_serve_is_refused(bad: str) -> None:
    with pytest.raises(StorageError):
        await schema.upgrade(bad)


async def tables_of(url: str) -> set[str]:
    async with Storage(url) as storage:
        return await storage.read(lambda conn: set(sa.inspect(conn).get_table_names()))


def definitions(conn: sa.Connection) -> Definitions:
    """Return the SQL of every index, by name."""
    statement = (
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
        if conn.dialect.name == "postgresql"
        else "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type = 'index'"
    )
    rows = conn.execute(sa.text(statement)).all()
    return {name: sql for name, sql in rows if not name.startswith("alembic")}
