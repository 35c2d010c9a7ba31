"""No question ever carries somebody else's memory, whatever happens at once."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from attached import attach, text
from desk import ADA, TEAM
from given import store
from remembered import diary, made, memory_of, remembering
from rig import ANN, APP_ID, BOT, GROUP_DM, PRIVATE, PUBLIC, Rig, is_growing
from workers import Fleet, a_fleet, until

from bot.core.memory_places import description_of
from bot.playground.bailian import BailianServer
from bot.playground.dashscope.apps import App
from bot.playground.dashscope.journal import Entry
from bot.playground.slack.delivery import DeliveryRules
from bot.playground.slack.directory import Channel, User
from bot.playground.slack.limits import DEFAULT_RATES, Limits, Rate
from storage.database import Storage
from storage.memories import MemoryKey

CROWD = tuple(f"U0P{number}" for number in range(100))
PEOPLE = CROWD[:8]
APART = "C0APART"
ALSO_PUBLIC = "C0ALSO"
ROOMY = Rate(per_min=6_000, burst=400)
WITHIN_S = 90.0
SCOPES = {
    PUBLIC: "channels",
    ALSO_PUBLIC: "channels",
    **{place: f"channel:{place}" for place in (PRIVATE, APART)},
    GROUP_DM: f"untold:{GROUP_DM}",
}


@pytest.fixture
def app_under_test() -> App:
    return App(APP_ID, answers=diary)


@pytest.fixture
def limits() -> Limits:
    """What is tested is not Slack's patience."""
    return Limits(rates=dict.fromkeys(DEFAULT_RATES, ROOMY), post_per_channel=ROOMY)


@pytest.fixture
async def bailian(rig: Rig) -> AsyncIterator[BailianServer]:
    workspace = rig.slack.workspace
    for user in CROWD:
        workspace.add_user(User(user, name=user.lower(), real_name=user))
    for place in (PUBLIC, PRIVATE, GROUP_DM):
        channel = workspace.channels[place]
        workspace.add_channel(channel_with(channel, CROWD))
    apart = workspace.channels[PUBLIC]
    workspace.add_channel(channel_named(apart, APART))
    workspace.add_channel(channel_named(apart, ALSO_PUBLIC))
    async with remembering(rig) as opened:
        yield opened


def channel_with(channel: Channel, people: tuple[str, ...]) -> Channel:
    return replace(channel, members=channel.members | frozenset(people))


def channel_named(channel: Channel, channel_id: str) -> Channel:
    return replace(channel, channel_id=channel_id, name=channel_id.lower())


async def set_apart(rig: Rig) -> None:
    """Give one channel a memory of its own, as its setting says."""
    async with Storage(rig.database_url, exclusive=False) as storage:
        await storage.settings.change(
            "T0PLAY",
            f"channel:{APART}",
            values={"memory": "separate"},
            expected_version=0,
            by="U0ADA",
        )


def place_of(rig: Rig, user: str, where: str) -> str:
    return rig.slack.workspace.dm(user, BOT).channel_id if where == "direct" else where


async def ask(rig: Rig, user: str, where: str, *, number: int) -> tuple[str, str]:
    """Ask in a thread of its own; the question says who asks, and where."""
    channel = place_of(rig, user, where)
    ts = await rig.slack.say(user, channel, f"<@{BOT}> I am {user} at {where} for {number}.")
    return channel, ts


async def answered(rig: Rig, threads: list[tuple[str, str]]) -> None:
    def are_settled() -> bool:
        replies = [rig.reply(ts, channel=channel) for channel, ts in threads]
        return all(found and not any(map(is_growing, found)) for found in replies)

    await rig.slack.until(are_settled, timeout_s=WITHIN_S)


def owner_of(entry: Entry) -> tuple[str, str]:
    """Return whose question this is, and which memory it may carry, by its own words."""
    words = entry.body["input"]["prompt"].split()
    user, where = words[words.index("am") + 1], words[words.index("at") + 1]
    return user, "private" if where == "direct" else SCOPES[where]


def assert_isolated(rig: Rig, bailian: BailianServer) -> None:
    """Every request carried its asker's memory of its place or none; each was made once."""
    memories = made(bailian)
    assert all(len(found) == 1 for found in memories.values()), memories
    owners = {memory_id: key for key, (memory_id,) in memories.items()}
    for entry in rig.asked():
        memory_id = memory_of(entry)
        assert memory_id is None or owners[memory_id] == owner_of(entry)
    for kept in bailian.bank.memories:
        user, scope = owners[kept.memory_id]
        for fact in kept.nodes.values():
            assert f"I am {user} at" in fact
            where = fact.split(" at ")[1].split()[0]
            assert scope == ("private" if where == "direct" else SCOPES[where])


async def storm(
    rig: Rig, bailian: BailianServer, *, people: tuple[str, ...], seed: int, rounds: int = 2
) -> None:
    """Let people ask everywhere at once, and again when each of their memories was made."""
    dice = random.Random(seed)
    places = ["direct", *SCOPES]
    threads: list[tuple[str, str]] = []
    for number in range(rounds):
        asks = [(user, where) for user in people for where in dice.sample(places, 2)]
        dice.shuffle(asks)
        threads += await asyncio.gather(
            *(ask(rig, user, where, number=number) for user, where in asks)
        )
        await asyncio.sleep(dice.random())  # so that rounds overlap
    await answered(rig, threads)
    wanted = set(map(owner_of, rig.asked()))
    async with asyncio.timeout(WITHIN_S):
        # Who had to give up making one, throttled by the other process, does so when asked next.
        while missing := sorted(wanted - set(made(bailian))):
            again = [where_of(user, scope) for user, scope in missing]
            await answered(rig, [await ask(rig, user, where, number=0) for user, where in again])
            await asyncio.sleep(1.0)
    known = {where_of(user, scope) for user, scope in wanted}
    async with asyncio.timeout(WITHIN_S):
        for number in itertools.count(rounds):
            # An answer does not wait for a slow one: whose memory was late is asked again.
            await answered(rig, [await ask(rig, *each, number=number) for each in sorted(known)])
            last = [e for e in rig.asked() if f"for {number}." in e.body["input"]["prompt"]]
            assert len(last) == len(known)
            known -= {where_of(*owner_of(entry)) for entry in last if memory_of(entry)}
            if not known:
                return


def where_of(user: str, scope: str) -> tuple[str, str]:
    """Return a place where a memory counts."""
    return user, next((place for place, each in SCOPES.items() if each == scope), "direct")


@pytest.mark.slow
async def test_eight_people_everywhere_at_once_keep_their_memories_apart(
    rig: Rig, bailian: BailianServer
) -> None:
    async with rig.bot():
        await set_apart(rig)
        await storm(rig, bailian, people=PEOPLE, seed=11)
    assert_isolated(rig, bailian)


async def make_memories(rig: Rig, bailian: BailianServer) -> None:
    """Give everybody a memory in each scope.

    All are let in unseen: Slack tells of a few at a time who they are.
    """
    await store(rig, "workspace", who=["members", "guests", "external"])
    async with Storage(rig.database_url) as storage:
        for user, scope in itertools.product(CROWD, ("private", *dict.fromkeys(SCOPES.values()))):
            description = description_of(team_id=TEAM, user_id=user, scope=scope)
            key = MemoryKey(TEAM, user, scope)
            await storage.memories.give(key, bailian.bank.create(description), by=ADA)


@pytest.mark.slow
async def test_four_hundred_questions_of_a_hundred_people_carry_nobody_elses_memory(
    rig: Rig, bailian: BailianServer
) -> None:
    """What was asked is looked at, and no answer waited for."""
    await make_memories(rig, bailian)
    dice, places, rounds = random.Random(5), ("direct", *SCOPES), 4
    rig.changes |= {"turns_at_once": 1000, "grace_s": 0.0}
    rig.slack.dispatcher.rules = DeliveryRules(retry_delays_s=(0.5,) * 60)
    async with rig.bot():
        await set_apart(rig)
        # What the channels are is known then, and not asked of Slack by all at once.
        await answered(rig, [await ask(rig, CROWD[0], where, number=0) for where in places])
        for number in range(1, rounds + 1):
            due = len(rig.asked()) + len(CROWD)
            asks = [(dice.choice(CROWD), dice.choice(places)) for _ in CROWD]
            await asyncio.gather(*(ask(rig, *each, number=number) for each in asks))
            await rig.dashscope.until(
                lambda entries, due=due: len(entries) >= due, timeout_s=WITHIN_S
            )
        await rig.dashscope.until(
            lambda entries: all(entry.finished or entry.aborted for entry in entries),
            timeout_s=WITHIN_S,
        )
    assert_isolated(rig, bailian)
    assert any(memory_of(entry) for entry in rig.asked())  # nor wait answers for a slow one


@pytest.mark.slow
async def test_twenty_questions_at_once_make_one_memory(rig: Rig, bailian: BailianServer) -> None:
    async with rig.bot():
        threads = await asyncio.gather(
            *(ask(rig, PEOPLE[0], PUBLIC, number=number) for number in range(20))
        )
        await answered(rig, list(threads))
    assert {key: len(found) for key, found in made(bailian).items()} == {(PEOPLE[0], "channels"): 1}
    assert_isolated(rig, bailian)


async def test_what_an_attached_text_says_of_its_writer_is_not_remembered_of_who_attached_it(
    rig: Rig, bailian: BailianServer
) -> None:
    mail = "Hello Ann. I am Bob. My password is sesame. My wife is Eve."
    async with rig.bot():
        await answered(rig, [await ask(rig, ANN, PUBLIC, number=0)])
        for said in ("My task is to sum this up.", ""):
            thread = await attach(rig, text(content=mail), said=said)
            await answered(rig, [(PUBLIC, thread)])
            assert mail in rig.asked()[-1].body["input"]["prompt"]
    (memory,) = bailian.bank.memories
    assert list(memory.nodes.values()) == [f"I am {ANN} at {PUBLIC} for 0."]


class TestReplicas:
    """Several processes on one PostgreSQL."""

    @pytest.fixture
    def database(self) -> str:
        return "postgresql"

    @pytest.fixture
    async def fleet(self, rig: Rig, bailian: BailianServer, tmp_path: Path) -> AsyncIterator[Fleet]:
        async with a_fleet(rig, tmp_path) as fleet:
            yield fleet

    @pytest.mark.slow
    async def test_two_replicas_keep_memories_apart_and_make_each_once(
        self, fleet: Fleet, bailian: BailianServer
    ) -> None:
        await fleet.start(2)
        await set_apart(fleet.rig)
        await storm(fleet.rig, bailian, people=PEOPLE[:4], seed=7)
        assert_isolated(fleet.rig, bailian)
        assert all(worker.lines("turn.finished") for worker in fleet.workers)

    @pytest.mark.slow
    async def test_a_maker_killed_before_it_stored_leaves_one_memory_in_use(
        self, fleet: Fleet, bailian: BailianServer
    ) -> None:
        rig, user = fleet.rig, PEOPLE[0]
        (doomed,) = await fleet.start()
        bailian.gate.clear()
        thread = await ask(rig, user, PUBLIC, number=0)
        await until(lambda: bailian.bank.memories, within_s=WITHIN_S)
        await doomed.kill()
        bailian.gate.set()
        await fleet.start()
        await answered(rig, [thread])
        await age_claims(rig)
        for number in range(1, 4):
            await answered(rig, [await ask(rig, user, PUBLIC, number=number)])
        (memory,) = bailian.bank.memories
        assert memory_of(rig.asked()[-1]) == memory.memory_id
        assert_isolated(rig, bailian)


async def age_claims(rig: Rig) -> None:
    """Let half a minute pass for the claims in the database."""
    connection = await asyncpg.connect(rig.database_url.replace("+asyncpg", ""))
    try:
        await connection.execute("UPDATE memory SET claimed_at_ms = claimed_at_ms - 31000")
    finally:
        await connection.close()
