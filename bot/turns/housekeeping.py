"""Forgetting: turns, conversations, quiet threads, usage and secrets go when their time is up."""

import asyncio
from typing import Protocol, Self

import structlog

from storage.database import Storage
from storage.errors import StorageError

log = structlog.stdlib.get_logger(__name__)

EVERY_S = 3600.0
BATCH = 500
BATCHES_AT_MOST = 200
"""A bound for one round; what is left over goes in the next."""
BETWEEN_BATCHES_S = 0.05
"""Room for claims between two batches."""
USAGE_DAYS = 400
"""Usage is kept for so long: the month of a year ago can still be compared with this one."""
SECRET_DAYS = 30
"""For so long the own key of an app that was removed can be brought back."""
DAY_S = 86_400.0


class Housekeeping:
    """Owns the task that prunes; `async with` starts and ends it.

    Args:
        storage: An open storage.
        retention_days: Age after which a finished turn, an idle conversation or a quiet thread
            goes. Usage holds no text and stays for 400 days in any case, a secret
            nobody names for 30. What admins changed, and who, is never forgotten.
    """

    def __init__(self, storage: Storage, *, retention_days: int) -> None:
        self._storage = storage
        self._older_than_s = retention_days * DAY_S
        self._task: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep_pruning(), name="housekeeping")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})

    async def _keep_pruning(self) -> None:
        while True:
            try:
                count = await self.prune()
            except StorageError as error:
                log.warning("storage.not_pruned", error=type(error).__name__)
            else:
                if count:
                    log.info("storage.pruned", count=count)
            await asyncio.sleep(EVERY_S)

    async def prune(self) -> int:
        """Forget what is old enough, in small batches; return how many rows went."""
        storage, age_s = self._storage, self._older_than_s
        total = 0
        # Turns first: a quiet thread is remembered as long as one of its turns.
        for table in (storage.turns, storage.conversations, storage.threads):
            total += await _prune(table, older_than_s=age_s)
        total += await _prune(storage.usage, older_than_s=USAGE_DAYS * DAY_S)
        return total + await _prune(storage.secrets, older_than_s=SECRET_DAYS * DAY_S)


class _Table(Protocol):
    async def prune(self, *, older_than_s: float, limit: int) -> int: ...


async def _prune(table: _Table, *, older_than_s: float) -> int:
    total = 0
    for _ in range(BATCHES_AT_MOST):
        gone = await table.prune(older_than_s=older_than_s, limit=BATCH)
        total += gone
        if gone < BATCH:
            break
        await asyncio.sleep(BETWEEN_BATCHES_S)
    return total
