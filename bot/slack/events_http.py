"""Slack over HTTP: one path takes events, commands and interactivity."""

import asyncio
import time
from collections.abc import Callable

import structlog
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.metrics import Metrics

EVENTS_PATH = "/slack/events"
BODY_MAY_TAKE_S = 10.0
"""For a body to arrive; Slack gives up after three seconds."""
TOLD_EVERY_S = 60.0
"""Between two lines about unsigned requests, which anybody may send as often as they like."""

_UTF_8 = frozenset({"utf-8", "utf8"})

# What Bolt's parser raises on a body or a header nobody at Slack would send, for it parses before
# it checks the signature; and what reading raises on a body that is broken off or badly packed.
_UNREADABLE = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RecursionError,
    ConnectionError,
    web.RequestPayloadError,
)

log = structlog.get_logger(__name__)


def routes(
    bolt: AsyncApp,
    *,
    metrics: Metrics,
    clock: Callable[[], float] = time.monotonic,
    body_may_take_s: float = BODY_MAY_TAKE_S,
) -> list[web.RouteDef]:
    """Return the route of Slack's request URL.

    A wrong signature or a stale timestamp is a 401, an unreadable body or one that is not UTF-8 a
    400, a body that takes too long a 408, a failure a 500 without a body, another method a 405. The
    size of a body is bounded by the application the route is added to; aiohttp's default of 1 MiB
    is several times what Slack sends.

    Args:
        bolt: Takes what Slack signed.
        metrics: Counts the 401s; the others are counted where they are taken.
        clock: Monotonic seconds.
        body_may_take_s: How long a body may take to arrive.
    """
    unsigned = _Unsigned(metrics, clock=clock)

    async def handle(request: web.Request) -> web.Response:
        try:
            delivery = await _read(request, may_take_s=body_may_take_s)
        except _UNREADABLE as error:
            log.info("delivery.unreadable", error=type(error).__name__)
            return web.Response(status=400)
        except TimeoutError:
            log.info("delivery.too_slow")
            return web.Response(status=408)
        response = await bolt.async_dispatch(delivery)
        if response.status == 401:
            unsigned.note()
        return await to_aiohttp_response(response)

    return [web.post(EVENTS_PATH, handle)]


async def _read(request: web.Request, *, may_take_s: float) -> AsyncBoltRequest:
    """Return a request as Bolt takes it.

    Slack writes UTF-8. A charset is never looked up by the name a stranger gave it: some of
    Python's take minutes for a mebibyte, and the signature is not checked yet.

    Raises:
        TimeoutError: The body is not there in time.
        ValueError: It is not UTF-8, or Bolt cannot parse it; the other exceptions of _UNREADABLE
            mean no more.
    """
    if (request.charset or "utf-8").lower() not in _UTF_8:
        raise ValueError("another charset than UTF-8")
    async with asyncio.timeout(may_take_s):
        body = await request.read()
    return AsyncBoltRequest(
        body=body.decode(),
        query=request.query_string,
        headers=dict(request.headers),
    )


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
