"""A PostgreSQL worker's heartbeat: renews its lease, hears notices, takes over from the dead."""

import asyncio
import contextlib
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Self

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.clock import to_ms
from storage.errors import StorageError, StorageUnavailable
from storage.listener import Listener
from storage.postgres import single_engine
from storage.signals import Signals
from storage.workers import Identity, Pulse, beat, reap_expired, reap_suspects, suspects

GUARDED_SHARE = 0.45
"""Of the lease: after it nothing visible may begin. What began just before has the rest of the
lease to end: more than the longest call of Slack or of connecting to DashScope takes."""

LISTENER_TIMEOUT_S = 2.0
RECONNECT_PAUSE_S = 0.25
FIRST_TRIES = 4
"""Of the first connection: a database that hesitates for a moment is no reason not to begin."""

SECOND_LOOK = 0.25
"""Of a beat: how long a worker whose connection ended has to come back."""

_GRACE_BEATS = 2
"""After a reconnection every worker has at least so many beats to come back."""

log = structlog.stdlib.get_logger(__name__)


def boot_clock() -> float:
    """Return seconds on a clock that also counts while the machine sleeps, where there is one."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@dataclass(frozen=True, slots=True)
class Timing:
    """How a lease is kept.

    Attributes:
        lease_s: After how long without a heartbeat others may take over.
        beat_s: Between heartbeats; a small part of `lease_s`.
    """

    lease_s: float
    beat_s: float

    @property
    def grace_s(self) -> float:
        """Return how long after a reconnection nobody is suspected.

        A restarted database cut everybody off, and whoever is not back yet may go on showing its
        answers until its own guard stops it.
        """
        return max(_GRACE_BEATS * self.beat_s, GUARDED_SHARE * self.lease_s)


class Heartbeat:
    """Keeps a worker in the table, inside `async with`; failures after opening are retried.

    Attributes:
        good_until: On `boot_clock`; later, nothing visible may happen.
        pulse: What the last heartbeat found; alone and idle before the first.

    Raises:
        StorageError: On opening: the database cannot be used.
    """

    def __init__(self, url: sa.URL, *, worker_id: str, signals: Signals, timing: Timing) -> None:
        self._url = url
        self._worker_id = worker_id
        self._signals = signals
        self._timing = timing
        self._stack = AsyncExitStack()
        self._suspects_from = 0.0
        self._listener: Listener | None = None
        self._task: asyncio.Task[None] | None = None
        self.good_until = 0.0
        self.pulse = Pulse(renewed=False, stops=[], live_workers=1, turns={})

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            engine = single_engine(self._url)
            stack.push_async_callback(engine.dispose)
            self._listener = await self._first(engine)
            stack.push_async_callback(self._close_listener)
            self._task = asyncio.create_task(self._keep(engine), name="heartbeat")
            self._task.add_done_callback(_tell_failure)
            stack.push_async_callback(_end, self._task)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._stack.aclose()

    @property
    def is_beating(self) -> bool:
        """Whether the task that beats is alive, be the database there or not."""
        return self._task is not None and not self._task.done()

    async def _close_listener(self) -> None:
        if self._listener is not None:
            await self._listener.aclose()

    async def _keep(self, engine: AsyncEngine) -> None:
        """Beat until cancelled, over one connection after the other."""
        while self._listener is not None:
            try:
                await self._serve(self._listener)
            except StorageError as error:
                log.warning("listener.failed", worker=self._worker_id, error=str(error))
            await self._listener.aclose()
            self._listener = await self._reconnect(engine)

    async def _serve(self, listener: Listener) -> None:
        """Beat until the connection ends."""
        while not listener.ended.is_set():
            await self._reap(listener)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timing.beat_s):
                    await listener.ended.wait()
                return
            await self._beat(listener)

    async def _reconnect(self, engine: AsyncEngine) -> Listener:
        log.warning("listener.lost", worker=self._worker_id)
        while True:
            try:
                listener = await self._connect(engine)
                break
            except StorageError:
                await asyncio.sleep(RECONNECT_PAUSE_S)
        log.info("listener.restored", worker=self._worker_id)
        self._suspects_from = boot_clock() + self._timing.grace_s
        self._signals.wake()  # for the notices that were missed
        return listener

    async def _first(self, engine: AsyncEngine) -> Listener:
        for _ in range(FIRST_TRIES - 1):
            try:
                return await self._connect(engine)
            except StorageUnavailable as error:
                log.warning("listener.failed", worker=self._worker_id, error=str(error))
            await asyncio.sleep(RECONNECT_PAUSE_S)
        return await self._connect(engine)

    async def _connect(self, engine: AsyncEngine) -> Listener:
        listener = Listener(engine, on_notice=self._signals.pass_on, timeout_s=LISTENER_TIMEOUT_S)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(listener)
            await self._beat(listener)
            stack.pop_all()
        return listener

    async def _beat(self, listener: Listener) -> None:
        began_at = boot_clock()
        identity = Identity(
            worker_id=self._worker_id,
            lock_no=listener.lock_no,
            lease_ms=to_ms(self._timing.lease_s),
        )
        pulse = await listener.run(beat, identity)
        self.good_until = began_at + GUARDED_SHARE * self._timing.lease_s
        if pulse.live_workers != self.pulse.live_workers:
            log.info("workers.counted", worker=self._worker_id, workers=pulse.live_workers)
        self.pulse = pulse
        if self._listener is not None and not pulse.renewed:
            log.warning("lease.lost", worker=self._worker_id)
            self._signals.lost()
        for turn_id in pulse.stops:
            self._signals.stop(turn_id)

    async def _reap(self, listener: Listener) -> None:
        turns = await listener.run(reap_expired)
        if boot_clock() >= self._suspects_from:
            turns += await self._reap_suspects(listener)
        if turns:
            log.warning("turns.taken_back", count=turns)

    async def _reap_suspects(self, listener: Listener) -> int:
        found = await listener.run(suspects, self._worker_id)
        if not found:
            return 0
        await asyncio.sleep(SECOND_LOOK * self._timing.beat_s)
        return await listener.run(reap_suspects, found)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})


def _tell_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("heartbeat.died", exc_info=error)
