"""What people and vendors wrote, put into Markdown so that it does nothing there."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from bot.core.mentions import TOKEN_IN_CODE

MAX_VALUE_CHARS = 600
"""Of one value, this much is shown."""
MAX_CELL_CHARS = 120
"""The same, in a table."""

_USER = re.compile(r"[UW][A-Z0-9]{1,30}")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{1,30}")


def code(text: str, *, most_chars: int = MAX_VALUE_CHARS) -> str:
    """Return text as a code span of one line: no Markdown and no mention comes out of it."""
    line = " ".join(text.split())
    if len(line) > most_chars:
        line = f"{line[: most_chars - 1]}…"
    # No span survives its own delimiter; the look-alike reads the same.
    line = TOKEN_IN_CODE.sub("&lt;", line.replace("`", "ˋ"))
    return f"`{line}`" if line else "` `"


def code_or_dash(text: str | None, *, most_chars: int = MAX_VALUE_CHARS) -> str:
    """Return text as `code` does, and a dash when there is none."""
    return code(text, most_chars=most_chars) if text else "–"


def cell(text: str) -> str:
    """Return text as a code span that fits a table's cell."""
    return code(text, most_chars=MAX_CELL_CHARS).replace("|", "\\|")


def user(user_id: str) -> str:
    """Return a mention of a person; anything that is no id is shown as text."""
    return f"<@{user_id}>" if _USER.fullmatch(user_id) else code(user_id)


def channel(channel_id: str) -> str:
    """Return a link to a channel; anything that is no id is shown as text."""
    return f"<#{channel_id}>" if _CHANNEL.fullmatch(channel_id) else code(channel_id)


def moment(at: datetime) -> str:
    """Return an instant to the minute, in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; its cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cut(text: str, *, most_chars: int, ending: str) -> str:
    """Return whole lines of a text, with `ending` in the place of those that do not fit."""
    if len(text) <= most_chars:
        return text
    whole_lines, _, _ = text[: most_chars - len(ending) - 1].rpartition("\n")
    return f"{whole_lines}\n{ending}"
