"""Model Studio's OpenAPI (product "bailian"): signed calls, one at a time.

It is another service than the one apps are asked at, under another host, and the DashScope key does
not open it: calls are signed with an AccessKey. (Source: "API overview" of Model Studio's API
reference, 2023-12-29.)
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import httpx
import structlog

from bot.core.acs3 import AccessKey, ApiRequest, canonical_query, path_of, sign
from bot.core.endpoints import Endpoint, read_endpoint
from bot.core.loose_json import text_at
from bot.core.openapi_answers import read_answer
from bot.core.retry import parse_retry_after
from bot.dashscope.body import PLAIN, read_whole
from bot.dashscope.http_errors import mapped_errors
from bot.errors import (
    DashScopeError,
    RequestRefused,
    UpstreamFailed,
    UpstreamUnreachable,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger()

VERSION = "2023-12-29"
MAX_ANSWER_BYTES = 1024 * 1024
"""A page of 50 facts is below 64 KiB; our own bound."""
_FORM = "application/x-www-form-urlencoded"
_MAX_LOGGED_CHARS = 80


@dataclass(frozen=True, slots=True)
class Waits:
    """How long to wait, in seconds.

    Attributes:
        connect_s: For a connection, TLS included.
        idle_s: Between two pieces of an answer, and for each piece sent.
        call_s: For a call all in all, waiting for its turn included.
        delivery_s: For a file to be taken, all in all.
    """

    connect_s: float = 5.0
    idle_s: float = 10.0
    call_s: float = 30.0
    delivery_s: float = 120.0


@dataclass(frozen=True, slots=True)
class Account:
    """Whose memories and files.

    Attributes:
        endpoint: Such as `https://bailian.cn-beijing.aliyuncs.com`; http only for this machine.
        workspace_id: `llm-…`. The API cannot tell it, the console shows it.
        key: Signs the calls.

    Raises:
        ValueError: `endpoint` or `workspace_id` cannot be right; the text says why, without them.
    """

    endpoint: str
    workspace_id: str
    key: AccessKey

    def __post_init__(self) -> None:
        """Check what would otherwise fail at the first call."""
        read_endpoint(self.endpoint)
        path_of(self.workspace_id)


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call within the workspace.

    Attributes:
        action: The operation's name.
        method: GET calls may be made twice, all others never.
        path: Below the workspace, encoded.
        gap_s: How long the API wants to be left alone before it, in seconds.
        query: Not encoded; may be somebody's words.
        form: Sent as the body when there is any; not encoded.
        absent: Raised when what `path` names does not exist.
        gives_way: Whether many may come at once, and calls that answers wait for go first.
    """

    action: str
    method: str
    path: str
    gap_s: float
    query: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    form: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    absent: type[DashScopeError] = RequestRefused
    gives_way: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file on its way to an address the API handed out.

    Attributes:
        method: PUT or POST.
        url: Opens the storage for minutes, to whoever knows it: never logged.
        headers: To be sent as they are; they are part of the address's own signature.
        content: The file.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


class OpenApi:
    """The calls of one account, through one client.

    The constructor stores; `async with` opens the client and closes it. No connection is kept for
    the next call: one that died while idle would fail a call that must not be made twice. Proxies
    are taken from the environment.

    Args:
        account: Whose calls.
        waits: Bounds of every single wait.
        sleep: Waits between calls.
        clock: Monotonic seconds.
        utc_now: The aware time calls are dated with; more than 15 minutes off, they are refused.
        new_nonce: A random text that was never used before.
    """

    def __init__(
        self,
        account: Account,
        *,
        waits: Waits | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        utc_now: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._account = account
        self._endpoint: Endpoint = read_endpoint(account.endpoint)
        self._waits = waits or Waits()
        self._sleep = sleep
        self._clock = clock
        self._utc_now = utc_now
        self._new_nonce = new_nonce
        self._turn = asyncio.Lock()
        self._giving_way = asyncio.Lock()
        self._ended_at: float | None = None
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        """Open the client; no connection is made yet."""
        self._http = httpx.AsyncClient(
            timeout=httpx.Timeout(self._waits.idle_s, connect=self._waits.connect_s),
            limits=httpx.Limits(max_keepalive_connections=0),
            headers=PLAIN,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the client; closing twice is harmless."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def call(self, call: ApiCall) -> Mapping[str, object]:
        """Make a call when its turn comes, and return the answer; keys begin with small letters.

        Reading is tried a second time when the connection failed before an answer began. Nothing
        else is: creating twice would make two. Cancelled, or after UpstreamTimeout or
        UpstreamUnreachable, a call may still have worked.

        Raises:
            DashScopeError: It failed; `call.absent` when what it names does not exist.
        """
        with mapped_errors():
            async with asyncio.timeout(self._waits.call_s):
                if not call.gives_way:
                    return await self._in_turn(call)
                async with self._giving_way:
                    # The gap passes outside of the turn, which others may take meanwhile.
                    await self._rest(call.gap_s)
                    return await self._in_turn(call)

    async def deliver(self, delivery: Delivery) -> None:
        """Send a file to the address it was given; never tried twice.

        Raises:
            DashScopeError: It was not taken.
        """
        with mapped_errors():
            async with asyncio.timeout(self._waits.delivery_s):
                request = self._client.build_request(
                    delivery.method,
                    delivery.url,
                    headers=dict(delivery.headers),
                    content=delivery.content,
                )
                response = await self._client.send(request, stream=True)
                await read_whole(response, max_bytes=MAX_ANSWER_BYTES)
        if not response.is_success:
            kind = UpstreamFailed if response.status_code >= 500 else RequestRefused
            raise kind("the storage did not take it", status=response.status_code)

    @property
    def _client(self) -> httpx.AsyncClient:
        if self._http is None:
            raise RuntimeError("OpenApi is used outside its `async with`")
        return self._http

    async def _in_turn(self, call: ApiCall) -> Mapping[str, object]:
        async with self._turn:
            return await self._try(call)

    async def _try(self, call: ApiCall) -> Mapping[str, object]:
        try:
            return await self._noted(call)
        except UpstreamUnreachable as error:
            if call.method != "GET" or error.status is not None:
                raise
        return await self._noted(call)

    async def _noted(self, call: ApiCall) -> Mapping[str, object]:
        started_at = await self._rest(call.gap_s)
        try:
            answer = await self._once(call)
        except DashScopeError as error:
            _note_failure(error, call=call)
            raise
        finally:
            self._ended_at = self._clock()
        log.info(
            "openapi_call.ended",
            method=call.action,
            request_id=text_at(answer, "requestId")[:_MAX_LOGGED_CHARS],
            elapsed_ms=round((self._ended_at - started_at) * 1000),
        )
        return answer

    async def _rest(self, gap_s: float) -> float:
        """Leave the API alone as long as it wants, counted from the last answer; return the time.

        Counted from the last request instead, two calls could still arrive closer together.
        """
        if self._ended_at is not None:
            await self._sleep(max(0.0, self._ended_at + gap_s - self._clock()))
        return self._clock()

    async def _once(self, call: ApiCall) -> Mapping[str, object]:
        body = canonical_query(call.form).encode()
        request = ApiRequest(
            action=call.action,
            version=VERSION,
            method=call.method,
            host=self._endpoint.host,
            path=path_of(self._account.workspace_id) + call.path,
            query=call.query,
            body=body,
            content_type=_FORM if body else "",
        )
        signed = sign(request, key=self._account.key, at=self._utc_now(), nonce=self._new_nonce())
        with mapped_errors():
            response = await self._client.send(
                self._client.build_request(
                    call.method,
                    f"{self._endpoint.origin}{signed.target}",
                    headers=dict(signed.headers),
                    content=body,
                ),
                stream=True,
            )
        return read_answer(
            await read_whole(response, max_bytes=MAX_ANSWER_BYTES),
            status=response.status_code,
            absent=call.absent,
            retry_after_s=parse_retry_after(response.headers),
        )


def _note_failure(error: DashScopeError, *, call: ApiCall) -> None:
    log.warning(
        "openapi_call.failed",
        method=call.action,
        error=type(error).__name__,
        code=error.code[:_MAX_LOGGED_CHARS],
        status=error.status,
        request_id=(error.request_id or "")[:_MAX_LOGGED_CHARS],
    )
