"""Everybody's own tokens for plugins."""

from collections.abc import AsyncIterator

import pytest

from bot.admin.door import Door
from bot.admin.office import Office
from bot.admin.plugin_tokens import PluginTokens
from bot.admin.token_commands import CALLBACK, token_form
from bot.core.language import Language
from bot.core.plugin_tokens import MAX_TOKENS
from bot.core.screens import Closed, Errors, Submitted
from storage.database import Storage
from tests.unit.admin.bounds import assert_fits, assert_notice_fits, inputs_of
from tests.unit.admin.desk import (
    ADMIN,
    DIRECT,
    MEMBER,
    TEAM,
    Town,
    Wall,
    caller,
    office_of,
    person,
    pressed,
    put_app,
    trail,
    typed,
)

CANARY = "canary-token-4711"


@pytest.fixture
def tokens(storage: Storage) -> PluginTokens:
    return PluginTokens(storage.secrets)


@pytest.fixture
async def locked(database: str, storage: Storage) -> AsyncIterator[Door]:
    """A door whose office has no keys."""
    del storage
    async with Storage(database, exclusive=False) as keyless:
        yield Door(office_of(keyless, Town()))


async def sent(door: Door, tool: str, token: str, *, by: str = MEMBER) -> Submitted:
    values = {"tool": tool, "token": token}
    return await door.submitted(caller(by), CALLBACK, "", values)


async def test_a_token_is_kept_for_whoever_sent_it_and_never_shown(
    door: Door, storage: Storage, tokens: PluginTokens
) -> None:
    closed = await sent(door, " tool-1 ", f" {CANARY} ")
    assert isinstance(closed, Closed)
    assert closed.notice is not None
    assert "`tool-1`" in closed.notice.text
    assert await tokens.of(TEAM, MEMBER, ["tool-1", "x"]) == {"tool-1": CANARY}
    assert await tokens.of(TEAM, ADMIN, ["tool-1"]) == {}
    listed = await typed(door, "tokens", by=MEMBER)
    assert CANARY not in closed.notice.text + repr(listed)
    assert await storage.audit.page(TEAM, scope=None, before_id=None, limit=9) == []


async def test_the_list_names_what_is_kept_and_what_is_used_here(
    door: Door, tokens: PluginTokens
) -> None:
    assert "none" in (await typed(door, "tokens", by=MEMBER)).text
    await typed(door, "plugins calendar, crm")
    await tokens.put(TEAM, MEMBER, "crm", token="x")
    await tokens.put(TEAM, MEMBER, "mail", token="x")
    notice = await typed(door, "tokens", by=MEMBER)
    assert notice.text.splitlines()[2:] == [
        "- `crm`: kept, and used here",
        "- `mail`: kept",
        "- `calendar`: used here, and you have given none",
    ]
    shown = [(button.action, button.value) for button in notice.buttons]
    assert shown == [
        ("token.add", "calendar"),
        *[("token.replace", "crm"), ("token.remove", "crm")],
        *[("token.replace", "mail"), ("token.remove", "mail")],
    ]
    assert all(button.confirm for button in notice.buttons if button.action == "token.remove")


@pytest.mark.parametrize("word", ["tokens", "token", "TOKEN", "令牌", "tokenz"])
async def test_a_token_typed_into_a_command_is_refused_and_not_said_again(
    door: Door, tokens: PluginTokens, word: str
) -> None:
    notice = await typed(door, f"{word} tool {CANARY}", by=MEMBER)
    assert "Never type a token" in notice.text
    assert CANARY not in repr(notice)
    assert await tokens.tools(TEAM, MEMBER) == []


async def test_a_button_opens_the_form_for_its_plugin(door: Door) -> None:
    for action, value, tool in (
        ("token.add", "new", ""),
        ("token.add", "crm", "crm"),
        ("token.replace", "new", "new"),
        ("token.add", "a/b", ""),
    ):
        wall = Wall()
        await door.pressed(caller(MEMBER), action, value, screen=wall)
        [form] = wall.forms
        assert inputs_of(form)["tool"].value == tool
        assert inputs_of(form)["token"].value == ""


async def test_removing_a_token_concerns_the_one_who_presses_alone(
    door: Door, tokens: PluginTokens
) -> None:
    for user in (MEMBER, ADMIN):
        await tokens.put(TEAM, user, "crm", token="x")
    listed = await typed(door, "tokens", by=MEMBER)
    remove = next(n for n, b in enumerate(listed.buttons) if b.action == "token.remove")
    assert "forgotten" in (await pressed(door, listed, by=MEMBER, button=remove)).text
    assert await tokens.tools(TEAM, MEMBER) == []
    assert await tokens.tools(TEAM, ADMIN) == ["crm"]


async def test_a_forged_id_reaches_nobody_elses_token(door: Door, tokens: PluginTokens) -> None:
    await tokens.put(TEAM, ADMIN, "crm", token="x")
    wall = Wall()
    await door.pressed(caller("U"), "token.remove", f"../{ADMIN}/crm", screen=wall)
    await door.pressed(caller("U"), "token.remove", f"{ADMIN}/crm", screen=wall)
    assert all("An id is" in notice.text for notice in wall.notices)
    refused = await sent(door, f"{ADMIN}/crm", CANARY)
    assert isinstance(refused, Errors)
    assert await tokens.of(TEAM, ADMIN, ["crm"]) == {"crm": "x"}


@pytest.mark.parametrize(
    ("tool", "token", "field"),
    [("two words", "x", "tool"), ("", "x", "tool"), ("crm", "", "token"), ("crm", "a\nb", "token")],
)
async def test_what_cannot_be_is_refused_at_its_field(
    door: Door, tokens: PluginTokens, tool: str, token: str, field: str
) -> None:
    errors = await sent(door, tool, token)
    assert isinstance(errors, Errors)
    assert list(errors.by_key) == [field]
    assert await tokens.tools(TEAM, MEMBER) == []


async def test_there_are_at_most_so_many_tokens_and_each_can_be_replaced(
    door: Door, tokens: PluginTokens
) -> None:
    for number in range(MAX_TOKENS):
        assert isinstance(await sent(door, f"tool{number}", "x"), Closed)
    assert isinstance(await sent(door, "one-more", "x"), Errors)
    assert isinstance(await sent(door, "tool3", "y"), Closed)
    assert await tokens.of(TEAM, MEMBER, ["tool3"]) == {"tool3": "y"}
    notice = await typed(door, "tokens", by=MEMBER)
    assert not [button for button in notice.buttons if button.action == "token.add"]


async def test_without_keys_nothing_is_taken_and_what_is_kept_can_still_be_removed(
    locked: Door, tokens: PluginTokens
) -> None:
    await tokens.put(TEAM, MEMBER, "crm", token="x")
    notice = await typed(locked, "tokens", by=MEMBER)
    assert "ENCRYPTION_KEYS" in notice.text
    assert [button.action for button in notice.buttons] == ["token.remove"]
    wall = Wall()
    await locked.pressed(caller(MEMBER), "token.add", "new", screen=wall)
    assert not wall.forms
    assert "ENCRYPTION_KEYS" in wall.notices[0].text
    refused = await sent(locked, "crm", CANARY)
    assert isinstance(refused, Errors)
    assert "ENCRYPTION_KEYS" in " ".join(refused.by_key.values())
    await pressed(locked, notice, by=MEMBER)
    assert await tokens.tools(TEAM, MEMBER) == []


async def test_the_longest_ids_fit_slacks_bounds_in_both_languages(
    door: Door, tokens: PluginTokens, town: Town
) -> None:
    for number in range(MAX_TOKENS + 3):  # two who were sent at once may make one too many
        await tokens.put(TEAM, MEMBER, f"{number:02}" + "x" * 126, token="x")
    for locale in ("en-US", "zh-CN"):
        town.people[MEMBER] = person(MEMBER, locale=locale)
        assert_notice_fits(await typed(door, "tokens", by=MEMBER))
    for language in Language:
        assert_fits(token_form("x" * 128, language=language))


async def test_where_no_token_goes_no_plugin_is_set_and_the_list_says_why(
    door: Door, office: Office, tokens: PluginTokens
) -> None:
    await put_app(office, "shop", base_url="https://shop.example/api/v1")
    await typed(door, "plugins crm")
    await tokens.put(TEAM, MEMBER, "crm", token="x")
    chosen = await typed(door, "app shop")
    assert "Left out: `plugins`. Tokens go only to Model Studio's addresses" in chosen.text
    refused = await typed(door, "plugins crm, mail")
    assert "`plugins` cannot be `crm, mail`: Tokens go only to" in refused.text
    notice = await typed(door, "tokens", by=MEMBER)
    kept, why = notice.text.splitlines()[2:5:2]
    assert kept == "- `crm`: kept"
    assert why.startswith("None goes along here. Tokens go only to Model Studio's addresses")
    assert (notice.buttons[0].action, notice.buttons[0].value) == ("token.add", "new")
    assert "Tokens go only to" in (await typed(door, "show")).text


async def test_in_direct_messages_the_workspaces_plugins_count(door: Door) -> None:
    await typed(door, "workspace plugins mail")
    assert "`mail`: used here" in (await typed(door, "tokens", by=MEMBER, channel_id=DIRECT)).text


async def test_who_has_tokens_for_what_is_in_no_trail(door: Door, tokens: PluginTokens) -> None:
    await sent(door, "crm", CANARY)
    await tokens.remove(TEAM, MEMBER, "crm")
    office = door._office
    assert await trail(office) == []
