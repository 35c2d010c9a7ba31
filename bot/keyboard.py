"""What somebody types at the playground: the lines of a terminal, a pipe or a file."""

import asyncio
import importlib
import io
import os
import sys
import termios
import threading
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Self, cast

LINE_BYTES = 4096
"""A terminal that edits lines by itself hands out no longer one."""

Heard = Callable[[str], Awaitable[bool]]
"""Takes a line that was typed while another is dealt with; tells whether it could not wait."""


class Keyboard:
    """Reads lines without holding the loop up; `with` gives a terminal back as it was.

    At a terminal lines can be edited and called back, and what is typed while a line is dealt with
    is not echoed into what is being drawn. The lines of a pipe or a file wait for each other.
    """

    def __init__(self) -> None:
        self._is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
        self._ahead: deque[str] = deque()
        self._has_ended = False

    def __enter__(self) -> Self:
        if self._is_terminal:
            self._before = termios.tcgetattr(sys.stdin)
            cast("io.TextIOWrapper", sys.stdin).reconfigure(errors="replace")
            with suppress(ImportError):  # Python may be built without it
                importlib.import_module("readline")  # `input` uses it once it is there
        return self

    def __exit__(self, *_error: object) -> None:
        if self._is_terminal:
            with suppress(termios.error):  # it was closed
                termios.tcsetattr(sys.stdin, termios.TCSANOW, self._before)

    async def line(self, mark: str) -> str | None:
        """Ask for a line and return it; None at the end of input.

        The thread that reads is abandoned when this is cancelled: nothing else can end a read.

        Args:
            mark: Stands in front of the line.
        """
        if self._ahead:
            line = self._ahead.popleft()
            sys.stdout.write(f"{mark}{line}\n")
            return line
        if self._has_ended:
            return None
        loop = asyncio.get_running_loop()
        read: asyncio.Future[str | None] = loop.create_future()
        way = _typed if self._is_terminal else _piped

        def wait_for_it() -> None:
            line = way(mark)
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(_tell, read, line)

        threading.Thread(target=wait_for_it, daemon=True).start()
        return await read

    @asynccontextmanager
    async def heard_by(self, heard: Heard) -> AsyncGenerator[None]:
        """Pass on what is typed meanwhile; lines that can wait are what `line` returns next."""
        if not self._is_terminal or self._has_ended:
            yield
            return
        loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()
        typed: asyncio.Queue[str | None] = asyncio.Queue()
        passing_on = asyncio.create_task(self._pass_on(typed, heard=heard), name="keyboard")
        _echo(is_on=False)
        loop.add_reader(stdin, self._take, typed)
        try:
            yield
        finally:
            loop.remove_reader(stdin)
            _echo(is_on=True)
            typed.put_nowait(None)
            await passing_on

    def _take(self, typed: "asyncio.Queue[str | None]") -> None:
        """Take the line that is there to be read."""
        line = b""
        with suppress(OSError):  # the terminal was closed
            line = os.read(sys.stdin.fileno(), LINE_BYTES)
        if line:
            typed.put_nowait(line.decode(errors="replace").rstrip("\n"))
        else:
            self._has_ended = True
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())

    async def _pass_on(self, typed: "asyncio.Queue[str | None]", *, heard: Heard) -> None:
        while (line := await typed.get()) is not None:
            if not await heard(line):
                self._ahead.append(line)


def _typed(mark: str) -> str | None:
    """Return a line of the terminal; None at its end."""
    try:
        return input(mark)
    except (EOFError, OSError):
        return None


def _piped(mark: str) -> str | None:
    """Return a line of a pipe or a file; None at its end.

    It is read without a buffer: a buffer's lock would hold the end of the process up.
    """
    sys.stdout.write(mark)
    sys.stdout.flush()
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as stdin:
        line = stdin.readline()
    return line.decode(errors="replace") if line else None


def _tell(read: "asyncio.Future[str | None]", line: str | None) -> None:
    if not read.done():
        read.set_result(line)


def _echo(*, is_on: bool) -> None:
    """Let the terminal show what is typed, or not."""
    with suppress(termios.error):  # it was closed
        settings = termios.tcgetattr(sys.stdin)
        settings[3] = settings[3] | termios.ECHO if is_on else settings[3] & ~termios.ECHO
        termios.tcsetattr(sys.stdin, termios.TCSANOW, settings)
