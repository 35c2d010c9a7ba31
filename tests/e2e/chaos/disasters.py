"""What goes wrong, drawn from a shuffled deck, and a record of when."""

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from rig import Rig
from workers import Fleet, Worker, until

from bot.playground.dashscope import faults as upstream
from bot.playground.dashscope.refusals import NAMED
from bot.playground.slack.faults import Fault, FaultKind
from tests.postgres import TempPostgres

FROZEN_S = 18.0
"""Longer than the fifteen seconds of a lease."""
BRIEFLY_S = 1.5
UP_AGAIN_WITHIN_S = 90.0

CHAT = ("chat.postMessage", "chat.update", "chat.delete")
SLACK_FAULTS = (
    (FaultKind.STATUS, 0.01),
    (FaultKind.HTML, 0.005),
    (FaultKind.RESET_BEFORE, 0.01),
    (FaultKind.RESET_AFTER, 0.015),
    (FaultKind.RATE_LIMITED, 0.004),
    (FaultKind.SLOW, 0.02),
)
APP_FAULTS: tuple[tuple[upstream.Fault, float], ...] = (
    (NAMED["throttling"], 0.02),
    (NAMED["server"], 0.015),
    (NAMED["unavailable"], 0.02),
    (upstream.Hangup(), 0.01),
    (upstream.Cut(after_events=3), 0.01),
    (upstream.Cut(after_events=4, clean=False), 0.01),
    (upstream.Reset(after_events=5), 0.01),
    (upstream.Stall(after_events=2, for_s=1.0), 0.02),
    (upstream.SlowStart(first_token_s=2.0), 0.02),
)


class Disaster(Enum):
    """What may befall the processes."""

    KILL = "killed and started again"
    TERM = "asked to end and started again"
    FREEZE = "frozen beyond the lease"
    PAUSE = "frozen for a moment"
    DATABASE = "database restarted"


@dataclass(frozen=True, slots=True)
class Struck:
    """A disaster that happened.

    Attributes:
        disaster: What.
        began_at: By the monotonic clock, in seconds.
        ended_at: When nothing more could come of it: the process was gone, or went on. That it was
            started again is no part of it.
    """

    disaster: Disaster
    began_at: float
    ended_at: float


def arm_faults(rig: Rig) -> None:
    """Let calls of both vendors fail now and then, from now on."""
    for kind, probability in SLACK_FAULTS:
        for method in CHAT:
            fault = Fault(method, kind, times=None, probability=probability, delay_s=0.3)
            rig.slack.faults.add(fault)
    for fault, probability in APP_FAULTS:
        rig.dashscope.faults.add(fault, times=None, probability=probability)


@dataclass
class Disasters:
    """Strikes a fleet.

    Attributes:
        fleet: The workers; of several at least one is always up.
        dice: Shuffles the deck, chooses whom it hits and when.
        postgres: Their database, when it can be restarted.
        struck: What happened so far.
    """

    fleet: Fleet
    dice: random.Random
    postgres: TempPostgres | None = None
    struck: list[Struck] = field(default_factory=list[Struck])

    def __post_init__(self) -> None:
        """Nothing has happened yet."""
        self._acts: Mapping[Disaster, Callable[[Worker], Awaitable[None]]] = {
            Disaster.KILL: self._kill,
            Disaster.TERM: self._term,
            Disaster.FREEZE: self._freeze,
            Disaster.PAUSE: self._pause,
            Disaster.DATABASE: self._restart_database,
        }

    async def strike(self, deck: list[Disaster], *, every_s: float) -> None:
        """Let everything in the deck happen, then wait until all workers are up again."""
        self.dice.shuffle(deck)
        async with asyncio.TaskGroup() as tasks:
            for disaster in deck:
                await asyncio.sleep(every_s * self.dice.uniform(0.5, 1.5))
                tasks.create_task(self._act(disaster, await self._victim()))

    async def _victim(self) -> Worker:
        workers = self.fleet.workers
        spare = min(1, len(workers) - 1)
        await until(lambda: len(self._sound()) > spare, within_s=UP_AGAIN_WITHIN_S)
        return self.dice.choice(self._sound())

    def _sound(self) -> list[Worker]:
        return [worker for worker in self.fleet.workers if worker.is_up and not worker.is_frozen]

    async def _act(self, disaster: Disaster, victim: Worker) -> None:
        began_at = time.monotonic()
        await self._acts[disaster](victim)
        self.struck.append(Struck(disaster, began_at, time.monotonic()))
        if disaster in {Disaster.KILL, Disaster.TERM}:
            await self._start(victim)

    async def _kill(self, victim: Worker) -> None:
        await victim.kill()

    async def _term(self, victim: Worker) -> None:
        status = await victim.stop()
        if status != 0:
            raise RuntimeError(f"{victim.name} ended with {status}")

    async def _start(self, victim: Worker) -> None:
        await asyncio.sleep(self.dice.uniform(0, 0.5))
        while True:
            try:
                await victim.start()
                break
            except RuntimeError:  # the database was away, as a supervisor sees it
                await asyncio.sleep(0.5)
        self.fleet.route(*self.fleet.workers)

    async def _freeze(self, victim: Worker, for_s: float = FROZEN_S) -> None:
        victim.freeze()
        await asyncio.sleep(for_s)
        victim.thaw()

    async def _pause(self, victim: Worker) -> None:
        await self._freeze(victim, BRIEFLY_S)

    async def _restart_database(self, _victim: Worker) -> None:
        if self.postgres is None:
            raise RuntimeError("there is no server to restart")
        await asyncio.to_thread(self.postgres.stop, signal.SIGINT)
        await asyncio.sleep(self.dice.uniform(0, 2))
        await asyncio.to_thread(self.postgres.start)
