"""JSON that people type: what it may be, and reading it with the place of a mistake."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import NoReturn, TypeAlias, assert_never, cast

from bot.core.language import Phrase
from bot.errors import BadValue

# Named as text inside itself, as an alias cannot use its own name before it exists.
Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None

MAX_TYPED_CHARS = 3000
"""What one input takes (Slack, "Plain-text input element": max_length); commands take no more."""

MAX_DEPTH = 8
"""Objects and lists inside each other; our own bound."""

_LARGEST_WHOLE_NUMBER = 2**53 - 1
"""Beyond it some readers of JSON lose digits (RFC 8259, section 6)."""

_LONGEST_WHOLE_NUMBER_CHARS = len(str(-_LARGEST_WHOLE_NUMBER))
_NEAR_CHARS = 20
"""This much of what stands at a mistake is repeated."""

# One character for one, so that places in the text stay the user's own.
_MEANT = {**dict.fromkeys("“”„‟", '"'), "\u00a0": " "}

_EMPTY = Phrase("There is nothing here.", "这里没有内容。")
_TOO_LONG = Phrase(
    "That is too long: at most {limit} characters are possible, these are {given}.",
    "内容过长：最多 {limit} 个字符，现在有 {given} 个。",
)
_TOO_DEEP = Phrase(
    f"Objects and lists are nested deeper than {MAX_DEPTH} levels.",
    f"对象和列表的嵌套超过了 {MAX_DEPTH} 层。",
)
_TOO_LARGE = Phrase("A number in it is too large.", "其中有一个数字过大。")
_NO_NUMBER = Phrase("It holds a number that is none in JSON.", "其中有一个 JSON 不支持的数字。")
_BROKEN_TEXT = Phrase("It holds a character that cannot be sent.", "其中有一个无法发送的字符。")
_GIVEN_TWICE = Phrase("The name `{name}` stands in it twice.", "名称 `{name}` 出现了两次。")
_NOT_READ = Phrase("this cannot be read as JSON", "此处无法按 JSON 解析")
_REASONS: Mapping[str, Phrase] = {
    "Expecting value": Phrase("a value is missing", "缺少一个值"),
    "Expecting property name": Phrase(
        "a name in double quotes is missing", "缺少用双引号括起的名称"
    ),
    "Expecting ':'": Phrase("a colon is missing", "缺少冒号 :"),
    "Expecting ','": Phrase("a comma is missing", "缺少逗号 ,"),
    "Unterminated string": Phrase(
        "this text has no closing quotation mark", "这段文本缺少结尾的引号"
    ),
    "Invalid control character": Phrase(
        "a line break or tab stands inside quotation marks; write \\n or \\t",
        "引号内有换行或制表符，请写成 \\n 或 \\t",
    ),
    "Extra data": Phrase("the value ended before this", "值在此之前已经结束"),
}
"""By how the messages of Python's decoder begin."""


def parse_json(typed: str) -> Json:
    """Read JSON as somebody typed it.

    Slack clients turn straight quotation marks into curly ones; these are taken for straight ones
    when the text cannot be read otherwise.

    Args:
        typed: As it was typed: it is not stripped, so that line and column are the user's own.

    Raises:
        BadValue: It is no JSON (says line and column), or `trouble_with` finds something.
    """
    refuse_unreadable(typed)
    value = _decode_as_meant(typed)
    if trouble := trouble_with(value):
        raise BadValue(trouble)
    return value


def json_text(value: Json) -> str:
    """Return JSON on one line, to be read by people and by `parse_json`."""
    return json.dumps(value, ensure_ascii=False)


def trouble_with(value: Json) -> Phrase | None:
    """Return why a value cannot be kept and sent, or None.

    It must not be deeper than MAX_DEPTH nor longer than MAX_TYPED_CHARS when written out, hold
    only finite numbers that no reader rounds, and only text that can be encoded.
    """
    if trouble := _trouble_within(value, depth=0):
        return trouble
    given = len(json_text(value))
    if given <= MAX_TYPED_CHARS:
        return None
    return Phrase(
        _TOO_LONG.en.format(limit=MAX_TYPED_CHARS, given=given),
        _TOO_LONG.zh.format(limit=MAX_TYPED_CHARS, given=given),
    )


def object_of(pairs: Sequence[tuple[str, Json]]) -> Json:
    """Return an object of names and values as they were typed.

    Raises:
        BadValue: A name stands there twice, so that one of its values would be lost.
    """
    value = dict(pairs)
    if len(value) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise BadValue(_GIVEN_TWICE, name=twice.replace("`", "'"))
    return value


def refuse_unreadable(typed: str) -> None:
    """Refuse what is blank or longer than any input.

    Raises:
        BadValue: It is.
    """
    if not typed.strip():
        raise BadValue(_EMPTY)
    if len(typed) > MAX_TYPED_CHARS:
        raise BadValue(_TOO_LONG, limit=MAX_TYPED_CHARS, given=len(typed))


def _trouble_within(value: Json, *, depth: int) -> Phrase | None:
    match value:
        case str():
            return _BROKEN_TEXT if _is_broken(value) else None
        case float():
            return None if math.isfinite(value) else _NO_NUMBER
        case int():
            return _TOO_LARGE if abs(value) > _LARGEST_WHOLE_NUMBER else None
        case Mapping():
            return _trouble_of_parts([*value.keys(), *value.values()], depth=depth + 1)
        case Sequence():
            return _trouble_of_parts(value, depth=depth + 1)
        case None:
            return None
        case _:
            assert_never(value)


def _trouble_of_parts(parts: Sequence[Json], *, depth: int) -> Phrase | None:
    if depth > MAX_DEPTH:
        return _TOO_DEEP
    troubles = (_trouble_within(part, depth=depth) for part in parts)
    return next((trouble for trouble in troubles if trouble), None)


def _is_broken(text: str) -> bool:
    """Whether it holds NUL, which PostgreSQL refuses, or half a pair, which UTF-8 refuses."""
    return any(char == "\0" or "\ud800" <= char <= "\udfff" for char in text)


def _decode_as_meant(typed: str) -> Json:
    try:
        return _decode(typed)
    except json.JSONDecodeError as error:
        first = error
    try:
        return _decode(typed.translate(str.maketrans(_MEANT)))
    except json.JSONDecodeError as second:
        # Unless a curly one was in the way, what was typed is the better guide to the mistake.
        was_in_the_way = typed[first.pos : first.pos + 1] in _MEANT
        raise _syntax_problem(second if was_in_the_way else first, typed) from second


def _decode(text: str) -> Json:
    try:
        value = json.loads(
            text,
            object_pairs_hook=object_of,
            parse_int=_whole_number,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise BadValue(_TOO_DEEP) from None
    return cast("Json", value)


def _whole_number(digits: str) -> int:
    """Read a number; Python refuses very long ones with an exception of its own."""
    if len(digits) > _LONGEST_WHOLE_NUMBER_CHARS:
        raise BadValue(_TOO_LARGE)
    return int(digits)


def _refuse_constant(_name: str) -> NoReturn:
    raise BadValue(_NO_NUMBER)


def _syntax_problem(error: json.JSONDecodeError, typed: str) -> BadValue:
    reasons = (phrase for start, phrase in _REASONS.items() if error.msg.startswith(start))
    reason = next(reasons, _NOT_READ)
    near = _first_line(typed[error.pos : error.pos + _NEAR_CHARS])
    shown = " (`{near}`)" if near else ""
    return BadValue(
        Phrase(
            f"Line {{line}}, column {{column}}{shown}: {reason.en}.",
            f"第 {{line}} 行第 {{column}} 列{shown}：{reason.zh}。",
        ),
        line=error.lineno,
        column=error.colno,
        near=near,
    )


def _first_line(text: str) -> str:
    """Return what stands on the first line, fit to stand in a code span."""
    return "".join(text.splitlines()[:1]).strip().replace("`", "'")
