"""Every subcommand, typed in Slack over both transports: its answer, its effect, its trail."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from desk import ADA, ALONE, HERE, HIDDEN, LIN, Desk, a_desk, assert_acked, labels, today
from rig import ANN, BEN, BOT, PRIVATE, PUBLIC, WITHIN_S, Rig

from bot.core.commands import all_commands
from bot.core.language import Language
from bot.core.question import AppKind
from bot.core.setting import SETTINGS, Level
from bot.playground.slack.blocks import controls
from bot.playground.slack.faults import Fault, FaultKind
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import visible_text

BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"])


@dataclass(frozen=True)
class Example:
    """A value of a setting.

    Attributes:
        typed: As somebody types it.
        stored: As it is kept.
        shown: As it is told back.
        kind: Of the app, where an agent takes no such value.
        first: A command without which the value would be of no use.
    """

    typed: str
    stored: Any
    shown: str
    kind: AppKind = AppKind.AGENT
    first: str = ""


KB = "kb KB0"
EXAMPLES = {
    "app": Example("default", "default", "`default`"),
    "pipeline_ids": Example("KB1 KB2", ["KB1", "KB2"], "`KB1, KB2`"),
    "file_ids": Example("F1,F2", ["F1", "F2"], "`F1, F2`", first=KB),
    "tags": Example('red "two words"', ["red", "two words"], '`red, "two words"`', first=KB),
    "metadata_filter": Example(
        "{“author”: “Ann”}", {"author": "Ann"}, '`{"author": "Ann"}`', first=KB
    ),
    "structured_filter": Example('{"price": "9"}', {"price": "9"}, '`{"price": "9"}`', first=KB),
    "biz_params": Example(
        'city="New York"', {"city": "New York"}, '`{"city": "New York"}`', AppKind.WORKFLOW
    ),
    "has_thoughts": Example("on", True, "`on`"),
    "flow_stream_mode": Example(
        "full_thoughts", "full_thoughts", "`full_thoughts`", AppKind.WORKFLOW
    ),
    "more": Example('{"temperature": 0.3}', {"temperature": 0.3}, '`{"temperature": 0.3}`'),
    "ask": Example("city, days", ["city", "days"], "`city, days`", AppKind.WORKFLOW),
    "plugins": Example("tool_1", ["tool_1"], "`tool_1`"),
    "system": Example("Be brief.", "Be brief.", "`Be brief.`"),
    "history": Example("messages", "messages", "`messages`"),
    "follow": Example("thread", "thread", "`thread`"),
    "memory": Example("separate", "separate", "`separate`"),
    "language": Example("中文", "zh", "`zh`"),
    "sources": Example("off", False, "`off`"),
    "steps": Example("开", True, "`on`"),
    "who": Example("members guests", ["members", "guests"], "`members, guests`"),
    "quota_user_turns": Example("5", 5, "`5`"),
    "quota_user_tokens": Example("1,000", 1000, "`1000`"),
    "quota_channel_turns": Example("off", "off", "`off`"),
    "quota_channel_tokens": Example("7", 7, "`7`"),
    "managers": Example(f"<@{BEN}>", [BEN], f"<@{BEN}>"),
    "delegate": Example("on", True, "`on`"),
}
"""A value of every setting."""

NOT_SET = {Language.EN: "not set", Language.ZH: "未设置"}
UNDO = {Language.EN: "Undo", Language.ZH: "撤销"}
UNDONE = {Language.EN: "Put back what there was before.", Language.ZH: "已恢复到更改之前。"}
READERS = {Language.EN: ADA, Language.ZH: LIN}
EACH_WAY = pytest.mark.parametrize(
    ("language", "transport"), [(Language.EN, "http"), (Language.ZH, "socket")], ids=READERS
)
"""Both languages and both transports: what is said does not depend on the way it came."""

ANSWERS: Mapping[str, tuple[str, str]] = {
    "": ("**Commands**", "**命令**"),
    "help": ("**Commands**", "**命令**"),
    "help follow": ("Every message in its threads", "其消息列中的每条消息"),
    "help nonsense": ("There is no help about `nonsense`", "没有关于 `nonsense` 的帮助"),
    "status": ("**DashScope:** can be reached", "**DashScope**：可以访问"),
    "show": (f"**Settings** in <#{PUBLIC}>", f"<#{PUBLIC}> 的**设置**"),
    "workspace": ("**Settings** in the workspace", "工作区 的**设置**"),
    "workspace show": ("**Settings** in the workspace", "工作区 的**设置**"),
    "apps": ("No app is registered besides `default`", "除启动时自带的 `default` 外"),
    "apps list": ("No app is registered besides `default`", "除启动时自带的 `default` 外"),
    "apps test default": ("`default` works: it answered in", "`default` 工作正常"),
    "apps nonsense": ("Write it like this", "用法"),
    "audit": ("Nothing was changed here yet", "此处尚无任何更改"),
    "audit all": ("Nothing was changed here yet", "此处尚无任何更改"),
    "audit csv": ("Nothing was changed yet", "尚无任何更改"),
    "undo": ("Nothing was changed here yet", "此处尚无任何更改"),
    "reset": ("there is nothing to take away", "无需清除"),
    "reset all": ("there is nothing to take away", "无需清除"),
    "new": ("mention me outside threads", "在消息列之外提及我"),
    "tokens": ("You have given none.", "您尚未提供任何令牌。"),
    "usage": ("Nothing was used", "没有用量"),
    "usage 7 days me": ("Nothing was used", "没有用量"),
    "usage csv": ("Nothing was used", "没有用量"),
    "usage nonsense": ("Type `usage`", "输入 `usage`"),
}
"""What a command says while nothing was set, used or registered."""

TYPOS: Mapping[str, str] = {
    "folow thread": "Did you mean `/dashscope follow thread`?",
    "stauts": "Did you mean `/dashscope status`?",
    "workspace langage zh": "Did you mean `/dashscope workspace language zh`?",
    "quota": "Did you mean `/dashscope quota user turns`, `/dashscope quota user tokens`",
    "reply": "Did you mean `/dashscope reply sources` or `/dashscope reply steps`?",
    "reset folow": "Did you mean `/dashscope reset follow`?",
    "audit everything": "`/dashscope audit`, `/dashscope audit all` or `/dashscope audit csv`?",
    "audit al": "Did you mean `/dashscope audit all`?",
    "apps tset Shop": "Did you mean `/dashscope apps test Shop`?",
    "usage tody csv": "Did you mean `/dashscope usage today csv`?",
    "memory separat": "Did you mean `/dashscope memory separate`?",
    "help folow": "Did you mean `/dashscope help follow`?",
    "show me": "Did you mean `/dashscope show`?",
    "app defualt": "There is no app called `defualt`. Did you mean `/dashscope app default`?",
    "apps edit defualt": "There is no app called `defualt`",
}

BAD_VALUES: Mapping[str, str] = {
    "kb 1 2 3 4 5 6": "`kb` cannot be `1 2 3 4 5 6`:",
    'filter {"a" "b"}': "Line 1, column 6 (",
    'filter {\n  "a": \n}': "Line 3, column 1 (",
    "quota user turns abc": "Type a whole number such as `100`, or `off`",
    "quota user turns 0": "A whole number from 1",
    "follow sometimes": "`follow` cannot be `sometimes`:",
    "thoughts mode full_thoughts": "Only for workflow",
    "params city=Paris": "An agent takes only",
    'more {"prompt": "x"}': "`prompt`:",
    'more {"tags": ["x"]}': "`tags`: it has a setting of its own",
    "docs F1": "`docs` cannot be `F1`:",
    "reply sources perhaps": "Type `on` or `off`",
    "managers ann": "Mention people",
    "who everybody": "`who` cannot be `everybody`:",
    "app two words": "An app's name is",
    "delegate on": "is set for the whole workspace: `/dashscope workspace delegate …`",
    f"workspace managers <@{BEN}>": "`managers` belongs to a channel",
}


@pytest.fixture
def limits() -> Limits:
    """No limits: how the bot keeps them is another test's business."""
    return Limits(is_enforced=False)


def test_every_command_is_tried_here() -> None:
    tried = {text.split()[0] for text in (*ANSWERS, *TYPOS) if text}
    tried |= {SETTINGS[key].command for key in EXAMPLES}
    tried |= {"config"}  # a form, with tests of its own
    assert set(all_commands()) <= tried


@EACH_WAY
@pytest.mark.parametrize("key", EXAMPLES)
async def test_a_setting_is_explained_changed_stored_noted_and_taken_back(
    any_rig: Rig, key: str, language: Language
) -> None:
    setting, example, by = SETTINGS[key], EXAMPLES[key], READERS[language]
    is_of_channel = Level.CHANNEL in setting.levels
    scope, front = (HERE, "") if is_of_channel else ("workspace", "workspace ")
    async with a_desk(any_rig, dashscope_app_kind=example.kind) as desk:
        if example.first:
            await desk.type(example.first)
        before = await desk.values(scope)
        assert setting.hint.say(language) in await desk.say(f"help {setting.command}", by=by)
        told = await desk.type(f"{front}{setting.command} {example.typed}", by=by)
        label = setting.label.say(language)
        assert label in visible_text(told)
        assert f"{NOT_SET[language]} → {example.shown}" in visible_text(told)
        assert await desk.values(scope) == {**before, key: example.stored}
        [entry, *_] = await desk.trail()
        assert (entry.user_id, entry.action, entry.scope) == (by, "settings.changed", scope)
        assert (entry.before or {}, entry.after) == (before, {**before, key: example.stored})
        assert example.shown in await desk.say(f"{front}audit", by=by)
        assert example.shown in await desk.say(f"{front}show", by=by)
        assert UNDONE[language] in visible_text(await desk.press(told, UNDO[language]))
        assert await desk.values(scope) == before
        [undone, *_] = await desk.trail()
        assert undone.undoes == entry.id


@EACH_WAY
@pytest.mark.parametrize("text", ANSWERS)
async def test_a_command_is_answered_in_the_language_of_whoever_typed_it(
    desk: Desk, text: str, language: Language
) -> None:
    said = await desk.say(text, by=READERS[language])
    assert ANSWERS[text][language is Language.ZH] in said
    assert ANSWERS[text][language is Language.EN] not in said
    assert not await desk.trail()


async def test_the_host_that_was_looked_at_still_answers_the_next_look(http_desk: Desk) -> None:
    for _ in range(3):
        assert "**DashScope:** can be reached" in await http_desk.say("status")


@pytest.mark.parametrize("text", TYPOS)
async def test_a_slip_of_the_hand_is_answered_with_what_was_meant(
    http_desk: Desk, text: str
) -> None:
    if text.startswith("apps edit"):
        view = await http_desk.open(text)
        assert TYPOS[text] in str(view.blocks)
    else:
        assert TYPOS[text] in await http_desk.say(text)
    assert not await http_desk.trail()


@pytest.mark.parametrize("text", BAD_VALUES)
async def test_a_value_that_cannot_be_is_refused_with_the_reason_and_nothing_changes(
    http_desk: Desk, text: str
) -> None:
    said = await http_desk.say(text)
    assert BAD_VALUES[text] in said
    assert not await http_desk.trail()


async def test_slack_has_its_acknowledgement_before_anything_is_looked_up(desk: Desk) -> None:
    slack = desk.rig.slack
    slack.faults.add(Fault("users.info", FaultKind.SLOW, delay_s=1.2))
    delivery = await slack.command(ADA, PUBLIC, "follow thread")
    assert_acked(delivery)
    assert delivery.attempts[-1].took_s < 1.0
    assert not desk.heard
    desk.due += 1
    await slack.until(lambda: desk.heard, timeout_s=WITHIN_S)
    assert await desk.values() == {"follow": "thread"}


async def test_slack_has_its_acknowledgement_of_a_press_before_anything_is_looked_up(
    http_desk: Desk,
) -> None:
    desk = http_desk
    told = await desk.type("follow thread")
    slack, (undo,) = desk.rig.slack, controls(told.blocks)
    slack.faults.add(Fault("users.info", FaultKind.SLOW, delay_s=4.0))
    delivery = await slack.click(ADA, PUBLIC, told.ts, undo.action_id)
    assert_acked(delivery)
    assert delivery.attempts[-1].took_s < 3.0
    assert await desk.values() == {"follow": "thread"}
    desk.due += 1
    await slack.until(lambda: len(desk.heard) == desk.due, timeout_s=WITHIN_S)
    assert await desk.values() == {}


@BOTH
async def test_a_value_is_inherited_overridden_and_inherited_again(http_desk: Desk) -> None:
    desk = http_desk
    await desk.type("workspace follow thread")
    assert "`thread` — workspace" in await desk.say("follow")
    await desk.type("follow mention")
    assert "`mention` — this channel" in await desk.say("follow")
    assert "`mention` is" not in await desk.say("follow inherit")
    assert "`thread` — workspace" in await desk.say("follow")
    await desk.type("workspace follow default")
    assert "`mention` — built-in" in await desk.say("follow")
    assert (await desk.values(), await desk.values("workspace")) == ({}, {})
    assert len(await desk.trail()) == 4


@BOTH
async def test_the_same_value_again_changes_nothing_and_says_so(http_desk: Desk) -> None:
    await http_desk.type("follow thread")
    assert "is `thread` already; nothing was changed" in await http_desk.say("follow THREAD")
    assert len(await http_desk.trail()) == 1


async def test_a_reset_asks_first_and_can_be_undone(desk: Desk) -> None:
    await desk.type("follow thread")
    await desk.type("memory off")
    asked = await desk.type("reset")
    assert await desk.values() == {"follow": "thread", "memory": "off"}
    gone = await desk.press(asked, "Take all away")
    assert "Taken away" in visible_text(gone)
    assert await desk.values() == {}
    await desk.press(gone, "Undo")
    assert await desk.values() == {"follow": "thread", "memory": "off"}
    assert "`thread` → not set" in await desk.say("reset follow")
    assert await desk.values() == {"memory": "off"}


@BOTH
async def test_undo_takes_the_last_change_here_back_and_undoing_that_makes_it_again(
    http_desk: Desk,
) -> None:
    desk = http_desk
    await desk.type("follow thread")
    await desk.type("follow mention")
    await desk.type("memory off", channel=PRIVATE)  # elsewhere
    first = await desk.say("undo")
    assert "`mention` → `thread`" in first
    assert "`thread` → `mention`" in await desk.say("undo")
    assert await desk.values() == {"follow": "mention"}
    assert await desk.values(f"channel:{PRIVATE}") == {"memory": "off"}


async def test_a_change_that_another_one_followed_is_not_undone_by_its_button(
    http_desk: Desk,
) -> None:
    told = await http_desk.type("follow thread")
    await http_desk.type("memory off")
    said = visible_text(await http_desk.press(told, "Undo"))
    assert "only the newest change can be undone" in said
    assert await http_desk.values() == {"follow": "thread", "memory": "off"}


async def test_the_trail_is_turned_page_by_page_in_one_place(desk: Desk) -> None:
    for number in range(1, 13):
        await desk.type(f"quota user turns {number}")
    page = await desk.type("audit")
    assert "`11` → `12`" in visible_text(page)
    assert "not set → `1`" not in visible_text(page)
    older = await desk.press(page, "Older")
    assert older.ts == page.ts  # it takes the place of the first page
    assert "not set → `1`" in visible_text(older)
    assert labels(older) == ()


async def test_the_trail_comes_as_a_file_into_direct_messages(desk: Desk) -> None:
    await desk.type("follow thread")
    await desk.type("workspace memory off", by=LIN)
    said = await desk.say("audit csv")
    name = f"audit-{today()}.csv"
    assert f"{name} is in your direct messages" in said
    rows = list(csv.DictReader(io.StringIO(desk.file_of(ADA, name).decode("utf-8-sig"))))
    assert [(row["user_id"], row["scope"]) for row in rows] == [(LIN, "workspace"), (ADA, HERE)]
    assert [row["after"] for row in rows] == ['{"memory": "off"}', '{"follow": "thread"}']


async def test_usage_is_told_in_a_table_a_picture_and_a_file(desk: Desk) -> None:
    await desk.rig.answer("how much is this?")
    said = await desk.say("usage")
    assert "Questions: 1." in said
    assert f"<@{ANN}>" in said
    [name] = [name for name in await desk.files_of(ADA, count=1) if name.endswith(".png")]
    assert desk.file_of(ADA, name).startswith(b"\x89PNG")
    assert "Nothing was used" in await desk.say("usage me")
    assert "(rows: 1)" in await desk.say("usage today csv")
    [name] = [name for name in await desk.files_of(ADA, count=2) if name.endswith(".csv")]
    [row] = csv.DictReader(io.StringIO(desk.file_of(ADA, name).decode("utf-8-sig")))
    assert (row["day"], row["user_id"], row["turns"]) == (today(), ANN, "1")


async def test_members_see_their_own_usage_alone(http_desk: Desk) -> None:
    await http_desk.rig.answer("how much is this?")
    said = await http_desk.say("usage all", by=BEN)
    assert "Only admins see what others used" in said
    assert "Nothing was used" in said
    assert ANN not in said


@pytest.mark.parametrize("channel", [ALONE, HIDDEN])
async def test_in_a_channel_without_the_bot_it_says_how_to_invite_it(
    desk: Desk, channel: str
) -> None:
    told = await desk.say("follow thread", channel=channel)
    assert "not set → `thread`" in told
    assert (
        f"I am not in this channel yet, so nobody can ask me here: type `/invite` <@{BOT}>" in told
    )
    told = await desk.say("follow mention", by=LIN, channel=channel)
    assert f"我还不在此频道中，因此无人可以在此提问：请输入 `/invite` <@{BOT}>" in told
    assert await desk.values(f"channel:{channel}") == {"follow": "mention"}
