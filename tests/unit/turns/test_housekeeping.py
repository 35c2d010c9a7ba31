"""Forgetting what is old enough."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from bot.turns.housekeeping import BATCH, Housekeeping
from storage import schema
from storage.clock import now_ms
from storage.database import Storage
from storage.lease import Lease
from storage.records import NewTurn, SessionUse, TurnStatus
from storage.tables import conversation, quiet_thread, secret, turn, usage

DAY_MS = 86_400_000


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    await schema.upgrade(url)
    async with Storage(url) as storage:
        yield storage


def nothing(*_args: object) -> None:
    """Do nothing."""


async def answered(storage: Storage, count: int) -> None:
    for number in range(count):
        ts = f"{number + 1}.0"
        await storage.turns.claim(NewTurn("T1", "C1", ts, ts, "U1", {"text": "hello"}))
    done = 0
    async with Lease(storage, wake=nothing, stop=nothing, lost=nothing):
        while turns := await storage.turns.take(limit=32):
            for taken in turns:
                await storage.turns.finish(
                    taken,
                    status=TurnStatus.DONE,
                    session=SessionUse(app_key="a", session_id="s"),
                    outcome="answered",
                )
            done += len(turns)
    assert done == count


def aged(conn: sa.Connection, days: int) -> None:
    age_ms = days * DAY_MS
    conn.execute(sa.update(turn).values(finished_at_ms=turn.c.finished_at_ms - age_ms))
    used_at_ms = conversation.c.last_used_at_ms
    conn.execute(sa.update(conversation).values(last_used_at_ms=used_at_ms - age_ms))


def rows(conn: sa.Connection) -> tuple[int, int]:
    counts = (conn.scalar(sa.select(sa.func.count()).select_from(t)) for t in (turn, conversation))
    turns, conversations = (count or 0 for count in counts)
    return turns, conversations


async def test_what_is_older_than_the_retention_goes_in_batches_and_the_rest_stays(
    storage: Storage,
) -> None:
    await answered(storage, BATCH + 3)
    await storage.run(aged, 31)
    await storage.turns.claim(NewTurn("T1", "C2", "1.0", "1.0", "U1", {"text": "hello"}))
    gone = await Housekeeping(storage, retention_days=30).prune()
    assert gone == 2 * (BATCH + 3)
    assert await storage.read(rows) == (1, 0)


async def test_what_is_young_stays(storage: Storage) -> None:
    await answered(storage, 2)
    await storage.run(aged, 29)
    assert await Housekeeping(storage, retention_days=30).prune() == 0
    assert await storage.read(rows) == (2, 2)


async def test_quiet_threads_go_like_turns_and_usage_after_four_hundred_days(
    storage: Storage,
) -> None:
    for number, days in enumerate((1, 31, 399, 401)):
        await storage.threads.quiet("T1", "C1", f"{number}.0", by="U1")
        await storage.usage.admit(
            number, team_id="T1", channel_id="C1", user_id="U1", app="default", limits=()
        )
        await storage.run(made_earlier, number, days=days)
    assert await Housekeeping(storage, retention_days=30).prune() == 3 + 1
    quiet = [await storage.threads.state("T1", "C1", f"{number}.0") for number in range(4)]
    assert [state.is_quiet for state in quiet] == [True, False, False, False]
    counted = await storage.read(lambda conn: conn.scalars(sa.select(usage.c.turn_id)).all())
    assert sorted(counted) == [0, 1, 2]


def made_earlier(conn: sa.Connection, number: int, *, days: int) -> None:
    age_ms = days * DAY_MS
    thread = sa.update(quiet_thread).where(quiet_thread.c.thread_key == f"T1:C1:{number}.0")
    conn.execute(thread.values(quiet_at_ms=quiet_thread.c.quiet_at_ms - age_ms))
    counted = sa.update(usage).where(usage.c.turn_id == number)
    conn.execute(counted.values(created_at_ms=usage.c.created_at_ms - age_ms))


async def test_secrets_nobody_names_go_after_thirty_days_whatever_the_retention(
    storage: Storage,
) -> None:
    for days in (29, 31):
        await storage.run(keep_secret, days=days)
    assert await Housekeeping(storage, retention_days=400).prune() == 1
    left = await storage.read(lambda conn: conn.scalars(sa.select(secret.c.name)).all())
    assert left == ["29 days"]


def keep_secret(conn: sa.Connection, *, days: int) -> None:
    kept = sa.insert(secret).values(team_id="T1", name=f"{days} days", box="")
    conn.execute(kept.values(updated_at_ms=now_ms() - days * DAY_MS))


async def test_a_database_that_is_away_does_not_end_the_pruning(tmp_path: Path) -> None:
    with capture_logs() as lines:
        async with (
            Storage(f"sqlite+aiosqlite:///{tmp_path}/without-tables.db") as empty,
            Housekeeping(empty, retention_days=30) as housekeeping,
        ):
            async with asyncio.timeout(60):
                while not lines:
                    await asyncio.sleep(0.01)
            assert not housekeeping._task.done()
    assert [line["event"] for line in lines] == ["storage.not_pruned"]


async def test_it_prunes_by_itself_as_long_as_it_is_open(storage: Storage) -> None:
    await answered(storage, 2)
    await storage.run(aged, 31)
    async with Housekeeping(storage, retention_days=30), asyncio.timeout(60):
        while await storage.read(rows) != (0, 0):
            await asyncio.sleep(0.01)
