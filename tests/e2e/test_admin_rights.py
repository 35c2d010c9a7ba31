"""Who may change and see what: asked anew whenever it matters."""

from dataclasses import replace

import pytest
from desk import ADA, GUS, Desk, a_desk, inputs, words_of
from rig import ANN, BEN, BOT, PATIENT, Rig

from bot.admin import replies
from bot.playground.slack.faults import Fault, FaultKind
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import visible_text
from bot.slack.people import FRESH_TIMEOUT_S

BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"])


@pytest.fixture
def limits() -> Limits:
    """No limits: how the bot keeps them is another test's business."""
    return Limits(is_enforced=False)


@pytest.mark.parametrize(
    "text",
    [
        "follow thread",
        "workspace follow thread",
        f"managers <@{GUS}>",
        "reset all",
        "undo",
        "follow inherit",
        "apps add Shop app_id=a region=beijing",
        "apps remove Shop",
        "apps test default",
        "audit",
        "audit all",
        "audit csv",
    ],
)
@pytest.mark.parametrize("by", [BEN, GUS])
async def test_who_is_no_admin_changes_nothing_and_is_told_who_could(
    http_desk: Desk, text: str, by: str
) -> None:
    said = await http_desk.say(text, by=by)
    assert "admins" in said.lower()
    assert not await http_desk.trail()


async def test_a_guest_may_look_at_what_holds_but_not_at_what_the_workspace_wrote(
    http_desk: Desk,
) -> None:
    assert "`mention` — built-in" in await http_desk.say("follow", by=GUS)
    assert "**Status** of" in await http_desk.say("status", by=GUS)
    for text in ("show", "config", "apps", "system", "params", "more"):
        assert await http_desk.say(text, by=GUS) == replies.ONLY_OWN_PEOPLE.en


async def test_an_admin_who_is_none_any_more_changes_nothing(desk: Desk) -> None:
    told = await desk.type("follow thread")
    desk.change(ADA, is_admin=False)
    assert "You cannot change this channel's settings" in await desk.say("follow mention")
    pressed = visible_text(await desk.press(told, "Undo"))
    assert "You cannot change this channel's settings" in pressed
    assert await desk.values() == {"follow": "thread"}


@pytest.mark.parametrize("text", ["usage all", "audit all"])
async def test_an_admin_who_is_none_any_more_reads_what_is_everybodys_no_longer(
    http_desk: Desk, text: str
) -> None:
    assert "Only admins" not in await http_desk.say(text)
    http_desk.change(ADA, is_admin=False)
    assert "Only admins" in await http_desk.say(text)


async def test_a_member_becomes_an_admin_at_once(http_desk: Desk) -> None:
    await http_desk.type("follow thread", by=BEN)
    http_desk.change(BEN, is_owner=True)
    await http_desk.type("follow thread", by=BEN)
    assert await http_desk.values() == {"follow": "thread"}


async def test_people_the_operator_named_are_admins_everywhere(rig: Rig) -> None:
    async with a_desk(rig, admin_users=(BEN,)) as desk:
        await desk.type("workspace follow thread", by=BEN)
        assert await desk.values("workspace") == {"follow": "thread"}


async def test_a_closed_account_changes_nothing(http_desk: Desk) -> None:
    http_desk.change(ADA, deleted=True)
    await http_desk.type("workspace follow thread")
    assert not await http_desk.trail()


@BOTH
async def test_channels_configure_themselves_while_the_workspace_lets_them(
    http_desk: Desk,
) -> None:
    desk = http_desk
    await desk.type("follow thread", by=ANN)  # who made the channel
    assert await desk.values() == {}
    await desk.type("workspace delegate on")
    await desk.type("follow thread", by=ANN)
    await desk.type("memory off", by=BEN)  # not yet a manager
    assert await desk.values() == {"follow": "thread"}
    assert "Only admins can do this" in await desk.say(f"managers <@{BEN}>", by=ANN)
    await desk.type(f"managers <@{BEN}> <@{GUS}>")
    await desk.type("memory off", by=BEN)
    await desk.type("language zh", by=GUS)
    managed = {"follow": "thread", "memory": "off", "language": "zh", "managers": [BEN, GUS]}
    assert await desk.values() == managed
    assert "Only admins can do this" in await desk.say("workspace memory off", by=BEN)
    await desk.type("reset all", by=BEN)
    assert await desk.values() == {"managers": [BEN, GUS]}  # which only admins take away
    await desk.type("workspace delegate off")
    await desk.type("memory off", by=BEN)
    assert await desk.values() == {"managers": [BEN, GUS]}


async def test_in_direct_messages_one_chooses_an_open_app_and_nothing_else(desk: Desk) -> None:
    direct = desk.rig.slack.workspace.dm(BEN, BOT).channel_id
    await desk.type("apps add Open app_id=a1 region=beijing open=yes")
    await desk.type("apps add Closed app_id=a2 region=beijing")
    said = await desk.say("app Closed", by=BEN, channel=direct)
    assert "`Closed` is not open to everybody" in said
    assert "not set → `Open`" in await desk.say("app open", by=BEN, channel=direct)
    assert "only the app is your own choice" in await desk.say(
        "follow thread", by=BEN, channel=direct
    )
    assert await desk.values(f"user:{BEN}") == {"app": "Open"}
    assert "`Open` — your own choice" in await desk.say("status", by=BEN, channel=direct)
    assert "`default` — nobody chose" in await desk.say("status", by=BEN)


async def test_while_slack_cannot_say_who_somebody_is_nothing_changes(http_desk: Desk) -> None:
    await http_desk.type("show")  # their language is known by now
    http_desk.rig.slack.faults.add(Fault("users.info", FaultKind.STATUS, times=None))
    assert "Slack did not say in time who you are" in await http_desk.say("follow thread")
    http_desk.rig.slack.faults.clear()
    assert await http_desk.values() == {}


async def test_who_may_not_change_settings_reads_them_in_the_form(desk: Desk) -> None:
    await desk.type("follow thread")
    for text in ("config", "workspace config"):
        view = await desk.open(text, by=BEN)
        assert "You can look at these settings, but not change them" in words_of(view)
        assert not inputs(view)
        assert "submit" not in view.payload
    assert "Answers to: `Every message in its threads`" in words_of(
        await desk.open("config", by=BEN)
    )


@pytest.mark.parametrize("text", ["apps add", "apps edit Shop"])
async def test_who_is_no_admin_gets_no_form_of_an_app(http_desk: Desk, text: str) -> None:
    view = await http_desk.open(text, by=BEN)
    assert "Only admins can do this" in words_of(view)
    assert not inputs(view)


async def test_who_is_no_admin_any_more_saves_nothing(desk: Desk) -> None:
    for text, words in (
        ("config", "You cannot change this channel's settings"),
        ("workspace config", "Only admins can do this"),
    ):
        desk.change(ADA, is_admin=True)
        view = await desk.open(text)
        desk.change(ADA, is_admin=False)
        [said] = (await desk.refused(view, {"follow": "thread"})).values()
        assert words in said
    assert not await desk.trail()


async def test_who_became_an_admin_a_moment_ago_gets_every_form_and_list(http_desk: Desk) -> None:
    desk = http_desk
    for text in ("config", "workspace config", "apps add"):
        assert not inputs(await desk.open(text, by=BEN))
    assert "Only admins can see this" in await desk.say("audit all", by=BEN)
    desk.change(BEN, is_admin=True)
    for text in ("config", "workspace config", "apps add"):
        assert inputs(await desk.open(text, by=BEN))
    assert "Nothing was changed here yet" in await desk.say("audit all", by=BEN)


async def test_who_is_no_admin_any_more_saves_no_app(http_desk: Desk) -> None:
    view = await http_desk.open("apps add")
    http_desk.change(ADA, is_admin=False)
    [said] = (await http_desk.refused(view, {"name": "Shop", "app_id": "a"})).values()
    assert "Only admins can do this" in said
    assert not await http_desk.trail()


async def test_a_channels_maker_and_managers_save_its_form_while_they_may(desk: Desk) -> None:
    await desk.type("workspace delegate on")
    await desk.type(f"managers <@{BEN}>")
    of_maker = await desk.open("config", by=ANN)
    assert "managers" not in inputs(of_maker)
    await desk.save(of_maker, {"follow": "thread"})
    of_manager = await desk.open("config", by=BEN)
    await desk.save(of_manager, {"memory": "off"})
    assert await desk.values() == {"managers": [BEN], "follow": "thread", "memory": "off"}
    late = await desk.open("config", by=BEN)
    await desk.type("managers -")
    [said] = (await desk.refused(late, {"memory": "on"})).values()
    assert "You cannot change this channel's settings" in said


async def test_while_slack_cannot_say_who_somebody_is_a_form_stays(any_rig: Rig) -> None:
    any_rig.patience = replace(PATIENT, who_s=FRESH_TIMEOUT_S)
    async with a_desk(any_rig) as desk:
        view = await desk.open("config")
        desk.rig.slack.faults.add(Fault("users.info", FaultKind.HANG, times=None))
        [said] = (await desk.refused(view, {"follow": "thread"})).values()
        assert "Slack did not say in time who you are" in said
        desk.rig.slack.faults.clear()
        await desk.save(view, {"follow": "thread"})
