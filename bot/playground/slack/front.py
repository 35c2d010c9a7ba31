"""Slack in front of several workspaces: one address, one app, and the way it gets installed.

As docs.slack.dev has it under "Installing with OAuth" and "oauth.v2.access": the consent page
checks the client, the scopes and where to go back to; a code is good once and for ten minutes;
whoever changes it proves to be the app. Each call of the Web API goes to its token's workspace.
"""

import base64
import binascii
import html
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from aiohttp import web
from yarl import URL

from bot.playground.loopback import Loopback
from bot.playground.slack.arguments import Arguments, read_call
from bot.playground.slack.payload import Json, RefusedError
from bot.playground.slack.server import SlackServer

CLIENT_ID = "1111.2222"
CLIENT_SECRET = "playground-client-secret"  # noqa: S105 - invented
CONSENT_PATH = "/oauth/v2/authorize"
ACCESS = "oauth.v2.access"
CODE_FOR_S = 600.0

_PAGE = """<!DOCTYPE html><html><body><h1>{title}</h1>
<form method="post">{choices}
<button name="decision" value="allow">Allow</button>
<button name="decision" value="cancel">Cancel</button></form></body></html>
"""


@dataclass(frozen=True, slots=True)
class _Code:
    """What a code can be changed for."""

    server: SlackServer
    user_id: str
    redirect_uri: str
    sent_uri: str
    expires_at: float


class Front:
    """The address; open it with `async with`, around or inside the workspaces' servers.

    Args:
        servers: The workspaces; calls with a token of none of them go to the first.
        redirect_uris: What the app's settings allow, the default first; what begins with one of
            them is allowed too.
        clock: Monotonic, in seconds.
        is_for_organisation: Whether whoever allows it does so for a whole organisation.
    """

    def __init__(
        self,
        servers: Sequence[SlackServer],
        *,
        redirect_uris: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
        is_for_organisation: bool = False,
    ) -> None:
        self.servers = servers
        self.redirect_uris = list(redirect_uris)
        self.is_for_organisation = is_for_organisation
        self._clock = clock
        self._codes: dict[str, _Code] = {}
        self._loopback = Loopback()

    async def __aenter__(self) -> Self:
        """Listen."""
        app = web.Application()
        app.router.add_route("*", "/api/{method}", self._call)
        app.router.add_get(CONSENT_PATH, self._ask)
        app.router.add_post(CONSENT_PATH, self._decide)
        await self._loopback.open(app, is_patient=True)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Stop listening."""
        await self._loopback.close()

    @property
    def api_url(self) -> str:
        """What replaces `https://slack.com/api/`."""
        return f"{self._loopback.url}/api/"

    # the consent page

    async def _ask(self, request: web.Request) -> web.Response:
        """Show the page, or say what is wrong with the link."""
        try:
            self._check(request.query)
        except RefusedError as error:
            return web.Response(text=f"Something went wrong: {error.code}", status=400)
        choices = "".join(
            f'<label><input type="radio" name="team" value="{html.escape(s.workspace.team_id)}">'
            f"{html.escape(s.workspace.domain)}</label>"
            for s in self.servers
        )
        page = _PAGE.format(title="An app wants to join your workspace", choices=choices)
        return web.Response(text=page, content_type="text/html")

    async def _decide(self, request: web.Request) -> web.Response:
        """Send the browser back with a code, or with the news that somebody cancelled."""
        try:
            back = self._check(request.query)
        except RefusedError as error:
            return web.Response(text=f"Something went wrong: {error.code}", status=400)
        entered = await request.post()
        state = request.query.get("state", "")
        if entered.get("decision") != "allow":
            return _sent(back, error="access_denied", state=state)
        server = next(s for s in self.servers if s.workspace.team_id == entered.get("team"))
        code = secrets.token_hex(12)
        self._codes[code] = _Code(
            server,
            user_id=str(entered.get("user") or "U0INSTALLER"),
            redirect_uri=back,
            sent_uri=request.query.get("redirect_uri", ""),
            expires_at=self._clock() + CODE_FOR_S,
        )
        return _sent(back, code=code, state=state)

    def _check(self, query: Mapping[str, str]) -> str:
        """Return where to go back to.

        Raises:
            RefusedError: The link is none of the app's.
        """
        if query.get("client_id") != CLIENT_ID:
            raise RefusedError("invalid_client_id")
        asked = frozenset(filter(None, query.get("scope", "").split(",")))
        if not asked or not asked <= self.servers[0].workspace.app.scopes:
            raise RefusedError("invalid_scope")
        sent = query.get("redirect_uri")
        if sent is None:
            if not self.redirect_uris:
                raise RefusedError("bad_redirect_uri")
            return self.redirect_uris[0]
        is_safe = urlsplit(sent).scheme == "https" or urlsplit(sent).hostname == "127.0.0.1"
        if not is_safe or not any(sent.startswith(known) for known in self.redirect_uris):
            raise RefusedError("bad_redirect_uri")
        return sent

    # the Web API

    async def _call(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["method"] != ACCESS:
            server = self._server_of(request.headers.get("Authorization", ""))
            return await server.answer_call(request)
        try:
            args, _ = await read_call(request)
            return web.json_response({"ok": True, **self._access(args, request=request)})
        except RefusedError as error:
            return web.json_response(error.body)

    def _server_of(self, authorization: str) -> SlackServer:
        token = authorization.removeprefix("Bearer ")
        owners = (s for s in self.servers if token in {s.bot_token, s.app_token})
        return next(owners, self.servers[0])

    def _access(self, args: Arguments, *, request: web.Request) -> Json:
        client_id, client_secret = _credentials(args, request=request)
        if client_id != CLIENT_ID:
            raise RefusedError("invalid_client_id")
        if client_secret != CLIENT_SECRET:
            raise RefusedError("bad_client_secret")
        code = self._codes.pop(args.text("code"), None)
        if code is None or self._clock() > code.expires_at:
            raise RefusedError("invalid_code")
        if args.text("redirect_uri") != code.sent_uri:
            raise RefusedError("bad_redirect_uri")
        workspace = code.server.workspace
        team = {"id": workspace.team_id, "name": workspace.domain}
        return {
            "app_id": workspace.app.app_id,
            "authed_user": {"id": code.user_id},
            "scope": ",".join(sorted(workspace.app.scopes)),
            "token_type": "bot",
            "access_token": code.server.bot_token,
            "bot_user_id": workspace.app.bot_user_id,
            "team": None if self.is_for_organisation else team,
            "enterprise": {"id": "E1", "name": "all"} if self.is_for_organisation else None,
            "is_enterprise_install": self.is_for_organisation,
        }


def _sent(back: str, **query: str) -> web.Response:
    return web.Response(status=302, headers={"Location": str(URL(back).update_query(query))})


def _credentials(args: Arguments, *, request: web.Request) -> tuple[str, str]:
    """Return client id and secret, from the Authorization header or from the form."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, client_secret = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise RefusedError("invalid_client_id") from None
        return client_id, client_secret
    return args.text("client_id"), args.text("client_secret")
