"""The keys a message has in the tables."""

_MICROSECONDS = 1_000_000


def event_key(team_id: str, channel_id: str, message_ts: str) -> str:
    """Return the key only one turn may have: a message, however often it is delivered."""
    return f"{team_id}:{channel_id}:{message_ts}"


def thread_key(team_id: str, channel_id: str, thread_ts: str) -> str:
    """Return the key of the thread whose turns run one at a time."""
    return f"{team_id}:{channel_id}:{thread_ts}"


def thread_keys(team_id: str, channel_id: str) -> str:
    """Return how the keys of all threads of a channel begin."""
    return f"{team_id}:{channel_id}:"


def order_key(ts: str) -> int:
    """Return a Slack ts such as `1700000000.000100` in microseconds, to sort by.

    Raises:
        ValueError: It is no ts.
    """
    seconds, _, fraction = ts.partition(".")
    return int(seconds) * _MICROSECONDS + int(fraction.ljust(6, "0")[:6])


def ts_before(ts: str) -> str:
    """Return the last moment before a message, as Slack writes it."""
    return ts_of(order_key(ts) - 1)


def ts_of(key: int) -> str:
    """Return the Slack ts that has this `order_key`."""
    seconds, fraction = divmod(key, _MICROSECONDS)
    return f"{seconds}.{fraction:06}"
