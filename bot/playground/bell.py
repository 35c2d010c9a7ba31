"""Waiting for something to become true, without polling."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


class Bell:
    """Wakes everybody who waits, whenever something changed."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Let everybody look again."""
        self._rung.set()
        self._rung = asyncio.Event()

    async def until(self, predicate: Callable[[], Found | None], *, timeout_s: float) -> Found:
        """Return what `predicate` returns as soon as that is true.

        Raises:
            TimeoutError: It was not true in time.
        """
        async with asyncio.timeout(timeout_s):
            while not (found := predicate()):
                await self._rung.wait()
        return found
