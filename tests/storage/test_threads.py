"""Threads the bot knows, and those in which it is to be still; on both databases."""

from dataclasses import replace

import sqlalchemy as sa

from storage.clock import now_ms
from storage.database import Storage
from storage.records import PastTurn, ThreadState, TurnStatus
from storage.tables import quiet_thread as quiet_threads_table
from storage.tables import turn as turns_table
from storage.threads import TURNS_MOST, state_query, turns_query
from tests.storage.plans import analyze, plan_of
from tests.storage.sample import claimed, lease_of, new_turn, taken

DAY_S = 24 * 60 * 60.0
PLACE = ("T1", "C1", "1.0")
MANY = 5_000


async def state(storage: Storage, *place: str) -> tuple[bool, bool]:
    found = await storage.threads.state(*(place or PLACE))
    return found.is_known, found.is_quiet


async def ended(storage: Storage) -> None:
    """Ask something in the thread, and end it."""
    turn_id = await claimed(storage, new_turn(thread_ts="1.0", message_ts="1.0"))
    await storage.turns.request_stop(turn_id=turn_id, by="U1")


async def test_a_thread_is_known_once_something_was_asked_in_it(storage: Storage) -> None:
    assert await storage.threads.state(*PLACE) == ThreadState(is_known=False, is_quiet=False)
    await claimed(storage, new_turn(thread_ts="1.0", message_ts="1.5"))
    assert await state(storage) == (True, False)
    for elsewhere in (("T2", "C1", "1.0"), ("T1", "C2", "1.0"), ("T1", "C1", "1.5")):
        assert await state(storage, *elsewhere) == (False, False)


async def test_a_thread_stays_known_until_its_last_turn_is_forgotten(storage: Storage) -> None:
    await ended(storage)
    assert await state(storage) == (True, False)
    await storage.run(age, 2 * DAY_S)
    assert await storage.turns.prune(older_than_s=DAY_S, limit=5) == 1
    assert await state(storage) == (False, False)


async def test_the_turns_of_a_thread_are_told_with_how_they_ended(storage: Storage) -> None:
    first = await claimed(storage, new_turn(thread_ts="1.0", message_ts="1.0"))
    async with lease_of(storage):
        turn, done = await taken(storage), TurnStatus.DONE
        await storage.turns.finish(turn, status=done, session=None, outcome="answered")
    await claimed(storage, new_turn(thread_ts="2.0", message_ts="2.0"))
    second = await claimed(
        storage, replace(new_turn(thread_ts="1.0", message_ts="3.0"), user_id="U2")
    )
    again = await storage.turns.repeat(turn_id=first, edited_ts="4.0")
    assert again is not None
    told = await storage.threads.turns(*PLACE)
    assert sorted(told, key=lambda past: past.id) == [
        PastTurn(first, message_ts="1.0", user_id="U1", outcome="answered"),
        PastTurn(second, message_ts="3.0", user_id="U2", outcome=None),
        PastTurn(again, message_ts="1.0", user_id="U1", outcome=None),
    ]


async def test_of_a_long_thread_the_last_turns_are_told(storage: Storage) -> None:
    await storage.run(crowd, thread_key="T1:C1:1.0")
    told = await storage.threads.turns(*PLACE)
    expected = range(MANY - TURNS_MOST, MANY)
    assert sorted(float(past.message_ts) for past in told) == [*expected]


async def test_a_thread_is_quiet_until_it_is_woken(storage: Storage) -> None:
    await storage.threads.quiet(*PLACE, by="U1")
    assert await state(storage) == (False, True)
    assert await state(storage, "T1", "C1", "2.0") == (False, False)
    assert await storage.threads.wake(*PLACE)
    assert await state(storage) == (False, False)
    assert not await storage.threads.wake(*PLACE)


async def test_asking_for_quiet_twice_is_asking_once(storage: Storage) -> None:
    await storage.threads.quiet(*PLACE, by="U1")
    await storage.threads.quiet(*PLACE, by="U2")
    assert await state(storage) == (False, True)
    await storage.threads.wake(*PLACE)
    assert await state(storage) == (False, False)


async def test_quiet_is_forgotten_when_it_is_old_and_not_before(storage: Storage) -> None:
    for number in range(3):
        await storage.threads.quiet("T1", "C1", f"{number}.0", by="U1")
    await storage.run(age, 2 * DAY_S)
    await storage.threads.quiet("T1", "C1", "9.0", by="U1")
    assert await storage.threads.prune(older_than_s=3 * DAY_S, limit=9) == 0
    assert await storage.threads.prune(older_than_s=DAY_S, limit=2) == 2
    assert await storage.threads.prune(older_than_s=DAY_S, limit=2) == 1
    assert await state(storage, "T1", "C1", "9.0") == (False, True)


async def test_a_known_thread_stays_quiet_however_long_ago_that_was_asked(storage: Storage) -> None:
    await ended(storage)
    await storage.threads.quiet(*PLACE, by="U1")
    await storage.run(age, 99 * DAY_S)
    assert await storage.threads.prune(older_than_s=DAY_S, limit=9) == 0
    assert await state(storage) == (True, True)
    await storage.turns.prune(older_than_s=DAY_S, limit=9)
    assert await storage.threads.prune(older_than_s=DAY_S, limit=9) == 1


async def test_a_look_at_a_thread_is_two_look_ups_by_index(storage: Storage) -> None:
    await storage.run(crowd)
    await storage.run(analyze)
    plan = await storage.read(plan_of, state_query("T1:C1:77.0"))
    plan += await storage.read(plan_of, turns_query("T1:C1:77.0"))
    assert plan.count("ix_turn_thread") == 2
    assert "quiet_thread" in plan
    for word in ("Seq Scan", "SCAN turn", "SCAN quiet_thread"):
        assert word not in plan


def crowd(conn: sa.Connection, *, thread_key: str = "") -> None:
    """Fill both tables with threads of one turn, or with one of many; each of them quiet."""
    keys = [f"T1:C1:{number}.0" for number in range(MANY)]
    conn.execute(
        sa.insert(turns_table),
        [
            {
                "event_key": key,
                "thread_key": thread_key or key,
                "order_key": number,
                "team_id": "T1",
                "channel_id": "C1",
                "thread_ts": f"{number}.0",
                "message_ts": f"{number}.0",
                "user_id": "U1",
                "status": "done",
                "available_at_ms": 0,
                "created_at_ms": 0,
            }
            for number, key in enumerate(keys)
        ],
    )
    conn.execute(
        sa.insert(quiet_threads_table),
        [{"thread_key": key, "quiet_by": "U1", "quiet_at_ms": 0} for key in keys],
    )


def age(conn: sa.Connection, seconds: float) -> None:
    earlier = now_ms() - int(seconds * 1000)
    conn.execute(sa.update(turns_table).values(finished_at_ms=earlier))
    conn.execute(sa.update(quiet_threads_table).values(quiet_at_ms=earlier))
