"""The ways files take from Slack to an app, as far as the settings open them."""

import asyncio
from dataclasses import dataclass

import structlog
from aiohttp import web

from bot.core.question import AppProfile
from bot.core.studio_workspace import apart
from bot.dashscope.openapi import OpenApi
from bot.dashscope.session_files import SessionFiles
from bot.settings import Settings
from bot.slack.attachments import Attachments
from bot.slack.calls import Calls, TokenFor
from bot.slack.downloads import SlackDownloads
from bot.slack.file_links import FileLinks, LinkKeys

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FileWays:
    """What reads the files of messages.

    Attributes:
        attachments: Makes them ready.
        routes: Where links lead; none without a public address.
        served: To be set while the routes are served: links are made only then.
    """

    attachments: Attachments
    routes: list[web.RouteDef]
    served: asyncio.Event


def file_ways(
    settings: Settings, *, calls: Calls, token_for: TokenFor, openapi: OpenApi | None
) -> FileWays:
    """Return the ways that are open; what is closed is said in one line of the log.

    Args:
        settings: The public address, and what signs links.
        calls: How Slack is called.
        token_for: Finds a workspace's token.
        openapi: Takes uploads; None without keys for it.
    """
    served = asyncio.Event()
    downloads = SlackDownloads(calls=calls, token_for=token_for, api_url=settings.slack_api_url)
    links: FileLinks | None = None
    if settings.public_url is None:
        log.info("links.off", missing=["PUBLIC_URL"])
    else:
        links = FileLinks(
            keys=LinkKeys(_signing_keys(settings)),
            public_url=settings.public_url,
            downloads=downloads,
            served=served,
        )

    def sees_uploads(app: AppProfile) -> bool:
        return apart(app, workspace=settings.studio_workspace) is None

    attachments = Attachments(
        downloads=downloads,
        links=links,
        session_files=SessionFiles(openapi) if openapi is not None else None,
        sees_uploads=sees_uploads,
    )
    return FileWays(attachments, links.routes() if links is not None else [], served)


def _signing_keys(settings: Settings) -> tuple[str, ...]:
    """Return what all replicas share: the encryption keys, else one of Slack's secrets."""
    if settings.secret_keys:
        return settings.secret_keys
    shared = settings.slack_signing_secret or settings.slack_app_token
    return (shared.get_secret_value(),) if shared else ()
