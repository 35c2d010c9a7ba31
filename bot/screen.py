"""Messages of the playground's Slack, drawn in a terminal as their readers see them."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from html import unescape
from typing import Any, TypeAlias

from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.markdown import Markdown, TableElement
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from bot.playground.slack.blocks import Control, controls, visible_text_of
from bot.playground.slack.directory import User
from bot.playground.slack.message import Ephemeral, Message
from bot.playground.slack.server import SlackServer
from bot.playground.slack.views import View

FRAME_S = 1 / 12

Shown: TypeAlias = Message | Ephemeral | View
"""Whatever can have buttons."""

_TOKEN = re.compile(r"<([@#])([A-Z0-9]+)(?:\|[^<>]*)?>")
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(https?://[^|>]+)(?:\|[^>]*)?>")
_BOLD = re.compile(r"\*([^*\n]+)\*")
_VERBATIM = frozenset({"fence", "code_block", "code_inline"})


class Numbers:
    """The numbers on the buttons of one picture: they count on from one part of it to the next.

    Attributes:
        buttons: What can be pressed, by number, and where it stands.
    """

    def __init__(self) -> None:
        self.buttons: dict[int, tuple[Shown, Control]] = {}

    def of(self, shown: Shown) -> Mapping[str, int]:
        """Give the buttons of one part the next numbers; return them by action_id."""
        found = dict(enumerate(controls(shown.blocks), start=len(self.buttons) + 1))
        self.buttons.update((number, (shown, control)) for number, control in found.items())
        return {control.action_id: number for number, control in found.items()}


async def follow(
    shown: Callable[[], RenderableType], *, end: Coroutine[Any, Any, None], console: Console
) -> None:
    """Draw what grows anew, frame by frame, until `end` is over; then wipe it away.

    What is no terminal gets none of it.
    """
    if not console.is_terminal:
        await end
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        over = asyncio.ensure_future(end)
        try:
            while not over.done():
                live.update(_Tail(shown()), refresh=True)
                await asyncio.wait({over}, timeout=FRAME_S)
            over.result()
        finally:
            over.cancel()


def thread(slack: SlackServer, messages: Iterable[Message], *, numbers: Numbers) -> RenderableType:
    """Draw messages, one under the other."""
    return Group(*(_drawn(slack, message, numbers=numbers) for message in messages))


def notice(slack: SlackServer, shown: Ephemeral, *, numbers: Numbers) -> RenderableType:
    """Draw a message that only one person sees."""
    head = _author(slack.workspace.users[slack.workspace.app.bot_user_id])
    reader = named(slack, f"<@{shown.user}>").removeprefix("@")
    head.append(f" · only {reader} sees this", style="not bold dim")
    return _signed(head, _parts(slack, shown, numbers=numbers))


def home(slack: SlackServer, view: View, *, numbers: Numbers) -> RenderableType:
    """Draw somebody's Home tab."""
    head = _author(slack.workspace.users[slack.workspace.app.bot_user_id])
    head.append(" · Home", style="not bold dim")
    return _signed(head, _parts(slack, view, numbers=numbers))


def named(slack: SlackServer, text: str) -> str:
    """Return a message's text with names in the place of Slack's ids, and dates as text."""
    workspace = slack.workspace

    def name(token: re.Match[str]) -> str:
        mark, found = token.groups()
        if mark == "@" and found in workspace.users:
            user = workspace.users[found]
            return f"@{user.display_name or user.name}"
        channel = workspace.channels.get(found)
        return f"#{channel.name}" if channel else token[0]

    return _DATE.sub(r"\1", _TOKEN.sub(name, text))


def _drawn(slack: SlackServer, message: Message, *, numbers: Numbers) -> RenderableType:
    """Draw one message: its author, its blocks, its buttons."""
    user = slack.workspace.users.get(message.user)
    if user is None:  # Slack itself: a deleted message that replies keep in its place
        return _signed(Text("Slack", "bold dim"), [Text(message.text, "dim")])
    if not user.is_bot:
        said = Text(unescape(_LINK.sub(r"\1", named(slack, message.text))))
        files = [Text(f"[{file.name}]", "dim") for file in message.draft.files]
        return _signed(_author(user), [Group(said, *files)])
    return _signed(_author(user), _parts(slack, message, numbers=numbers))


def _author(user: User) -> Text:
    name = Text(
        user.display_name or user.name, style="bold magenta" if user.is_bot else "bold cyan"
    )
    return name.append(" APP", style="not bold dim") if user.is_bot else name


def _signed(head: Text, parts: Sequence[RenderableType]) -> RenderableType:
    return Group(head, *(Padding(part, (0, 0, 1, 2)) for part in parts))


def _parts(slack: SlackServer, shown: Shown, *, numbers: Numbers) -> list[RenderableType]:
    numbered = numbers.of(shown)
    parts = [_block(slack, block, numbers=numbered) for block in shown.blocks]
    text = "" if isinstance(shown, View) else shown.text
    return parts or [Text(unescape(named(slack, text)))]


def _block(
    slack: SlackServer, block: dict[str, Any], *, numbers: Mapping[str, int]
) -> RenderableType:
    match block["type"]:
        case "markdown":
            return _Compact(_Markdown(named(slack, block["text"])))
        case "actions":
            labels = [
                Text(f" {numbers[control.action_id]}: {control.label} ", "reverse")
                for control in controls([block])
            ]
            return Text("  ").join(labels)
        case "header":
            return Text(visible_text_of([block], text=""), style="bold")
        case "section":
            return Text(prose(slack, block))
        case _:
            return Text(visible_text_of([block], text=""), style="dim")


def prose(slack: SlackServer, block: dict[str, Any]) -> str:
    """Return the words of a section as its reader sees them."""
    return unescape(_BOLD.sub(r"\1", named(slack, visible_text_of([block], text=""))))


class _Table(TableElement):
    """A table that breaks long words instead of cutting them."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for part in super().__rich_console__(console, options):
            if isinstance(part, Table):
                for column in part.columns:
                    column.overflow = "fold"
            yield part


class _Markdown(Markdown):
    """Markdown as Slack shows it: code is no place for entities either."""

    elements = Markdown.elements | {"table_open": _Table}

    def __init__(self, markup: str) -> None:
        super().__init__(markup)
        for token in _all(self.parsed):
            if token.type in _VERBATIM:
                token.content = unescape(token.content)


def _all(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _all(token.children or [])


class _Compact:
    """A picture without blank lines at its ends or next to each other."""

    def __init__(self, picture: RenderableType) -> None:
        self._picture = picture

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        seen = pending = False
        for line in console.render_lines(self._picture, options, pad=False):
            if _is_blank(line):
                pending = seen
                continue
            if pending:
                yield Segment.line()
            seen, pending = True, False
            yield from line
            yield Segment.line()


def _is_blank(line: list[Segment]) -> bool:
    """Whether a line shows nothing, not even a background."""
    return not any(
        segment.text.strip() or (segment.style and segment.style.bgcolor) for segment in line
    )


class _Tail:
    """As much of a picture's end as the terminal has room for: what scrolls is drawn but once."""

    def __init__(self, picture: RenderableType) -> None:
        self._picture = picture

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self._picture, options.update(height=None), pad=False)
        for line in lines[-max(1, console.height - 1) :]:
            yield from line
            yield Segment.line()
