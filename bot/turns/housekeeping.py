"""Forgetting: finished turns and idle conversations go after a while."""

import asyncio
from typing import Self

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


class Housekeeping:
    """Owns the task that prunes; `async with` starts and ends it.

    Args:
        storage: An open storage.
        retention_days: Age after which a finished turn or an idle conversation goes.
    """

    def __init__(self, storage: Storage, *, retention_days: int) -> None:
        self._storage = storage
        self._older_than_s = retention_days * 86_400.0
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
        total = 0
        for table in (self._storage.turns, self._storage.conversations):
            for _ in range(BATCHES_AT_MOST):
                gone = await table.prune(older_than_s=self._older_than_s, limit=BATCH)
                total += gone
                if gone < BATCH:
                    break
                await asyncio.sleep(BETWEEN_BATCHES_S)
        return total
