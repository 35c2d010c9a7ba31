"""What Slack calls things: ids of people, places and files, and the ts of messages."""

import re

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TS = re.compile(r"[0-9]{1,16}\.[0-9]{1,16}")


def matching_id(value: object) -> str | None:
    """Return the value if it has the form of Slack's ids."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def matching_ts(value: object) -> str | None:
    """Return the value if it has the form of Slack's ts."""
    return value if isinstance(value, str) and _TS.fullmatch(value) else None
