"""Payloads on their way to the app: attempts, retries, and what can be made to go wrong."""

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from bot.playground.slack.payload import Json, as_object


class ParcelKind(Enum):
    """The three sorts of payload; the value is the `type` of a Socket Mode envelope."""

    EVENT = "events_api"
    COMMAND = "slash_commands"
    INTERACTION = "interactive"


@dataclass(frozen=True, slots=True)
class Parcel:
    """One payload for the app."""

    kind: ParcelKind
    payload: Json

    @property
    def event_id(self) -> str:
        """The event's id; empty for what is no event."""
        return str(self.payload.get("event_id", ""))


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to hand a parcel over.

    Attributes:
        at: By the server's monotonic clock, in seconds.
        took_s: Until the app answered, or the time was up.
        target: The address, or the socket's name.
        retry_num: 0 for the first try.
        status: The HTTP status, 200 for a socket's ack; None without an answer.
        failure: Empty on success; else Slack's word for it, such as `http_timeout`.
        body: What the app answered.
        is_last: The app asked not to be tried again.
    """

    at: float
    took_s: float
    target: str
    retry_num: int
    status: int | None = None
    failure: str = ""
    body: str = ""
    is_last: bool = False


@dataclass(slots=True)
class Delivery:
    """A parcel and every try to hand it over.

    Attributes:
        parcel: What is delivered.
        attempts: In order.
        is_done: It arrived, or nobody tries any more.
    """

    parcel: Parcel
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    is_done: bool = False

    @property
    def is_delivered(self) -> bool:
        """The app took it."""
        return bool(self.attempts) and not self.attempts[-1].failure

    @property
    def answer(self) -> Json:
        """What the app answered, if that was an object."""
        try:
            return as_object(json.loads(self.attempts[-1].body)) if self.is_delivered else {}
        except ValueError:
            return {}


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How parcels travel.

    Attributes:
        ack_timeout_s: The app must answer within this (docs page "Events API": three seconds).
        retry_delays_s: Before each retry of an event (same page: at once, a minute, five minutes).
        time_scale: Multiplies the delays, so that tests need not wait.
        duplicates: So many further times every event is delivered.
        delay_s: Every event waits that long first.
        jitter_s: And up to that much longer, which changes their order.
        seed: Of the dice, those of faults included; read when the server is made.
    """

    ack_timeout_s: float = 3.0
    retry_delays_s: tuple[float, ...] = (0.0, 60.0, 300.0)
    time_scale: float = 1.0
    duplicates: int = 0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Hop:
    """Which try of a parcel this is.

    Attributes:
        retry_num: 0 for the first.
        reason: Why the try before failed, in Slack's word; empty for the first.
    """

    retry_num: int = 0
    reason: str = ""


class Carrier(Protocol):
    """A way to the app."""

    @property
    def is_open(self) -> bool:
        """Somebody is there to take parcels."""
        ...

    async def carry(self, parcel: Parcel, *, hop: Hop, rules: DeliveryRules) -> Attempt:
        """Try once. Never raises but on cancellation."""
        ...


class Dispatcher:
    """Hands every parcel over, with retries for events.

    Args:
        carriers: Ways to the app, the preferred first.
        rules: How parcels travel at first.
        clock: Monotonic, in seconds.
        on_change: Called whenever a delivery moved on.

    Attributes:
        rules: How parcels travel; may be replaced at any time.
        deliveries: Every delivery ever begun, in order.
    """

    def __init__(
        self,
        *carriers: Carrier,
        rules: DeliveryRules,
        clock: Callable[[], float],
        on_change: Callable[[], None],
    ) -> None:
        self.rules = rules
        self.deliveries: list[Delivery] = []
        self._carriers = carriers
        self._clock = clock
        self._on_change = on_change
        self._dice = random.Random(rules.seed)

    def begin(self, parcel: Parcel) -> Delivery:
        """Note a delivery; `finish` must follow."""
        delivery = Delivery(parcel)
        self.deliveries.append(delivery)
        return delivery

    async def finish(self, delivery: Delivery) -> None:
        """Try until the parcel arrives, the app asks to stop, or the tries are used up."""
        rules = self.rules
        is_event = delivery.parcel.kind is ParcelKind.EVENT
        delays = (0.0, *rules.retry_delays_s) if is_event else (0.0,)
        if is_event:
            await asyncio.sleep(rules.delay_s + self._dice.uniform(0, rules.jitter_s))
        hop = Hop()
        for delay_s in delays:
            await asyncio.sleep(delay_s * rules.time_scale)
            attempt = await self._try(delivery.parcel, hop=hop, rules=rules)
            delivery.attempts.append(attempt)
            self._on_change()
            if not attempt.failure or attempt.is_last:
                break
            hop = Hop(hop.retry_num + 1, attempt.failure)
        delivery.is_done = True
        self._on_change()

    async def _try(self, parcel: Parcel, *, hop: Hop, rules: DeliveryRules) -> Attempt:
        for carrier in self._carriers:
            if carrier.is_open:
                return await carrier.carry(parcel, hop=hop, rules=rules)
        return Attempt(self._clock(), 0.0, "", hop.retry_num, failure="connection_failed")
