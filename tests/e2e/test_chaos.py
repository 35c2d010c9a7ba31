"""Whatever happens to processes, database and vendors, every question gets one complete answer."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from chaos.disasters import Disaster, Disasters, arm_faults
from chaos.questions import TAG, Questions, chaos_app
from chaos.verdict import Verdict
from chaos.watch import is_settled, note_ends, unsettled
from rig import Rig
from workers import Fleet, a_fleet, until

from bot.playground.dashscope.apps import App
from bot.playground.dashscope.pace import Pace
from bot.playground.slack.delivery import DeliveryRules
from bot.playground.slack.limits import DEFAULT_RATES, Limits, Rate
from storage.database import Storage
from storage.tables import turn
from tests.postgres import TempPostgres

QUESTIONS = 200
PACE = Pace(chars_per_s=100, first_token_s=0.3)
"""An answer takes more than a second, so that most disasters hit several."""
ROOMY = Rate(per_min=3_000, burst=200)
RETRIES_S = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 16.0, *[30.0] * 20)
"""Slack's three tries are spread over six minutes; here a process may die more often in those. The
last one comes after the end of a day on which each start of a process takes half a minute."""
RULES = DeliveryRules(duplicates=1, jitter_s=0.3, retry_delays_s=RETRIES_S, seed=1)
SETTLED_WITHIN_S = 600.0
"""The bot edits 50 times a minute at most: 240 answers take almost five minutes, however fast."""
ENDED_WITHIN_S = 120.0

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture
def app_under_test() -> App:
    """An app whose answers name the question."""
    return chaos_app()


@pytest.fixture
def limits() -> Limits:
    """More than Slack allows, so that the day is short; still enforced."""
    return Limits(rates=dict.fromkeys(DEFAULT_RATES, ROOMY), post_per_channel=ROOMY)


@pytest.fixture
async def fleet(rig: Rig, tmp_path: Path) -> AsyncIterator[Fleet]:
    """No workers yet, between servers that have a bad day."""
    rig.slack.dispatcher.rules = RULES
    rig.changes["grace_s"] = 1.0
    rig.dashscope.manner = replace(rig.dashscope.manner, pace=PACE)
    async with a_fleet(rig, tmp_path) as fleet:
        yield fleet


@pytest.mark.parametrize("database", ["postgresql"])
async def test_three_processes_on_postgresql_answer_everything_once_on_a_bad_day(
    fleet: Fleet, postgres: TempPostgres
) -> None:
    await fleet.start(3)
    deck = (
        [Disaster.KILL] * 14
        + [Disaster.TERM] * 3
        + [Disaster.FREEZE] * 2
        + [Disaster.PAUSE] * 2
        + [Disaster.DATABASE] * 2
    )
    disasters = Disasters(fleet, random.Random(11), postgres=postgres)
    await bad_day(disasters, deck, every_s=1.7)


async def test_one_process_on_sqlite_answers_everything_once_on_a_bad_day(fleet: Fleet) -> None:
    await fleet.start()
    deck = [Disaster.KILL] * 12 + [Disaster.TERM] * 2 + [Disaster.PAUSE] * 2
    await bad_day(Disasters(fleet, random.Random(12)), deck, every_s=3.0)


async def bad_day(disasters: Disasters, deck: Sequence[Disaster], *, every_s: float) -> None:
    """Ask while everything in the deck happens, wait for the end, and judge."""
    fleet = disasters.fleet
    rig = fleet.rig
    arm_faults(rig)
    questions = Questions(rig, disasters.dice)
    began_at = time.monotonic()
    ends: dict[str, float] = {}
    async with asyncio.TaskGroup() as all_day:
        watching = all_day.create_task(note_ends(rig, ends))
        async with asyncio.TaskGroup() as tasks:
            striking = tasks.create_task(disasters.strike(list(deck), every_s=every_s))
            tasks.create_task(
                questions.keep_coming(at_least=QUESTIONS, every_s=0.26, is_over=striking.done)
            )
        await _everything_settled(rig, questions)
        watching.cancel()
    took_s = time.monotonic() - began_at
    await _nothing_left_in(rig.database_url)
    for worker in fleet.workers:
        assert await worker.stop() == 0
    verdict = Verdict(rig, questions.asked, disasters.struck, ends)
    verdict.judge()
    print(f"{rig.database_url.partition(':')[0]}: {took_s:.0f} s", *verdict.summary(), sep="\n")
    assert not verdict.wrong, "\n".join(verdict.wrong)
    assert not _surprises(fleet)


async def _everything_settled(rig: Rig, questions: Questions) -> None:
    try:
        await until(
            lambda: is_settled(rig, questions.asked), within_s=SETTLED_WITHIN_S, every_s=0.25
        )
    except TimeoutError:
        pytest.fail("\n".join(unsettled(rig, questions.asked)))


async def _nothing_left_in(url: str) -> None:
    """Wait until every turn has ended; then the database holds no word of any message."""
    async with Storage(url, exclusive=False) as storage:
        async with asyncio.timeout(ENDED_WITHIN_S):
            while await _live(storage):
                await asyncio.sleep(0.1)
        rows = await storage.read(lambda conn: str(conn.execute(sa.select(turn)).all()))
    assert rows
    assert not TAG.findall(rows)


async def _live(storage: Storage) -> int:
    counts = await storage.turns.counts()
    return counts.queued + counts.running


def _surprises(fleet: Fleet) -> list[object]:
    """Return what no log may hold: words that are no line, and failures nobody expected."""
    stray = [
        text
        for worker in fleet.workers
        for text in worker.stray
        if not text.startswith("The database cannot be opened")  # it was away at a start
    ]
    unexpected = [line for line in fleet.lines("turn.postponed") if "where" in line]
    return [*stray, *unexpected, *fleet.lines("library.warned"), *fleet.lines("socket.failed")]
