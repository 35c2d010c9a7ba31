"""Setting values with commands: who may, what is said, and that it can be taken back."""

from dataclasses import replace
from typing import Any

import pytest

from bot.admin.door import Door
from bot.admin.exports import audit_csv
from bot.admin.office import Office
from bot.core.setting import SETTINGS
from tests.unit.admin.desk import (
    ADMIN,
    CREATOR,
    DIRECT,
    MANAGER,
    MEMBER,
    NAMED,
    TEAM,
    Town,
    channel,
    person,
    pressed,
    put_app,
    trail,
    typed,
    values,
)


async def test_a_change_tells_what_where_for_whom_and_from_when(door: Door, office: Office) -> None:
    notice = await typed(door, "follow thread")
    assert "`follow`" in notice.text
    assert "not set → `thread`" in notice.text
    assert "<#C1>, for everybody there, from the next message on" in notice.text
    assert await values(office, "channel:C1") == {"follow": "thread"}
    assert "`thread` → `mention`" in (await typed(door, "follow mention")).text


async def test_workspace_in_front_changes_the_defaults_of_the_workspace(
    door: Door, office: Office
) -> None:
    notice = await typed(door, "workspace follow thread")
    assert "whole workspace" in notice.text
    assert await values(office, "workspace") == {"follow": "thread"}
    assert await values(office, "channel:C1") == {}


async def test_undo_under_a_change_takes_it_back(door: Door, office: Office) -> None:
    await typed(door, "follow thread")
    changed = await typed(door, "follow mention")
    undone = await pressed(door, changed)
    assert "Put back" in undone.text
    assert await values(office, "channel:C1") == {"follow": "thread"}
    assert "`mention`" in (await pressed(door, undone)).text
    assert await values(office, "channel:C1") == {"follow": "mention"}


async def test_a_value_is_taken_away_and_the_inherited_one_holds(
    door: Door, office: Office
) -> None:
    await typed(door, "workspace follow thread")
    await typed(door, "follow mention")
    assert "`mention` → not set" in (await typed(door, "follow default")).text
    assert await values(office, "channel:C1") == {}
    assert "`thread` — workspace" in (await typed(door, "follow")).text


@pytest.mark.parametrize("key", [key for key, s in SETTINGS.items() if s.can_be_none])
async def test_none_is_a_value_of_its_own_and_inherit_takes_it_away_again(
    door: Door, office: Office, key: str
) -> None:
    command = SETTINGS[key].command
    assert "not set → `none`" in (await typed(door, f"{command} off")).text
    assert await values(office, "channel:C1") == {key: "none"}
    assert "`none` — this channel" in (await typed(door, command)).text
    assert "is `none` already" in (await typed(door, f"{command} none")).text
    taken = await typed(door, f"{command} inherit")
    assert "`none` → not set" in taken.text
    assert await values(office, "channel:C1") == {}
    assert "not set → `none`" in (await pressed(door, taken)).text
    assert await values(office, "channel:C1") == {key: "none"}
    listed = (await typed(door, "audit")).text
    assert f"`{command}` not set → `none`" in listed
    assert f"`{command}` `none` → not set" in listed
    exported = (await audit_csv(office.storage.audit, TEAM)).content.decode()
    assert exported.count(f'""{key}"": ""none""') == 3


async def test_what_needs_what_there_is_none_of_any_more_is_told(
    door: Door, office: Office
) -> None:
    for text in ("workspace kb KB1", "tags red"):
        await typed(door, text)
    notice = await typed(door, "kb none")
    assert "Left out: `tags`. This needs the knowledge bases" in notice.text
    assert "needs the knowledge bases" in (await typed(door, "docs FILE1")).text
    assert set(await values(office, "channel:C1")) == {"tags", "pipeline_ids"}


async def test_where_the_workspace_has_none_channels_that_relied_on_it_are_named(
    door: Door, office: Office
) -> None:
    await put_app(office, "Shop", options={"pipeline_ids": ["KB9"]})
    for text in ("workspace app shop", "tags red"):
        await typed(door, text)
    notice = await typed(door, "workspace kb none")
    assert "Left out from now on" in notice.text
    assert "<#C1>: `tags`" in notice.text


async def test_a_misspelt_setting_is_answered_with_the_one_that_can_be_none(door: Door) -> None:
    assert "`/dashscope tags none`" in (await typed(door, "tgas none")).text


async def test_a_value_that_holds_already_changes_nothing(door: Door, office: Office) -> None:
    await typed(door, "follow thread")
    again = await typed(door, "follow thread")
    assert "already" in again.text
    assert not again.buttons
    assert "already" in (await typed(door, "language -")).text
    assert len(await trail(office)) == 1


@pytest.mark.parametrize("text", ["follow thread", "workspace follow thread", "reset all"])
async def test_a_member_changes_nothing_and_hears_who_can(
    door: Door, office: Office, text: str
) -> None:
    notice = await typed(door, text, by=MEMBER)
    assert "admins" in notice.text
    assert "Nothing was changed" in notice.text
    assert await trail(office) == []


async def test_somebody_the_operator_named_is_an_admin(door: Door, office: Office) -> None:
    await typed(door, "workspace follow thread", by=NAMED)
    assert await values(office, "workspace") == {"follow": "thread"}


@pytest.mark.parametrize(
    "text",
    [
        "follow thread",
        "workspace follow thread",
        "managers inherit",
        "apps add shop app_id=a region=beijing",
        "reset all",
        "undo",
        "audit",
        "audit csv",
    ],
)
async def test_an_admin_of_whom_slack_tells_nothing_hears_which_scope_may_be_missing(
    door: Door, office: Office, town: Town, text: str
) -> None:
    town.people |= dict.fromkeys((ADMIN, NAMED))
    assert "lack the scope `users:read`" in (await typed(door, text)).text
    assert "users:read" not in (await typed(door, text, by=NAMED)).text
    assert {entry.user_id for entry in await trail(office)} <= {NAMED}


async def test_creators_and_managers_configure_their_channel_only_where_delegated(
    door: Door, office: Office
) -> None:
    await typed(door, f"managers <@{MANAGER}|mia>")
    for by in (CREATOR, MANAGER):
        assert "Nothing was changed" in (await typed(door, "follow thread", by=by)).text
    await typed(door, "workspace delegate on")
    await typed(door, "follow thread", by=CREATOR)
    await typed(door, "reply steps on", by=MANAGER)
    assert await values(office, "channel:C1") == {
        "managers": [MANAGER],
        "follow": "thread",
        "steps": True,
    }
    refused = await typed(door, "workspace follow thread", by=MANAGER)
    assert "Only admins" in refused.text


async def test_whoever_names_managers_hears_when_they_can_do_nothing_yet(door: Door) -> None:
    waits = "`/dashscope workspace delegate on`"
    assert waits in (await typed(door, f"managers <@{MANAGER}>")).text
    assert waits not in (await typed(door, "follow thread")).text
    assert waits not in (await typed(door, "managers inherit")).text
    await typed(door, "workspace delegate on")
    assert waits not in (await typed(door, f"managers <@{MANAGER}>")).text


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"is_bot": True}, "`@Umember`"),
        ({"is_deactivated": True}, "`@Umember`"),
        ({"team_id": "T2", "name": ""}, "`UMEMBER`"),
        (None, "`UMEMBER`"),
    ],
)
async def test_only_people_of_the_workspace_whom_slack_tells_of_are_named_managers(
    door: Door, office: Office, town: Town, facts: dict[str, Any] | None, named: str
) -> None:
    town.people[MEMBER] = None if facts is None else replace(person(MEMBER), **facts)
    refused = await typed(door, f"managers <@{MANAGER}> <@{MEMBER}>")
    assert f"`managers` cannot be {named}: Only people of this workspace" in refused.text
    assert await values(office, "channel:C1") == {}


async def test_a_manager_neither_appoints_nor_dismisses_managers(
    door: Door, office: Office
) -> None:
    await typed(door, f"managers <@{MANAGER}>")
    await typed(door, "workspace delegate on")
    await typed(door, "follow thread", by=MANAGER)
    assert "Only admins" in (await typed(door, f"managers <@{MEMBER}>", by=MANAGER)).text
    assert "Only admins" in (await typed(door, "managers -", by=MANAGER)).text
    await typed(door, "reset all", by=MANAGER)
    assert await values(office, "channel:C1") == {"managers": [MANAGER]}


@pytest.mark.parametrize("quota", [key for key in SETTINGS if key.startswith("quota_")])
async def test_a_manager_lifts_no_quota(door: Door, office: Office, quota: str) -> None:
    command = SETTINGS[quota].command
    await typed(door, f"managers <@{MANAGER}>")
    await typed(door, "workspace delegate on")
    await typed(door, f"{command} 5")
    assert "Only admins" in (await typed(door, f"{command} 500", by=MANAGER)).text
    assert "Only admins" in (await typed(door, f"{command} off", by=MANAGER)).text
    assert "Only admins" in (await typed(door, "undo", by=MANAGER)).text
    await typed(door, "reset all", by=MANAGER)
    assert (await values(office, "channel:C1"))[quota] == 5


async def test_a_manager_does_not_undo_the_choice_of_managers(door: Door, office: Office) -> None:
    await typed(door, "workspace delegate on")
    await typed(door, f"managers <@{MANAGER}>")
    dismissed = await typed(door, f"managers <@{MEMBER}>")
    await typed(door, f"managers <@{MANAGER}> <@{MEMBER}>")
    last = await typed(door, f"managers <@{MEMBER}> <@{CREATOR}>")
    assert dismissed.buttons
    assert "Only admins" in (await typed(door, "undo", by=MEMBER)).text
    assert "Only admins" in (await pressed(door, last, by=CREATOR)).text
    assert await values(office, "channel:C1") == {"managers": [MEMBER, CREATOR]}


async def test_who_somebody_is_is_asked_anew_at_every_change_and_press(
    door: Door, town: Town
) -> None:
    changed = await typed(door, "follow thread")
    assert town.asked_fresh == [ADMIN]
    town.people[ADMIN] = person(ADMIN)
    assert "Nothing was changed" in (await pressed(door, changed)).text
    assert "Nothing was changed" in (await typed(door, "follow mention")).text


async def test_nothing_is_changed_while_slack_does_not_say_who_asks(
    door: Door, town: Town, office: Office
) -> None:
    changed = await typed(door, "follow thread")
    town.is_away = True
    assert "nothing was changed" in (await typed(door, "follow mention")).text
    assert "nothing was changed" in (await pressed(door, changed)).text
    assert "`thread`" in (await typed(door, "follow")).text
    assert await values(office, "channel:C1") == {"follow": "thread"}


async def test_without_the_scope_only_those_the_operator_named_change_things(
    door: Door, town: Town, office: Office
) -> None:
    town.people = {}
    assert "Nothing was changed" in (await typed(door, "follow thread")).text
    await typed(door, "follow thread", by=NAMED)
    assert await values(office, "channel:C1") == {"follow": "thread"}


async def test_admins_of_another_workspace_change_nothing(
    door: Door, town: Town, office: Office
) -> None:
    town.people[ADMIN] = replace(person(ADMIN, is_admin=True), team_id="T2")
    assert "Nothing was changed" in (await typed(door, "follow thread")).text
    assert await trail(office) == []


async def test_a_wrong_value_is_refused_with_the_reason(door: Door, office: Office) -> None:
    assert "`mention`" in (await typed(door, "follow sometimes")).text
    refused = await typed(door, "kb a b c d e f")
    assert "5" in refused.text
    broken = await typed(door, 'filter {"a": }')
    assert "column" in broken.text
    assert await trail(office) == []


async def test_a_reason_repeats_nothing_that_does_something_in_slack(door: Door) -> None:
    refused = await typed(door, 'more {"a &lt;!channel&gt; ` &lt;!here&gt;": 1}')
    assert "Nothing was changed" in refused.text
    assert "<!channel>" not in refused.text
    assert "<!here>" not in refused.text


async def test_a_value_the_kind_of_app_does_not_know_is_refused(door: Door, office: Office) -> None:
    await put_app(office, "flow", kind="workflow")
    await typed(door, "app flow")
    assert "agent" in (await typed(door, "kb KB1")).text
    assert "`messages`" in (await typed(door, "history messages")).text
    assert await values(office, "channel:C1") == {"app": "flow"}


async def test_a_value_that_needs_another_one_is_refused_without_it(
    door: Door, office: Office
) -> None:
    assert "`kb`" in (await typed(door, "docs FILE1")).text
    await typed(door, "kb KB1")
    assert "`FILE1`" in (await typed(door, "docs FILE1")).text
    assert set(await values(office, "channel:C1")) == {"pipeline_ids", "file_ids"}


async def test_choosing_an_app_says_that_sessions_start_fresh_and_what_is_left_out(
    door: Door, office: Office
) -> None:
    await put_app(office, "Flow", kind="workflow")
    await typed(door, "kb KB1")
    notice = await typed(door, "app FLOW")
    assert "`Flow`" in notice.text
    assert "fresh session" in notice.text
    assert "Left out: `kb`. Only for agent" in notice.text
    assert "left out" in (await typed(door, "show")).text


async def test_an_app_nobody_registered_is_refused_with_the_closest_name(
    door: Door, office: Office
) -> None:
    assert "There are: `default`" in (await typed(door, "app shop")).text
    await put_app(office, "Shop")
    assert "`/dashscope app Shop`" in (await typed(door, "app shopp")).text
    assert "`/dashscope workspace app Shop`" in (await typed(door, "workspace app shopp")).text
    assert await values(office, "channel:C1") == {}


async def test_people_choose_open_apps_for_their_direct_messages_and_admins_any(
    door: Door, office: Office
) -> None:
    await put_app(office, "Shop", is_open=True)
    await put_app(office, "Secret")
    chosen = await typed(door, "app shop", by=MEMBER, channel_id=DIRECT)
    assert "for you alone" in chosen.text
    assert await values(office, f"user:{MEMBER}") == {"app": "Shop"}
    assert "not open" in (await typed(door, "app secret", by=MEMBER, channel_id=DIRECT)).text
    unknown = await typed(door, "app secre", by=MEMBER, channel_id=DIRECT)
    assert "Secret" not in unknown.text
    await typed(door, "app secret", by=ADMIN, channel_id=DIRECT)
    assert await values(office, f"user:{ADMIN}") == {"app": "Secret"}


async def test_in_a_direct_message_nothing_but_the_app_is_ones_own(
    door: Door, office: Office
) -> None:
    notice = await typed(door, "follow thread", channel_id=DIRECT)
    assert "`/dashscope workspace follow …`" in notice.text
    await typed(door, "workspace follow thread", channel_id=DIRECT)
    assert await values(office, "workspace") == {"follow": "thread"}
    assert "`thread` — workspace" in (await typed(door, "follow", channel_id=DIRECT)).text


async def test_a_setting_of_another_level_says_where_it_belongs(door: Door) -> None:
    assert "belongs to a channel" in (await typed(door, f"workspace managers <@{MANAGER}>")).text
    assert "belongs to a channel" in (await typed(door, "managers -", channel_id=DIRECT)).text
    assert "`/dashscope workspace delegate …`" in (await typed(door, "delegate on")).text


async def test_a_channel_the_bot_is_not_in_is_told_how_to_invite_it(door: Door, town: Town) -> None:
    assert "/invite" not in (await typed(door, "follow thread")).text
    town.channels["C1"] = channel(is_member=False)
    assert "`/invite` <@UBOT>" in (await typed(door, "follow thread")).text
    town.channels["C1"] = None
    assert "`/invite` <@UBOT>" in (await typed(door, "follow mention")).text
    assert "/invite" not in (await typed(door, "workspace follow thread")).text


async def test_reset_takes_one_value_or_all_of_them_away(door: Door, office: Office) -> None:
    assert "nothing to take away" in (await typed(door, "reset")).text
    for text in ("follow thread", "language zh", "reply steps on"):
        await typed(door, text)
    await typed(door, "reset follow")
    assert await values(office, "channel:C1") == {"language": "zh", "steps": True}
    offered = await typed(door, "reset")
    assert "`language`, `reply steps`" in offered.text
    assert offered.buttons[0].confirm
    gone = await pressed(door, offered)
    assert "`language` `zh` → not set" in gone.text
    assert await values(office, "channel:C1") == {}
    await pressed(door, gone)
    assert await values(office, "channel:C1") == {"language": "zh", "steps": True}
    assert "nothing to take away" in (await typed(door, "workspace reset all")).text


async def test_somebody_else_being_faster_is_no_reason_to_give_up(
    door: Door, office: Office
) -> None:
    rival = Rival(office, times=2)
    office = replace(office, storage=rival)  # type: ignore[arg-type]
    await typed(Door(office), "follow thread")
    assert await values(office, "channel:C1") == {"quota_user_turns": 2, "follow": "thread"}


async def test_who_is_always_too_late_hears_of_it(door: Door, office: Office) -> None:
    rival = Rival(office, times=100)
    notice = await typed(Door(replace(office, storage=rival)), "follow thread")  # type: ignore[arg-type]
    assert "nothing was changed" in notice.text
    assert "follow" not in await values(office, "channel:C1")


class Rival:
    """A storage in which somebody else changes the settings just before each change."""

    def __init__(self, office: Office, *, times: int) -> None:
        self.secrets, self.apps, self.audit = (
            office.storage.secrets,
            office.storage.apps,
            office.storage.audit,
        )
        self._real, self._times = office.storage.settings, times
        self._count = 0
        self.settings = self

    async def get(self, team_id: str, *scopes: str) -> object:
        return await self._real.get(team_id, *scopes)

    async def change(self, team_id: str, scope: str, **change: object) -> object:
        if self._count < self._times:
            self._count += 1
            stored = (await self._real.get(team_id, scope))[scope]
            await self._real.change(
                team_id,
                scope,
                values={**stored.values, "quota_user_turns": self._count},
                expected_version=stored.version,
                by=NAMED,
            )
        return await self._real.change(team_id, scope, **change)  # type: ignore[arg-type]


async def test_an_offer_to_reset_counts_only_where_it_was_made(door: Door, office: Office) -> None:
    """A notice that Slack does not take in its channel goes to the caller's direct messages."""
    await typed(door, "follow thread")
    await typed(door, "app default", channel_id=DIRECT)
    offered = await typed(door, "reset")
    answer = await pressed(door, offered, channel_id=DIRECT)
    assert "does nothing any more" in answer.text
    assert await values(office, f"user:{ADMIN}") == {"app": "default"}
    assert await values(office, "channel:C1") == {"follow": "thread"}


@pytest.mark.parametrize("typed_in", ['more {"api_key": "KEY"}', "kb KEY", "app KEY", "system KEY"])
async def test_a_key_that_is_typed_into_a_setting_is_neither_kept_nor_repeated(
    door: Door, office: Office, typed_in: str
) -> None:
    key = "sk-0123456789abcdef0123"
    notice = await typed(door, typed_in.replace("KEY", key))
    assert "looks like a key" in notice.text
    assert key not in notice.text
    assert not await trail(office)
