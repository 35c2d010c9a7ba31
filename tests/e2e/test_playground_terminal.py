"""The playground at a terminal of its own."""

import asyncio
import importlib.util
import os
import pty
import signal
import sys
import termios
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WITHIN_S = 90.0
LFLAG = 3
"""Where `termios.tcgetattr` keeps what a terminal does with what is typed."""
UP = "\x1b[A"
# A shell's background job ignores Ctrl-C, and so would whatever the tests start in one.
PLAYGROUND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from bot.__main__ import main
main(["playground"])
"""

needs_readline = pytest.mark.skipif(
    importlib.util.find_spec("readline") is None, reason="this Python was built without readline"
)


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@dataclass
class Terminal:
    """A terminal, and the playground in it."""

    process: asyncio.subprocess.Process
    master: int
    slave: int
    written: str = ""

    def take(self) -> None:
        """Take what was written to it."""
        self.written += os.read(self.master, 65_536).decode(errors="replace")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    async def until(self, words: str) -> None:
        """Wait until words are written, and forget what was written up to them."""
        async with asyncio.timeout(WITHIN_S):
            while words not in self.written:
                await asyncio.sleep(0.02)
        self.written = self.written.partition(words)[2]

    @property
    def modes(self) -> int:
        """What the terminal does with what is typed."""
        return termios.tcgetattr(self.slave)[LFLAG]


@asynccontextmanager
async def playground(folder: Path) -> AsyncGenerator[Terminal]:
    """Start it and wait for its first prompt; what is left of it in the end is killed."""
    master, slave = pty.openpty()
    with os.fdopen(master, "rb", buffering=0), os.fdopen(slave, "rb", buffering=0):
        termios.tcsetwinsize(slave, (40, 100))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", PLAYGROUND),
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "TMPDIR": str(folder),
                "TERM": "xterm",
                "LANG": "C.UTF-8",
            },
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        terminal = Terminal(process, master, slave)
        loop = asyncio.get_running_loop()
        loop.add_reader(master, terminal.take)
        try:
            await terminal.until("> ")
            yield terminal
        finally:
            loop.remove_reader(master)
            if process.returncode is None:
                process.kill()
            await process.wait()


@needs_readline
async def test_a_line_is_called_back_with_an_arrow_key(tmp_path: Path) -> None:
    async with playground(tmp_path) as terminal:
        terminal.type("/as li\r")
        await terminal.until("You are 李雷 now.")
        await terminal.until("> ")
        terminal.type(f"/dm\r{UP}{UP}\r")
        await terminal.until("direct message.")
        await terminal.until("You are 李雷 now.")


async def test_what_is_typed_while_an_answer_grows_is_done_at_once_or_waits(tmp_path: Path) -> None:
    async with playground(tmp_path) as terminal:
        terminal.type("!stall 60\r")
        await terminal.until("1: Stop")
        assert not terminal.modes & termios.ECHO
        terminal.type("/new\rpress 1\r")
        await terminal.until("> press 1")
        await terminal.until("Stopped.")
        await terminal.until("> /new")
        await terminal.until("Your next question starts a new thread")
        assert "Ann" not in terminal.written


async def test_the_end_of_input_while_an_answer_grows_is_kept_until_it_is_there(
    tmp_path: Path,
) -> None:
    async with playground(tmp_path) as terminal:
        terminal.type("!stall 3\r")
        await terminal.until("1: Stop")
        terminal.type("\x04")
        async with asyncio.timeout(WITHIN_S):
            assert await terminal.process.wait() == 0
        assert "[1] docs/" in terminal.written
        assert "Traceback" not in terminal.written


@pytest.mark.parametrize("is_growing", [False, True])
async def test_ctrl_c_gives_the_terminal_back_as_it_was(tmp_path: Path, is_growing: bool) -> None:
    async with playground(tmp_path) as terminal:
        if is_growing:
            terminal.type("!stall 60\r")
            await terminal.until("1: Stop")
        terminal.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(WITHIN_S):
            assert await terminal.process.wait() == 130
        assert terminal.modes & termios.ECHO
        assert terminal.modes & termios.ICANON
    assert not files_in(tmp_path)
