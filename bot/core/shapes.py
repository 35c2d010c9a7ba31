"""The shapes a setting's value has: typed text -> JSON, and JSON -> the text that is read back.

Reading decides the shape alone. Whether the value is one of the setting's is checked afterwards, by
`core.setting`. Everything here raises `BadValue` for text of another shape, and nothing else.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from bot.core.json_value import Json, json_text, object_of, parse_json
from bot.core.language import Phrase
from bot.errors import BadValue

Shape: TypeAlias = Literal["words", "json", "choice", "flag", "number", "text", "users", "app"]

NO_LIMIT = "off"
"""The value of a number that is not to be had."""

NONE = "none"
"""The value of a list, an object, a text or a choice that is not to be had, though inherited."""

_APOSTROPHES = ("'", "‘", "’", "‚", "‛")
_CURLY = str.maketrans(dict.fromkeys("“”„‟", '"'))
_SEPARATORS = r"\s,，、;；"
_BETWEEN = re.compile(rf"[{_SEPARATORS}]*")
_NEEDS_QUOTES = re.compile(rf"[{_SEPARATORS}]")
_WORD = re.compile(rf'"(?P<quoted>[^"]*)"|(?P<bare>[^"{_SEPARATORS}]+)')
# A comma at the end would be meant as a separator, so it is no part of a value and fits nothing.
_PAIR = re.compile(r'(?P<name>[^\s="]+)=(?P<value>"[^"]*"|[^\s"]*(?<![,，、;；]))(?=\s|$)')
_NUMBER = re.compile(r"[0-9]{1,18}|[0-9]{1,3}(?:,[0-9]{3}){1,5}")
_ID = "[UW][A-Z0-9]{1,30}"
_USER = re.compile(rf"<@(?P<id>{_ID})(?:\|[^<>]*)?>|(?P<bare>{_ID})")

_ON = frozenset({"on", "yes", "true", "1", "开", "开启", "是"})
_OFF = frozenset({"off", "no", "false", "0", "关", "关闭", "否"})

NOTHING = frozenset({"off", "none", "no", "关", "关闭", "无"})
"""Words for having nothing; in quotation marks they are words like any other."""
DROPPING_WORDS = frozenset({"default", "inherit", "-", "默认", "继承"})
"""Words for taking the own value away; in quotation marks they are words like any other."""

_QUOTE_IS_OPEN = Phrase("A quotation mark has no counterpart.", "引号没有成对出现。")
_ONLY_DOUBLE = Phrase(
    'Words that belong together are typed in double quotes: `"two words"`.',
    '含空格的词语请加双引号：`"two words"`。',
)
_STANDS_ALONE = Phrase(
    'Type `{word}` alone, or, to have it as a word like any other, in double quotes: `"{word}"`.',
    '`{word}` 须单独输入；若作为普通词语，请加双引号：`"{word}"`。',
)

_ON_OR_OFF = Phrase("Type `on` or `off`.", "请输入 `on` 或 `off`。")
_NUMBER_OR_OFF = Phrase(
    "Type a whole number such as `100`, or `off` for no limit.",
    "请输入整数（如 `100`），或输入 `off` 表示不限制。",
)
_PEOPLE = Phrase("Mention people, such as `@ann`.", "请提及成员，例如 `@ann`。")
_PAIRS = Phrase(
    'Type `name=value`, one a line; several on one line as `city="New York" days=3`. '
    "Or type a JSON object.",
    '请输入 `名称=值`，每行一个；同一行写多个时：`city="New York" days=3`。也可以输入 JSON 对象。',
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values.

    Attributes:
        value: What is stored and typed.
        label: What it means, at most 75 characters (Slack, "Option object": text).
    """

    value: str
    label: Phrase


def read_words(typed: str) -> list[str]:
    """Read words between spaces, commas or line breaks; each kept once, in the order given.

    A word with spaces or commas in it is typed in double quotes, as is one that means something
    else by itself.
    """
    words = list(_scan_words(typed))
    for word in words:
        bare: str = word["bare"] or ""
        if bare.startswith(_APOSTROPHES):
            raise BadValue(_ONLY_DOUBLE)
        if stands_alone(bare):
            raise BadValue(_STANDS_ALONE, word=bare)
    return _distinct(words)


def show_words(words: Sequence[str]) -> str:
    """Return words as one types them."""
    return ", ".join(f'"{word}"' if _is_quoted(word) else word for word in words)


def read_json_or_pairs(typed: str) -> Json:
    """Read a JSON object, or lines or words of `name=value` with texts for values."""
    if typed.lstrip().startswith("{"):
        return parse_json(typed)
    return object_of(list(_pairs(typed)))


def read_choice(typed: str, *, choices: Sequence[Choice]) -> str:
    """Read one of a few values, by itself or by its label in either language."""
    wanted = typed.strip().casefold()
    for choice in choices:
        names = (choice.value, choice.label.en, choice.label.zh)
        if wanted in (name.casefold() for name in names):
            return choice.value
    raise BadValue(one_of(choices))


def read_choices(typed: str, *, choices: Sequence[Choice]) -> list[str]:
    """Read some of a few values; each kept once, in the order given."""
    words = _distinct(_scan_words(typed))
    return list(dict.fromkeys(read_choice(word, choices=choices) for word in words))


def one_of(choices: Sequence[Choice]) -> Phrase:
    """Return the sentence that names the values there are."""
    listed = ", ".join(f"`{choice.value}`" for choice in choices)
    return Phrase(f"Type one of: {listed}.", f"请输入其中之一：{listed}。")


def read_flag(typed: str) -> bool:
    """Read on or off."""
    word = typed.strip().casefold()
    if word not in _ON | _OFF:
        raise BadValue(_ON_OR_OFF)
    return word in _ON


def read_number(typed: str) -> Json:
    """Read a whole number, with commas between thousands or without, or `off`."""
    word = typed.strip().casefold()
    if word in _OFF - {"0"}:
        return NO_LIMIT
    if not _NUMBER.fullmatch(word):
        raise BadValue(_NUMBER_OR_OFF)
    return int(word.replace(",", ""))


def read_users(typed: str) -> list[str]:
    """Read people as Slack writes them in text (`<@U1>`, `<@U1|ann>`) or as bare ids."""
    found = _scan(_USER, typed, otherwise=_PEOPLE)
    return list(dict.fromkeys(user["id"] or user["bare"] for user in found))


READERS: Mapping[Shape, Callable[[str], Json]] = {
    "words": read_words,
    "json": parse_json,
    "flag": read_flag,
    "number": read_number,
    "text": str.strip,
    "users": read_users,
    "app": str.strip,
}
"""How each shape is read, but `choice`: `read_choice` needs to know the choices."""


def is_nothing(typed: str) -> bool:
    """Whether somebody meant nothing at all."""
    return typed.strip().casefold() in NOTHING


def stands_alone(typed: str) -> bool:
    """Whether somebody meant something else than a text or a word by it: no value of their own."""
    return is_nothing(typed) or typed.strip().casefold() in DROPPING_WORDS


def is_user_id(value: Json) -> bool:
    """Whether it is the id of a person."""
    return isinstance(value, str) and re.fullmatch(_ID, value) is not None


def show(value: Json, *, shape: Shape) -> str:
    """Return a value as one types it."""
    match shape, value:
        case "flag", _:
            return "on" if value is True else "off"
        case "words", [*words]:
            return show_words([str(word) for word in words])
        case "users", [*people]:
            return ", ".join(f"<@{person}>" for person in people)
        case _, str() if shape != "json":
            return value
        case _:
            return json_text(value)


def _is_quoted(word: str) -> bool:
    is_odd = word.startswith(_APOSTROPHES) or _NEEDS_QUOTES.search(word) is not None
    return is_odd or stands_alone(word)


def _scan_words(typed: str) -> Iterator[re.Match[str]]:
    return _scan(_WORD, typed.translate(_CURLY), otherwise=_QUOTE_IS_OPEN)


def _distinct(words: Iterable[re.Match[str]]) -> list[str]:
    return list(dict.fromkeys(word["bare"] or word["quoted"] for word in words))


def _pairs(typed: str) -> Iterator[tuple[str, str]]:
    lines = [line for line in typed.splitlines() if line.strip()]
    if len(lines) > 1:
        yield from (_pair_of_line(line) for line in lines)
        return
    for pair in _scan(_PAIR, typed.translate(_CURLY), otherwise=_PAIRS):
        yield pair["name"], unquoted(pair["value"])


def _pair_of_line(line: str) -> tuple[str, str]:
    name, equals, value = (part.strip() for part in line.partition("="))
    if not equals or not name or " " in name:
        raise BadValue(_PAIRS)
    return name, unquoted(value)


def unquoted(value: str) -> str:
    """Return a value without the double quotes around it, straight or curly."""
    straight = value.translate(_CURLY)
    is_quoted = len(value) > 1 and straight[0] == straight[-1] == '"'
    return value[1:-1] if is_quoted else value


def _scan(pattern: re.Pattern[str], text: str, *, otherwise: Phrase) -> Iterator[re.Match[str]]:
    """Yield one match after the other, with nothing but separators between them.

    Raises:
        BadValue: Something else stands there; `otherwise` says what should.
    """
    at = _after_separators(text, 0)
    while at < len(text):
        found = pattern.match(text, at)
        if found is None:
            raise BadValue(otherwise)
        yield found
        at = _after_separators(text, found.end())


def _after_separators(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at
