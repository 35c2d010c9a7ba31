"""Installing the bot in further workspaces: the link, Slack's consent, the token that comes back.

The path is Slack's OAuth 2.0 (docs.slack.dev, "Installing with OAuth"): the link sends a browser to
Slack with a random state, which stays in a cookie; Slack sends it back with a code, and the code is
changed for a token. A browser without the cookie was sent by somebody else and is refused.
"""

import asyncio
import hmac
import html
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast

import structlog
from aiohttp import web
from yarl import URL

from bot.core import install_texts as texts
from bot.core.language import Language, of_locale
from bot.errors import SlackError, SlackRefused, SlackThrottled, SlackUnavailable
from bot.slack.failures import web_api_errors
from bot.slack.identity import OPTIONAL_SCOPES, REQUIRED_SCOPES, who_am_i
from bot.slack.web_api import WebApi
from storage.errors import StorageError
from storage.installations import Installations, NewInstallation

INSTALL_PATH = "/slack/install"
REDIRECT_PATH = "/slack/oauth_redirect"
CONSENT_PATH = "/oauth/v2/authorize"
ACCESS = "oauth.v2.access"
STATE_COOKIE = "__Host-install-state"
"""The prefix keeps other hosts of the domain from planting one (MDN, "Set-Cookie")."""
STATE_FOR_S = 600
"""A code is good for ten minutes ("Installing with OAuth")."""
WHOLE_ORGANISATION = "is_enterprise_install"
"""Stands for Slack's code where it took what the bot does not."""
FINISH_WITHIN_S = 20.0
AT_ONCE = 4
"""More people who come back at the same moment are asked to try again: each costs calls of Slack
on connections that answers need, and anybody can come."""
REVOKE = "auth.revoke"
TEXT_CHARS_MOST = 200
"""Of what a query may hold: codes and states are shorter."""

_PAGE = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body{{font:16px/1.5 system-ui,sans-serif;margin:15vh auto;max-width:32em;padding:0 1em}}\
</style></head>
<body><p>{words}</p><p><a href="{href}">{link}</a></p></body></html>
"""
_TITLE = "DashScope"
_APP_IN_SLACK = URL("https://slack.com/app_redirect")
"""Opens an app in Slack (docs.slack.dev, "Deep linking")."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "Referrer-Policy": "no-referrer",  # the address holds the code
}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Client:
    """What the Slack app proves itself with.

    Attributes:
        client_id: From the app's "Basic Information".
        secret: From the same page; never logged, never shown.
    """

    client_id: str
    secret: str = field(repr=False)


class Installing:
    """Answers at the two addresses an installation passes.

    Args:
        client: The Slack app.
        api: The open session.
        api_url: Where the Web API is; Slack asks for consent on the same host.
        public_url: Where Slack sends browsers back to; None leaves that to the app's own settings.
        kept: Takes what was installed.
        is_open: Whether there is a key that tokens can be kept with.
    """

    def __init__(
        self,
        client: Client,
        *,
        api: WebApi,
        api_url: str,
        public_url: str | None,
        kept: Installations,
        is_open: bool,
    ) -> None:
        self._client = client
        self._api = api
        self._consent_url = URL(api_url).origin().with_path(CONSENT_PATH)
        self._back = {} if public_url is None else {"redirect_uri": public_url + REDIRECT_PATH}
        self._kept = kept
        self._is_open = is_open
        self._under_way = 0

    def routes(self) -> list[web.RouteDef]:
        """Return the two routes."""
        return [web.get(INSTALL_PATH, self._begin), web.get(REDIRECT_PATH, self._finish)]

    async def _begin(self, request: web.Request) -> web.Response:
        """Send a browser to Slack's consent page."""
        language = _language(request)
        if not self._is_open:
            return _failure(texts.LOCKED.say(language), language, HTTPStatus.SERVICE_UNAVAILABLE)
        state = secrets.token_urlsafe(32)
        query = {
            "client_id": self._client.client_id,
            "scope": ",".join(sorted({*REQUIRED_SCOPES, *OPTIONAL_SCOPES})),
            "state": state,
            **self._back,
        }
        response = web.Response(status=HTTPStatus.FOUND, headers=_HEADERS)
        response.headers["Location"] = str(self._consent_url.with_query(query))
        _remember(response, state, max_age_s=STATE_FOR_S)
        return response

    async def _finish(self, request: web.Request) -> web.Response:
        """Take what Slack sends a browser back with, and say what came of it."""
        language, query = _language(request), request.query
        if not _is_same_browser(request):
            return _failure(texts.NOT_YOURS.say(language), language, HTTPStatus.BAD_REQUEST)
        if "error" in query or "code" not in query:
            return _ended(_failure(texts.CANCELLED.say(language), language, HTTPStatus.OK))
        if self._under_way >= AT_ONCE:
            words = texts.UNREACHABLE.say(language)
            return _failure(words, language, HTTPStatus.SERVICE_UNAVAILABLE)
        self._under_way += 1
        try:
            async with asyncio.timeout(FINISH_WITHIN_S):
                new = await self._exchange(query["code"][:TEXT_CHARS_MOST])
                await self._kept.save(new)
        except (SlackError, StorageError, TimeoutError) as error:
            log.warning("installation.failed", error=type(error).__name__, code=_code(error))
            return _ended(_refusal(error, language=language))
        finally:
            self._under_way -= 1
        log.info("installation.saved", team_id=new.team_id, user_id=new.installed_by)
        return _ended(_success(new, language=language))

    async def _exchange(self, code: str) -> NewInstallation:
        """Change a code for a token, and ask whose that is.

        Raises:
            SlackError: Slack refused the code, or did not answer.
            SlackRefused: The token is no single workspace's.
        """
        answer = await self._access(code)
        token = str(answer.get("access_token") or "")
        if answer.get("is_enterprise_install"):
            await self._revoke(token)
            raise SlackRefused(method=ACCESS, code=WHOLE_ORGANISATION)
        installer = cast("dict[str, Any]", answer.get("authed_user") or {})
        identity = await who_am_i(self._api.client(token))
        return NewInstallation(
            team_id=identity.team_id,
            team_name=identity.team_name,
            url=identity.url,
            bot_user_id=identity.bot_user_id,
            bot_id=identity.bot_id,
            app_id=identity.app_id or answer.get("app_id"),
            scopes=sorted(identity.scopes),
            installed_by=str(installer.get("id") or ""),
            bot_token=token,
        )

    async def _revoke(self, token: str) -> None:
        """Give back a token nobody will use, so that Slack delivers nothing for it."""
        client = cast("Any", self._api.client(token))
        with suppress(SlackError), web_api_errors(REVOKE):
            await client.api_call(REVOKE)

    async def _access(self, code: str) -> dict[str, Any]:
        form = {
            "client_id": self._client.client_id,
            "client_secret": self._client.secret,
            "code": code,
            **self._back,
        }
        client = cast("Any", self._api.client(None))
        with web_api_errors(ACCESS):
            answer = await client.api_call(ACCESS, data=form)
        return cast("dict[str, Any]", answer.data)


def _is_same_browser(request: web.Request) -> bool:
    """Return whether a browser comes back with the state it was sent away with."""
    kept, sent = request.cookies.get(STATE_COOKIE, ""), request.query.get("state", "")
    # A header may hold bytes that are no text.
    pair = [text.encode(errors="replace") for text in (kept, sent)]
    return bool(kept) and hmac.compare_digest(*pair)


def _remember(response: web.Response, state: str, *, max_age_s: int) -> None:
    response.set_cookie(
        STATE_COOKIE, state, max_age=max_age_s, secure=True, httponly=True, samesite="Lax"
    )


def _ended(response: web.Response) -> web.Response:
    """Let the browser forget its state: it is good once."""
    _remember(response, "", max_age_s=0)
    return response


def _language(request: web.Request) -> Language:
    """Return the language a browser asks for first."""
    return of_locale(request.headers.get("Accept-Language", "").partition(",")[0].strip())


def _code(error: Exception) -> str:
    return error.code if isinstance(error, SlackError) else ""


def _refusal(error: Exception, *, language: Language) -> web.Response:
    match error:
        case SlackRefused(code=code) if code == WHOLE_ORGANISATION:
            return _failure(texts.WHOLE_ORG.say(language), language, HTTPStatus.BAD_REQUEST)
        case StorageError():
            return _failure(texts.NOT_KEPT.say(language), language, HTTPStatus.SERVICE_UNAVAILABLE)
        case SlackError() if not isinstance(error, SlackThrottled | SlackUnavailable):
            words = texts.REFUSED.say(language, code=error.code)
            return _failure(words, language, HTTPStatus.BAD_REQUEST)
        case _:
            return _failure(texts.UNREACHABLE.say(language), language, HTTPStatus.BAD_GATEWAY)


def _failure(words: str, language: Language, status: HTTPStatus) -> web.Response:
    link = texts.TRY_AGAIN.say(language)
    return _page(words, href=INSTALL_PATH, link=link, language=language, status=status)


def _success(new: NewInstallation, *, language: Language) -> web.Response:
    words = texts.INSTALLED.say(language, app=_TITLE, team=new.team_name or new.team_id)
    href = _APP_IN_SLACK.with_query(team=new.team_id, app=new.app_id or "")
    return _page(words, href=str(href), link=texts.OPEN_SLACK.say(language), language=language)


def _page(
    words: str,
    *,
    href: str,
    link: str,
    language: Language,
    status: HTTPStatus = HTTPStatus.OK,
) -> web.Response:
    page = _PAGE.format(
        language=language.value,
        title=_TITLE,
        words=html.escape(words),
        href=html.escape(href),
        link=html.escape(link),
    )
    return web.Response(text=page, status=status, content_type="text/html", headers=_HEADERS)
