"""The process's own HTTP server."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from aiohttp import web

from bot.errors import SettingsError

HANDLERS_MAY_TAKE_S = 5.0
"""Requests under way at shutdown; Slack waits three seconds for an answer."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What strangers may take of the server.

    Attributes:
        connections: Open at once; further ones are closed at once. A process has 1,024 descriptors
            as a rule, and needs some hundred for its database, for Slack and for DashScope.
        silent_s: Until a connection is closed that has sent no whole head of a request. Proxies
            keep idle connections for 60 seconds as a rule: were it less, requests would be lost.
    """

    connections: int = 500
    silent_s: float = 75.0


class _Closed(asyncio.Protocol):
    """A connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


@asynccontextmanager
async def serving(
    routes: Iterable[web.RouteDef], *, host: str, port: int, bounds: Bounds | None = None
) -> AsyncGenerator[str]:
    """Serve while the context is open; gives `http://host:port`, as it is when `port` was 0.

    Raises:
        SettingsError: It cannot listen there.
    """
    bounds = bounds or Bounds()
    site = web.Application()
    site.add_routes(routes)
    runner = web.AppRunner(
        site,
        access_log=None,
        shutdown_timeout=HANDLERS_MAY_TAKE_S,
        keepalive_timeout=bounds.silent_s,
    )
    await runner.setup()
    try:
        listening = await _listen(runner, host=host, port=port, most=bounds.connections)
        try:
            host, port = listening.sockets[0].getsockname()[:2]
            yield f"http://{host}:{port}"
        finally:
            listening.close()
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, *, host: str, port: int, most: int) -> asyncio.Server:
    """Listen for the runner, as `web.TCPSite` does, for so many connections at most."""
    handlers = cast("web.Server", runner.server)  # None only before it is set up

    def accept() -> asyncio.Protocol:
        return handlers() if len(handlers.connections) < most else _Closed()

    try:
        return await asyncio.get_running_loop().create_server(accept, host, port)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SettingsError([f"PORT: cannot listen on {host}:{port}: {reason}"]) from None
