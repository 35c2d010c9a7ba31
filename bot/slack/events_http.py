"""Slack over HTTP: one path takes events, commands and interactivity."""

from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

EVENTS_PATH = "/slack/events"

# What Bolt's parser raises on a body or a header nobody at Slack would send; it parses before it
# checks the signature.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)

log = structlog.get_logger(__name__)


def routes(bolt: AsyncApp) -> list[web.RouteDef]:
    """Return the route of Slack's request URL.

    A wrong signature or a stale timestamp is a 401, an unreadable body a 400, a failure a 500
    without a body, another method a 405. The size of a body is bounded by the application the
    route is added to; aiohttp's default of 1 MiB is several times what Slack sends.
    """
    return [web.post(EVENTS_PATH, _handler(bolt))]


def _handler(bolt: AsyncApp) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            delivery = await to_bolt_request(request)
        except _UNREADABLE as error:
            log.info("delivery.unreadable", error=type(error).__name__)
            return web.Response(status=400)
        return await to_aiohttp_response(await bolt.async_dispatch(delivery))

    return handle
