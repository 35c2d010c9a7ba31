"""Turns that do nothing, and what is measured of them inside this process."""

import asyncio
import itertools
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.core.answer import AnswerReader
from bot.core.sse import ServerSentEvent
from bot.metrics import Metrics
from bot.turns.dispatcher import Capacity, Dispatcher, RunTurn
from bot.turns.world import Grip
from storage.database import Storage
from storage.records import NewTurn, Turn, TurnStatus
from storage.usage_records import Limit

AT_ONCE = 64
PRODUCERS = 32
WITHIN_S = 30.0
DELTAS_PER_S = 20
DELTA = ServerSentEvent(
    event="result",
    data='{"output":{"session_id":"s","finish_reason":"null","text":"some words "},"usage":{}}',
)
_QUESTION = "What did we decide about the release, and who is going to tell the customers? " * 5
_FIRST_TS = 1_700_000_000
QUOTAS = (
    Limit("user", "turns", 10**9, across="workspace"),
    Limit("user", "tokens", 10**9, across="channel"),
    Limit("channel", "turns", 10**9, across="channel"),
)
"""Limits nobody reaches."""


@dataclass
class Bench:
    """A storage with a worker on it.

    Attributes:
        storage: Open.
        began: When each turn was begun here, by id.
        ended: When each turn was finished here, by id.
        is_held: Turns go on until they are stopped.
        streams: So many turns, the first, read deltas and note their reply until `over`.
        over: Set at the end of the streams.
        stopped: When each held turn heard that it should stop, by id.
    """

    storage: Storage
    began: dict[int, float] = field(default_factory=dict[int, float])
    ended: dict[int, float] = field(default_factory=dict[int, float])
    stopped: dict[int, float] = field(default_factory=dict[int, float])
    is_held: bool = False
    streams: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, turn: Turn, grip: Grip) -> None:
        """Do nothing, and note when."""
        self.began[turn.id] = time.monotonic()
        self._changed.set()
        if len(self.began) <= self.streams:
            await self._stream(turn)
        elif self.is_held:
            await grip.called.wait()
            self.stopped[turn.id] = time.monotonic()
        await self.storage.turns.finish(turn, status=TurnStatus.DONE, session=None, outcome="none")
        self.ended[turn.id] = time.monotonic()
        self._changed.set()

    async def _stream(self, turn: Turn) -> None:
        """Do what a growing answer does to this process and its database."""
        reader = AnswerReader(incremental=True)
        for number in itertools.count(1):
            if self.over.is_set():
                return
            reader.feed(DELTA)
            if number % DELTAS_PER_S == 0:
                await self.storage.turns.posted(turn, ["1700000000.000100"])
            await asyncio.sleep(1 / DELTAS_PER_S)

    async def until(self, *, began: int = 0, ended: int = 0) -> None:
        """Wait for so many turns altogether."""
        async with asyncio.timeout(WITHIN_S):
            while len(self.began) < began or len(self.ended) < ended:
                self._changed.clear()
                await self._changed.wait()


def dispatcher(storage: Storage, *, run: RunTurn, streams: int = 0) -> Dispatcher:
    """Return the product's dispatcher, to be opened."""
    return Dispatcher(
        storage,
        run=run,
        metrics=Metrics(),
        capacity=Capacity(at_once=AT_ONCE + streams, grace_s=0),
        waiting_seen=_look_away,
    )


def _look_away() -> None:
    """Say nothing to those who wait; nobody does."""


@asynccontextmanager
async def bench(url: str, *, streams: int = 0) -> AsyncGenerator[Bench]:
    """Open a database with a worker in this process, and let `streams` answers grow beside."""
    async with Storage(url) as storage:
        bench = Bench(storage, streams=streams)
        async with dispatcher(storage, run=bench.run, streams=streams):
            before = Questions(team_id="T2")
            for _ in range(streams):
                await storage.turns.claim(before.new())
            await bench.until(began=streams)
            yield bench
            bench.over.set()


class Questions:
    """Messages nobody has claimed, each a thread of its own unless told otherwise."""

    def __init__(self, *, team_id: str = "T1") -> None:
        self._team_id = team_id
        self._numbers = itertools.count(1)

    def new(self, *, thread_ts: str = "") -> NewTurn:
        """Return another one."""
        ts = f"{_FIRST_TS + next(self._numbers)}.000100"
        return NewTurn(
            team_id=self._team_id,
            channel_id="C1",
            thread_ts=thread_ts or ts,
            message_ts=ts,
            user_id="U1",
            payload={"text": _QUESTION, "files": 0},
        )


@dataclass(frozen=True, slots=True)
class Claimed:
    """One claim under load: when it was due, when it was safe, and the turn's id."""

    due_at: float
    safe_at: float
    turn_id: int


async def open_loop(storage: Storage, *, per_s: float, count: int) -> list[Claimed]:
    """Claim messages at random moments, however long the earlier ones take."""
    questions, chance = Questions(), random.Random(7)
    due_at = time.monotonic()
    claims = list[asyncio.Task[Claimed]]()
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            due_at += chance.expovariate(per_s)
            await asyncio.sleep(max(0.0, due_at - time.monotonic()))
            claims.append(group.create_task(_claim(storage, questions.new(), due_at=due_at)))
    return [claim.result() for claim in claims]


async def _claim(storage: Storage, new: NewTurn, *, due_at: float) -> Claimed:
    turn_id = await storage.turns.claim(new)
    assert turn_id is not None
    return Claimed(due_at, time.monotonic(), turn_id)


async def turns_per_s(url: str, *, count: int) -> float:
    """Claim, begin and finish as many as it will."""
    questions = Questions()
    async with bench(url) as worker:
        started_at = time.monotonic()

        async def produce() -> None:
            for _ in range(count // PRODUCERS):
                await worker.storage.turns.claim(questions.new())

        async with asyncio.TaskGroup() as group:
            for _ in range(PRODUCERS):
                group.create_task(produce())
        await worker.until(ended=count // PRODUCERS * PRODUCERS)
        return len(worker.ended) / (time.monotonic() - started_at)


async def next_in_thread_s(url: str, *, count: int) -> list[float]:
    """Return, for each turn of one thread, the time from the end of the one before."""
    questions = Questions()
    thread_ts = questions.new().message_ts
    async with bench(url) as worker:
        for _ in range(count):
            await worker.storage.turns.claim(questions.new(thread_ts=thread_ts))
        await worker.until(ended=count)
    ids = sorted(worker.began)
    return [
        max(0.0, worker.began[after] - worker.ended[before])
        for before, after in itertools.pairwise(ids)
    ]


async def stop_s(url: str, *, count: int, from_outside: bool) -> list[float]:
    """Return the time from a request to stop until the running turn hears of it."""
    questions = Questions()
    took_s = list[float]()
    async with bench(url) as worker, Storage(url, exclusive=False) as outside:
        worker.is_held = True
        storage = outside if from_outside else worker.storage
        for number in range(1, count + 1):
            turn_id = await worker.storage.turns.claim(questions.new())
            assert turn_id is not None
            await worker.until(began=number)
            asked_at = time.monotonic()
            await storage.turns.request_stop(turn_id=turn_id, by="U1")
            await worker.until(ended=number)
            took_s.append(worker.stopped[turn_id] - asked_at)
    return took_s


async def admit_s(url: str, *, count: int) -> list[float]:
    """Return what counting a turn within three quotas adds to it, one turn after another."""
    took_s = list[float]()
    async with Storage(url) as storage:
        for turn_id in range(1, count + 1):
            began_at = time.monotonic()
            await storage.usage.admit(
                turn_id,
                team_id="T1",
                channel_id="C1",
                user_id="U1",
                app="default",
                limits=QUOTAS,
            )
            took_s.append(time.monotonic() - began_at)
    return took_s
