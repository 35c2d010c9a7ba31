"""Tables, and the machine they were measured on."""

import math
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

PLAIN_WIDTH_CHARS = 200
STEAL_LIMIT_PERCENT = 3.0
"""Above this the hypervisor gave our time to somebody else, and latencies mean little."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table.

    Attributes:
        title: What it shows.
        columns: The headings; the first column is text, the others are numbers.
        rows: Cells as text.
        note: How it was measured.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ticks:
    """The machine's processor time since boot, in ticks."""

    total: int
    idle: int
    steal: int

    @classmethod
    def now(cls) -> "Ticks":
        """Read /proc/stat (man 5 proc_stat); all zero where there is none."""
        try:
            fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
        except OSError:
            return cls(0, 0, 0)
        user, nice, system, idle, iowait, irq, softirq, steal = map(int, fields)
        total = user + nice + system + idle + iowait + irq + softirq + steal
        return cls(total, idle + iowait, steal)


class Printer:
    """Prints tables as they come: drawn in a terminal, in Markdown elsewhere."""

    def __init__(self) -> None:
        self._is_drawn = sys.stdout.isatty()
        self._console = Console(width=None if self._is_drawn else PLAIN_WIDTH_CHARS)
        self._box = box.ROUNDED if self._is_drawn else box.MARKDOWN
        self._since = Ticks.now()
        self._started_at = time.monotonic()

    def show(self, sheet: Sheet) -> None:
        """Print a table and what the machine did since the one before."""
        table = Table(box=self._box)
        for number, column in enumerate(sheet.columns):
            table.add_column(
                column, justify="right" if number else "left", no_wrap=not self._is_drawn
            )
        for row in sheet.rows:
            table.add_row(*row)
        self._console.print(f"\n{sheet.title}\n", style="bold", markup=False, highlight=False)
        self._console.print(table)
        lines = (sheet.note, self._machine())
        for line in filter(None, lines):
            self._console.print(f"\n{line}", style="dim", markup=False, highlight=False)

    def _machine(self) -> str:
        before, now = self._since, Ticks.now()
        took_s = time.monotonic() - self._started_at
        self._since, self._started_at = now, time.monotonic()
        total = max(1, now.total - before.total)
        steal = 100 * (now.steal - before.steal) / total
        busy = 100 - 100 * (now.idle - before.idle) / total
        line = (
            f"{os.cpu_count()} cores, Python {platform.python_version()}, {took_s:.0f} s, "
            f"machine {busy:.0f} % busy, CPU steal {steal:.1f} %"
        )
        if steal > STEAL_LIMIT_PERCENT:
            line += f" -- WARNING: over {STEAL_LIMIT_PERCENT:.0f} %, do not compare these numbers"
        return line


def say(text: str) -> None:
    """Tell whoever waits what is going on."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that `share` (0 to 1) of all values do not exceed; 0 for none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(values: Sequence[float], *shares: float, unit: float = 1.0, digits: int = 1) -> str:
    """Return several percentiles as `a / b / c`, in a unit; a dash for no values."""
    if not values:
        return "-"
    return " / ".join(f"{percentile(values, share) * unit:.{digits}f}" for share in shares)
