"""The one place where nothing gets past: what nobody foresaw becomes a value.

Two loops must outlive any surprise, and whoever waits on the other side of them must hear of it:
the dispatcher, without which no question would be answered any more, and the reception, the last
that can answer somebody's command. Both ask here for what came of their work. Everywhere else an
error is caught by its class, or passes on.
"""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Mishap:
    """What came of work that failed.

    Attributes:
        error: Foreseen or not; its text may hold what people wrote, so it is for `exc_info` alone.
    """

    error: Exception


async def outcome_of(work: Awaitable[T]) -> T | Mishap:
    """Return what came of some work; only its cancellation is raised."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - handed on whole to the two who answer for it
        return Mishap(error)
