"""One response of DashScope, read as an answer."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Self

import httpx

from bot.core.answer import Answer, AnswerReader
from bot.core.loose_json import parse_object
from bot.core.sse import MAX_HELD_BYTES, ServerSentEvent, SseDecoder
from bot.dashscope.body import chunks_of, close, drain
from bot.dashscope.http_errors import mapped_errors
from bot.errors import DashScopeError, UpstreamGarbled, UpstreamTimeout, UpstreamUnreachable


class AppStream:
    """An answer on its way: iterate to read on, look at `answer` at any time.

    Iterating yields once for each event, the one that `begin` read included. It ends when the
    answer ended or was cut; `answer.complete` tells which. An answer counts as cut, too, when
    nothing came for too long after text had come, and when it is too long (`is_full`).

    Args:
        response: Opened for streaming, with a status of success; closed by `aclose`.
        remaining_s: Says how many seconds the whole answer still has.
        drain_s: How long `aclose` waits for the end of a finished response, to keep the connection.
        every_node_speaks: As `AnswerReader` has it.
    """

    def __init__(
        self,
        response: httpx.Response,
        *,
        remaining_s: Callable[[], float],
        drain_s: float,
        every_node_speaks: bool,
    ) -> None:
        self._response = response
        self._remaining_s = remaining_s
        self._drain_s = drain_s
        self._chunks = chunks_of(response)
        self._decoder = SseDecoder()
        self._reader = AnswerReader(incremental=True, every_node_speaks=every_node_speaks)
        self._events: deque[ServerSentEvent] = deque()
        self._begun = False
        self._first_is_due = False
        self._at_end = False
        self.events = 0
        """Events merged so far."""
        self.failure: DashScopeError | None = None
        """What iterating raised, if it did."""

    @property
    def answer(self) -> Answer:
        """The answer so far."""
        return self._reader.answer

    @property
    def tells_of_nodes(self) -> bool:
        """Whether a node of a workflow was told of so far."""
        return self._reader.tells_of_nodes

    @property
    def is_full(self) -> bool:
        """Whether the answer is longer than is read; the rest is left to the app."""
        return self._reader.is_full

    @property
    def ended(self) -> bool:
        """Whether iterating has come to an end by itself; False when the caller left before."""
        return self._at_end or self._reader.complete or self.is_full

    async def begin(self) -> None:
        """Read until the first event is merged.

        Raises:
            DashScopeError: The app reported an error, or nothing came.
        """
        if "json" in self._response.headers.get("content-type", ""):
            await self._read_whole()
        elif not await self._merge_next():
            raise self._nothing_came()
        self._begun = self._first_is_due = True

    def __aiter__(self) -> Self:
        """Return itself: there is one answer to read."""
        return self

    async def __anext__(self) -> None:
        """Wait for the next event and merge it.

        Raises:
            DashScopeError: As the app reported it, or UpstreamTimeout when no text had come yet.
        """
        if self._first_is_due:
            self._first_is_due = False
            return
        try:
            merged = await self._merge_next()
        except DashScopeError as error:
            self.failure = error
            raise
        if not merged:
            raise StopAsyncIteration

    async def aclose(self) -> None:
        """Close the response, and the connection with it unless the response was read to its end.

        Safe to call twice, and while a cancellation is under way.
        """
        try:
            if self._reader.complete and not self._at_end:
                await drain(self._chunks, within_s=self._drain_s)
        finally:
            await close(self._response, self._chunks)

    async def _merge_next(self) -> bool:
        """Merge one event; False when there is none any more, or the answer takes no more."""
        if self._reader.complete or self.is_full:
            return False
        while not self._events:
            if self._at_end:
                return False
            await self._read_on()
        self.events += 1
        self._reader.feed(self._events.popleft())
        return True

    async def _read_on(self) -> None:
        """Take the next bytes, or note the end; a cut is an end, too, once there is an answer."""
        try:
            chunk = await self._next_chunk()
        except UpstreamUnreachable:
            if not self._begun:
                raise
            chunk = None
        except UpstreamTimeout:
            if not self._reader.answer.text:
                raise
            chunk = None
        if chunk is None:
            self._at_end = True
            self._events.extend(self._decoder.finish())
        else:
            self._events.extend(self._decoder.feed(chunk))

    async def _next_chunk(self) -> bytes | None:
        """Return the next bytes, None at the end of the body."""
        with mapped_errors(status=self._response.status_code):
            async with asyncio.timeout(self._remaining_s()):
                return await anext(self._chunks, None)

    async def _read_whole(self) -> None:
        """Read a body labelled as JSON, which may be a stream all the same."""
        body = bytearray()
        while (chunk := await self._next_chunk()) is not None:
            body += chunk
            if len(body) > MAX_HELD_BYTES:
                raise UpstreamGarbled("a body without end", status=self._response.status_code)
        self._at_end = True
        self._events.extend([*self._decoder.feed(bytes(body)), *self._decoder.finish()])
        if parse_object(bytes(body)) is not None or not self._events:
            self._events.clear()
            self._reader.feed_body(bytes(body))
            self.events += 1
        else:
            await self._merge_next()

    def _nothing_came(self) -> DashScopeError:
        status = self._response.status_code
        if "event-stream" in self._response.headers.get("content-type", ""):
            return UpstreamUnreachable("the stream ended before its first event", status=status)
        return UpstreamGarbled("neither JSON nor a stream of events", status=status)
