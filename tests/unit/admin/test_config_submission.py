"""The form with every setting, submitted."""

import json
from dataclasses import replace

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.admin.config import read_page
from bot.admin.config_form import config_form
from bot.admin.config_page import CALLBACK, INHERIT
from bot.admin.door import Door
from bot.admin.office import Office
from bot.admin.submissions import submitted
from bot.core.json_value import Json
from bot.core.language import Language
from bot.core.resolution import Layers, resolve
from bot.core.screens import Closed, Errors, Form, Replaced, Submitted, Taken, Values
from bot.core.setting import SETTINGS, Level
from bot.slack.screens import view_of
from tests.unit.admin.bounds import assert_fits, assert_notice_fits, inputs_of, prose_of, values_of
from tests.unit.admin.desk import (
    ADMIN,
    CREATOR,
    DEFAULT,
    MANAGER,
    MEMBER,
    NAMED,
    TEAM,
    Town,
    caller,
    pressed,
    stored_app,
    typed,
)

HERE = "channel:C1"
TYPED_SHAPES = {"words", "json", "text", "number"}
"""Of settings that an input is typed in for, those without choices."""


async def opened(office: Office, scope: str = HERE, *, is_admin: bool = True) -> Form:
    page = await read_page(office, TEAM, scope, is_admin=is_admin)
    return config_form(page, language=Language.EN)


async def send(
    office: Office, form: Form, *, user_id: str = ADMIN, state: str | None = None, **changed: object
) -> Submitted:
    values: Values = {**values_of(form), **changed}  # type: ignore[dict-item]
    return await submitted(
        office,
        caller(user_id),
        CALLBACK,
        state=form.state if state is None else state,
        values=values,
    )


async def own(office: Office, scope: str = HERE) -> dict[str, Json]:
    return dict((await office.storage.settings.get(TEAM, scope))[scope].values)


async def put(office: Office, scope: str, **values: Json) -> None:
    await office.storage.settings.change(TEAM, scope, values=values, expected_version=0, by=ADMIN)


def wrong(result: Submitted) -> dict[str, str]:
    assert isinstance(result, Errors), result
    return dict(result.by_key)


async def test_what_was_entered_is_stored_as_json(office: Office) -> None:
    result = await send(
        office,
        await opened(office),
        pipeline_ids="P1, P2\nP3",
        metadata_filter='{"author": “Ann”}',
        biz_params="",
        has_thoughts="off",
        follow="thread",
        who=("members", "guests"),
        quota_user_turns="1,000",
        quota_user_tokens="off",
        managers=(MANAGER, MEMBER),
    )
    assert isinstance(result, Closed)
    assert await own(office) == {
        "pipeline_ids": ["P1", "P2", "P3"],
        "metadata_filter": {"author": "Ann"},
        "has_thoughts": False,
        "follow": "thread",
        "who": ["members", "guests"],
        "quota_user_turns": 1000,
        "quota_user_tokens": "off",
        "managers": [MANAGER, MEMBER],
    }


async def test_the_answer_tells_what_changed_and_undoes_it(office: Office) -> None:
    await put(office, HERE, follow="thread")
    result = await send(office, await opened(office), follow=INHERIT, pipeline_ids="P1")
    assert isinstance(result, Closed)
    assert result.notice is not None
    assert_notice_fits(result.notice)
    assert "`kb` not set → `P1`" in result.notice.text
    assert "`follow` `thread` → not set" in result.notice.text
    assert "<#C1>" in result.notice.text
    [undo] = result.notice.buttons
    assert undo.action == "undo"
    await office.storage.audit.undo(TEAM, int(undo.value), by=ADMIN)
    assert await own(office) == {"follow": "thread"}


async def test_a_form_submitted_as_it_was_shown_changes_nothing(office: Office) -> None:
    values: dict[str, Json] = {
        "tags": ["two words", "b,c"],
        "biz_params": {"city": "Hangzhou"},
        "has_thoughts": True,
        "who": ["guests"],
        "managers": ["U1"],
        "quota_channel_tokens": 7,
    }
    values["user_prompt_params"] = {}  # a key no setting has stays as it is
    values["biz_params"] = {"user_prompt_params": {"city": "Hangzhou"}}
    values["pipeline_ids"] = ["P1"]
    await put(office, HERE, **values)
    result = await send(office, await opened(office))
    assert isinstance(result, Closed)
    assert result.notice is not None
    assert result.notice.buttons == ()
    stored = (await office.storage.settings.get(TEAM, HERE))[HERE]
    assert (stored.values, stored.version) == (values, 1)


TYPED_KEYS = [key for key, s in SETTINGS.items() if not s.choices and s.shape in TYPED_SHAPES]


@pytest.mark.parametrize("word", ["inherit", " Default\n", "-", "默认", "继承"])
async def test_a_word_that_takes_a_value_away_in_a_command_does_so_in_an_input(
    office: Office, word: str
) -> None:
    assert "system" in TYPED_KEYS
    await send(office, await opened(office), pipeline_ids="P1", tags="a", quota_user_turns="5")
    assert (await own(office)).keys() == {"pipeline_ids", "tags", "quota_user_turns"}
    entered = await send(office, await opened(office), **dict.fromkeys(TYPED_KEYS, word))
    assert isinstance(entered, Closed)
    assert await own(office) == {}


NOTHING = {key: "none" for key, s in SETTINGS.items() if s.can_be_none}


async def test_none_is_entered_as_it_is_typed_and_emptying_the_input_inherits_again(
    office: Office,
) -> None:
    await put(office, "workspace", pipeline_ids=["P1"])
    entered = await send(office, await opened(office), **NOTHING)
    assert isinstance(entered, Closed)
    assert await own(office) == NOTHING
    unchanged = await send(office, await opened(office))
    assert isinstance(unchanged, Closed)
    assert unchanged.notice is not None
    assert unchanged.notice.buttons == ()
    assert await own(office) == NOTHING
    emptied = {**dict.fromkeys(NOTHING, ""), "flow_stream_mode": INHERIT}
    assert isinstance(await send(office, await opened(office), **emptied), Closed)
    assert await own(office) == {}


async def test_the_workspace_keeps_out_what_its_app_brings_by_form_too(office: Office) -> None:
    brings = stored_app("shop", options={"pipeline_ids": ["P9"]})
    await office.storage.apps.put(TEAM, brings, expected_version=0, by=ADMIN)
    form = await opened(office, "workspace")
    assert isinstance(await send(office, form, app="shop", pipeline_ids="none"), Closed)
    assert (await office.choices.of(TEAM, "C1", ADMIN)).options == {}


async def test_none_and_another_value_are_a_quarrel_and_none_twice_is_not(office: Office) -> None:
    form = await opened(office)
    await send(office, form, user_id=NAMED, pipeline_ids="none", tags="none")
    mine = await send(office, form, pipeline_ids="P1", tags="off")
    assert isinstance(mine, Replaced)
    assert "Both of you changed: Knowledge bases." in prose_of(mine.form)
    assert await own(office) == {"pipeline_ids": "none", "tags": "none"}


@pytest.mark.parametrize("key", ["has_thoughts", "who", "quota_user_turns", "follow", "managers"])
async def test_none_forged_into_a_setting_that_cannot_be_is_refused(
    office: Office, key: str
) -> None:
    form = await opened(office)
    forged = {**values_of(form), key: ("none",) if key in {"who", "managers"} else "none"}
    result = await submitted(office, caller(), CALLBACK, state=form.state, values=forged)
    assert set(wrong(result)) == {key}
    assert await own(office) == {}


async def test_every_wrong_value_is_told_at_its_field_in_the_caller_s_language(
    office: Office, town: Town
) -> None:
    person = town.people[ADMIN]
    assert person is not None
    town.people[ADMIN] = replace(person, locale="zh-CN")
    errors = wrong(
        await send(
            office,
            await opened(office),
            metadata_filter='{"a": }',
            pipeline_ids="1,2,3,4,5,6",
            quota_user_turns="many",
            more='{"prompt": "x"}',
            managers=("nobody",),
            who=("everybody",),
            history="sometimes",
        )
    )
    assert set(errors) == {
        "metadata_filter", "pipeline_ids", "quota_user_turns", "more", "managers", "who", "history"
    }  # fmt: skip
    assert "第 1 行" in errors["metadata_filter"]
    assert await own(office) == {}


async def test_what_the_kind_cannot_use_is_refused_at_its_field(office: Office) -> None:
    flow = stored_app("flow", kind="workflow")
    await office.storage.apps.put(TEAM, flow, expected_version=0, by=ADMIN)
    await put(office, "workspace", app="flow")
    errors = wrong(
        await send(
            office,
            await opened(office),
            pipeline_ids="P1",
            more='{"temperature": 0.5, "enable_thinking": true}',
            history="messages",
        )
    )
    assert set(errors) == {"pipeline_ids", "more", "history"}
    assert "temperature" in errors["more"]
    assert "enable_thinking" in errors["more"]


async def test_fields_that_need_each_other_are_checked_over_all_levels(office: Office) -> None:
    assert set(wrong(await send(office, await opened(office), tags="a"))) == {"tags"}
    await put(office, "workspace", pipeline_ids=["P1"])
    assert isinstance(await send(office, await opened(office), tags="a"), Closed)


@pytest.mark.parametrize(
    ("entered", "command"), [({"app": "flow"}, "app flow"), ({"pipeline_ids": ""}, "kb inherit")]
)
async def test_a_form_and_a_command_leave_out_alike_what_was_set_before(
    office: Office, door: Door, entered: dict[str, str], command: str
) -> None:
    flow = stored_app("flow", kind="workflow")
    await office.storage.apps.put(TEAM, flow, expected_version=0, by=ADMIN)
    for scope in (HERE, "channel:C2"):
        await put(office, scope, pipeline_ids=["P1"], tags=["a"])
    form = await opened(office)
    values = {**values_of(form), **entered}
    result = await submitted(office, caller(), CALLBACK, state=form.state, values=values)
    assert isinstance(result, Closed)
    assert result.notice is not None
    typed_in = await typed(door, command, channel_id="C2")
    left_out = [line for line in typed_in.text.splitlines() if "Left out" in line]
    assert left_out
    assert left_out[0] in result.notice.text
    assert await own(office) == await own(office, "channel:C2")


async def test_a_form_and_a_command_refuse_alike_what_is_new_and_of_no_use(
    office: Office, door: Door
) -> None:
    flow = stored_app("flow", kind="workflow")
    await office.storage.apps.put(TEAM, flow, expected_version=0, by=ADMIN)
    await put(office, "workspace", app="flow")
    for key, typed_in in (("system", "system"), ("pipeline_ids", "kb")):
        form = await opened(office)
        values = {**values_of(form), key: "Brief"}
        result = await submitted(office, caller(), CALLBACK, state=form.state, values=values)
        [reason] = wrong(result).values()
        assert reason in (await typed(door, f"{typed_in} Brief")).text
    assert await own(office) == {}


async def test_a_form_and_a_command_keep_alike_what_another_setting_will_need(
    office: Office, door: Door
) -> None:
    result = await send(office, await opened(office), system="Be brief.")
    assert isinstance(result, Closed)
    assert result.notice is not None
    assert "Left out" in result.notice.text
    assert "Left out" in (await typed(door, "system Be kind.")).text


async def test_what_is_left_out_is_called_as_it_is_typed(office: Office) -> None:
    flow = stored_app("flow", kind="workflow")
    await office.storage.apps.put(TEAM, flow, expected_version=0, by=ADMIN)
    await put(office, HERE, pipeline_ids=["P1"], file_ids=["F1"], more={"top_k": 3})
    result = await send(office, await opened(office), app="FLOW")
    assert isinstance(result, Closed)
    assert result.notice is not None
    assert "fresh session" in result.notice.text
    assert "Left out: `more: top_k`, `kb`, `docs`. Only for agent" in result.notice.text


async def test_what_became_useless_elsewhere_does_not_stand_in_the_way(office: Office) -> None:
    flow = stored_app("flow", kind="workflow")
    await office.storage.apps.put(TEAM, flow, expected_version=0, by=ADMIN)
    await put(office, HERE, pipeline_ids=["P1"])
    await put(office, "workspace", app="flow")
    result = await send(office, await opened(office), follow="thread")
    assert isinstance(result, Closed)
    assert result.notice is not None
    assert "Left out" not in result.notice.text


async def test_an_app_that_does_not_exist_is_refused_and_a_gone_one_is_left_alone(
    office: Office,
) -> None:
    assert set(wrong(await send(office, await opened(office), app="nobody"))) == {"app"}
    await put(office, HERE, app="gone")
    assert isinstance(await send(office, await opened(office), follow="thread"), Closed)
    assert await own(office) == {"app": "gone", "follow": "thread"}


async def test_a_member_chooses_an_open_app_for_their_direct_messages(office: Office) -> None:
    for name, is_open in (("open", True), ("closed", False)):
        app = stored_app(name, is_open=is_open)
        await office.storage.apps.put(TEAM, app, expected_version=0, by=ADMIN)
    mine = f"user:{MEMBER}"
    form = await opened(office, mine, is_admin=False)
    assert set(wrong(await send(office, form, user_id=MEMBER, app="closed"))) == {"app"}
    result = await send(office, form, user_id=MEMBER, app="open", follow="thread")
    assert isinstance(result, Closed)
    assert await own(office, mine) == {"app": "open"}


@pytest.mark.parametrize(
    ("user_id", "scope"),
    [
        (MEMBER, HERE),
        (MEMBER, "workspace"),
        (CREATOR, HERE),
        (CREATOR, "workspace"),
        (MEMBER, f"user:{ADMIN}"),
        (ADMIN, f"user:{MEMBER}"),
        ("UNOBODY", HERE),
    ],
)
async def test_a_state_is_no_permission(office: Office, user_id: str, scope: str) -> None:
    form = await opened(office, scope)
    assert wrong(await send(office, form, user_id=user_id))
    assert wrong(await send(office, form, user_id=user_id, app="default", follow="thread"))
    assert await own(office, scope) == {}


async def test_of_whom_slack_tells_nothing_no_form_is_taken_for_want_of_a_scope(
    office: Office, town: Town
) -> None:
    form = await opened(office)
    town.people[ADMIN] = None
    (refusal,) = wrong(await send(office, form, follow="thread")).values()
    assert "lack the scope `users:read`" in refusal
    assert await own(office) == {}


async def test_only_people_whom_slack_tells_of_are_entered_as_managers(office: Office) -> None:
    form = await opened(office)
    errors = wrong(await send(office, form, managers=(MANAGER, "U0NOBODY")))
    assert errors.keys() == {"managers"}
    assert errors["managers"].startswith("U0NOBODY: Only people of this workspace")
    result = await send(office, form, managers=(MANAGER,))
    assert isinstance(result, Closed)
    assert result.notice is not None
    assert "`/dashscope workspace delegate on`" in result.notice.text


async def test_who_is_no_admin_any_more_is_told_which_fields_are_admins_own(
    office: Office,
) -> None:
    await put(office, "workspace", delegate=True)
    await put(office, HERE, managers=["U1"])
    form = await opened(office)
    entered = {**values_of(form), "follow": "thread", "quota_user_turns": "500"}
    entered |= {"managers": ("UCREATOR",), "who": ("external",)}
    errors = wrong(
        await submitted(office, caller(CREATOR), CALLBACK, state=form.state, values=entered)
    )
    assert errors.keys() == {"managers", "quota_user_turns", "who"}
    assert all("Only admins" in said for said in errors.values())
    assert await own(office) == {"managers": ["U1"]}
    assert isinstance(await send(office, form, user_id=CREATOR, follow="thread"), Closed)
    assert await own(office) == {"managers": ["U1"], "follow": "thread"}


async def test_whoever_manages_a_channel_chooses_open_apps_and_the_one_that_is_chosen(
    office: Office, door: Door
) -> None:
    for name, is_open in (("open", True), ("closed", False), ("hr", False)):
        app = stored_app(name, is_open=is_open)
        await office.storage.apps.put(TEAM, app, expected_version=0, by=ADMIN)
    await put(office, "workspace", delegate=True)
    await put(office, HERE, app="hr")
    form = await opened(office, is_admin=False)
    offered = {option.value for option in inputs_of(form)["app"].options}
    assert offered == {INHERIT, "default", "open", "hr"}
    assert wrong(await send(office, form, user_id=CREATOR, app="closed")).keys() == {"app"}
    assert "only admins" in (await typed(door, "app closed", by=CREATOR)).text
    assert "`hr` already" in (await typed(door, "app hr", by=CREATOR)).text
    kept = await send(office, form, user_id=CREATOR, follow="thread")
    assert isinstance(kept, Closed)
    assert await own(office) == {"app": "hr", "follow": "thread"}
    switched = await typed(door, "app open", by=CREATOR)
    assert await own(office) == {"app": "open", "follow": "thread"}
    assert "only admins" in (await pressed(door, switched, by=CREATOR)).text
    assert await own(office) == {"app": "open", "follow": "thread"}


async def test_people_the_operator_named_may(office: Office) -> None:
    form = await opened(office, "workspace")
    assert isinstance(await send(office, form, user_id=NAMED, delegate="on"), Closed)
    assert await own(office, "workspace") == {"delegate": True}


async def test_when_slack_does_not_say_who_somebody_is_nothing_changes(
    office: Office, town: Town
) -> None:
    form = await opened(office)
    town.is_away = True
    [sentence] = wrong(await send(office, form, follow="thread")).values()
    assert "nothing was changed" in sentence
    assert await own(office) == {}


async def test_what_others_changed_meanwhile_stays_unless_it_was_entered_here(
    office: Office,
) -> None:
    await put(office, HERE, language="en", memory="off")
    form = await opened(office)
    theirs = await send(
        office, form, user_id=NAMED, follow="thread", quota_user_turns="9", memory=INHERIT
    )
    assert isinstance(theirs, Closed)
    mine = await send(office, form, language="zh")
    assert isinstance(mine, Closed)
    assert mine.notice is not None
    assert "`language` `en` → `zh`" in mine.notice.text
    assert "quota" not in mine.notice.text
    assert await own(office) == {"language": "zh", "follow": "thread", "quota_user_turns": 9}


async def test_what_two_entered_alike_is_no_quarrel(office: Office) -> None:
    form = await opened(office)
    await send(office, form, user_id=NAMED, follow="thread")
    assert isinstance(await send(office, form, follow="thread", memory="off"), Closed)
    assert await own(office) == {"follow": "thread", "memory": "off"}


async def test_what_two_changed_otherwise_is_put_to_the_second_and_nothing_else(
    office: Office,
) -> None:
    form = await opened(office)
    theirs = await send(office, form, user_id=NAMED, tags="theirs", pipeline_ids="P1")
    assert isinstance(theirs, Closed)
    mine = await send(office, form, follow="thread", biz_params="", pipeline_ids="P2")
    assert isinstance(mine, Replaced)
    assert_fits(mine.form)
    assert inputs_of(mine.form)["pipeline_ids"].value == "P2"
    assert inputs_of(mine.form)["follow"].value == "thread"
    assert inputs_of(mine.form)["tags"].value == "theirs"
    said = prose_of(mine.form)
    assert "Both of you changed: Knowledge bases." in said
    assert f"<@{NAMED}>" in said
    assert "`theirs`" in said
    assert await own(office) == {"tags": ["theirs"], "pipeline_ids": ["P1"]}
    assert isinstance(await send(office, mine.form), Closed)
    assert await own(office) == {"follow": "thread", "pipeline_ids": ["P2"], "tags": ["theirs"]}


async def test_a_form_that_comes_again_has_inputs_slack_has_not_seen(office: Office) -> None:
    form = await opened(office)
    await send(office, form, user_id=NAMED, follow="thread", memory="off")
    mine = await send(office, form, memory="separate")
    assert isinstance(mine, Replaced)
    first, second = (
        {block["block_id"] for block in view_of(each, origin="C1")["blocks"] if "element" in block}
        for each in (form, mine.form)
    )
    assert not first & second


async def test_what_others_took_away_is_shown_before_what_needs_it_is_saved(
    office: Office,
) -> None:
    await put(office, HERE, pipeline_ids=["P1"])
    form = await opened(office)
    await send(office, form, user_id=NAMED, pipeline_ids="")
    mine = await send(office, form, tags="a")
    assert isinstance(mine, Replaced)
    assert inputs_of(mine.form)["pipeline_ids"].value == ""
    assert inputs_of(mine.form)["tags"].value == "a"
    assert wrong(await send(office, mine.form)).keys() == {"tags"}


@pytest.mark.parametrize("version", [2, 10**9])
async def test_a_form_of_a_version_there_never_was_is_refused(office: Office, version: int) -> None:
    await put(office, HERE, follow="thread")
    state = json.dumps({"scope": HERE, "version": version})
    assert wrong(await send(office, await opened(office), state=state, memory="off"))
    assert await own(office) == {"follow": "thread"}


async def test_words_of_others_do_nothing_in_the_note(office: Office) -> None:
    form = await opened(office)
    await send(office, form, user_id=NAMED, pipeline_ids="P1", tags="<!channel> <https://x|y>")
    mine = await send(office, form, pipeline_ids="P2")
    assert isinstance(mine, Replaced)
    assert "<!channel>" not in prose_of(mine.form)
    assert "<https" not in prose_of(mine.form)


async def test_a_database_in_trouble_is_told_in_a_sentence(office: Office) -> None:
    form = await opened(office)
    await office.storage.run(lambda conn: conn.execute(sa.text("DROP TABLE setting")))
    assert "database" in str(await send(office, form, follow="thread"))


@pytest.mark.parametrize("callback", ["", "none", "wibble"])
async def test_a_form_nobody_knows_is_refused(office: Office, callback: str) -> None:
    result = await submitted(office, caller(), callback, state="", values={"app": "x"})
    assert set(wrong(result)) == {"app"}


ENTERED = st.one_of(
    st.text(max_size=30),
    st.lists(st.text(max_size=6), max_size=3).map(tuple),
    st.sampled_from(
        [
            INHERIT, "", "none", "null", "on", "off", "default", "flow", "messages",
            "full_thoughts", "P1 P2",
            '{"a": "b"}', '{"user_prompt_params": {"a": 1}}', '{"temperature": 0.1}', "12",
            "{" * 500, "a=b", ("members",), ("U1",),
        ]
    ),
)  # fmt: skip
VALID = {
    "app": ("default", INHERIT),
    "pipeline_ids": ("P1 P2", "none", ""),
    "file_ids": ("F1", "none", ""),
    "tags": ("a", "none", ""),
    "metadata_filter": ('{"a": "b"}', "none", ""),
    "biz_params": ('{"user_prompt_params": {"a": 1}}', "a=b", "none", ""),
    "has_thoughts": ("on", "off", INHERIT),
    "flow_stream_mode": ("full_thoughts", "none", INHERIT),
    "more": (
        '{"temperature": 0.1}',
        '{"session_file_ids": ["file_session_1"]}',
        '{"temperature": null}',
        "none",
        "",
    ),
    "history": ("messages", "off", INHERIT),
    "who": (("members",), ("admins",), ()),
    "managers": (("U1",), ()),
}
ENTRIES = st.dictionaries(st.sampled_from([*SETTINGS, "junk"]), ENTERED, max_size=3)
PLAUSIBLE = st.fixed_dictionaries(
    {}, optional={key: st.sampled_from(values) for key, values in VALID.items()}
)
FORGED = st.one_of(
    st.text(max_size=40),
    st.builds(
        lambda scope, version: json.dumps({"scope": scope, "version": version}),
        st.sampled_from(["workspace", HERE, f"user:{ADMIN}", "channel:D1", "user:", "x", ""]),
        st.integers(-1, 4),
    ),
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    odd=ENTRIES,
    plausible=PLAUSIBLE,
    state=st.one_of(st.sampled_from(["workspace", HERE]), FORGED),
    user_id=st.sampled_from([ADMIN, ADMIN, NAMED, MEMBER, CREATOR, "UNOBODY"]),
)
async def test_whatever_is_submitted_is_answered_and_nothing_impossible_is_stored(
    office: Office,
    odd: dict[str, str | tuple[str, ...]],
    plausible: dict[str, str | tuple[str, ...]],
    state: str,
    user_id: str,
) -> None:
    scopes = ("workspace", HERE, f"user:{ADMIN}")
    before = {scope: await own(office, scope) for scope in scopes}
    if state in scopes:
        state = (await opened(office, state)).state
    result = await submitted(
        office, caller(user_id), CALLBACK, state=state, values={**plausible, **odd}
    )
    match result:
        case Closed(notice):
            assert notice is not None
            assert_notice_fits(notice)
            assert user_id in {ADMIN, NAMED}
        case Errors(by_key):
            assert all(by_key.values())
        case Replaced(form):
            assert_fits(form)
        case Taken():
            pytest.fail("a settings form is done at once")
    after = {scope: await own(office, scope) for scope in scopes}
    if not isinstance(result, Closed):
        assert after == before
    for scope, level in zip(scopes, Level, strict=True):
        for key, value in after[scope].items():
            assert level in SETTINGS[key].levels
            assert SETTINGS[key].misfit(value) is None
    was = before["workspace"]
    for name in resolve(Layers(workspace=after["workspace"]), app=DEFAULT).unused:
        waits = name == "system"  # for the history to go as messages
        assert waits or was[name] == after["workspace"][name], (
            "only what was set before is left out"
        )


async def test_the_form_that_comes_again_fits_whatever_others_set_meanwhile(office: Office) -> None:
    form = await opened(office)
    for version in range(3):
        values = {f"{version}{number}": "<" * 90 for number in range(8)} | {"follow": "mention"}
        await office.storage.settings.change(
            TEAM, HERE, values=values, expected_version=version, by=ADMIN
        )
    mine = await send(office, form, follow="thread")
    assert isinstance(mine, Replaced)
    assert_fits(mine.form)
    assert "Nothing was saved" in prose_of(mine.form)
