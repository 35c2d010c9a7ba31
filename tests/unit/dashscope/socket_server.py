"""A server on loopback for whatever no honest service says."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import Any, Self

HOST = "127.0.0.1"


class SocketServer(ABC):
    """Answers every connection to a port of its own, between `async with`.

    Attributes:
        endpoint: The address without a path; empty until it is open.
    """

    endpoint = ""

    async def __aenter__(self) -> Self:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.endpoint = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        # asyncio's server takes a cancelled handler for a crash, so it just ends.
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            await self.answer(reader, writer)

    @abstractmethod
    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection and close it, whatever happens meanwhile."""


async def read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """Return the path of a request, and its headers with their names in lower case."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = (line.split(": ", 1) for line in lines if line)
    return first.split(" ")[1], {name.lower(): value for name, value in pairs}
