"""A message as Slack returns it -> what was said in it.

The bot's own answers went out in `markdown` blocks. Slack may give them back as it got them, or as
the `rich_text` and `table` blocks it made of them; the message's `text` is the short fallback for
notifications. What is no answer (notes, buttons) stands in blocks of other types.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from bot.core.files import notes_of, plain_name
from bot.core.history import Said
from bot.core.messages import WRITTEN_SUBTYPES
from bot.slack.message import EVENT_TYPE

DEEPEST = 8
"""Levels of a block that are looked into; Slack nests four."""
_LINES = frozenset({"rich_text", "rich_text_list", "rich_text_quote"})
"""Types whose elements are lines of their own, or blocks."""


def said(message: Mapping[str, Any]) -> Said | None:
    """Return what a message says; None for one that says nothing, such as a notice.

    Args:
        message: As `conversations.replies` returns it, with its metadata.
    """
    if message.get("subtype") not in (None, "bot_message", *WRITTEN_SUBTYPES):
        return None
    turn_id = _turn_id(message.get("metadata"))
    if turn_id is not None and _is_sentence(message["metadata"]):
        return None
    text = message.get("text")
    words = text if isinstance(text, str) else ""
    if turn_id is not None:
        words = "\n\n".join(_answer(message.get("blocks")))
    files = tuple(plain_name(note.name) for note in notes_of(message.get("files")))
    if not words.strip() and not files:
        return None
    user = message.get("user")
    return Said(user if isinstance(user, str) else "", words, turn_id, files)


def blocked_question(message: Mapping[str, Any]) -> str | None:
    """Return the ts of the question that a reply says was blocked; None for any other message.

    Args:
        message: As for `said`.
    """
    marked = _object(message.get("metadata"))
    if _turn_id(marked) is None:
        return None
    ts = _object(marked.get("event_payload")).get("blocked_ts")
    return ts if isinstance(ts, str) else None


def _turn_id(metadata: object) -> int | None:
    """Return the turn a message is a reply to, by the bot's own mark."""
    marked = _object(metadata)
    turn_id = _object(marked.get("event_payload")).get("turn_id")
    return turn_id if marked.get("event_type") == EVENT_TYPE and isinstance(turn_id, int) else None


def _is_sentence(metadata: object) -> bool:
    """Return whether a marked message says something of the bot's own, such as a failure."""
    return _object(_object(metadata).get("event_payload")).get("is_answer") is False


def _answer(blocks: object) -> Iterator[str]:
    for block in _objects(blocks):
        match block.get("type"):
            case "markdown":
                yield str(block.get("text") or "")
            case "rich_text" | "table":
                yield _words(block, deep=0)
            case _:
                continue


def _words(element: Mapping[str, Any], *, deep: int) -> str:
    """Return the words of an element of a block, without its looks."""
    if deep == DEEPEST:
        return ""
    if element.get("type") == "table":
        return "\n".join(_row(row, deep=deep) for row in _list(element.get("rows")))
    inner = _objects(element.get("elements"))
    glue = "\n" if element.get("type") in _LINES else ""
    words = glue.join(_words(each, deep=deep + 1) for each in inner)
    return words or str(element.get("text") or element.get("url") or "")


def _row(row: object, *, deep: int) -> str:
    return " | ".join(_words(cell, deep=deep + 1) for cell in _objects(row))


def _objects(value: object) -> Sequence[Mapping[str, Any]]:
    return [cast("dict[str, Any]", each) for each in _list(value) if isinstance(each, dict)]


def _list(value: object) -> Sequence[object]:
    return cast("list[object]", value) if isinstance(value, list) else ()


def _object(value: object) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
