"""Takes turns up and runs them: the owner of every turn's task."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Self

import structlog
from structlog.contextvars import bound_contextvars

from bot.errors import SlackError
from bot.metrics import Metrics
from bot.mishaps import Mishap, outcome_of
from bot.turns.world import Grip
from storage.database import Storage
from storage.errors import LeaseLost, StorageError
from storage.lease import Lease
from storage.records import Turn, TurnStatus

log = structlog.stdlib.get_logger(__name__)

SWEEP_S = 2.0
"""How often turns are looked for without a signal: the safety net, not the way."""
BATCH = 32
"""Most turns taken up in one query."""
BACKOFF_S = (1.0, 5.0, 20.0, 60.0, 180.0)
"""Pauses before a turn that failed is taken up again."""
ATTEMPTS = 30
"""Take-ups after which a turn that fails in an unknown way is dropped, for its thread waits."""

_FORESEEN = (SlackError, StorageError)
"""What a turn may fail with and be taken up again, however often."""

RunTurn = Callable[[Turn, Grip], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much one process takes on.

    Attributes:
        at_once: Most turns that run at the same time.
        grace_s: Seconds for running turns to finish when the process is asked to end.
    """

    at_once: int
    grace_s: float


@dataclass(frozen=True, slots=True)
class _Running:
    turn: Turn
    task: asyncio.Task[None]
    called: asyncio.Event


class Dispatcher:
    """Runs the oldest unfinished turn of each thread, many threads at once.

    `async with` takes the worker's lease and starts; leaving stops taking turns up, gives those
    that run their grace to finish, and hands the rest back for another process.

    Args:
        storage: An open storage.
        run: Brings one turn to its end.
        metrics: Where queue and running turns are shown.
        capacity: How much to take on.
        waiting_seen: Called now and then while turns wait.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        run: RunTurn,
        metrics: Metrics,
        capacity: Capacity,
        waiting_seen: Callable[[], None],
    ) -> None:
        self._storage = storage
        self._run = run
        self._metrics = metrics
        self._capacity = capacity
        self._waiting_seen = waiting_seen
        self._signal = asyncio.Event()
        # By id and fence: a take-up may still wind down when the next one of its turn begins.
        self._running: dict[tuple[int, int], _Running] = {}
        self._swept_at = -SWEEP_S
        self._stack = AsyncExitStack()
        self._lease: Lease
        self._loop: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._lease = await stack.enter_async_context(
                Lease(self._storage, wake=self.wake, stop=self._call, lost=self._abandon)
            )
            self._loop = asyncio.create_task(self._take_turns(), name="dispatcher")
            self._loop.add_done_callback(_tell_failure)
            stack.push_async_callback(self._close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._stack.aclose()

    @property
    def running(self) -> frozenset[int]:
        """Ids of the turns that run in this process."""
        return frozenset(turn_id for turn_id, _fence in self._running)

    @property
    def is_taking(self) -> bool:
        """Whether the task that takes turns up is alive."""
        return not self._loop.done()

    @property
    def has_lease(self) -> bool:
        """Whether the task that keeps the lease up is alive, where there is one."""
        return self._lease.is_kept

    def share(self, team_id: str) -> float:
        """Return this process's share of a workspace's work, and so of Slack's budgets there."""
        return self._lease.share(team_id)

    def wake(self) -> None:
        """Look for turns now."""
        self._signal.set()

    def _call(self, turn_id: int) -> None:
        for running in self._running.values():
            if running.turn.id == turn_id:
                running.called.set()

    def _abandon(self) -> None:
        """Drop our turns where they stand: the lease ran out, and others may own them."""
        log.warning("lease.lost", running=len(self._running))
        for running in self._running.values():
            running.task.cancel()

    async def _take_turns(self) -> None:
        while True:
            self._signal.clear()  # before the query: what is claimed during it wakes us again
            looked = await outcome_of(self._look_for_turns())
            if isinstance(looked, Mishap):
                _tell_of("turns.not_taken", looked.error)
            try:
                async with asyncio.timeout(SWEEP_S):
                    await self._signal.wait()
            except TimeoutError:
                continue

    async def _look_for_turns(self) -> None:
        await self._fill()
        if time.monotonic() - self._swept_at >= SWEEP_S:
            self._swept_at = time.monotonic()
            await self._sweep()

    async def _fill(self) -> None:
        while (room := min(self._capacity.at_once - len(self._running), BATCH)) > 0:
            turns = await self._storage.turns.take(limit=room)
            for turn in turns:
                self._start(turn)
            if len(turns) < room:
                return

    async def _sweep(self) -> None:
        """Look at what no signal tells of."""
        await self._lease.orphans(self.running)
        counts = await self._storage.turns.counts()
        self._metrics.queued.set(counts.queued)
        self._metrics.running.set(len(self._running))
        if counts.queued:
            self._waiting_seen()

    def _start(self, turn: Turn) -> None:
        called = asyncio.Event()
        task = asyncio.create_task(self._run_one(turn, called), name=f"turn-{turn.id}")
        self._running[turn.id, turn.fence] = _Running(turn, task, called)
        task.add_done_callback(lambda _task: self._ended(turn))

    def _ended(self, turn: Turn) -> None:
        del self._running[turn.id, turn.fence]
        self.wake()

    async def _run_one(self, turn: Turn, called: asyncio.Event) -> None:
        with bound_contextvars(
            turn_id=turn.id,
            team_id=turn.team_id,
            channel_id=turn.channel_id,
            thread_ts=turn.thread_ts,
        ):
            if turn.attempts > 1:
                log.info("turn.taken_up", attempts=turn.attempts, crashes=turn.crashes)
            ran = await outcome_of(self._run(turn, Grip(guard=self._lease.guard, called=called)))
            if isinstance(ran, Mishap):
                await self._put_back(turn, ran.error)

    async def _put_back(self, turn: Turn, error: Exception) -> None:
        if isinstance(error, LeaseLost):
            log.warning("turn.lost")
            return
        if not isinstance(error, _FORESEEN) and turn.attempts >= ATTEMPTS:
            await self._drop(turn, error)
            return
        delay_s = BACKOFF_S[min(turn.attempts, len(BACKOFF_S)) - 1]
        _tell_of("turn.postponed", error, delay_s=delay_s)
        try:
            await self._storage.turns.postpone(turn, delay_s=delay_s, reason=type(error).__name__)
        except StorageError as failure:
            # The lease's orphan repair puts it back when the database is there again.
            log.warning("turn.not_postponed", error=type(failure).__name__)

    async def _drop(self, turn: Turn, error: Exception) -> None:
        """End a turn that can never be brought to its end, so that its thread goes on."""
        log.error("turn.dropped", exc_info=error, attempts=turn.attempts)
        try:
            await self._storage.turns.finish(
                turn, status=TurnStatus.FAILED, session=None, outcome="dropped"
            )
        except StorageError as failure:
            log.warning("turn.not_dropped", error=type(failure).__name__)

    async def _close(self) -> None:
        """Stop taking turns, wait for those that run, hand the rest back."""
        self._loop.cancel()
        await asyncio.wait({self._loop})
        running = list(self._running.values())
        if not running:
            return
        log.info("turns.draining", running=len(running), grace_s=self._capacity.grace_s)
        tasks = {each.task for each in running}
        _, late = await asyncio.wait(tasks, timeout=self._capacity.grace_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
            await self._hand_back([each.turn for each in running if each.task in late])

    async def _hand_back(self, turns: list[Turn]) -> None:
        try:
            count = await self._storage.turns.release(turns)
            log.info("turns.handed_back", count=count)
        except StorageError as error:
            log.warning("turns.not_handed_back", error=type(error).__name__)


def _tell_of(event: str, error: Exception, **fields: object) -> None:
    """Log a failure by its class, and where it broke if nobody foresaw it."""
    if isinstance(error, _FORESEEN):
        log.warning(event, error=type(error).__name__, **fields)
    else:
        log.error(event, exc_info=error, **fields)


def _tell_failure(loop: asyncio.Task[None]) -> None:
    if not loop.cancelled() and (error := loop.exception()) is not None:
        log.error("dispatcher.died", exc_info=error)
