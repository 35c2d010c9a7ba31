"""The one HTTP session for Slack's Web API, and clients that use it."""

import logging
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

CALL_TIMEOUT_S = 8.0
"""For a whole call, waiting for a free connection included. Slack answers within a second; a reply
whose edit hangs can neither grow nor end meanwhile."""
CONNECT_TIMEOUT_S = 5.0
CONNECTIONS = 50
"""At once, to Slack. Budgets keep the calls far below it."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class WebApi:
    """Owns the session; open it with `async with`, inside the loop that uses it.

    Args:
        base_url: Where the methods are, with or without a trailing slash.
        call_timeout_s: The longest one call may take, in seconds.
    """

    def __init__(self, *, base_url: str, call_timeout_s: float = CALL_TIMEOUT_S) -> None:
        self._base_url = base_url
        self._timeout = aiohttp.ClientTimeout(
            total=call_timeout_s, connect=min(call_timeout_s, CONNECT_TIMEOUT_S)
        )
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = aiohttp.ClientSession(
            timeout=self._timeout, connector=aiohttp.TCPConnector(limit=CONNECTIONS)
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the session with its connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def client(self, token: str | None) -> AsyncWebClient:
        """Return a client for one token; cheap, and it needs no closing.

        It never retries by itself: the SDK's default sends a post again after a reset, although the
        first may have arrived.

        Raises:
            RuntimeError: The session is not open; the SDK would open one for each call.
        """
        if self._session is None:
            raise RuntimeError("WebApi is not open")
        client = AsyncWebClient(
            token=token,
            base_url=self._base_url,
            session=self._session,
            retry_handlers=[],
            logger=_quiet_logger(),
        )
        # Set afterwards: given None, the constructor takes HTTPS_PROXY and ignores NO_PROXY.
        client.proxy = proxy_for(self._base_url)
        return client


def proxy_for(url: str) -> str | None:
    """Return the proxy the environment names for `url`; None when it is to be reached directly.

    Loopback addresses are always reached directly: a proxy could only find its own.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in LOOPBACK or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return getproxies().get(parts.scheme)


def _quiet_logger() -> logging.Logger:
    """Return a logger for the SDK that never writes bodies, whatever the root's level is."""
    logger = logging.getLogger(__name__)
    if (
        logger.level < logging.INFO
    ):  # the SDK looks at the logger's own level, which is 0 by default
        logger.setLevel(logging.INFO)
    return logger
