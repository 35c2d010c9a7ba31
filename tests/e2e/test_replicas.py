"""Several `run` processes on one PostgreSQL are one bot."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from midway import has_begun, markdown_of
from rig import ANN, PUBLIC, Rig, is_growing, is_waiting_line, words
from workers import Fleet, a_fleet

from bot.core import texts
from bot.playground.dashscope.journal import Entry
from bot.playground.dashscope.pace import Pace
from bot.playground.slack.delivery import DeliveryRules
from bot.playground.slack.limits import DEFAULT_RATES, Limits, Rate
from bot.playground.slack.message import Message
from tests.postgres import TempPostgres

WITHIN_S = 60.0
ANSWER = " ".join(f"word{number}" for number in range(60))
SPOKEN = Pace(chars_per_s=150, first_token_s=0.1)
ENDLESS = Pace(chars_per_s=5, first_token_s=0.1)
SOONER_THAN_A_LEASE_S = 13.0
"""A worker's lease is 15 s and renewed every two: what happens sooner did not wait for its end."""
ROOMY = Rate(per_min=3_000, burst=200)
PATIENT = DeliveryRules(retry_delays_s=(0.0, 0.5, 1.0, 2.0, 4.0, *[8.0] * 5), ack_timeout_s=10.0)
"""Slack waits longer than the bot, so that the bot's own answer is seen, and does not give up."""


@pytest.fixture
def database() -> str:
    """Replicas share a PostgreSQL."""
    return "postgresql"


@pytest.fixture
def limits() -> Limits:
    """Several replicas have a budget each, and all ask for it in one workspace."""
    return Limits(rates=dict.fromkeys(DEFAULT_RATES, ROOMY), post_per_channel=ROOMY)


@pytest.fixture
async def fleet(rig: Rig, tmp_path: Path) -> AsyncIterator[Fleet]:
    """No workers yet, over HTTP."""
    async with a_fleet(rig, tmp_path) as fleet:
        yield fleet


@pytest.fixture
async def any_fleet(any_rig: Rig, tmp_path: Path) -> AsyncIterator[Fleet]:
    """No workers yet, over HTTP and over Socket Mode."""
    async with a_fleet(any_rig, tmp_path) as fleet:
        yield fleet


def talk(rig: Rig, pace: Pace) -> None:
    """Let answers come slowly enough for something to happen meanwhile."""
    rig.dashscope.manner = replace(rig.dashscope.manner, pace=pace)


def is_settled(rig: Rig, thread: str, *, turns: int = 1) -> bool:
    """Tell whether a thread has all its answers and none of them grows."""
    replies = rig.reply(thread)
    is_over = not any(is_growing(reply) or is_waiting_line(reply) for reply in replies)
    return len(replies) >= turns and is_over


async def settled(rig: Rig, *threads: str, turns: int = 1) -> None:
    """Wait until threads have all their answers and none of them grows."""
    await rig.slack.until(
        lambda: all(is_settled(rig, thread, turns=turns) for thread in threads), timeout_s=WITHIN_S
    )


async def acknowledged(rig: Rig) -> None:
    """Wait until nothing is on its way to the bot."""
    await rig.slack.until(
        lambda: all(delivery.is_done for delivery in rig.slack.deliveries), timeout_s=WITHIN_S
    )


def reached(rig: Rig) -> set[str]:
    """Return the addresses Slack delivered to."""
    return {attempt.target for delivery in rig.slack.deliveries for attempt in delivery.attempts}


async def begun(rig: Rig, thread: str) -> Message:
    """Wait until the reply of a thread shows words and will show more."""
    return await rig.slack.until(
        lambda: next(filter(has_begun, rig.reply(thread)), None), timeout_s=WITHIN_S
    )


async def taken_up(rig: Rig, *questions: str) -> None:
    """Wait until the app has been asked all these."""
    await rig.dashscope.until(
        lambda entries: {entry.body["input"]["prompt"] for entry in entries}.issuperset(questions),
        timeout_s=WITHIN_S,
    )


async def ended(rig: Rig, entry: Entry) -> None:
    """Wait until nothing more happens to a request."""
    await rig.dashscope.until(lambda _entries: entry.finished, timeout_s=WITHIN_S)


async def test_a_message_delivered_to_every_replica_is_answered_once(any_fleet: Fleet) -> None:
    rig = any_fleet.rig
    rig.slack.dispatcher.rules = DeliveryRules(duplicates=2)
    await any_fleet.start(3)
    threads = [await rig.ask(f"question {number}") for number in range(8)]
    await settled(rig, *threads)
    await acknowledged(rig)
    assert len(reached(rig)) == 3
    assert sorted(entry.body["input"]["prompt"] for entry in rig.asked()) == [
        f"question {number}" for number in range(8)
    ]
    for number, thread in enumerate(threads):
        (reply,) = rig.reply(thread)
        assert words([reply]) == f"question {number}"


async def test_the_turns_of_a_thread_stay_in_order_whichever_replica_claims_them(
    any_fleet: Fleet,
) -> None:
    rig = any_fleet.rig
    talk(rig, Pace(chars_per_s=100, first_token_s=0.5))
    await any_fleet.start(3)
    thread = await rig.ask("question 0")
    await acknowledged(rig)
    for number in range(1, 6):
        await rig.ask(f"question {number}", thread_ts=thread)
        await acknowledged(rig)
    await settled(rig, thread, turns=6)
    assert [words([reply]) for reply in rig.reply(thread)] == [f"question {n}" for n in range(6)]
    assert len(rig.asked()) == 6
    assert all(
        entry.body["input"]["prompt"] == f"question {number}"
        for number, entry in enumerate(rig.asked())
    )
    assert len(reached(rig)) == 3


async def test_a_session_begun_on_one_replica_is_carried_on_by_another(fleet: Fleet) -> None:
    rig = fleet.rig
    (first,) = await fleet.start()
    thread = await rig.ask("one")
    await settled(rig, thread)
    assert await first.stop() == 0
    await fleet.start()
    await rig.ask("two", thread_ts=thread)
    await settled(rig, thread, turns=2)
    one, two = rig.asked()
    assert two.body["input"]["session_id"] == one.session_id
    assert [words([reply]) for reply in rig.reply(thread)] == ["one", "two"]


async def test_stop_clicked_through_any_replica_stops_the_turn_where_it_runs(
    any_fleet: Fleet,
) -> None:
    rig = any_fleet.rig
    talk(rig, ENDLESS)
    (owner,) = await any_fleet.start()
    thread = await rig.ask(ANSWER)
    message = await begun(rig, thread)
    other = (await any_fleet.start())[0]
    if rig.is_socket:
        rig.slack.sockets.connections[0].is_leaving = True  # deliver over the other one
    else:
        any_fleet.route(other)
    clicked_at = time.monotonic()
    await rig.slack.click(ANN, PUBLIC, message.ts, "turn:stop")
    (entry,) = rig.asked()
    await ended(rig, entry)
    took_s = time.monotonic() - clicked_at
    print(f"stopped after {took_s:.3f} s")
    await settled(rig, thread)
    await owner.said("turn.finished")
    assert [line["status"] for line in other.lines("stop.requested")] == ["running"]
    assert owner.lines("turn.finished")[0]["outcome"] == "stopped"
    assert entry.aborted
    (message,) = rig.reply(thread)
    assert words([message]) == f"{markdown_of(message)}\n{texts.STOPPED.en}"
    assert took_s < SOONER_THAN_A_LEASE_S


@pytest.mark.slow
async def test_a_rolling_restart_under_load_loses_nothing_and_asks_nothing_twice(
    fleet: Fleet,
) -> None:
    rig = fleet.rig
    rig.slack.dispatcher.rules = PATIENT
    rig.changes["grace_s"] = 60.0
    rig.changes["turns_at_once"] = 1  # so that no worker takes all there is
    talk(rig, Pace(chars_per_s=60, first_token_s=3.0))
    old = await fleet.start(3)
    threads: dict[str, str] = {}
    numbers = itertools.count()
    is_over = asyncio.Event()

    async def ask_one() -> None:
        question = f"question {next(numbers):03d}"
        threads[question] = await rig.ask(question)

    async def keep_asking() -> None:
        """Ask as fast as the bot may go on editing for long.

        More than 50 answers a minute would be a backlog that grows the slower this machine is.
        """
        while not is_over.is_set():
            await ask_one()
            await asyncio.sleep(2.0)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(keep_asking())
        for worker in old:
            await fleet.start()  # before the other goes: somebody must take messages
            for _ in range(4):  # as many as are up, so that hardly any is idle when the other goes
                await ask_one()
            await taken_up(rig, *threads)
            assert await worker.stop() == 0
        is_over.set()
    await settled(rig, *threads.values())
    assert sorted(entry.body["input"]["prompt"] for entry in rig.asked()) == sorted(threads)
    for question, thread in threads.items():
        (reply,) = rig.reply(thread)
        assert words([reply]) == question
    assert any(worker.lines("turns.draining") for worker in old)
    assert not any(worker.lines("turns.handed_back") for worker in old)


async def test_a_killed_workers_turn_goes_on_elsewhere_in_the_same_message(
    any_fleet: Fleet,
) -> None:
    rig = any_fleet.rig
    talk(rig, ENDLESS)
    (doomed,) = await any_fleet.start()
    thread = await rig.ask(ANSWER)
    message = await begun(rig, thread)
    await any_fleet.start()
    talk(rig, SPOKEN)
    killed_at = time.monotonic()
    await doomed.kill()
    await rig.dashscope.until(lambda entries: len(entries) == 2, timeout_s=WITHIN_S)
    took_s = time.monotonic() - killed_at
    print(f"taken over after {took_s:.3f} s")
    await settled(rig, thread)
    (reply,) = rig.reply(thread)
    assert (reply.ts, words([reply])) == (message.ts, ANSWER)
    assert took_s < SOONER_THAN_A_LEASE_S


@pytest.mark.slow
async def test_a_worker_frozen_beyond_its_lease_changes_nothing_when_it_wakes(
    fleet: Fleet,
) -> None:
    rig = fleet.rig
    talk(rig, ENDLESS)
    (frozen,) = await fleet.start()
    thread = await rig.ask(ANSWER)
    message = await begun(rig, thread)
    await fleet.start()
    talk(rig, SPOKEN)
    frozen.freeze()
    await settled(rig, thread)
    (reply,) = rig.reply(thread)
    assert (reply.ts, words([reply])) == (message.ts, ANSWER)
    versions = rig.slack.workspace.versions_of(PUBLIC, reply.ts)
    frozen.thaw()
    await frozen.said("lease.lost")
    first, second = rig.asked()
    await ended(rig, first)
    assert first.aborted
    assert not second.aborted
    # It is back, and of use: with nobody else there it answers the next question.
    fleet.route(frozen)
    await fleet.workers[1].stop()
    again = await rig.ask("again")
    await settled(rig, again)
    assert words(rig.reply(again)) == "again"
    assert rig.slack.workspace.versions_of(PUBLIC, reply.ts) == versions
    assert rig.reply(thread) == (reply,)


@pytest.mark.slow
async def test_a_database_restart_in_mid_answer_goes_unseen(
    fleet: Fleet, postgres: TempPostgres
) -> None:
    rig = fleet.rig
    rig.slack.dispatcher.rules = PATIENT
    talk(rig, replace(SPOKEN, chars_per_s=40))  # so that all four grow at one time
    await fleet.start(2)
    threads = [await rig.ask(ANSWER) for _ in range(4)]
    for thread in threads:
        await begun(rig, thread)
    await asyncio.to_thread(postgres.stop)
    asked_meanwhile = await rig.ask("meanwhile")
    await rig.slack.until(lambda: rig.slack.deliveries[-1].attempts, timeout_s=WITHIN_S)
    assert rig.slack.deliveries[-1].attempts[0].status == 500
    await asyncio.to_thread(postgres.start)
    await settled(rig, *threads, asked_meanwhile)
    assert [entry.body["input"]["prompt"] for entry in rig.asked()] == [*[ANSWER] * 4, "meanwhile"]
    for thread in threads:
        (reply,) = rig.reply(thread)
        assert words([reply]) == ANSWER
    (reply,) = rig.reply(asked_meanwhile)
    assert words([reply]) == "meanwhile"
