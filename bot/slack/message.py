"""What one message of a reply is on the wire: fallback text, blocks, and the bot's own mark."""

import re
from typing import Any

from bot.core import texts
from bot.core.language import Language
from bot.core.reply import Content, Control, Mark

FALLBACK_CHARS = 150
"""What a notification has room for."""
NOTE_CHARS = 2_000
"""A text object in a context block takes 3,000 (docs.slack.dev, "Text object"); notes are short."""
NOTHING_YET = "…"
"""Stands where nothing else does: Slack takes no message without text."""
EVENT_TYPE = "dashscope_turn"
"""The event_type of the metadata on the bot's replies."""
CONTROL_PREFIX = "turn:"
"""Every control's action_id starts with it."""
AGAIN_ACTION = f"{CONTROL_PREFIX}again"
FILL_ACTION = f"{CONTROL_PREFIX}fill"
_LABELS = {Control.STOP: texts.STOP}

_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_LINE_MARKS = re.compile(
    r"^[ \t]*(?:[-*+>][ \t]|#{1,6}[ \t]|\d+\.[ \t]|```\w*|~~~\w*|\|)", re.MULTILINE
)
_INLINE_MARKS = re.compile(r"[*`~|]+|(?<!\w)_+|_+(?!\w)")
_SPACE = re.compile(r"\s+")


def message(content: Content, *, mark: Mark) -> dict[str, Any]:
    """Return the arguments that posting and editing have in common."""
    return {
        "text": fallback(content),
        "blocks": blocks(content, mark=mark),
        # An edit makes links of bare channel names in `text` unless told not to.
        "parse": "none",
        "metadata": metadata(mark, is_answer=content.is_answer, blocked_ts=content.blocked_ts),
    }


def blocks(content: Content, *, mark: Mark) -> list[dict[str, Any]]:
    """Return one message's blocks, never none.

    Args:
        content: What to show; its text is within a `markdown` block's 12,000 characters.
        mark: Whose message it is; a control's value is the turn's id, and what there is to fill in
            stands behind it.
    """
    shown: list[dict[str, Any]] = []
    if content.text.strip():
        shown.append({"type": "markdown", "text": content.text})
    if content.note.strip():
        shown.append(_context(content.note[:NOTE_CHARS]))
    if buttons := _buttons(content, mark):
        shown.append({"type": "actions", "elements": buttons})
    return shown or [_context(NOTHING_YET)]


def offer(*, turn_id: int, edited_ts: str, language: Language) -> dict[str, Any]:
    """Return the arguments of the offer to answer an edited question again."""
    why = texts.EDITED_LATE.say(language)
    label = texts.ANSWER_AGAIN.say(language)
    button = _button(AGAIN_ACTION, label, value=f"{turn_id}:{edited_ts}")
    return {
        "text": why,
        "blocks": [_context(why), {"type": "actions", "elements": [button]}],
    }


def whisper(text: str) -> dict[str, Any]:
    """Return the arguments of one sentence for one reader, nothing in it live."""
    return {"text": fallback(Content(text)), "blocks": [_context(text)]}


def fallback(content: Content) -> str:
    """Return what notifications and screen readers get: plain, escaped, never empty.

    At most FALLBACK_CHARS characters before escaping.
    """
    plain = _plain(content.text) or _plain(content.note) or NOTHING_YET
    if len(plain) > FALLBACK_CHARS:
        plain = plain[: FALLBACK_CHARS - 1].rstrip() + "…"
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def metadata(mark: Mark, *, is_answer: bool = True, blocked_ts: str = "") -> dict[str, Any]:
    """Return the metadata by which `carries` knows the message again.

    Args:
        mark: Whose message it is.
        is_answer: Whether an app's words are in it; told only when they are not.
        blocked_ts: The question it says was blocked; told only when there is one.
    """
    told: dict[str, Any] = {} if is_answer else {"is_answer": False}
    if blocked_ts:
        told["blocked_ts"] = blocked_ts
    return {
        "event_type": EVENT_TYPE,
        "event_payload": {"turn_id": mark.turn_id, "page": mark.page, **told},
    }


def carries(found: dict[str, Any], *, mark: Mark) -> bool:
    """Return whether a message, as Slack returns it with its metadata, carries `mark`."""
    marked: dict[str, Any] = found.get("metadata") or {}
    payload: dict[str, Any] = marked.get("event_payload") or {}
    named = (payload.get("turn_id"), payload.get("page"))
    return marked.get("event_type") == EVENT_TYPE and named == (mark.turn_id, mark.page)


def _context(text: str) -> dict[str, Any]:
    # Plain text, so that nothing in it can become a mention or a link.
    return {"type": "context", "elements": [{"type": "plain_text", "text": text, "emoji": True}]}


def _buttons(content: Content, mark: Mark) -> list[dict[str, Any]]:
    turn_id, say = str(mark.turn_id), content.language
    buttons = [
        _button(CONTROL_PREFIX + control.value, _LABELS[control].say(say), value=turn_id)
        for control in content.controls
    ]
    if content.fills:
        value = f"{turn_id}:{','.join(content.fills)}"
        buttons.append(_button(FILL_ACTION, texts.FILL_IN.say(say), value=value))
    return buttons


def _button(action_id: str, label: str, *, value: str) -> dict[str, Any]:
    return {
        "type": "button",
        "action_id": action_id,
        "text": {"type": "plain_text", "text": label},
        "value": value,
    }


def _plain(markdown: str) -> str:
    # A few times more than is shown is enough to look at; the rest of the answer is left alone.
    start = markdown[: FALLBACK_CHARS * 8]
    unlinked = _LINK.sub(r"\1", start)
    unmarked = _INLINE_MARKS.sub("", _LINE_MARKS.sub("", unlinked))
    readable = unmarked.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return _SPACE.sub(" ", readable).strip()
