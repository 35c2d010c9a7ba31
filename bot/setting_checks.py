"""What the values of environment variables must look like.

Each check returns the value as the bot uses it, or raises `ValueError` whose text says what is
needed and never repeats what was given: it may be a secret, or stand in the wrong variable.
"""

import re
from typing import Any

from pydantic import SecretStr

from bot.core.endpoints import is_protected, read_endpoint
from storage.database import parse_url
from storage.errors import StorageError
from storage.vault import Vault

_TOKENS = {
    "xoxb-": "a bot token",
    "xapp-": "an app-level token",
    "xoxp-": "a user's token",
    "xoxe": "a token that expires",
    "sk-": "an API key",
}
"""How tokens begin, so that one in the place of another can be named (Slack docs, "Tokens")."""
_NOT_IN_ADDRESSES = re.compile(r"[?#@\\\s\x00-\x1f\x7f]")
"""What makes another address of one, or has a user or password in it."""
_USER_ID = re.compile(r"[UW][A-Z0-9]+")


def split_commas(value: Any) -> Any:
    """Return the parts of a comma separated list; what is no text comes back as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def bot_token(value: SecretStr) -> SecretStr:
    """Return a bot token of a Slack app."""
    return _token(value, begins_with="xoxb-")


def app_token(value: SecretStr) -> SecretStr:
    """Return an app-level token of a Slack app."""
    return _token(value, begins_with="xapp-")


def _token(value: SecretStr, *, begins_with: str) -> SecretStr:
    text = value.get_secret_value()
    if text.startswith(begins_with):
        return value
    wanted = f"must be {_TOKENS[begins_with]}, {begins_with}…"
    for start, kind in _TOKENS.items():
        if text.startswith(start):
            raise ValueError(f"{wanted}; {start}…, {kind}, was found")
    raise ValueError(wanted)


def encryption_keys(value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """Return keys that are long enough."""
    Vault([key.get_secret_value() for key in value])
    return value


def user_ids(value: tuple[str, ...]) -> tuple[str, ...]:
    """Return ids of Slack users."""
    if not all(_USER_ID.fullmatch(user_id) for user_id in value):
        raise ValueError("must be ids such as U012AB3CD, not names: *Copy member ID* in a profile")
    return value


def database_url(value: str) -> str:
    """Return the address of a database that is supported."""
    try:
        parse_url(value)
    except StorageError as error:
        raise ValueError(str(error)) from None
    return value


def public_url(value: str) -> str:
    """Return an address that may have a path, without its last slash."""
    return _address(value)


def bailian_endpoint(value: str) -> str:
    """Return an address without a path, nor a last slash."""
    return read_endpoint(value).origin


def slack_api_url(value: str) -> str:
    """Return the address that the names of methods are put behind, with its last slash."""
    return f"{_address(value, example=', such as https://slack.com/api/')}/"


def dashscope_base_url(value: str) -> str:
    """Return the address of an API of version 1, without its last slash."""
    value = _address(value, example=", ending in /api/v1")
    if not value.endswith("/api/v1"):
        raise ValueError("must end in /api/v1")
    return value


def _address(value: str, *, example: str = "") -> str:
    """Return an address without its last slash, for tokens and people's words to go to."""
    if not is_protected(value) or _NOT_IN_ADDRESSES.search(value):
        raise ValueError(f"must be an https address (http only for this machine){example}")
    return value.rstrip("/")
