"""A Slack workspace with the bot in it: where `demo` and `playground` take place.

Slack is the playground's; so are DashScope and the Bailian that keeps its memories, unless a key
and an app of the real DashScope are set. The bot is the one that `run` starts.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from bot import app
from bot.playground.bailian import (
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    WORKSPACE_ID,
    BailianServer,
)
from bot.playground.dashscope.apps import guide_app, letter_app
from bot.playground.dashscope.library import Library
from bot.playground.dashscope.pace import Pace
from bot.playground.dashscope.server import PLAYGROUND_KEY, DashScopeServer
from bot.playground.slack.directory import Channel, User
from bot.playground.slack.limits import Limits
from bot.playground.slack.server import SlackServer
from bot.playground.slack.views import View
from bot.playground.slack.workspace import Workspace
from bot.settings import Settings
from bot.slack.reception import Patience

ANN = User("U0ANN", name="ann", real_name="Ann", display_name="Ann", is_admin=True, is_owner=True)
BEN = User("U0BEN", name="ben", real_name="Ben", display_name="Ben")
LI = User("U0LI", name="li", real_name="李雷", display_name="李雷", locale="zh-CN", is_admin=True)
PEOPLE = {person.name: person for person in (ANN, BEN, LI)}
"""By their handles: an owner, a member, and an admin who reads Chinese."""
CHANNEL = Channel(
    "C0GENERAL",
    name="general",
    members=frozenset({"U0ANN", "U0BEN", "U0LI", "U0BOT"}),
    creator="U0ANN",
)
PATIENCE_S = 60.0
"""Longer than ANSWER_TIMEOUT_S: waiting for a permit comes on top."""
PACE = Pace(chars_per_s=200, first_token_s=0.7)
SLACK_LATENCY_S = 0.1
LOOK_AGAIN_S = 0.1
"""Nothing in Slack tells that a turn has ended: its answer may have one more page."""
APP_ID = "project-guide"
SECOND_APP_ID = "letter-writer"


@dataclass(frozen=True, slots=True)
class Stage:
    """A workspace with the bot in it.

    Attributes:
        slack: The workspace.
        folder: A folder of its own, which goes when the stage does.
        answer_within_s: So long an answer may take.
        apps_at: Where the played DashScope is, up to `/api/v1`; empty when answers come from the
            real one.
        bot: The bot.
    """

    slack: SlackServer
    folder: Path
    answer_within_s: float
    apps_at: str
    bot: app.Running

    def channel_of(self, user: User, *, is_direct: bool) -> str:
        """Return where somebody writes: the channel, or their direct messages with the bot."""
        if not is_direct:
            return CHANNEL.channel_id
        return self.slack.workspace.dm(user.user_id, self.bot_user_id).channel_id

    def mentioned(self, text: str) -> str:
        """Return text that mentions the bot."""
        return f"<@{self.bot_user_id}> {text}"

    async def until_quiet(self) -> None:
        """Wait until the bot has heard everything and has no question left to answer."""
        while not await self.is_quiet():  # noqa: ASYNC110 - a turn tells nobody here that it ended
            await asyncio.sleep(LOOK_AGAIN_S)

    async def is_quiet(self) -> bool:
        """Whether the bot has heard everything and has no question left to answer."""
        if not all(delivery.attempts for delivery in self.slack.deliveries):
            return False
        left = await self.bot.counts()
        return left.queued + left.running == 0

    def form_of(self, user: User) -> View | None:
        """Return the form on somebody's screen."""
        return self.slack.people.backend.views.modal(user.user_id)

    def home_of(self, user: User) -> View | None:
        """Return what somebody's Home tab shows."""
        return self.slack.people.backend.views.home(user.user_id)

    @property
    def bot_user_id(self) -> str:
        """Whom people mention."""
        return self.slack.workspace.app.bot_user_id


@asynccontextmanager
async def stage(
    settings: Settings, *, pace: Pace = PACE, patience: Patience | None = None
) -> AsyncGenerator[Stage]:
    """Open servers and bot; everything is gone afterwards.

    Args:
        settings: Of what leads elsewhere only DashScope's are used, when a key and an app are among
            them; nobody is remembered in a real account.
        pace: How fast the played DashScope answers.
        patience: The bot's, as `app.running` takes it.
    """
    is_real = settings.dashscope_api_key is not None and settings.dashscope_app_id is not None
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="dashscope-slack-")))
        slack = await stack.enter_async_context(
            SlackServer(_workspace(), limits=Limits(latency_s=SLACK_LATENCY_S))
        )
        settings = _pointed_at_slack(slack, settings=settings, folder=folder)
        if not is_real:
            settings = await _pointed_at_played_apps(stack, settings=settings, pace=pace)
        bot = await stack.enter_async_context(app.running(settings, patience=patience))
        slack.deliver_to(f"{bot.address}/slack/events")
        within_s = settings.answer_timeout_s + PATIENCE_S
        apps_at = "" if is_real else settings.dashscope_base_url
        yield Stage(slack, folder, answer_within_s=within_s, apps_at=apps_at, bot=bot)


def _workspace() -> Workspace:
    workspace = Workspace()
    for person in PEOPLE.values():
        workspace.add_user(person)
    workspace.add_channel(CHANNEL)
    return workspace


async def _pointed_at_played_apps(
    stack: AsyncExitStack, *, settings: Settings, pace: Pace
) -> Settings:
    """Open a DashScope and the Bailian whose memories and files it shares.

    Returns:
        Settings that lead there.
    """
    apps = [guide_app(APP_ID, library=Library.of_project()), letter_app(SECOND_APP_ID)]
    dashscope = await stack.enter_async_context(DashScopeServer(apps, pace=pace))
    bailian = await stack.enter_async_context(BailianServer())
    dashscope.gateway.bank, dashscope.gateway.files = bailian.bank, bailian.desk.files
    return settings.model_copy(
        update={
            "dashscope_api_key": SecretStr(PLAYGROUND_KEY),
            "dashscope_base_url": dashscope.base_url,
            "dashscope_app_id": APP_ID,
            "dashscope_workspace": "",
            "alibaba_cloud_access_key_id": SecretStr(ACCESS_KEY_ID),
            "alibaba_cloud_access_key_secret": SecretStr(ACCESS_KEY_SECRET),
            "bailian_workspace_id": WORKSPACE_ID,
            "bailian_endpoint": bailian.endpoint,
        }
    )


def _pointed_at_slack(slack: SlackServer, *, settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(
        update={
            "slack_bot_token": SecretStr(slack.bot_token),
            "slack_signing_secret": SecretStr(slack.signing_secret),
            "slack_app_token": None,
            "slack_api_url": slack.api_url,
            # What people of the stage tell must not come to be remembered in a real account.
            "alibaba_cloud_access_key_id": None,
            "alibaba_cloud_access_key_secret": None,
            "bailian_workspace_id": None,
            "database_url": f"sqlite+aiosqlite:///{folder}/bot.db",
            "encryption_keys": (SecretStr(secrets.token_urlsafe(32)),),
            "admin_users": (),
            "host": "127.0.0.1",
            "port": 0,
            "public_url": None,
            "grace_s": 1.0,
        }
    )
