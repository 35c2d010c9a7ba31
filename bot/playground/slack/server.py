"""The server: everything of this package, joined and listening on loopback."""

import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import KW_ONLY, InitVar, dataclass, field
from functools import partial
from typing import Self, TypeVar

from aiohttp import web

from bot.playground.bell import Bell
from bot.playground.loopback import Loopback
from bot.playground.slack.backend import Backend
from bot.playground.slack.change import Change
from bot.playground.slack.delivery import (
    Delivery,
    DeliveryRules,
    Dispatcher,
    Parcel,
    ParcelKind,
)
from bot.playground.slack.directory import File
from bot.playground.slack.downloads import FileCounter
from bot.playground.slack.errands import Errands
from bot.playground.slack.events import Events
from bot.playground.slack.faults import Faults
from bot.playground.slack.hooks import Hooks
from bot.playground.slack.interactions import Interactions
from bot.playground.slack.journal import Journal
from bot.playground.slack.limits import Limits, Meter
from bot.playground.slack.message import Message
from bot.playground.slack.payload import Json
from bot.playground.slack.people import People
from bot.playground.slack.request_url import HttpCarrier
from bot.playground.slack.sockets import Sockets
from bot.playground.slack.triggers import Triggers
from bot.playground.slack.uploads import UPLOAD_PATH, take_bytes
from bot.playground.slack.web_api import Tokens, WebApi
from bot.playground.slack.workspace import Workspace

# Invented; they have the form of real ones so that a bot that looks at the form takes them.
SIGNING_SECRET = "playground-signing-secret"  # noqa: S105 - invented
BOT_TOKEN = "xoxb-playground"  # noqa: S105 - invented
APP_TOKEN = "xapp-playground"  # noqa: S105 - invented

_RULES = DeliveryRules()
_BODY_BYTES_MAX = 4 * 2**20
Found = TypeVar("Found")


@dataclass(eq=False)
class SlackServer:
    """A Slack workspace as a server; opened and closed once, with `async with`.

    Parcels go over Socket Mode while a socket is connected, else to the URLs of `deliver_to`.

    Attributes:
        workspace: The state; may be changed directly as well.
        limits: How much the workspace takes.
        rules: How parcels travel at first; `dispatcher.rules` may be replaced at any time.
        signing_secret: Signs what is sent over HTTP.
        bot_token: The app's token.
        app_token: The app-level token, for Socket Mode.
        clock: Monotonic, in seconds; for rates, life times and records.
        people: Acts for the people of the workspace.
        sockets: Socket Mode.
        dispatcher: Every delivery.
        meter: Counts refused calls.
        faults: What is to go wrong with calls.
        journal: Every Web API call.
        counter: Where files are fetched.
    """

    workspace: Workspace
    _: KW_ONLY
    limits: Limits = field(default_factory=Limits)
    rules: InitVar[DeliveryRules] = _RULES
    signing_secret: str = field(default=SIGNING_SECRET, repr=False)
    bot_token: str = field(default=BOT_TOKEN, repr=False)
    app_token: str = field(default=APP_TOKEN, repr=False)
    clock: Callable[[], float] = time.monotonic
    people: People = field(init=False)
    sockets: Sockets = field(init=False)
    dispatcher: Dispatcher = field(init=False)
    meter: Meter = field(init=False)
    faults: Faults = field(init=False)
    journal: Journal = field(init=False)
    counter: FileCounter = field(init=False)

    def __post_init__(self, rules: DeliveryRules) -> None:
        """Join the parts; nothing is opened yet."""
        self._bell = Bell()
        self._errands = Errands()
        self._stack = AsyncExitStack()
        self._loopback = Loopback()
        self._events = Events(self.workspace)
        ring = self._bell.ring
        app_id = self.workspace.app.app_id
        self.sockets = Sockets(app_id=app_id, clock=self.clock, on_change=ring)
        self._http = HttpCarrier(signing_secret=self.signing_secret, clock=self.clock)
        self.dispatcher = Dispatcher(
            self.sockets, self._http, rules=rules, clock=self.clock, on_change=ring
        )
        backend = Backend(
            workspace=self.workspace,
            limits=self.limits,
            clock=self.clock,
            triggers=Triggers(clock=self.clock),
            socket_url=self._socket_url,
            files_url=self._files_url,
        )
        self.meter = Meter(self.limits, clock=self.clock)
        tokens = Tokens(self.bot_token, self.app_token)
        self.faults = Faults(seed=rules.seed)
        self.journal = Journal(on_call=ring)
        self.counter = FileCounter(self.workspace, token=self.bot_token, on_change=ring)
        self._web_api = WebApi(
            backend, tokens=tokens, meter=self.meter, faults=self.faults, journal=self.journal
        )
        self._hooks = Hooks(backend, meter=self.meter, on_use=ring)
        interactions = Interactions(backend, self._hooks, lambda: self.url)
        self.people = People(backend, interactions, self)

    # life

    async def __aenter__(self) -> Self:
        """Listen."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._loopback.close)
            # A call takes effect even when its caller does not wait for the answer.
            await self._loopback.open(self._web_app(), shutdown_s=1, is_patient=True)
            await stack.enter_async_context(self._http)
            stack.callback(self._hang_up)
            stack.push_async_callback(self._errands.close)
            self.workspace.watch(self._heard)
            stack.callback(partial(self.workspace.unwatch, self._heard))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Stop listening, give deliveries up and drop every connection."""
        await self._stack.aclose()

    def _hang_up(self) -> None:
        self._web_api.close()
        self.sockets.drop()

    def _web_app(self) -> web.Application:
        app = web.Application(client_max_size=_BODY_BYTES_MAX)
        app.router.add_route("*", "/api/{method}", self._web_api.handle)
        app.router.add_post("/response/{hook_id}", self._hooks.handle)
        app.router.add_get("/link", self.sockets.handle)
        app.router.add_get("/files/{file_id}", self.counter.handle)
        app.router.add_get("/files/{file_id}/download", self.counter.handle)
        app.router.add_post(UPLOAD_PATH, partial(take_bytes, self.people.backend))
        return app

    # addresses

    @property
    def url(self) -> str:
        """The server's address, without a trailing slash."""
        return self._loopback.url

    @property
    def api_url(self) -> str:
        """What replaces `https://slack.com/api/`."""
        return f"{self.url}/api/"

    def _files_url(self) -> str:
        return f"{self.url}/files"

    def _socket_url(self) -> str:
        ticket, app_id = self.sockets.ticket(), self.workspace.app.app_id
        socket = self.url.replace("http:", "ws:")
        return f"{socket}/link?ticket={ticket}&app_id={app_id}"

    def deliver_to(self, *urls: str) -> None:
        """Set the app's request URLs; several stand for replicas behind a load balancer."""
        self._http.urls[:] = urls

    # deliveries

    @property
    def deliveries(self) -> Sequence[Delivery]:
        """Every delivery ever begun, in order."""
        return self.dispatcher.deliveries

    def _heard(self, change: Change) -> None:
        for envelope in self._events.of(change, files_url=self._files_url()):
            self._send_event(envelope)
        self._bell.ring()

    def deliver_event(self, event: Json) -> None:
        """Send any event, such as `app_uninstalled`, in an envelope of its own."""
        self._send_event(self._events.envelope(event))

    def _send_event(self, envelope: Json) -> None:
        parcel = Parcel(ParcelKind.EVENT, envelope)
        for _ in range(1 + self.dispatcher.rules.duplicates):
            self._errands.send(self.dispatcher.finish(self.dispatcher.begin(parcel)))

    async def deliver(self, parcel: Parcel) -> Delivery:
        """Deliver one parcel and wait for the end of it."""
        delivery = self.dispatcher.begin(parcel)
        await self.dispatcher.finish(delivery)
        return delivery

    async def answer_call(self, request: web.Request) -> web.StreamResponse:
        """Answer a call of the Web API that came in elsewhere, at `/api/{method}`."""
        return await self._web_api.handle(request)

    def uninstall(self) -> None:
        """Remove the app as an admin does: its token is good no more, and the app is told."""
        self._web_api.revoke()
        app = self.workspace.app
        tokens = {"oauth": [], "bot": [app.bot_user_id]}
        for event in ({"type": "tokens_revoked", "tokens": tokens}, {"type": "app_uninstalled"}):
            if event["type"] in app.events:
                self.deliver_event({**event, "event_ts": f"{time.time():.6f}"})

    def reinstall(self, *, bot_token: str) -> None:
        """Put the app back, with another token."""
        self.bot_token = self.counter.token = bot_token
        self._web_api.admit(Tokens(bot_token, self.app_token))

    # looking

    def thread(self, channel: str, thread_ts: str) -> tuple[Message, ...]:
        """Return a thread's messages, the root first."""
        return self.workspace.thread(channel, thread_ts)

    async def until(self, predicate: Callable[[], Found | None], *, timeout_s: float) -> Found:
        """Wait for `predicate` to become true, and return what it returned.

        It is asked again after every change of the workspace, call, delivery and connection.

        Raises:
            TimeoutError: It was not true in time.
        """
        return await self._bell.until(predicate, timeout_s=timeout_s)

    # people; the rest of what they can do is under `people`

    async def say(
        self,
        user: str,
        channel: str,
        text: str,
        *,
        thread_ts: str | None = None,
        files: Sequence[File] | None = None,
    ) -> str:
        """Write a message as a person and return its ts; see `People.say`."""
        return self.people.say(user, channel, text, thread_ts=thread_ts, files=files)

    async def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        """Change a person's message; see `People.edit`."""
        self.people.edit(user, channel, ts, text)

    async def delete(self, user: str, channel: str, ts: str) -> None:
        """Delete a person's message; see `People.delete`."""
        self.people.delete(user, channel, ts)

    async def click(
        self, user: str, channel: str, ts: str, action_id: str, *, choice: str | None = None
    ) -> Delivery:
        """Press a button as a person; see `People.click`."""
        return await self.people.click(user, channel, ts, action_id, choice=choice)

    async def command(
        self, user: str, channel: str, text: str, *, command: str = "/dashscope"
    ) -> Delivery:
        """Type a slash command as a person; see `People.command`."""
        return await self.people.command(user, channel, text, command=command)
