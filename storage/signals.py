"""What storage tells the process it runs in, without a detour through the database."""

from collections.abc import Callable
from dataclasses import dataclass

from storage.notices import Notice, Stop


def _ignore() -> None:
    """Do nothing: nobody runs turns here."""


def _ignore_stop(turn_id: int) -> None:
    """Do nothing: nobody runs turns here."""
    del turn_id


@dataclass(frozen=True, slots=True)
class Signals:
    """Whom to call, always on the event loop.

    Attributes:
        wake: There may be a turn to take.
        stop: Somebody asked to stop this turn, which may be another worker's.
        lost: This worker was declared dead.
    """

    wake: Callable[[], None] = _ignore
    stop: Callable[[int], None] = _ignore_stop
    lost: Callable[[], None] = _ignore

    def pass_on(self, notice: Notice) -> None:
        """Call whom a notice is for."""
        if isinstance(notice, Stop):
            self.stop(notice.turn_id)
        else:
            self.wake()
