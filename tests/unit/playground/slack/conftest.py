"""A furnished workspace, its server, and Slack's own client."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.playground.slack import (
    BOT_TOKEN,
    Channel,
    ChannelKind,
    SlackServer,
    User,
    Workspace,
)
from tests.unit.playground.slack.calls import Connect

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY", "all_proxy")


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in _PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def workspace(clock: Clock) -> Workspace:
    workspace = Workspace(clock=clock)
    bot = workspace.app.bot_user_id
    workspace.add_user(User("U0ANN", name="ann", real_name="Ann Li", locale="zh-CN", is_owner=True))
    workspace.add_user(User("U0BOB", name="bob"))
    everybody = frozenset({"U0ANN", "U0BOB", bot})
    people = frozenset({"U0ANN", "U0BOB"})
    workspace.add_channel(Channel("C0GENERAL", name="general", members=everybody))
    workspace.add_channel(Channel("C0OTHER", name="other", members=people))
    private = ChannelKind.PRIVATE
    workspace.add_channel(Channel("C0SECRET", name="secret", kind=private, members=people))
    workspace.add_channel(Channel("C0TEAM", name="team", kind=private, members=everybody))
    workspace.add_channel(Channel("C0OLD", name="old", members=everybody, is_archived=True))
    return workspace


@pytest.fixture
async def server(workspace: Workspace, clock: Clock) -> AsyncIterator[SlackServer]:
    async with SlackServer(workspace, clock=clock) as server:
        yield server


@pytest.fixture
def connect() -> Connect:
    """Return a function that opens Slack's client for a server."""

    @asynccontextmanager
    async def connected(
        server: SlackServer, token: str | None = BOT_TOKEN
    ) -> AsyncGenerator[AsyncWebClient]:
        async with aiohttp.ClientSession() as session:
            yield AsyncWebClient(
                token=token, base_url=server.api_url, session=session, retry_handlers=[]
            )

    return connected


@pytest.fixture
async def slack(server: SlackServer, connect: Connect) -> AsyncIterator[AsyncWebClient]:
    async with connect(server) as client:
        yield client
