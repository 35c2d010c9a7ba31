"""How a thread looks in a terminal."""

import asyncio
import io
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
from rich.console import Console

from bot import screen
from bot.playground.slack.directory import Channel, User
from bot.playground.slack.message import Draft, Ephemeral
from bot.playground.slack.server import SlackServer
from bot.playground.slack.workspace import Workspace

ANN, BOT, CHANNEL = "U0ANN", "U0BOT", "C0GENERAL"


def button(label: str, action_id: str) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": {"text": label}}


STOP = {"type": "actions", "elements": [button("Stop", "turn:stop")]}
WITHIN_S = 5.0


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    """A workspace with Ann and the bot in one channel."""
    workspace = Workspace()
    workspace.add_user(User(ANN, name="ann", display_name="Ann"))
    workspace.add_channel(Channel(CHANNEL, name="general", members=frozenset({ANN, BOT})))
    async with SlackServer(workspace) as server:
        yield server


def console(*, is_terminal: bool = False, height: int = 12) -> Console:
    file = io.StringIO()
    return Console(file=file, force_terminal=is_terminal, width=60, height=height)


def written(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


async def asked(slack: SlackServer, text: str) -> str:
    return await slack.say(ANN, CHANNEL, text)


def answer(slack: SlackServer, root: str, *blocks: dict[str, Any]) -> str:
    draft = Draft(BOT, text="fallback", blocks=blocks, thread_ts=root, bot_id="B0PLAY")
    return slack.workspace.post(CHANNEL, draft).ts


def markdown(text: str) -> dict[str, Any]:
    return {"type": "markdown", "text": text}


async def picture(slack: SlackServer, root: str) -> list[str]:
    """Return the lines of a thread that has been answered."""
    to = console()
    shown = await screen.watch(slack, (CHANNEL, root), skip=0, console=to, timeout_s=WITHIN_S)
    assert shown
    return [line.rstrip() for line in written(to).splitlines()]


async def test_what_a_person_types_is_shown_letter_by_letter(slack: SlackServer) -> None:
    root = await asked(slack, f"<@{BOT}> 1. is *a* < `b` & c? https://d.e")
    answer(slack, root, markdown("Yes."))
    assert await picture(slack, root) == [
        "Ann",
        "  @dashscope 1. is *a* < `b` & c? https://d.e",
        "",
        "dashscope APP",
        "  Yes.",
        "",
    ]


async def test_the_note_under_an_answer_stands_by_itself(slack: SlackServer) -> None:
    root = await asked(slack, "Why?")
    note = {"type": "context", "elements": [{"type": "plain_text", "text": "It was cut."}]}
    answer(slack, root, markdown("1. Because"), note)
    assert (await picture(slack, root))[-4:] == ["   1 Because", "", "  It was cut.", ""]


async def test_parts_of_an_answer_are_one_blank_line_apart(slack: SlackServer) -> None:
    root = await asked(slack, "Why?")
    answer(slack, root, markdown("- a\n\n| b | c |\n|---|---|\n| d | e |\n\n---\n\nf"))
    lines = await picture(slack, root)
    assert ("", "") not in list(pairwise(lines))
    assert lines[lines.index("dashscope APP") + 1].strip() == "• a"


async def test_a_cell_that_is_too_long_is_broken_and_not_cut(slack: SlackServer) -> None:
    root = await asked(slack, "Which?")
    word = "x" * 70
    answer(slack, root, markdown(f"| a | b |\n|---|---|\n| `{word}` | and words beside it |"))
    lines = await picture(slack, root)
    assert "…" not in "".join(lines)
    assert "".join(lines).count("x") == len(word)


async def test_code_shows_what_was_escaped_for_slack(slack: SlackServer) -> None:
    root = await asked(slack, "How?")
    answer(slack, root, markdown("`&lt;@U1>`\n\n```\n&lt;!here>\n```"))
    shown = "\n".join(await picture(slack, root))
    assert "<@U1>" in shown
    assert "<!here>" in shown


async def test_what_can_be_pressed_is_numbered_and_does_not_hold_the_end_up(
    slack: SlackServer,
) -> None:
    root = await asked(slack, "Why?")
    row = {"type": "actions", "elements": [button("One", "turn:one"), button("Two", "turn:two")]}
    answer(slack, root, markdown("Because."), row)
    assert (await picture(slack, root))[-2].split("  ") == ["", " 1: One", "", "2: Two"]
    last = slack.thread(CHANNEL, root)[-1]
    assert [control.label for control in screen.buttons(last)] == ["One", "Two"]


async def test_people_and_channels_are_shown_by_name_and_strangers_as_they_came(
    slack: SlackServer,
) -> None:
    text = f"<@{ANN}> in <#{CHANNEL}|x>, <@U0NOBODY>, <!date^1^{{date}}|today>"
    assert screen.named(slack, text) == "@Ann in #general, <@U0NOBODY>, today"


async def test_a_notice_says_who_sees_it(slack: SlackServer) -> None:
    blocks = (markdown("**Done.**"), {"type": "actions", "elements": [button("Undo", "admin:x")]})
    to = console()
    to.print(screen.notice(slack, Ephemeral(CHANNEL, ANN, "1.0", "Done.", blocks)))
    lines = [line.rstrip() for line in written(to).splitlines()]
    assert lines[:2] == ["dashscope APP · only Ann sees this", "  Done."]
    assert lines[3].strip() == "1: Undo"


async def test_an_answer_that_never_ends_is_shown_as_far_as_it_came(slack: SlackServer) -> None:
    root = await asked(slack, "Why?")
    answer(slack, root, markdown("Because"), STOP)
    to = console()
    assert not await screen.watch(slack, (CHANNEL, root), skip=1, console=to, timeout_s=0.2)
    assert written(to).split() == ["dashscope", "APP", "Because", "Stop"]


async def test_between_two_pages_an_answer_is_not_over(slack: SlackServer) -> None:
    root = await asked(slack, "Why?")
    answer(slack, root, markdown("Page one."))
    to = console()
    watching = asyncio.create_task(
        screen.watch(slack, (CHANNEL, root), skip=1, console=to, timeout_s=WITHIN_S)
    )
    await asyncio.sleep(0)
    answer(slack, root, markdown("Page two"), STOP)
    done, _ = await asyncio.wait({watching}, timeout=2 * screen.SETTLED_S)
    assert not done
    slack.workspace.edit(slack.thread(CHANNEL, root)[-1], blocks=(markdown("Page two."),))
    assert await watching
    assert "Page two." in written(to)


async def test_no_frame_is_taller_than_the_terminal_and_the_end_is_whole(
    slack: SlackServer,
) -> None:
    root = await asked(slack, "Count!")
    lines = "\n\n".join(f"line{number}" for number in range(30))
    answer(slack, root, markdown(lines), STOP)
    to = console(is_terminal=True)
    await screen.watch(slack, (CHANNEL, root), skip=0, console=to, timeout_s=0.3)
    frames, _, end = written(to).rpartition("Ann")
    assert "line29" in frames
    assert "line0" not in frames
    assert all(f"line{number}" in end for number in range(30))
