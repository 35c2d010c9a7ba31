"""Where which long-term memory counts, and which apps can reach it.

What is said in private stays there: direct messages have a memory of their own, and so has each
private channel, group messages included, unless it is set to share. Public channels share one,
except those that are set apart.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Literal

from bot.core.json_value import Json
from bot.core.memory import MAX_DESCRIPTION_CHARS, description_problem
from bot.core.policy import ChannelInfo
from bot.core.question import AppKind, AppProfile
from bot.core.setting import MemoryUse
from bot.core.studio_workspace import Apart, StudioWorkspace, apart

PRIVATE = "private"
"""The scope of a user's direct messages."""
CHANNELS = "channels"
"""The scope of all channels that share one memory of a user: the public ones, unless set apart."""
_CHANNEL = "channel:"
OWN_SWITCH = "memory"
"""The key under which a user's own settings say `off`; nothing else is said there."""

Without = Literal["kind"] | Apart
"""Why an app is asked without memory: what it is, or where it lives."""

_SCOPE = re.compile(r"private|channels|channel:[CG][A-Z0-9]{1,30}")


def scope_at(channel_id: str, use: MemoryUse, *, channel: ChannelInfo | None) -> str:
    """Return which of a user's memories counts in a place, or would if it were not off there.

    Group direct messages are private channels: more than one person reads them.

    Args:
        channel_id: Where something is said; `D…` for direct messages.
        use: What was chosen for the place.
        channel: What Slack tells of it; None when it does not, and then it counts as private.
    """
    if channel_id.startswith("D"):
        return PRIVATE
    is_public = channel is not None and not channel.is_private
    is_shared = use is MemoryUse.SHARED or (is_public and use is not MemoryUse.SEPARATE)
    return CHANNELS if is_shared else of_channel(channel_id)


def is_switched_off(own: Mapping[str, Json]) -> bool:
    """Whether a user wants to be remembered nowhere, by the settings of their own."""
    return own.get(OWN_SWITCH) == MemoryUse.OFF.value


def is_scope(text: str) -> bool:
    """Whether a text names a scope; those that come back from buttons may be forged."""
    return bool(_SCOPE.fullmatch(text))


def channel_of(scope: str) -> str | None:
    """Return the channel whose own memory a scope is; None for the others."""
    return scope.removeprefix(_CHANNEL) if scope.startswith(_CHANNEL) else None


def of_channel(channel_id: str) -> str:
    """Return the scope of a channel's own memory."""
    return _CHANNEL + channel_id


def description_of(*, team_id: str, user_id: str, scope: str) -> str:
    """Return what a memory is called in the console: no other one has this description."""
    text = f"slack:{team_id}:{user_id}:{scope}"
    if description_problem(text) is None:
        return text
    return f"slack:{hashlib.sha256(text.encode()).hexdigest()}"[:MAX_DESCRIPTION_CHARS]


def why_without(app: AppProfile, *, workspace: StudioWorkspace | None) -> Without | None:
    """Return why an app cannot be asked with a memory; None when it can.

    Only agents take one ("memory_id" in the request parameters), and only of their own workspace.

    Args:
        app: Who is asked.
        workspace: Where the memories are made; None when ids come from people alone, who know what
            they do.
    """
    if app.kind is not AppKind.AGENT:
        return "kind"
    return apart(app, workspace=workspace) if workspace is not None else None
