"""Whoever waits for an answer is told something soon, or nothing holds them up."""

import asyncio
from typing import Any, cast

import pytest

from bot.core.language import Phrase
from bot.core.policy import Person
from bot.core.screens import Caller, Notice
from bot.slack.directory import SlackDirectory
from bot.slack.interaction import Interaction
from bot.slack.visitor import Visitor

SORRY = Phrase("Sorry.", "抱歉。")
ANN = Caller("T1", "C1", "U1")


class Mute:
    """A directory and a screen that never come to an end."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()

    async def person(self, team_id: str, user_id: str, *, fresh: bool) -> Person | None:
        await asyncio.Event().wait()

    async def show(self, notice: Notice, *, replace: bool = False) -> None:
        self.reached.set()
        await asyncio.Event().wait()


def visitor(mute: Mute) -> Visitor:
    screen, directory = cast("Interaction", mute), cast("SlackDirectory", cast("Any", mute))
    return Visitor(ANN, screen=screen, directory=directory)


async def test_a_sentence_does_not_wait_long_for_its_readers_language() -> None:
    async with asyncio.timeout(60):
        assert await visitor(Mute()).words(SORRY) == SORRY.en


async def test_last_words_that_nobody_takes_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    mute = Mute()
    telling = asyncio.create_task(visitor(mute).tell(SORRY))
    loop = asyncio.get_running_loop()
    clock = loop.time
    async with asyncio.timeout(60):
        await mute.reached.wait()
    monkeypatch.setattr(loop, "time", lambda: clock() + 2.5)
    done, _ = await asyncio.wait({telling}, timeout=5)
    assert done == {telling}
    assert telling.exception() is None
