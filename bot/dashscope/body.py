"""The body of a response: read piece by piece, and closed without leftovers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import httpx

from bot.dashscope.http_errors import mapped_errors
from bot.errors import DashScopeError, UpstreamGarbled

PLAIN = {"Accept-Encoding": "identity"}
"""No compressor may collect deltas, or send a few bytes that would become a great many here."""
_CLOSING_S = 1.0
"""A closed connection has nothing to wait for; this only keeps a surprise short."""


async def chunks_of(response: httpx.Response) -> AsyncGenerator[bytes]:
    """Yield the pieces of the body as they come; to be closed with `close`.

    Raises:
        UpstreamGarbled: It is compressed, though `PLAIN` asks for the opposite.
    """
    encoding = response.headers.get("content-encoding", "")
    if encoding.strip().lower() not in {"", "identity"}:
        raise UpstreamGarbled("nobody asked for a compressed body", status=response.status_code)
    async for chunk in response.aiter_raw():
        yield chunk


async def read_whole(response: httpx.Response, *, max_bytes: int) -> bytes:
    """Read all of a body and close it.

    Raises:
        UpstreamGarbled: It is longer than `max_bytes`, and no more of it was read.
        DashScopeError: The connection failed.
    """
    body, chunks = bytearray(), chunks_of(response)
    try:
        with mapped_errors(status=response.status_code):
            while chunk := await anext(chunks, None):
                body += chunk
                if len(body) > max_bytes:
                    raise UpstreamGarbled("the answer does not end", status=response.status_code)
    finally:
        await close(response, chunks)
    return bytes(body)


async def drain(chunks: AsyncGenerator[bytes], *, within_s: float) -> None:
    """Read to the end and throw it away, for `within_s` seconds at most; never raises."""
    with suppress(DashScopeError), mapped_errors():
        async with asyncio.timeout(within_s):
            async for _ in chunks:
                pass


async def close(response: httpx.Response, chunks: AsyncGenerator[bytes]) -> None:
    """Close the response, and its connection unless it was read to the end.

    Reading on from what is closed fails at once. That ends the generators httpx holds inside each
    other; left alone, the garbage collector would end each of them in a task nobody owns.
    """
    try:
        await response.aclose()
    finally:
        await drain(chunks, within_s=_CLOSING_S)
