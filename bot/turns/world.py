"""What a turn is given to work with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.core.question import AppProfile
from bot.metrics import Metrics
from bot.turns.ports import Apps, Book, Memory, People, Replies


@dataclass(frozen=True, slots=True)
class World:
    """What every turn of a process shares."""

    book: Book
    memory: Memory
    replies: Replies
    people: People
    apps: Apps
    profile: AppProfile
    bot_user_id: str
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Grip:
    """This process's hold on a turn.

    Attributes:
        guard: Raises LeaseLost when another process may own the turn; called before each effect.
        called: Set when the turn should look at what people want of it: a stop, or new words.
    """

    guard: Callable[[], None]
    called: asyncio.Event
