"""The addresses apps are asked at, and which API key may go where.

Whoever may register apps in Slack need not be whoever runs the bot: without these rules an app
registered at a host of one's own would be handed the operator's key, and one registered inside the
operator's network would ask what is meant for nobody outside it.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_address
from types import MappingProxyType
from urllib.parse import urlsplit

BASE_URLS: Mapping[str, str] = MappingProxyType(
    {
        "beijing": "https://dashscope.aliyuncs.com/api/v1",
        "singapore": "https://dashscope-intl.aliyuncs.com/api/v1",
        "hongkong": "https://cn-hongkong.dashscope.aliyuncs.com/api/v1",
    }
)
"""The shared addresses (Model Studio, "Base URL"); every other one is given whole."""
MAX_BASE_URL_CHARS = 300
"""Our own bound."""

_BASE_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9][A-Za-z0-9._-]*)(?::(?P<port>[0-9]{1,5}))?"
    r"(?:/[A-Za-z0-9._~-]+)*/api/v1"
)
_MAX_PORT = 65535
_VENDOR_HOST = re.compile(
    r"(?:dashscope|dashscope-intl|[a-z0-9-]+\.dashscope"
    r"|[a-z0-9][a-z0-9_-]{0,63}\.[a-z0-9-]+\.maas"
    r"|ep-[a-z0-9-]+\.dashscope\.[a-z0-9-]+\.privatelink)\.aliyuncs\.com"
)
"""Model Studio's hosts. Not all of aliyuncs.com: its customers have hosts under that name too."""
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
"""The last part of an address in figures, in any way of writing one: `127.1`, `0x7f000001`."""
_INNER_SUFFIX = re.compile(r".*\.(?:svc|local|internal|localhost|localdomain|home\.arpa)")
"""Names no public server has (RFC 6761, 6762, 8375; Kubernetes; ICANN's `internal`)."""


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


def _is_this_machine(base_url: str) -> bool:
    """Whether an address is one of the machine the bot runs on."""
    return urlsplit(base_url).hostname in _LOOPBACK


def _is_public(host: str) -> bool:
    """Whether a host, in lower case, is one that anybody could have on the internet.

    A public name that leads to a private address counts: that is for the operator's network to see.
    """
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            return ip_address(host).is_global
        except ValueError:  # such as 127.1, which a resolver takes for an address all the same
            return False
    return "." in host and not host.endswith(".") and not _INNER_SUFFIX.fullmatch(host)


def region_of(base_url: str) -> str:
    """Return the word for a shared address; empty for every other one."""
    return next((word for word, url in BASE_URLS.items() if url == base_url), "")


def host_of(base_url: str) -> str:
    """Return the host of an address, its port included when it names one; empty without one."""
    return urlsplit(base_url).netloc


def is_base_url(text: str, *, default_base_url: str) -> bool:
    """Whether an app can be asked at an address.

    Args:
        text: What somebody typed.
        default_base_url: Where the bot's own app is: others may be on the same host, and when that
            is this machine, on any port of it.
    """
    found = _BASE_URL.fullmatch(text)
    if found is None or len(text) > MAX_BASE_URL_CHARS or int(found["port"] or 1) > _MAX_PORT:
        return False
    if origin(text) == origin(default_base_url):
        return True
    if _is_this_machine(text):  # for trying out: elsewhere it would open the operator's services
        return _is_this_machine(default_base_url)
    return found["scheme"] == "https" and _is_public(found["host"].lower())
