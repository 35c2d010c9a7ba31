"""Where settings belong: the text storage files them under."""

from bot.core.screens import Caller
from bot.core.setting import Level

WORKSPACE = "workspace"
_CHANNEL = "channel:"
_USER = "user:"


def is_direct(channel_id: str) -> bool:
    """Whether a channel is somebody's direct messages (docs: "Conversations API", id prefixes)."""
    return channel_id.startswith("D")


def of_channel(channel_id: str) -> str:
    """Return the scope of one channel."""
    return _CHANNEL + channel_id


def of_user(user_id: str) -> str:
    """Return the scope of one user's direct messages."""
    return _USER + user_id


def at(channel_id: str, *, user_id: str) -> str:
    """Return the scope of what a user says in a channel: the channel's, or their own in a DM."""
    return of_user(user_id) if is_direct(channel_id) else of_channel(channel_id)


def here(caller: Caller) -> str:
    """Return the scope of the place a command came from."""
    return at(caller.channel_id, user_id=caller.user_id)


def level_of(scope: str) -> Level:
    """Return the level of settings a scope is."""
    if scope == WORKSPACE:
        return Level.WORKSPACE
    return Level.CHANNEL if channel_of(scope) is not None else Level.USER


def channel_of(scope: str) -> str | None:
    """Return the channel a scope is about; None for every other scope."""
    return scope.removeprefix(_CHANNEL) if scope.startswith(_CHANNEL) else None


def user_of(scope: str) -> str | None:
    """Return the user a scope is about; None for every other scope."""
    return scope.removeprefix(_USER) if scope.startswith(_USER) else None
