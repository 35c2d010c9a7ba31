"""manifest.yml, filled in for the transport in use."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from bot.errors import SettingsError

_PACKAGED = Path(__file__).with_name("manifest.yml")
_CHECKOUT = Path(__file__).parent.parent / "manifest.yml"


def manifest(*, socket: bool, url: str | None) -> str:
    """Return the app's manifest as YAML, ready to be pasted into Slack.

    Args:
        socket: Socket Mode: Slack needs no address, and one that is given is left out.
        url: The bot's public address, such as `https://bot.example.com`; a path stays in front of
            `/slack/events`.

    Raises:
        SettingsError: Slack delivers over HTTP, and the address is missing or not https.
    """
    filled = _template()
    if not socket:
        public_url = _checked(url)
        _deliver_to(f"{public_url}/slack/events", filled=filled)
        filled["oauth_config"] = {
            "redirect_urls": [f"{public_url}/slack/oauth_redirect"],
            **filled["oauth_config"],
        }
    return yaml.safe_dump(filled, sort_keys=False, allow_unicode=True, width=100)


def _template() -> dict[str, Any]:
    """Read the file: beside this module in a wheel, at the root of a checkout."""
    path = _PACKAGED if _PACKAGED.is_file() else _CHECKOUT
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _checked(url: str | None) -> str:
    """Return the address without its trailing slash."""
    parts = urlsplit(url or "")
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(
            ["PUBLIC_URL must be the bot's public https address when Slack delivers over HTTP"]
        )
    return parts.geturl().rstrip("/")


def _deliver_to(request_url: str, *, filled: dict[str, Any]) -> None:
    """Name the address everywhere Slack wants it, and switch Socket Mode off."""
    settings = filled["settings"]
    settings["socket_mode_enabled"] = False
    settings["event_subscriptions"] = {
        "request_url": request_url,
        **settings["event_subscriptions"],
    }
    settings["interactivity"]["request_url"] = request_url
    for command in filled["features"]["slash_commands"]:
        command["url"] = request_url
