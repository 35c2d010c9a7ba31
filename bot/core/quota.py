"""How much of a quota is used, and when a new day begins for it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from bot.core.api_fields import MESSAGE_FORMAT_PLUS
from bot.core.question import AppKind
from bot.core.resolution import Effective, Quota

NEAR_PERCENT = 80
"""From here on people are told how much is left."""

_FLOWS = frozenset({AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW})


@dataclass(frozen=True, slots=True)
class Used:
    """What was used on one UTC day by whom a quota is for.

    Attributes:
        turns: Questions that were asked, but for those that failed.
        tokens: Input and output together, over all models.
    """

    turns: int
    tokens: int


def judge(quota: Quota, used: Used) -> Literal["ok", "near", "spent"]:
    """Return how a quota stands; `near` from NEAR_PERCENT on, `spent` when nothing is left."""
    count = counted(quota, used)
    if count >= quota.limit:
        return "spent"
    return "near" if count * 100 >= quota.limit * NEAR_PERCENT else "ok"


def counted(quota: Quota, used: Used) -> int:
    """Return what was used in the quota's own unit."""
    return used.turns if quota.unit == "turns" else used.tokens


def has_uncounted_tokens(effective: Effective) -> bool:
    """Whether a quota of tokens holds that the app which answers can never use up.

    Of a workflow's streaming modes only `message_format_plus` reports tokens ("Call a workflow
    application"). It is what workflows are asked in unless a setting says otherwise, and only
    where their steps are wanted.
    """
    if effective.app.kind not in _FLOWS or all(q.unit != "tokens" for q in effective.quotas):
        return False
    default = MESSAGE_FORMAT_PLUS if effective.options.get("has_thoughts") is not False else ""
    return effective.options.get("flow_stream_mode", default) != MESSAGE_FORMAT_PLUS


def resets_in(now: datetime) -> timedelta:
    """Return how long it is to the next UTC midnight, when every quota begins anew.

    Args:
        now: An aware instant.

    Returns:
        More than nothing, at most a day.
    """
    today = now.astimezone(UTC)
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + timedelta(days=1) - today
