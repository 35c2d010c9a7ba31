"""Where API keys may go.

Whoever may register apps in Slack need not be whoever runs the bot: without these rules an app
registered at a host of one's own would be handed the operator's key.
"""

import re
from urllib.parse import urlsplit

_VENDOR_HOST = re.compile(
    r"(?:dashscope|dashscope-intl|[a-z0-9-]+\.dashscope"
    r"|[a-z0-9][a-z0-9_-]{0,63}\.[a-z0-9-]+\.maas"
    r"|ep-[a-z0-9-]+\.dashscope\.[a-z0-9-]+\.privatelink)\.aliyuncs\.com"
)
"""Model Studio's hosts. Not all of aliyuncs.com: its customers have hosts under that name too."""
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})


def may_take_bot_key(base_url: str, *, default_base_url: str) -> bool:
    """Whether the key the bot was started with may be sent to an address."""
    return is_vendors(base_url) or origin(base_url) == origin(default_base_url)


def is_vendors(base_url: str) -> bool:
    """Whether an address is Model Studio's."""
    parts = urlsplit(base_url)
    return parts.scheme == "https" and bool(_VENDOR_HOST.fullmatch(parts.hostname or ""))


def origin(base_url: str) -> tuple[str, str]:
    """Return what two addresses have in common that are served by the same."""
    parts = urlsplit(base_url)
    return parts.scheme, parts.netloc.lower()


def is_this_machine(base_url: str) -> bool:
    """Whether an address is one of the machine the bot runs on."""
    return urlsplit(base_url).hostname in _LOOPBACK
