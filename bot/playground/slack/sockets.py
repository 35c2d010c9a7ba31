"""Socket Mode: tickets, connections, envelopes and acks (docs page "Using Socket Mode")."""

import asyncio
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import replace
from enum import Enum

from aiohttp import WSMessage, WSMsgType, web

from bot.playground.slack.delivery import Attempt, DeliveryRules, Hop, Parcel, ParcelKind
from bot.playground.slack.payload import Json, as_object, as_text

CONNECTIONS_MAX = 10
TICKET_LIFETIME_S = 30.0  # not documented; long enough to connect, too short to keep
_CONNECTION_LIFETIME_S = 3_600


class DisconnectReason(Enum):
    """Why Slack asks a client to go."""

    WARNING = "warning"  # the connection ends in some seconds and works until then
    REFRESH = "refresh_requested"
    DISABLED = "link_disabled"
    TOO_MANY = "too_many_websockets"


class Connection:
    """One connected socket.

    Args:
        name: For the journal of deliveries.
        request: The request that was upgraded.
        socket: The WebSocket, prepared.

    Attributes:
        is_frozen: It reads nothing and answers no ping, as a dead network does.
        is_leaving: It was asked to go; no parcel is sent over it any more.
    """

    def __init__(self, name: str, *, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.name = name
        self.is_frozen = False
        self.is_leaving = False
        self._request = request
        self._socket = socket
        self._acks: dict[str, asyncio.Future[str]] = {}

    async def send(self, body: Json) -> None:
        """Send one object; a socket that is closing swallows it."""
        try:
            await self._socket.send_json(body)
        except ConnectionError:
            self.drop()

    async def ask(self, envelope: Json, *, timeout_s: float) -> str:
        """Send an envelope and return the payload of its ack, as text.

        Raises:
            TimeoutError: No ack came in time.
            ConnectionError: The connection ended first.
        """
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._acks[envelope["envelope_id"]] = future
        try:
            async with asyncio.timeout(timeout_s):
                if not self.is_frozen:
                    await self.send(envelope)
                return await future
        finally:
            del self._acks[envelope["envelope_id"]]

    async def serve(self) -> None:
        """Read acks and pings until the connection ends."""
        try:
            async for message in self._socket:
                await self._take(message)
        finally:
            for future in self._acks.values():
                if not future.done():
                    future.set_exception(ConnectionResetError())

    async def _take(self, message: WSMessage) -> None:
        if self.is_frozen:
            return
        if message.type is WSMsgType.PING:
            await self._socket.pong(message.data)
        if message.type is WSMsgType.TEXT:
            self._take_ack(message.data)

    def _take_ack(self, text: str) -> None:
        try:
            body = as_object(json.loads(text))
        except ValueError:
            return
        future = self._acks.get(as_text(body.get("envelope_id")))
        if future and not future.done():
            future.set_result(json.dumps(body.get("payload") or {}))

    def freeze(self) -> None:
        """Fall silent without closing."""
        self.is_frozen = True

    def drop(self) -> None:
        """End the connection without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    async def close(self) -> None:
        """End the connection properly, without waiting for the other side for long."""
        try:
            async with asyncio.timeout(1):
                await self._socket.close()
        except TimeoutError:
            self.drop()


class Sockets:
    """Every Socket Mode connection of the app.

    Args:
        app_id: Named in the greeting.
        clock: Monotonic, in seconds.
        on_change: Called when a connection came or went.

    Attributes:
        connections: Those that are connected, the oldest first.
        refused_tickets: How many connections came without a good ticket.
    """

    def __init__(
        self, *, app_id: str, clock: Callable[[], float], on_change: Callable[[], None]
    ) -> None:
        self.connections: list[Connection] = []
        self.refused_tickets = 0
        self._app_id = app_id
        self._clock = clock
        self._on_change = on_change
        self._tickets: dict[str, float] = {}
        self._serial = itertools.count(1)
        self._turn = itertools.count()

    @property
    def is_open(self) -> bool:
        """A connection takes parcels."""
        return bool(self._takers())

    def ticket(self) -> str:
        """Return a ticket for one connection."""
        ticket = f"ticket-{next(self._serial)}"
        self._tickets[ticket] = self._clock() + TICKET_LIFETIME_S
        return ticket

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request to `/link`."""
        expires_at = self._tickets.pop(request.query.get("ticket", ""), None)
        if expires_at is None or self._clock() > expires_at:
            self.refused_tickets += 1
            self._on_change()
            return web.Response(status=408, text="the ticket was used, or is too old")
        socket = web.WebSocketResponse(autoping=False, timeout=1)
        await socket.prepare(request)
        name = f"socket-{next(self._serial)}"
        connection = Connection(name, request=request, socket=socket)
        if len(self.connections) >= CONNECTIONS_MAX:
            await connection.send(_farewell(DisconnectReason.TOO_MANY))
            await connection.close()
            return socket
        await self._serve(connection)
        return socket

    async def _serve(self, connection: Connection) -> None:
        self.connections.append(connection)
        try:
            await connection.send(self._hello())
            self._on_change()
            await connection.serve()
        finally:
            self.connections.remove(connection)
            self._on_change()

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self.connections),
            "connection_info": {"app_id": self._app_id},
            "debug_info": {
                "host": "applink-playground",
                "started": time.strftime("%Y-%m-%d %H:%M:%S.000"),
                "build_number": 1,
                "approximate_connection_time": _CONNECTION_LIFETIME_S,
            },
        }

    async def carry(self, parcel: Parcel, *, hop: Hop, rules: DeliveryRules) -> Attempt:
        """Send a parcel over one connection and wait for its ack."""
        takers = self._takers()
        connection = takers[next(self._turn) % len(takers)]
        begun = Attempt(self._clock(), 0.0, connection.name, hop.retry_num)
        envelope: Json = {
            "envelope_id": f"envelope-{next(self._serial)}",
            "type": parcel.kind.value,
            "accepts_response_payload": parcel.kind is not ParcelKind.EVENT,
            "payload": parcel.payload,
        }
        if parcel.kind is ParcelKind.EVENT:
            envelope |= {"retry_attempt": hop.retry_num, "retry_reason": hop.reason}
        try:
            body = await connection.ask(envelope, timeout_s=rules.ack_timeout_s)
            attempt = replace(begun, status=200, body=body)
        except TimeoutError:
            attempt = replace(begun, failure="timeout")
        except ConnectionError:
            attempt = replace(begun, failure="connection_failed")
        return replace(attempt, took_s=self._clock() - begun.at)

    def _takers(self) -> list[Connection]:
        return [c for c in self.connections if not c.is_leaving]

    async def disconnect(self, reason: DisconnectReason = DisconnectReason.REFRESH) -> None:
        """Ask every client to go, and close all connections unless it is only a warning."""
        leaving = tuple(self.connections)
        for connection in leaving:
            await connection.send(_farewell(reason))
            if reason is not DisconnectReason.WARNING:
                connection.is_leaving = True
        if reason is not DisconnectReason.WARNING:
            await asyncio.gather(*(connection.close() for connection in leaving))

    def freeze(self) -> None:
        """Let every connection fall silent without closing."""
        for connection in self.connections:
            connection.freeze()

    def drop(self) -> None:
        """End every connection without a word."""
        for connection in tuple(self.connections):
            connection.drop()


def _farewell(reason: DisconnectReason) -> Json:
    debug = {"host": "applink-playground"}
    return {"type": "disconnect", "reason": reason.value, "debug_info": debug}
