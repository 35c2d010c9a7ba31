"""Questions one can tell apart, in threads that grow, from several people at once."""

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from rig import ANN, APP_ID, BEN, BOT, Rig

from bot.playground.dashscope.answers import Inquiry, Said
from bot.playground.dashscope.apps import App
from bot.playground.slack.directory import Channel, ChannelKind

CHANNELS = tuple(f"C0CHAOS{number:02d}" for number in range(16))
"""Many, because a channel takes about one new message a second."""
TAG = re.compile(r"kq\d{4}z")
FILLER = "Every reply has a beginning, a *middle* and an end; <!channel> has been told nothing."
END = "end-"
"""Stands before the tag at the end of an answer, and nowhere else."""
FOLLOW_UP_SHARE = 0.6
FURTHER_EVERY_S = 2.5
"""Half of the 50 edits a minute that a workspace allows."""


def answer(inquiry: Inquiry) -> Said:
    """Say something of a fixed length that names the question first and last."""
    tag = question(inquiry.prompt)
    return Said(f"{tag} {FILLER} {END}{tag}")


def question(prompt: str) -> str:
    """Return what is asked; what was said before in the thread may stand above it."""
    return prompt.splitlines()[-1]


def chaos_app() -> App:
    """Return the app whose answers `is_whole` knows."""
    return App(APP_ID, answers=answer)


def is_whole(shown: str, tag: str) -> bool:
    """Tell whether a reply shows the whole answer to a question, and nothing else."""
    return shown.startswith(f"{tag} Every reply") and shown.endswith(f"{END}{tag}")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question.

    Attributes:
        tag: Its text, unlike any other.
        channel: Where.
        thread: The root of its thread.
        ts: Its message.
    """

    tag: str
    channel: str
    thread: str
    ts: str


@dataclass
class Questions:
    """Asks, one after the other.

    Attributes:
        rig: The servers; channels are added to its workspace.
        dice: Decides where each question goes.
        asked: Every question so far.
    """

    rig: Rig
    dice: random.Random
    asked: list[Asked] = field(default_factory=list[Asked])

    def __post_init__(self) -> None:
        """Open the channels."""
        members = frozenset({ANN, BEN, BOT})
        for channel_id in CHANNELS:
            channel = Channel(
                channel_id, name=channel_id.lower(), kind=ChannelKind.PUBLIC, members=members
            )
            self.rig.slack.workspace.add_channel(channel)

    async def keep_coming(
        self, *, at_least: int, every_s: float, is_over: Callable[[], bool]
    ) -> None:
        """Ask until there are enough questions and the day is over.

        What a slow machine asks beyond enough, the bot may edit for as long as it takes.
        """
        while len(self.asked) < at_least or not is_over():
            await self._ask()
            is_enough = len(self.asked) >= at_least
            pause_s = FURTHER_EVERY_S if is_enough else every_s
            await asyncio.sleep(pause_s * self.dice.uniform(0.5, 1.5))

    async def _ask(self) -> None:
        tag = f"kq{len(self.asked):04d}z"
        user = self.dice.choice((ANN, BEN))
        channel, thread = self.dice.choice(CHANNELS), ""
        if self.asked and self.dice.random() < FOLLOW_UP_SHARE:
            earlier = self.dice.choice(self.asked[-30:])
            channel, thread = earlier.channel, earlier.thread
        ts = await self.rig.ask(tag, channel=channel, thread_ts=thread or None, user=user)
        self.asked.append(Asked(tag, channel, thread or ts, ts))
