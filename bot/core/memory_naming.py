"""`memory id <@user> private|channels|<#channel> MEMORY_ID|none`, as Slack sends it."""

import re
from dataclasses import dataclass

from bot.core.memory_places import of_channel

_TYPED = re.compile(
    r"<@(?P<user>[UW][A-Z0-9]{1,30})(?:\|[^<>]*)?>\s+"
    r"(?:(?P<place>private|channels)|<#(?P<channel>[CG][A-Z0-9]{1,30})(?:\|[^<>]*)?>)\s+"
    r"(?P<memory>无|[A-Za-z0-9_-]{1,128})",
    re.IGNORECASE,
)
NOBODYS = frozenset({"none", "无"})
"""Said instead of an id to take it away."""


@dataclass(frozen=True, slots=True)
class Named:
    """A memory somebody is given by hand.

    Attributes:
        user_id: Whose it shall be.
        scope: Where it shall count.
        memory_id: Which; None takes the one there is away.
    """

    user_id: str
    scope: str
    memory_id: str | None


def parse_named(typed: str) -> Named | None:
    """Return what was typed after `memory id`; None when it is not of that form.

    Args:
        typed: With Slack's tokens for people and channels, which alone name them for certain.
    """
    found = _TYPED.fullmatch(typed.strip())
    if found is None:
        return None
    channel_id = found["channel"]
    scope = of_channel(channel_id.upper()) if channel_id else found["place"].casefold()
    memory_id = None if found["memory"].casefold() in NOBODYS else found["memory"]
    return Named(user_id=found["user"].upper(), scope=scope, memory_id=memory_id)
