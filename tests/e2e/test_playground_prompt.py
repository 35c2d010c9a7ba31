"""What can be done at the playground's prompt."""

import asyncio
import io
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console
from rich.text import Text

from bot import logs
from bot.hint import hint
from bot.playground.dashscope.pace import Pace
from bot.playground.dashscope.sample import long_text
from bot.prompt import Prompt
from bot.settings import Settings
from bot.stage import SECOND_APP_ID, Stage, stage

WITHIN_S = 60.0


@dataclass
class Terminal:
    """A prompt, and what it drew."""

    place: Stage
    prompt: Prompt
    console: Console

    def written(self) -> str:
        """Return what was drawn since it was emptied, on one line."""
        assert isinstance(self.console.file, io.StringIO)
        return " ".join(self.console.file.getvalue().split())

    async def until_shown(self, words: str) -> None:
        """Wait until some words are drawn."""
        async with asyncio.timeout(WITHIN_S):
            while words not in self.written():
                await asyncio.sleep(0.02)

    async def type(self, *lines: str) -> str:
        """Type lines; return what was drawn because of the last one, on one line."""
        assert isinstance(self.console.file, io.StringIO)
        for line in lines:
            self.console.file.seek(0)
            self.console.file.truncate()
            await self.prompt.take(line)
        return self.written()


@asynccontextmanager
async def at(console: Console) -> AsyncGenerator[Terminal]:
    """Open a workspace with a bot that answers at once, and a prompt in it."""
    logs.configure("ERROR")
    async with stage(Settings.model_construct(), pace=Pace()) as place:
        yield Terminal(place, Prompt(place, console=console), console)


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    """What shows answers when they are whole."""
    async with at(Console(file=io.StringIO(), width=100)) as terminal:
        yield terminal


@pytest.fixture
async def growing() -> AsyncIterator[Terminal]:
    """A real one, which shows answers as they grow; its styles are left out."""
    console = Console(file=io.StringIO(), width=100, force_terminal=True, no_color=True)
    async with at(console) as terminal:
        yield terminal


async def test_the_second_app_is_added_chosen_and_asked_as_the_hint_says(
    terminal: Terminal,
) -> None:
    shown = Text.from_markup(hint(terminal.place)).plain.splitlines()
    assert max(map(len, shown)) <= 80
    begin, end, choose, fill = shown[-4:]
    assert SECOND_APP_ID in begin
    assert "Added the app letters." in await terminal.type(begin, end)
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
    assert "There is no button 7" in await terminal.type("press 7")


async def test_only_what_was_shown_last_can_be_pressed(terminal: Terminal) -> None:
    assert "1: " in await terminal.type("/dashscope follow thread", "/dashscope reset")
    assert "There is no button 1" in await terminal.type("hello", "press 1")
    await terminal.type("/dashscope reset", "/as ben")
    assert "There is no button 1" in await terminal.type("press 1")


async def test_a_form_is_filled_in_corrected_and_sent(terminal: Terminal) -> None:
    assert "Channel settings · a form" in await terminal.type("/dashscope config")
    assert "no input called hue" in await terminal.type("hue = red")
    assert "The form “Channel settings” is open: `name = v" in await terminal.type("How are you?")
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
    for nobody in ("/as nobody", "/as"):
        assert "Type /as and one of ann, ben, li." in await terminal.type(nobody)


async def test_everything_that_can_be_typed_is_listed_on_request(terminal: Terminal) -> None:
    assert "There is no /dance here; /help lists" in await terminal.type("/dance")
    for asked in ("/help", "?"):
        listed = await terminal.type(asked)
        for word in ("!help", "/dashscope", "press", "/new", "/dm", "/say", "/edit", "/delete"):
            assert word in listed
        for word in ("/attach", "/home", "/as", "/help", "backslash", "Ctrl-D"):
            assert word in listed


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
    assert "four steps" in await terminal.type("How do I install it?")


async def test_an_answer_of_several_pages_is_shown_whole_before_the_next_line(
    terminal: Terminal,
) -> None:
    shown = await terminal.type("!long 12000")
    parts = [int(number) for number in re.findall(r"Part (\d+)", shown)]
    assert parts == list(range(1, len(re.findall("### Part", long_text(12_000))) + 1))
    assert shown.count("dashscope APP") > 1
    assert "four steps" in await terminal.type("How do I install it?")


async def test_an_answer_is_stopped_while_it_grows(growing: Terminal) -> None:
    asking = asyncio.create_task(growing.prompt.take("!stall 60"))
    await growing.until_shown("1: Stop")
    assert not await growing.prompt.interject("How do I install it?")
    assert await growing.prompt.interject("press 1")
    await asking
    assert "Stopped." in growing.written()
    assert "There is no button 1" in await growing.type("press 1")


async def test_a_question_is_changed_and_taken_back_while_its_answer_grows(
    growing: Terminal,
) -> None:
    asking = asyncio.create_task(growing.prompt.take("!stall 60"))
    await growing.until_shown("1: Stop")
    assert await growing.prompt.interject("/edit How do I stop an answer?")
    await growing.until_shown("@dashscope How do I stop an answer?")
    assert await growing.prompt.interject("/delete")
    await asking
    assert "This message was deleted." in growing.written()


async def test_a_question_is_changed_after_its_answer_and_answered_again(
    terminal: Terminal,
) -> None:
    assert "after a question" in await terminal.type("/edit What?")
    said = await terminal.type("hello", "/edit How do I install it?")
    assert "You edited the question" in said
    assert "four steps" in await terminal.type("press 1")


async def test_a_message_is_deleted(terminal: Terminal) -> None:
    assert "no message of yours" in await terminal.type("/delete")
    assert "Your message is deleted." in await terminal.type("/say To nobody", "/delete")
    assert "no message of yours" in await terminal.type("/delete")


async def test_a_file_goes_along_with_the_next_question(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "two words.txt"
    assert "No such file" in await terminal.type(f"/attach '{file}'")
    assert "no names of files" in await terminal.type("/attach 'open")
    file.write_text("!table", encoding="utf-8")
    assert "two words.txt will go" in await terminal.type(f"/attach '{file}'")
    said = await terminal.type("What is in it?")
    assert "[two words.txt]" in said
    assert "Singapore" in said
    assert "[two words.txt]" not in await terminal.type("/new", "hello")


async def test_the_home_tab_is_opened_and_its_buttons_work(terminal: Terminal) -> None:
    assert "dashscope APP · Home" in await terminal.type("/home")
    shown = await terminal.type("/home")
    assert "dashscope APP · Home" in shown
    labels = dict(re.findall(r"(\d+): (\S+)", shown))
    assert labels
    assert "There is no button" in await terminal.type(f"press {len(labels) + 1}")


async def test_a_message_has_as_many_lines_as_one_likes(terminal: Terminal) -> None:
    await terminal.type("/dashscope ask customer", "hello \\")
    assert terminal.prompt.goes_on
    said = await terminal.type("there")
    assert "@dashscope hello there" in said
    (asked, *_) = terminal.place.slack.workspace.messages("C0GENERAL")
    assert asked.text.endswith("hello\nthere")


async def test_a_file_is_kept_where_it_can_be_looked_at(terminal: Terminal) -> None:
    said = await terminal.type("hello", "/dashscope usage csv")
    (kept,) = terminal.place.folder.glob("usage-*.csv")
    assert str(kept) in said
    assert b"C0GENERAL" in kept.read_bytes()
