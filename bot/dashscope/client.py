"""DashScope's apps: asks, asks again where that is safe, and streams the answer."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import httpx
import structlog

from bot.core.failures import MAX_ERROR_BYTES, parse_error_body, refuses_stream_mode
from bot.core.question import AppProfile, Question
from bot.core.retry import parse_retry_after, retry_delay_s
from bot.dashscope.body import chunks_of, close
from bot.dashscope.http_errors import mapped_errors
from bot.dashscope.request import AppRequest, in_older_mode, probing_question, streaming_request
from bot.dashscope.stream import AppStream
from bot.errors import DashScopeError, RequestRefused
from bot.metrics import Metrics

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_MAX_CONNECTIONS = 200
"""More answers at a time wait for a connection; our own bound."""
_ERROR_BODY_S = 5.0
"""How long the body of an error may take; our own bound."""
_MAX_LOGGED_CHARS = 80
_KEEPALIVE_S = 15.0
"""Idle connections die unnoticed behind NAT; the SDK drops them after 5 to 30 s."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait, in seconds.

    Attributes:
        connect_s: For a connection, TLS included.
        write_s: For the question to be taken.
        pool_s: For a free connection.
        idle_s: Between two pieces of an answer. A workflow that does not stream says nothing until
            it is done, and DashScope itself gives up after 300 s ("Error codes", RequestTimeOut).
        drain_s: For the end of a response after its terminal event.
        probe_s: For a probe, all in all.
        reach_s: For a host to answer anything.
    """

    connect_s: float = 5.0
    write_s: float = 30.0
    pool_s: float = 10.0
    idle_s: float = 300.0
    drain_s: float = 0.2
    probe_s: float = 30.0
    reach_s: float = 2.0


class DashScope:
    """All apps of all profiles, through one pool of connections.

    The constructor stores; `async with` opens the pool and closes it. Proxies are taken from the
    environment (HTTPS_PROXY, NO_PROXY), as operators behind one expect.

    Args:
        metrics: Counts each request by its outcome.
        deadline_s: For a whole answer, from the first try to its last byte.
        timeouts: Bounds of every single wait.
        sleep: Waits between tries.
        clock: Monotonic seconds.
        jitter: A number from 0 to 1 for each wait.
    """

    def __init__(
        self,
        *,
        metrics: Metrics,
        deadline_s: float = 600.0,
        timeouts: Timeouts | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._metrics = metrics
        self._deadline_s = deadline_s
        self._timeouts = timeouts or Timeouts()
        self._sleep = sleep
        self._clock = clock
        self._jitter = jitter
        self._in_older_mode: set[str] = set()
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        """Open the pool; no connection is made yet."""
        wait = self._timeouts
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(
                connect=wait.connect_s, write=wait.write_s, pool=wait.pool_s, read=wait.idle_s
            ),
            limits=httpx.Limits(max_connections=_MAX_CONNECTIONS, keepalive_expiry=_KEEPALIVE_S),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the pool and every connection in it; closing twice is harmless."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncGenerator[AppStream]:
        """Ask; leaving the context closes the connection, which is the only way to stop an answer.

        Raises:
            DashScopeError: On entering, when no event of an answer came. Until then the question is
                asked again as far as `core.retry` allows; afterwards never.
        """
        started_at = self._clock()

        async def ask_patiently(each: Question) -> AppStream:
            return await self._ask_patiently(each, started_at=started_at)

        stream = await self._begin(question, ask=ask_patiently)
        try:
            yield stream
        finally:
            await stream.aclose()
            self._note_end(stream, app=question.app, started_at=started_at)

    async def probe(self, profile: AppProfile) -> bool:
        """Ask the smallest question once and throw the answer away; costs a few tokens.

        Returns:
            Whether the app told of nodes, which only workflows and orchestrations have.

        Raises:
            DashScopeError: The app does not answer as it should.
        """
        started_at = self._clock()

        async def ask_once(question: Question) -> AppStream:
            return await self._open(streaming_request(question), started_at=started_at)

        with mapped_errors():
            async with asyncio.timeout(self._timeouts.probe_s):
                stream = await self._begin(probing_question(profile), ask=ask_once)
                try:
                    async for _ in stream:
                        pass
                finally:
                    await stream.aclose()
                return stream.tells_of_nodes

    async def reach(self, profile: AppProfile) -> None:
        """Return when the profile's host answers anything at all; asks no app and costs nothing.

        Raises:
            DashScopeError: It cannot be reached.
        """
        if self._http is None:
            raise RuntimeError("DashScope is used outside its `async with`")
        with mapped_errors():
            async with asyncio.timeout(self._timeouts.reach_s):
                await self._http.head(profile.base_url)

    async def _begin(
        self, question: Question, *, ask: Callable[[Question], Awaitable[AppStream]]
    ) -> AppStream:
        """Ask; where only our own choice of a workflow's mode was refused, ask in the older one.

        An app that took the older one is asked in it from then on, until the process ends.
        """
        older, key = in_older_mode(question), question.app.key
        if older is None or key not in self._in_older_mode:
            try:
                return await ask(question)
            except RequestRefused as error:
                if older is None or not refuses_stream_mode(error):
                    raise
        stream = await ask(older)
        if key not in self._in_older_mode:
            self._in_older_mode.add(key)
            log.warning("app_mode.replaced", app=question.app.name)
        return stream

    async def _ask_patiently(self, question: Question, *, started_at: float) -> AppStream:
        """Ask until the first event is in hand; `core.retry` bounds the tries and the waits."""
        request = streaming_request(question)
        attempt = 1
        while True:
            try:
                return await self._open(request, started_at=started_at)
            except DashScopeError as error:
                delay_s = retry_delay_s(
                    error,
                    attempt=attempt,
                    elapsed_s=self._clock() - started_at,
                    jitter=self._jitter(),
                )
                self._note_failure(error, app=question.app, attempt=attempt, delay_s=delay_s)
                if delay_s is None:
                    raise
            await self._sleep(delay_s)
            attempt += 1

    async def _open(self, request: AppRequest, *, started_at: float) -> AppStream:
        """Ask once and return the stream with its first event merged."""

        def remaining_s() -> float:
            return self._deadline_s - (self._clock() - started_at)

        with mapped_errors():
            async with asyncio.timeout(remaining_s()):
                response = await self._send(request)
        stream = AppStream(
            response,
            remaining_s=remaining_s,
            drain_s=self._timeouts.drain_s,
            every_node_speaks=request.every_node_speaks,
        )
        try:
            await stream.begin()
        except BaseException:
            await stream.aclose()
            raise
        return stream

    async def _send(self, request: AppRequest) -> httpx.Response:
        """Return an open response with a status of success, for the caller to close.

        Raises:
            DashScopeError: Any other status, in the class its body tells.
        """
        if self._http is None:
            raise RuntimeError("DashScope is used outside its `async with`")
        post = self._http.build_request(
            "POST", request.url, headers=request.headers, content=request.body
        )
        response = await self._http.send(post, stream=True)
        if response.is_success:
            return response
        raise parse_error_body(
            await _read_error(response),
            status=response.status_code,
            request_id_header=response.headers.get("x-request-id"),
            retry_after_s=parse_retry_after(response.headers),
        )

    def _note_failure(
        self, error: DashScopeError, *, app: AppProfile, attempt: int, delay_s: float | None
    ) -> None:
        """Count and log a request that brought no event; without `delay_s` it was the last."""
        kind = type(error).__name__
        self._metrics.questions.labels(kind).inc()
        log.warning(
            "app_request.failed",
            app=app.name,
            error=kind,
            code=error.code[:_MAX_LOGGED_CHARS],
            status=error.status,
            request_id=(error.request_id or "")[:_MAX_LOGGED_CHARS],
            attempt=attempt,
            delay_s=delay_s,
        )

    def _note_end(self, stream: AppStream, *, app: AppProfile, started_at: float) -> None:
        """Count and log a request that brought at least one event."""
        outcome = _outcome(stream)
        self._metrics.questions.labels(outcome).inc()
        log.info(
            "app_request.ended",
            app=app.name,
            outcome=outcome,
            reason="length" if stream.is_full else None,
            code=stream.failure.code[:_MAX_LOGGED_CHARS] if stream.failure else "",
            status=stream.failure.status if stream.failure else None,
            request_id=(stream.answer.request_id or "")[:_MAX_LOGGED_CHARS],
            events=stream.events,
            elapsed_ms=round((self._clock() - started_at) * 1000),
        )


def _outcome(stream: AppStream) -> str:
    """Return `ok`, `cut`, `left` when the reader went first, or the class of the error."""
    if stream.failure is not None:
        return type(stream.failure).__name__
    if not stream.ended:
        return "left"
    return "ok" if stream.answer.complete else "cut"


async def _read_error(response: httpx.Response) -> bytes:
    """Read the body of an error as far as it comes, and close: its status already says most."""
    body, chunks = bytearray(), chunks_of(response)
    try:
        with suppress(DashScopeError), mapped_errors():
            async with asyncio.timeout(_ERROR_BODY_S):
                while len(body) < MAX_ERROR_BYTES and (chunk := await anext(chunks, None)):
                    body += chunk
    finally:
        await close(response, chunks)
    return bytes(body)
