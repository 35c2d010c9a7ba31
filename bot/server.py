"""The process's own HTTP server."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager

from aiohttp import web

from bot.errors import SettingsError

HANDLERS_MAY_TAKE_S = 5.0
"""Requests under way at shutdown; Slack waits three seconds for an answer."""


@asynccontextmanager
async def serving(routes: Iterable[web.RouteDef], *, host: str, port: int) -> AsyncGenerator[str]:
    """Serve while the context is open; gives `http://host:port`, as it is when `port` was 0.

    Raises:
        SettingsError: It cannot listen there.
    """
    site = web.Application()
    site.add_routes(routes)
    runner = web.AppRunner(site, access_log=None, shutdown_timeout=HANDLERS_MAY_TAKE_S)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SettingsError([f"PORT: cannot listen on {host}:{port}: {reason}"]) from None
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()
