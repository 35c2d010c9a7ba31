"""Time for a client and its server alike: it passes only when somebody waits."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)


@dataclass
class Time:
    """One clock, read in two ways.

    Attributes:
        now_s: Seconds since it was started.
        waits: Every wait, in seconds.
    """

    now_s: float = 0.0
    waits: list[float] = field(default_factory=list[float])

    def clock(self) -> float:
        return self.now_s

    def utc_now(self) -> datetime:
        return START + timedelta(seconds=self.now_s)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now_s += seconds
