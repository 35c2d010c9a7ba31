"""Slack over a WebSocket that is kept alive.

The SDK's client carries the frames, the pings and the acknowledgements. When to connect again is
decided here, always with a fresh address: left to itself the client closes the old connection
before it opens the next, and tries one-time addresses again for ever.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, cast

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SlackError, SlackThrottled
from bot.metrics import Metrics
from bot.slack.failures import web_api_errors
from bot.slack.web_api import proxy_for

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SocketTiming:
    """How patient the connection is, in seconds.

    Attributes:
        ping_s: Between pings; a connection that misses one answer is found dead within two of them.
        look_s: Between looks at the connection.
        open_s: For getting an address, and again for connecting to it until Slack says hello.
        first_pause_s: Before connecting again after a short life or a failure; doubles each time.
        longest_pause_s: Where doubling ends.
        steady_s: A connection that lived this long is replaced without a pause.
        drain_s: For deliveries under way to be acknowledged before their connection is closed.
    """

    ping_s: float = 10.0
    look_s: float = 1.0
    open_s: float = 10.0
    first_pause_s: float = 1.0
    longest_pause_s: float = 30.0
    steady_s: float = 60.0
    drain_s: float = 3.0

    def pause_s(self, failures: int) -> float:
        """Return how long to wait after so many failures in a row; none after none."""
        if failures == 0:
            return 0.0
        doublings = min(failures - 1, 16)  # beyond, the longest pause has been reached anyway
        return min(self.first_pause_s * 2**doublings, self.longest_pause_s)


async def ask_for_socket(client: AsyncWebClient, *, app_token: str, timeout_s: float) -> str:
    """Return a one-time address to connect to.

    Raises:
        SlackError: None was given.
        TimeoutError: Slack did not answer in time.
    """
    with web_api_errors("apps.connections.open"):
        async with asyncio.timeout(timeout_s):
            answer = await cast("Any", client).apps_connections_open(app_token=app_token)
    return str(answer.get("url"))


class SocketMode:
    """Keeps one connection to Slack open while the context is.

    Entering does not wait for the connection, so that a process starts while Slack is away; `live`
    tells. Leaving takes no further deliveries, lets those under way be acknowledged, and closes.
    """

    def __init__(
        self,
        bolt: AsyncApp,
        *,
        client: AsyncWebClient,
        app_token: str,
        metrics: Metrics,
        timing: SocketTiming | None = None,
    ) -> None:
        self._bolt = bolt
        self._client = client
        self._app_token = app_token
        self._metrics = metrics
        self._timing = timing or SocketTiming()
        self._link: _Link | None = None
        self._live: bool | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def live(self) -> bool:
        """Whether there is a connection, greeted by Slack and sound when last looked at."""
        return self._live is True

    async def __aenter__(self) -> Self:
        self._metrics.socket_live.set(0)
        self._keeper = asyncio.create_task(self._keep(), name="socket-mode")
        self._keeper.add_done_callback(_tell_failure)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._keeper is None:
            return
        keeper, self._keeper = self._keeper, None
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper

    async def _keep(self) -> None:
        """Replace the connection whenever it must be, until cancelled."""
        failures = 0
        try:
            while True:
                fresh = await self._try_to_open(failures)
                if fresh is None:
                    failures += 1
                    continue
                failures = 0 if await self._serve(fresh) else failures + 1
                await asyncio.sleep(self._timing.pause_s(failures))
        finally:
            self._show(live=False, reason="closing")
            await self._drop()

    async def _try_to_open(self, failures: int) -> "_Link | None":
        """Open a connection, or wait out the pause that a failure asks for."""
        try:
            return await self._open()
        except (SlackError, aiohttp.ClientError, OSError) as error:
            await self._look(failed=error)
            asked_s = error.retry_after_s if isinstance(error, SlackThrottled) else 0.0
            await asyncio.sleep(max(self._timing.pause_s(failures + 1), asked_s))
            return None

    async def _open(self) -> "_Link":
        """Connect to a fresh address and wait for Slack's hello.

        Raises:
            SlackError: No address was given.
            TimeoutError: Nobody said hello there in time.
        """
        address = await ask_for_socket(
            self._client, app_token=self._app_token, timeout_s=self._timing.open_s
        )
        link = _Link(
            self._bolt, client=self._client, app_token=self._app_token, ping_s=self._timing.ping_s
        )
        try:
            async with asyncio.timeout(self._timing.open_s):
                await link.greet(address)
        except BaseException:
            await link.leave(self._timing.drain_s)
            raise
        return link

    async def _serve(self, fresh: "_Link") -> bool:
        """Put a connection to use, close its predecessor, and return when it must be replaced.

        A connection that Slack asks to replace stays in use until the next one is open.

        Returns:
            Whether it lived long enough to be replaced at once.
        """
        now = asyncio.get_running_loop().time
        opened_at = now()
        old, self._link = self._link, fresh
        self._show(live=True, reason="hello", connections=fresh.connections)
        if old is not None:
            await old.leave(self._timing.drain_s)
        while (ailment := await fresh.ailment()) is None and fresh.farewell is None:  # noqa: ASYNC110 - the SDK has nothing to wait for
            await asyncio.sleep(self._timing.look_s)
        if ailment is not None:
            self._show(live=False, reason=ailment)
            await self._drop()
        return now() - opened_at >= self._timing.steady_s

    async def _look(self, *, failed: Exception) -> None:
        """Note whether the connection in use still lives although the next could not be opened."""
        code = failed.code if isinstance(failed, SlackError) else ""
        if self._link is not None and await self._link.ailment() is None:
            return
        self._show(live=False, reason=code or type(failed).__name__)
        await self._drop()

    async def _drop(self) -> None:
        link, self._link = self._link, None
        if link is not None:
            await link.leave(self._timing.drain_s)

    def _show(self, *, live: bool, reason: str, connections: int | None = None) -> None:
        """Tell the metrics, and the log when something changed."""
        self._metrics.socket_live.set(int(live))
        if live is not self._live:
            write = log.info if live or reason == "closing" else log.warning
            write(
                "socket.connected" if live else "socket.lost",
                reason=reason,
                connections=connections,
            )
        self._live = live


def _tell_failure(keeper: asyncio.Task[None]) -> None:
    """Log what ended the connection's keeper before its time; whoever leaves is told again."""
    if not keeper.cancelled() and (error := keeper.exception()) is not None:
        log.error("socket.failed", exc_info=error)


class _Link(SocketModeClient):
    """One connection, used once: the SDK's client without its own ways of connecting again."""

    def __init__(
        self, bolt: AsyncApp, *, client: AsyncWebClient, app_token: str, ping_s: float
    ) -> None:
        super().__init__(
            app_token=app_token,
            logger=_sdk_logger(),
            web_client=client,
            auto_reconnect_enabled=False,
            ping_interval=ping_s,
        )
        self._bolt = bolt
        self._hello = asyncio.Event()
        self._leaving = False
        self._under_way: set[asyncio.Task[Any]] = set()
        self.connections: int | None = None
        self.farewell: str | None = None

    async def greet(self, url: str) -> None:
        """Connect and wait for Slack's hello; the caller bounds the time."""
        self.wss_uri = url
        # The SDK would take HTTPS_PROXY and ignore NO_PROXY.
        self.proxy = proxy_for(url.replace("ws", "http", 1))
        await self.connect()
        await self._hello.wait()

    async def ailment(self) -> str | None:
        """Return why nothing can arrive here any more, or None."""
        if await self.is_ping_pong_failing():
            return "no answer to pings"
        if not await self.is_connected():
            return "closed"
        if any(task is None or task.done() for task in self._own_tasks()):
            return "reader ended"
        return None

    async def run_message_listeners(self, message: dict[str, Any], raw_message: str) -> None:  # noqa: ARG002 - the SDK's signature
        """Take one frame; the SDK runs this in a task that only we keep hold of."""
        match message.get("type"):
            case "hello":
                self.connections = message.get("num_connections")
                self._hello.set()
            case "disconnect":
                self.farewell = str(message.get("reason"))
                log.info("socket.refresh_asked", reason=self.farewell)
            case _ if not self._leaving:
                await self._deliver(message)
            case _:
                pass  # unacknowledged, so Slack delivers it on another connection

    async def _deliver(self, message: dict[str, Any]) -> None:
        request = cast("Any", SocketModeRequest).from_dict(message)
        task = asyncio.current_task()
        if request is None or task is None:
            return
        self._under_way.add(task)
        try:
            response = await run_async_bolt_app(self._bolt, request)
            await send_async_response(self, request, response, 0.0)
        except (OSError, aiohttp.ClientError) as error:
            log.warning("delivery.unacknowledged", error=type(error).__name__)
        finally:
            self._under_way.discard(task)

    async def leave(self, drain_s: float) -> None:
        """Take nothing more, let deliveries under way end, close; harmless a second time."""
        self._leaving = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=drain_s)
        ending = [task for task in (*self._under_way, *self._own_tasks()) if task is not None]
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(drain_s):
                    await self.close()
        finally:
            for task in ending:
                task.cancel()
            await asyncio.gather(*ending, return_exceptions=True)
            await self.aiohttp_client_session.close()

    def _own_tasks(self) -> tuple[asyncio.Future[Any] | None, ...]:
        client = cast("Any", self)
        return (client.message_processor, client.current_session_monitor, client.message_receiver)


def _sdk_logger() -> logging.Logger:
    """Return a logger that stays silent: what the SDK has to say is told once, by `SocketMode`."""
    logger = logging.getLogger("slack_sdk.dashscope_slack_socket")
    logger.setLevel(logging.CRITICAL)
    return logger
