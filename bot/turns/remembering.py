"""Long-term memory: which one a question is asked with, and making it when there is none yet."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, Self, TypeVar

import structlog

from bot.core.memory import Memory, NotMade
from bot.core.memory_places import description_of, is_switched_off, scope_at, why_without
from bot.core.policy import ChannelInfo
from bot.core.resolution import Effective
from bot.core.setting import MemoryUse
from bot.core.studio_workspace import StudioWorkspace
from bot.errors import (
    AccountProblem,
    DashScopeError,
    MemoryGone,
    Misconfigured,
    RequestRefused,
    Throttled,
)
from bot.turns.ports import Recalled
from storage.database import Storage
from storage.errors import StorageError
from storage.memories import STALE_AFTER_S, MemoryKey
from storage.records import Turn

log = structlog.stdlib.get_logger(__name__)

WAIT_S = 3.0
"""An answer does not wait longer for its memory; one made later serves the next question."""
MAKE_WITHIN_S = STALE_AFTER_S - 5.0
"""Making ends well before somebody else may take the claim over."""
REST_S = 10.0
"""After a failure nothing is made for so long, so that nobody waits for a service that is away."""
MAKING_AT_MOST = 500
"""Memories that wait to be made; each takes about a second."""
LOOK_FOR_AT_MOST = 500
"""Of the workspace's memories so many are looked at for one that was made and not stored."""
TRIES = 6
"""While the service is throttled: it serves one call a second, whichever process it comes from."""

_NOTHING_WAS_MADE = (RequestRefused, Misconfigured, AccountProblem, Throttled)
_Found = TypeVar("_Found")


class MemoryMaker(Protocol):
    """Where memories are made. Every method raises `bot.errors.DashScopeError`."""

    async def create(self, description: str) -> str:
        """Make a memory and return its id. Not idempotent."""
        ...

    async def list(self, *, limit: int = ...) -> Sequence[Memory]:
        """Return up to `limit` memories, whoever made them."""
        ...

    async def get(self, memory_id: str) -> Memory:
        """Return a memory; MemoryGone when there is none of this id."""
        ...


class Channels(Protocol):
    """What channels are."""

    async def channel(self, team_id: str, channel_id: str) -> ChannelInfo | None:
        """Return what a channel is, within two seconds; None when nobody tells."""
        ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds.

    Attributes:
        answer_s: An answer, for its memory.
        rest_s: After a failure, before anything is made again.
        throttled_s: Between two tries while the service is throttled.
        stale_s: For somebody else's claim.
    """

    answer_s: float = WAIT_S
    rest_s: float = REST_S
    throttled_s: float = 1.5
    stale_s: float = STALE_AFTER_S


class LongTermMemory:
    """Finds the memory a question is asked with, and owns the tasks that make new ones.

    Leaving `async with` cancels what is being made; another process finds it by its description.

    Args:
        storage: Knows whose memory is whose.
        maker: Makes them; None when the operator gave no keys, and then only those count that
            admins named.
        workspace: Where the maker makes them.
        channels: Tell which are private.
        patience: How long to wait.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        maker: MemoryMaker | None,
        workspace: StudioWorkspace,
        channels: Channels,
        patience: Patience | None = None,
    ) -> None:
        self._storage = storage
        self._maker = maker
        self._workspace = workspace if maker is not None else None
        self._channels = channels
        self._patience = patience or Patience()
        # Processes that are throttled together must not come back together.
        self._own_pace = 0.5 + zlib.crc32(storage.worker.encode()) / 2**32
        self._turn_to_make = asyncio.Lock()
        self._making: dict[MemoryKey, asyncio.Task[str | None]] = {}
        self._checking: set[asyncio.Task[None]] = set()
        self._rests_until = 0.0
        self._not_made: NotMade | None = None

    async def __aenter__(self) -> Self:
        """Return itself; there is nothing to open."""
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Cancel what is under way."""
        tasks = {*self._making.values(), *self._checking}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def recall(self, turn: Turn, effective: Effective) -> Recalled | None:
        """Return the memory a question is asked with, within three seconds; None without one.

        Never raises: an answer without memory is better than none.

        Args:
            turn: Whose question, and where.
            effective: What holds there.
        """
        is_off = effective.memory is MemoryUse.OFF
        if is_off or why_without(effective.app, workspace=self._workspace):
            return None
        try:
            async with asyncio.timeout(self._patience.answer_s):
                return await self._recall(turn, effective.memory)
        except (TimeoutError, StorageError) as error:
            log.info("memory.not_in_time", error=type(error).__name__)
            return None

    def not_made(self) -> NotMade | None:
        """Return what went wrong when this process last made a memory; None when nothing did."""
        return self._not_made

    def lost(self, recalled: Recalled) -> None:
        """Take note that an app does not know a memory; if there is none any more, it is forgotten.

        An app of another workspace knows none of ours: that is no reason to forget what is there.
        """
        task = asyncio.create_task(self._check(recalled), name="memory check")
        self._checking.add(task)
        task.add_done_callback(self._checking.discard)
        task.add_done_callback(_report)

    def doubt(self, recalled: Recalled) -> None:
        """Take note that a question failed with a memory; one that is gone is forgotten.

        Without keys nobody can tell, and it stays. One memory is looked at at a time: while the
        service is away every question fails.
        """
        if self._maker is not None and not self._checking:
            self.lost(recalled)

    @property
    def _is_resting(self) -> bool:
        return _now() < self._rests_until

    async def _recall(self, turn: Turn, use: MemoryUse) -> Recalled | None:
        team_id, user_id = turn.team_id, turn.user_id
        if self._maker is None and not await self._storage.memories.of_user(team_id, user_id):
            return None  # and Slack need not be asked what the channel is
        channel = await self._channels.channel(team_id, turn.channel_id)
        key = MemoryKey(team_id, user_id, scope_at(turn.channel_id, use, channel=channel))
        memory_id = await self._find(key)
        return Recalled(key, memory_id) if memory_id is not None else None

    async def _find(self, key: MemoryKey) -> str | None:
        if await self._is_off(key):
            return None
        stored = await self._storage.memories.get(key)
        if stored is not None and stored.memory_id is not None:
            return stored.memory_id
        if self._maker is None or self._is_resting:
            return None
        task = self._making.get(key) or self._begin(key, self._make(key, maker=self._maker))
        made = None if task is None else await asyncio.shield(task)
        # That took a while, in which its owner may have switched it off.
        return None if made is None or await self._is_off(key) else made

    async def _is_off(self, key: MemoryKey) -> bool:
        """Whether its owner wants to be remembered nowhere."""
        own = f"user:{key.user_id}"
        settings = await self._storage.settings.get(key.team_id, own)
        return is_switched_off(settings[own].values)

    def _begin(
        self, key: MemoryKey, making: Coroutine[Any, Any, str | None]
    ) -> asyncio.Task[str | None] | None:
        if len(self._making) >= MAKING_AT_MOST:
            making.close()
            return None
        task = self._making[key] = asyncio.create_task(making, name="memory")
        task.add_done_callback(lambda _task: self._making.pop(key, None))
        task.add_done_callback(_report)
        return task

    async def _make(self, key: MemoryKey, *, maker: MemoryMaker) -> str | None:
        """Make a memory when its turn comes, unless somebody else does; None when that failed."""
        async with self._turn_to_make:
            if self._is_resting:
                return None
            try:
                async with asyncio.timeout(MAKE_WITHIN_S):
                    return await self._make_or_release(key, maker=maker)
            except (DashScopeError, StorageError, TimeoutError) as error:
                name = type(error).__name__
                code = error.code if isinstance(error, DashScopeError) else ""
                log.warning("memory.not_made", error=name, code=code)
                self._not_made = NotMade(code or name, datetime.now(UTC))
                if not isinstance(error, Throttled):
                    self._rests_until = _now() + self._patience.rest_s
                return None

    async def _make_or_release(self, key: MemoryKey, *, maker: MemoryMaker) -> str | None:
        memories, by = self._storage.memories, self._storage.worker
        claim = await memories.claim(key, by=by, stale_after_s=self._patience.stale_s)
        if not claim.is_won:
            return claim.memory_id
        try:
            memory_id = await self._create(key, maker=maker, is_second=claim.is_second)
        except _NOTHING_WAS_MADE:
            if not claim.is_second:  # whoever comes next need not look for it
                await memories.release(key, by=by)
            raise
        self._not_made = None
        is_ours = await memories.store(key, memory_id, by=by)
        outcome = "stored" if is_ours else "too late"
        log.info("memory.made", team_id=key.team_id, user_id=key.user_id, outcome=outcome)
        return memory_id if is_ours else None

    async def _create(self, key: MemoryKey, *, maker: MemoryMaker, is_second: bool) -> str:
        """Return the id of a new memory, or of the one a maker before us made and did not store."""
        description = description_of(team_id=key.team_id, user_id=key.user_id, scope=key.scope)
        if is_second:
            known = await self._patiently(lambda: maker.list(limit=LOOK_FOR_AT_MOST))
            found = next((each for each in known if each.description == description), None)
            if found is not None:
                return found.memory_id
        return await self._patiently(lambda: maker.create(description))

    async def _patiently(self, call: Callable[[], Awaitable[_Found]]) -> _Found:
        """Make a call again while the service is throttled, for then nothing has happened."""
        for _ in range(TRIES - 1):
            try:
                return await call()
            except Throttled:
                await asyncio.sleep(self._patience.throttled_s * self._own_pace)
        return await call()

    async def _check(self, recalled: Recalled) -> None:
        """Forget a memory that is gone."""
        try:
            if self._maker is not None:
                await self._maker.get(recalled.memory_id)
                log.warning("memory.refused", reason="it exists, but a question failed with it")
                return
        except MemoryGone:
            pass
        except DashScopeError as error:
            log.warning("memory.not_checked", error=type(error).__name__, code=error.code)
            return
        try:
            await self._storage.memories.forget(recalled.key, recalled.memory_id)
        except StorageError as error:
            log.warning("memory.not_dropped", error=type(error).__name__)
            return
        log.info("memory.dropped", team_id=recalled.key.team_id, user_id=recalled.key.user_id)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _report(task: asyncio.Task[Any]) -> None:
    """Log what nobody may be waiting for."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("memory.broke", exc_info=error)
