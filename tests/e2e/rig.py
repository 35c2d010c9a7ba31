"""A whole bot between the playground's servers, over real sockets."""

import asyncio
import functools
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import SecretStr

from bot import app
from bot.manifest import manifest
from bot.playground.dashscope.apps import App
from bot.playground.dashscope.journal import Entry
from bot.playground.dashscope.server import PLAYGROUND_KEY, DashScopeServer
from bot.playground.slack.delivery import DeliveryRules
from bot.playground.slack.directory import App as SlackApp
from bot.playground.slack.directory import Channel, ChannelKind, User
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import Message, visible_text
from bot.playground.slack.server import SlackServer
from bot.playground.slack.workspace import Workspace
from bot.settings import Settings
from bot.slack.reception import Patience
from bot.turns.waiting import MARK

ANN = "U0ANN"
BEN = "U0BEN"
BOT = "U0BOT"
PUBLIC = "C0PUBLIC"
PRIVATE = "C0PRIVATE"
GROUP_DM = "C0GROUPDM"
APP_ID = "app-under-test"
WITHIN_S = 60.0
"""What takes longer hangs, on however slow a machine."""
POLL_S = 0.01
PATIENT = Patience(submit_s=WITHIN_S / 2, who_s=WITHIN_S / 4, named_s=WITHIN_S / 3)
"""What commands and forms say does not depend on how long it takes here to say it."""
SOON = DeliveryRules(time_scale=0.05)
"""Slack's second retry comes after three seconds instead of a minute: two slow moments in a row are
no reason to wait."""


@functools.cache  # reading the manifest takes longer than opening the servers
def the_app() -> SlackApp:
    """The bot's app, with the scopes and events of its manifest and no others."""
    declared = yaml.safe_load(manifest(socket=True, url=None))
    return SlackApp(
        scopes=frozenset(declared["oauth_config"]["scopes"]["bot"]),
        events=frozenset(declared["settings"]["event_subscriptions"]["bot_events"]),
    )


def a_workspace() -> Workspace:
    """Two people, a channel of each kind, and the bot in all of them."""
    workspace = Workspace(app=the_app())
    workspace.add_user(User(ANN, name="ann", real_name="Ann", display_name="Ann A."))
    workspace.add_user(User(BEN, name="ben", real_name="Ben", display_name="Ben B."))
    everybody = frozenset({ANN, BEN, BOT})
    for channel_id, kind in (
        (PUBLIC, ChannelKind.PUBLIC),
        (PRIVATE, ChannelKind.PRIVATE),
        (GROUP_DM, ChannelKind.GROUP_DM),
    ):
        workspace.add_channel(Channel(channel_id, name=kind.value, kind=kind, members=everybody))
    return workspace


def a_slack(limits: Limits) -> SlackServer:
    """Return a server of that workspace, to be opened.

    The signing secret is its own: a bot of another test that gets a port one of ours had before
    refuses what is delivered there.
    """
    secret = secrets.token_hex(16)
    return SlackServer(a_workspace(), limits=limits, rules=SOON, signing_secret=secret)


@dataclass
class Rig:
    """Servers, and what is needed to start bots between them.

    Attributes:
        slack: The workspace's server.
        dashscope: The apps' server.
        database_url: Where the bot stores.
        is_socket: Socket Mode instead of HTTP.
        changes: Further settings.
        patience: How long commands and forms may take.
    """

    slack: SlackServer
    dashscope: DashScopeServer
    database_url: str
    is_socket: bool = False
    changes: dict[str, object] = field(default_factory=dict[str, object])
    patience: Patience = PATIENT
    bots: list[app.Running] = field(default_factory=list[app.Running])

    def settings(self) -> Settings:
        """Return the settings a bot between the servers has."""
        values: dict[str, object] = {
            "slack_bot_token": SecretStr(self.slack.bot_token),
            "slack_signing_secret": SecretStr(self.slack.signing_secret),
            "slack_app_token": SecretStr(self.slack.app_token) if self.is_socket else None,
            "slack_api_url": self.slack.api_url,
            "dashscope_api_key": SecretStr(PLAYGROUND_KEY),
            "dashscope_base_url": self.dashscope.base_url,
            "dashscope_app_id": APP_ID,
            "database_url": self.database_url,
            "port": 0,
            "grace_s": 5.0,
        }
        return Settings.model_construct().model_copy(update={**values, **self.changes})

    @asynccontextmanager
    async def bot(self) -> AsyncGenerator[app.Running]:
        """Run a bot that Slack delivers to."""
        async with app.running(self.settings(), patience=self.patience) as running:
            self.bots.append(running)
            if self.is_socket:
                await self.slack.until(lambda: self.slack.sockets.is_open, timeout_s=WITHIN_S)
            else:
                self.slack.deliver_to(f"{running.address}/slack/events")
            yield running

    async def ask(
        self, text: str, *, channel: str = PUBLIC, thread_ts: str | None = None, user: str = ANN
    ) -> str:
        """Let somebody mention the bot; return the message's ts."""
        return await self.slack.say(user, channel, f"<@{BOT}> {text}", thread_ts=thread_ts)

    async def heard(self) -> None:
        """Wait until the bot has taken everything that happened so far."""
        deliveries = self.slack.deliveries
        await self.slack.until(
            lambda: all(each.is_delivered for each in deliveries), timeout_s=WITHIN_S
        )

    def reply(self, thread_ts: str, *, channel: str = PUBLIC) -> tuple[Message, ...]:
        """Return the bot's messages in a thread."""
        messages = self.slack.thread(channel, thread_ts)
        return tuple(message for message in messages if message.user == BOT)

    async def finished(self, count: int = 1, *, within_s: float = WITHIN_S) -> None:
        """Wait until the bots here have finished `count` turns altogether."""
        async with asyncio.timeout(within_s):
            # The metrics tell nobody when they change.
            while sum(turns_of(running) for running in self.bots) < count:
                await asyncio.sleep(POLL_S)

    async def answer(
        self, text: str, *, channel: str = PUBLIC, thread_ts: str | None = None, turns: int = 1
    ) -> str:
        """Ask, wait until `turns` turns have ended, and return what the thread's replies show."""
        ts = await self.ask(text, channel=channel, thread_ts=thread_ts)
        await self.finished(turns)
        return words(self.reply(thread_ts or ts, channel=channel))

    def asked(self) -> tuple[Entry, ...]:
        """Return every request DashScope got."""
        return tuple(self.dashscope.journal.entries)


def turn_of(message: Message) -> int:
    """Return which turn a message of the bot belongs to."""
    metadata = message.draft.metadata or {}
    return int(metadata.get("event_payload", {}).get("turn_id", 0))


def turns_of(running: app.Running) -> int:
    """Return how many turns a bot has finished."""
    samples = [sample for metric in running.metrics.turns.collect() for sample in metric.samples]
    return round(sum(sample.value for sample in samples if sample.name.endswith("_total")))


def is_growing(message: Message) -> bool:
    """Tell whether a message still has its Stop button."""
    return any(block["type"] == "actions" for block in message.blocks)


def is_waiting_line(message: Message) -> bool:
    """Tell whether a message of the bot is no part of a reply: it says that a question waits."""
    metadata = message.draft.metadata or {}
    return metadata.get("event_payload", {}).get("page") == MARK


def words(messages: Sequence[Message]) -> str:
    """Return what a reader sees of some messages."""
    return "\n".join(visible_text(message) for message in messages)


@asynccontextmanager
async def a_rig(
    folder: Path,
    app_under_test: App,
    *,
    limits: Limits | None = None,
    database_url: str | None = None,
) -> AsyncGenerator[Rig]:
    """Open both servers."""
    async with (
        a_slack(limits or Limits()) as slack,
        DashScopeServer([app_under_test]) as dashscope,
    ):
        yield Rig(slack, dashscope, database_url or f"sqlite+aiosqlite:///{folder}/bot.db")
