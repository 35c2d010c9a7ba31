"""`/dashscope usage [today|7|30|90 days] [me|channel|all] [csv]`: the words, read."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from bot.core.screens import Caller

Whose = Literal["me", "channel", "all"]

DAYS = 30
"""Covered when nothing is said."""
DAYS_MOST = 400
"""No usage is kept for longer."""

USAGE_WORDS = ("today", "days", "me", "channel", "all", "csv")
"""What can follow `usage`, besides numbers and words that mean the same."""

_DAYS = re.compile(r"([0-9]{1,3})(?:d|days?|天)?")
_TODAY = frozenset({"today", "今天", "今日"})
_UNITS = frozenset({"day", "days", "天"})
_WHOSE: dict[str, Whose] = {
    "me": "me",
    "我": "me",
    "channel": "channel",
    "here": "channel",
    "频道": "channel",
    "all": "all",
    "全部": "all",
}


@dataclass(frozen=True, slots=True)
class UsageRequest:
    """What somebody wants to see.

    Attributes:
        days: How many, today included; 1 to DAYS_MOST.
        whose: None when nothing was said.
        as_csv: As a file, not as tables.
    """

    days: int = DAYS
    whose: Whose | None = None
    as_csv: bool = False


def parse_usage(rest: str) -> UsageRequest | None:
    """Read the words after `usage`, in any order; None when one of them is unknown or too many."""
    days: list[int] = []
    whose: list[Whose] = []
    csv: list[str] = []
    after_number = False
    for word in rest.casefold().split():
        count = _count(word)
        if count is not None:
            days.append(count)
        elif word in _WHOSE:
            whose.append(_WHOSE[word])
        elif word == "csv":
            csv.append(word)
        elif word not in _UNITS or not after_number:
            return None
        after_number = word.isdecimal()
    if max(len(days), len(whose), len(csv)) > 1 or not 1 <= sum(days or [DAYS]) <= DAYS_MOST:
        return None
    return UsageRequest(sum(days or [DAYS]), next(iter(whose), None), as_csv=bool(csv))


def _count(word: str) -> int | None:
    if word in _TODAY:
        return 1
    number = _DAYS.fullmatch(word)
    return int(number[1]) if number else None


@dataclass(frozen=True, slots=True)
class Extent:
    """What a report covers.

    Attributes:
        since: The first UTC day.
        until: The last one, included.
        channel_id: Only this channel, when not None.
        user_id: Only this person, when not None.
    """

    since: date
    until: date
    channel_id: str | None = None
    user_id: str | None = None

    @property
    def days(self) -> tuple[date, ...]:
        """Every day, in order."""
        count = (self.until - self.since).days + 1
        return tuple(self.since + timedelta(days=number) for number in range(count))


def extent_of(
    request: UsageRequest, *, caller: Caller, sees_all: bool, today: date
) -> tuple[Extent, bool]:
    """Return what to show somebody, and whether it is less than they asked for.

    Args:
        request: What they asked for. Unsaid, it is all they may see.
        caller: Who they are, and where.
        sees_all: Whether they may see what others used.
        today: The UTC day.
    """
    whose = request.whose or ("all" if sees_all else "me")
    extent = Extent(
        since=today - timedelta(days=request.days - 1),
        until=today,
        channel_id=caller.channel_id if whose == "channel" else None,
        user_id=None if sees_all and whose != "me" else caller.user_id,
    )
    return extent, whose != "me" and not sees_all
