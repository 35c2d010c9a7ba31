"""What can be done at the playground's prompt."""

import io
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from rich.console import Console

from bot import logs
from bot.playground.dashscope.pace import Pace
from bot.prompt import Prompt, hint
from bot.settings import Settings
from bot.stage import SECOND_APP_ID, Stage, stage


@dataclass
class Terminal:
    """A prompt, and what it drew."""

    place: Stage
    prompt: Prompt
    console: Console

    async def type(self, *lines: str) -> str:
        """Type lines; return what was drawn because of the last one, on one line."""
        assert isinstance(self.console.file, io.StringIO)
        for line in lines:
            self.console.file.seek(0)
            self.console.file.truncate()
            await self.prompt.take(line)
        return " ".join(self.console.file.getvalue().split())


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    """A terminal in a workspace with a bot that answers at once."""
    logs.configure("ERROR")
    console = Console(file=io.StringIO(), width=100)
    async with stage(Settings.model_construct(), pace=Pace()) as place:
        yield Terminal(place, Prompt(place, console=console), console)


async def test_the_second_app_is_added_chosen_and_asked_as_the_hint_says(
    terminal: Terminal,
) -> None:
    add, choose, fill = [
        line.strip().removeprefix("[b]").removesuffix("[/]")
        for line in hint(terminal.place).splitlines()[-3:]
    ]
    assert SECOND_APP_ID in add
    assert "Added the app letters." in await terminal.type(add)
    assert "letters works" in await terminal.type("press 1")
    assert "not set → letters" in await terminal.type(choose)
    assert "Dear customer" in await terminal.type("Where is my invoice?")
    assert "customer" in await terminal.type(fill)
    assert "Dear Li" in await terminal.type("/new", "Where is my invoice?")


async def test_a_button_that_asks_is_pressed_only_when_one_is_sure(terminal: Terminal) -> None:
    await terminal.type("/dashscope follow thread", "/dashscope reset")
    assert "`press 1 yes` goes on" in await terminal.type("press 1")
    assert "thread — this channel" in await terminal.type("/dashscope follow")
    await terminal.type("/dashscope reset")
    assert "Taken away" in await terminal.type("press 1 yes")
    assert "There is no button 7." in await terminal.type("press 7")


async def test_a_form_is_filled_in_corrected_and_sent(terminal: Terminal) -> None:
    assert "Channel settings · a form" in await terminal.type("/dashscope config")
    assert "no input called hue" in await terminal.type("hue = red")
    assert "! Type a whole number" in await terminal.type("quota_user_turns = x", "submit")
    said = await terminal.type("quota_user_turns = 7", "managers = @ben", "submit")
    assert "quota user turns not set → 7" in said
    assert "@Ben" in said
    assert "Direct messages · a form" in await terminal.type("/dm", "/dashscope config")
    assert "nothing was sent" in await terminal.type("cancel")


async def test_what_somebody_else_may_not_do_is_seen_by_being_them(terminal: Terminal) -> None:
    assert "only Ben sees this" in await terminal.type("/as ben", "/dashscope follow thread")
    assert "You cannot change this channel's settings" in await terminal.type(
        "/dashscope follow thread"
    )
    assert "You are Ann now." in await terminal.type("/as Ann")
    assert "There is no /as here" in await terminal.type("/as nobody")
    assert "There is no /dance here" in await terminal.type("/dance")


async def test_a_message_without_a_mention_is_answered_where_threads_are_followed(
    terminal: Terminal,
) -> None:
    assert "Nobody answered" in await terminal.type("/say Good morning")
    await terminal.type("/new", "/dashscope follow thread", "hello")
    said = await terminal.type("/say How do I stop an answer?")
    assert "Ann How do I stop an answer?" in said
    assert "Stop button" in said


async def test_a_thread_with_a_failure_goes_on(terminal: Terminal) -> None:
    assert "not set up correctly" in await terminal.type("!error key")
    assert "Four steps" in await terminal.type("How do I install it?")


async def test_a_file_is_kept_where_it_can_be_looked_at(terminal: Terminal) -> None:
    said = await terminal.type("hello", "/dashscope usage csv")
    (kept,) = terminal.place.folder.glob("usage-*.csv")
    assert str(kept) in said
    assert b"C0GENERAL" in kept.read_bytes()
