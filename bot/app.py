"""The composition root: builds, owns and closes everything; knows all, is known by none."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version

import structlog
from pydantic import SecretStr

from bot import health
from bot.admin.access import Access
from bot.admin.choices import Choices
from bot.admin.door import Door
from bot.admin.office import Office
from bot.admin.plugin_tokens import PluginTokens
from bot.core.acs3 import AccessKey
from bot.core.memory_places import why_without
from bot.core.setting import DEFAULT_APP
from bot.dashscope.client import DashScope
from bot.dashscope.memories import Memories
from bot.dashscope.openapi import Account, OpenApi
from bot.file_ways import file_ways
from bot.greeting import greet
from bot.installs import Bots, install_routes
from bot.metrics import Metrics
from bot.server import serving
from bot.settings import Settings
from bot.slack import events_http
from bot.slack.authorize import Installation, InstallationAuthorize, Installed
from bot.slack.budgets import Budgets
from bot.slack.calls import Calls
from bot.slack.channels import SlackChannels
from bot.slack.directory import SlackDirectory
from bot.slack.home import HomeVisits, SlackHomes
from bot.slack.identity import Identity, who_am_i
from bot.slack.interaction import Interactions, Ways
from bot.slack.listeners import Receivers, build_bolt
from bot.slack.people import SlackPeople
from bot.slack.reception import Patience, Reception
from bot.slack.replies import SlackReplies
from bot.slack.responses import Responses
from bot.slack.socket_mode import SocketMode
from bot.slack.threads import SlackThreads
from bot.slack.uploads import SlackUploads
from bot.slack.web_api import WebApi
from bot.turns.changes import Changes
from bot.turns.claim import Claims
from bot.turns.clicks import Clicks
from bot.turns.dispatcher import Capacity, Dispatcher
from bot.turns.housekeeping import Housekeeping
from bot.turns.languages import Languages
from bot.turns.remembering import LongTermMemory
from bot.turns.run import TurnRun
from bot.turns.waiting import WaitingLines
from bot.turns.world import Grip, World
from bot.vendors import VendorChecks
from storage import schema
from storage.database import Storage
from storage.installations import Installations
from storage.records import Counts, Turn

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """A bot that takes messages.

    Attributes:
        address: `http://host:port` of its server.
        identity: Who it is in the workspace of `SLACK_BOT_TOKEN`; None without that.
        metrics: What it counts.
        counts: Tells how many turns are left to do.
    """

    address: str
    identity: Identity | None
    metrics: Metrics
    counts: Callable[[], Awaitable[Counts]]


@asynccontextmanager
async def running(
    settings: Settings, *, patience: Patience | None = None
) -> AsyncGenerator[Running]:
    """Run the bot while the context is open.

    Leaving it stops taking messages, lets running answers finish within `grace_s`, and leaves the
    rest to be resumed.

    Args:
        settings: Where everything is, and how much is done.
        patience: How long commands and forms may take; as long as Slack waits, unless given.

    Raises:
        SettingsError: Something `run` needs is missing.
        DatabaseBehind: The database is not SQLite and lacks migrations.
        SlackTokenRefused: The bot token is not accepted.
        StorageError: The database cannot be opened.
    """
    settings.require_for_run()
    await prepare_database(settings.database_url)
    async with AsyncExitStack() as stack:
        process = _Process(settings, stack=stack, patience=patience)
        await process.open()
        address = await process.open_doors()
        log.info("bot.started", address=address, transport=process.transport)
        yield process.described(address)
        log.info("bot.stopping", grace_s=settings.grace_s)


async def prepare_database(url: str) -> None:
    """Bring an SQLite file up to date; any other database must be already.

    Raises:
        DatabaseBehind: It lacks migrations.
    """
    if url.startswith("sqlite"):
        await schema.upgrade(url)
    else:
        await schema.check_current(url)


class _Process:
    """Everything one process owns, opened in order and closed by the stack in reverse."""

    def __init__(
        self, settings: Settings, *, stack: AsyncExitStack, patience: Patience | None
    ) -> None:
        self._settings = settings
        self._stack = stack
        self._patience = patience or Patience()
        self.metrics = Metrics()
        self.transport = "socket" if settings.uses_socket_mode else "http"

    async def open(self) -> None:
        """Open storage and both edges, and start working on what was left."""
        settings, opened = self._settings, self._stack.enter_async_context
        self._storage = await opened(Storage(settings.database_url, keys=settings.secret_keys))
        self._web_api = await opened(WebApi(base_url=settings.slack_api_url))
        own = await self._own_installation()
        self.identity = own.identity if own is not None else None
        self._installed = Installed(own, kept=self._kept)
        self._bots = Bots(self._installed)
        self._admins = frozenset(settings.admin_users)
        self._calls = await self._open_calls()
        people = SlackPeople(calls=self._calls, fresh_timeout_s=self._patience.who_s)
        self._directory = SlackDirectory(people=people, channels=SlackChannels(calls=self._calls))
        self._choices = Choices(
            self._storage, settings.app_profile(), directory=self._directory, admins=self._admins
        )
        self._apps = await opened(
            DashScope(metrics=self.metrics, deadline_s=settings.answer_timeout_s)
        )
        self._openapi = await self._open_openapi()
        self._memories = Memories(self._openapi) if self._openapi is not None else None
        self._files = file_ways(
            settings, calls=self._calls, token_for=self._installed.token_for, openapi=self._openapi
        )
        self._remembering = await opened(
            LongTermMemory(
                self._storage,
                maker=self._memories,
                workspace=settings.studio_workspace,
                channels=self._directory,
            )
        )
        await self._open_turns(self._world(people))

    async def _own_installation(self) -> Installation | None:
        """Return the installation behind `SLACK_BOT_TOKEN`; None without one."""
        token = self._settings.slack_bot_token
        if token is None:
            return None
        bot_token = token.get_secret_value()
        client = self._web_api.client(bot_token)
        identity = await greet(lambda: who_am_i(client))
        return Installation(identity, bot_token=bot_token)

    @property
    def _kept(self) -> Installations | None:
        """The installations in further workspaces; None where there can be none."""
        return self._storage.installations if self._settings.slack_client_id else None

    async def _open_turns(self, world: World) -> None:
        """Start working on what was left, and on what comes."""
        settings, opened = self._settings, self._stack.enter_async_context

        async def run_turn(turn: Turn, grip: Grip) -> None:
            lines.end_wait(turn)
            bot = await self._bots.in_team(turn.team_id)
            here = replace(world, bot_user_id=bot.user_id)
            await TurnRun(turn, world=here, grip=grip).run()

        turns, replies = self._storage.turns, world.replies
        languages = Languages(choices=world.choices, people=world.people)
        await opened(Housekeeping(self._storage, retention_days=settings.retention_days))
        lines = await opened(WaitingLines(turns=turns, replies=replies, languages=languages))
        self._changes = await opened(Changes(turns=turns, replies=replies, languages=languages))
        self._dispatcher = await opened(
            Dispatcher(
                self._storage,
                run=run_turn,
                metrics=self.metrics,
                capacity=Capacity(at_once=settings.turns_at_once, grace_s=settings.grace_s),
                waiting_seen=lines.look,
            )
        )
        self._budgets.divide(self._dispatcher.share)

    async def _open_calls(self) -> Calls:
        self._budgets = await self._stack.enter_async_context(Budgets(metrics=self.metrics))
        return Calls(
            api=self._web_api,
            budgets=self._budgets,
            metrics=self.metrics,
            token_for=self._installed.token_for,
        )

    async def _open_openapi(self) -> OpenApi | None:
        """Open the OpenAPI of the operator's account; None without keys for it.

        One line in the log says when memory is off, for lack of keys or for the default app.
        """
        settings = self._settings
        if settings.missing_for_memory:
            log.info("memory.off", missing=list(settings.missing_for_memory))
            return None
        if reason := why_without(settings.app_profile(), workspace=settings.studio_workspace):
            log.info("memory.off", app=DEFAULT_APP, reason=reason)
        account = account_of(settings)
        return await self._stack.enter_async_context(OpenApi(account))

    def described(self, address: str) -> Running:
        """Return what those who opened it may know, once the doors are open."""
        counts = self._storage.turns.counts
        return Running(address, identity=self.identity, metrics=self.metrics, counts=counts)

    def _world(self, people: SlackPeople) -> World:
        storage = self._storage
        return World(
            book=storage.turns,
            memory=storage.conversations,
            remembering=self._remembering,
            tokens=PluginTokens(storage.secrets),
            threads=storage.threads,
            usage=storage.usage,
            choices=self._choices,
            replies=SlackReplies(calls=self._calls),
            history=SlackThreads(calls=self._calls),
            people=people,
            files=self._files.attachments,
            apps=self._apps,
            admins=self._admins,
            metrics=self.metrics,
            bot_user_id="",  # filled in for each turn
        )

    async def open_doors(self) -> str:
        """Start taking messages; return the server's address."""
        settings, opened = self._settings, self._stack.enter_async_context
        turns = self._storage.turns
        claims = Claims(
            turns=turns,
            threads=self._storage.threads,
            choices=self._choices,
            metrics=self.metrics,
        )
        door, client = self._door(), self._web_api.client(None)
        bolt = build_bolt(
            client=client,
            signing_secret=_secret(settings.slack_signing_secret),
            authorize=InstallationAuthorize(self._installed),
            receivers=Receivers(
                submit=claims.submit,
                change=self._changes.take,
                clicks=Clicks(turns=turns, admins=self._admins),
                reception=await self._open_reception(door),
                homes=await opened(HomeVisits(door)),
                kept=self._kept,
            ),
            metrics=self.metrics,
        )
        socket = None
        is_http = not settings.uses_socket_mode
        routes = events_http.routes(bolt, metrics=self.metrics) if is_http else []
        if settings.slack_app_token is not None:
            socket = await opened(
                SocketMode(
                    bolt,
                    client=client,
                    app_token=_secret(settings.slack_app_token),
                    metrics=self.metrics,
                )
            )
        checks = health.checks_of(self._storage, dispatcher=self._dispatcher, socket=socket)
        routes += install_routes(settings, api=self._web_api, storage=self._storage)
        routes += self._files.routes + health.routes(checks=checks, metrics=self.metrics)
        address = await opened(serving(routes, host=settings.host, port=settings.port))
        self._files.served.set()
        self._stack.callback(self._files.served.clear)
        return address

    def _door(self) -> Door:
        """Return what knows the meaning of commands, buttons, forms and Home tabs."""
        return Door(
            Office(
                storage=self._storage,
                choices=self._choices,
                access=Access(
                    directory=self._directory, choices=self._choices, admins=self._admins
                ),
                directory=self._directory,
                vendors=VendorChecks(calls=self._calls, apps=self._apps),
                prober=self._apps,
                bots=self._bots,
                version=version("dashscope-slack"),
                notebook=self._memories,
                workspace=self._settings.studio_workspace if self._memories else None,
                not_made=self._remembering.not_made,
                homes=SlackHomes(self._calls),
            ),
            named_within_s=self._patience.named_s,
        )

    async def _open_reception(self, door: Door) -> Reception:
        """Open what commands, buttons and forms are answered with."""
        opened, api_url = self._stack.enter_async_context, self._settings.slack_api_url
        ways = Ways(
            calls=self._calls,
            responses=await opened(Responses(api_url=api_url)),
            uploads=SlackUploads(calls=self._calls, api_url=api_url),
        )
        return await opened(
            Reception(
                door,
                interactions=Interactions(ways),
                directory=self._directory,
                patience=self._patience,
            )
        )


def account_of(settings: Settings) -> Account:
    """Return whose memories and files there are; when `missing_for_memory` is empty."""
    return Account(
        endpoint=settings.bailian_endpoint,
        workspace_id=settings.bailian_workspace_id or "",
        key=AccessKey(
            key_id=_secret(settings.alibaba_cloud_access_key_id),
            secret=_secret(settings.alibaba_cloud_access_key_secret),
        ),
    )


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value is not None else ""
