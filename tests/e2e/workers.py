"""Bots in processes of their own, to be killed, frozen, stopped and started again."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from rig import Rig

ROOT = Path(__file__).parents[2]
STARTS_WITHIN_S = 60.0
ENDS_WITHIN_S = 120.0
"""Longer than any grace that a test gives."""
LINE_BYTES = 2**20

Line = dict[str, Any]


@dataclass(eq=False)
class Worker:
    """One `python -m bot run` after the other, under one name; `start` may be called again.

    Attributes:
        name: For the summary of a test.
        environment: The settings.
        folder: Where it runs; a `.env` there would be read.
        log: Every line of every life, parsed.
        stray: What was written to stderr and is no log line.
        url: Where Slack delivers; that of the last life while there is none.
        is_up: Between the end of a start and the beginning of an end.
        is_frozen: Between `freeze` and `thaw`.
    """

    name: str
    environment: dict[str, str]
    folder: Path
    log: list[Line] = field(default_factory=list[Line])
    stray: list[str] = field(default_factory=list[str])
    url: str = ""
    is_up: bool = False
    is_frozen: bool = False

    def __post_init__(self) -> None:
        """Nothing is started yet."""
        self._news = asyncio.Condition()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._is_read = False

    @property
    def is_socket(self) -> bool:
        """It uses Socket Mode."""
        return "SLACK_APP_TOKEN" in self.environment

    async def start(self) -> None:
        """Start it and return once it takes messages.

        Raises:
            RuntimeError: It ended instead.
        """
        since = len(self.log)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "run"),
            cwd=self.folder,
            env=self.environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=LINE_BYTES,
        )
        self._is_read = True
        self._reading = asyncio.create_task(self._read(self._process), name=f"log of {self.name}")
        started = await self.said("bot.started", since=since, within_s=STARTS_WITHIN_S)
        if self.is_socket:
            await self.said("socket.connected", since=since, within_s=STARTS_WITHIN_S)
        self.url = f"{started['address']}/slack/events"
        self.is_up = True

    async def said(self, event: str, *, since: int = 0, within_s: float = ENDS_WITHIN_S) -> Line:
        """Return the first line of that name from the `since`-th line on, once it is there.

        Raises:
            RuntimeError: The process ended without it.
            TimeoutError: It was not written in time.
        """
        async with asyncio.timeout(within_s), self._news:
            while (line := first(self.log[since:], event)) is None:
                if not self._is_read:
                    raise RuntimeError(f"{self.name} ended without {event}: {self.stray[-20:]}")
                await self._news.wait()
        return line

    def lines(self, event: str) -> list[Line]:
        """Return every line of that name."""
        return [line for line in self.log if line["event"] == event]

    async def kill(self) -> None:
        """End it at once."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to end, wait for that, and return its exit status."""
        return await self._end(signal.SIGTERM)

    def freeze(self) -> None:
        """Let it stand still, its connections open."""
        self.is_frozen = True
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._send(signal.SIGCONT)
        self.is_frozen = False

    async def aclose(self) -> None:
        """End what still runs; harmless when nothing does."""
        if self._process is not None and self._process.returncode is None:
            await self.kill()
        if self._reading is not None:
            await self._reading

    async def _end(self, number: signal.Signals) -> int:
        self.is_up = self.is_frozen = False
        self._send(number)
        if self._process is None or self._reading is None:
            raise RuntimeError(f"{self.name} was never started")
        async with asyncio.timeout(ENDS_WITHIN_S):
            status = await self._process.wait()
            await self._reading
        return status

    def _send(self, number: signal.Signals) -> None:
        if self._process is None:
            raise RuntimeError(f"{self.name} was never started")
        self._process.send_signal(number)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stderr is None:
            return
        async for raw in process.stderr:
            text = raw.decode(errors="replace").rstrip()
            if text.startswith("{") and text.endswith("}"):
                self.log.append(json.loads(text))
            elif text:
                self.stray.append(text)
            await self._tell()
        self._is_read = False
        await self._tell()

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()


def first(lines: Sequence[Line], event: str) -> Line | None:
    """Return the first line of that name."""
    return next((line for line in lines if line["event"] == event), None)


@dataclass(eq=False)
class Fleet:
    """Several workers between the servers of a rig; all are ended with the context.

    Attributes:
        rig: The servers, and the settings of each worker.
        folder: Where the workers run.
        workers: All of them, those that ended included.
    """

    rig: Rig
    folder: Path
    workers: list[Worker] = field(default_factory=list[Worker])

    def __post_init__(self) -> None:
        """Nothing is started yet."""
        self._stack = AsyncExitStack()

    async def start(self, count: int = 1) -> list[Worker]:
        """Start so many more workers, and let Slack deliver to all that are up."""
        new = [self._worker(len(self.workers) + number) for number in range(count)]
        self.workers += new
        await asyncio.gather(*(worker.start() for worker in new))
        self.route(*(worker for worker in self.workers if worker.is_up))
        return new

    def route(self, *workers: Worker) -> None:
        """Let Slack deliver to these workers in turn, dead or alive; for HTTP only."""
        if not self.rig.is_socket:
            self.rig.slack.deliver_to(*(worker.url for worker in workers))

    def lines(self, event: str) -> list[Line]:
        """Return the lines of that name in all logs."""
        return [line for worker in self.workers for line in worker.lines(event)]

    def _worker(self, number: int) -> Worker:
        worker = Worker(f"worker-{number}", environment=environment(self.rig), folder=self.folder)
        self._stack.push_async_callback(worker.aclose)
        return worker

    async def aclose(self) -> None:
        """End every worker at once, and show what they wrote, should the test fail."""
        await self._stack.aclose()
        for worker in self.workers:
            for line in worker.log:
                print(worker.name, *(f"{key}={value}" for key, value in line.items()))
            print(*worker.stray, sep="\n")


@asynccontextmanager
async def a_fleet(rig: Rig, folder: Path) -> AsyncGenerator[Fleet]:
    """Return a fleet without workers yet."""
    fleet = Fleet(rig, folder)
    try:
        yield fleet
    finally:
        await fleet.aclose()


def environment(rig: Rig) -> dict[str, str]:
    """Return the environment of a worker: the rig's settings and nothing of the tests' own."""
    values = {
        name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in rig.settings().model_dump(exclude_defaults=True).items()
        if value is not None
    }
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **values}


async def until(predicate: Callable[[], object], *, within_s: float, every_s: float = 0.05) -> None:
    """Wait until something nobody tells of has become true.

    Raises:
        TimeoutError: It was not in time.
    """
    async with asyncio.timeout(within_s):
        while not predicate():
            await asyncio.sleep(every_s)
