"""Where which long-term memory counts, and which apps can reach it.

What is said in direct messages stays there: they have a memory of their own. All channels that say
so share another one, and a channel that is set apart has its own.
"""

import hashlib
import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from bot.core.json_value import Json
from bot.core.memory import MAX_DESCRIPTION_CHARS, description_problem
from bot.core.question import AppKind, AppProfile
from bot.core.setting import MemoryUse

PRIVATE = "private"
"""The scope of a user's direct messages."""
CHANNELS = "channels"
"""The scope of all channels that share one memory of a user."""
_CHANNEL = "channel:"
OWN_SWITCH = "memory"
"""The key under which a user's own settings say `off`; nothing else is said there."""

_SCOPE = re.compile(r"private|channels|channel:[CG][A-Z0-9]{1,30}")
_SHARED_HOSTS = {
    "dashscope.aliyuncs.com": "cn-beijing",
    "dashscope-intl.aliyuncs.com": "ap-southeast-1",
}
"""Model Studio, "Base URL"."""
_REGIONAL_HOSTS = (
    re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\.([a-z0-9-]+)\.maas\.aliyuncs\.com"),
    re.compile(r"ep-[a-z0-9-]+\.dashscope\.([a-z0-9-]+)\.privatelink\.aliyuncs\.com"),
    re.compile(r"([a-z0-9-]+)\.dashscope\.aliyuncs\.com"),
    re.compile(r"bailian(?:-vpc)?\.([a-z0-9-]+)\.aliyuncs\.com"),
)
"""The same page, and the OpenAPI's "Endpoints"."""
_LOOPBACK = "loopback"


def scope_at(channel_id: str, use: MemoryUse) -> str | None:
    """Return which of a user's memories counts in a place; None for none.

    Group direct messages are channels: more than one person reads them.

    Args:
        channel_id: Where something is said; `D…` for direct messages.
        use: What was chosen for the place.
    """
    if use is MemoryUse.OFF:
        return None
    if channel_id.startswith("D"):
        return PRIVATE
    return _CHANNEL + channel_id if use is MemoryUse.SEPARATE else CHANNELS


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


def may_use(app: AppProfile, *, endpoint: str | None) -> bool:
    """Whether an app can be asked with a memory.

    Only agents take one ("memory_id" in the request parameters), and only of their own region.

    Args:
        app: Who is asked.
        endpoint: Where the memories are made; None when ids come from people alone, who know what
            they do.
    """
    if app.kind is not AppKind.AGENT:
        return False
    return endpoint is None or are_neighbours(app.base_url, endpoint)


def are_neighbours(base_url: str, endpoint: str) -> bool:
    """Whether DashScope's and the OpenAPI's addresses are known to be of one region."""
    region = _region_of(base_url)
    return region is not None and region == _region_of(endpoint)


def _region_of(address: str) -> str | None:
    try:
        host = (urlsplit(address).hostname or "").casefold()
    except ValueError:
        return None
    if host in _SHARED_HOSTS:
        return _SHARED_HOSTS[host]
    if _is_loopback(host):
        return _LOOPBACK
    found = (pattern.fullmatch(host) for pattern in _REGIONAL_HOSTS)
    return next((match[1] for match in found if match), None)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
