"""The body of a response: read piece by piece, and closed without leftovers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import cast

import httpx

from bot.dashscope.http_errors import mapped_errors
from bot.errors import DashScopeError

_CLOSING_S = 1.0
"""A closed connection has nothing to wait for; this only keeps a surprise short."""


def chunks_of(response: httpx.Response) -> AsyncGenerator[bytes]:
    """Return the pieces of the body as they come; to be closed with `close`."""
    return cast("AsyncGenerator[bytes]", response.aiter_bytes())


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
