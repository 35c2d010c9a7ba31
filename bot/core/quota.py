"""How much of a quota is used, and when a new day begins for it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from bot.core.api_fields import MESSAGE_FORMAT_PLUS
from bot.core.question import AppKind
from bot.core.resolution import Effective, Quota

NEAR_PERCENT = 80
"""From here on people are told how much is left."""

HOLD_BESIDES = frozenset({"quota_user_turns", "quota_user_tokens"})
"""Settings of a channel that hold besides the workspace's, instead of in their place."""

_WORKFLOWS = frozenset({AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW})
_WITH_MODES = _WORKFLOWS | {AppKind.ORCHESTRATION}


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
    """Whether a quota of tokens holds that the app which answers may never use up.

    Of the streaming modes only `message_format_plus` reports tokens ("Call a workflow
    application"). It is what workflows are asked in unless a setting says otherwise, and only
    where their steps are wanted. An orchestration is asked in no mode unless one is set; that it
    reports tokens then is on none of the vendor's pages.
    """
    kind, options = effective.app.kind, effective.options
    if kind not in _WITH_MODES or all(quota.unit != "tokens" for quota in effective.quotas):
        return False
    is_plus = kind in _WORKFLOWS and options.get("has_thoughts") is not False
    default = MESSAGE_FORMAT_PLUS if is_plus else ""
    return options.get("flow_stream_mode", default) != MESSAGE_FORMAT_PLUS


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
