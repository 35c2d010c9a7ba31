"""Installs in many workspaces: the page for them, and who the bot is in each."""

import structlog
from aiohttp import web

from bot.admin.ports import Bot
from bot.errors import SlackTokenRefused
from bot.settings import Settings
from bot.slack.authorize import Installed
from bot.slack.installing import Client, Installing
from bot.slack.web_api import WebApi
from storage.database import Storage

log = structlog.stdlib.get_logger(__name__)


def install_routes(settings: Settings, *, api: WebApi, storage: Storage) -> list[web.RouteDef]:
    """Return the routes of installing; what is missing for them is said in one line of the log.

    Without a client there are none. Without a key they are there, and say that.

    Args:
        settings: The Slack app's client, and the public address.
        api: The open session.
        storage: Keeps installations.
    """
    if settings.missing_for_installs:
        log.info("installs.off", missing=list(settings.missing_for_installs))
    if settings.slack_client_id is None or settings.slack_client_secret is None:
        return []
    client = Client(
        settings.slack_client_id, secret=settings.slack_client_secret.get_secret_value()
    )
    return Installing(
        client,
        api=api,
        api_url=settings.slack_api_url,
        public_url=settings.public_url,
        kept=storage.installations,
        is_open=storage.secrets.is_open,
    ).routes()


class Bots:
    """Who the bot is in each workspace.

    Args:
        installed: Where it is.
    """

    def __init__(self, installed: Installed) -> None:
        self._installed = installed

    async def in_team(self, team_id: str) -> Bot:
        """Return who the bot is in a workspace; nobody where it is no more.

        Raises:
            StorageError: The database did not answer, or no key opens the token.
        """
        try:
            identity = (await self._installed.of(team_id)).identity
        except SlackTokenRefused:
            return Bot(user_id="")
        return Bot(identity.bot_user_id, missing_scopes=identity.missing_scopes)
