"""The command line as a process of its own, which can be killed."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from rig import APP_ID, Rig

from bot.playground.dashscope.server import PLAYGROUND_KEY

ROOT = Path(__file__).parents[2]
ENDS_WITHIN_S = 120.0
"""A process that takes longer is stuck; a loaded machine starts one in a quarter of a minute."""


def environment_of(rig: Rig, **changes: str) -> dict[str, str]:
    """Return the settings of a bot between the servers, as environment variables."""
    transport = {"SLACK_APP_TOKEN": rig.slack.app_token} if rig.is_socket else {}
    return {
        "SLACK_BOT_TOKEN": rig.slack.bot_token,
        "SLACK_SIGNING_SECRET": rig.slack.signing_secret,
        "SLACK_API_URL": rig.slack.api_url,
        "DASHSCOPE_API_KEY": PLAYGROUND_KEY,
        "DASHSCOPE_BASE_URL": rig.dashscope.base_url,
        "DASHSCOPE_APP_ID": APP_ID,
        "DATABASE_URL": rig.database_url,
        "PORT": "0",
        **transport,
        **changes,
    }


class BotProcess:
    """`python -m bot …`, started inside `async with`; whatever is left of it is killed at the end.

    Args:
        arguments: Of the command line.
        environment: All it gets, besides what Python itself needs.
        folder: Where it is started; a `.env` in it is read.

    Attributes:
        out: What it wrote to stdout so far.
        err: What it wrote to stderr so far.
    """

    def __init__(self, *arguments: str, environment: Mapping[str, str], folder: Path) -> None:
        self._arguments = arguments
        self._environment = environment
        self._folder = folder
        self._stack = AsyncExitStack()
        self._process: asyncio.subprocess.Process
        self._readers: list[asyncio.Task[None]] = []
        self._grew = asyncio.Event()
        self.out = ""
        self.err = ""

    async def __aenter__(self) -> Self:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if name in {"PATH", "LANG"} or name.startswith("COV")
        }
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *self._arguments),
            cwd=self._folder,
            env={**inherited, "PYTHONPATH": str(ROOT), **self._environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._readers = [
            asyncio.create_task(self._read(self._process.stdout, into="out")),
            asyncio.create_task(self._read(self._process.stderr, into="err")),
        ]
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._process.returncode is None:
            self.send(signal.SIGKILL)
        await self._process.wait()
        await asyncio.gather(*self._readers)
        if self._process.stdin is not None:
            self._process.stdin.close()

    async def _read(self, stream: asyncio.StreamReader | None, *, into: str) -> None:
        assert stream is not None
        async for line in stream:
            setattr(self, into, getattr(self, into) + line.decode())
            self._grew.set()
        self._grew.set()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless the process has ended by itself."""
        if self._process.returncode is None:
            self._process.send_signal(number)

    def terminate(self) -> None:
        """Ask it to end, as `docker stop` does."""
        self.send(signal.SIGTERM)

    def kill(self) -> None:
        """End it where it stands."""
        self.send(signal.SIGKILL)

    async def type(self, *lines: str) -> None:
        """Write lines to its stdin, then end the input."""
        assert self._process.stdin is not None
        self._process.stdin.write("".join(f"{line}\n" for line in lines).encode())
        self._process.stdin.write_eof()
        await self._process.stdin.drain()

    async def ended(self) -> int:
        """Wait for its end and return its exit status.

        Raises:
            AssertionError: It does not end; with what it wrote.
        """
        try:
            async with asyncio.timeout(ENDS_WITHIN_S):
                status = await self._process.wait()
                await asyncio.gather(*self._readers)
        except TimeoutError:
            raise AssertionError(f"{self._arguments} did not end:\n{self.err}") from None
        return status

    async def logged(self, event: str) -> dict[str, Any]:
        """Wait for a log line and return it.

        Raises:
            AssertionError: The process ended without it.
        """
        async with asyncio.timeout(ENDS_WITHIN_S):
            while True:
                self._grew.clear()
                for line in self.log:
                    if line["event"] == event:
                        return line
                assert not all(reader.done() for reader in self._readers), self.err
                await self._grew.wait()

    @property
    def log(self) -> list[dict[str, Any]]:
        """Its log so far."""
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]


async def run_to_end(
    *arguments: str, environment: Mapping[str, str], folder: Path
) -> tuple[int, str, str]:
    """Run a command without input; return exit status, stdout and stderr."""
    process = BotProcess(*arguments, environment=environment, folder=folder)
    async with process:
        await process.type()
        status = await process.ended()
    return status, process.out, process.err


async def until_taken(rig: Rig, process: BotProcess) -> None:
    """Wait until the process takes messages, and let Slack deliver to it."""
    line = await process.logged("bot.started")
    if rig.is_socket:
        await process.logged("socket.connected")
    else:
        rig.slack.deliver_to(f"{line['address']}/slack/events")
