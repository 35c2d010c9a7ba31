"""The bot joins further workspaces through Slack's consent page, and leaves them again."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest
from logbook import logged
from pydantic import SecretStr
from rig import SOON, WITHIN_S, Rig, is_growing, the_app
from yarl import URL

from bot.app import Running
from bot.playground.slack.directory import Channel, User
from bot.playground.slack.faults import Fault, FaultKind
from bot.playground.slack.front import CLIENT_ID, CLIENT_SECRET, Front
from bot.playground.slack.message import Message, visible_text
from bot.playground.slack.server import SlackServer
from bot.playground.slack.workspace import Workspace
from bot.slack.installing import AT_ONCE, STATE_COOKIE
from storage.database import Storage

FIRST, SECOND = "T0PLAY", "T0TWO"
ZOE = "U0ZOE"
HALL = "C0HALL"
BOT_THERE = "U0BOTTWO"
TOKEN_THERE = "xoxb-second"
TOKEN_LATER = "xoxb-second-again"
KEY = "heliotrope-key-at-rest-0123456789abcdef"
OTHER_KEY = "another-key-at-rest-0123456789abcdefgh"


@dataclass
class Street:
    """Two workspaces behind one Slack, and a browser.

    Attributes:
        rig: The first workspace, and DashScope.
        there: The second one.
        front: Slack's address for both.
        browser: Keeps no cookies by itself: over http it would drop protected ones.
    """

    rig: Rig
    there: SlackServer
    front: Front
    browser: aiohttp.ClientSession

    def welcome(self, running: Running) -> str:
        """Have both workspaces deliver to a bot; return its address."""
        self.there.deliver_to(f"{running.address}/slack/events")
        self.front.redirect_uris[:] = [f"{running.address}/slack/oauth_redirect"]
        return running.address

    async def begin(self, address: str, *, language: str = "en") -> tuple[URL, str]:
        """Open the install page; return where it leads, and the state in the cookie."""
        headers = {"Accept-Language": language}
        async with self.browser.get(
            f"{address}/slack/install", allow_redirects=False, headers=headers
        ) as response:
            assert response.status == HTTPStatus.FOUND, await response.text()
            cookie = response.cookies[STATE_COOKIE]
            assert cookie["httponly"]
            assert cookie["secure"]
            return URL(response.headers["Location"]), cookie.value

    async def decide(self, consent: URL, *, team: str = SECOND, decision: str = "allow") -> URL:
        """Look at the consent page, decide, and return where Slack sends the browser."""
        async with self.browser.get(consent) as response:
            assert response.status == HTTPStatus.OK, await response.text()
        entered = {"team": team, "decision": decision, "user": ZOE}
        async with self.browser.post(consent, data=entered, allow_redirects=False) as response:
            assert response.status == HTTPStatus.FOUND, await response.text()
            return URL(response.headers["Location"], encoded=True)

    async def come_back(self, to: URL, *, state: str, language: str = "en") -> tuple[int, str]:
        """Follow Slack back to the bot; return the page's status and words."""
        headers = {"Accept-Language": language, "Cookie": f"{STATE_COOKIE}={state}"}
        async with self.browser.get(to, headers=headers) as response:
            return response.status, await response.text()

    async def install(self, address: str) -> tuple[int, str]:
        """Install the bot in the second workspace; return the last page's status and words."""
        consent, state = await self.begin(address)
        return await self.come_back(await self.decide(consent), state=state)

    async def answered_there(self, text: str) -> str:
        """Ask in the second workspace; return the reply when it has ended."""
        ts = await self.there.say(ZOE, HALL, f"<@{BOT_THERE}> {text}")

        def ended() -> Message | None:
            replies = [m for m in self.there.thread(HALL, ts) if m.user == BOT_THERE]
            return replies[0] if replies and not is_growing(replies[0]) else None

        return visible_text(await self.there.until(ended, timeout_s=WITHIN_S))


def second_workspace() -> Workspace:
    """One person, one channel, and the app, which nobody has installed yet."""
    app = replace(the_app(), bot_id="B0BOTTWO", bot_user_id=BOT_THERE)
    workspace = Workspace(team_id=SECOND, domain="second", app=app)
    workspace.add_user(User(ZOE, name="zoe", display_name="Zoe", is_admin=True))
    workspace.add_channel(Channel(HALL, name="hall", members=frozenset({ZOE, BOT_THERE})))
    return workspace


@pytest.fixture
async def street(rig: Rig) -> AsyncIterator[Street]:
    """Two workspaces behind one Slack; the bot's own token is of the first."""
    there = SlackServer(
        second_workspace(),
        rules=SOON,
        signing_secret=rig.slack.signing_secret,
        bot_token=TOKEN_THERE,
    )
    async with there, Front([rig.slack, there]) as front, aiohttp.ClientSession() as browser:
        rig.changes |= {
            "slack_api_url": front.api_url,
            "slack_client_id": CLIENT_ID,
            "slack_client_secret": SecretStr(CLIENT_SECRET),
            "encryption_keys": (SecretStr(KEY),),
        }
        yield Street(rig, there, front, browser)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_a_workspace_that_installs_the_bot_gets_answers_with_its_own_token(
    street: Street,
) -> None:
    with logged() as log:
        async with street.rig.bot() as running:
            status, page = await street.install(street.welcome(running))
            assert status == HTTPStatus.OK
            assert "DashScope is in second now" in page
            assert await street.answered_there("hello") == "hello"
            assert await street.rig.answer("still here", turns=2) == "still here"
        assert TOKEN_THERE not in log.text
        assert CLIENT_SECRET not in log.text
    assert {call.outcome for call in street.there.journal.calls} == {"ok"}


async def test_the_bot_can_do_without_a_token_of_its_own(street: Street) -> None:
    street.rig.changes["slack_bot_token"] = None
    async with street.rig.bot() as running:
        assert running.identity is None
        await street.install(street.welcome(running))
        assert await street.answered_there("hello") == "hello"


async def test_installations_outlive_the_process(street: Street) -> None:
    async with street.rig.bot() as running:
        await street.install(street.welcome(running))
    async with street.rig.bot() as running:
        street.welcome(running)
        assert await street.answered_there("again") == "again"


async def test_settings_of_one_workspace_are_none_of_the_others(street: Street) -> None:
    async with street.rig.bot() as running:
        await street.install(street.welcome(running))
        delivery = await street.there.command(ZOE, HALL, "workspace language zh")
        assert delivery.attempts[-1].failure == ""
        await street.there.until(lambda: street.there.workspace.ephemerals, timeout_s=WITHIN_S)
    async with Storage(street.rig.database_url) as storage:
        there = await storage.settings.get(SECOND, "workspace")
        here = await storage.settings.get(FIRST, "workspace")
    assert there["workspace"].values == {"language": "zh"}
    assert not here["workspace"].values


async def test_whoever_cancels_reads_that_nothing_was_installed(street: Street) -> None:
    async with street.rig.bot() as running:
        consent, state = await street.begin(street.welcome(running))
        back = await street.decide(consent, decision="cancel")
        status, page = await street.come_back(back, state=state, language="zh-CN,zh;q=0.9")
    assert status == HTTPStatus.OK
    assert "已取消" in page


async def test_a_browser_that_was_sent_by_somebody_else_is_refused(street: Street) -> None:
    async with street.rig.bot() as running:
        consent, _ = await street.begin(street.welcome(running))
        back = await street.decide(consent)
        for state in ("", "of-somebody-else"):
            status, page = await street.come_back(back, state=state)
            assert status == HTTPStatus.BAD_REQUEST
            assert "Nothing was installed" in page
    assert not called(street, "oauth.v2.access")
    await assert_none_kept(street)


async def test_a_code_that_was_used_before_is_refused_in_words(street: Street) -> None:
    async with street.rig.bot() as running:
        consent, state = await street.begin(street.welcome(running))
        back = await street.decide(consent)
        assert (await street.come_back(back, state=state))[0] == HTTPStatus.OK
        status, page = await street.come_back(back, state=state)
    assert status == HTTPStatus.BAD_REQUEST
    assert "Slack refused (invalid_code)" in page


async def test_a_wrong_client_secret_is_refused_in_words_and_logged(street: Street) -> None:
    street.rig.changes["slack_client_secret"] = SecretStr("wrong")
    with logged() as log:
        async with street.rig.bot() as running:
            status, page = await street.install(street.welcome(running))
        failed = log.of("installation.failed")
    assert status == HTTPStatus.BAD_REQUEST
    assert "bad_client_secret" in page
    assert [line["code"] for line in failed] == ["bad_client_secret"]


async def test_an_installation_for_a_whole_organisation_is_refused_in_words(
    street: Street,
) -> None:
    street.front.is_for_organisation = True
    async with street.rig.bot() as running:
        status, page = await street.install(street.welcome(running))
    assert status == HTTPStatus.BAD_REQUEST
    assert "not whole organizations" in page
    assert called(street, "auth.revoke")
    await assert_none_kept(street)


async def test_a_workspace_nobody_installed_the_bot_in_gets_nothing(street: Street) -> None:
    async with street.rig.bot() as running:
        street.welcome(running)
        delivery = await street.there.command(ZOE, HALL, "workspace show")
        assert delivery.attempts
        ts = await street.there.say(ZOE, HALL, f"<@{BOT_THERE}> hello")
        await until_settled(street.there, count=2)
        assert await street.rig.answer("hello") == "hello"
    [told] = street.there.workspace.ephemerals
    assert "reinstall" in visible_text(told)
    assert len(street.there.thread(HALL, ts)) == 1
    assert len(street.rig.asked()) == 1


async def test_only_a_few_who_come_back_at_once_cost_calls_of_slack(street: Street) -> None:
    street.there.faults.add(Fault("auth.test", FaultKind.SLOW, times=None, delay_s=3.0))
    async with street.rig.bot() as running:
        address = street.welcome(running)
        begun = [await street.begin(address) for _ in range(AT_ONCE + 3)]
        allowed = [(await street.decide(consent), state) for consent, state in begun]
        pages = [street.come_back(back, state=state) for back, state in allowed]
        statuses = [status for status, _ in await asyncio.gather(*pages)]
    assert sorted(statuses) == [HTTPStatus.OK] * AT_ONCE + [HTTPStatus.SERVICE_UNAVAILABLE] * 3


async def test_when_slack_stays_away_the_page_says_so(street: Street) -> None:
    street.there.faults.add(Fault("auth.test", FaultKind.STATUS, status=503))
    async with street.rig.bot() as running:
        status, page = await street.install(street.welcome(running))
    assert status == HTTPStatus.BAD_GATEWAY
    assert "did not answer as it should" in page
    await assert_none_kept(street)


async def test_without_a_key_nothing_can_be_installed_and_the_rest_works(street: Street) -> None:
    street.rig.changes["encryption_keys"] = ()
    with logged() as log:
        async with street.rig.bot() as running:
            address = street.welcome(running)
            async with street.browser.get(f"{address}/slack/install") as response:
                assert response.status == HTTPStatus.SERVICE_UNAVAILABLE
                assert "ENCRYPTION_KEYS" in await response.text()
            assert await street.rig.answer("hello") == "hello"
        [line] = log.of("installs.off")
    assert line["missing"] == ["ENCRYPTION_KEYS"]


async def test_without_a_client_there_is_no_install_page(street: Street) -> None:
    street.rig.changes |= {"slack_client_id": None, "slack_client_secret": None}
    async with street.rig.bot() as running:
        async with street.browser.get(f"{running.address}/slack/install") as response:
            assert response.status == HTTPStatus.NOT_FOUND
        assert await street.rig.answer("hello") == "hello"


async def test_a_workspace_that_removes_the_bot_is_forgotten(street: Street) -> None:
    async with street.rig.bot() as running:
        await street.install(street.welcome(running))
        street.there.uninstall()
        await until_settled(street.there, count=2)
    await assert_none_kept(street)


async def test_news_of_a_removal_that_comes_late_spares_the_new_installation(
    street: Street,
) -> None:
    async with street.rig.bot() as running:
        address = street.welcome(running)
        await street.install(address)
        street.there.deliver_to()  # nobody hears it now
        street.there.uninstall()
        envelopes = [delivery.parcel for delivery in street.there.deliveries[-2:]]
        await asyncio.sleep(1.1)  # Slack tells whole seconds
        street.there.reinstall(bot_token=TOKEN_LATER)
        await street.install(address)
        street.there.deliver_to(f"{address}/slack/events")
        for parcel in envelopes:
            delivery = await street.there.deliver(parcel)
            assert not delivery.attempts[-1].failure
        assert await street.answered_there("still here") == "still here"


async def test_installing_again_uses_the_new_token(street: Street) -> None:
    async with street.rig.bot() as running:
        address = street.welcome(running)
        await street.install(address)
        street.there.reinstall(bot_token=TOKEN_LATER)
        await street.install(address)
        assert await street.answered_there("hello") == "hello"


async def test_a_token_no_key_opens_loses_no_question(street: Street) -> None:
    async with street.rig.bot() as running:
        await street.install(street.welcome(running))
    street.rig.changes["encryption_keys"] = (SecretStr(OTHER_KEY),)
    async with street.rig.bot() as running:
        street.welcome(running)
        ts = await street.there.say(ZOE, HALL, f"<@{BOT_THERE}> patience")
        await street.there.until(lambda: failures(street.there), timeout_s=WITHIN_S)
    street.rig.changes["encryption_keys"] = (SecretStr(OTHER_KEY), SecretStr(KEY))
    async with street.rig.bot() as running:
        street.welcome(running)
        parcel = next(d.parcel for d in street.there.deliveries if ts in str(d.parcel.payload))
        await street.there.deliver(parcel)

        def answered() -> bool:
            thread = street.there.thread(HALL, ts)
            return any(visible_text(m) == "patience" for m in thread if m.user == BOT_THERE)

        await street.there.until(answered, timeout_s=WITHIN_S)


async def test_the_public_address_is_where_slack_sends_browsers_back_to(street: Street) -> None:
    street.rig.changes["public_url"] = "https://bot.example/base"
    async with street.rig.bot() as running:
        consent, _ = await street.begin(running.address)
    assert consent.query["redirect_uri"] == "https://bot.example/base/slack/oauth_redirect"
    assert consent.path == "/oauth/v2/authorize"
    assert frozenset(consent.query["scope"].split(",")) == the_app().scopes


def called(street: Street, method: str) -> list[Mapping[str, Any]]:
    """Return the arguments of a method's calls in both workspaces."""
    servers = (street.rig.slack, street.there)
    return [c.arguments for s in servers for c in s.journal.calls if c.method == method]


def failures(server: SlackServer) -> bool:
    """Tell whether a delivery failed at least once."""
    return any(attempt.failure for d in server.deliveries for attempt in d.attempts)


async def until_settled(server: SlackServer, *, count: int) -> None:
    """Wait until the last `count` deliveries were taken."""

    def taken() -> bool:
        last = server.deliveries[-count:]
        return len(last) == count and all(d.attempts and not d.attempts[-1].failure for d in last)

    await server.until(taken, timeout_s=WITHIN_S)


async def assert_none_kept(street: Street) -> None:
    """Check that the second workspace is unknown, and its token nowhere."""
    async with Storage(street.rig.database_url, keys=[KEY]) as storage:
        assert await storage.installations.get(SECOND) is None
        assert not await storage.secrets.names(SECOND, prefix="")
