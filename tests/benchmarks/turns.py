"""The inbox and the dispatcher with turns that do nothing, on both databases."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bot import logs
from storage.database import Storage
from tests.benchmarks.child import Child
from tests.benchmarks.databases import Databases, databases
from tests.benchmarks.load import (
    Claimed,
    Questions,
    admit_s,
    bench,
    next_in_thread_s,
    open_loop,
    stop_s,
    turns_per_s,
)
from tests.benchmarks.report import Sheet, say, spread
from tests.benchmarks.worker import BEGAN, READY

SQLITE = "SQLite"
POSTGRES = "PostgreSQL"
RATES = ((20, 160), (100, 400), (500, 1_500))
"""Messages a second, and how many."""
RATES_APART = ((20, 160), (100, 400))
STREAMS = 300
"""Answers that grow meanwhile, each with 20 deltas and one write a second."""
THREAD_TURNS = 60
STOPS = 40
ADMISSIONS = 500
THROUGHPUT_TURNS = 3_200
IDLE_S = 6.0
KILLS_AFTER_S = (0.1, 0.8, 1.5)
"""Seconds a second worker has been up at the kill: different moments between its heartbeats."""
WITHIN_S = 30.0


async def sheets() -> AsyncGenerator[Sheet]:
    """Yield latencies under load, then everything else."""
    logs.configure("ERROR")
    async with databases() as made:
        rows: list[list[str]] = []
        for kind in (SQLITE, POSTGRES):
            for per_s, count in RATES:
                say(f"turns, {kind}, {per_s}/s")
                rows.append(await _latency(made, kind=kind, per_s=per_s, count=count))
            say(f"turns, {kind}, beside {STREAMS} streams")
            rows.append(await _latency_beside_streams(made, kind=kind))
        for per_s, count in RATES_APART:
            say(f"turns, {POSTGRES}, {per_s}/s, worker in a process of its own")
            rows.append(await _latency_apart(made, per_s=per_s, count=count))
        columns = [
            "messages",
            "claims",
            "claim p50 / p95 / p99, ms",
            "claim → start p50 / p95 / p99, ms",
        ]
        note = (
            "Open loop: messages come at random moments, however long the earlier ones take. "
            "claim: from that moment until it is committed, which is when Slack gets its 200. "
            "fsync and synchronous_commit are on."
        )
        yield Sheet("Turns under load", columns, rows, note)
        yield await _rest(made)


async def _latency(made: Databases, *, kind: str, per_s: int, count: int) -> list[str]:
    async with bench(await made.new(kind)) as worker:
        claims = await open_loop(worker.storage, per_s=per_s, count=count)
        await worker.until(ended=count)
    return _latency_row(f"{kind}, {per_s}/s", claims, began=worker.began)


async def _latency_beside_streams(made: Databases, *, kind: str) -> list[str]:
    per_s, count = RATES[0]
    async with bench(await made.new(kind), streams=STREAMS) as worker:
        claims = await open_loop(worker.storage, per_s=per_s, count=count)
        await worker.until(ended=count)
    title = f"{kind}, {per_s}/s beside {STREAMS} running streams"
    return _latency_row(title, claims, began=worker.began)


async def _latency_apart(made: Databases, *, per_s: int, count: int) -> list[str]:
    url = await made.new(POSTGRES)
    async with _worker(url) as child, Storage(url) as storage:
        await child.until(lambda: child.count(READY) > 0, within_s=WITHIN_S)
        claims = await open_loop(storage, per_s=per_s, count=count)
        await child.until(lambda: child.count(BEGAN) >= count, within_s=WITHIN_S)
        began = _began(child)
    return _latency_row(f"{POSTGRES}, worker in another process, {per_s}/s", claims, began=began)


def _latency_row(title: str, claims: list[Claimed], *, began: dict[int, float]) -> list[str]:
    waits_s = [max(0.0, began[claim.turn_id] - claim.safe_at) for claim in claims]
    claim_s = [claim.safe_at - claim.due_at for claim in claims]
    shares = (0.5, 0.95, 0.99)
    return [
        title,
        str(len(claims)),
        spread(claim_s, *shares, unit=1000),
        spread(waits_s, *shares, unit=1000),
    ]


async def _rest(made: Databases) -> Sheet:
    columns = ["", SQLITE, POSTGRES]
    rows: list[list[str]] = []

    def add(title: str, *cells: str) -> None:
        rows.append([title, *cells])

    say("turns, next of a thread, stop, throughput")
    urls = {kind: [await made.new(kind) for _ in range(4)] for kind in (SQLITE, POSTGRES)}
    next_s = [await next_in_thread_s(urls[kind][0], count=THREAD_TURNS) for kind in urls]
    add("next turn of a thread, p50 / p95 ms", *(spread(s, 0.5, 0.95, unit=1000) for s in next_s))
    stops = [
        await stop_s(urls[kind][1], count=STOPS, from_outside=kind == POSTGRES) for kind in urls
    ]
    add(
        "stop until the turn hears it, p50 / worst ms",
        *(spread(s, 0.5, 1, unit=1000) for s in stops),
    )
    admissions = [await admit_s(urls[kind][3], count=ADMISSIONS) for kind in urls]
    add(
        "turn counted within three quotas, p50 / p95 ms",
        *(spread(s, 0.5, 0.95, unit=1000) for s in admissions),
    )
    speeds = [await turns_per_s(urls[kind][2], count=THROUGHPUT_TURNS) for kind in urls]
    add("turns a second", *(f"{speed:,.0f}" for speed in speeds))
    say("turns, idle")
    idle = await asyncio.gather(*(_idle(made, kind=kind) for kind in urls))
    add("idle worker, CPU %", *(f"{one.cpu_percent:.1f}" for one in idle))
    add("idle worker, transactions a second", "-", f"{idle[1].transactions_per_s:.1f}")
    add("idle worker, RSS MB", *(f"{one.rss_mb:.0f}" for one in idle))
    say("turns, kill -9")
    kills = [
        [await _take_over_s(made, kind=kind, after_s=after_s) for after_s in KILLS_AFTER_S]
        for kind in urls
    ]
    add(
        "kill -9 until the turn runs again, best / worst s",
        *(spread(s, 0, 1, digits=2) for s in kills),
    )
    note = (
        "stop: on PostgreSQL asked through a connection of its own. kill -9: on PostgreSQL another "
        "worker was running; on SQLite, which has one process, the time includes starting Python."
    )
    return Sheet("Turns: the rest", columns, rows, note)


@dataclass(frozen=True, slots=True)
class _Idle:
    """What a worker uses that has nothing to do."""

    cpu_percent: float
    transactions_per_s: float
    rss_mb: float


async def _idle(made: Databases, *, kind: str) -> _Idle:
    url = await made.new(kind)
    async with _worker(url) as child:
        await child.until(lambda: child.count(READY) > 0, within_s=WITHIN_S)
        await asyncio.sleep(1)
        seen = await made.transactions(url) if kind == POSTGRES else 0
        before, at = child.usage(), time.monotonic()
        await asyncio.sleep(IDLE_S)
        took_s, after = time.monotonic() - at, child.usage()
        seen = (await made.transactions(url) if kind == POSTGRES else 0) - seen
        return _Idle(
            cpu_percent=100 * (after.cpu_s - before.cpu_s) / took_s,
            transactions_per_s=seen / took_s,
            rss_mb=after.rss_mb,
        )


async def _take_over_s(made: Databases, *, kind: str, after_s: float) -> float:
    """Kill a worker in the middle of a turn; return how long until another has begun it."""
    url = await made.new(kind)
    async with Storage(url, exclusive=False) as storage:
        turn_id = await storage.turns.claim(Questions().new())
    assert turn_id is not None
    async with AsyncExitStack() as stack:
        doomed = await stack.enter_async_context(_worker(url, "hold"))
        await doomed.until(lambda: doomed.count(BEGAN) > 0, within_s=WITHIN_S)
        heir = _worker(url)
        if kind == POSTGRES:
            await stack.enter_async_context(heir)
            await heir.until(lambda: heir.count(READY) > 0, within_s=WITHIN_S)
        await asyncio.sleep(after_s)
        killed_at = await doomed.kill()
        if kind == SQLITE:
            await stack.enter_async_context(heir)
        await heir.until(lambda: heir.count(BEGAN) > 0, within_s=WITHIN_S)
        return _began(heir)[turn_id] - killed_at


def _worker(url: str, *options: str) -> Child:
    return Child(["-m", "tests.benchmarks.worker", url, *options])


def _began(child: Child) -> dict[int, float]:
    """Return when each turn began, by id."""
    lines = [line.split() for line in child.lines if line.startswith(BEGAN)]
    return {int(turn_id): float(at) for _, turn_id, at in lines}
