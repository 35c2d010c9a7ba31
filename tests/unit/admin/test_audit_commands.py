"""The trail of changes, and taking them back."""

from dataclasses import replace

import pytest

from bot.admin.audit_commands import PAGE_ENTRIES
from bot.admin.door import Door
from bot.admin.memory_texts import NOT_THEIRS
from bot.admin.office import Office
from bot.core.screens import MAX_NOTICE_CHARS
from bot.core.setting import SETTINGS
from tests.unit.admin.desk import (
    ADMIN,
    CREATOR,
    DIRECT,
    MANAGER,
    MEMBER,
    TEAM,
    Town,
    Wall,
    caller,
    person,
    pressed,
    put_app,
    trail,
    typed,
    values,
)


async def test_an_entry_says_who_changed_what_when_and_where(door: Door, office: Office) -> None:
    await typed(door, "follow thread")
    await typed(door, "follow mention")
    text = (await typed(door, "audit")).text
    [newest, oldest] = await trail(office)
    assert (
        f"{newest.at:%Y-%m-%d %H:%M} UTC · <@{ADMIN}> · <#C1> · `follow` `thread` → `mention`"
        in text
    )
    assert text.index("`mention`") < text.index("not set")
    assert oldest.before == {}


async def test_the_trail_is_of_this_place_or_of_all(door: Door) -> None:
    await typed(door, "follow thread")
    await typed(door, "workspace language zh")
    assert "language" not in (await typed(door, "audit")).text
    assert "follow" not in (await typed(door, "workspace audit")).text
    everything = (await typed(door, "audit all")).text
    assert "language" in everything
    assert "follow" in everything


async def test_older_entries_are_one_press_away(door: Door) -> None:
    for number in range(1, PAGE_ENTRIES + 4):
        await typed(door, f"quota user turns {number}")
    first = await typed(door, "audit")
    assert first.text.count("<#C1> ·") == PAGE_ENTRIES
    assert [button.label for button in first.buttons] == ["Undo 1", "Older"]
    second = await pressed(door, first, button=1)
    assert second.text.count("<#C1> ·") == 3
    assert "not set → `1`" in second.text
    assert second.buttons == ()


async def test_a_page_is_exactly_full_without_a_button_to_nowhere(door: Door) -> None:
    for number in range(1, PAGE_ENTRIES + 1):
        await typed(door, f"quota user turns {number}")
    assert [button.action for button in (await typed(door, "audit")).buttons] == ["undo"]


async def test_the_newest_change_of_each_subject_has_its_button(door: Door, office: Office) -> None:
    await typed(door, "follow thread")
    await typed(door, "workspace language zh")
    await put_app(office, "Shop")
    await typed(door, "follow mention")
    page = await typed(door, "audit all")
    assert [button.label for button in page.buttons] == ["Undo 1", "Undo 2", "Undo 3"]
    await pressed(door, page, button=2)
    assert await values(office, "workspace") == {}


async def test_of_direct_messages_it_is_said_whose_when_somebody_else_changed_them(
    door: Door, office: Office
) -> None:
    await put_app(office, "Shop", is_open=True)
    await typed(door, "app shop", by=MEMBER, channel_id=DIRECT)
    assert f"<@{MEMBER}> · direct messages · `app`" in (await typed(door, "audit all")).text
    await pressed(door, await typed(door, "apps remove shop"))
    lost = f"<@{ADMIN}> · direct messages of <@{MEMBER}> · `app` `Shop` → not set"
    assert lost in (await typed(door, "audit all")).text


async def test_no_button_offers_to_undo_what_somebody_else_chose_for_themselves(
    door: Door, office: Office
) -> None:
    await put_app(office, "Shop", is_open=True)
    await typed(door, "follow thread")
    await typed(door, "app shop", by=MEMBER, channel_id=DIRECT)
    page = await typed(door, "audit all")
    assert [button.label for button in page.buttons] == ["Undo 2", "Undo 3"]
    assert "`follow` `thread` → not set" in (await pressed(door, page)).text
    own = await typed(door, "audit", by=MEMBER, channel_id=DIRECT)
    assert [button.label for button in own.buttons] == ["Undo 1"]


@pytest.mark.parametrize("text", ["audit", "audit all", "workspace audit"])
async def test_who_may_not_configure_does_not_read_the_trail(door: Door, text: str) -> None:
    await typed(door, "follow thread")
    assert "Only admins can see this" in (await typed(door, text, by=MEMBER)).text


async def test_a_forged_button_opens_nothing(door: Door, office: Office) -> None:
    await typed(door, "follow thread")
    for action, value in (
        ("audit", "workspace 9"),
        ("audit", "channel:C1 9"),
        ("audit", f"user:{ADMIN} 9"),
        ("undo", "1"),
        ("undo", "99"),
        ("undo", "-1"),
        ("undo", "' or 1"),
        ("reset", "channel:C1"),
        ("reset", "channel:C2"),
        ("reset", "galaxy"),
        ("nothing", ""),
    ):
        wall = Wall()
        await door.pressed(caller(MEMBER), action, value, screen=wall)
        assert "`thread`" not in wall.notices[0].text
    assert await values(office, "channel:C1") == {"follow": "thread"}


async def test_undo_takes_back_the_last_change_of_this_place(door: Door, office: Office) -> None:
    await typed(door, "follow thread")
    await typed(door, "workspace language zh")
    undone = await typed(door, "undo")
    assert "`follow` `thread` → not set" in undone.text
    assert await values(office, "channel:C1") == {}
    await typed(door, "workspace undo")
    assert await values(office, "workspace") == {}
    assert [entry.undoes is None for entry in await trail(office)] == [False, False, True, True]


async def test_undoing_twice_makes_the_change_again(door: Door, office: Office) -> None:
    await typed(door, "follow thread")
    await typed(door, "undo")
    await typed(door, "undo")
    assert await values(office, "channel:C1") == {"follow": "thread"}


async def test_there_may_be_nothing_to_undo_or_to_read(door: Door) -> None:
    assert "Nothing was changed here yet" in (await typed(door, "undo")).text
    assert "Nothing was changed here yet" in (await typed(door, "audit")).text


async def test_only_the_newest_change_of_a_subject_is_undone(door: Door, office: Office) -> None:
    first = await typed(door, "follow thread")
    await typed(door, "follow mention")
    assert "`/dashscope undo`" in (await pressed(door, first)).text
    assert await values(office, "channel:C1") == {"follow": "mention"}


async def test_a_change_is_undone_from_anywhere_by_who_may_change_its_place(
    door: Door, office: Office
) -> None:
    changed = await typed(door, "follow thread")
    assert "Nothing was changed" in (await pressed(door, changed, by=CREATOR, channel_id="C2")).text
    await pressed(door, changed, channel_id="C2")
    assert await values(office, "channel:C1") == {}


async def test_nobody_undoes_what_somebody_chose_for_themselves(door: Door, office: Office) -> None:
    await put_app(office, "Shop", is_open=True)
    chosen = await typed(door, "app shop", by=MEMBER, channel_id=DIRECT)
    assert "somebody else" in (await pressed(door, chosen)).text
    await pressed(door, chosen, by=MEMBER, channel_id=DIRECT)
    assert await values(office, f"user:{MEMBER}") == {}


async def test_an_app_that_is_gone_stands_in_the_way_of_no_other_undo(
    door: Door, office: Office
) -> None:
    gone = {"app": "Gone"}
    await office.storage.settings.change(
        TEAM, "channel:C1", values=gone, expected_version=0, by=ADMIN
    )
    changed = await typed(door, "follow thread")
    await pressed(door, changed)
    assert await values(office, "channel:C1") == gone


async def test_undo_brings_no_app_back_that_is_gone(door: Door, office: Office) -> None:
    shop = await put_app(office, "Shop")
    await typed(door, "app shop")
    dropped = await typed(door, "app inherit")
    await office.storage.apps.remove(TEAM, "Shop", expected_version=shop.version, by=ADMIN)
    refused = (await pressed(door, dropped)).text
    assert "The last change took the app `Shop` away" in refused
    assert await values(office, "channel:C1") == {}
    assert "`/dashscope workspace undo`" in refused
    await typed(door, "workspace undo")
    await typed(door, "undo")
    assert await values(office, "channel:C1") == {"app": "Shop"}


async def test_undo_says_whose_change_it_took_back(door: Door, town: Town) -> None:
    town.people[MEMBER] = person(MEMBER, is_admin=True)
    await typed(door, "follow thread", by=MEMBER)
    assert f"before <@{MEMBER}> changed it" in (await typed(door, "undo")).text
    assert f"<@{MEMBER}>" not in (await typed(door, "undo")).text


async def test_of_two_long_values_what_differs_is_shown(door: Door) -> None:
    await typed(door, "history messages")
    await typed(door, f"system {'Be kind. ' * 30}Never give discounts.")
    changed = await typed(door, f"system {'Be kind. ' * 30}Name no competitors.")
    for text in (changed.text, (await typed(door, "audit")).text):
        assert "Be kind. Never give discounts.` → `…" in text
        assert "Be kind. Name no competitors.`" in text


async def test_what_an_app_was_like_is_told_when_it_comes_and_goes(
    door: Door, office: Office
) -> None:
    shop = await put_app(office, "Shop", app_id="a1", kind="workflow", secret_name="hidden")
    await office.storage.apps.remove(TEAM, "Shop", expected_version=shop.version, by=ADMIN)
    text = (await typed(door, "workspace audit")).text
    for act in ("added", "removed"):
        assert f"app `Shop` {act}: `app_id` `a1`, `kind` `workflow`, `base_url` `https://" in text
    assert "hidden" not in text


async def test_undo_brings_no_closed_app_back_to_a_direct_message(
    door: Door, office: Office
) -> None:
    shop = await put_app(office, "Shop", is_open=True)
    await typed(door, "app shop", by=MEMBER, channel_id=DIRECT)
    dropped = await typed(door, "app inherit", by=MEMBER, channel_id=DIRECT)
    await office.storage.apps.put(
        TEAM, replace(shop, is_open=False), expected_version=shop.version, by=ADMIN
    )
    assert "not open" in (await pressed(door, dropped, by=MEMBER, channel_id=DIRECT)).text


async def test_adding_an_app_is_not_undone_while_it_is_chosen(door: Door, office: Office) -> None:
    await put_app(office, "Shop")
    [added] = await trail(office)
    await typed(door, "app shop")
    wall = Wall()
    await door.pressed(caller(), "undo", str(added.id), screen=wall)
    assert "cannot be undone" in wall.notices[0].text
    assert await office.storage.apps.get(TEAM, "Shop") is not None


async def test_a_change_whose_key_is_gone_is_not_undone(door: Door, office: Office) -> None:
    shop = await put_app(office, "Shop", secret_name="gone")
    await office.storage.apps.remove(TEAM, "Shop", expected_version=shop.version, by=ADMIN)
    assert "cannot be undone" in (await typed(door, "workspace undo")).text


async def test_a_memory_that_is_elsewhere_by_now_is_not_given_back(door: Door) -> None:
    await typed(door, f"memory id <@{MEMBER}> private M1")
    taken = await typed(door, f"memory id <@{MEMBER}> private none")
    await typed(door, f"memory id <@{MEMBER}> channels M1")
    assert (await pressed(door, taken)).text == NOT_THEIRS.en


async def test_an_apps_change_is_told_without_its_secret(door: Door, office: Office) -> None:
    await office.storage.secrets.put(TEAM, "hidden", "sk-secret")
    shop = await put_app(office, "Shop", options={"temperature": 0.5})
    keyed = replace(shop, secret_name="hidden", is_open=True)
    keyed = await office.storage.apps.put(TEAM, keyed, expected_version=shop.version, by=ADMIN)
    other = replace(keyed, secret_name="hidden2")
    other = await office.storage.apps.put(TEAM, other, expected_version=keyed.version, by=ADMIN)
    none = await office.storage.apps.put(
        TEAM, replace(other, secret_name=None), expected_version=other.version, by=ADMIN
    )
    await office.storage.apps.remove(TEAM, "Shop", expected_version=none.version, by=ADMIN)
    await typed(door, "workspace undo")
    text = (await typed(door, "workspace audit")).text
    assert "hidden" not in text
    assert "own key the bot's → kept" in text
    assert "own key kept → replaced" in text
    assert "own key kept → the bot's" in text
    assert "app `Shop` removed" in text
    assert "undo: app `Shop` added" in text
    assert "`is_open` `false` → `true`" in text


async def test_the_longest_entries_fit_into_a_notice(door: Door, office: Office) -> None:
    for number in range(12):
        everything = {key: [f"{number}` <!here> {key}" * 40] for key in SETTINGS}
        everything["managers"] = [f"U{number}{each:029}" for each in range(50)]
        await office.storage.settings.change(
            TEAM, "channel:C1", values=everything, expected_version=number, by=ADMIN
        )
    text = (await typed(door, "audit")).text
    assert len(text) <= MAX_NOTICE_CHARS
    assert text.count(", …") >= PAGE_ENTRIES
    assert "<!here>" not in text


async def test_an_entry_of_a_setting_of_another_release_is_still_told(
    door: Door, office: Office
) -> None:
    await office.storage.settings.change(
        TEAM, "channel:C1", values={"retired": {"a": 1}, "follow": 7}, expected_version=0, by=ADMIN
    )
    text = (await typed(door, "audit")).text
    assert '`retired` not set → `{"a": 1}`' in text
    assert "`7`" in text


async def test_managers_read_the_trail_of_their_channel_alone(door: Door, town: Town) -> None:
    await typed(door, f"managers <@{MANAGER}>")
    await typed(door, "workspace delegate on")
    assert f"<@{MANAGER}>" in (await typed(door, "audit", by=MANAGER)).text
    assert "Only admins" in (await typed(door, "audit all", by=MANAGER)).text
    town.people[MANAGER] = replace(person(MANAGER), is_deactivated=True)
    assert "Only admins" in (await typed(door, "audit", by=MANAGER)).text
