"""Bad days on demand.

A fault is taken by requests that would otherwise be answered: a request DashScope would refuse
anyway is refused, and leaves the fault for the next one.
"""

import asyncio
from dataclasses import dataclass, field
from random import Random

from bot.playground.dashscope.captures import Capture
from bot.playground.dashscope.refusals import Refusal


@dataclass(frozen=True, slots=True)
class ErrorEvent:
    """The stream ends with an error event under HTTP 200; with 0 events it is the first one."""

    refusal: Refusal
    after_events: int = 0


@dataclass(frozen=True, slots=True)
class Cut:
    """The stream ends without its stop event.

    Attributes:
        after_events: Events sent before.
        clean: True ends the HTTP body properly, False closes the connection in the middle of it.
    """

    after_events: int
    clean: bool = True


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection is reset by TCP."""

    after_events: int


@dataclass(frozen=True, slots=True)
class Stall:
    """Nothing comes for `for_s` seconds; then the stream goes on."""

    after_events: int
    for_s: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing comes until somebody lets it; then the stream goes on, or breaks off.

    Attributes:
        after_events: Events sent before; with 0 there is a status and nothing else.
        released: Set to let it.
        then: What breaks it off; None lets it go on.
    """

    after_events: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)
    then: ErrorEvent | Cut | Reset | None = None


@dataclass(frozen=True, slots=True)
class Hangup:
    """The connection is closed before any response."""


@dataclass(frozen=True, slots=True)
class SlowStart:
    """The first token takes `first_token_s` seconds."""

    first_token_s: float


MidStream = ErrorEvent | Cut | Reset | Stall | Hold
"""Faults that wait for their event; when the stream is shorter, they come before its stop event."""

Fault = Refusal | Capture | Hangup | SlowStart | MidStream


@dataclass(slots=True)
class _Planned:
    fault: Fault
    times: int | None
    probability: float
    app_id: str | None
    random: Random


class Faults:
    """Faults waiting for requests, taken in the order they were added.

    Args:
        seed: Decides every question of probability.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._random = Random(seed)
        self._planned: list[_Planned] = []

    def add(
        self,
        fault: Fault,
        *,
        times: int | None = 1,
        probability: float = 1.0,
        app_id: str | None = None,
    ) -> None:
        """Plan a fault.

        Args:
            fault: What goes wrong.
            times: For how many requests; None for all of them.
            probability: How likely each request takes it, 0 to 1.
            app_id: Only for this app; None for any.
        """
        random = Random(self._random.random())
        self._planned.append(_Planned(fault, times, probability, app_id, random))

    def clear(self) -> None:
        """Forget everything planned."""
        self._planned.clear()

    def take(self, *, app_id: str) -> Fault | None:
        """Return the fault for this request, if any, and use it up."""
        for planned in self._planned:
            if planned.app_id in {None, app_id} and planned.random.random() < planned.probability:
                self._use_up(planned)
                return planned.fault
        return None

    def _use_up(self, planned: _Planned) -> None:
        if planned.times is None:
            return
        planned.times -= 1
        if planned.times == 0:
            self._planned.remove(planned)
