"""How much the workspace takes, and how often."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from bot.playground.slack.payload import RateLimitedError


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket.

    Attributes:
        per_min: Calls that come back in a minute.
        burst: Calls that may come at once after a rest.
    """

    per_min: float
    burst: int


# Floors from the docs page "rate limits": tier 2 is 20 a minute, tier 3 is 50, tier 4 is 100, per
# method and workspace. Slack publishes no bursts; these are assumed.
TIER_2 = Rate(per_min=20, burst=8)
TIER_3 = Rate(per_min=50, burst=20)
TIER_4 = Rate(per_min=100, burst=40)
# "Several hundred messages per minute" in a workspace; "special" tiers without a number.
SPECIAL = Rate(per_min=300, burst=50)
# "No more than one message per second per channel", short bursts allowed.
POST_PER_CHANNEL = Rate(per_min=60, burst=3)
# Apps distributed outside the Marketplace since May 2025, on reading channels and threads.
ONE_PER_MIN = Rate(per_min=1, burst=1)
ONE_PER_MIN_PAGE = 15

DEFAULT_RATES: Mapping[str, Rate] = {
    "api.test": SPECIAL,
    "apps.connections.open": TIER_3,
    "auth.revoke": TIER_3,
    "auth.test": SPECIAL,
    "bots.info": TIER_3,
    "chat.delete": TIER_3,
    "chat.getPermalink": SPECIAL,
    "chat.postEphemeral": TIER_4,
    "chat.postMessage": SPECIAL,
    "chat.update": TIER_3,
    "conversations.history": TIER_3,
    "conversations.info": TIER_3,
    "conversations.join": TIER_3,
    "conversations.list": TIER_2,
    "conversations.members": TIER_4,
    "conversations.open": TIER_3,
    "conversations.replies": TIER_3,
    "files.completeUploadExternal": TIER_4,
    "files.getUploadURLExternal": TIER_4,
    "files.info": TIER_4,
    "reactions.add": TIER_3,
    "reactions.remove": TIER_2,
    "response_url": Rate(per_min=60, burst=5),
    "team.info": TIER_3,
    "users.info": TIER_4,
    "users.list": TIER_2,
    "views.open": TIER_4,
    "views.publish": TIER_4,
    "views.push": TIER_4,
    "views.update": TIER_4,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Everything about this workspace that a test may set.

    Attributes:
        rates: Per method.
        post_per_channel: chat.postMessage in one channel, beside its rate in the workspace.
        is_enforced: False lets any number of calls through.
        is_ratelimited_under_200: A refusal comes under HTTP 200, as it now and then does.
        latency_s: How long each Web API call takes.
        block_text_max: Text over all blocks of a message; the smallest size live workspaces were
            seen to refuse is one more (slackapi/bolt-js issues 2509 and 2867).
        is_block_text_in_bytes: Count that in UTF-8 bytes instead of characters.
        edit_window_s: How long messages stay editable; None is for ever.
        is_reading_scarce: conversations.history and .replies are limited to 1/min and 15 items.
    """

    rates: Mapping[str, Rate] = field(default_factory=lambda: dict(DEFAULT_RATES))
    post_per_channel: Rate = POST_PER_CHANNEL
    is_enforced: bool = True
    is_ratelimited_under_200: bool = False
    latency_s: float = 0.0
    block_text_max: int = 11_340
    is_block_text_in_bytes: bool = False
    edit_window_s: float | None = None
    is_reading_scarce: bool = False

    def with_rate(self, method: str, rate: Rate) -> "Limits":
        """Return these limits with another rate for one method."""
        return replace(self, rates={**self.rates, method: rate})

    def rate(self, method: str) -> Rate | None:
        """Return the rate of a method in the workspace, None when it has none."""
        if self.is_reading_scarce and method in {"conversations.history", "conversations.replies"}:
            return ONE_PER_MIN
        return self.rates.get(method)


class _Bucket:
    """Tokens that come back with time; starts full."""

    def __init__(self, rate: Rate, *, now: float) -> None:
        self._rate = rate
        self._tokens = float(rate.burst)
        self._at = now

    def wait_s(self, now: float) -> float:
        """Return the seconds until a token is there; 0 when one is."""
        self._tokens = min(
            self._rate.burst, self._tokens + (now - self._at) * self._rate.per_min / 60
        )
        self._at = now
        missing = 1 - self._tokens
        # A billionth is forgiven: sums of floats must not turn a whole token into none.
        return max(0.0, missing * 60 / self._rate.per_min) if missing > 1e-9 else 0.0

    def take(self) -> None:
        """Use up one token."""
        self._tokens -= 1


class Meter:
    """Counts calls against the limits.

    A refused call uses up nothing; whether it does at Slack is not known.

    Attributes:
        refused: How many calls of each method came too early.
    """

    def __init__(self, limits: Limits, *, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self.refused: dict[str, int] = {}

    def pay(self, method: str, *, channel_id: str = "") -> None:
        """Let one call through.

        Raises:
            RateLimitedError: It came too early.
        """
        if not self._limits.is_enforced:
            return
        now = self._clock()
        buckets = self._buckets_of(method, channel_id=channel_id, now=now)
        wait_s = max((bucket.wait_s(now) for bucket in buckets), default=0.0)
        if wait_s > 0:
            self.refused[method] = self.refused.get(method, 0) + 1
            raise RateLimitedError(max(1, math.ceil(wait_s)))
        for bucket in buckets:
            bucket.take()

    def _buckets_of(self, method: str, *, channel_id: str, now: float) -> list[_Bucket]:
        rates = {(method, ""): self._limits.rate(method)}
        if method == "chat.postMessage" and channel_id:
            rates[method, channel_id] = self._limits.post_per_channel
        return [
            self._buckets.setdefault(key, _Bucket(rate, now=now))
            for key, rate in rates.items()
            if rate
        ]
