"""DashScope's app completion call over HTTP, on loopback."""

import asyncio
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from typing import Self

from aiohttp import web

from bot.playground.dashscope.apps import App
from bot.playground.dashscope.captures import Capture
from bot.playground.dashscope.delivery import Delivery, Manner
from bot.playground.dashscope.faults import Faults
from bot.playground.dashscope.fetching import NOT_FETCHED, Approach, fetch
from bot.playground.dashscope.gateway import Call, Gateway
from bot.playground.dashscope.journal import Entry, Journal, Predicate
from bot.playground.dashscope.pace import Pace
from bot.playground.dashscope.refusals import NOT_FOUND, Refusal
from bot.playground.dashscope.wire import Framing
from bot.playground.loopback import Loopback

PLAYGROUND_KEY = "sk-playground"
BODY_LIMIT_BYTES = 32 * 1024 * 1024


class DashScopeServer:
    """A DashScope to ask, open between `async with`.

    Args:
        apps: Who can be asked.
        port: 0 lets the system choose.
        api_keys: Keys that open the door.
        now: Seconds on a clock that never runs backwards; sessions expire by it, and the journal's
            times are its.
        pace: How fast answers come.

    Attributes:
        gateway: Decides; its `rules` and `lost_sessions` may be replaced at any time.
        manner: How answers are delivered; may be replaced at any time.
        approach: How files a request links to are fetched; may be replaced at any time.
        journal: What was asked.
    """

    def __init__(
        self,
        apps: Iterable[App],
        *,
        port: int = 0,
        api_keys: Iterable[str] = (PLAYGROUND_KEY,),
        now: Callable[[], float] = time.monotonic,
        pace: Pace | None = None,
    ) -> None:
        self.gateway = Gateway(apps, api_keys=api_keys, now=now)
        self.manner = Manner(pace=pace or Pace(), framing=Framing())
        self.approach = Approach.ONCE
        self.journal = Journal()
        self._now = now
        self._closing = False
        self._loopback = Loopback(port=port)

    @property
    def faults(self) -> Faults:
        """What goes wrong, and when."""
        return self.gateway.faults

    @property
    def base_url(self) -> str:
        """The address up to `/api/v1`; known once the server is open."""
        return f"{self._loopback.url}/api/v1"

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=BODY_LIMIT_BYTES)
        app.router.add_post("/api/v1/apps/{app_id}/completion", self._answer)
        app.router.add_route("*", "/{path:.*}", self._answer)
        await self._loopback.open(app)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._closing = True
        await self._loopback.close()

    def replay(self, recorded: Capture | bytes, *, cuts: Sequence[int] = ()) -> None:
        """Serve a recording verbatim to the next request that would be answered."""
        capture = recorded if isinstance(recorded, Capture) else Capture(recorded, cuts=tuple(cuts))
        self.faults.add(capture)

    async def until(self, predicate: Predicate, *, timeout_s: float = 60.0) -> tuple[Entry, ...]:
        """Wait until the journal's entries satisfy `predicate`, and return them.

        Raises:
            TimeoutError: They did not within `timeout_s`.
        """
        return await self.journal.until(predicate, timeout_s=timeout_s)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        call = await _read(request)
        entry = self._note(call)
        delivery = Delivery(request, entry=entry, journal=self.journal, manner=self.manner)
        is_known = "app_id" in request.match_info
        try:
            if self.approach is Approach.EAGER:
                await self._fetch(entry)
            match self.gateway.receive(call) if is_known else NOT_FOUND:
                case Refusal() as refusal:
                    return await delivery.refuse(refusal)
                case generation:
                    if self.approach is not Approach.EAGER:
                        await self._fetch(entry)
                    if not all(file.is_good for file in entry.fetched):
                        return await delivery.refuse(NOT_FETCHED)
                    entry.session_id = generation.session.session_id
                    return await delivery.answer(generation)
        except (asyncio.CancelledError, ConnectionError):
            entry.aborted = not self._closing
            raise
        finally:
            entry.finished = True
            self.journal.changed()

    async def _fetch(self, entry: Entry) -> None:
        entry.fetched = await fetch(entry.body, approach=self.approach)
        self.journal.changed()

    def _note(self, call: Call) -> Entry:
        headers = {name: value for name, value in call.headers.items() if name != "authorization"}
        entry = Entry(call.request_id, call.app_id, headers, at=self._now(), body=call.json())
        self.journal.add(entry)
        return entry


async def _read(request: web.Request) -> Call:
    return Call(
        app_id=request.match_info.get("app_id", ""),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(),
        request_id=str(uuid.uuid4()),
    )
