"""What follows from a change is said, however the change was made."""

from dataclasses import replace

import pytest

from bot.admin.consequences import MAX_PLACES
from bot.admin.door import Door
from bot.admin.office import Office
from bot.core.policy import ChannelInfo
from bot.core.screens import Notice
from storage.database import Storage
from tests.unit.admin.desk import (
    ADMIN,
    DEFAULT,
    TEAM,
    Town,
    channel,
    office_of,
    pressed,
    put_app,
    typed,
    values,
)

AS_WELL = "The workspace's quotas for each person hold here as well."
BESIDES = "For everybody in the whole workspace, besides what a channel sets"
FRESH = "fresh session"
INVITED = "type `/invite` <@UBOT>"
LEFT_OUT = "Left out from now on"
MEMORY_LEFT_OUT = "Left out: `memory`. Only agents remember people."
UNCOUNTED = "Quotas of tokens count nothing here"
WITHOUT_TOKENS = "nobody can give a token"
UNCOUNTED_THERE = "**From now on quotas of tokens count nothing** in "
FLOW_IS_MUTE = {"flow_stream_mode": "message_format"}


async def test_a_channel_whose_restriction_the_workspace_lifts_is_named(
    door: Door, office: Office
) -> None:
    await typed(door, "workspace kb KB1")
    await typed(door, 'filter {"audience": "public"}')
    lifted = await typed(door, "workspace kb inherit")
    assert f"**{LEFT_OUT}**, though set there: <#C1>: `filter`." in lifted.text
    assert LEFT_OUT not in (await pressed(door, lifted)).text
    assert LEFT_OUT in (await typed(door, "workspace undo")).text


async def test_a_channel_whose_restriction_another_app_of_the_workspace_lifts_is_named(
    door: Door, office: Office
) -> None:
    await put_app(office, "flow", kind="workflow")
    await typed(door, "kb KB1")
    assert "<#C1>: `kb`" in (await typed(door, "workspace app flow")).text
    assert LEFT_OUT not in (await typed(door, "workspace app inherit")).text


async def test_who_changes_the_kind_of_an_app_hears_what_is_left_out_where(
    door: Door, office: Office
) -> None:
    await put_app(office, "shop")
    await typed(door, "workspace app shop")
    await typed(door, 'workspace more {"model_id": "m"}')
    await typed(door, "kb KB1")
    changed = await typed(door, "apps edit shop kind=workflow")
    assert "the workspace: `more: model_id`; <#C1>: `kb`." in changed.text
    assert LEFT_OUT not in (await pressed(door, changed, button=1)).text


NOT_ALL = "Private channels share only where `shared` is set in them."
STAYS = "What is remembered here stays here all the same"


async def test_who_lets_the_whole_workspace_share_hears_that_private_channels_do_not(
    door: Door,
) -> None:
    assert NOT_ALL in (await typed(door, "workspace memory shared")).text
    assert NOT_ALL not in (await typed(door, "workspace memory separate")).text
    assert NOT_ALL in (await typed(door, "workspace undo")).text
    assert NOT_ALL not in (await typed(door, "workspace reply steps on")).text


@pytest.mark.parametrize("found", [replace(channel(), is_shared=True), None])
async def test_where_a_memory_can_be_shared_with_no_other_place_that_is_said(
    door: Door, town: Town, found: ChannelInfo | None
) -> None:
    town.channels["C1"] = found
    assert STAYS in (await typed(door, "memory shared")).text
    assert STAYS not in (await typed(door, "memory separate")).text


async def test_a_private_channel_that_is_set_to_share_shares(door: Door, town: Town) -> None:
    town.channels["C1"] = replace(channel(), is_private=True)
    said = (await typed(door, "memory shared")).text
    assert STAYS not in said
    assert NOT_ALL not in said


@pytest.mark.parametrize("use", ["on", "separate", "shared"])
async def test_where_the_app_remembers_nobody_a_memory_is_refused_and_may_only_be_off(
    door: Door, office: Office, use: str
) -> None:
    await put_app(office, "flow", kind="workflow")
    await typed(door, "app flow")
    refused = (await typed(door, f"memory {use}")).text
    assert f"`memory` cannot be `{use}`: Only agents remember people." in refused
    assert await values(office, "channel:C1") == {"app": "flow"}
    assert "off" in (await typed(door, "memory off")).text


async def test_who_chooses_an_app_that_remembers_nobody_hears_that_memory_is_left_out(
    door: Door, office: Office
) -> None:
    await put_app(office, "flow", kind="workflow")
    await typed(door, "memory separate")
    assert MEMORY_LEFT_OUT in (await typed(door, "app flow")).text
    assert "`memory`: Only agents remember people." in (await typed(door, "show")).text


async def test_a_workspace_chooses_for_its_agents_also_while_its_own_app_remembers_nobody(
    door: Door, office: Office
) -> None:
    await put_app(office, "flow", kind="workflow")
    await typed(door, "workspace app flow")
    chosen = (await typed(door, "workspace memory separate")).text
    assert "`separate`" in chosen
    assert MEMORY_LEFT_OUT not in chosen
    assert (await values(office, "workspace"))["memory"] == "separate"


async def test_of_many_places_the_first_are_named_and_the_others_counted(
    door: Door, office: Office
) -> None:
    await typed(door, "workspace kb KB1")
    for number in range(MAX_PLACES + 2):
        await office.storage.settings.change(
            TEAM, f"channel:C{number:02}", values={"tags": ["a"]}, expected_version=0, by=ADMIN
        )
    text = (await typed(door, "workspace kb inherit")).text
    assert text.count(": `tags`") == MAX_PLACES
    assert "and 2 more." in text


async def test_what_was_left_out_before_is_not_said_again(door: Door, office: Office) -> None:
    await put_app(office, "flow", kind="workflow")
    await typed(door, "kb KB1")
    assert "Left out: `kb`. Only for agent" in (await typed(door, "app flow")).text
    assert "Left out" not in (await typed(door, "follow thread")).text


@pytest.mark.parametrize(
    ("before", "change", "left_out"),
    [
        (["kb KB1"], "app flow", "`kb`. Only for agent; the app here is: workflow."),
        ([], "system Be brief.", "`system`. It is sent only while History is `messages`."),
        (
            ["history messages", "system Be brief."],
            "history off",
            "`system`. It is sent only while History is `messages`.",
        ),
        (
            ["kb KB1", "docs D1", "tags red"],
            "kb inherit",
            "`docs`, `tags`. This needs the knowledge bases it belongs to: set them",
        ),
    ],
)
async def test_what_is_left_out_is_said_with_its_own_reason(
    door: Door, office: Office, before: list[str], change: str, left_out: str
) -> None:
    await put_app(office, "flow", kind="workflow")
    for text in before:
        assert "Left out" not in (await typed(door, text)).text
    told = (await typed(door, change)).text
    assert told.count("Left out") == 1
    assert f"Left out: {left_out}" in told


async def test_what_is_left_out_for_different_reasons_is_told_apart(
    door: Door, office: Office
) -> None:
    await put_app(office, "flow", kind="workflow")
    for text in ("kb KB1", "docs D1", "history messages", "system Be brief."):
        await typed(door, text)
    told = (await typed(door, "app flow")).text
    for named in ("`kb`, `docs`. Only", "`history`. Only", "`system`. It"):
        assert f"Left out: {named}" in told


async def test_a_fresh_session_is_told_of_when_there_is_one(door: Door, office: Office) -> None:
    await put_app(office, "other")
    await put_app(office, "twin", app_id=DEFAULT.app_id)
    for text in ("app default", "app twin", "app inherit"):
        assert FRESH not in (await typed(door, text)).text
    chosen = await typed(door, "app other")
    assert FRESH in chosen.text
    assert FRESH in (await pressed(door, chosen)).text
    assert FRESH in (await typed(door, "apps edit other app_id=elsewhere")).text
    assert FRESH in (await typed(door, "workspace undo")).text
    assert FRESH not in (await typed(door, "apps edit other open=yes")).text


async def removed(door: Door, name: str) -> Notice:
    """Remove an app, wherever it is used."""
    return await pressed(door, await typed(door, f"apps remove {name}"))


async def test_who_removes_an_app_that_is_in_use_hears_what_follows_where_it_was(
    door: Door, office: Office
) -> None:
    await put_app(office, "letters", kind="workflow")
    for text in ("app letters", "params customer=Li", "ask sender", "kb none"):
        await typed(door, text)
    gone = await removed(door, "letters")
    assert "inherit theirs now: <#C1>" in gone.text
    assert FRESH in gone.text
    assert f"**{LEFT_OUT}**, though set there: <#C1>: `params`, `ask`." in gone.text
    back = await pressed(door, gone)
    assert "the choice of these places again: <#C1>" in back.text
    assert FRESH in back.text
    assert LEFT_OUT not in back.text


async def test_who_brings_a_removed_app_back_hears_what_is_left_out_with_it(
    door: Door, office: Office
) -> None:
    await put_app(office, "letters", kind="workflow")
    await typed(door, "workspace app letters")
    await typed(door, "app letters", channel_id="C2")
    gone = await removed(door, "letters")
    assert LEFT_OUT not in gone.text
    await typed(door, "kb KB1")
    await typed(door, "app default", channel_id="C2")
    back = await pressed(door, gone)
    assert "again: the workspace" in back.text
    assert f"**{LEFT_OUT}**, though set there: <#C1>: `kb`." in back.text


async def test_channels_that_had_the_removed_app_from_the_workspace_are_named(
    door: Door, office: Office
) -> None:
    await put_app(office, "letters", kind="workflow")
    await typed(door, "workspace app letters")
    await typed(door, "params customer=Li")
    assert "<#C1>: `params`" in (await removed(door, "letters")).text


async def test_an_app_removed_for_its_twin_or_used_nowhere_starts_no_fresh_session(
    door: Door, office: Office
) -> None:
    await put_app(office, "twin", app_id=DEFAULT.app_id)
    await put_app(office, "idle")
    await typed(door, "app twin")
    for name in ("twin", "idle"):
        gone = await removed(door, name)
        assert FRESH not in gone.text
        assert FRESH not in (await pressed(door, gone)).text


@pytest.mark.parametrize(
    "text", ["follow thread", "follow mention", "show", "status", "undo", "reset all"]
)
async def test_a_channel_the_bot_is_not_in_is_told_how_to_invite_it(
    door: Door, town: Town, text: str
) -> None:
    await typed(door, "follow mention")
    assert INVITED not in (await typed(door, text)).text
    await typed(door, "follow mention")
    town.channels["C1"] = replace(channel(), is_member=False)
    assert INVITED in (await typed(door, text)).text


@pytest.mark.parametrize("text", ["quota user tokens 5", "workspace quota channel tokens 5"])
async def test_a_quota_that_counts_nothing_with_an_app_says_so(
    door: Door, office: Office, text: str
) -> None:
    await put_app(office, "flow", kind="workflow", options=FLOW_IS_MUTE)
    await typed(door, "workspace app flow")
    assert UNCOUNTED in (await typed(door, text)).text
    for look in ("show", "status", "workspace show", "quota user tokens"):
        assert (UNCOUNTED in (await typed(door, look)).text) is (
            "workspace" not in look or "workspace" in text
        )
    assert UNCOUNTED not in (await typed(door, "follow thread")).text
    assert UNCOUNTED not in (await typed(door, "thoughts mode message_format_plus")).text
    assert UNCOUNTED not in (await typed(door, "status")).text
    assert UNCOUNTED in (await typed(door, "thoughts mode inherit")).text


@pytest.mark.parametrize(("keys", "is_said"), [((), True), (("k" * 32,), False)])
async def test_plugins_nobody_can_give_a_token_for_are_said_to_go_without(
    database: str, town: Town, keys: tuple[str, ...], is_said: bool
) -> None:
    async with Storage(database, keys=keys) as storage:
        door = Door(office_of(storage, town))
        for text in ("plugins maps mail", "plugins maps", "workspace plugins maps"):
            assert (WITHOUT_TOKENS in (await typed(door, text)).text) is is_said
        for text in ("follow thread", "plugins none", "plugins inherit"):
            assert WITHOUT_TOKENS not in (await typed(door, text)).text


@pytest.mark.parametrize(
    "change",
    [
        'apps edit flow options={"flow_stream_mode":"message_format"}',
        'apps edit flow options={"has_thoughts":false}',
        "apps edit flow kind=orchestration",
        "workspace thoughts mode message_format",
        "workspace thoughts off",
    ],
)
async def test_a_channel_whose_quota_a_change_made_elsewhere_voids_is_named(
    door: Door, office: Office, change: str
) -> None:
    await put_app(office, "flow", kind="workflow")
    await typed(door, "workspace app flow")
    await typed(door, "quota channel tokens 1000")
    told = await typed(door, change)
    assert f"{UNCOUNTED_THERE}<#C1>:" in told.text
    assert UNCOUNTED not in told.text
    assert UNCOUNTED in (await typed(door, "status")).text
    assert UNCOUNTED_THERE not in (await typed(door, "workspace follow thread")).text
    assert UNCOUNTED_THERE not in (await typed(door, "apps edit flow open=yes")).text


async def test_a_workspace_and_a_channel_that_count_tokens_no_more_are_both_named(
    door: Door, office: Office
) -> None:
    await put_app(office, "flow", kind="workflow")
    await typed(door, "workspace app flow")
    await typed(door, "workspace quota user tokens 1000")
    await typed(door, "app flow")
    changed = await typed(door, "apps edit flow kind=orchestration")
    assert f"{UNCOUNTED_THERE}the workspace; <#C1>:" in changed.text
    assert UNCOUNTED_THERE not in (await pressed(door, changed, button=1)).text
    assert UNCOUNTED_THERE in (await typed(door, "workspace undo")).text


async def test_a_channel_whose_quota_the_removal_of_its_app_voids_is_named(
    door: Door, office: Office
) -> None:
    await put_app(office, "flow", kind="workflow", options=FLOW_IS_MUTE)
    await put_app(office, "agent", kind="agent")
    await typed(door, "workspace app flow")
    await typed(door, "workspace quota user tokens 5")
    await typed(door, "app agent")
    told = await pressed(door, await typed(door, "apps remove agent"))
    assert f"{UNCOUNTED_THERE}<#C1>:" in told.text


async def test_a_channel_that_counts_as_the_workspace_does_is_not_named_besides_it(
    door: Door, office: Office
) -> None:
    await put_app(office, "flow", kind="workflow", options=FLOW_IS_MUTE)
    await typed(door, "follow thread")
    await typed(door, "workspace app flow")
    told = (await typed(door, "workspace quota user tokens 5")).text
    assert UNCOUNTED in told
    assert UNCOUNTED_THERE not in told


@pytest.mark.parametrize("unit", ["turns", "tokens"])
async def test_a_workspaces_quota_for_each_person_is_said_to_hold_besides_a_channels(
    door: Door, unit: str
) -> None:
    changed = await typed(door, f"workspace quota user {unit} 1")
    assert BESIDES in changed.text
    assert "wherever nothing else is set" not in changed.text
    assert BESIDES in (await pressed(door, changed)).text
    for other in (f"quota channel {unit} 1", "follow thread"):
        assert BESIDES not in (await typed(door, f"workspace {other}")).text


async def test_what_else_is_taken_away_with_a_quota_holds_as_ever(door: Door) -> None:
    await typed(door, "workspace quota user turns 1")
    await typed(door, "workspace follow thread")
    told = (await typed(door, "workspace reset all")).text
    assert "wherever nothing else is set" in told
    assert "hold besides what a channel sets" in told


@pytest.mark.parametrize("limit", ["3", "off"])
async def test_a_channels_quota_for_each_person_does_not_lift_the_workspaces_and_says_so(
    door: Door, limit: str
) -> None:
    assert AS_WELL not in (await typed(door, "quota user turns 4")).text
    await typed(door, "workspace quota user turns 1")
    assert AS_WELL in (await typed(door, f"quota user turns {limit}")).text
    assert AS_WELL in (await typed(door, f"quota user tokens {limit}")).text
    for text in ("quota channel turns 3", "follow thread", "workspace quota user turns 2"):
        assert AS_WELL not in (await typed(door, text)).text
    await typed(door, "workspace quota user turns off")
    assert AS_WELL not in (await typed(door, "quota user turns 5")).text


@pytest.mark.parametrize(
    "text",
    [
        'more {"temperture": 0.3}',
        'apps add odd app_id=a region=beijing options={"temperture": 0.3}',
    ],
)
async def test_a_field_nobody_knows_is_passed_on_with_a_warning(door: Door, text: str) -> None:
    assert (
        "do not know the field `temperture`, and pass it on as it is. Did you mean `temperature`?"
        in (await typed(door, text)).text
    )
    assert "do not know" not in (await typed(door, "follow thread")).text
    assert "do not know" not in (await typed(door, 'more {"temperature": 0.3}')).text
    assert "pass it on as it is. If" in (await typed(door, 'more {"zzzz": 1}')).text


async def test_a_field_nobody_knows_that_is_kept_out_is_not_said_to_be_passed_on(
    door: Door,
) -> None:
    told = (await typed(door, 'more {"temperture": null}')).text
    assert "`temperture`, which is not to be sent here. Did you mean `temperature`?" in told
    assert "pass it on" not in told
    assert "do not know" not in (await typed(door, 'more {"temperture": null, "seed": 1}')).text
    assert "pass it on" in (await typed(door, 'more {"temperture": 1}')).text
