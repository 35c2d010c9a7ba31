"""A server on loopback that answers with any bytes at all, or with none."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from tests.unit.dashscope.socket_server import SocketServer, read_head


@dataclass
class RawServer(SocketServer):
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

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            _, headers = await read_head(reader)
            self.requests.append(headers)
            self.heard.set()
            body = self.bodies[min(len(self.requests), len(self.bodies)) - 1]
            if body is RawServer.SILENCE:
                await reader.read()
            elif body is not None:
                length = f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
                writer.write(b"HTTP/1.1 200 OK\r\n" + length.encode() + body)
                await writer.drain()
        finally:
            writer.close()
