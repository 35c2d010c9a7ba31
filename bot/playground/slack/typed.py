"""What a person types, as Slack stores it."""

import re
from collections.abc import Iterator, Mapping

from bot.playground.slack.payload import Json

_MENTION = r"<(?:[@#][A-Z0-9]+|![a-z]+(?:\^[A-Z0-9]+)?)(?:\|[^<>]*)?>"
_LINK = r"https?://[^\s<>|]+"
_SPECIAL = re.compile(f"({_MENTION}|{_LINK})")


def escape(text: str) -> str:
    """Escape the three characters Slack escapes (docs page "formatting message text")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def typed_text(text: str) -> str:
    """Return `text` as events carry it.

    Args:
        text: What was typed; mentions are written as tokens such as `<@U0ANN>`.

    Returns:
        Tokens as they are, addresses in angle brackets, everything else escaped.
    """
    return "".join(_stored(part) for part in _SPECIAL.split(text))


def command_text(text: str, *, names: Mapping[str, str]) -> str:
    """Return what was typed after a slash command that wants its text escaped.

    Source: docs page "slash commands": mentions come with a name, addresses in angle brackets.

    Args:
        text: What was typed; mentions are written as tokens such as `<@U0ANN>`.
        names: What people and channels are called, by id.
    """
    return "".join(_named(_stored(part), names=names) for part in _SPECIAL.split(text))


def _named(part: str, *, names: Mapping[str, str]) -> str:
    found = re.fullmatch(r"<([@#])([A-Z0-9]+)>", part)
    return f"<{found[1]}{found[2]}|{names.get(found[2], '')}>" if found else part


def _stored(part: str) -> str:
    if re.fullmatch(_LINK, part):
        return f"<{escape(part)}>"
    return part if re.fullmatch(_MENTION, part) else escape(part)


def typed_blocks(text: str) -> tuple[Json, ...]:
    """Return the rich text block Slack's clients send beside the text."""
    section = {"type": "rich_text_section", "elements": list(_elements(text))}
    return ({"type": "rich_text", "elements": [section]},)


def _elements(text: str) -> Iterator[Json]:
    for part in _SPECIAL.split(text):
        if part.startswith("<@") and re.fullmatch(_MENTION, part):
            yield {"type": "user", "user_id": part[2:-1].partition("|")[0]}
        elif re.fullmatch(_LINK, part):
            yield {"type": "link", "url": part}
        elif part:
            yield {"type": "text", "text": part}
