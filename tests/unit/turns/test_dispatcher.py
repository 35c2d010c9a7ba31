"""The dispatcher: the owner of every turn's task, on a real database."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from bot.errors import SlackUnavailable
from bot.metrics import Metrics
from bot.turns.dispatcher import Capacity, Dispatcher
from bot.turns.world import Grip
from storage import schema
from storage.database import Storage
from storage.records import NewTurn, Turn, TurnStatus
from storage.tables import is_queued
from storage.tables import turn as turns_table

WITHIN_S = 60.0
TAKEN_UP_WITHIN_S = 10.0


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    await schema.upgrade(url)
    async with Storage(url) as storage:
        yield storage


def a_message(ts: str, *, thread_ts: str | None = None) -> NewTurn:
    return NewTurn("T1", "C1", thread_ts or ts, ts, "U1", {"text": "hello", "files": 0})


class Work:
    """Runs turns by waiting until they are let go."""

    def __init__(self, storage: Storage, *, hold: bool = False) -> None:
        self.storage = storage
        self.started: list[int] = []
        self.ended: list[int] = []
        self.changed = asyncio.Event()
        self.gate = asyncio.Event()
        self.errors: list[Exception] = []
        if not hold:
            self.gate.set()

    async def run(self, turn: Turn, grip: Grip) -> None:
        self.started.append(turn.id)
        self.changed.set()
        if self.errors:
            raise self.errors.pop(0)
        stopping = asyncio.ensure_future(grip.called.wait())
        opening = asyncio.ensure_future(self.gate.wait())
        try:
            await asyncio.wait({stopping, opening}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            opening.cancel()
        await self.storage.turns.finish(
            turn, status=TurnStatus.DONE, session=None, outcome="answered"
        )
        self.ended.append(turn.id)
        self.changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def dispatching(
    storage: Storage,
    run: Callable[[Turn, Grip], Awaitable[None]],
    *,
    at_once: int = 8,
    grace_s: float = 5.0,
    waiting_seen: Callable[[], None] = lambda: None,
) -> AsyncGenerator[Dispatcher]:
    async with Dispatcher(
        storage,
        run=run,
        metrics=Metrics(),
        capacity=Capacity(at_once=at_once, grace_s=grace_s),
        waiting_seen=waiting_seen,
    ) as dispatcher:
        yield dispatcher


async def claim(storage: Storage, ts: str, *, thread_ts: str | None = None) -> int:
    turn_id = await storage.turns.claim(a_message(ts, thread_ts=thread_ts))
    assert turn_id is not None
    return turn_id


async def test_a_claimed_message_is_run_without_waiting_for_a_sweep(storage: Storage) -> None:
    work = Work(storage)
    async with dispatching(storage, work.run):
        turn_id = await claim(storage, "1.0")
        await work.until(lambda: work.ended == [turn_id])


async def test_what_was_claimed_before_the_start_is_run(storage: Storage) -> None:
    turn_id = await claim(storage, "1.0")
    work = Work(storage)
    async with dispatching(storage, work.run):
        await work.until(lambda: work.ended == [turn_id])


async def test_threads_run_beside_each_other_and_one_thread_in_order(storage: Storage) -> None:
    work = Work(storage, hold=True)
    async with dispatching(storage, work.run):
        first = await claim(storage, "1.0")
        second = await claim(storage, "2.0", thread_ts="1.0")
        other = await claim(storage, "3.0")
        await work.until(lambda: len(work.started) == 2)
        assert set(work.started) == {first, other}
        work.gate.set()
        await work.until(lambda: len(work.ended) == 3)
    assert work.started[-1] == second


async def test_no_more_turns_run_at_once_than_allowed(storage: Storage) -> None:
    work = Work(storage, hold=True)
    async with dispatching(storage, work.run, at_once=2) as dispatcher:
        for number in range(5):
            await claim(storage, f"{number + 1}.0")
        await work.until(lambda: len(work.started) == 2)
        assert len(dispatcher.running) == 2
        work.gate.set()
        await work.until(lambda: len(work.ended) == 5)


async def test_a_stop_reaches_the_running_turn(storage: Storage) -> None:
    work = Work(storage, hold=True)
    async with dispatching(storage, work.run):
        turn_id = await claim(storage, "1.0")
        await work.until(lambda: work.started == [turn_id])
        await storage.turns.request_stop(turn_id=turn_id, by="U1")
        await work.until(lambda: work.ended == [turn_id])


@pytest.mark.parametrize("error", [SlackUnavailable(method="m"), ValueError("a bug")])
async def test_a_turn_that_fails_is_put_back_and_run_again(
    storage: Storage, error: Exception
) -> None:
    work = Work(storage)
    work.errors = [error]
    async with dispatching(storage, work.run):
        turn_id = await claim(storage, "1.0")
        await work.until(lambda: work.ended == [turn_id])
    assert work.started == [turn_id, turn_id]


@pytest.mark.parametrize(
    ("attempts", "delay_s"), [(1, 1), (2, 5), (3, 20), (4, 60), (5, 180), (6, 180), (99, 180)]
)
async def test_each_time_slack_fails_a_turn_it_rests_longer_and_it_is_never_dropped_for_that(
    storage: Storage, attempts: int, delay_s: int
) -> None:
    work = Work(storage)
    work.errors = [SlackUnavailable(method="m")]
    await claim(storage, "1.0")
    before = sa.update(turns_table).values(attempts=attempts - 1)
    await storage.run(lambda conn: conn.execute(before))
    rests_ms = turns_table.c.available_at_ms - turns_table.c.started_at_ms
    resting = sa.select(rests_ms).where(is_queued(), turns_table.c.attempts == attempts)
    async with dispatching(storage, work.run), asyncio.timeout(WITHIN_S):
        await work.until(lambda: bool(work.started))
        while (found := await storage.read(lambda conn: conn.scalar(resting))) is None:
            await asyncio.sleep(0.005)
    assert delay_s <= found / 1000 < delay_s + TAKEN_UP_WITHIN_S


async def test_a_turn_nothing_runs_any_more_is_given_back_and_one_that_runs_is_not(
    storage: Storage,
) -> None:
    work = Work(storage, hold=True)
    async with dispatching(storage, work.run, at_once=1):
        running = await claim(storage, "1.0")
        await work.until(lambda: work.started == [running])
        orphan = await claim(storage, "2.0")
        assert await storage.turns.take(limit=1)  # by a take-up whose outcome nobody learned
        long_ago = sa.update(turns_table).values(started_at_ms=0)
        await storage.run(lambda conn: conn.execute(long_ago))
        status_of = sa.select(turns_table.c.id, turns_table.c.status)
        async with asyncio.timeout(WITHIN_S):
            while True:
                rows = await storage.read(lambda conn: conn.execute(status_of).all())
                status = {row.id: row.status for row in rows}
                if status[orphan] == TurnStatus.QUEUED:
                    break
                await asyncio.sleep(0.01)
        assert status[running] == TurnStatus.RUNNING
        work.gate.set()
        await work.until(lambda: len(work.ended) == 2)
    assert work.started == [running, orphan]


async def test_a_surprise_between_turns_is_told_and_the_next_turn_is_taken_up(
    storage: Storage,
) -> None:
    work = Work(storage, hold=True)

    def breaks() -> None:
        raise ZeroDivisionError

    with capture_logs() as lines:
        async with dispatching(storage, work.run, at_once=1, waiting_seen=breaks):
            first, second = await claim(storage, "1.0"), await claim(storage, "2.0")
            async with asyncio.timeout(WITHIN_S):
                while not any(line["event"] == "turns.not_taken" for line in lines):
                    await asyncio.sleep(0.01)
            work.gate.set()
            await work.until(lambda: work.ended == [first, second])
    (told, *_) = (line for line in lines if line["event"] == "turns.not_taken")
    assert told["log_level"] == "error"
    assert isinstance(told["exc_info"], ZeroDivisionError)


async def test_leaving_waits_for_running_turns_and_takes_no_further_ones(storage: Storage) -> None:
    work = Work(storage, hold=True)
    async with dispatching(storage, work.run):
        turn_id = await claim(storage, "1.0")
        await work.until(lambda: work.started == [turn_id])
        asyncio.get_running_loop().call_later(0.05, work.gate.set)
    assert work.ended == [turn_id]


async def test_what_does_not_finish_in_time_is_handed_back_as_if_never_taken(
    storage: Storage,
) -> None:
    work = Work(storage, hold=True)
    async with dispatching(storage, work.run, grace_s=0):
        turn_id = await claim(storage, "1.0")
        await work.until(lambda: work.started == [turn_id])
    counts = await storage.turns.counts()
    assert (counts.queued, counts.running) == (1, 0)
    seen: list[Turn] = []
    work.gate.set()

    async def run(turn: Turn, grip: Grip) -> None:
        seen.append(turn)
        await work.run(turn, grip)

    async with dispatching(storage, run):
        await work.until(lambda: work.ended == [turn_id])
    assert (seen[0].attempts, seen[0].crashes) == (1, 0)
