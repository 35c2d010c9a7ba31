"""Making memories: each person's own, one at a time, and none lost because a service is away."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from edges import a_turn
from memory_maker import AGENT, DIRECT, QUICK, Maker, grow_stale, idle, remembering

from bot.core.memory import Memory
from bot.errors import Throttled, UpstreamUnreachable
from bot.turns.remembering import TRIES
from storage import schema
from storage.database import Storage
from storage.memories import MemoryKey

OWN = MemoryKey("T1", "U1", "private")


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    await schema.upgrade(url)
    async with Storage(url) as opened:
        yield opened


@pytest.mark.parametrize("others", ["slack:T1:U2:private", "slack:T2:U1:private", ""])
async def test_a_memory_that_is_looked_for_is_never_taken_from_somebody_else(
    storage: Storage, others: str
) -> None:
    maker = Maker(keeps_quiet=True)
    async with remembering(storage, maker) as memories:
        assert await memories.recall(DIRECT, AGENT) is None
        maker.made = [Memory("theirs", others)]  # ours was never made
        maker.keeps_quiet = False
        await grow_stale(storage)
        found = await memories.recall(DIRECT, AGENT)
    assert maker.calls == ["create", "list", "create"]
    assert found is not None
    assert found.memory_id == "m1"


@dataclass
class Watched(Maker):
    """Knows how many are at it at once."""

    at_it: int = 0
    most: int = 0

    async def create(self, description: str) -> str:
        self.at_it += 1
        self.most = max(self.most, self.at_it)
        try:
            return await super().create(description)
        finally:
            self.at_it -= 1


async def test_memories_of_many_people_are_made_one_after_another(storage: Storage) -> None:
    maker = Watched()
    async with remembering(storage, maker) as memories:
        people = [a_turn(channel_id="D1", user_id=f"U{number}") for number in range(5)]
        found = await asyncio.gather(*(memories.recall(turn, AGENT) for turn in people))
    assert len({each.memory_id for each in found if each is not None}) == len(people)
    assert maker.most == 1


async def test_those_who_wait_for_a_service_that_turns_out_to_be_away_leave_it_alone_too(
    storage: Storage,
) -> None:
    maker = Maker(failures=[UpstreamUnreachable()])
    async with remembering(storage, maker, replace(QUICK, rest_s=60.0)) as memories:
        people = [a_turn(channel_id="D1", user_id=f"U{number}") for number in range(5)]
        found = await asyncio.gather(*(memories.recall(turn, AGENT) for turn in people))
    assert found == [None] * len(people)
    assert maker.calls == ["create"]


async def test_a_service_that_is_only_throttled_is_not_left_alone(storage: Storage) -> None:
    maker = Maker(failures=[Throttled() for _ in range(TRIES)])
    async with remembering(storage, maker, replace(QUICK, rest_s=60.0)) as memories:
        assert await memories.recall(DIRECT, AGENT) is None
        assert await memories.recall(a_turn(user_id="U2"), AGENT) is not None


async def test_a_memory_made_after_its_claim_was_lost_is_not_used_beside_the_one_there_is(
    storage: Storage,
) -> None:
    maker = Maker(gate=asyncio.Event())
    assert maker.gate is not None
    async with remembering(storage, maker) as memories:
        recalling = asyncio.create_task(memories.recall(DIRECT, AGENT))

        async def is_being_made() -> bool:
            return bool(maker.made)

        await idle(is_being_made)
        await storage.memories.give(OWN, "by hand", by="UADMIN")
        maker.gate.set()
        first = await recalling
        second = await memories.recall(DIRECT, AGENT)
    assert first is None
    assert second is not None
    assert second.memory_id == "by hand"


async def test_a_memory_stays_while_the_service_does_not_say_whether_it_is_gone(
    storage: Storage,
) -> None:
    maker = Maker()
    async with remembering(storage, maker) as memories:
        recalled = await memories.recall(DIRECT, AGENT)
        assert recalled is not None
        maker.failures = [UpstreamUnreachable()]
        memories.lost(recalled)
        await asyncio.gather(*memories._checking)
    assert maker.calls == ["create", "get"]
    assert await storage.memories.get(recalled.key) is not None
