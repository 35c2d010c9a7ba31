"""A thread of the playground's Slack, drawn in a terminal as its readers see it."""

import asyncio
import re
from collections.abc import Callable, Iterator
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

from bot.playground.slack.blocks import visible_text_of
from bot.playground.slack.message import Message
from bot.playground.slack.server import SlackServer

FRAME_S = 1 / 12
SETTLED_S = 0.4
"""An answer is over when it has been for so long: between two pages it only looks like it."""

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
    growing = any(block["type"] == "actions" for block in last.blocks)
    return last.user == slack.workspace.app.bot_user_id and not growing


def _drawn(slack: SlackServer, message: Message) -> RenderableType:
    """Draw one message: its author, its blocks, its buttons."""
    user = slack.workspace.users[message.user]
    name = Text(
        user.display_name or user.name, style="bold magenta" if user.is_bot else "bold cyan"
    )
    if user.is_bot:
        name.append(" APP", style="not bold dim")
        parts = [_block(block) for block in message.blocks] or [Text(unescape(message.text))]
    else:
        parts = [_typed(slack, message.text)]
    return Group(name, *(Padding(part, (0, 0, 1, 2)) for part in parts))


def _block(block: dict[str, Any]) -> RenderableType:
    match block["type"]:
        case "markdown":
            return _Compact(_Markdown(block["text"]))
        case "actions":
            return Text.assemble(
                *((f" {element['text']['text']} ", "reverse") for element in block["elements"])
            )
        case _:
            return Text(visible_text_of([block], text=""), style="dim")


def _typed(slack: SlackServer, text: str) -> Text:
    """Show what a person typed, with the bot's name for its id."""
    app = slack.workspace.app
    bot = slack.workspace.users[app.bot_user_id]
    name = bot.display_name or bot.name
    text = text.replace(f"<@{app.bot_user_id}>", f"@{name}")
    return Text(unescape(_LINK.sub(r"\1", text)))


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
