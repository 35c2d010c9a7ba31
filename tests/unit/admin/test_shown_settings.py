"""What holds here and why: `show`, a setting alone, `help`, `status`."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.admin import replies
from bot.admin.door import Door
from bot.admin.help import show_help
from bot.admin.office import Office
from bot.admin.ports import Bot, Health
from bot.core.language import Language
from bot.core.question import AppProfile
from bot.core.screens import MAX_NOTICE_CHARS
from bot.core.setting import SETTINGS, Level
from storage.database import Storage
from storage.usage_records import Limit
from tests.unit.admin.desk import (
    ADMIN,
    BOT,
    DIRECT,
    MEMBER,
    TEAM,
    Neighbours,
    OneBot,
    Town,
    office_of,
    person,
    put_app,
    trail,
    typed,
    visit,
)


def row(text: str, command: str) -> str:
    """Return a setting's row of the table."""
    [line] = [line for line in text.splitlines() if line.startswith(f"| `{command}` ")]
    return line


async def test_show_names_every_setting_of_the_place_with_where_it_comes_from(
    door: Door,
) -> None:
    await typed(door, "workspace follow thread")
    await typed(door, "language zh")
    text = (await typed(door, "show", by=MEMBER)).text
    for setting in SETTINGS.values():
        assert (f"`{setting.command}`" in text) == (Level.CHANNEL in setting.levels)
    assert row(text, "follow").endswith("| `thread` | workspace |")
    assert row(text, "language").endswith("| `zh` | this channel |")
    assert row(text, "history").endswith("| `session` | built-in |")
    assert row(text, "app").endswith("| `default` | built-in |")
    assert row(text, "kb").endswith("| – | – |")


async def test_show_tells_what_the_app_itself_brings_along(door: Door, office: Office) -> None:
    await put_app(office, "Shop", options={"pipeline_ids": ["KB9"]})
    await typed(door, "app shop")
    text = (await typed(door, "show")).text
    assert row(text, "kb").endswith("| `KB9` | the app's default |")


async def test_show_tells_what_there_is_none_of_and_where_that_is_said(
    door: Door, office: Office
) -> None:
    await put_app(office, "Shop", options={"pipeline_ids": ["KB9"], "seed": 1, "top_k": 2})
    for text in ("app shop", "kb none", 'more {"seed": null}'):
        await typed(door, text)
    text = (await typed(door, "show")).text
    assert row(text, "kb").endswith("| `none` | this channel |")
    assert row(text, "more").endswith('| `{"seed": null, "top_k": 2}` | this channel |')
    await typed(door, "more none")
    assert row((await typed(door, "show")).text, "more").endswith("| `none` | this channel |")
    assert "left out" not in text


async def test_a_setting_that_can_be_none_says_how(door: Door) -> None:
    for setting in SETTINGS.values():
        said = (await typed(door, f"workspace {setting.command}")).text
        assert (f"`/dashscope workspace {setting.command} none`" in said) == setting.can_be_none


async def test_show_says_why_a_setting_is_left_out(door: Door, office: Office) -> None:
    await typed(door, "kb KB1")
    await put_app(office, "Flow", kind="workflow")
    await typed(door, "app flow")
    text = (await typed(door, "show")).text
    assert "left out" in text
    assert "- `kb`: Only for agent" in text
    assert "Left out with this app: Only for agent" in (await typed(door, "kb")).text


async def test_in_a_direct_message_show_tells_ones_own_app_and_the_workspaces_settings(
    door: Door, office: Office
) -> None:
    await put_app(office, "Shop", is_open=True)
    await typed(door, "app shop", by=MEMBER, channel_id=DIRECT)
    await typed(door, "workspace language zh")
    text = (await typed(door, "show", by=MEMBER, channel_id=DIRECT)).text
    assert row(text, "app").endswith("| `Shop` | your choice |")
    assert row(text, "language").endswith("| `zh` | workspace |")
    assert "`managers`" not in text


async def test_in_a_direct_message_show_lists_only_what_holds_there_for_the_caller(
    door: Door,
) -> None:
    for by in (MEMBER, ADMIN):
        text = (await typed(door, "show", by=by, channel_id=DIRECT)).text
        assert row(text, "memory").endswith("| `on` | built-in |")
        for command in ("follow", "quota channel turns", "quota channel tokens", "delegate"):
            assert f"`{command}` " not in text
    await typed(door, "memory off", by=MEMBER, channel_id=DIRECT)
    own = (await typed(door, "show", by=MEMBER, channel_id=DIRECT)).text
    assert row(own, "memory").endswith("| `off` | your choice |")
    for by, text, place in (
        (ADMIN, "show", DIRECT),
        (MEMBER, "show", "C1"),
        (MEMBER, "workspace show", DIRECT),
    ):
        others = (await typed(door, text, by=by, channel_id=place)).text
        assert row(others, "memory").endswith("| `on` | built-in |")


async def test_an_app_that_was_closed_since_does_not_answer_direct_messages_any_more(
    door: Door, office: Office
) -> None:
    shop = await put_app(office, "Shop", is_open=True)
    for by in (MEMBER, ADMIN):
        await typed(door, "app shop", by=by, channel_id=DIRECT)
    closed = replace(shop, is_open=False)
    await office.storage.apps.put(TEAM, closed, expected_version=shop.version, by=ADMIN)
    of = office.choices.of
    assert (await of(TEAM, DIRECT, MEMBER)).app.name == "default"
    assert (await of(TEAM, DIRECT, ADMIN)).app.name == "Shop"
    for text in ("show", "app", "status"):
        told = (await typed(door, text, by=MEMBER, channel_id=DIRECT)).text
        assert replies.app_closed("Shop", language=Language.EN) in told, text
        own = (await typed(door, text, by=ADMIN, channel_id=DIRECT)).text
        assert "not open" not in own, text
    shown = (await typed(door, "show", by=MEMBER, channel_id=DIRECT)).text
    assert row(shown, "app").endswith("| `default` | built-in |")
    again = (await typed(door, "app shop", by=MEMBER, channel_id=DIRECT)).text
    assert again == replies.CLOSED_APP.say(Language.EN, name="`Shop`")


async def test_show_of_the_workspace_leaves_the_channel_out(door: Door) -> None:
    await typed(door, "language zh")
    text = (await typed(door, "workspace show")).text
    assert row(text, "language").endswith("| `auto` | built-in |")
    assert "`delegate`" in text


async def test_both_quotas_of_a_person_are_explained(door: Door) -> None:
    await typed(door, "quota user turns 5")
    assert "hold besides" in (await typed(door, "show")).text


@pytest.mark.parametrize(
    ("topic", "named"),
    [("quota", "quota channel tokens"), ("reply", "reply steps"), ("workspace", "follow thread")],
)
async def test_help_about_the_beginning_of_commands_lists_them(
    door: Door, topic: str, named: str
) -> None:
    text = (await typed(door, f"help {topic}")).text
    assert named in text
    assert "There is no help" not in text


async def test_how_a_setting_is_set_is_said_wherever_it_is_looked_at(door: Door) -> None:
    thoughts = (await typed(door, "thoughts")).text
    assert "`/dashscope thoughts on` or `/dashscope thoughts off`" in thoughts
    for place in ("C1", DIRECT):
        text = (await typed(door, "delegate", channel_id=place)).text
        assert "`/dashscope workspace delegate …`" in text


@pytest.mark.parametrize("text", ["show", "app", "status"])
async def test_an_app_that_is_gone_is_told(door: Door, office: Office, text: str) -> None:
    await office.storage.settings.change(
        TEAM, "channel:C1", values={"app": "Ghost"}, expected_version=0, by=ADMIN
    )
    assert "`Ghost` that is chosen here does not exist" in (await typed(door, text)).text
    assert "does not exist" in (await typed(door, "follow thread")).text


async def test_a_setting_alone_explains_itself(door: Door) -> None:
    text = (await typed(door, "follow", by=MEMBER)).text
    assert "`mention` — built-in" in text
    assert SETTINGS["follow"].hint.say(Language.EN) in text
    assert "- `thread`" in text
    assert "`/dashscope follow mention`" in text
    assert "`/dashscope workspace follow inherit`" in (await typed(door, "workspace follow")).text
    assert "`/dashscope apps`" in (await typed(door, "app")).text
    assert "inherit" not in (await typed(door, "follow", channel_id=DIRECT)).text


async def test_a_table_and_its_values_survive_whatever_was_typed(door: Door) -> None:
    typed_text = "x | y ` &lt;!channel&gt; &lt;@U1&gt; z"
    await typed(door, f'params {{"user_prompt_params": {{"a": "{typed_text}"}}}}')
    line = row((await typed(door, "show")).text, "params")
    assert line.count("`") == 4
    assert line.replace("\\|", "").count("|") == 4
    assert "&lt;!channel>" in line
    assert "&lt;@U1>" in line


async def test_the_largest_values_still_fit_into_a_notice(door: Door) -> None:
    for setting in ("params", "more"):
        await typed(door, f'{setting} {{"user_prompt_params": {{"a": "{"x" * 2900}"}}}}')
    await typed(door, f'filter {{"a": "{"x" * 2900}"}}')
    for text in ("show", "params", "filter"):
        assert len((await typed(door, text)).text) <= MAX_NOTICE_CHARS


async def test_everything_answers_in_the_callers_language(door: Door, town: Town) -> None:
    town.people[ADMIN] = person(ADMIN, is_admin=True, locale="zh-CN")
    town.people[MEMBER] = person(MEMBER, locale="zh-TW")
    for by, text in (
        (ADMIN, "follow thread"),
        (ADMIN, "follow sometimes"),
        (MEMBER, "follow thread"),
        (ADMIN, "show"),
        (ADMIN, "状态"),
        (ADMIN, "帮助"),
        (ADMIN, "undo"),
        (ADMIN, "audit"),
        (ADMIN, "folow"),
    ):
        answer = (await typed(door, text, by=by)).text
        assert any("\u4e00" <= char <= "\u9fff" for char in answer), text


async def test_help_lists_every_command_and_explains_each(door: Door) -> None:
    everything = (await typed(door, "")).text
    assert (await typed(door, "help")).text == everything
    for setting in SETTINGS.values():
        assert f"`{setting.command}`" in everything
        hint = setting.hint.say(Language.EN)
        assert hint in (await typed(door, f"help {setting.command}")).text
    for name in ("status", "show", "config", "apps", "usage", "audit", "undo", "reset"):
        assert f"`{name}`" in everything
        assert f"`{name}`: " in (await typed(door, f"help {name}")).text
    assert "`xyzzy`" in (await typed(door, "help xyzzy")).text


@given(st.text(max_size=3_000), st.sampled_from(Language))
def test_help_about_anything_fits_into_a_notice(topic: str, language: Language) -> None:
    assert len(show_help(visit(language=language), topic).text) <= MAX_NOTICE_CHARS


async def test_status_says_which_app_answers_here_and_how(door: Door, office: Office) -> None:
    await put_app(office, "Shop", kind="workflow", workspace="llm-1")
    await typed(door, "workspace app shop")
    await typed(door, "follow thread")
    text = (await typed(door, "status", by=MEMBER)).text
    assert "`Shop` — the workspace's choice" in text
    assert "workflow" in text
    assert "`dashscope-intl.aliyuncs.com`, workspace `llm-1`" in text
    assert "keeps no sessions" in text
    assert "everything else in threads" in text
    assert "works (12 ms)" in text
    assert "`1.2.3`" in text
    assert "encrypted" in text
    assert "no quota is set" in text
    assert "sk-" not in text


async def test_status_tells_what_is_left_of_each_quota(door: Door, office: Office) -> None:
    clock = datetime(2026, 11, 21, 12, tzinfo=UTC)
    for text in ("workspace quota user turns 5", "quota channel turns 9", "quota user tokens 7"):
        await typed(door, text)
    for turn_id, user_id, channel_id in ((1, MEMBER, "C1"), (2, MEMBER, "C2"), (3, ADMIN, "C1")):
        await office.storage.usage.admit(
            turn_id,
            team_id=TEAM,
            channel_id=channel_id,
            user_id=user_id,
            app="default",
            limits=[Limit("user", "turns", 100, "workspace")],
            day=clock.date(),
        )
    door = Door(replace(office, clock=lambda: clock))
    text = (await typed(door, "status", by=MEMBER)).text
    assert "3 of 5 questions (you, in the whole workspace)" in text
    assert "7 of 9 questions (this channel)" in text
    assert "7 of 7 tokens (you, in this channel)" in text


async def test_status_tells_what_is_not_well(storage: Storage, town: Town) -> None:
    office = replace(
        office_of(storage, town),
        vendors=Neighbours(
            slack_health=Health(is_well=False, reason="invalid_auth"),
            dashscope_health=Health(is_well=None),
        ),
        bots=OneBot(Bot(BOT, missing_scopes={"files:write": "no files"})),
    )
    text = (await typed(Door(office), "status")).text
    assert "does not answer as it should (`invalid_auth`)" in text
    assert "**DashScope:** unknown" in text
    assert "`files:write`: no files" in text


async def test_status_says_of_dashscope_only_what_was_looked_at(
    storage: Storage, town: Town
) -> None:
    office = office_of(storage, town)
    assert "**DashScope:** can be reached" in (await typed(Door(office), "status")).text
    away = replace(office, vendors=Neighbours(dashscope_health=Health(is_well=False)))
    assert "**DashScope:** cannot be reached, or" in (await typed(Door(away), "status")).text


async def test_status_of_a_key_that_cannot_be_opened(database: str, town: Town) -> None:
    async with Storage(database, keys=["a" * 32]) as opened:
        office = office_of(opened, town)
        await opened.secrets.put(TEAM, "key", "sk-secret")
        await put_app(office, "Shop", secret_name="key")
        await put_app(office, "Other", secret_name="missing")
        await typed(Door(office), "app shop")
        assert (await office.choices.of(TEAM, "C1", ADMIN)).app.api_key == "sk-secret"
        await typed(Door(office), "workspace app other")
        assert "cannot be opened" in (await typed(Door(office), "status", channel_id="C2")).text
    for keys, why in (([], "ENCRYPTION_KEYS is not set"), (["b" * 32], "none of ENCRYPTION_KEYS")):
        async with Storage(database, keys=keys) as reopened:
            text = (await typed(Door(office_of(reopened, town)), "status")).text
            assert why in text
            assert "`Shop`" in text
            assert "sk-" not in text


async def test_a_vendor_that_does_not_answer_in_time_is_unknown(office: Office) -> None:
    class Asleep(Neighbours):
        async def dashscope(self, app: AppProfile) -> Health:
            raise TimeoutError

    door = Door(replace(office, vendors=Asleep()))
    assert "**DashScope:** unknown" in (await typed(door, "status")).text


async def test_looking_changes_nothing(door: Door, office: Office) -> None:
    for text in ("show", "status", "help", "follow", "audit", "reset", "workspace show"):
        await typed(door, text)
    assert await trail(office) == []
