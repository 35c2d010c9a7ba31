"""A process of its own, watched from outside: what it says, its memory and its processor time."""

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[2]
SAMPLE_S = 0.1
STOP_WITHIN_S = 10.0
LAST_LINES = 15
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_KEPT_FROM_US = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "TEST_PG_BIN")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used.

    Attributes:
        cpu_s: Processor time since its start.
        rss_mb: Memory now.
    """

    cpu_s: float
    rss_mb: float


class Child:
    """A Python process; leaving the context ends it.

    Args:
        arguments: For this Python.
        environment: Its variables, beside the few every process needs.
        folder: Where it runs.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path = ROOT,
    ) -> None:
        self._arguments = arguments
        kept = {name: os.environ[name] for name in _KEPT_FROM_US if name in os.environ}
        self._environment = {**kept, "PYTHONPATH": str(ROOT), **(environment or {})}
        self._folder = folder
        self._changed = asyncio.Event()
        self.lines: list[str] = []
        self.peak_rss_mb = 0.0

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._arguments,
            env=self._environment,
            cwd=self._folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._sample())]
        return self

    async def __aexit__(self, *_error: object) -> None:
        self.signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self._process.wait()
        except TimeoutError:
            await self.kill()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self._process.returncode is None:
            self._process.send_signal(number)

    async def kill(self) -> float:
        """End it as a power cut would; return the monotonic time of that."""
        at = time.monotonic()
        self.signal(signal.SIGKILL)
        await self._process.wait()
        return at

    def count(self, marker: str) -> int:
        """Return how many lines hold a text."""
        return sum(marker in line for line in self.lines)

    async def until(self, predicate: Callable[[], bool], *, within_s: float) -> None:
        """Wait until something it says makes `predicate` true.

        Raises:
            RuntimeError: It ended; what it said last is in the text.
            TimeoutError: It took too long; the same.
        """
        try:
            async with asyncio.timeout(within_s):
                while not predicate():
                    self._changed.clear()
                    self.check_alive()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"not within {within_s} s:\n{self._last_words()}") from None

    async def until_listening(self, port: int, *, within_s: float) -> None:
        """Wait until it takes connections.

        Raises:
            RuntimeError: It ended.
            TimeoutError: It took too long.
        """
        async with asyncio.timeout(within_s):
            while True:
                self.check_alive()
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(SAMPLE_S)
                    continue
                writer.close()
                await writer.wait_closed()
                return

    def usage(self) -> Usage:
        """Read what it has used so far (man 5 proc_pid_stat)."""
        pid = self._process.pid
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks, pages = int(fields[11]) + int(fields[12]), int(fields[21])
        return Usage(ticks / _TICKS_PER_S, pages * _PAGE_BYTES / 1e6)

    def check_alive(self) -> None:
        """Raise when it has ended.

        Raises:
            RuntimeError: With what it said last.
        """
        if self._process.returncode is not None:
            raise RuntimeError(f"ended with {self._process.returncode}:\n{self._last_words()}")

    def _last_words(self) -> str:
        return "\n".join(self.lines[-LAST_LINES:])

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.lines.append(line.decode(errors="replace").rstrip())
            self._changed.set()
        await self._process.wait()
        self._changed.set()

    async def _sample(self) -> None:
        while self._process.returncode is None:
            try:
                self.peak_rss_mb = max(self.peak_rss_mb, self.usage().rss_mb)
            except OSError:
                return
            await asyncio.sleep(SAMPLE_S)


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
