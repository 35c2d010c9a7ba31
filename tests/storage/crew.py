"""What several workers are tried with: processes, ears, patience."""

import asyncio
import contextlib
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import inbox
from storage.database import Storage
from storage.errors import LeaseLost
from storage.lease import Lease
from storage.postgres import single_engine
from storage.records import Turn
from storage.tables import turn as turns_table
from storage.tables import worker as workers_table

PATIENCE_S = 60.0
"""What takes longer hangs, on however slow a machine."""
POLL_S = 0.01


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


async def first_said_after(worker: Process, *, moment: float) -> str:
    """Return the first thing a process says that it looked at after a moment.

    Args:
        worker: A process of `worker_process`.
        moment: On `boot_clock`, which is one for all processes.
    """
    while True:
        word, _, began_at = (await line_of(worker)).partition(" ")
        if float(began_at) > moment:
            return word


async def next_turn(storage: Storage, ears: Ears) -> Turn:
    """Wait for wake-ups until there is a turn to take."""
    async with asyncio.timeout(PATIENCE_S):
        while not (turns := await storage.turns.take(limit=1)):
            await ears.wakes.get()
    return turns[0]


@asynccontextmanager
async def no_heartbeat(storage: Storage, worker_id: str) -> AsyncGenerator[None, None]:
    """Keep a worker from renewing its lease: somebody else has its row locked."""
    async with connected(storage) as conn:
        row = sa.select(workers_table).where(workers_table.c.id == worker_id)
        await conn.execute(row.with_for_update())
        yield


@asynccontextmanager
async def connected(storage: Storage) -> AsyncGenerator[AsyncConnection, None]:
    """Open a connection of its own; what is not committed is undone."""
    engine = single_engine(storage.url)
    async with engine.connect() as conn:
        yield conn
    await engine.dispose()


def may_go_on(lease: Lease) -> bool:
    try:
        lease.guard()
    except LeaseLost:
        return False
    return True


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(POLL_S)


async def until_somebody_waits(storage: Storage) -> None:
    waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with asyncio.timeout(PATIENCE_S):
        while not await storage.read(lambda conn: conn.execute(waiting).scalar_one()):
            await asyncio.sleep(POLL_S)


async def beats(storage: Storage, *, more_s: float) -> None:
    """Wait until a worker has renewed its lease by so much."""
    goal_ms = await storage.read(lease_until_ms, storage.worker) + more_s * 1000
    async with asyncio.timeout(PATIENCE_S):
        while await storage.read(lease_until_ms, storage.worker) < goal_ms:
            await asyncio.sleep(POLL_S)


async def look_around(lease: Lease) -> None:
    """Let a worker look now for others that died, however rarely its heart beats."""
    heartbeat = lease._heartbeat
    assert heartbeat is not None
    assert heartbeat._listener is not None
    await heartbeat._reap(heartbeat._listener)


def worker_ids(conn: sa.Connection) -> set[str]:
    return set(conn.scalars(sa.select(workers_table.c.id)))


def declare_all_dead(conn: sa.Connection) -> int:
    conn.execute(sa.delete(workers_table))
    return inbox.requeue_unowned(conn)


def lease_until_ms(conn: sa.Connection, worker_id: str) -> int:
    until = sa.select(workers_table.c.lease_until_ms)
    return conn.execute(until.where(workers_table.c.id == worker_id)).scalar_one()


def cut_off(conn: sa.Connection, worker_id: str) -> None:
    """End the connection that holds a worker's advisory lock."""
    lock_no = sa.select(workers_table.c.lock_no).where(workers_table.c.id == worker_id)
    cut_off_lock(conn, conn.execute(lock_no).scalar_one())


def cut_off_lock(conn: sa.Connection, lock_no: int) -> None:
    """End the connection that holds an advisory lock."""
    holder = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        " AND (classid::bigint << 32 | objid::bigint) = :lock_no"
    )
    assert conn.execute(holder, {"lock_no": lock_no}).scalar_one() is True


def start_earlier(conn: sa.Connection, *, seconds: int) -> None:
    earlier = turns_table.c.started_at_ms - seconds * 1000
    conn.execute(sa.update(turns_table).values(started_at_ms=earlier))
