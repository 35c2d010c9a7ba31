"""Things that go wrong on demand."""

import random
from dataclasses import dataclass
from enum import Enum


class FaultKind(Enum):
    """What goes wrong with a Web API call."""

    STATUS = "status"  # an HTTP status of `status`, nothing happened
    RATE_LIMITED = "rate_limited"  # 429 with `retry_after_s`, nothing happened
    ERROR = "error"  # `ok: false` with `error`, nothing happened
    HTML = "html"  # a proxy's page under `status`, nothing happened
    HANG = "hang"  # no answer ever, nothing happened
    SLOW = "slow"  # the right answer after `delay_s`
    RESET_BEFORE = "reset_before"  # the connection breaks, nothing happened
    RESET_AFTER = "reset_after"  # the connection breaks after the call took effect


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to go wrong.

    Attributes:
        method: A Web API method; `*` is any.
        kind: What goes wrong.
        times: How often; None is for ever.
        after: So many calls of the method pass unharmed first.
        probability: How likely it strikes a call it applies to.
        status: For STATUS and HTML.
        error: For ERROR.
        retry_after_s: For RATE_LIMITED.
        delay_s: For SLOW.
    """

    method: str
    kind: FaultKind
    times: int | None = 1
    after: int = 0
    probability: float = 1.0
    status: int = 503
    error: str = "internal_error"
    retry_after_s: int = 1
    delay_s: float = 1.0


class _Armed:
    """A fault and how much of it is left."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self._left = fault.times
        self._to_pass = fault.after

    def strikes(self, method: str, *, dice: random.Random) -> bool:
        """Tell whether this call is struck, and count it."""
        if self.fault.method not in {method, "*"} or self._left == 0:
            return False
        if self._to_pass > 0:
            self._to_pass -= 1
            return False
        if self.fault.probability < 1 and dice.random() >= self.fault.probability:
            return False
        if self._left is not None:
            self._left -= 1
        return True


class Faults:
    """The faults that wait for a call; the first that fits strikes.

    Args:
        seed: Of the dice behind `probability`.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._dice = random.Random(seed)
        self._armed: list[_Armed] = []

    def add(self, fault: Fault) -> None:
        """Arm a fault."""
        self._armed.append(_Armed(fault))

    def clear(self) -> None:
        """Disarm everything."""
        self._armed.clear()

    def take(self, method: str) -> Fault | None:
        """Return the fault that strikes this call, if one does."""
        for armed in self._armed:
            if armed.strikes(method, dice=self._dice):
                return armed.fault
        return None
