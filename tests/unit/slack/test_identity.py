"""Who a token is, asked over the wire."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_bolt.context.async_context import AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SlackThrottled, SlackTokenRefused, SlackUnavailable
from bot.slack.authorize import Installation, InstallationAuthorize, Installed
from bot.slack.identity import OPTIONAL_SCOPES, REQUIRED_SCOPES, Identity, who_am_i

AUTH: dict[str, Any] = {
    "ok": True,
    "url": "https://acme.slack.com/",
    "team": "Acme",
    "user": "dashscope",
    "team_id": "T1",
    "user_id": "UBOT",
    "bot_id": "B1",
    "is_enterprise_install": False,
}


class Slack:
    """Two methods of the Web API; a test says how they answer."""

    def __init__(self) -> None:
        self.auth = AUTH
        self.scopes = "chat:write,users:read, app_mentions:read"
        self.status = 200
        self.bot: dict[str, Any] = {"ok": True, "bot": {"id": "B1", "app_id": "A1"}}
        self.calls: list[str] = []

    async def auth_test(self, request: web.Request) -> web.Response:
        self.calls.append("auth.test")
        assert request.headers["authorization"] == "Bearer xoxb-1"
        headers = {"X-OAuth-Scopes": self.scopes, "Retry-After": "7"}
        return web.json_response(self.auth, status=self.status, headers=headers)

    async def bots_info(self, request: web.Request) -> web.Response:
        self.calls.append("bots.info")
        form = await request.post()
        assert {**request.query, **form}["bot"] == "B1"
        return web.json_response(self.bot)


@pytest.fixture
def slack() -> Slack:
    return Slack()


@pytest.fixture
async def ask(slack: Slack) -> AsyncIterator[Callable[[], Awaitable[Identity]]]:
    app = web.Application()
    app.router.add_route("*", "/api/auth.test", slack.auth_test)
    app.router.add_route("*", "/api/bots.info", slack.bots_info)
    async with TestServer(app, host="127.0.0.1") as server, aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            token="xoxb-1",
            base_url=str(server.make_url("/api/")),
            session=session,
            retry_handlers=[],
        )
        yield lambda: who_am_i(client)


Ask = Callable[[], Awaitable[Identity]]


async def test_one_call_tells_who_the_bot_is_and_another_its_app(slack: Slack, ask: Ask) -> None:
    assert await ask() == Identity(
        team_id="T1",
        bot_user_id="UBOT",
        bot_id="B1",
        app_id="A1",
        scopes=frozenset({"chat:write", "users:read", "app_mentions:read"}),
        url="https://acme.slack.com/",
        team_name="Acme",
    )
    assert slack.calls == ["auth.test", "bots.info"]


async def test_without_the_scope_the_app_is_not_asked_for(slack: Slack, ask: Ask) -> None:
    slack.scopes = "chat:write"
    assert (await ask()).app_id is None
    assert slack.calls == ["auth.test"]


@pytest.mark.parametrize(
    "answer", [{"ok": False, "error": "bot_not_found"}, {"ok": True, "bot": {}}, {"ok": True}]
)
async def test_an_app_slack_does_not_name_stays_unknown(
    slack: Slack, ask: Ask, answer: dict[str, Any]
) -> None:
    slack.bot = answer
    assert (await ask()).app_id is None


async def test_what_the_token_lacks_is_listed_with_what_it_costs(slack: Slack, ask: Ask) -> None:
    missing = (await ask()).missing_scopes
    assert missing["im:write"] == OPTIONAL_SCOPES["im:write"]
    assert missing["im:history"] == REQUIRED_SCOPES["im:history"]
    assert "chat:write" not in missing


async def test_without_users_read_it_is_told_that_guests_and_admins_are_unknown(
    slack: Slack, ask: Ask
) -> None:
    slack.scopes = "chat:write"
    loss = (await ask()).missing_scopes["users:read"]
    assert "guest" in loss
    assert "only people in `ADMIN_USERS` change settings, and only they are answered" in loss


async def test_a_revoked_token_is_refused(slack: Slack, ask: Ask) -> None:
    slack.auth = {"ok": False, "error": "invalid_auth"}
    with pytest.raises(SlackTokenRefused) as caught:
        await ask()
    assert caught.value.code == "invalid_auth"


async def test_a_persons_token_is_refused(slack: Slack, ask: Ask) -> None:
    slack.auth = {key: value for key, value in AUTH.items() if key != "bot_id"}
    with pytest.raises(SlackTokenRefused):
        await ask()


async def test_slacks_wish_for_patience_is_told(slack: Slack, ask: Ask) -> None:
    slack.auth, slack.status = {"ok": False, "error": "ratelimited"}, 429
    with pytest.raises(SlackThrottled) as caught:
        await ask()
    assert caught.value.retry_after_s == 7


async def test_an_outage_is_told(slack: Slack, ask: Ask) -> None:
    slack.auth, slack.status = {"ok": False, "error": "internal_error"}, 503
    with pytest.raises(SlackUnavailable):
        await ask()


async def test_a_token_is_not_in_an_installations_repr() -> None:
    assert "xoxb" not in repr(Installation(identity=_identity(), bot_token="xoxb-1"))


async def test_authorization_asks_nobody_and_knows_the_bot() -> None:
    authorize = InstallationAuthorize(
        Installed(Installation(identity=_identity(), bot_token="xoxb-1"))
    )
    result = await authorize(
        context=AsyncBoltContext(), enterprise_id=None, team_id="T9", user_id="U1"
    )
    assert result is not None
    assert (result.team_id, result.bot_user_id, result.bot_id) == ("T1", "UBOT", "B1")
    assert (result.bot_token, result.user_id) == ("xoxb-1", "U1")


async def test_an_unknown_installation_authorizes_nothing() -> None:
    class NoInstallations:
        async def find(self, *, enterprise_id: str | None, team_id: str | None) -> None:
            del enterprise_id, team_id

    authorize = InstallationAuthorize(NoInstallations())
    found = await authorize(
        context=AsyncBoltContext(), enterprise_id=None, team_id="T9", user_id=None
    )
    assert found is None


def _identity() -> Identity:
    return Identity(team_id="T1", bot_user_id="UBOT", bot_id="B1", app_id=None, scopes=frozenset())
