from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.playground.slack import APP_TOKEN, DeliveryRules, DisconnectReason, SlackServer
from bot.playground.slack.sockets import TICKET_LIFETIME_S
from tests.unit.playground.slack.calls import Connect


class App:
    """Slack's own Socket Mode client and what it received."""

    def __init__(self, client: SocketModeClient) -> None:
        self.client = client
        self.requests: list[SocketModeRequest] = []
        self.acks = True
        self.payload: dict[str, Any] | None = None
        client.socket_mode_request_listeners.append(self.take)

    async def take(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        self.requests.append(request)
        if self.acks:
            response = SocketModeResponse(envelope_id=request.envelope_id, payload=self.payload)
            await client.send_socket_mode_response(response)


@pytest.fixture
async def start(server: SlackServer, connect: Connect) -> AsyncIterator[Callable[..., Any]]:
    """Return a function that connects one more client."""
    server.dispatcher.rules = DeliveryRules(time_scale=0.0)
    async with AsyncExitStack() as stack:
        web_client = await stack.enter_async_context(connect(server, None))

        async def started(**fields: Any) -> App:
            client = SocketModeClient(app_token=APP_TOKEN, web_client=web_client, **fields)
            stack.push_async_callback(client.aiohttp_client_session.close)
            stack.push_async_callback(client.close)
            before = len(server.sockets.connections)
            await client.connect()
            await server.until(lambda: len(server.sockets.connections) > before, timeout_s=60)
            return App(client)

        yield started


async def hello(server: SlackServer, session: aiohttp.ClientSession) -> Any:
    socket = await session.ws_connect(link(server))
    return socket, await socket.receive_json()


def link(server: SlackServer) -> str:
    return f"{server.url}/link?ticket={server.sockets.ticket()}"


def done(server: SlackServer, count: int = 1) -> Callable[[], bool]:
    return lambda: sum(d.is_done for d in server.deliveries) == count


async def test_an_event_comes_in_an_envelope_and_is_done_with_its_ack(
    server: SlackServer, start: Callable[..., Any]
) -> None:
    app = await start()
    ts = await server.say("U0ANN", "C0GENERAL", "hello")
    await server.until(done(server), timeout_s=60)
    (request,) = app.requests
    assert (request.type, request.payload["event"]["ts"]) == ("events_api", ts)
    assert request.accepts_response_payload is False
    assert server.deliveries[0].is_delivered


async def test_each_event_goes_to_exactly_one_connection(
    server: SlackServer, start: Callable[..., Any]
) -> None:
    apps = [await start() for _ in range(2)]
    for _ in range(4):
        await server.say("U0ANN", "C0GENERAL", "hello")
    await server.until(done(server, 4), timeout_s=60)
    assert [len(app.requests) for app in apps] == [2, 2]


async def test_an_event_without_an_ack_comes_again_on_another_connection(
    server: SlackServer, start: Callable[..., Any]
) -> None:
    silent, awake = await start(), await start()
    silent.acks = False
    server.dispatcher.rules = DeliveryRules(time_scale=0.0, ack_timeout_s=1.0)
    await server.say("U0ANN", "C0GENERAL", "hello")
    await server.until(done(server), timeout_s=60)
    (first,), (again,) = silent.requests, awake.requests
    assert first.payload["event_id"] == again.payload["event_id"]
    assert first.envelope_id != again.envelope_id
    assert (first.retry_attempt, again.retry_attempt, again.retry_reason) == (0, 1, "timeout")


async def refused_status(session: aiohttp.ClientSession, address: str) -> int:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await session.ws_connect(address)
    return refused.value.status


async def test_a_ticket_is_good_for_one_connection_and_not_for_long(
    server: SlackServer, clock: Any
) -> None:
    used, late = link(server), link(server)
    made_up = f"{server.url}/link?ticket=made-up"
    async with aiohttp.ClientSession() as session:
        await session.ws_connect(used)
        statuses = [await refused_status(session, address) for address in (used, made_up)]
        clock.now += TICKET_LIFETIME_S + 1
        statuses.append(await refused_status(session, late))
    assert all(400 <= status < 500 for status in statuses)
    assert server.sockets.refused_tickets == 3


async def test_the_greeting_counts_the_connections_and_the_eleventh_is_sent_away(
    server: SlackServer,
) -> None:
    async with aiohttp.ClientSession() as session:
        connected = [await hello(server, session) for _ in range(11)]
    greetings = [greeting for _, greeting in connected]
    assert [g.get("num_connections") for g in greetings[:10]] == list(range(1, 11))
    assert greetings[0]["connection_info"] == {"app_id": "A0PLAY"}
    assert (greetings[10]["type"], greetings[10]["reason"]) == (
        "disconnect",
        "too_many_websockets",
    )


async def test_opening_a_connection_needs_the_app_level_token(
    server: SlackServer, slack: Any
) -> None:
    answer = await slack.api_call(
        "apps.connections.open", headers={"Authorization": f"Bearer {APP_TOKEN}"}
    )
    assert answer["url"].startswith(f"{server.url.replace('http', 'ws')}/link?ticket=")


async def test_a_client_asked_to_refresh_comes_back_and_gets_what_was_said_meanwhile(
    server: SlackServer, start: Callable[..., Any]
) -> None:
    app = await start(ping_interval=0.05)
    first = server.sockets.connections[0]
    server.dispatcher.rules = DeliveryRules(retry_delays_s=(0.0, *[0.3] * 100))
    await server.sockets.disconnect(DisconnectReason.REFRESH)
    await server.say("U0ANN", "C0GENERAL", "hello")
    await server.until(done(server), timeout_s=60)
    assert server.deliveries[0].attempts[0].failure == "connection_failed"
    assert [r.payload["event"]["text"] for r in app.requests] == ["hello"]
    assert server.sockets.connections != [first]


async def test_a_warning_leaves_the_connection_working(server: SlackServer) -> None:
    async with aiohttp.ClientSession() as session:
        socket, _ = await hello(server, session)
        await server.sockets.disconnect(DisconnectReason.WARNING)
        assert (await socket.receive_json())["reason"] == "warning"
        assert server.sockets.is_open


async def test_pings_are_answered_until_the_connection_freezes(server: SlackServer) -> None:
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(link(server), autoping=False)
        await socket.receive_json()
        await socket.ping(b"one")
        pong = await socket.receive()
        assert (pong.type, pong.data) == (aiohttp.WSMsgType.PONG, b"one")
        server.sockets.freeze()
        await socket.ping(b"two")
        with pytest.raises(TimeoutError):
            await socket.receive(timeout=0.1)


async def test_an_event_on_a_connection_that_breaks_comes_again(server: SlackServer) -> None:
    server.dispatcher.rules = DeliveryRules(time_scale=0.0, retry_delays_s=(0.0,))
    async with aiohttp.ClientSession() as session:
        socket, _ = await hello(server, session)
        await server.say("U0ANN", "C0GENERAL", "hello")
        await socket.receive_json()
        server.sockets.drop()
        await server.until(done(server), timeout_s=60)
    attempts = server.deliveries[0].attempts
    assert [a.failure for a in attempts] == ["connection_failed"] * 2
    assert not server.sockets.connections


async def test_a_command_may_be_answered_within_its_ack(
    server: SlackServer, start: Callable[..., Any]
) -> None:
    app = await start()
    app.payload = {"text": "done"}
    delivery = await server.command("U0ANN", "C0GENERAL", "status")
    (request,) = app.requests
    assert (request.type, request.accepts_response_payload) == ("slash_commands", True)
    assert request.payload["text"] == "status"
    assert delivery.answer == {"text": "done"}
    assert [(e.user, e.text) for e in server.workspace.ephemerals] == [("U0ANN", "done")]


async def test_slacks_client_notices_a_frozen_connection_and_opens_another(
    server: SlackServer, start: Callable[..., Any]
) -> None:
    await start(ping_interval=0.2)
    frozen = server.sockets.connections[0]
    server.sockets.freeze()
    await server.until(
        lambda: any(c is not frozen for c in server.sockets.connections), timeout_s=60
    )
