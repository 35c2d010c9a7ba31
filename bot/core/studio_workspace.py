"""Which apps see what the bot keeps in a workspace of Model Studio: memories and session files.

Both belong to one workspace of one region (the agents' calling guide, "session files"); an app of
another one knows none of their ids.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

from bot.core.question import AppProfile

Apart = Literal["region", "workspace"]
"""What lies between an app and a workspace."""

_SHARED_HOSTS = {
    "dashscope.aliyuncs.com": "cn-beijing",
    "dashscope-intl.aliyuncs.com": "ap-southeast-1",
}
"""Model Studio, "Base URL"."""
_WORKSPACE_HOST = re.compile(
    r"(?P<workspace>[a-z0-9][a-z0-9_-]{0,63})\.(?P<region>[a-z0-9-]+)\.maas\.aliyuncs\.com"
)
_REGIONAL_HOSTS = (
    _WORKSPACE_HOST,
    re.compile(r"ep-[a-z0-9-]+\.dashscope\.(?P<region>[a-z0-9-]+)\.privatelink\.aliyuncs\.com"),
    re.compile(r"(?P<region>[a-z0-9-]+)\.dashscope\.aliyuncs\.com"),
    re.compile(r"bailian(?:-vpc)?\.(?P<region>[a-z0-9-]+)\.aliyuncs\.com"),
)
"""The same page, and the OpenAPI's "Endpoints"."""
_LOOPBACK = "loopback"


@dataclass(frozen=True, slots=True)
class StudioWorkspace:
    """Where the bot keeps memories and session files.

    Attributes:
        endpoint: Of the OpenAPI, such as `https://bailian.cn-beijing.aliyuncs.com`.
        workspace_id: `llm-…`.
    """

    endpoint: str
    workspace_id: str


def apart(app: AppProfile, *, workspace: StudioWorkspace) -> Apart | None:
    """Return what keeps an app from seeing what is in a workspace; None when nothing is known to.

    An address of unknown region is of another one. An app that names no workspace lives in the
    account's default one, whose id nobody tells: that may be this one.
    """
    region = _region_of(app.base_url)
    if region is None or region != _region_of(workspace.endpoint):
        return "region"
    its_own = app.workspace or _workspace_of(app.base_url)
    return None if its_own.casefold() in {"", workspace.workspace_id.casefold()} else "workspace"


def _region_of(address: str) -> str | None:
    host = _host_of(address)
    if host in _SHARED_HOSTS:
        return _SHARED_HOSTS[host]
    if _is_loopback(host):
        return _LOOPBACK
    found = (pattern.fullmatch(host) for pattern in _REGIONAL_HOSTS)
    return next((match["region"] for match in found if match), None)


def _workspace_of(address: str) -> str:
    """Return the workspace an address belongs to; empty when it belongs to all of its region."""
    found = _WORKSPACE_HOST.fullmatch(_host_of(address))
    return found["workspace"] if found else ""


def _host_of(address: str) -> str:
    """Return the host in small letters; empty when there is none to be read."""
    try:
        return (urlsplit(address).hostname or "").casefold()
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
