"""What was asked of the Web API."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.slack.payload import Json

# Enough for the longest test; a playground left running for weeks forgets its first calls.
_KEPT = 200_000


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        method: Such as `chat.update`.
        arguments: As sent, without the token.
        at: When it arrived, by the server's monotonic clock, in seconds.
        took_s: Until it was answered.
        status: The HTTP status; 0 when the connection was broken off.
        outcome: `ok`, Slack's error code, or the kind of the fault that struck.
    """

    method: str
    arguments: Json
    at: float
    took_s: float
    status: int
    outcome: str


class Journal:
    """Every call in order of its answer.

    Args:
        on_call: Called after each entry.
    """

    def __init__(self, *, on_call: Callable[[], None]) -> None:
        self.calls: deque[Call] = deque(maxlen=_KEPT)
        self._counts: Counter[tuple[str, str]] = Counter()
        self._on_call = on_call

    def record(self, call: Call) -> None:
        """Add a call."""
        self.calls.append(call)
        self._counts[call.method, call.outcome] += 1
        self._on_call()

    def of(self, method: str) -> tuple[Call, ...]:
        """Return the calls of one method."""
        return tuple(call for call in self.calls if call.method == method)

    def count(self, method: str, outcome: str | None = None) -> int:
        """Return how often a method was called, or ended in one way."""
        if outcome is not None:
            return self._counts[method, outcome]
        return sum(n for (name, _), n in self._counts.items() if name == method)
