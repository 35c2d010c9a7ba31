"""An HTTP server on loopback for answers no honest service gives."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, ClassVar, Self

HOST = "127.0.0.1"


@dataclass
class RawServer:
    """Answers the first request with the first body, and so on; the last one is used again.

    Attributes:
        bodies: Sent under 200; None closes the connection instead, SILENCE keeps it and says
            nothing.
        requests: The headers of every request, names in lower case.
        heard: Set when a request came.
    """

    SILENCE: ClassVar[bytes] = b"(silence)"

    bodies: Sequence[bytes | None]
    requests: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    endpoint: str = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.endpoint = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"
        self._tasks: set[asyncio.Task[Any]] = set()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # asyncio's server takes a cancelled handler for a crash, so it just ends
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        self.requests.append({name.lower(): value for name, value in pairs})
        self.heard.set()
        body = self.bodies[min(len(self.requests), len(self.bodies)) - 1]
        if body is RawServer.SILENCE:
            await reader.read()
        elif body is not None:
            length = f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
            writer.write(b"HTTP/1.1 200 OK\r\n" + length.encode() + body)
            await writer.drain()
