"""What people want of a turn while it runs."""

import asyncio
from contextlib import suppress
from typing import Any

from bot.turns.ports import Book
from bot.turns.world import Grip
from storage.errors import StorageUnavailable
from storage.records import Turn, Wish

LOOK_AGAIN_S = 0.5
"""Between tries to learn what people want of the turn while the database is away."""


class Wishes:
    """Hears of stops and edits.

    Args:
        turn: As taken.
        book: Its record.
        grip: The hold on it.
        look_again_s: Between tries while the database is away.

    Attributes:
        guard: Raises LeaseLost when another process may own the turn.
        revision: Of the question's words, as far as known.
        edited_ts: The last edit that came after the first words; empty without one.
    """

    def __init__(
        self, turn: Turn, *, book: Book, grip: Grip, look_again_s: float = LOOK_AGAIN_S
    ) -> None:
        self._turn = turn
        self._book = book
        self._called = grip.called
        self._look_again_s = look_again_s
        self.guard = grip.guard
        self.revision: int = turn.revision
        self.edited_ts = ""

    async def came_before(self, task: asyncio.Task[Any]) -> bool:
        """Wait; return True when somebody wants something, False when the task ended first."""
        calling = asyncio.ensure_future(self._called.wait())
        try:
            await asyncio.wait({task, calling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            calling.cancel()
        self._called.clear()
        return not task.done()

    async def look(self) -> Wish:
        """Return what is wanted by now; waits for the database, as long as the lease holds.

        Raises:
            LeaseLost: Another process owns the turn now.
        """
        while True:
            try:
                return await self._book.look(self._turn)
            except StorageUnavailable:
                self.guard()
                await asyncio.sleep(self._look_again_s)

    async def look_for_edit(self) -> None:
        """Notice an edit that came when there was nothing left to ask.

        Raises:
            LeaseLost: Another process owns the turn now.
        """
        with suppress(StorageUnavailable):  # what is lost is an offer
            wish = await self._book.look(self._turn)
            if wish.revision != self.revision:
                self.revision, self.edited_ts = wish.revision, wish.payload["edited_ts"]
