"""A message as Slack returns it -> what was said in it.

The bot's own answers went out in `markdown` blocks. Slack may give them back as it got them, or as
the `rich_text` and `table` blocks it made of them; the message's `text` is the short fallback for
notifications. What is no answer (notes, buttons) stands in blocks of other types.

What other apps say, and what is passed on from elsewhere, often has no `text` at all: it stands in
blocks, or in attachments (docs.slack.dev, "Legacy attachments").
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from bot.core.files import notes_of, plain_name
from bot.core.history import Said
from bot.core.messages import WRITTEN_SUBTYPES
from bot.slack.message import EVENT_TYPE

DEEPEST = 8
"""Levels of a block that are looked into; Slack nests four."""
TEXTLESS_CHARS = 4_000
"""Of a message that is read from its blocks or attachments: its beginning says what it is about."""
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
    words, user = text if isinstance(text, str) else "", message.get("user")
    if turn_id is not None:
        words = "\n\n".join(_answer(message.get("blocks")))
    elif not words.strip():
        words = _told(message)[:TEXTLESS_CHARS]
        user = "" if _is_passed_on(message) else user
    files = tuple(plain_name(note.name) for note in notes_of(message.get("files")))
    if not words.strip() and not files:
        return None
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


def _is_passed_on(message: Mapping[str, Any]) -> bool:
    """Return whether somebody else may have said it: nobody's words are taken for another's."""
    return any(_passed_on(one) for one in _objects(message.get("attachments")))


def _told(message: Mapping[str, Any]) -> str:
    """Return the words of a message, or of an attachment, that stand in its blocks or fields.

    Like any text of Slack: escaped, with mentions as tokens.
    """
    blocks = (_shown(block) for block in _objects(message.get("blocks")))
    passed_on = (_passed_on(one) for one in _objects(message.get("attachments")))
    return "\n".join(words for words in (*blocks, *passed_on) if words)


def _passed_on(attachment: Mapping[str, Any]) -> str:
    fields = (attachment.get(name) for name in ("pretext", "title", "text"))
    words = [field for field in fields if isinstance(field, str) and field]
    if told := _told({"blocks": attachment.get("blocks")}):
        words.append(told)
    return "\n".join(words) or str(attachment.get("fallback") or "")


def _shown(block: Mapping[str, Any]) -> str:
    match block.get("type"):
        case "markdown":
            return _escaped(block)
        case "rich_text" | "table":
            return _words(block, deep=0, leaf=_token)
        case "header" | "section":
            inner = [block.get("text"), *_list(block.get("fields"))]
        case "context":
            inner = _list(block.get("elements"))
        case _:
            return ""
    return "\n".join(filter(None, map(_text, _objects(inner))))


def _text(element: Mapping[str, Any]) -> str:
    """Return the words of a text object; an image has none."""
    if element.get("type") == "mrkdwn":
        return str(element.get("text") or "")
    return _escaped(element)


def _token(element: Mapping[str, Any]) -> str:
    match element.get("type"):
        case "user":
            return f"<@{element.get('user_id')}>"
        case "emoji":
            return f":{element.get('name')}:"
        case _:
            return _escaped(element)


def _escaped(element: Mapping[str, Any]) -> str:
    words = _plain(element)
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(element: Mapping[str, Any]) -> str:
    return str(element.get("text") or element.get("url") or "")


def _words(
    element: Mapping[str, Any], *, deep: int, leaf: Callable[[Mapping[str, Any]], str] = _plain
) -> str:
    """Return the words of an element of a block, without its looks."""
    if deep == DEEPEST:
        return ""
    if element.get("type") == "table":
        rows = (_objects(row) for row in _list(element.get("rows")))
        cells = ([_words(cell, deep=deep + 1, leaf=leaf) for cell in row] for row in rows)
        return "\n".join(" | ".join(row) for row in cells)
    inner = _objects(element.get("elements"))
    glue = "\n" if element.get("type") in _LINES else ""
    words = glue.join(_words(each, deep=deep + 1, leaf=leaf) for each in inner)
    return words or leaf(element)


def _objects(value: object) -> Sequence[Mapping[str, Any]]:
    return [cast("dict[str, Any]", each) for each in _list(value) if isinstance(each, dict)]


def _list(value: object) -> Sequence[object]:
    return cast("list[object]", value) if isinstance(value, list) else ()


def _object(value: object) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
