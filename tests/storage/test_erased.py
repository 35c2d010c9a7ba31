"""Text that was erased is gone from the disk too."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event

from storage.sqlite import writer_engine
from storage.writer import Writer

SECRET = b"the question nobody should find"
WITHIN_S = 60.0


def on_disk(path: Path) -> bool:
    files = [path, path.with_name(path.name + "-wal")]
    return any(SECRET in file.read_bytes() for file in files if file.exists())


def write(conn: sa.Connection) -> None:
    conn.exec_driver_sql("CREATE TABLE t (text TEXT)")
    conn.exec_driver_sql("INSERT INTO t VALUES (?)", (SECRET.decode(),))


def erase(conn: sa.Connection) -> None:
    conn.exec_driver_sql("UPDATE t SET text = NULL")


async def test_the_write_ahead_log_forgets_erased_text_once_the_writer_is_at_rest(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bot.db"
    writer = Writer(writer_engine(sa.make_url(f"sqlite+aiosqlite:///{path}")), tidy_after_s=0.05)
    writer.start()
    await writer.run(write)
    assert on_disk(path)
    await writer.run(erase)
    async with asyncio.timeout(WITHIN_S):
        while on_disk(path):
            await asyncio.sleep(0.01)
    await writer.aclose()


async def test_a_writer_that_closes_leaves_no_erased_text_while_others_have_the_file_open(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bot.db"
    writer = Writer(writer_engine(sa.make_url(f"sqlite+aiosqlite:///{path}")))
    writer.start()
    await writer.run(write)
    with closing(sqlite3.connect(path)) as another:
        another.execute("SELECT text FROM t").fetchall()
        await writer.run(erase)
        await writer.aclose()
        assert not on_disk(path)


def wait_for_nobody(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA busy_timeout=0")


async def test_text_a_reader_still_held_is_forgotten_once_the_reader_has_gone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bot.db"
    engine = writer_engine(sa.make_url(f"sqlite+aiosqlite:///{path}"))
    event.listen(engine, "connect", wait_for_nobody)
    writer = Writer(engine, tidy_after_s=0.02)
    writer.start()
    await writer.run(write)
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT text FROM t").fetchone() == (SECRET.decode(),)
        await writer.run(erase)
        for _ in range(5):  # each is a try of the writer's to tidy up
            await asyncio.sleep(0.02)
        assert on_disk(path)
    async with asyncio.timeout(WITHIN_S):
        while on_disk(path):
            await asyncio.sleep(0.01)
    await writer.aclose()
