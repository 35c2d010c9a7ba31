"""SQLite's writer, with tables and functions of the tests' own."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from blockbuster import blockbuster_ctx
from sqlalchemy import event

from storage import schema
from storage.database import Storage
from storage.errors import StorageConflict, StorageError, StorageUnavailable
from storage.records import TurnStatus
from storage.sqlite import SqliteDatabase
from storage.writer import MAX_BATCH
from tests.storage.conftest import sqlite_url
from tests.storage.sample import lease_of, new_turn

PATIENCE_S = 60.0


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    async with Storage(sqlite_url(tmp_path / "bot.db")) as opened:
        await opened.run(create)
        yield opened


def create(conn: sa.Connection) -> None:
    conn.exec_driver_sql("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")
    conn.exec_driver_sql(
        "CREATE TABLE remark (note_id INTEGER REFERENCES note DEFERRABLE INITIALLY DEFERRED)"
    )


def note(conn: sa.Connection, number: int, size: int = 1) -> int:
    conn.exec_driver_sql("INSERT INTO note VALUES (?, ?)", (number, "x" * size))
    return number


def note_and_fail(conn: sa.Connection, number: int) -> None:
    note(conn, number)
    raise LookupError(number)


def break_commit(conn: sa.Connection) -> None:
    """Do what only the commit refuses."""
    conn.exec_driver_sql("INSERT INTO remark VALUES (-1)")


def notes(conn: sa.Connection) -> list[int]:
    return [row[0] for row in conn.exec_driver_sql("SELECT id FROM note ORDER BY id")]


@asynccontextmanager
async def one_batch(storage: Storage) -> AsyncGenerator[None, None]:
    """Hold the writer while jobs are handed in, so that they all share the next commit."""
    busy, go_on = threading.Event(), threading.Event()

    def hold(_conn: sa.Connection) -> None:
        busy.set()
        go_on.wait(PATIENCE_S)

    async with asyncio.TaskGroup() as group:
        group.create_task(storage.run(hold))
        await asyncio.to_thread(busy.wait, PATIENCE_S)
        try:
            yield
            await asyncio.sleep(0)  # the jobs' tasks get to hand their jobs in
        finally:
            go_on.set()


async def outcomes(storage: Storage, *jobs: Awaitable[Any]) -> list[Any]:
    """Return what jobs of one batch returned or raised."""
    async with one_batch(storage):
        tasks = [asyncio.ensure_future(job) for job in jobs]
    return await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def counted_commits(storage: Storage) -> Generator[list[None], None, None]:
    assert isinstance(storage._database, SqliteDatabase)
    engine = storage._database._writer._engine
    commits: list[None] = []

    def count(_conn: sa.Connection) -> None:
        commits.append(None)

    event.listen(engine, "commit", count)
    yield commits
    event.remove(engine, "commit", count)


async def test_what_arrives_during_a_commit_shares_the_next_one(storage: Storage) -> None:
    with counted_commits(storage) as commits:
        results = await outcomes(storage, *(storage.run(note, number) for number in range(20)))
    assert results == list(range(20))
    assert len(commits) == 2, "the one that held the writer, and the batch"


async def test_a_crowd_is_carried_out_in_batches_of_bounded_size(storage: Storage) -> None:
    crowd = [storage.run(note, number) for number in range(2 * MAX_BATCH + 1)]
    with counted_commits(storage) as commits:
        results = await outcomes(storage, *crowd)
    assert results == list(range(2 * MAX_BATCH + 1))
    assert len(commits) == 4


async def test_a_job_that_fails_undoes_its_own_work_only(storage: Storage) -> None:
    first, second, third = await outcomes(
        storage, storage.run(note, 1), storage.run(note_and_fail, 2), storage.run(note, 3)
    )
    assert (first, third) == (1, 3)
    assert isinstance(second, LookupError)
    assert await storage.read(notes) == [1, 3]


async def test_a_commit_that_fails_fails_every_job_of_its_batch(storage: Storage) -> None:
    results = await outcomes(
        storage, storage.run(note, 1), storage.run(break_commit), storage.run(note_and_fail, 2)
    )
    assert [type(result) for result in results] == [StorageConflict] * 3
    assert await storage.read(notes) == []
    assert await storage.run(note, 4) == 4, "the writer goes on"


async def test_a_full_disk_tells_each_job_the_truth_and_the_writer_goes_on(
    storage: Storage,
) -> None:
    await storage.run(limit_pages, extra=20)
    results = await outcomes(
        storage,
        storage.run(note, 1),
        storage.run(note, 2, 10_000_000),
        storage.run(note, 3),
    )
    assert isinstance(results[1], StorageUnavailable)
    stored = await storage.read(notes)
    assert stored == [result for result in results if isinstance(result, int)]
    await storage.run(limit_pages, extra=1_000_000)
    assert await storage.run(note, 4) == 4


async def test_a_job_given_up_before_it_began_is_not_carried_out(storage: Storage) -> None:
    async with one_batch(storage):
        given_up = asyncio.ensure_future(storage.run(note, 1))
        kept = asyncio.ensure_future(storage.run(note, 2))
        await asyncio.sleep(0)
        given_up.cancel()
    assert await kept == 2
    assert given_up.cancelled()
    assert await storage.read(notes) == [2]


async def test_a_claim_that_takes_too_long_fails_and_may_be_made_again(
    sqlite_database: str,
) -> None:
    async with Storage(sqlite_database) as storage:
        async with one_batch(storage):
            with pytest.raises(StorageUnavailable):
                await storage.turns.claim(new_turn())
        assert await storage.turns.claim(new_turn()) is not None


async def test_sqlite_never_blocks_the_event_loop(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "bot.db")
    await schema.upgrade(url)  # imports and caches what is needed once
    storage = Storage(url)
    with blockbuster_ctx():
        await schema.check_current(url)
        async with storage, lease_of(storage):
            assert await storage.turns.claim(new_turn()) is not None
            assert (await storage.turns.counts()).queued == 1
            (turn,) = await storage.turns.take(limit=1)
            await storage.turns.finish(turn, status=TurnStatus.DONE, session=None, outcome="x")


async def test_closing_carries_out_what_was_handed_in(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "closing.db")
    async with Storage(url) as storage:
        await storage.run(create)
        jobs = [asyncio.ensure_future(storage.run(note, number)) for number in range(5)]
        await asyncio.sleep(0)
    assert await asyncio.gather(*jobs) == list(range(5))
    with pytest.raises(StorageUnavailable):
        await storage.run(note, 9)
    async with Storage(url) as again:
        assert await again.read(notes) == list(range(5))


async def test_a_reader_cannot_write(storage: Storage) -> None:
    with pytest.raises(StorageError):
        await storage.read(note, 1)


async def test_acknowledged_writes_survive_a_power_loss_by_these_settings(storage: Storage) -> None:
    pragmas = ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "busy_timeout")

    def read(conn: sa.Connection) -> dict[str, Any]:
        return {name: conn.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in pragmas}

    full, on = 2, 1
    assert await storage.run(read) == {
        "journal_mode": "wal",
        "synchronous": full,
        "secure_delete": on,
        "foreign_keys": on,
        "busy_timeout": 5000,
    }


async def test_a_file_that_is_no_database_fails_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "bot.db"
    path.write_text("no database at all, but long enough to be looked at as one" * 10)
    with pytest.raises(StorageUnavailable):
        await Storage(sqlite_url(path)).__aenter__()


def limit_pages(conn: sa.Connection, *, extra: int) -> None:
    used = conn.exec_driver_sql("PRAGMA page_count").scalar_one()
    conn.exec_driver_sql(f"PRAGMA max_page_count = {used + extra}")
