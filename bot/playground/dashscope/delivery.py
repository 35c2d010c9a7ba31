"""An answer -> an HTTP response, at its pace and with its accidents."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from aiohttp import web

from bot.playground.dashscope.captures import SSE, Capture
from bot.playground.dashscope.faults import (
    Cut,
    ErrorEvent,
    Hangup,
    Hold,
    MidStream,
    Reset,
    SlowStart,
    Stall,
)
from bot.playground.dashscope.generation import Generation
from bot.playground.dashscope.journal import Entry, Journal
from bot.playground.dashscope.moments import JsonObject, Moment
from bot.playground.dashscope.pace import Pace
from bot.playground.dashscope.refusals import OUT_OF_TIME, Refusal, error_object, render
from bot.playground.dashscope.wire import Framing, cut, dump, frame

LINGER_NOT_AT_ALL = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Manner:
    """How answers are delivered.

    Attributes:
        pace: How fast.
        framing: How events are written.
        sync_limit_s: How long an answer without streaming may take; the vendor's error page says
            300 seconds.
    """

    pace: Pace
    framing: Framing
    sync_limit_s: float = 300.0


class Delivery:
    """One response to one request.

    Args:
        request: Whom to answer.
        entry: Where to note what was sent.
        journal: Told about each change of `entry`.
        manner: How to deliver.
    """

    def __init__(
        self, request: web.Request, *, entry: Entry, journal: Journal, manner: Manner
    ) -> None:
        self._request = request
        self._entry = entry
        self._journal = journal
        self._manner = manner
        self._random = Random(manner.framing.cut_seed)
        self._started_at = asyncio.get_running_loop().time()
        self._response = web.StreamResponse(headers={"x-request-id": entry.request_id})

    async def refuse(self, refusal: Refusal) -> web.StreamResponse:
        """Send a refusal; to HEAD without its body, which would be read as the next response."""
        rendered = render(refusal, request_id=self._entry.request_id)
        self._response = web.StreamResponse(status=rendered.status, headers=rendered.headers)
        has_body = rendered.body and self._request.method != "HEAD"
        return await self._send([rendered.body] if has_body else [])

    async def answer(self, generation: Generation) -> web.StreamResponse:
        """Send an answer, or what its fault makes of it."""
        match generation.fault:
            case Hangup():
                self._disconnect()
                return self._response
            case Capture() as capture:
                return await self._replay(capture)
            case SlowStart(first_token_s):
                pace = replace(self._manner.pace, first_token_s=first_token_s)
                self._manner = replace(self._manner, pace=pace)
            case _:
                pass
        stream = self._stream if generation.ask.streamed else self._whole
        return await stream(generation)

    async def _whole(self, generation: Generation) -> web.StreamResponse:
        moment = generation.whole()
        late = self._manner.pace.due_s(moment.chars) > self._manner.sync_limit_s
        if late:
            await asyncio.sleep(self._manner.sync_limit_s)
            return await self.refuse(OUT_OF_TIME)
        await self._wait(moment)
        generation.remember()
        fault = generation.fault
        if isinstance(fault, Hold):
            await fault.released.wait()
            fault = fault.then
        match fault:
            case ErrorEvent(refusal):
                return await self.refuse(refusal)
            case Cut() | Reset() as broken:
                self._disconnect(reset=isinstance(broken, Reset))
                return self._response
            case Stall(for_s=for_s):
                await asyncio.sleep(for_s)
            case _:
                pass
        self._response.content_type = "application/json"
        return await self._send([dump(generation.payload(moment))])

    async def _stream(self, generation: Generation) -> web.StreamResponse:
        self._response.headers["Content-Type"] = SSE
        fault = generation.fault if isinstance(generation.fault, MidStream) else None
        for moment in generation.moments(piece_chars=self._manner.pace.piece_chars):
            if fault is not None and self._is_due(fault, moment=moment):
                if not await self._spoil(fault):
                    return self._response
                fault = None
            await self._wait(moment)
            if not self._entry.events_sent:
                generation.remember()
            await self._event(generation.payload(moment))
        await self._response.write_eof()
        return self._response

    def _is_due(self, fault: MidStream, *, moment: Moment) -> bool:
        return moment.last or self._entry.events_sent >= fault.after_events

    async def _spoil(self, fault: MidStream) -> bool:
        """Let a fault happen; return whether the stream goes on."""
        await self._prepare()
        match fault:
            case Stall(for_s=for_s):
                await asyncio.sleep(for_s)
                return True
            case Hold(released=released, then=then):
                await released.wait()
                return then is None or await self._spoil(then)
            case ErrorEvent(refusal):
                error = error_object(refusal, request_id=self._entry.request_id)
                await self._event(error, kind="error", status=refusal.status)
                await self._response.write_eof()
            case Cut(clean=True):
                await self._response.write_eof()
            case Cut():
                self._disconnect()
            case Reset():
                self._disconnect(reset=True)
        return False

    async def _event(
        self, payload: JsonObject, *, kind: Literal["result", "error"] = "result", status: int = 200
    ) -> None:
        framing, number = self._manner.framing, self._entry.events_sent + 1
        data = frame(payload, number=number, event=kind, status=status, framing=framing)
        await self._write([data] if framing.cut_seed is None else cut(data, random=self._random))
        self._entry.events_sent = number
        self._journal.changed()

    async def _replay(self, capture: Capture) -> web.StreamResponse:
        self._response.headers["Content-Type"] = capture.content_type
        self._response.set_status(capture.status)
        return await self._send(capture.pieces())

    async def _send(self, chunks: Iterable[bytes]) -> web.StreamResponse:
        await self._write(chunks)
        await self._response.write_eof()
        return self._response

    async def _write(self, chunks: Iterable[bytes]) -> None:
        await self._prepare()
        for chunk in chunks:
            await self._response.write(chunk)
            await asyncio.sleep(0)

    async def _prepare(self) -> None:
        if not self._response.prepared:
            await self._response.prepare(self._request)
            self._entry.status = self._response.status
            self._journal.changed()

    async def _wait(self, moment: Moment) -> None:
        """Sleep until the moment is due, by the time since the request and not since the last."""
        due_at = self._started_at + self._manner.pace.due_s(moment.chars)
        await asyncio.sleep(max(0.0, due_at - asyncio.get_running_loop().time()))

    def _disconnect(self, *, reset: bool = False) -> None:
        """Close the connection under the response; a reset throws away what is still on its way."""
        transport = self._request.transport
        if transport is None:
            return
        if reset:
            connection: socket.socket = transport.get_extra_info("socket")
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT_AT_ALL)
            transport.abort()
        else:
            transport.close()
