"""Usage summed up and paged through, against sums made in Python; on both databases."""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pytest

from storage.database import Storage
from storage.usage import keep_usage
from storage.usage_records import ModelUse, UsageKey, UsageLine, UsageRow

FIRST = date(2026, 10, 28)
DAYS = 8
BEGIN, END = FIRST + timedelta(days=2), FIRST + timedelta(days=5)
COVERED = [BEGIN + timedelta(days=number) for number in range((END - BEGIN).days + 1)]
MODELS = ("qwen-max", "qwen-plus", "通义", "a")


@dataclass(frozen=True, slots=True)
class Answered:
    """A turn as it was counted."""

    turn_id: int
    team: str
    channel: str
    user: str
    app: str
    day: date
    uses: tuple[ModelUse, ...]

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(use.model_id for use in self.uses) or ("",)


KEYS: dict[UsageKey, Callable[[Answered], Sequence[str]]] = {
    "day": lambda turn: [turn.day.isoformat()],
    "user": lambda turn: [turn.user],
    "channel": lambda turn: [turn.channel],
    "app": lambda turn: [turn.app],
    "model": lambda turn: turn.models,
}


def answered(numbers: range, *, seed: int) -> list[Answered]:
    """Return turns of no, one or several models, of two workspaces."""
    chance = random.Random(seed)
    return [
        Answered(
            turn_id=number,
            team="T2" if chance.random() < 0.1 else "T1",
            channel=chance.choice(["C1", "C2", "D1"]),
            user=chance.choice(["U1", "U2", "U3"]),
            app=chance.choice(["default", "law", "法务"]),
            day=FIRST + timedelta(days=chance.randrange(DAYS)),
            uses=tuple(
                ModelUse(name, chance.randrange(1, 10**10), chance.randrange(1, 10**10))
                for name in chance.sample(MODELS, chance.randrange(len(MODELS)))
            ),
        )
        for number in numbers
    ]


async def store(storage: Storage, turns: Sequence[Answered]) -> None:
    await asyncio.gather(*(store_one(storage, turn) for turn in turns))


async def store_one(storage: Storage, turn: Answered) -> None:
    await storage.usage.admit(
        turn.turn_id,
        team_id=turn.team,
        channel_id=turn.channel,
        user_id=turn.user,
        app=turn.app,
        limits=(),
        day=turn.day,
    )
    await storage.run(keep_usage, turn.turn_id, turn.uses)


def summed(turns: Sequence[Answered], *, by: UsageKey) -> dict[str, UsageRow]:
    """Return what a report must say."""
    counts, read, written = Counter[str](), Counter[str](), Counter[str]()
    for turn in turns:
        for key in KEYS[by](turn):
            counts[key] += 1
            own = [use for use in turn.uses if by != "model" or use.model_id == key]
            read[key] += sum(use.input_tokens for use in own)
            written[key] += sum(use.output_tokens for use in own)
    return {key: UsageRow(key, counts[key], read[key], written[key]) for key in counts}


async def pages(storage: Storage, *, size: int, meanwhile: Sequence[Answered]) -> list[UsageLine]:
    """Read all lines of the first workspace; more is stored before each further page."""
    lines: list[UsageLine] = []
    later = list(meanwhile)
    for day in COVERED:
        after, is_last = None, False
        while not is_last:
            page = await storage.usage.rows("T1", day=day, after=after, limit=size)
            lines += page
            after, is_last = lines[-1] if page else after, len(page) < size
            await store(storage, later[:3])
            del later[:3]
    return lines


def key_of(line: UsageLine) -> tuple[date, str, str, str, str]:
    return line.day, line.channel_id, line.user_id, line.app, line.model_id


def within_range(turns: Sequence[Answered]) -> list[Answered]:
    return [turn for turn in turns if turn.team == "T1" and BEGIN <= turn.day <= END]


def keys_of(turns: Sequence[Answered]) -> Counter[tuple[date, str, str, str, str]]:
    """Return how many turns each line is about."""
    return Counter(
        (turn.day, turn.channel, turn.user, turn.app, model)
        for turn in within_range(turns)
        for model in turn.models
    )


async def test_a_report_is_the_sum_of_its_turns_to_the_last_token(storage: Storage) -> None:
    turns = answered(range(120), seed=1)
    await store(storage, turns)
    for by, channel, user in itertools.product(KEYS, (None, "D1"), (None, "U2")):
        rows = await storage.usage.report(
            "T1", since=BEGIN, until=END, by=by, channel_id=channel, user_id=user
        )
        asked_about = [
            turn
            for turn in within_range(turns)
            if channel in {None, turn.channel} and user in {None, turn.user}
        ]
        assert len(asked_about) > 3
        assert {row.key: row for row in rows} == summed(asked_about, by=by)
        assert len({row.key for row in rows}) == len(rows)


async def test_days_come_in_order_and_all_else_by_tokens(storage: Storage) -> None:
    await store(storage, answered(range(60), seed=2))
    for by in KEYS:
        rows = await storage.usage.report("T1", since=BEGIN, until=END, by=by)
        in_order = sorted(rows, key=lambda row: row.key)
        if by != "day":
            in_order = sorted(rows, key=lambda row: -(row.input_tokens + row.output_tokens))
        assert list(rows) == in_order


async def test_a_range_without_turns_is_an_empty_report(storage: Storage) -> None:
    await store(storage, answered(range(20), seed=3))
    before = FIRST - timedelta(days=1)
    assert list(await storage.usage.report("T1", since=before, until=before, by="user")) == []
    assert list(await storage.usage.report("T1", since=END, until=BEGIN, by="user")) == []
    page = await storage.usage.rows("T1", day=before, after=None, limit=5)
    assert list(page) == []


async def test_lines_are_exact(storage: Storage) -> None:
    turns = answered(range(80), seed=4)
    await store(storage, turns)
    lines = await pages(storage, size=1000, meanwhile=[])
    assert {key_of(line): line.turns for line in lines} == keys_of(turns)
    used = [use for turn in within_range(turns) for use in turn.uses]
    assert sum(line.input_tokens for line in lines) == sum(use.input_tokens for use in used)
    assert sum(line.output_tokens for line in lines) == sum(use.output_tokens for use in used)


async def test_lines_of_a_channel_or_a_person_are_theirs_alone(storage: Storage) -> None:
    turns = answered(range(80), seed=4)
    await store(storage, turns)
    for day, channel, user in itertools.product(COVERED, (None, "D1"), (None, "U2")):
        page = await storage.usage.rows(
            "T1", day=day, after=None, limit=1000, channel_id=channel, user_id=user
        )
        wanted = [
            key
            for key in keys_of(turns)
            if key[0] == day and channel in {None, key[1]} and user in {None, key[2]}
        ]
        assert sorted(map(key_of, page)) == sorted(wanted)


@pytest.mark.parametrize("size", [1, 2, 7, 50])
@pytest.mark.parametrize("seed", [5, 6])
async def test_paging_never_misses_or_doubles_a_line_while_more_is_stored(
    storage: Storage, size: int, seed: int
) -> None:
    before = answered(range(60), seed=seed)
    meanwhile = answered(range(100, 220), seed=seed + 100)
    await store(storage, before)
    found = [key_of(line) for line in await pages(storage, size=size, meanwhile=meanwhile)]
    assert len(set(found)) == len(found), "none twice"
    assert set(keys_of(before)) <= set(found), "none missed"
    assert set(found) <= set(keys_of([*before, *meanwhile])), "none made up"
