"""The form with every setting, and those who may only read it."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.admin import scopes
from bot.admin.choices import Choices
from bot.admin.config import open_config
from bot.admin.config_form import config_form, reading_form
from bot.admin.config_page import (
    GROUPS,
    INHERIT,
    ConfigPage,
    ConfigState,
    NamedApp,
    read_state,
    settings_shown,
)
from bot.admin.office import Office
from bot.core.json_value import Json
from bot.core.language import Language
from bot.core.question import AppKind
from bot.core.screens import MAX_OPTIONS, Form
from bot.core.setting import SETTINGS, Level
from storage.database import Storage
from tests.unit.admin.bounds import assert_fits, inputs_of, prose_of
from tests.unit.admin.desk import (
    ADMIN,
    CHANNEL,
    CREATOR,
    DEFAULT,
    DIRECT,
    MEMBER,
    TEAM,
    Town,
    Wall,
    office_of,
    stored_app,
    visit,
)

PAGE = ConfigPage(
    scope="channel:C1",
    version=4,
    values={},
    workspace={},
    app=DEFAULT,
    apps=(NamedApp("default", AppKind.AGENT), NamedApp("flow", AppKind.WORKFLOW)),
    is_admin=True,
)
SCOPES = ("workspace", "channel:C1", "user:UADMIN")
FULL = {
    "app": "gone",
    "pipeline_ids": ["P1", "P2"],
    "metadata_filter": {"author": "Ann"},
    "has_thoughts": False,
    "history": "off",
    "who": ["members", "guests"],
    "managers": ["U1", "U2"],
    "quota_user_turns": 20,
    "quota_user_tokens": "off",
}


def label_of(form: Form, key: str, value: str) -> str:
    [label] = [option.label for option in inputs_of(form)[key].options if option.value == value]
    return label


def english(page: ConfigPage) -> Form:
    return config_form(page, language=Language.EN)


def test_every_setting_stands_under_exactly_one_heading() -> None:
    assert sorted(key for keys in GROUPS.values() for key in keys) == sorted(SETTINGS)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("values", [{}, FULL])
@pytest.mark.parametrize("is_admin", [True, False])
def test_every_form_fits(
    language: Language, scope: str, values: dict[str, object], is_admin: bool
) -> None:
    page = replace(PAGE, scope=scope, values=values, workspace=FULL, is_admin=is_admin)
    form = config_form(page, language=language, note="*Look*")
    assert_fits(form)
    assert len(inputs_of(form)) <= 25
    assert_fits(reading_form(page, language=language))


def test_a_form_holds_the_settings_of_its_level_in_its_own_order() -> None:
    for scope, level in zip(SCOPES, Level, strict=True):
        form = english(replace(PAGE, scope=scope))
        assert list(inputs_of(form)) == [
            setting.key for setting in settings_shown(level, is_admin=True)
        ]
    assert list(inputs_of(english(replace(PAGE, scope="user:U1")))) == ["app"]


def test_what_is_set_here_stands_in_its_input() -> None:
    own = {key: part.value for key, part in inputs_of(english(replace(PAGE, values=FULL))).items()}
    assert own["app"] == "gone"
    assert own["pipeline_ids"] == "P1, P2"
    assert own["metadata_filter"] == '{"author": "Ann"}'
    assert own["has_thoughts"] == "off"
    assert own["history"] == "off"
    assert own["who"] == ("members", "guests")
    assert own["managers"] == ("U1", "U2")
    assert own["quota_user_turns"] == "20"
    assert own["quota_user_tokens"] == "off"
    assert own["follow"] == INHERIT
    assert own["tags"] == ""


def test_what_is_inherited_is_named_at_its_input() -> None:
    workspace = {
        "app": "flow",
        "follow": "thread",
        "quota_user_turns": 9,
        "quota_channel_turns": 99,
        "biz_params": {"a": "1"},
    }
    form = english(replace(PAGE, workspace=workspace))
    assert label_of(form, "app", INHERIT) == "Inherit (workspace: flow)"
    assert label_of(form, "follow", INHERIT) == "Inherit (workspace: Every message in its threads)"
    assert label_of(form, "sources", INHERIT) == "Inherit (built in: On)"
    assert label_of(form, "has_thoughts", INHERIT) == "Inherit (the app's own)"
    assert inputs_of(form)["quota_channel_turns"].placeholder == "Inherited (workspace): 99"
    assert "besides: 9" in inputs_of(form)["quota_user_turns"].placeholder
    assert inputs_of(form)["biz_params"].placeholder == 'Inherited (workspace): {"a": "1"}'


def test_what_the_chosen_app_brings_along_is_named_at_its_inputs() -> None:
    brings: dict[str, Json] = {
        "has_thoughts": True,
        "temperature": 0.3,
        "pipeline_ids": ["KB"],
        "tags": None,
    }
    app = replace(DEFAULT, name="docs", options=brings)
    for scope in ("channel:C1", "workspace"):
        form = english(replace(PAGE, scope=scope, values={"app": "docs"}, app=app))
        assert label_of(form, "has_thoughts", INHERIT) == "Inherit (the app's own: On)"
        asked = inputs_of(form)
        assert asked["pipeline_ids"].placeholder == "Inherited (the app's own): KB"
        assert asked["tags"].placeholder == "Inherited (the app's own): none"
        assert asked["more"].placeholder == 'Inherited (the app\'s own): {"temperature": 0.3}'
        assert asked["file_ids"].placeholder == ""
    workspace: dict[str, Json] = {"pipeline_ids": ["KW"], "more": {"seed": 1}}
    form = english(replace(PAGE, workspace=workspace, app=replace(app, name="default")))
    assert inputs_of(form)["pipeline_ids"].placeholder == "Inherited (workspace): KW"
    shown = 'Inherited (workspace): {"temperature": 0.3, "seed": 1}'
    assert inputs_of(form)["more"].placeholder == shown


async def test_an_app_that_is_gone_brings_nothing_along_that_is_known(
    storage: Storage, town: Town
) -> None:
    default = replace(DEFAULT, options={"pipeline_ids": ["KB"]})
    office = replace(office_of(storage, town), choices=Choices(storage, default, directory=town))
    for values, placeholder in (
        ({"app": "default"}, "Inherited (the app's own): KB"),
        ({"app": "gone"}, ""),
    ):
        await settle(office, values)
        form = (await opened(office))[-1]
        assert inputs_of(form)["pipeline_ids"].placeholder == placeholder


def test_none_stands_in_its_input_and_is_named_where_it_is_inherited() -> None:
    nothing = {key: "none" for key, setting in SETTINGS.items() if setting.can_be_none}
    own = inputs_of(english(replace(PAGE, values=nothing)))
    assert {key: own[key].value for key in nothing} == nothing
    form = english(replace(PAGE, workspace=nothing))
    inherited = inputs_of(form)
    assert inherited["pipeline_ids"].placeholder == "Inherited (workspace): none"
    assert inherited["pipeline_ids"].value == ""
    label = "None of these: the bot's own choice"
    assert label_of(form, "flow_stream_mode", "none") == label
    assert label_of(form, "flow_stream_mode", INHERIT) == f"Inherit (workspace: {label})"
    assert "`none`" in prose_of(reading_form(replace(PAGE, values=nothing), language=Language.EN))


def test_how_to_have_none_is_said_where_a_setting_can_be() -> None:
    for scope, is_said in zip(SCOPES, (True, True, False), strict=True):
        said = prose_of(english(replace(PAGE, scope=scope)))
        assert ("enter `none`" in said) == is_said


def test_another_app_inherits_no_options_of_the_workspace_s_app() -> None:
    page = replace(PAGE, values={"app": "flow"}, workspace={"biz_params": {"a": "1"}})
    assert inputs_of(english(page))["biz_params"].placeholder == ""
    page = replace(PAGE, values={"app": "DEFAULT"}, workspace={"biz_params": {"a": "1"}})
    assert inputs_of(english(page))["biz_params"].placeholder != ""


def test_apps_are_listed_with_their_kinds_and_a_gone_one_stays_chosen() -> None:
    form = english(replace(PAGE, values={"app": "gone"}))
    assert label_of(form, "app", "flow") == "flow · workflow"
    assert "does not exist any more" in label_of(form, "app", "gone")


def test_more_apps_than_slack_lists_leave_a_way_to_the_others() -> None:
    apps = tuple(NamedApp(f"app{number}", AppKind.AGENT) for number in range(150))
    form = english(replace(PAGE, apps=apps, values={"app": "app149"}))
    assert_fits(form)
    assert len(inputs_of(form)["app"].options) == MAX_OPTIONS
    assert label_of(form, "app", "app149") == "app149"
    assert "/dashscope app NAME" in prose_of(form)


def test_only_admins_see_who_manages_a_channel() -> None:
    assert "managers" in inputs_of(english(PAGE))
    assert "managers" not in inputs_of(english(replace(PAGE, is_admin=False)))


def test_entries_are_kept_when_the_form_is_shown_again() -> None:
    entered = {"app": "flow", "tags": " odd ", "who": ("guests",), "sources": "off"}
    form = config_form(
        replace(PAGE, values=FULL), language=Language.EN, entered=entered, note="*Look*"
    )
    shown = {key: part.value for key, part in inputs_of(form).items()}
    assert {key: shown[key] for key in entered} == entered
    assert shown["managers"] == ("U1", "U2")
    assert prose_of(form).startswith("*Look*")


def test_reading_shows_values_that_do_nothing_in_slack() -> None:
    values = {"tags": ["<!channel>", "a`b&"], "managers": ["U1"]}
    form = reading_form(replace(PAGE, values=values), language=Language.EN)
    said = prose_of(form)
    assert inputs_of(form) == {}
    assert form.submit == ""
    assert "<!channel>" not in said
    assert "`&lt;!channel&gt;, aˋb&amp;`" in said
    assert "<@U1>" in said


def test_a_state_reads_back() -> None:
    for scope in SCOPES:
        state = ConfigState(scope, 3)
        assert read_state(state.text()) == state


@given(st.one_of(st.text(), st.sampled_from(['{"scope": "channel:"}', '{"scope": 1}', "[]"])))
def test_another_state_is_none(text: str) -> None:
    assert read_state(text) is None


async def settle(office: Office, values: Mapping[str, Json]) -> None:
    stored = await office.storage.settings.get(TEAM, "channel:C1")
    await office.storage.settings.change(
        TEAM,
        "channel:C1",
        values=values,
        expected_version=stored["channel:C1"].version,
        by=ADMIN,
    )


async def opened(
    office: Office,
    user_id: str = ADMIN,
    *,
    channel_id: str = CHANNEL,
    for_workspace: bool = False,
) -> list[Form]:
    who = visit(user_id, channel_id=channel_id)
    scope = scopes.WORKSPACE if for_workspace else scopes.here(who.caller)
    await open_config(office, who, scope=scope)
    assert isinstance(who.screen, Wall)
    assert who.screen.notices == []
    for form in who.screen.forms:
        assert_fits(form)
    return who.screen.forms


async def test_a_form_is_open_before_anything_is_read(office: Office) -> None:
    waiting, form = await opened(office)
    assert "One moment" in prose_of(waiting)
    assert read_state(form.state) == ConfigState("channel:C1", 0)


@pytest.mark.parametrize(
    ("channel_id", "for_workspace", "scope"),
    [(CHANNEL, True, "workspace"), (DIRECT, False, "user:UADMIN"), (DIRECT, True, "workspace")],
)
async def test_the_form_is_of_the_place_or_of_the_workspace(
    office: Office, channel_id: str, for_workspace: bool, scope: str
) -> None:
    form = (await opened(office, channel_id=channel_id, for_workspace=for_workspace))[-1]
    assert read_state(form.state) == ConfigState(scope, 0)


async def test_in_direct_messages_members_choose_among_open_apps(office: Office) -> None:
    for name, is_open in (("open", True), ("closed", False)):
        app = stored_app(name, is_open=is_open)
        await office.storage.apps.put(TEAM, app, expected_version=0, by=ADMIN)
    mine = inputs_of((await opened(office, MEMBER, channel_id=DIRECT))[-1])["app"]
    assert [option.value for option in mine.options] == [INHERIT, "default", "open"]
    admins = inputs_of((await opened(office, channel_id=DIRECT))[-1])["app"]
    assert "closed" in {option.value for option in admins.options}


async def test_a_choice_that_was_closed_since_is_said_to_be_closed_and_no_more(
    office: Office,
) -> None:
    app = stored_app("shop", kind="workflow")
    await office.storage.apps.put(TEAM, app, expected_version=0, by=ADMIN)
    for user_id in (MEMBER, ADMIN):
        await office.storage.settings.change(
            TEAM, f"user:{user_id}", values={"app": "shop"}, expected_version=0, by=user_id
        )
    told = (await opened(office, MEMBER, channel_id=DIRECT))[-1]
    assert inputs_of(told)["app"].value == "shop"
    assert label_of(told, "app", "shop") == "shop (not open to you any more)"
    admins = (await opened(office, ADMIN, channel_id=DIRECT))[-1]
    assert label_of(admins, "app", "shop") == "shop · workflow"


async def test_people_who_may_not_change_read_only(office: Office) -> None:
    await office.storage.settings.change(
        TEAM, "channel:C1", values={"follow": "thread"}, expected_version=0, by=ADMIN
    )
    for user_id in (MEMBER, CREATOR):
        form = (await opened(office, user_id))[-1]
        assert inputs_of(form) == {}
        assert "Every message in its threads" in prose_of(form)


async def test_a_creator_changes_the_channel_while_the_workspace_delegates(
    office: Office,
) -> None:
    await office.storage.settings.change(
        TEAM, "workspace", values={"delegate": True}, expected_version=0, by=ADMIN
    )
    form = (await opened(office, CREATOR))[-1]
    assert "managers" not in inputs_of(form)
    assert "app" in inputs_of(form)


async def test_only_somebody_who_seems_to_be_no_admin_is_asked_about_anew(
    office: Office, town: Town
) -> None:
    await opened(office, ADMIN)
    assert town.asked_fresh == []
    await opened(office, MEMBER)
    assert town.asked_fresh == [MEMBER]
    town.is_away = True
    assert inputs_of((await opened(office, MEMBER))[-1]) == {}
