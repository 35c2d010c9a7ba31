"""Who the bot is in a workspace, and what its scopes let it do."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast

from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SlackError, SlackTokenRefused
from bot.slack.failures import web_api_errors

CALL_TIMEOUT_S = 10.0
SCOPES_HEADER = "x-oauth-scopes"
"""Comma separated (docs: "Using the Slack Web API")."""

REQUIRED_SCOPES: Mapping[str, str] = MappingProxyType(
    {
        "app_mentions:read": "mentions in channels are not delivered",
        "channels:history": "messages in public channels are not delivered, nor a reply found again"
        " after a crash",
        "chat:write": "nothing can be answered",
        "groups:history": "messages in private channels are not delivered, nor a reply found again"
        " after a crash",
        "im:history": "direct messages are not delivered",
        "mpim:history": "group direct messages are not delivered",
        "users:read": "nobody knows who is a guest or an admin: only people in `ADMIN_USERS` change"
        " settings, and only they are answered, but where both members and guests may ask (`who`)",
    }
)
"""Scope -> what stops working without it (docs: each event's and method's page names its scope)."""

OPTIONAL_SCOPES: Mapping[str, str] = MappingProxyType(
    {
        "channels:read": "who made a channel is unknown, so only admins and managers configure it,"
        " and so is whether it is public, so that what is remembered of people stays in it",
        "commands": "`/dashscope` does not exist: only the environment sets the bot up",
        "files:read": "files attached to questions are not read",
        "files:write": "`/dashscope usage` sends no pictures and no CSV files",
        "groups:read": "who made a private channel is unknown, as with `channels:read`",
        "im:write": "an answer whose channel was closed cannot be brought to its asker, nor a file",
    }
)
"""Scope -> the one feature that is off without it; the rest of the bot works."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a bot token is.

    Attributes:
        team_id: The workspace, `T…`.
        bot_user_id: As it is mentioned, `U…`.
        bot_id: As an author, `B…`.
        app_id: The app, `A…`; None when Slack would not tell.
        scopes: What the token may do.
        url: The workspace's address.
        team_name: The workspace's name.
        enterprise_id: The organisation, when there is one.
        is_enterprise_install: Installed for the whole organisation.
    """

    team_id: str
    bot_user_id: str
    bot_id: str
    app_id: str | None
    scopes: frozenset[str]
    url: str = ""
    team_name: str = ""
    enterprise_id: str | None = None
    is_enterprise_install: bool = False

    @property
    def missing_scopes(self) -> Mapping[str, str]:
        """Every scope the token lacks, with what stops working."""
        wanted = {**REQUIRED_SCOPES, **OPTIONAL_SCOPES}
        return {scope: loss for scope, loss in wanted.items() if scope not in self.scopes}


async def who_am_i(client: AsyncWebClient) -> Identity:
    """Ask auth.test, and bots.info for the app id when the scopes allow it.

    Raises:
        SlackTokenRefused: The token is refused, or is not a bot's.
        SlackError: The call failed.
    """
    answer, headers = await _ask(client, method="auth.test", query={})
    bot_id = _text(answer.get("bot_id"))
    if not bot_id:
        raise SlackTokenRefused(method="auth.test", code="not_allowed_token_type")
    scopes = _scopes(headers)
    return Identity(
        team_id=_text(answer.get("team_id")),
        bot_user_id=_text(answer.get("user_id")),
        bot_id=bot_id,
        app_id=await _app_id(client, bot_id=bot_id, scopes=scopes),
        scopes=scopes,
        url=_text(answer.get("url")),
        team_name=_text(answer.get("team")),
        enterprise_id=_text(answer.get("enterprise_id")) or None,
        is_enterprise_install=answer.get("is_enterprise_install") is True,
    )


async def _ask(
    client: AsyncWebClient, *, method: str, query: dict[str, str]
) -> tuple[dict[str, Any], Mapping[str, str]]:
    """Return an answer's body and headers."""
    with web_api_errors(method):
        async with asyncio.timeout(CALL_TIMEOUT_S):
            answer = await cast("Any", client).api_call(method, params=query)
    return answer.data, answer.headers


def _scopes(headers: Mapping[str, str]) -> frozenset[str]:
    """Read the scopes Slack lists in a header of every answer."""
    listed = next((text for name, text in headers.items() if name.lower() == SCOPES_HEADER), "")
    return frozenset(scope.strip() for scope in listed.split(",")) - {""}


async def _app_id(client: AsyncWebClient, *, bot_id: str, scopes: frozenset[str]) -> str | None:
    """Return the app's id, or None: every envelope names it too, so nothing depends on it."""
    if "users:read" not in scopes:
        return None
    try:
        answer, _ = await _ask(client, method="bots.info", query={"bot": bot_id})
    except SlackError:
        return None
    return _text(answer.get("bot", {}).get("app_id")) or None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
