"""What Slack makes of what somebody typed after a command -> what they typed."""

import re

_TOKEN = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_ADDED_SCHEMES = ("http://", "mailto:", "tel:")
"""What clients put before a bare host, address or number that they take for a link."""


def unescape(text: str, *, keep_users: bool) -> str:
    """Return what somebody typed, of what Slack made of it (docs: "Slash commands", escaping).

    Args:
        text: With Slack's tokens: `<https://x>`, `<@U1|ann>`, `<#C1|name>`, and `&lt;`.
        keep_users: Whether a person stays `<@U1>`; otherwise the name stands there.
    """
    shown = _TOKEN.sub(lambda token: _typed_token(token, keep_users=keep_users), text)
    for entity, char in _ENTITIES:
        shown = shown.replace(entity, char)
    return shown


def _typed_token(token: re.Match[str], *, keep_users: bool) -> str:
    target, label = token[1], token[2] or ""
    match target[:1]:
        case "@" if keep_users:
            return f"<{target}>"
        case "@":
            return f"@{label or target[1:]}"
        case "#":
            return f"#{label or target[1:]}"
        case "!":
            return f"@{label.lstrip('@') or target[1:]}"
        case _:
            return label if _is_added(target, label=label) else target


def _is_added(url: str, *, label: str) -> bool:
    return bool(label) and any(url == scheme + label for scheme in _ADDED_SCHEMES)
