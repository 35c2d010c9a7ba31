"""What may be spent and comes back: a token bucket that rests when Slack says 429."""

from dataclasses import dataclass

RECOVERY_S = 300.0
"""A bucket that shrank is back at its full size after this time without a 429."""
TOLERANCE = 1e-6
"""Tokens; absorbs what floating point loses between promising a moment and reaching it."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a method may spend.

    Attributes:
        per_s: Tokens that come back each second.
        burst: Calls that may go at once after a rest, at least 1. Slack publishes no number.
    """

    per_s: float
    burst: float

    def part(self, share: float) -> "Budget":
        """Return what a worker with this share may spend, which is one call at least."""
        return Budget(per_s=self.per_s * share, burst=max(1.0, self.burst * share))


class Bucket:
    """A token bucket that rests when told to, and trusts its size less afterwards.

    Args:
        budget: Its refill and its full size.
        now: Monotonic seconds.
        level: The tokens in it then; None for a full one.
    """

    def __init__(self, budget: Budget, *, now: float, level: float | None = None) -> None:
        self._budget = budget
        self._level = budget.burst if level is None else level
        self._level_at = now  # in the future while resting
        self._shrunk_to = budget.burst
        self._shrunk_at = now

    def burst(self, *, now: float) -> float:
        """Return how many tokens it is trusted to hold."""
        regained = max(0.0, now - self._shrunk_at) * self._budget.burst / RECOVERY_S
        return min(self._budget.burst, self._shrunk_to + regained)

    def level(self, *, now: float) -> float:
        """Return the tokens in it."""
        refilled = self._level + max(0.0, now - self._level_at) * self._budget.per_s
        return min(self.burst(now=now), refilled)

    def is_full(self, *, now: float) -> bool:
        """Return whether it is as good as new."""
        return self.rest_s(now=now) == 0 and self.level(now=now) >= self._budget.burst

    def rest_s(self, *, now: float) -> float:
        """Return the seconds until the rest Slack asked for is over; 0 when there is none."""
        return max(0.0, self._level_at - now)

    def ready_at(self, *, now: float, reserve: float = 0.0) -> float:
        """Return when a token can be taken and `reserve` remain: `now`, or later."""
        start = max(now, self._level_at)
        missing = 1 + reserve - self.level(now=start)
        return start if missing <= TOLERANCE else start + missing / self._budget.per_s

    def take(self, *, now: float) -> None:
        """Take one token; only when `ready_at` says so."""
        self._level = self.level(now=now) - 1
        self._level_at = now

    def give_back(self, *, now: float) -> None:
        """Put back a token that was not used."""
        if self.rest_s(now=now) == 0:
            self._level = min(self.burst(now=now), self.level(now=now) + 1)
            self._level_at = now

    def resize(self, budget: Budget, *, now: float) -> None:
        """Go on with another budget: tokens that do not fit are lost, none are added.

        A rest goes on, and the size is trusted as far as before.
        """
        trust = self.burst(now=now) / self._budget.burst
        level = self.level(now=now)
        self._budget = budget
        self._shrunk_to = max(1.0, budget.burst * trust)
        self._shrunk_at = max(self._shrunk_at, now)
        self._level = min(level, self._shrunk_to)
        self._level_at = max(self._level_at, now)

    def rest(self, *, retry_after_s: float, now: float) -> None:
        """Grant nothing for `retry_after_s`, then one token, and trust half the size.

        Calls that were on their way together fail together: only the first of them shrinks it.
        """
        until = now + retry_after_s
        if self.rest_s(now=now) == 0:
            self._shrunk_to = max(1.0, self.burst(now=now) / 2)
        self._shrunk_at = max(self._level_at, until)
        self._level_at = max(self._level_at, until)
        self._level = 1.0
