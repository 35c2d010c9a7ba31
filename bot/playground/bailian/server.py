"""Model Studio's OpenAPI over HTTP, on loopback."""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import web

from bot.playground.bailian.bank import MemoryBank
from bot.playground.bailian.desk import Desk
from bot.playground.bailian.files import FileRoom
from bot.playground.bailian.refusals import Refusal
from bot.playground.bailian.signature import Call
from bot.playground.loopback import Loopback

ACCESS_KEY_ID = "LTAI-playground"
ACCESS_KEY_SECRET = "playground-secret"  # noqa: S105 -- opens nothing but this server
WORKSPACE_ID = "llm-playground"
BODY_LIMIT_BYTES = 128 * 1024 * 1024
CALLS_LIMIT = 1000
"""So many calls are remembered."""
_UPLOADS = "/-/uploads/"


@dataclass(frozen=True, slots=True)
class Heard:
    """One call, for tests and for people who watch.

    Attributes:
        action: As its header said.
        method: Of the request.
        target: Path and query as they were sent.
        status: What it got.
        code: Of its refusal; empty without one.
        at: When, aware.
    """

    action: str
    method: str
    target: str
    status: int
    code: str
    at: datetime


class BailianServer:
    """The OpenAPI of one workspace, open between `async with`.

    Args:
        utc_now: The aware time calls are judged by.

    Attributes:
        desk: Decides; its `planned` refusals and `files.states` may be set at any time.
        gate: An answer leaves only while it is set; what was asked for is done all the same.
        heard: The last calls.
    """

    def __init__(self, *, utc_now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.desk = Desk(
            keys={ACCESS_KEY_ID: ACCESS_KEY_SECRET},
            bank=MemoryBank(WORKSPACE_ID),
            files=FileRoom(),
            upload_url=lambda lease_id: f"{self.endpoint}{_UPLOADS}{lease_id}",
        )
        self.heard: deque[Heard] = deque(maxlen=CALLS_LIMIT)
        self._utc_now = utc_now
        self.gate = asyncio.Event()
        self.gate.set()
        self._loopback = Loopback()

    @property
    def bank(self) -> MemoryBank:
        """The memories."""
        return self.desk.bank

    @property
    def endpoint(self) -> str:
        """The address without a path; known once the server is open."""
        return self._loopback.url

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=BODY_LIMIT_BYTES)
        app.router.add_put(_UPLOADS + "{lease_id}", self._take_file)
        app.router.add_route("*", "/{path:.*}", self._answer)
        await self._loopback.open(app)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._loopback.close()

    async def _answer(self, request: web.Request) -> web.Response:
        call = await _read(request)
        now = self._utc_now()
        answer = self.desk.receive(call, now=now)
        refusal = answer if isinstance(answer, Refusal) else None
        self.heard.append(
            Heard(
                action=call.headers.get("x-acs-action", ""),
                method=call.method,
                target=request.raw_path,
                status=refusal.status if refusal else 200,
                code=refusal.code if refusal else "",
                at=now,
            )
        )
        await self.gate.wait()
        if isinstance(answer, Refusal):
            return _refusal(answer)
        key = "RequestId" if "Success" in answer else "requestId"
        return web.json_response({**answer, key: str(uuid.uuid4())})

    async def _take_file(self, request: web.Request) -> web.Response:
        call = await _read(request)
        lease_id = request.match_info["lease_id"]
        refusal = self.desk.files.bring(lease_id, headers=call.headers, content=call.body)
        return web.Response() if refusal is None else _refusal(refusal)


async def _read(request: web.Request) -> Call:
    """Return a request as it came over the wire: aiohttp's own view of the address is decoded."""
    path, _, query = request.raw_path.partition("?")
    return Call(
        method=request.method,
        path=path,
        query=query,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read(),
    )


def _refusal(refusal: Refusal) -> web.Response:
    body: dict[str, Any] = {
        "Code": refusal.code,
        "Message": refusal.message,
        "RequestId": str(uuid.uuid4()),
    }
    return web.json_response(body, status=refusal.status)
