"""The variables of a workflow that its asker gives: lines of `name=value` around a question.

Only names that are asked for are read; whatever else looks alike is part of the question. People
give text, but a workflow declares a type for each variable (Model Studio, "Start and end nodes":
String, Number, Boolean, Object, Array). No call tells the bot which; where admins set a value for
everybody, what the asker gives instead is read as the same type.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.json_value import Json, parse_json
from bot.core.language import Phrase
from bot.core.shapes import unquoted
from bot.errors import BadValue

MAX_VALUE_CHARS = 500
"""Our own bound, as the vendor names none: room for a sentence or two."""

FILLED_IN = "variables"
"""Where the payload of a question keeps what its asker filled in afterwards."""

_TOO_LONG = Phrase(
    f"`{{name}}` may have {MAX_VALUE_CHARS} characters at most.",
    f"`{{name}}` 最多 {MAX_VALUE_CHARS} 个字符。",
)
_NO_NUMBER = Phrase("`{name}` must be a number.", "`{name}` 必须是数字。")
_NO_BOOLEAN = Phrase("`{name}` must be true or false.", "`{name}` 必须是 true 或 false。")
_NO_OBJECT = Phrase("`{name}` must be a JSON object.", "`{name}` 必须是 JSON 对象。")
_NO_LIST = Phrase("`{name}` must be a JSON list.", "`{name}` 必须是 JSON 列表。")

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
    asked: Sequence[str], *, given: Mapping[str, str], fixed: Mapping[str, Json]
) -> tuple[str, ...]:
    """Return the names that have no value yet.

    Args:
        asked: The names there are, in order.
        given: What the asker gave; a value that cannot be is as good as none.
        fixed: The values that hold unless the asker gives another.
    """
    return tuple(
        name
        for name in asked
        if (not _is_taken(name, given=given, fixed=fixed) if name in given else name not in fixed)
    )


def troubles(
    asked: Sequence[str], *, given: Mapping[str, str], fixed: Mapping[str, Json]
) -> tuple[BadValue, ...]:
    """Return why values that were given cannot be, in the order of `asked`; blank needs no reason.

    Args:
        asked: The names there are.
        given: What the asker gave.
        fixed: The values that hold unless the asker gives another.
    """
    found: list[BadValue] = []
    for name in (name for name in asked if given.get(name, "").strip()):
        try:
            typed(name, given=given[name], like=fixed.get(name))
        except BadValue as trouble:
            found.append(trouble)
    return tuple(found)


def typed(name: str, *, given: str, like: Json) -> Json:
    """Return the value of a variable as the type of another; text where there is no other.

    Args:
        name: The variable's, for the sentence that says what is wrong.
        given: What the asker gave.
        like: The value that is set for everybody; None without one.

    Raises:
        BadValue: It is too long, or not of that type.
    """
    if len(given) > MAX_VALUE_CHARS:
        raise BadValue(_TOO_LONG, name=name)
    match like:
        case None | str():
            return given
        case bool():
            wanted, trouble = bool, _NO_BOOLEAN
        case int() | float():
            wanted, trouble = (int, float), _NO_NUMBER
        case Mapping():
            wanted, trouble = Mapping, _NO_OBJECT
        case _:
            wanted, trouble = list, _NO_LIST
    value = _json(given.lower() if wanted is bool else given)
    is_other = isinstance(value, bool) and wanted is not bool
    if is_other or not isinstance(value, wanted):
        raise BadValue(trouble, name=name)
    return value


def is_value(value: str) -> bool:
    """Whether a variable may have this value: one line with something in it, not too long."""
    return bool(value.strip()) and len(value) <= MAX_VALUE_CHARS and "\n" not in value


def _is_taken(name: str, *, given: Mapping[str, str], fixed: Mapping[str, Json]) -> bool:
    return is_value(given[name]) and not troubles((name,), given=given, fixed=fixed)


def _json(text: str) -> Json:
    """Read JSON; None for what is none."""
    try:
        return parse_json(text)
    except BadValue:
        return None


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
