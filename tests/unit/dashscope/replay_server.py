"""An HTTP server on loopback that replays bytes exactly as it is told, faults included."""

import asyncio
import json
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

HOST = "127.0.0.1"


class Reset:
    """Break the connection here, with a TCP reset."""


class Stall:
    """Say nothing more and keep the connection open until the client leaves."""


Part = bytes | type[Reset] | type[Stall]


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


def response(status: int, *parts: Part, **headers: str) -> list[Part]:
    """Build a response whose body ends when the connection does."""
    lines = [f"HTTP/1.1 {status} X", "connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ["\r\n".join([*lines, "", ""]).encode(), *parts]


def stream(*parts: Part) -> list[Part]:
    """Build a stream of events."""
    return response(200, *parts, content_type="text/event-stream")


def chunked_stream(*parts: bytes, end: bool = True) -> list[Part]:
    """Build a stream of events in chunks, so that the connection can be used again."""
    head = (
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    chunks: list[Part] = [f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in parts]
    return [head, *chunks, *([b"0\r\n\r\n"] if end else [])]


def reset_when_closed(writer: asyncio.StreamWriter) -> None:
    """Let closing send RST instead of FIN: linger for no time at all."""
    raw: socket.socket = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@dataclass
class ReplayServer:
    """Answers the first request with the first script, and so on; the last one is used again.

    Attributes:
        scripts: What to answer; `Reset` before any bytes breaks the connection without an answer.
        received: Every request that came whole.
        connections: How many were made.
        said_all: Set when a script came to its stall.
        left: Set when a client closed its connection.
    """

    scripts: Sequence[Sequence[Part]]
    received: list[Received] = field(default_factory=list[Received])
    connections: int = 0
    said_all: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
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

    @property
    def base_url(self) -> str:
        """Where DashScope would be."""
        return f"http://{HOST}:{self.port}/api/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # asyncio's server takes a cancelled handler for a crash, so it just ends
        finally:
            self.left.set()
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
        exact = {
            line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in head[1:] if line
        }
        body = await reader.readexactly(int(headers["content-length"]))
        self.received.append(Received(head[0].split(" ")[1], exact, json.loads(body)))
        script = self.scripts[min(len(self.received), len(self.scripts)) - 1]
        for part in script:
            if part is Stall:
                self.said_all.set()
                await reader.read()
                return False
            if part is Reset:
                reset_when_closed(writer)
                return False
            assert isinstance(part, bytes)
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.001)  # so that the parts do not travel together
        return b"chunked" in script[0] if isinstance(script[0], bytes) else False
