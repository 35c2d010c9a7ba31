"""Slack over HTTP: one path takes events, commands and interactivity."""

import time
from collections.abc import Callable

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

from bot.metrics import Metrics

EVENTS_PATH = "/slack/events"
TOLD_EVERY_S = 60.0
"""Between two lines about unsigned requests, which anybody may send as often as they like."""

# What Bolt's parser raises on a body or a header nobody at Slack would send; it parses before it
# checks the signature.
_UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)

log = structlog.get_logger(__name__)


def routes(
    bolt: AsyncApp, *, metrics: Metrics, clock: Callable[[], float] = time.monotonic
) -> list[web.RouteDef]:
    """Return the route of Slack's request URL.

    A wrong signature or a stale timestamp is a 401, an unreadable body a 400, a failure a 500
    without a body, another method a 405. The size of a body is bounded by the application the
    route is added to; aiohttp's default of 1 MiB is several times what Slack sends.

    Args:
        bolt: Takes what Slack signed.
        metrics: Counts the 401s; the others are counted where they are taken.
        clock: Monotonic seconds.
    """
    unsigned = _Unsigned(metrics, clock=clock)

    async def handle(request: web.Request) -> web.Response:
        try:
            delivery = await to_bolt_request(request)
        except _UNREADABLE as error:
            log.info("delivery.unreadable", error=type(error).__name__)
            return web.Response(status=400)
        response = await bolt.async_dispatch(delivery)
        if response.status == 401:
            unsigned.note()
        return await to_aiohttp_response(response)

    return [web.post(EVENTS_PATH, handle)]


class _Unsigned:
    """Tells of requests that are not signed as Slack would: of each in a counter, of some in lines.

    To the operator, a wrong signing secret and a clock that is minutes off look like silence.
    """

    def __init__(self, metrics: Metrics, *, clock: Callable[[], float]) -> None:
        self._metrics = metrics
        self._clock = clock
        self._untold = 0
        self._told_at: float | None = None

    def note(self) -> None:
        """Count one; log how many there were since the last line, if that was a while ago."""
        self._metrics.messages.labels("unsigned").inc()
        self._untold += 1
        now = self._clock()
        if self._told_at is None or now - self._told_at >= TOLD_EVERY_S:
            log.warning("delivery.unsigned", count=self._untold)
            self._untold, self._told_at = 0, now
