"""Where which long-term memory counts, and which apps can reach it.

What is said in private stays there: direct messages have a memory of their own, and so has each
private channel, unless it is set to share. Public channels share one, except those that are set
apart. What is said inside stays inside: a channel that people of other workspaces read has a memory
of its own, and it is another one than the channel has while they do not, or while nobody tells.
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
_CONNECT = "connect:"
"""Before the id of a channel that other workspaces share (Slack Connect)."""
_UNTOLD = "untold:"
"""Before the id of a channel of which Slack does not say whether others share it."""
OWN_SWITCH = "memory"
"""The key under which a user's own settings say `off`; nothing else is said there."""

Without = Literal["kind"] | Apart
"""Why an app is asked without memory: what it is, or where it lives."""

_SCOPE = re.compile(r"private|channels|(?:channel|connect|untold):[CG][A-Z0-9]{1,30}")


def scope_at(channel_id: str, use: MemoryUse, *, channel: ChannelInfo | None) -> str:
    """Return which of a user's memories counts in a place, or would if it were not off there.

    Group messages have their own: Slack does not tell of them without a scope the bot does not ask
    for.

    Args:
        channel_id: Where something is said; `D…` for direct messages.
        use: What was chosen for the place, and SHARED in the place itself; nothing is shared where
            other workspaces may read.
        channel: What Slack tells of it; None when it does not, and then they may.
    """
    if channel_id.startswith("D"):
        return PRIVATE
    if channel is None:
        return _UNTOLD + channel_id
    if channel.is_shared:
        return _CONNECT + channel_id
    is_common = use is MemoryUse.SHARED or not (channel.is_private or use is MemoryUse.SEPARATE)
    return CHANNELS if is_common else of_channel(channel_id)


def is_switched_off(own: Mapping[str, Json]) -> bool:
    """Whether a user wants to be remembered nowhere, by the settings of their own."""
    return own.get(OWN_SWITCH) == MemoryUse.OFF.value


def is_scope(text: str) -> bool:
    """Whether a text names a scope; those that come back from buttons may be forged."""
    return bool(_SCOPE.fullmatch(text))


def channel_of(scope: str) -> str | None:
    """Return the channel whose own memory a scope is; None for the others."""
    return scope.partition(":")[2] if scope.startswith((_CHANNEL, _CONNECT, _UNTOLD)) else None


def of_channel(channel_id: str) -> str:
    """Return the scope of a channel's own memory while nobody from elsewhere reads it."""
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
