"""How a thread looks in a terminal."""

import asyncio
import io
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
from rich.console import Console

from bot import screen
from bot.playground.slack.directory import Channel, File, User
from bot.playground.slack.message import Draft, Ephemeral
from bot.playground.slack.server import SlackServer
from bot.playground.slack.workspace import Workspace
from bot.screen import Numbers

ANN, BOT, CHANNEL = "U0ANN", "U0BOT", "C0GENERAL"


def button(label: str, action_id: str) -> dict[str, Any]:
    return {"type": "button", "action_id": action_id, "text": {"text": label}}


STOP = {"type": "actions", "elements": [button("Stop", "turn:stop")]}
ERASED = "\x1b[2K"


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


def picture(slack: SlackServer, root: str, *, numbers: Numbers | None = None) -> list[str]:
    """Return the lines of a thread."""
    to = console()
    messages = slack.thread(CHANNEL, root)
    to.print(screen.thread(slack, messages, numbers=numbers or Numbers()))
    return [line.rstrip() for line in written(to).splitlines()]


async def test_what_a_person_types_is_shown_letter_by_letter(slack: SlackServer) -> None:
    root = await asked(slack, f"<@{BOT}> 1. is *a* < `b` & c? https://d.e")
    answer(slack, root, markdown("Yes."))
    assert picture(slack, root) == [
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
    assert picture(slack, root)[-4:] == ["   1 Because", "", "  It was cut.", ""]


async def test_parts_of_an_answer_are_one_blank_line_apart(slack: SlackServer) -> None:
    root = await asked(slack, "Why?")
    answer(slack, root, markdown("- a\n\n| b | c |\n|---|---|\n| d | e |\n\n---\n\nf"))
    lines = picture(slack, root)
    assert ("", "") not in list(pairwise(lines))
    assert lines[lines.index("dashscope APP") + 1].strip() == "• a"


async def test_a_cell_that_is_too_long_is_broken_and_not_cut(slack: SlackServer) -> None:
    root = await asked(slack, "Which?")
    word = "x" * 70
    answer(slack, root, markdown(f"| a | b |\n|---|---|\n| `{word}` | and words beside it |"))
    lines = picture(slack, root)
    assert "…" not in "".join(lines)
    assert "".join(lines).count("x") == len(word)


async def test_code_shows_what_was_escaped_for_slack(slack: SlackServer) -> None:
    root = await asked(slack, "How?")
    answer(slack, root, markdown("`&lt;@U1>`\n\n```\n&lt;!here>\n```"))
    shown = "\n".join(picture(slack, root))
    assert "<@U1>" in shown
    assert "<!here>" in shown


async def test_what_can_be_pressed_is_numbered_from_message_to_message(slack: SlackServer) -> None:
    root = await asked(slack, "Why?")
    row = {"type": "actions", "elements": [button("One", "turn:one"), button("Two", "turn:two")]}
    answer(slack, root, markdown("Because."), row)
    answer(slack, root, markdown("And so"), STOP)
    numbers = Numbers()
    lines = picture(slack, root, numbers=numbers)
    assert [line[2:] for line in lines if ": " in line] == [" 1: One    2: Two", " 3: Stop"]
    _, first, last = slack.thread(CHANNEL, root)
    pressed = [(shown, control.label) for shown, control in numbers.buttons.values()]
    assert pressed == [(first, "One"), (first, "Two"), (last, "Stop")]


async def test_what_somebody_deleted_keeps_its_place(slack: SlackServer) -> None:
    root = await asked(slack, "Why?")
    answer(slack, root, markdown("Because."))
    await slack.delete(ANN, CHANNEL, root)
    assert picture(slack, root)[:2] == ["Slack", "  This message was deleted."]


async def test_the_files_of_a_message_are_named(slack: SlackServer) -> None:
    file = File("F1", name="a.txt", content=b"")
    root = await slack.say(ANN, CHANNEL, "Look!", files=[file])
    assert picture(slack, root) == ["Ann", "  Look!", "  [a.txt]", ""]


async def test_a_home_is_shown_with_its_buttons(slack: SlackServer) -> None:
    payload = {
        "type": "home",
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": "Memory"}},
            {"type": "section", "text": {"type": "mrkdwn", "text": f"*Of* <@{ANN}> &amp; all"}},
            {"type": "actions", "elements": [button("Forget", "admin:x")]},
        ],
    }
    view = slack.people.backend.views.publish(ANN, payload)
    to = console()
    to.print(screen.home(slack, view, numbers=Numbers()))
    lines = [line.strip() for line in written(to).splitlines() if line.strip()]
    assert lines == ["dashscope APP · Home", "Memory", "Of @Ann & all", "1: Forget"]


async def test_people_and_channels_are_shown_by_name_and_strangers_as_they_came(
    slack: SlackServer,
) -> None:
    text = f"<@{ANN}> in <#{CHANNEL}|x>, <@U0NOBODY>, <!date^1^{{date}}|today>"
    assert screen.named(slack, text) == "@Ann in #general, <@U0NOBODY>, today"


async def test_a_notice_says_who_sees_it(slack: SlackServer) -> None:
    blocks = (markdown("**Done.**"), {"type": "actions", "elements": [button("Undo", "admin:x")]})
    to = console()
    to.print(
        screen.notice(slack, Ephemeral(CHANNEL, ANN, "1.0", "Done.", blocks), numbers=Numbers())
    )
    lines = [line.rstrip() for line in written(to).splitlines()]
    assert lines[:2] == ["dashscope APP · only Ann sees this", "  Done."]
    assert lines[3].strip() == "1: Undo"


async def test_what_is_no_terminal_gets_no_frames() -> None:
    to = console()
    await screen.follow(lambda: "frame", end=asyncio.sleep(0), console=to)
    assert not written(to)


async def test_frames_are_drawn_until_the_end_and_wiped_away() -> None:
    over, to = asyncio.Event(), console(is_terminal=True)
    frames = iter(range(1_000))

    def shown() -> str:
        number = next(frames)
        if number == 3:
            over.set()
        return f"frame{number}"

    async def end() -> None:
        await over.wait()

    await screen.follow(shown, end=end(), console=to)
    assert ERASED in written(to).partition("frame3")[2]


async def test_the_end_of_a_picture_that_cannot_be_followed_is_an_error() -> None:
    async def end() -> None:
        raise ConnectionError

    for to in (console(), console(is_terminal=True)):
        with pytest.raises(ConnectionError):
            await screen.follow(lambda: "frame", end=end(), console=to)


async def test_no_frame_is_taller_than_the_terminal(slack: SlackServer) -> None:
    root = await asked(slack, "Count!")
    lines = "\n\n".join(f"line{number}" for number in range(30))
    answer(slack, root, markdown(lines), STOP)
    to = console(is_terminal=True)
    messages = slack.thread(CHANNEL, root)
    await screen.follow(
        lambda: screen.thread(slack, messages, numbers=Numbers()),
        end=asyncio.sleep(0),
        console=to,
    )
    assert "line29" in written(to)
    assert "line0" not in written(to)
