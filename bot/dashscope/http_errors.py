"""httpx's errors -> our tree."""

from collections.abc import Generator
from contextlib import contextmanager

import httpx

from bot.errors import (
    DashScopeError,
    Misconfigured,
    UpstreamFailed,
    UpstreamGarbled,
    UpstreamTimeout,
    UpstreamUnreachable,
)

CLASSES: tuple[tuple[type[Exception], type[DashScopeError]], ...] = (
    # Never connected, so the question was not asked.
    (httpx.ConnectTimeout, UpstreamUnreachable),
    (httpx.PoolTimeout, UpstreamUnreachable),
    (httpx.TimeoutException, UpstreamTimeout),
    (httpx.UnsupportedProtocol, Misconfigured),
    (httpx.LocalProtocolError, Misconfigured),
    (httpx.InvalidURL, Misconfigured),
    (httpx.TooManyRedirects, Misconfigured),
    (httpx.DecodingError, UpstreamGarbled),
    (httpx.CookieConflict, UpstreamGarbled),
    (httpx.HTTPStatusError, UpstreamFailed),
    # Connections that failed or broke, proxies among them.
    (httpx.HTTPError, UpstreamUnreachable),
    (httpx.StreamError, UpstreamUnreachable),
    (TimeoutError, UpstreamTimeout),  # of our own deadlines
)
"""Most specific first."""

_CAUGHT: tuple[type[Exception], ...] = tuple(theirs for theirs, _ in CLASSES)


@contextmanager
def mapped_errors(*, status: int | None = None) -> Generator[None]:
    """Raise what httpx raises as our own.

    The original is not chained: what httpx says about a bad header quotes the header, and the key
    is in one.

    Args:
        status: Of the response being read; None before there is one.

    Raises:
        DashScopeError: In the class `CLASSES` names.
    """
    try:
        yield
    except _CAUGHT as error:
        ours = next(ours for theirs, ours in CLASSES if isinstance(error, theirs))
        raise ours(type(error).__name__, status=status) from None
