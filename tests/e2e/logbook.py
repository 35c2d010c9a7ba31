"""What a bot in this process logs, word for word."""

import asyncio
import io
import json
import logging
from collections.abc import Generator
from contextlib import contextmanager, redirect_stderr
from typing import Any

import structlog
from rig import POLL_S, WITHIN_S

from bot import logs


class Logbook:
    """Everything written since the log was set up.

    Args:
        written: Where it goes.
    """

    def __init__(self, written: io.StringIO) -> None:
        self._written = written

    @property
    def text(self) -> str:
        """All of it, as an operator's log store gets it."""
        return self._written.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """All of it, read as JSON: a line that is none fails the test."""
        return [json.loads(line) for line in self.text.splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of one event."""
        return [line for line in self.lines if line["event"] == event]

    async def until(self, event: str, *, within_s: float = WITHIN_S) -> dict[str, Any]:
        """Wait for the first line of an event and return it."""
        async with asyncio.timeout(within_s):
            # The log tells nobody when it grows.
            while not (found := self.of(event)):
                await asyncio.sleep(POLL_S)
        return found[0]


@contextmanager
def logged(level: str = "INFO") -> Generator[Logbook]:
    """Log as `run` does, into memory; everything is as before afterwards."""
    root = logging.getLogger()
    handlers, root_level, config = root.handlers[:], root.level, structlog.get_config()
    written = io.StringIO()
    with redirect_stderr(written):
        logs.configure(level, console=False)
    try:
        yield Logbook(written)
    finally:
        root.handlers[:] = handlers
        root.setLevel(root_level)
        structlog.configure(**config)
