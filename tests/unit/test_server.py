"""What strangers may take of the process's own server."""

import asyncio

from aiohttp import web

from bot.server import Bounds, serving

HALF_A_HEAD = b"POST /slack/events HTTP/1.1\r\nHost: x\r\n"
WHOLE = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SOON_S = 60.0
"""Less than a silent connection is kept."""


async def answer(_request: web.Request) -> web.Response:
    return web.Response(text="served")


ROUTES = [web.get("/", answer)]


async def sent(address: str, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(data)
    return reader, writer


async def test_a_connection_that_never_sends_a_whole_request_is_closed() -> None:
    bounds = Bounds(silent_s=0.05)
    async with serving(ROUTES, host="127.0.0.1", port=0, bounds=bounds) as address:
        for data in (b"", HALF_A_HEAD):
            reader, writer = await sent(address, data)
            async with asyncio.timeout(SOON_S):
                assert await reader.read() == b""
            writer.close()


async def test_a_connection_too_many_is_closed_and_one_that_ends_makes_room() -> None:
    bounds = Bounds(connections=2)
    async with serving(ROUTES, host="127.0.0.1", port=0, bounds=bounds) as address:
        held = [await sent(address, WHOLE) for _ in range(bounds.connections)]
        for reader, _ in held:
            assert b"served" in await reader.readuntil(b"served")
        refused, writer = await sent(address, b"")
        async with asyncio.timeout(SOON_S):
            assert await refused.read() == b""
        writer.close()
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        async with asyncio.timeout(SOON_S):
            while not await is_served(address):
                continue


async def is_served(address: str) -> bool:
    reader, writer = await sent(address, WHOLE)
    try:
        return b"served" in await reader.readuntil(b"served")
    except (asyncio.IncompleteReadError, ConnectionError):
        return False
    finally:
        writer.close()
