"""What a turn is given to work with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.metrics import Metrics
from bot.turns.ports import (
    Apps,
    Book,
    Choices,
    Files,
    Memory,
    People,
    Remembering,
    Replies,
    ThreadHistory,
    Threads,
    Tokens,
    Usage,
)


@dataclass(frozen=True, slots=True)
class World:
    """What every turn of a process shares.

    Attributes:
        book: The turns' own records.
        memory: The threads' sessions.
        remembering: What apps remember of people.
        tokens: What people open plugins with.
        threads: Which threads are followed, and which are to be left alone.
        usage: What was used of the quotas.
        choices: What was chosen for each place.
        replies: The bot's messages in Slack.
        history: What others said in the threads.
        people: Who is who.
        files: What apps are given of attachments.
        apps: DashScope.
        admins: Users the operator named.
        bot_user_id: The bot as it is mentioned in the turn's workspace.
        metrics: What is counted.
    """

    book: Book
    memory: Memory
    remembering: Remembering
    tokens: Tokens
    threads: Threads
    usage: Usage
    choices: Choices
    replies: Replies
    history: ThreadHistory
    people: People
    files: Files
    apps: Apps
    admins: frozenset[str]
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
