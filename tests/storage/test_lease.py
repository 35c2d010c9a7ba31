"""Who may run turns, and who takes over."""

import asyncio
import contextlib
import dataclasses
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa

from storage import inbox, schema, workers
from storage.clock import now_ms
from storage.database import Storage
from storage.errors import DatabaseBusy, LeaseLost, StorageUnavailable
from storage.lease import Lease
from storage.postgres import single_engine
from storage.records import Turn, TurnStatus
from storage.tables import turn as turns_table
from storage.tables import worker as workers_table
from tests.postgres import TempPostgres
from tests.storage.sample import claimed, lease_of, new_turn, taken

PATIENCE_S = 20.0
POLL_S = 0.01
QUICK = {"lease_s": 5.0, "beat_s": 0.2}


class Ears:
    """Remembers what a lease said."""

    def __init__(self) -> None:
        self.wakes: asyncio.Queue[None] = asyncio.Queue()
        self.stops: asyncio.Queue[int] = asyncio.Queue()
        self.losses: asyncio.Queue[None] = asyncio.Queue()

    def lease(self, storage: Storage, *, lease_s: float = 5.0, beat_s: float = 0.2) -> Lease:
        return Lease(
            storage,
            wake=lambda: self.wakes.put_nowait(None),
            stop=self.stops.put_nowait,
            lost=lambda: self.losses.put_nowait(None),
            lease_s=lease_s,
            beat_s=beat_s,
        )

    def forget(self) -> None:
        for queue in (self.wakes, self.stops, self.losses):
            while not queue.empty():
                queue.get_nowait()


@pytest.fixture
async def pair(postgres_database: str) -> AsyncIterator[tuple[Storage, Storage]]:
    """Two processes' worth of storage on one database."""
    async with Storage(postgres_database) as one, Storage(postgres_database) as other:
        yield one, other


async def test_two_workers_never_take_the_same_turn(pair: tuple[Storage, Storage]) -> None:
    for number in range(200):
        thread_ts = f"{number % 120}.0"
        await claimed(pair[0], new_turn(message_ts=f"17.{number:06}", thread_ts=thread_ts))
    order: list[Turn] = []

    async def work(storage: Storage) -> int:
        count = 0
        while (await storage.turns.counts()).queued:
            turns = await storage.turns.take(limit=7)
            order.extend(turns)
            count += len(turns)
            for turn in turns:
                await storage.turns.finish(turn, status=TurnStatus.DONE, session=None, outcome="x")
        return count

    async with lease_of(pair[0]), lease_of(pair[1]), asyncio.timeout(PATIENCE_S):
        shares = await asyncio.gather(work(pair[0]), work(pair[1]))
    assert sum(shares) == 200
    assert min(shares) > 0
    assert len({turn.id for turn in order}) == 200
    for thread in {turn.thread_ts for turn in order}:
        of_thread = [turn.message_ts for turn in order if turn.thread_ts == thread]
        assert of_thread == sorted(of_thread)


async def test_a_killed_workers_turn_runs_elsewhere_within_three_seconds(
    postgres_database: str,
) -> None:
    ears = Ears()
    async with Storage(postgres_database) as storage:
        turn_id = await claimed(storage)
        async with (
            process(postgres_database, lease_s=10.0, beat_s=2.0) as victim,
            ears.lease(storage, lease_s=10.0, beat_s=2.0),
        ):
            victim.kill()
            killed_at = time.monotonic()
            turn = await next_turn(storage, ears)
            took_s = time.monotonic() - killed_at
    assert (turn.id, turn.crashes, turn.attempts) == (turn_id, 1, 2)
    assert took_s < 3


async def test_a_frozen_worker_may_show_nothing_after_it_was_taken_over(
    postgres_database: str,
) -> None:
    ears = Ears()
    async with Storage(postgres_database) as storage:
        turn_id = await claimed(storage)
        async with (
            process(postgres_database, lease_s=1.5, beat_s=0.2) as victim,
            ears.lease(storage),
        ):
            victim.send_signal(signal.SIGSTOP)
            turn = await next_turn(storage, ears)
            last_line = await unread_lines(victim)
            victim.send_signal(signal.SIGCONT)
            # One answer may have been decided before the freeze.
            answers = [await line_of(victim) for _ in range(3)]
    assert (turn.id, turn.crashes) == (turn_id, 1)
    assert last_line[-1] == "ok"
    assert "lost" in answers[:2]


async def test_the_guard_closes_while_the_lease_still_keeps_others_away(
    pair: tuple[Storage, Storage],
) -> None:
    async with lease_of(pair[0], lease_s=3.0, beat_s=0.2) as lease:
        lease.guard()
        async with no_heartbeat(pair[1], pair[0].worker):
            await until(lambda: not may_go_on(lease))
            left_ms = await pair[1].read(lease_left_ms, pair[0].worker)
        assert left_ms > 500
        await until(lambda: may_go_on(lease))


async def test_a_worker_declared_dead_is_told_and_goes_on_with_a_new_lease(
    pair: tuple[Storage, Storage],
) -> None:
    ears = Ears()
    await claimed(pair[0])
    async with ears.lease(pair[0]) as lease, asyncio.timeout(PATIENCE_S):
        stale = await taken(pair[0])
        assert await pair[1].run(declare_all_dead) == 1
        await ears.losses.get()
        with pytest.raises(LeaseLost):
            await pair[0].turns.posting(stale)
        lease.guard()
        assert (await taken(pair[0])).crashes == 1


async def test_nothing_is_taken_without_a_lease(pair: tuple[Storage, Storage]) -> None:
    await claimed(pair[0])
    async with lease_of(pair[1]):
        assert await pair[0].turns.take(limit=9) == []
        assert len(await pair[1].turns.take(limit=9)) == 1


async def test_a_claim_and_a_finish_wake_the_other_workers(pair: tuple[Storage, Storage]) -> None:
    ears = Ears()
    async with lease_of(pair[0]), ears.lease(pair[1], beat_s=60), asyncio.timeout(PATIENCE_S):
        ears.forget()
        await claimed(pair[0], new_turn(message_ts="1.0"))
        await ears.wakes.get()
        await claimed(pair[0], new_turn(message_ts="2.0"))
        running = await taken(pair[0])
        await ears.wakes.get()
        ears.forget()
        await pair[0].turns.finish(running, status=TurnStatus.DONE, session=None, outcome="x")
        await ears.wakes.get()
        assert (await taken(pair[1])).message_ts == "2.0"


async def test_a_stop_asked_of_one_process_reaches_the_worker_that_runs_the_turn(
    pair: tuple[Storage, Storage],
) -> None:
    ears = Ears()
    turn_id = await claimed(pair[0])
    async with ears.lease(pair[1], beat_s=60), asyncio.timeout(PATIENCE_S):
        await taken(pair[1])
        assert await pair[0].turns.request_stop(turn_id=turn_id, by="U2") is TurnStatus.RUNNING
        assert await ears.stops.get() == turn_id


async def test_a_stop_whose_notice_was_missed_is_heard_with_the_next_beat(
    pair: tuple[Storage, Storage],
) -> None:
    ears = Ears()
    turn_id = await claimed(pair[0])
    async with ears.lease(pair[1]), asyncio.timeout(PATIENCE_S):
        await taken(pair[1])
        silently = sa.update(turns_table).values(stop_requested_by="U2")
        await pair[0].run(lambda conn: conn.execute(silently))
        assert await ears.stops.get() == turn_id


async def test_live_workers_are_counted(pair: tuple[Storage, Storage]) -> None:
    async with lease_of(pair[0], beat_s=0.1) as lease:
        await until(lambda: lease.live_workers == 1)
        async with lease_of(pair[1], beat_s=0.1):
            await until(lambda: lease.live_workers == 2)
        await until(lambda: lease.live_workers == 1)


async def test_leaving_gives_turns_back_at_once_as_if_never_taken(
    pair: tuple[Storage, Storage],
) -> None:
    ears = Ears()
    await claimed(pair[0])
    async with ears.lease(pair[1], beat_s=60):
        async with lease_of(pair[0]):
            await taken(pair[0])
        again = await next_turn(pair[1], ears)
    assert (again.attempts, again.crashes) == (1, 0)


async def test_a_worker_that_loses_its_connection_for_a_moment_keeps_its_turns(
    pair: tuple[Storage, Storage],
) -> None:
    ears = Ears()
    await claimed(pair[0])
    async with ears.lease(pair[0], beat_s=1.0), lease_of(pair[1], beat_s=0.5):
        running = await taken(pair[0])
        async with asyncio.timeout(PATIENCE_S):
            ears.forget()
            await pair[1].run(cut_off, pair[0].worker)
            await ears.wakes.get()  # it is back
            await beats(pair[1], more_s=1.0)  # the other worker looked around
        await pair[0].turns.posting(running)
        assert ears.losses.empty()


async def test_a_suspect_that_gives_a_sign_of_life_is_left_alone(
    pair: tuple[Storage, Storage],
) -> None:
    one = workers.Identity(worker_id="one", lock_no=1, lease_ms=10_000)
    two = workers.Identity(worker_id="two", lock_no=2, lease_ms=10_000)
    for identity in (one, two):
        await pair[0].run(workers.beat, identity)
    engine = single_engine(pair[0].url)
    async with engine.connect() as holder:
        assert await holder.run_sync(workers.try_lock, 2)
        found = await pair[0].run(workers.suspects, "me")
        assert [suspect.worker_id for suspect in found] == ["one"]
        longer = dataclasses.replace(one, lease_ms=20_000)
        await pair[0].run(workers.beat, longer)
        await pair[0].run(workers.reap_suspects, found)
        assert await pair[0].read(worker_ids) == {"one", "two"}
        await pair[0].run(workers.reap_suspects, await pair[0].run(workers.suspects, "me"))
        assert await pair[0].read(worker_ids) == {"two"}
    await engine.dispose()


async def test_after_a_restart_of_the_database_workers_hear_again_and_keep_their_turns() -> None:
    ears = Ears()
    with TempPostgres() as server:
        url = server.url("postgres")
        await schema.upgrade(url)
        async with Storage(url) as one, Storage(url) as other:
            await claimed(one)
            async with ears.lease(one) as lease, lease_of(other, **QUICK):
                running = await taken(one)
                await asyncio.to_thread(server.stop)
                with pytest.raises(StorageUnavailable):
                    await other.turns.claim(new_turn(message_ts="2.0"))
                ears.forget()
                await asyncio.to_thread(server.start)
                async with asyncio.timeout(PATIENCE_S):
                    await ears.wakes.get()
                    ears.forget()
                    await other.turns.claim(new_turn(message_ts="3.0"))
                    await ears.wakes.get()
                lease.guard()
                await one.turns.posting(running)
                assert ears.losses.empty()


async def test_closing_without_a_database_ends_quietly() -> None:
    with TempPostgres() as server:
        url = server.url("postgres")
        await schema.upgrade(url)
        async with Storage(url) as storage, lease_of(storage):
            await asyncio.to_thread(server.stop)


async def test_opening_without_a_database_fails_at_once(postgres: TempPostgres) -> None:
    url = postgres.url("no_such_database")
    async with Storage(url) as storage:
        with pytest.raises(StorageUnavailable):
            await lease_of(storage).__aenter__()


async def test_turns_nobody_runs_any_more_are_given_back(storage: Storage) -> None:
    for number in range(3):
        await claimed(storage, new_turn(message_ts=f"{number}.0", thread_ts=f"{number}.0"))
    async with lease_of(storage, lease_s=10.0) as lease:
        turns = await storage.turns.take(limit=3)
        assert await lease.orphans([]) == 0, "just taken"
        await storage.run(start_earlier, seconds=11)
        assert await lease.orphans({turn.id: turn for turn in turns}.keys()) == 0
        assert await lease.orphans([turns[0].id, turns[2].id]) == 1
        again = await taken(storage)
    assert (again.id, again.crashes) == (turns[1].id, 0)


async def test_the_guard_is_closed_outside_the_lease(storage: Storage) -> None:
    lease = lease_of(storage)
    with pytest.raises(LeaseLost):
        lease.guard()
    async with lease:
        lease.guard()
    with pytest.raises(LeaseLost):
        lease.guard()


async def test_a_lease_wakes_its_process_once_it_is_held(storage: Storage) -> None:
    ears = Ears()
    async with ears.lease(storage) as lease:
        assert ears.wakes.qsize() >= 1
        assert lease.live_workers == 1
        ears.forget()
        await claimed(storage)
        assert ears.wakes.qsize() >= 1


async def test_what_a_dead_process_ran_on_sqlite_is_taken_up_at_the_next_start(
    sqlite_database: str,
) -> None:
    async with Storage(sqlite_database) as storage:
        turn_id = await claimed(storage)
    async with process(sqlite_database, lease_s=10.0, beat_s=2.0) as victim:
        victim.kill()
        await victim.wait()
    async with Storage(sqlite_database) as storage, lease_of(storage):
        turn = await taken(storage)
    assert (turn.id, turn.crashes, turn.attempts) == (turn_id, 1, 2)


async def test_a_second_process_cannot_run_on_a_sqlite_file(sqlite_database: str) -> None:
    async with process(sqlite_database, lease_s=10.0, beat_s=2.0):
        with pytest.raises(DatabaseBusy, match="PostgreSQL"):
            await Storage(sqlite_database).__aenter__()
        async with Storage(sqlite_database, exclusive=False) as storage:
            assert (await storage.turns.counts()).running == 0
    async with Storage(sqlite_database):
        pass


@asynccontextmanager
async def process(url: str, *, lease_s: float, beat_s: float) -> AsyncGenerator[Process, None]:
    """Start a worker and wait until it has taken what it could."""
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.storage.worker_process", url, str(lease_s), str(beat_s)),
        stdout=PIPE,
    )
    try:
        assert (await line_of(worker)).startswith("took ")
        yield worker
    finally:
        with contextlib.suppress(ProcessLookupError):
            worker.kill()
        assert worker.stdout is not None
        await worker.stdout.read()
        await worker.wait()


async def line_of(worker: Process) -> str:
    assert worker.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        return (await worker.stdout.readline()).decode().strip()


async def unread_lines(worker: Process) -> list[str]:
    """Return what a frozen process had said."""
    lines: list[str] = []
    with contextlib.suppress(TimeoutError):
        assert worker.stdout is not None
        while True:
            async with asyncio.timeout(0.2):
                lines.append((await worker.stdout.readline()).decode().strip())
    return lines


async def next_turn(storage: Storage, ears: Ears) -> Turn:
    """Wait for wake-ups until there is a turn to take."""
    async with asyncio.timeout(PATIENCE_S):
        while not (turns := await storage.turns.take(limit=1)):
            await ears.wakes.get()
    return turns[0]


@asynccontextmanager
async def no_heartbeat(storage: Storage, worker_id: str) -> AsyncGenerator[None, None]:
    """Keep a worker from renewing its lease: somebody else has its row locked."""
    engine = single_engine(storage.url)
    try:
        async with engine.begin() as conn:
            row = sa.select(workers_table).where(workers_table.c.id == worker_id)
            await conn.execute(row.with_for_update())
            yield
    finally:
        await engine.dispose()


def may_go_on(lease: Lease) -> bool:
    try:
        lease.guard()
    except LeaseLost:
        return False
    return True


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(int(PATIENCE_S / POLL_S)):
        if holds():
            return
        await asyncio.sleep(POLL_S)
    pytest.fail("it never came to hold")


async def beats(storage: Storage, *, more_s: float) -> None:
    """Wait until a worker has renewed its lease by so much."""
    goal_ms = await storage.read(lease_until_ms, storage.worker) + more_s * 1000
    for _ in range(int(PATIENCE_S / POLL_S)):
        if await storage.read(lease_until_ms, storage.worker) >= goal_ms:
            return
        await asyncio.sleep(POLL_S)
    pytest.fail("no heartbeat")


def worker_ids(conn: sa.Connection) -> set[str]:
    return set(conn.scalars(sa.select(workers_table.c.id)))


def declare_all_dead(conn: sa.Connection) -> int:
    conn.execute(sa.delete(workers_table))
    return inbox.requeue_unowned(conn)


def lease_until_ms(conn: sa.Connection, worker_id: str) -> int:
    until = sa.select(workers_table.c.lease_until_ms)
    return conn.execute(until.where(workers_table.c.id == worker_id)).scalar_one()


def lease_left_ms(conn: sa.Connection, worker_id: str) -> int:
    left = sa.select(workers_table.c.lease_until_ms - now_ms())
    return conn.execute(left.where(workers_table.c.id == worker_id)).scalar_one()


def cut_off(conn: sa.Connection, worker_id: str) -> None:
    """End the connection that holds a worker's advisory lock."""
    lock_no = conn.execute(
        sa.select(workers_table.c.lock_no).where(workers_table.c.id == worker_id)
    ).scalar_one()
    holder = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        " AND (classid::bigint << 32 | objid::bigint) = :lock_no"
    )
    assert conn.execute(holder, {"lock_no": lock_no}).scalar_one() is True


def start_earlier(conn: sa.Connection, *, seconds: int) -> None:
    earlier = turns_table.c.started_at_ms - seconds * 1000
    conn.execute(sa.update(turns_table).values(started_at_ms=earlier))
