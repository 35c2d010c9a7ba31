"""Turns counted within their limits, and their tokens; on both databases."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from storage import admission
from storage.admission import Entry
from storage.clock import DAY_MS, day_of, now_ms, to_date
from storage.database import Storage
from storage.errors import LeaseLost
from storage.records import Turn, TurnStatus
from storage.tables import turn as turns_table
from storage.tables import usage as usage_table
from storage.tables import usage_model
from storage.usage import MAX_TOKENS, keep_usage
from storage.usage_records import Limit, ModelUse, UsageRow
from tests.storage.crew import connected, until_somebody_waits
from tests.storage.plans import analyze, plan_of
from tests.storage.sample import claimed, lease_of, new_turn, taken

DAY_S = 24 * 60 * 60.0
MANY = 50
ROOM = 20
MINE = Limit("user", "turns", ROOM, across="workspace")
MINE_HERE = Limit("user", "turns", ROOM, across="channel")
ALL_HERE = Limit("channel", "turns", ROOM, across="channel")
LONG_AGO, LONG_AFTER = date(2000, 1, 1), date(2100, 1, 1)


@pytest.fixture
async def replicas(url: str) -> AsyncIterator[Sequence[Storage]]:
    """Several processes' worth of storage where there may be several."""
    count = 5 if url.startswith("postgresql") else 1
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Storage(url)) for _ in range(count)]


async def is_admitted(
    storage: Storage,
    turn_id: int,
    *limits: Limit,
    user: str = "U1",
    channel: str = "C1",
    team: str = "T1",
    day: date | None = None,
) -> bool:
    answer = await storage.usage.admit(
        turn_id,
        team_id=team,
        channel_id=channel,
        user_id=user,
        app="default",
        limits=limits,
        day=day,
    )
    return answer.refused is None


async def totals(storage: Storage) -> tuple[int, int, int]:
    """Return turns, input and output tokens of the workspace."""
    rows = await storage.usage.report("T1", since=LONG_AGO, until=LONG_AFTER, by="day")
    return (
        sum(row.turns for row in rows),
        sum(row.input_tokens for row in rows),
        sum(row.output_tokens for row in rows),
    )


async def finish(storage: Storage, turn: Turn, *uses: ModelUse) -> None:
    await storage.turns.finish(
        turn, status=TurnStatus.DONE, session=None, outcome="answered", usage=uses
    )


async def fail(storage: Storage, turn: Turn, *uses: ModelUse) -> None:
    await storage.turns.finish(
        turn, status=TurnStatus.FAILED, session=None, outcome="failed", usage=uses
    )


@pytest.mark.parametrize(
    ("limit", "users", "channels"),
    [(MINE, 1, MANY), (MINE_HERE, 1, 1), (ALL_HERE, MANY, 1)],
    ids=["user", "user-in-channel", "channel"],
)
async def test_of_many_at_once_exactly_as_many_as_the_limit_are_admitted(
    replicas: Sequence[Storage], limit: Limit, users: int, channels: int
) -> None:
    admitted = await asyncio.gather(
        *(
            is_admitted(
                replicas[number % len(replicas)],
                number,
                limit,
                user=f"U{number % users}",
                channel=f"C{number % channels}",
            )
            for number in range(MANY)
        )
    )
    assert sum(admitted) == ROOM
    assert (await totals(replicas[0]))[0] == ROOM


async def test_of_many_at_once_the_smallest_of_several_limits_counts(
    replicas: Sequence[Storage],
) -> None:
    small = Limit("channel", "turns", 7, across="channel")
    admitted = await asyncio.gather(
        *(
            is_admitted(replicas[number % len(replicas)], number, *limits)
            for number in range(MANY)
            for limits in [(MINE, small) if number % 2 else (small, MINE)]
        )
    )
    assert sum(admitted) == small.limit


async def test_without_limits_everybody_is_admitted_and_counted(storage: Storage) -> None:
    assert all([await is_admitted(storage, number) for number in range(5)])
    assert await totals(storage) == (5, 0, 0)


async def test_a_turn_that_two_workers_admit_at_once_is_counted_once(
    pair: tuple[Storage, Storage],
) -> None:
    one, other = pair
    for turn_id, limits in ((1, []), (2, [MINE])):
        entry = Entry(turn_id, team_id="T1", channel_id="C1", user_id="U1", app="default")
        async with connected(one) as conn:
            await conn.run_sync(admission.admit, entry, limits=limits, day=None)
            late = asyncio.create_task(is_admitted(other, turn_id, *limits))
            await until_somebody_waits(one)
            await conn.commit()
        assert await late
    assert await totals(one) == (2, 0, 0)


async def test_a_turn_that_is_counted_is_admitted_again_though_the_limit_is_spent(
    storage: Storage,
) -> None:
    one = Limit("user", "turns", 1, across="workspace")
    await is_admitted(storage, 1)
    await is_admitted(storage, 2)
    again = await storage.usage.admit(
        1, team_id="T1", channel_id="C1", user_id="U1", app="default", limits=[one]
    )
    assert again.refused is None
    assert again.used == ((one, 1),), "without the turn itself"
    assert not await is_admitted(storage, 3, one)
    assert await totals(storage) == (2, 0, 0)


async def test_a_crash_between_admission_and_end_costs_one_count(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        first = await taken(storage)
        assert await is_admitted(storage, first.id, MINE)
        await storage.turns.release([first])
        second = await taken(storage)
        assert await is_admitted(storage, second.id, MINE)
        await finish(storage, second, ModelUse("qwen", 10, 5))
    assert await totals(storage) == (1, 10, 5)


async def test_a_refused_turn_is_not_counted_and_may_come_again(storage: Storage) -> None:
    one = Limit("user", "turns", 1, across="workspace")
    assert await is_admitted(storage, 1, one)
    assert not await is_admitted(storage, 2, one)
    assert await totals(storage) == (1, 0, 0)
    assert await is_admitted(storage, 2, Limit("user", "turns", 2, across="workspace"))


async def test_a_limit_counts_its_own_person_channel_and_workspace_only(storage: Storage) -> None:
    await is_admitted(storage, 1)
    await is_admitted(storage, 2, channel="C2")
    await is_admitted(storage, 3, user="U2")
    await is_admitted(storage, 4, user="U2", channel="C2")
    await is_admitted(storage, 5, team="T2")
    answer = await storage.usage.admit(
        6,
        team_id="T1",
        channel_id="C1",
        user_id="U1",
        app="default",
        limits=[MINE, MINE_HERE, ALL_HERE, replace(ALL_HERE, across="workspace")],
    )
    assert [count for _, count in answer.used] == [2, 1, 2, 2]


async def test_the_first_limit_that_is_spent_is_named_and_all_are_told(storage: Storage) -> None:
    spent = [Limit("user", "turns", 1, across=across) for across in ("workspace", "channel")]
    await is_admitted(storage, 1)
    answer = await storage.usage.admit(
        2,
        team_id="T1",
        channel_id="C1",
        user_id="U1",
        app="default",
        limits=[MINE, *reversed(spent)],
    )
    assert answer.refused == spent[1]
    assert answer.used == ((MINE, 1), (spent[1], 1), (spent[0], 1))


@pytest.mark.parametrize("one", [MINE, MINE_HERE, ALL_HERE], ids=["user", "here", "channel"])
async def test_a_limit_of_tokens_looks_at_what_ended_turns_have_used(
    storage: Storage, one: Limit
) -> None:
    def tokens(limit: int) -> Limit:
        return replace(one, unit="tokens", limit=limit)

    await claimed(storage)
    async with lease_of(storage):
        turn = await taken(storage)
        assert await is_admitted(storage, turn.id, tokens(1))
        assert await is_admitted(storage, 1001, tokens(1)), "nothing has ended yet"
        await finish(storage, turn, ModelUse("a", 60, 20), ModelUse("b", 15, 5))
    assert not await is_admitted(storage, 1002, tokens(100))
    assert await is_admitted(storage, 1003, tokens(101))


async def test_a_limit_is_new_each_day(storage: Storage) -> None:
    one = Limit("user", "turns", 1, across="workspace")
    first, second = date(2026, 2, 28), date(2026, 3, 1)
    assert await is_admitted(storage, 1, one, day=first)
    assert not await is_admitted(storage, 2, one, day=first)
    assert await is_admitted(storage, 3, one, day=second)
    assert await is_admitted(storage, 4, one)
    rows = await storage.usage.report("T1", since=first, until=second, by="day")
    assert [row.key for row in rows] == ["2026-02-28", "2026-03-01"]


async def test_a_day_lasts_from_midnight_to_midnight_utc_by_the_clock_of_the_database(
    storage: Storage,
) -> None:
    def read(conn: sa.Connection) -> Sequence[int]:
        instants = [0, DAY_MS - 1, DAY_MS, 20_778 * DAY_MS - 1, 20_778 * DAY_MS]
        days = [day_of(sa.literal(at_ms, sa.BigInteger)) for at_ms in instants]
        return conn.execute(sa.select(*days)).one()

    assert list(await storage.read(read)) == [0, 0, 1, 20_777, 20_778]
    assert to_date(20_778) == date(2026, 11, 21)
    await is_admitted(storage, 1)
    day, at_ms = await storage.read(
        lambda conn: conn.execute(sa.select(usage_table.c.day, usage_table.c.created_at_ms)).one()
    )
    assert day == at_ms // DAY_MS
    now = await storage.read(lambda conn: conn.scalar(sa.select(now_ms())) or 0)
    assert 0 <= now - at_ms < 60_000


async def test_a_turn_that_began_before_midnight_is_counted_on_that_day_alone(
    storage: Storage,
) -> None:
    yesterday = date(2026, 11, 20)
    await is_admitted(storage, 1, MINE, day=yesterday)
    await is_admitted(storage, 1, MINE, day=yesterday + timedelta(days=1))
    rows = await storage.usage.report("T1", since=LONG_AGO, until=LONG_AFTER, by="day")
    assert rows == [UsageRow("2026-11-20", turns=1, input_tokens=0, output_tokens=0)]


async def test_tokens_of_one_model_named_twice_are_added_up(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        turn = await taken(storage)
        await is_admitted(storage, turn.id)
        await finish(storage, turn, ModelUse("a", 1, 2), ModelUse("b", 10, 20), ModelUse("a", 3, 4))
    rows = await storage.usage.report("T1", since=LONG_AGO, until=LONG_AFTER, by="model")
    assert rows == [UsageRow("b", 1, 10, 20), UsageRow("a", 1, 4, 6)]


async def test_tokens_come_with_the_end_of_the_turn_or_not_at_all(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        stale = await taken(storage)
        await is_admitted(storage, stale.id)
        await storage.turns.release([stale])
        fresh = await taken(storage)
        with pytest.raises(LeaseLost):
            await finish(storage, stale, ModelUse("a", 1000, 1000))
        assert await totals(storage) == (1, 0, 0)
        await finish(storage, fresh, ModelUse("a", 1, 2))
        with pytest.raises(LeaseLost):
            await finish(storage, fresh, ModelUse("a", 1000, 1000))
    assert await totals(storage) == (1, 1, 2)


@pytest.mark.parametrize("uses", [(), (ModelUse("a", 1, 2),)], ids=["free", "costly"])
async def test_a_failed_turn_leaves_room_for_another_but_its_tokens_stay(
    storage: Storage, uses: Sequence[ModelUse]
) -> None:
    one, tokens = replace(MINE, limit=1), replace(MINE, unit="tokens", limit=3)
    await claimed(storage)
    async with lease_of(storage):
        turn = await taken(storage)
        assert await is_admitted(storage, turn.id, one)
        assert not await is_admitted(storage, 9, one)
        await fail(storage, turn, *uses)
        with pytest.raises(LeaseLost):
            await fail(storage, turn, *uses)
    assert await totals(storage) == (0, *((1, 2) if uses else (0, 0)))
    assert await is_admitted(storage, 9, tokens) is not bool(uses)
    assert await is_admitted(storage, 9, one)
    assert not await is_admitted(storage, 10, one)


async def test_a_turn_that_failed_for_nothing_is_in_no_report(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        turn = await taken(storage)
        await is_admitted(storage, turn.id)
        await fail(storage, turn)
    assert not await storage.usage.report("T1", since=LONG_AGO, until=LONG_AFTER, by="user")


async def test_what_is_noted_of_a_turn_replaces_what_was_noted_before(storage: Storage) -> None:
    await is_admitted(storage, 1)
    await storage.run(keep_usage, 1, [ModelUse("a", 1, 2), ModelUse("b", 3, 4)])
    await storage.run(keep_usage, 1, [ModelUse("a", 5, 6)])
    assert await totals(storage) == (1, 5, 6)


async def test_a_turn_nobody_counted_leaves_no_tokens(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        await finish(storage, await taken(storage), ModelUse("a", 1, 2))
    assert await storage.read(stored) == (0, 0)


async def test_numbers_no_answer_can_have_do_not_keep_a_turn_from_ending(storage: Storage) -> None:
    for number in range(2):
        await claimed(storage, new_turn(message_ts=f"{number}.0"))
    async with lease_of(storage):
        for _ in range(2):
            turn = await taken(storage)
            await is_admitted(storage, turn.id)
            await finish(storage, turn, ModelUse("a", 10**30, 2**63 - 1))
    assert await totals(storage) == (2, 2 * MAX_TOKENS, 2 * MAX_TOKENS)


async def test_usage_outlives_the_turns_it_counts(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        turn = await taken(storage)
        await is_admitted(storage, turn.id)
        await finish(storage, turn, ModelUse("a", 1, 2))
    await storage.run(age, 30 * DAY_S)
    assert await storage.turns.prune(older_than_s=29 * DAY_S, limit=9) == 1
    assert await totals(storage) == (1, 1, 2)


async def test_old_usage_is_forgotten_with_its_tokens_in_batches(storage: Storage) -> None:
    for number in range(5):
        await is_admitted(storage, number)
        await storage.run(keep_usage, number, [ModelUse("a", 1, 2), ModelUse("b", 3, 4)])
    await storage.run(age, 401 * DAY_S)
    await is_admitted(storage, 9)
    await storage.run(keep_usage, 9, [ModelUse("a", 1, 2)])
    assert await storage.usage.prune(older_than_s=402 * DAY_S, limit=9) == 0
    assert await storage.usage.prune(older_than_s=400 * DAY_S, limit=3) == 3
    assert await storage.read(stored) == (3, 5)
    assert await storage.usage.prune(older_than_s=400 * DAY_S, limit=3) == 2
    assert await storage.read(stored) == (1, 1)


async def test_an_admission_reads_its_own_day_by_an_index(storage: Storage) -> None:
    await storage.run(crowd)
    await storage.run(analyze)
    entry = Entry(turn_id=7, team_id="T1", channel_id="C1", user_id="U1", app="default")
    for limit in (MINE, ALL_HERE, Limit("user", "tokens", 9, across="workspace")):
        plan = await storage.read(plan_of, admission._state(entry, limits=[limit], day=None))
        assert "ix_usage_channel" in plan or "ix_usage_user" in plan
        for word in ("Seq Scan on usage", "SCAN usage"):
            assert word not in plan


def crowd(conn: sa.Connection) -> None:
    """Store usage of many days, people and channels."""
    rows = [
        {
            "turn_id": number,
            "team_id": "T1",
            "channel_id": f"C{number % 50}",
            "user_id": f"U{number % 97}",
            "app": "default",
            "day": number % 400,
            "created_at_ms": 0,
        }
        for number in range(20_000)
    ]
    conn.execute(sa.insert(usage_table), rows)
    tokens = {"model_id": "a", "input_tokens": 1, "output_tokens": 2}
    conn.execute(sa.insert(usage_model), [{"turn_id": row["turn_id"], **tokens} for row in rows])


def age(conn: sa.Connection, seconds: float) -> None:
    earlier = now_ms() - int(seconds * 1000)
    conn.execute(sa.update(usage_table).values(created_at_ms=earlier))
    conn.execute(sa.update(turns_table).values(finished_at_ms=earlier))


def stored(conn: sa.Connection) -> tuple[int, int]:
    """Return how many turns are counted, and how many rows of tokens there are."""
    tables = (usage_table, usage_model)
    counts = (conn.scalar(sa.select(sa.func.count()).select_from(table)) for table in tables)
    turns, tokens = (count or 0 for count in counts)
    return turns, tokens
