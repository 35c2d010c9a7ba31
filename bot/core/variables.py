"""The variables of a workflow that its asker gives: lines of `name=value` around a question.

Only names that are asked for are read; whatever else looks alike is part of the question.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.shapes import unquoted

MAX_VALUE_CHARS = 500
"""Our own bound, as the vendor names none: room for a sentence or two."""

FILLED_IN = "variables"
"""Where the payload of a question keeps what its asker filled in afterwards."""

_LINE = re.compile(r"(?P<name>[\w.-]{1,64})\s*[=＝]\s*(?P<value>.*)")


@dataclass(frozen=True, slots=True)
class Given:
    """A question without the variables that were given with it.

    Attributes:
        text: The question, as Slack sent it; the whole message where nothing else was said, because
            an app takes no empty question.
        values: What was given, by the names asked for; not checked.
    """

    text: str = field(repr=False)
    values: Mapping[str, str] = field(repr=False)


def read_variables(text: str, *, asked: Collection[str], spoken: Callable[[str], str]) -> Given:
    """Take the variables off a question, from its first lines and its last.

    Empty lines between them and the question go as well. Of a variable given twice the last one
    counts. A name in other upper and lower case is meant all the same.

    Args:
        text: As Slack sent it.
        asked: The names there are.
        spoken: Turns Slack's text into what its reader sees, the bot's own mention left out.
    """
    lines = text.split("\n")
    first = _variables(lines, asked=asked, spoken=spoken)
    rest = lines[len(first) :]
    last = _variables(rest[::-1], asked=asked, spoken=spoken)
    rest = rest[: len(rest) - len(last)]
    values = dict(pair for pair in (*first, *reversed(last)) if pair is not None)
    question = "\n".join(rest)
    return Given(question if spoken(question) else text, values)


def missing(
    asked: Sequence[str], *, given: Mapping[str, str], fixed: Collection[str]
) -> tuple[str, ...]:
    """Return the names that have no value yet.

    Args:
        asked: The names there are, in order.
        given: What the asker gave; a value that cannot be is as good as none.
        fixed: The names that have a value unless the asker gives another.
    """
    return tuple(
        name
        for name in asked
        if (not is_value(given[name]) if name in given else name not in fixed)
    )


def is_value(value: str) -> bool:
    """Whether a variable may have this value: one line with something in it, not too long."""
    return bool(value.strip()) and len(value) <= MAX_VALUE_CHARS and "\n" not in value


def _variables(
    lines: Sequence[str], *, asked: Collection[str], spoken: Callable[[str], str]
) -> list[tuple[str, str] | None]:
    """Return the pairs that lines begin with, None for each empty one between; then comes prose."""
    found: list[tuple[str, str] | None] = []
    for line in lines:
        words = spoken(line)
        pair = _pair(words, asked=asked)
        if pair is None and words:
            break
        found.append(pair)
    return found


def _pair(words: str, *, asked: Collection[str]) -> tuple[str, str] | None:
    line = _LINE.fullmatch(words)
    name = _meant(line["name"], asked=asked) if line else None
    return (name, unquoted(line["value"].strip())) if line and name else None


def _meant(typed: str, *, asked: Collection[str]) -> str | None:
    if typed in asked:
        return typed
    return next((name for name in asked if name.casefold() == typed.casefold()), None)
