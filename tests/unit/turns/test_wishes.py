"""What people want of a turn while it runs."""

import asyncio
from dataclasses import dataclass

import pytest
from edges import Book, a_turn

from bot.turns.wishes import Wishes
from bot.turns.world import Grip
from storage.errors import LeaseLost, StorageUnavailable
from storage.records import Turn, Wish


@dataclass
class AwayBook(Book):
    """Cannot be asked for a while."""

    outages: int = 1

    async def look(self, turn: Turn) -> Wish:
        self.outages -= 1
        if self.outages >= 0:
            raise StorageUnavailable("away")
        return self.wish


def wishes(book: Book, *, lost_after: int) -> Wishes:
    left = lost_after

    def guard() -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise LeaseLost

    grip = Grip(guard=guard, called=asyncio.Event())
    return Wishes(a_turn(), book=book, grip=grip, look_again_s=0)


async def test_the_database_is_waited_for_as_long_as_the_lease_holds() -> None:
    wish = Wish("U1", 0, {})
    assert await wishes(AwayBook(wish=wish, outages=3), lost_after=3).look() is wish
    with pytest.raises(LeaseLost):
        await wishes(AwayBook(outages=3), lost_after=2).look()


async def test_an_edit_nobody_can_be_asked_about_is_left_out() -> None:
    hopes = wishes(AwayBook(wish=Wish(None, 1, {"edited_ts": "5.5"})), lost_after=0)
    await hopes.look_for_edit()
    assert hopes.edited_ts == ""
    await hopes.look_for_edit()
    assert (hopes.edited_ts, hopes.revision) == ("5.5", 1)


async def test_a_call_and_the_end_of_the_task_are_told_apart() -> None:
    grip = Grip(guard=lambda: None, called=asyncio.Event())
    hopes = Wishes(a_turn(), book=Book(), grip=grip)
    gate = asyncio.Event()
    task = asyncio.create_task(gate.wait())
    grip.called.set()
    assert await hopes.came_before(task)
    assert not grip.called.is_set()
    gate.set()
    assert not await hopes.came_before(task)
