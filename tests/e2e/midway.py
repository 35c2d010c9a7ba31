"""Things that happen in the middle of an answer, at a moment that does not depend on time."""

from collections.abc import Callable

from rig import BOT, Rig, is_growing

from bot.playground.dashscope.faults import Cut, ErrorEvent, Hold, Reset
from bot.playground.dashscope.pace import Pace
from bot.playground.slack.change import Change, Edited, Posted
from bot.playground.slack.message import Message

ANSWER = " ".join(f"word{number}" for number in range(60))
"""Long enough to be shown in several versions at `SPOKEN`."""
EVENTS_BEFORE = 5
"""So many events of `ANSWER` come before it is held."""
SPOKEN = Pace(chars_per_s=250, first_token_s=0.1)


def markdown_of(message: Message) -> str:
    """Return the answer's part of a message; empty while there is only a note."""
    return "\n".join(block["text"] for block in message.blocks if block["type"] == "markdown")


def has_begun(message: Message) -> bool:
    """Tell whether a message of the bot shows words and will show more."""
    return message.user == BOT and is_growing(message) and bool(markdown_of(message))


def hold_until_words_show(rig: Rig, *, then: ErrorEvent | Cut | Reset | None = None) -> None:
    """Hold the next answer in its middle until a reply shows words of it; then go on, or break off.

    Args:
        rig: The servers.
        then: What breaks it off; None for nothing.
    """
    hold = Hold(after_events=EVENTS_BEFORE, then=then)
    when_words_show(rig, lambda _message: hold.released.set())
    rig.dashscope.faults.add(hold)


def when_words_show(rig: Rig, act: Callable[[Message], None]) -> list[Message]:
    """Let `act` happen once, at the moment a reply first shows words and is not at its end.

    Returns:
        A list that holds the message from that moment on.
    """
    struck: list[Message] = []

    def watch(change: Change) -> None:
        match change:
            case Posted(message=message) | Edited(after=message) if not struck and has_begun(
                message
            ):
                struck.append(message)
                act(message)
            case _:
                return

    rig.slack.workspace.watch(watch)
    return struck
