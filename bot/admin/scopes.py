"""Where settings belong: the text storage files them under."""

from bot.core.screens import Caller

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


def here(caller: Caller) -> str:
    """Return the scope of the place a command came from: its channel, or the caller's own."""
    if is_direct(caller.channel_id):
        return of_user(caller.user_id)
    return of_channel(caller.channel_id)


def channel_of(scope: str) -> str | None:
    """Return the channel a scope is about; None for every other scope."""
    return scope.removeprefix(_CHANNEL) if scope.startswith(_CHANNEL) else None


def user_of(scope: str) -> str | None:
    """Return the user a scope is about; None for every other scope."""
    return scope.removeprefix(_USER) if scope.startswith(_USER) else None
