"""Messages of the playground's Slack, drawn in a terminal as their readers see them."""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import unescape
from typing import Any

from markdown_it.token import Token
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.markdown import Markdown, TableElement
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from bot.core.reply import Control as ReplyControl
from bot.playground.slack.blocks import Control, controls, visible_text_of
from bot.playground.slack.directory import User
from bot.playground.slack.message import Ephemeral, Message
from bot.playground.slack.server import SlackServer
from bot.slack.message import CONTROL_PREFIX

FRAME_S = 1 / 12
SETTLED_S = 0.4
"""An answer is over when it has been for so long: between two pages it only looks like it."""

_STOP = f"{CONTROL_PREFIX}{ReplyControl.STOP.value}"
_TOKEN = re.compile(r"<([@#])([A-Z0-9]+)(?:\|[^<>]*)?>")
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(https?://[^|>]+)(?:\|[^>]*)?>")
_VERBATIM = frozenset({"fence", "code_block", "code_inline"})


async def watch(
    slack: SlackServer, place: tuple[str, str], *, skip: int, console: Console, timeout_s: float
) -> bool:
    """Show a thread while its answer grows, and then once more as a whole.

    Args:
        slack: The workspace.
        place: Channel and thread.
        skip: So many of its messages were shown before.
        console: Where to; what is no terminal gets only the end.
        timeout_s: Ends watching.

    Returns:
        Whether the answer came to its end.
    """

    def shown() -> RenderableType:
        return Group(*(_drawn(slack, message) for message in slack.thread(*place)[skip:]))

    try:
        async with asyncio.timeout(timeout_s):
            if console.is_terminal:
                await _follow(slack, place, shown=shown, console=console)
            else:
                await _settled(slack, place)
    except TimeoutError:
        return False
    finally:
        console.print(shown())
    return True


async def _follow(
    slack: SlackServer,
    place: tuple[str, str],
    *,
    shown: Callable[[], RenderableType],
    console: Console,
) -> None:
    """Draw the growing thread anew, frame by frame, and wipe it away at the end."""
    with Live(console=console, auto_refresh=False, transient=True) as live:
        end = asyncio.ensure_future(_settled(slack, place))
        try:
            while not end.done():
                live.update(_Tail(shown()), refresh=True)
                await asyncio.wait({end}, timeout=FRAME_S)
            end.result()
        finally:
            end.cancel()


async def _settled(slack: SlackServer, place: tuple[str, str]) -> None:
    """Wait until a thread's last message is an answer that grows no more."""
    while True:
        await slack.until(lambda: _is_answered(slack, place), timeout_s=float("inf"))
        try:
            await slack.until(lambda: not _is_answered(slack, place), timeout_s=SETTLED_S)
        except TimeoutError:
            return


def _is_answered(slack: SlackServer, place: tuple[str, str]) -> bool:
    last = slack.thread(*place)[-1]
    growing = any(control.action_id == _STOP for control in controls(last.blocks))
    return last.user == slack.workspace.app.bot_user_id and not growing


def notice(slack: SlackServer, shown: Ephemeral) -> RenderableType:
    """Draw a message that only one person sees; its buttons are numbered as `buttons` has them."""
    head = _author(slack.workspace.users[slack.workspace.app.bot_user_id])
    reader = named(slack, f"<@{shown.user}>").removeprefix("@")
    head.append(f" · only {reader} sees this", style="not bold dim")
    return _signed(head, _parts(slack, shown))


def buttons(shown: Message | Ephemeral) -> tuple[Control, ...]:
    """Return what can be pressed under a message once it is finished."""
    return tuple(control for control in controls(shown.blocks) if control.action_id != _STOP)


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


def _drawn(slack: SlackServer, message: Message) -> RenderableType:
    """Draw one message: its author, its blocks, its buttons."""
    user = slack.workspace.users[message.user]
    if not user.is_bot:
        said = Text(unescape(_LINK.sub(r"\1", named(slack, message.text))))
        return _signed(_author(user), [said])
    return _signed(_author(user), _parts(slack, message))


def _author(user: User) -> Text:
    name = Text(
        user.display_name or user.name, style="bold magenta" if user.is_bot else "bold cyan"
    )
    return name.append(" APP", style="not bold dim") if user.is_bot else name


def _signed(head: Text, parts: Sequence[RenderableType]) -> RenderableType:
    return Group(head, *(Padding(part, (0, 0, 1, 2)) for part in parts))


def _parts(slack: SlackServer, shown: Message | Ephemeral) -> list[RenderableType]:
    numbers = {control.action_id: at for at, control in enumerate(buttons(shown), start=1)}
    parts = [_block(slack, block, numbers=numbers) for block in shown.blocks]
    return parts or [Text(unescape(named(slack, shown.text)))]


def _block(
    slack: SlackServer, block: dict[str, Any], *, numbers: Mapping[str, int]
) -> RenderableType:
    match block["type"]:
        case "markdown":
            return _Compact(_Markdown(named(slack, block["text"])))
        case "actions":
            labels = [_label(control, numbers=numbers) for control in controls([block])]
            return Text("  ").join(labels)
        case _:
            return Text(visible_text_of([block], text=""), style="dim")


def _label(control: Control, *, numbers: Mapping[str, int]) -> Text:
    number = numbers.get(control.action_id)
    return Text(f" {number}: {control.label} " if number else f" {control.label} ", "reverse")


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
