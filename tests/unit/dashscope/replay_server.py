"""An HTTP server on loopback that replays bytes exactly as it is told, faults included."""

import asyncio
import json
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.unit.dashscope.socket_server import SocketServer, read_head


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
class ReplayServer(SocketServer):
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

    @property
    def base_url(self) -> str:
        """Where DashScope would be."""
        return f"{self.endpoint}/api/v1"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await self._replay(reader, writer):
                pass
        finally:
            self.left.set()
            writer.transport.abort()

    async def _replay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; return whether the connection can be used again."""
        path, headers = await read_head(reader)
        body = await reader.readexactly(int(headers["content-length"]))
        self.received.append(Received(path, headers, json.loads(body)))
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
