"""Long-term memory as Model Studio keeps it: a memory of described facts, one node each.

Limits are those of the pages "CreateMemory" and "CreateMemoryNode" of Model Studio's API reference.
"""

from dataclasses import dataclass, field
from datetime import datetime

from bot.core.language import Phrase

MAX_DESCRIPTION_CHARS = 50  # "CreateMemory", description
MAX_CONTENT_CHARS = 200  # "CreateMemoryNode", content

_SIGNS = frozenset(":_.-")

_DESCRIPTION_LENGTH = Phrase(
    f"A memory's description has 1 to {MAX_DESCRIPTION_CHARS} characters.",
    f"记忆体的描述为 1 到 {MAX_DESCRIPTION_CHARS} 个字符。",
)
_DESCRIPTION_CHARACTERS = Phrase(
    "A memory's description may hold letters, digits and any of `:` `_` `.` `-`.",
    "记忆体的描述只能包含文字、数字和 `:` `_` `.` `-`。",
)
_NOTHING = Phrase("There is nothing to remember in it.", "没有可以记住的内容。")
_CONTENT_LENGTH = Phrase(
    f"One thing to remember has at most {MAX_CONTENT_CHARS} characters.",
    f"一条记忆最多 {MAX_CONTENT_CHARS} 个字符。",
)


@dataclass(frozen=True, slots=True)
class Memory:
    """A place facts are kept in; an agent app is asked with its id.

    Attributes:
        memory_id: Made by Model Studio.
        description: What its owner called it; may be empty.
    """

    memory_id: str
    description: str


@dataclass(frozen=True, slots=True)
class MemoryNode:
    """One remembered fact.

    Attributes:
        node_id: Made by Model Studio.
        content: The fact; somebody's own words, never logged.
    """

    node_id: str
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotMade:
    """A memory that could not be made.

    Attributes:
        reason: The service's code, such as `SignatureDoesNotMatch`, or the error's class.
        at: When, aware UTC.
    """

    reason: str
    at: datetime


def description_problem(text: str) -> Phrase | None:
    """Say what is wrong with a memory's description; None when it will be taken."""
    if not 1 <= len(text) <= MAX_DESCRIPTION_CHARS:
        return _DESCRIPTION_LENGTH
    return None if all(map(_may_describe, text)) else _DESCRIPTION_CHARACTERS


def content_problem(text: str) -> Phrase | None:
    """Say what is wrong with a fact to remember; None when it will be taken."""
    if not text.strip():
        return _NOTHING
    return None if len(text) <= MAX_CONTENT_CHARS else _CONTENT_LENGTH


def describe(text: str) -> str:
    """Return a description that will be taken, as close to `text` as it can be.

    What is not allowed becomes `_`; the rest is cut. Nothing at all becomes `_`.
    """
    kept = "".join(sign if _may_describe(sign) else "_" for sign in text)
    return kept[:MAX_DESCRIPTION_CHARS] or "_"


def _may_describe(sign: str) -> bool:
    return sign.isalpha() or sign.isdecimal() or sign in _SIGNS
