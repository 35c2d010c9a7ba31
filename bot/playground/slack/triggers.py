"""Trigger ids, which let an app open one modal for something a person just did."""

import itertools
from collections.abc import Callable

from bot.playground.slack.payload import RefusedError


class Triggers:
    """Trigger ids: good for one modal, for three seconds (docs page "modals").

    Args:
        clock: Monotonic, in seconds.
    """

    LIFETIME_S = 3.0

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._serial = itertools.count(1)
        self._open: dict[str, tuple[str, float]] = {}
        self._used: set[str] = set()

    def mint(self, user: str) -> str:
        """Return a new trigger id of something a person did."""
        trigger_id = f"{next(self._serial)}.2.playground"
        self._open[trigger_id] = (user, self._clock() + self.LIFETIME_S)
        return trigger_id

    def exchange(self, trigger_id: str) -> str:
        """Use up a trigger id and return whose it was.

        Raises:
            RefusedError: `invalid_trigger_id`, `exchanged_trigger_id` or `expired_trigger_id`.
        """
        if trigger_id not in self._open:
            raise RefusedError("invalid_trigger_id")
        if trigger_id in self._used:
            raise RefusedError("exchanged_trigger_id")
        user, expires_at = self._open[trigger_id]
        if self._clock() > expires_at:
            raise RefusedError("expired_trigger_id")
        self._used.add(trigger_id)
        return user
