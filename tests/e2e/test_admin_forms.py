"""The forms of settings: opened, filled in, refused at the right field, kept apart, forged."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from desk import (
    ADA,
    GUS,
    HERE,
    LIN,
    Desk,
    a_desk,
    assert_in_time,
    holds,
    inputs,
    offers,
    suggests,
    words_of,
)
from rig import ANN, BEN, BOT, PATIENT, PUBLIC, WITHIN_S, Rig

from bot.admin.appointing import UNTOLD
from bot.core.language import Language
from bot.core.setting import SETTINGS, Level
from bot.playground.slack.faults import Fault, FaultKind
from bot.playground.slack.filling import Given
from bot.playground.slack.limits import Limits
from bot.slack.reception import Patience

BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"])
INHERIT = "(inherit)"
SLACK_WAITS_S = 3.0
"""For what becomes of a form (docs.slack.dev, "Modals")."""
FILLED: Given = {
    "app": "default",
    "has_thoughts": "on",
    "plugins": "tool_1",
    "system": "Be brief.",
    "more": '{"temperature": 0.3}',
    "pipeline_ids": "KB1\nKB2",
    "file_ids": "F1, F2",
    "tags": 'red "two words"',
    "metadata_filter": '{\n  "author": "Ann"\n}',
    "structured_filter": '{"price": "9"}',
    "biz_params": '{"user_prompt_params": {"city": "Paris"}}',
    "history": "messages",
    "follow": "thread",
    "memory": "separate",
    "language": "zh",
    "sources": "off",
    "steps": "on",
    "who": ["members", "guests"],
    "managers": [BEN, GUS],
    "quota_user_turns": "5",
    "quota_user_tokens": "1,000",
    "quota_channel_turns": "off",
    "quota_channel_tokens": "7",
}
STORED = {
    "app": "default",
    "has_thoughts": True,
    "plugins": ["tool_1"],
    "system": "Be brief.",
    "more": {"temperature": 0.3},
    "pipeline_ids": ["KB1", "KB2"],
    "file_ids": ["F1", "F2"],
    "tags": ["red", "two words"],
    "metadata_filter": {"author": "Ann"},
    "structured_filter": {"price": "9"},
    "biz_params": {"user_prompt_params": {"city": "Paris"}},
    "history": "messages",
    "follow": "thread",
    "memory": "separate",
    "language": "zh",
    "sources": False,
    "steps": True,
    "who": ["members", "guests"],
    "managers": [BEN, GUS],
    "quota_user_turns": 5,
    "quota_user_tokens": 1000,
    "quota_channel_turns": "off",
    "quota_channel_tokens": 7,
}

WRONG: Mapping[str, tuple[str, str]] = {
    "pipeline_ids": ("1 2 3 4 5 6", "5"),
    "file_ids": ("F1", "needs the knowledge bases"),
    "tags": ('"open', "quotation mark"),
    "metadata_filter": ('{\n  "author" "Ann"\n}', "Line 2, column 12"),
    "structured_filter": ("[1, 2]", "object"),
    "biz_params": ("city=Paris", "An agent takes only"),
    "flow_stream_mode": ("full_thoughts", "Only for workflow"),
    "more": ('{"prompt": "x"}', "`prompt`"),
    "quota_user_turns": ("abc", "Type a whole number such as `100`, or `off`"),
    "quota_channel_tokens": ("0", "A whole number from 1"),
}
"""What cannot be entered, and words of what then stands under the input."""


@pytest.fixture
def limits() -> Limits:
    """No limits: how the bot keeps them is another test's business."""
    return Limits(is_enforced=False)


# opening


@pytest.mark.parametrize(
    ("text", "by", "title", "moment"),
    [
        ("config", ADA, "Channel settings", "One moment…"),
        ("config", LIN, "频道设置", "请稍候……"),
        ("workspace config", ADA, "Workspace settings", "One moment…"),
        ("workspace config", LIN, "工作区设置", "请稍候……"),
        ("apps add", ADA, "Add an app", "One moment…"),
        ("apps add", LIN, "添加应用", "请稍候……"),
    ],
)
async def test_a_form_opens_at_once_and_is_filled_then(
    desk: Desk, text: str, by: str, title: str, moment: str
) -> None:
    view = await desk.open(text, by=by)
    [opened] = desk.rig.slack.journal.of("views.open")
    first = opened.arguments["view"]
    assert first["title"]["text"] == view.payload["title"]["text"] == title
    assert moment in str(first["blocks"])
    assert "submit" not in first
    assert "submit" in view.payload
    assert inputs(view)


async def test_a_form_has_every_setting_of_its_level(http_desk: Desk) -> None:
    for text, level in (("config", Level.CHANNEL), ("workspace config", Level.WORKSPACE)):
        view = await http_desk.open(text)
        assert inputs(view).keys() == {k for k, s in SETTINGS.items() if level in s.levels}


async def test_a_form_names_what_is_inherited_and_from_where(desk: Desk) -> None:
    await desk.type("workspace follow thread")
    await desk.type("workspace kb KB1")
    await desk.type("workspace quota user turns 5")
    await desk.type("workspace quota channel tokens 9")
    view = await desk.open("config")
    assert offers(view, "follow")[INHERIT] == "Inherit (workspace: Every message in its threads)"
    assert offers(view, "memory")[INHERIT] == "Inherit (built in: On)"
    assert offers(view, "app")[INHERIT] == "Inherit (built in: default)"
    assert offers(view, "has_thoughts")[INHERIT] == "Inherit (the app's own)"
    assert suggests(view, "pipeline_ids") == "Inherited (workspace): KB1"
    assert suggests(view, "quota_user_turns") == "The workspace's own holds besides: 5"
    assert suggests(view, "quota_channel_tokens") == "Inherited (workspace): 9"
    assert {holds(view, key) for key in inputs(view)} == {"", INHERIT}
    chinese = await desk.open("config", by=LIN)
    assert suggests(chinese, "pipeline_ids") == "继承（工作区）：KB1"


async def test_a_form_that_slack_did_not_open_in_time_is_told_of(desk: Desk) -> None:
    fault = Fault("views.open", FaultKind.ERROR, error="expired_trigger_id")
    desk.rig.slack.faults.add(fault)
    assert "window for opening a form passed" in await desk.say("config")


async def test_a_form_that_is_closed_before_it_is_filled_is_let_go(http_desk: Desk) -> None:
    slack = http_desk.rig.slack
    slack.faults.add(Fault("views.update", FaultKind.SLOW, delay_s=2.0))
    await slack.command(ADA, PUBLIC, "config")
    view = await slack.until(lambda: http_desk.modal(ADA), timeout_s=WITHIN_S)
    await slack.people.close_view(view)
    line = await http_desk.log.until("form.closed")
    assert line["user_id"] == ADA


# saving


@BOTH
async def test_a_form_that_is_saved_is_stored_told_and_noted_once(desk: Desk) -> None:
    told = await desk.save(await desk.open("config"), FILLED)
    assert await desk.values() == STORED
    [entry] = await desk.trail()
    assert (entry.user_id, entry.scope, entry.after) == (ADA, HERE, STORED)
    assert f"In <#{PUBLIC}>, for everybody there" in told
    for key in STORED:
        assert f"`{SETTINGS[key].command}` not set → " in told
    again = await desk.open("config")
    assert {key: holds(again, key) for key in ("follow", "sources", "app")} == {
        "follow": "thread",
        "sources": "off",
        "app": "default",
    }
    assert holds(again, "pipeline_ids") == "KB1, KB2"
    assert await desk.save(again, {}) == "Saved; nothing was different."
    assert len(await desk.trail()) == 1
    await desk.type("undo")
    assert await desk.values() == {}


async def test_what_is_emptied_or_inherited_is_taken_away(http_desk: Desk) -> None:
    await http_desk.save(await http_desk.open("config"), FILLED)
    emptied = {
        key: INHERIT if control["type"] == "static_select" else ""
        for key, control in inputs(await http_desk.open("config")).items()
    }
    told = await http_desk.save(await http_desk.open("config"), emptied)
    assert "`follow` `thread` → not set" in told
    assert await http_desk.values() == {}


async def test_what_there_is_to_be_none_of_is_entered_and_saved_again_unchanged(
    desk: Desk,
) -> None:
    await desk.type("workspace kb KB1")
    nothing = {key: "none" for key, setting in SETTINGS.items() if setting.can_be_none}
    view = await desk.open("config")
    assert suggests(view, "pipeline_ids") == "Inherited (workspace): KB1"
    assert "enter `none`" in words_of(view)
    assert offers(view, "flow_stream_mode")["none"] == "None of these: the bot's own choice"
    told = await desk.save(view, nothing)
    assert await desk.values() == nothing
    for key in nothing:
        assert f"`{SETTINGS[key].command}` not set → `none`" in told
    again = await desk.open("config")
    assert {key: holds(again, key) for key in nothing} == nothing
    assert await desk.save(again, {}) == "Saved; nothing was different."
    await desk.save(await desk.open("config"), {"pipeline_ids": ""})
    assert await desk.values() == {k: v for k, v in nothing.items() if k != "pipeline_ids"}
    await desk.type("undo")
    assert await desk.values() == nothing
    [_, _, saved] = [e for e in await desk.trail() if e.scope == HERE]
    assert (saved.before, saved.after) == ({}, nothing)


async def test_the_workspaces_form_is_saved_for_the_workspace(desk: Desk) -> None:
    told = await desk.save(
        await desk.open("workspace config", by=LIN), {"follow": "thread", "delegate": "on"}
    )
    assert "适用于整个工作区中未另行设置之处" in told
    assert await desk.values("workspace") == {"follow": "thread", "delegate": True}
    assert await desk.values() == {}


async def test_in_direct_messages_the_form_offers_the_open_apps_alone(desk: Desk) -> None:
    await desk.type("apps add Open app_id=a1 region=beijing open=yes")
    await desk.type("apps add Closed app_id=a2 region=beijing")
    direct = desk.rig.slack.workspace.dm(BEN, BOT).channel_id
    view = await desk.open("config", by=BEN, channel=direct)
    assert inputs(view).keys() == {"app"}
    assert offers(view, "app").keys() == {INHERIT, "default", "Open"}
    told = await desk.save(view, {"app": "Open"})
    assert "for you alone" in told
    assert await desk.values(f"user:{BEN}") == {"app": "Open"}


# errors


@pytest.mark.parametrize("key", WRONG)
async def test_a_wrong_value_is_refused_under_its_own_input(desk: Desk, key: str) -> None:
    entered, words = WRONG[key]
    view = await desk.open("config")
    errors = await desk.refused(view, {key: entered, "follow": "thread"})
    assert errors.keys() == {key}
    assert words in errors[key]
    assert not await desk.trail()


async def test_everything_that_is_wrong_is_told_at_once_and_mended_in_the_same_form(
    desk: Desk,
) -> None:
    view = await desk.open("config", by=LIN)
    wrong = {key: entered for key, (entered, _) in WRONG.items() if key != "file_ids"}
    errors = await desk.refused(view, wrong)
    assert errors.keys() == wrong.keys()
    assert "第 2 行" in errors["metadata_filter"]
    assert "请输入整数" in errors["quota_user_turns"]
    await desk.save(view, {"quota_user_turns": "5", "follow": "thread"})
    assert await desk.values() == {"quota_user_turns": 5, "follow": "thread"}


async def test_options_the_chosen_app_cannot_use_are_refused_under_their_inputs(
    desk: Desk,
) -> None:
    await desk.type("apps add Flow app_id=f kind=workflow region=beijing")
    view = await desk.open("config")
    errors = await desk.refused(view, {"app": "Flow", "pipeline_ids": "KB1", "history": "messages"})
    assert errors.keys() == {"pipeline_ids", "history"}
    await desk.save(view, {"app": "Flow", "flow_stream_mode": "full_thoughts"})
    assert await desk.values() == {"app": "Flow", "flow_stream_mode": "full_thoughts"}


async def test_an_app_that_was_removed_meanwhile_is_refused_under_its_input(
    http_desk: Desk,
) -> None:
    await http_desk.type("apps add Shop app_id=a region=beijing")
    view = await http_desk.open("config")
    asked = await http_desk.type("apps remove Shop", by=LIN)
    await http_desk.press(asked, "移除 Shop")
    errors = await http_desk.refused(view, {"app": "Shop"})
    assert errors == {"app": "There is no app called Shop."}


# two at once


@BOTH
async def test_who_saves_second_keeps_what_the_first_changed_and_overrides_what_both_did(
    desk: Desk,
) -> None:
    first = await desk.open("config", by=ADA)
    second = await desk.open("config", by=LIN)
    await desk.save(first, {"follow": "thread", "quota_user_turns": "5"})
    entered = {"follow": "mention", "pipeline_ids": "KB9", "who": ["guests"]}
    again = await desk.replaced(second, entered)
    assert await desk.values() == {"follow": "thread", "quota_user_turns": 5}
    assert "尚未保存" in words_of(again)
    assert f"<@{ADA}>：`follow` 未设置 → `thread`, `quota user turns` 未设置 → `5`" in words_of(
        again
    )
    assert {key: holds(again, key) for key in (*entered, "quota_user_turns")} == {
        "follow": "mention",
        "pipeline_ids": "KB9",
        "who": ("guests",),
        "quota_user_turns": "5",
    }
    await desk.save(again, {})
    mine = {"follow": "mention", "pipeline_ids": ["KB9"], "who": ["guests"]}
    assert await desk.values() == mine | {"quota_user_turns": 5}
    newest, oldest = await desk.trail()
    assert (oldest.user_id, newest.user_id) == (ADA, LIN)
    assert newest.before == oldest.after


async def test_a_form_older_than_a_typed_change_of_something_else_keeps_both(
    http_desk: Desk,
) -> None:
    view = await http_desk.open("config")
    await http_desk.type("memory off", by=LIN)
    told = await http_desk.save(view, {"follow": "thread"})
    assert "memory" not in told
    assert await http_desk.values() == {"memory": "off", "follow": "thread"}


async def test_what_was_not_entered_in_a_form_that_came_again_is_as_others_left_it(
    http_desk: Desk,
) -> None:
    view = await http_desk.open("config")
    await http_desk.type("memory off", by=LIN)
    await http_desk.type("follow thread", by=LIN)
    again = await http_desk.replaced(view, {"follow": "mention", "memory": INHERIT})
    assert holds(again, "memory") == "off"
    errors = await http_desk.refused(again, {"quota_user_turns": "abc"})
    assert errors.keys() == {"quota_user_turns"}
    await http_desk.save(again, {})
    assert await http_desk.values() == {"memory": "off", "follow": "mention"}


async def test_a_form_that_names_managers_is_answered_while_slack_waits(rig: Rig) -> None:
    rig.patience = Patience()
    async with a_desk(rig) as desk:
        view = await desk.open("config")
        slack = desk.rig.slack
        slack.faults.add(Fault("users.info", FaultKind.SLOW, times=None, delay_s=0.3))
        desk.due += 1
        delivery = await slack.people.submit(view, {"managers": [ANN, BEN]})
        assert_in_time(delivery)
        assert delivery.attempts[-1].took_s < SLACK_WAITS_S
        assert delivery.answer == {}
        await slack.until(lambda: len(desk.heard) == desk.due, timeout_s=WITHIN_S)
        assert await desk.values() == {"managers": [ANN, BEN]}


async def test_a_form_names_whom_slack_does_not_tell_of_in_time_and_stays(rig: Rig) -> None:
    rig.patience = replace(PATIENT, submit_s=8.0, named_s=0.5)  # less than commands have
    async with a_desk(rig) as desk:
        view = await desk.open("config")
        faults = desk.rig.slack.faults
        faults.add(Fault("users.info", FaultKind.HANG, after=1, times=None))  # who sends it is told
        refused = await desk.refused(view, {"managers": [BEN]})
        assert refused == {"managers": UNTOLD.say(Language.EN, names=BEN)}
        assert await desk.values() == {}
