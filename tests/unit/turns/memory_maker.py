"""Where memories are made, in a few lines, and a long-term memory that uses it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import sqlalchemy as sa
from edges import PROFILE, a_turn

from bot.core.memory import Memory
from bot.core.policy import ChannelInfo
from bot.core.resolution import Effective
from bot.core.studio_workspace import StudioWorkspace
from bot.errors import DashScopeError, MemoryGone, UpstreamTimeout
from bot.turns.remembering import LongTermMemory, Patience
from storage.database import Storage
from storage.tables import memory

WORKSPACE = StudioWorkspace("http://127.0.0.1:1", "llm-1")
GENERAL = ChannelInfo(
    "C1",
    name="general",
    is_member=True,
    is_private=False,
    is_direct=False,
    is_shared=False,
    creator="",
    is_archived=False,
)
AGENT = Effective(PROFILE)
DIRECT = a_turn(channel_id="D1")
QUICK = Patience(answer_s=60.0, rest_s=0.0, throttled_s=0.0)


@dataclass
class Maker:
    """A Bailian of a few lines."""

    made: list[Memory] = field(default_factory=list[Memory])
    failures: list[DashScopeError] = field(default_factory=list[DashScopeError])
    calls: list[str] = field(default_factory=list[str])
    gate: asyncio.Event | None = None
    keeps_quiet: bool = False

    async def create(self, description: str) -> str:
        await self._called("create")
        self.made.append(Memory(f"m{len(self.made)}", description))
        if self.gate is not None:
            await self.gate.wait()
        if self.keeps_quiet:
            raise UpstreamTimeout
        return self.made[-1].memory_id

    async def list(self, *, limit: int = 0) -> Sequence[Memory]:
        await self._called("list")
        return self.made

    async def get(self, memory_id: str) -> Memory:
        await self._called("get")
        for each in self.made:
            if each.memory_id == memory_id:
                return each
        raise MemoryGone

    async def _called(self, name: str) -> None:
        self.calls.append(name)
        await asyncio.sleep(0)
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class Town:
    """Public channels, a private and a shared one; what another one is, nobody tells."""

    asked: list[str] = field(default_factory=list[str])

    async def channel(self, team_id: str, channel_id: str) -> ChannelInfo | None:
        del team_id
        self.asked.append(channel_id)
        if channel_id == "C0UNKNOWN":
            return None
        is_private, is_shared = channel_id == "C0HIDDEN", channel_id == "C0SHARED"
        return replace(GENERAL, is_private=is_private, is_shared=is_shared)


@asynccontextmanager
async def remembering(
    storage: Storage,
    maker: Maker | None,
    patience: Patience = QUICK,
    town: Town | None = None,
) -> AsyncGenerator[LongTermMemory]:
    async with LongTermMemory(
        storage, maker=maker, workspace=WORKSPACE, channels=town or Town(), patience=patience
    ) as opened:
        yield opened


async def grow_stale(storage: Storage) -> None:
    past = sa.update(memory).values(claimed_at_ms=memory.c.claimed_at_ms - 31_000)
    await storage.run(lambda conn: conn.execute(past) and None)


async def idle(predicate: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await predicate():
            await asyncio.sleep(0.005)
