"""The Web API: tokens, scopes, rates, faults, and the table of methods."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import assert_never

from aiohttp import web

from bot.playground.slack.arguments import Arguments, read_call
from bot.playground.slack.backend import Backend, Method, TokenKind, require_scope
from bot.playground.slack.chat import CHAT_METHODS
from bot.playground.slack.conversations import CONVERSATIONS_METHODS
from bot.playground.slack.faults import Fault, FaultKind, Faults
from bot.playground.slack.journal import Call, Journal
from bot.playground.slack.limits import Limits, Meter
from bot.playground.slack.lookups import LOOKUP_METHODS
from bot.playground.slack.payload import Json, RateLimitedError, RefusedError
from bot.playground.slack.uploads import UPLOAD_METHODS

METHODS: Mapping[str, Method] = {
    **CHAT_METHODS,
    **CONVERSATIONS_METHODS,
    **LOOKUP_METHODS,
    **UPLOAD_METHODS,
}
_HTML = "<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; a body that is text is a page, not JSON.

    Attributes:
        outcome: For the journal.
        body: The body.
        status: The HTTP status; 0 breaks the connection off instead of answering.
        headers: Further headers.
    """

    outcome: str
    body: Json | str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def response(self) -> web.Response:
        """Return it as aiohttp sends it."""
        if isinstance(self.body, str):
            return web.Response(
                text=self.body, status=self.status, headers=self.headers, content_type="text/html"
            )
        return web.json_response(self.body, status=self.status, headers=self.headers)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that are good here."""

    bot: str = field(repr=False)
    app: str = field(repr=False)


def refusal(error: RefusedError, *, limits: Limits) -> Answer:
    """Return a refusal as an answer: 429 with Retry-After for calls that came too early."""
    if not isinstance(error, RateLimitedError):
        return Answer(error.code, error.body)
    status = 200 if limits.is_ratelimited_under_200 else 429
    headers = {"Retry-After": str(error.retry_after_s)}
    return Answer(error.code, error.body, status, headers)


class WebApi:
    """Answers calls of the Web API.

    Args:
        backend: What the methods work on.
        tokens: The tokens that are good.
        meter: Counts the calls.
        faults: What is to go wrong.
        journal: Takes every call.
    """

    def __init__(
        self, backend: Backend, *, tokens: Tokens, meter: Meter, faults: Faults, journal: Journal
    ) -> None:
        self._backend = backend
        self._tokens = tokens
        self._meter = meter
        self._faults = faults
        self._journal = journal
        self._closing = asyncio.Event()
        self._is_revoked = False

    def revoke(self) -> None:
        """Refuse the bot's token from now on."""
        self._is_revoked = True

    def admit(self, tokens: Tokens) -> None:
        """Take these tokens from now on, and no others."""
        self._tokens, self._is_revoked = tokens, False

    def close(self) -> None:
        """Let go of the calls that hang."""
        self._closing.set()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one request to `/api/{method}`."""
        name = request.match_info["method"]
        at = self._backend.clock()
        try:
            args, token = await read_call(request)
        except RefusedError as error:
            args, token = Arguments({}), ""
            answer = refusal(error, limits=self._backend.limits)
        else:
            answer = await self._answer(name, args, token=token)
        took_s = self._backend.clock() - at
        self._journal.record(Call(name, args.values, at, took_s, answer.status, answer.outcome))
        if answer.status == 0 and request.transport is not None:
            request.transport.abort()
            return web.Response()
        return answer.response()

    async def _answer(self, name: str, args: Arguments, *, token: str) -> Answer:
        if self._backend.limits.latency_s > 0:
            await asyncio.sleep(self._backend.limits.latency_s)
        fault = self._faults.take(name)
        if fault is None:
            return self._run(name, args, token=token)
        return await self._struck(fault, run=lambda: self._run(name, args, token=token))

    async def _struck(self, fault: Fault, *, run: Callable[[], Answer]) -> Answer:
        match fault.kind:
            case FaultKind.HANG:
                await self._closing.wait()
                return Answer(fault.kind.value, status=0)
            case FaultKind.SLOW:
                await asyncio.sleep(fault.delay_s)
                return run()
            case FaultKind.RESET_AFTER:
                return replace(run(), status=0, outcome=fault.kind.value)
            case _:
                return _answer_of(fault)

    def _run(self, name: str, args: Arguments, *, token: str) -> Answer:
        headers: dict[str, str] = {}
        try:
            method = _method(name)
            self._admit(method, token=token)
            if token == self._tokens.bot:
                headers = _scope_headers(self._backend, method)
            require_scope(self._backend.app, *method.scopes)
            self._meter.pay(name, channel_id=args.text("channel"))
            body = {"ok": True, **method.handle(self._backend, args)}
            self._is_revoked = self._is_revoked or name == "auth.revoke"
        except RefusedError as error:
            answer = refusal(error, limits=self._backend.limits)
            return replace(answer, headers={**answer.headers, **headers})
        return Answer("ok", body, headers=headers)

    def _admit(self, method: Method, *, token: str) -> None:
        """Check the token.

        Raises:
            RefusedError: `not_authed`, `invalid_auth`, `account_inactive` or
                `not_allowed_token_type`.
        """
        if method.token is TokenKind.NONE:
            return
        if not token:
            raise RefusedError("not_authed")
        if token not in {self._tokens.bot, self._tokens.app}:
            raise RefusedError("invalid_auth")
        if self._is_revoked and token == self._tokens.bot:
            raise RefusedError("account_inactive")
        wanted = self._tokens.app if method.token is TokenKind.APP else self._tokens.bot
        if token != wanted:
            raise RefusedError("not_allowed_token_type")


def _method(name: str) -> Method:
    if name not in METHODS:
        raise RefusedError("unknown_method", req_method=name)
    return METHODS[name]


def _scope_headers(backend: Backend, method: Method) -> dict[str, str]:
    return {
        "x-oauth-scopes": ",".join(sorted(backend.app.scopes)),
        "x-accepted-oauth-scopes": ",".join(method.scopes),
    }


def _answer_of(fault: Fault) -> Answer:
    """Return the answer of a fault that keeps the call from happening."""
    outcome = fault.kind.value
    match fault.kind:
        case FaultKind.STATUS:
            return Answer(outcome, {"ok": False, "error": "internal_error"}, fault.status)
        case FaultKind.HTML:
            return Answer(outcome, _HTML, fault.status)
        case FaultKind.RATE_LIMITED:
            headers = {"Retry-After": str(fault.retry_after_s)}
            return Answer(outcome, {"ok": False, "error": "ratelimited"}, 429, headers)
        case FaultKind.ERROR:
            return Answer(fault.error, {"ok": False, "error": fault.error})
        case FaultKind.RESET_BEFORE | FaultKind.RESET_AFTER | FaultKind.HANG | FaultKind.SLOW:
            return Answer(outcome, status=0)
        case _:
            assert_never(fault.kind)
