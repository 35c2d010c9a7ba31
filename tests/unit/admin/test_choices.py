"""What holds where, as turns ask for it."""

from dataclasses import replace

import pytest

from bot.admin.choices import Choices, KeyHeldBack
from bot.admin.door import Door
from bot.admin.office import Office
from bot.core.app_addresses import BASE_URLS
from bot.core.setting import Follow
from bot.errors import UnknownApp
from storage.database import Storage
from storage.errors import SecretsLocked, SecretUnreadable
from tests.unit.admin.desk import (
    ADMIN,
    DEFAULT,
    DIRECT,
    MEMBER,
    NAMED,
    TEAM,
    Town,
    office_of,
    person,
    put_app,
    typed,
)


async def put(office: Office, scope: str, **values: object) -> None:
    await office.storage.settings.change(TEAM, scope, values=values, expected_version=0, by=ADMIN)


async def test_nothing_set_means_the_bots_own_app(office: Office) -> None:
    effective = await office.choices.of(TEAM, "C1", MEMBER)
    assert effective.app == DEFAULT
    assert effective.follow is Follow.MENTION


async def test_a_channel_inherits_from_its_workspace_alone(office: Office) -> None:
    await put(office, "workspace", follow="thread", language="zh")
    await put(office, "channel:C1", language="en")
    here = await office.choices.of(TEAM, "C1", MEMBER)
    assert (here.follow, here.language) == (Follow.THREAD, "en")
    assert (await office.choices.of(TEAM, "C2", MEMBER)).language == "zh"
    assert (await office.choices.of("T2", "C1", MEMBER)).language == "auto"


async def test_a_change_holds_at_once(office: Office) -> None:
    await office.choices.of(TEAM, "C1", MEMBER)
    await put(office, "channel:C1", follow="thread")
    assert (await office.choices.of(TEAM, "C1", MEMBER)).follow is Follow.THREAD


async def test_a_registered_app_answers_with_its_own_key_or_the_bots(office: Office) -> None:
    await office.storage.secrets.put(TEAM, "key-of-shop", "sk-shop")
    await put_app(office, "Shop", secret_name="key-of-shop", workspace="llm-1", options={"a": 1})
    await put_app(office, "Plain")
    await put(office, "channel:C1", app="SHOP")
    await put(office, "channel:C2", app="Plain")
    shop = (await office.choices.of(TEAM, "C1", MEMBER)).app
    assert (shop.name, shop.api_key, shop.workspace) == ("Shop", "sk-shop", "llm-1")
    assert shop.options == {"a": 1}
    assert (await office.choices.of(TEAM, "C2", MEMBER)).app.api_key == DEFAULT.api_key


async def test_an_app_that_is_gone_is_named(office: Office) -> None:
    await put(office, "channel:C1", app="Ghost")
    with pytest.raises(UnknownApp) as caught:
        await office.choices.of(TEAM, "C1", MEMBER)
    assert caught.value.name == "Ghost"


async def test_a_users_own_choice_counts_in_direct_messages_alone(office: Office) -> None:
    await put_app(office, "Shop", is_open=True)
    await put(office, f"user:{MEMBER}", app="Shop", follow="thread")
    direct = await office.choices.of(TEAM, DIRECT, MEMBER)
    assert direct.app.name == "Shop"
    assert direct.follow is Follow.MENTION
    assert (await office.choices.of(TEAM, "C1", MEMBER)).app.name == "default"
    assert (await office.choices.of(TEAM, DIRECT, ADMIN)).app.name == "default"


async def test_a_closed_app_answers_the_direct_messages_of_admins_alone(
    office: Office, town: Town
) -> None:
    await put_app(office, "Shop")
    for user_id in (MEMBER, ADMIN, NAMED):
        await put(office, f"user:{user_id}", app="Shop")
    of = office.choices.of
    assert (await of(TEAM, DIRECT, MEMBER)).app.name == "default"
    assert (await of(TEAM, DIRECT, ADMIN)).app.name == "Shop"
    assert (await of(TEAM, DIRECT, NAMED)).app.name == "Shop"
    for other in (person(ADMIN), replace(person(ADMIN, is_admin=True), team_id="T2"), None):
        town.people[ADMIN] = other
        assert (await of(TEAM, DIRECT, ADMIN)).app.name == "default"


async def test_without_a_directory_only_those_the_operator_named_are_admins(
    storage: Storage, office: Office
) -> None:
    await put_app(office, "Shop")
    for user_id in (ADMIN, NAMED):
        await put(office, f"user:{user_id}", app="Shop")
    choices = Choices(storage, DEFAULT, admins=frozenset({NAMED}))
    assert (await choices.of(TEAM, DIRECT, ADMIN)).app.name == "default"
    assert (await choices.of(TEAM, DIRECT, NAMED)).app.name == "Shop"


async def test_a_key_that_cannot_be_opened_is_no_other_key(database: str, town: Town) -> None:
    async with Storage(database, keys=["a" * 32]) as opened:
        choices = Choices(opened, DEFAULT)
        await opened.secrets.put(TEAM, "key", "sk-secret")
        await opened.settings.change(
            TEAM, "workspace", values={"app": "Shop"}, expected_version=0, by=ADMIN
        )
        office = office_of(opened, town)
        await put_app(office, "Shop", secret_name="key")
        assert (await choices.of(TEAM, "C1", MEMBER)).app.api_key == "sk-secret"
        await opened.secrets.remove(TEAM, "key")
        with pytest.raises(SecretUnreadable):
            await choices.of(TEAM, "C1", MEMBER)
    async with Storage(database) as locked:
        with pytest.raises(SecretsLocked):
            await Choices(locked, DEFAULT).of(TEAM, "C1", MEMBER)


async def test_a_closed_apps_key_is_not_looked_for(database: str, town: Town) -> None:
    """Whoever had chosen it is answered by the workspace's app, whatever became of the key."""
    async with Storage(database, keys=["a" * 32]) as opened:
        await opened.secrets.put(TEAM, "key", "sk-secret")
        office = office_of(opened, town)
        await put_app(office, "Shop", secret_name="key")
        await put(office, f"user:{MEMBER}", app="Shop")
    for keys in (["b" * 32], []):
        async with Storage(database, keys=keys) as changed:
            effective = await Choices(changed, DEFAULT).of(TEAM, DIRECT, MEMBER)
            assert effective.app == DEFAULT


async def test_the_bots_own_key_goes_nowhere_it_was_not_meant_for(office: Office) -> None:
    """An app may be older than where the bot is pointed to now, and a database can be forged."""
    elsewhere = "https://gateway.example.com/api/v1"
    await put_app(office, "Old", base_url=elsewhere)
    await put(office, "channel:C1", app="Old")
    with pytest.raises(KeyHeldBack):
        await office.choices.of(TEAM, "C1", MEMBER)
    assert (await office.choices.profile(TEAM, "Old", with_key=False)).base_url == elsewhere
    await office.storage.secrets.put(TEAM, "its-own", "sk-own")
    await put_app(office, "Own", base_url=elsewhere, secret_name="its-own")
    await put(office, "channel:C2", app="Own")
    assert (await office.choices.of(TEAM, "C2", MEMBER)).app.api_key == "sk-own"


@pytest.mark.parametrize(
    ("base_url", "takes_tokens"),
    [
        (BASE_URLS["beijing"], True),
        (DEFAULT.base_url, True),
        ("https://shop.example/api/v1", False),
    ],
)
async def test_peoples_tokens_go_where_the_bots_own_key_may_go_and_nowhere_else(
    office: Office, base_url: str, takes_tokens: bool
) -> None:
    await put_app(office, "Shop", base_url=base_url)
    shop = await office.choices.profile(TEAM, "Shop", with_key=False)
    assert shop.takes_tokens is takes_tokens
    assert office.choices.default_app.takes_tokens


async def test_an_app_without_a_key_for_its_address_is_said_to_need_one(
    office: Office, door: Door
) -> None:
    await put_app(office, "Old", base_url="https://gateway.example.com/api/v1")
    await put(office, "channel:C1", app="Old")
    for text in ("apps test Old", "status"):
        assert "this one needs a key of its own" in (await typed(door, text)).text
