"""`apps …`: listing, adding, changing, testing and removing."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from bot.admin.app_list import MAX_ROWS
from bot.admin.apps import apps_command, apps_pressed
from bot.admin.choices import Choices
from bot.admin.office import Office
from bot.admin.ports import Press, Visit
from bot.admin.replies import Refused
from bot.core.app_addresses import region_of
from bot.core.language import Language
from bot.core.screens import Notice
from bot.errors import Misconfigured, SlackError
from storage.database import Storage
from tests.unit.admin.bounds import assert_fits, assert_notice_fits, inputs_of, prose_of
from tests.unit.admin.desk import (
    ADMIN,
    DEFAULT,
    MEMBER,
    TEAM,
    Town,
    Trial,
    Wall,
    office_of,
    stored_app,
    visit,
)

ADD = "add docs app_id=APP1 kind=agent region=beijing"


def wall(of: Visit) -> Wall:
    assert isinstance(of.screen, Wall)
    return of.screen


async def typed(office: Office, text: str, *, by: Visit | None = None) -> Notice:
    who = by or visit()
    await apps_command(office, who, text)
    [notice] = wall(who).notices
    assert_notice_fits(notice)
    return notice


async def pressed(office: Office, action: str, value: str) -> Notice:
    who = visit()
    await apps_pressed(office, who, Press(action, value))
    [notice] = wall(who).notices
    return notice


async def refusal_of(work: Awaitable[object]) -> str:
    with pytest.raises(Refused) as caught:
        await work
    return caught.value.text


async def add(office: Office, name: str = "docs", **changes: object) -> None:
    app = stored_app(name, **changes)
    await office.storage.apps.put(TEAM, app, expected_version=0, by=ADMIN)


async def test_an_app_is_added_by_command(office: Office) -> None:
    notice = await typed(office, f"{ADD} workspace=llm-1 open=yes")
    app = await office.storage.apps.get(TEAM, "DOCS")
    assert app is not None
    assert app.base_url == "https://dashscope.aliyuncs.com/api/v1"
    assert (app.app_id, app.kind, app.workspace, app.is_open) == ("APP1", "agent", "llm-1", True)
    assert "Added the app `docs`" in notice.text
    assert [button.action for button in notice.buttons] == ["app.test", "undo"]


@pytest.mark.parametrize("blank", ["\u3000", "\n", "  "])
async def test_any_blank_parts_the_words_of_a_command(office: Office, blank: str) -> None:
    assert "works" in (await typed(office, f"test{blank}default")).text


async def test_adding_can_be_undone_by_its_button(office: Office) -> None:
    notice = await typed(office, ADD)
    await office.storage.audit.undo(TEAM, int(notice.buttons[-1].value), by=ADMIN)
    assert await office.storage.apps.get(TEAM, "docs") is None


@pytest.mark.parametrize(
    "base_url",
    ["https://dashscope.aliyuncs.com/api/v1", "https://llm-1.cn-beijing.maas.aliyuncs.com/api/v1"],
)
async def test_an_app_is_where_the_bots_own_is_unless_said_otherwise(
    storage: Storage, town: Town, base_url: str
) -> None:
    office = office_of(storage, town)
    choices = Choices(storage, replace(DEFAULT, base_url=base_url), directory=town)
    office = replace(office, choices=choices)
    await typed(office, "add docs app_id=APP1")
    await typed(office, "add other app_id=APP2 region=hongkong")
    docs, other = await storage.apps.list(TEAM)
    assert docs.base_url == base_url
    assert "hongkong" in other.base_url
    who = visit()
    await apps_command(office, who, "add")
    shown = inputs_of(wall(who).forms[-1])
    region = region_of(base_url)
    where = (region or "other", "" if region else base_url)
    assert (shown["region"].value, shown["base_url"].value) == where


async def test_default_options_may_hold_spaces(office: Office) -> None:
    await typed(office, f'{ADD} options={{"has_thoughts": true, "model_id": "qwen-plus"}}')
    app = await office.storage.apps.get(TEAM, "docs")
    assert app is not None
    assert app.options == {"has_thoughts": True, "model_id": "qwen-plus"}


async def test_a_name_is_taken_in_any_case_and_default_is_reserved(office: Office) -> None:
    await typed(office, ADD)
    assert "already" in await refusal_of(typed(office, ADD.replace("docs", "Docs")))
    assert "`name`" in await refusal_of(typed(office, ADD.replace("docs", "Default")))


@pytest.mark.parametrize(
    "text",
    [
        "add docs app_id=A api_key=abc",
        "edit docs API_KEY=abc",
        "add docs token=abc",
        "ad docs app_id=A api_key=sk-0123456789abcdef",
        "test sk-0123456789abcdef",
        "add docs sk-0123456789abcdef",
        'add docs options={"x": "sk-0123456789abcdef"}',
    ],
)
async def test_a_key_in_a_command_is_refused_and_not_repeated(office: Office, text: str) -> None:
    await add(office)
    said = await refusal_of(typed(office, text))
    assert "Never type a key" in said
    assert "0123456789abcdef" not in said
    assert "=abc" not in said


async def test_what_is_wrong_is_told_field_by_field_and_nothing_is_stored(office: Office) -> None:
    said = await refusal_of(typed(office, "add docs app_id=A/B kind=robot region=mars"))
    for field in ("`app_id`", "`kind`", "`region`"):
        assert field in said
    assert await office.storage.apps.list(TEAM) == []


@pytest.mark.parametrize(
    "text",
    [
        "wibble",
        "edit",
        "test",
        "remove",
        "add docs x=1",
        "add d oops",
        "test docs other",
        "remove docs other",
        "list all",
    ],
)
async def test_anything_else_is_answered_with_how_to_write_it(office: Office, text: str) -> None:
    await add(office)
    assert "/dashscope apps add" in await refusal_of(typed(office, text))


async def test_an_app_is_changed_field_by_field(office: Office) -> None:
    await add(office, is_open=True, options={"has_thoughts": True})
    notice = await typed(
        office, "edit DOCS kind=workflow base_url=https://dashscope.aliyuncs.com/api/v1"
    )
    app = await office.storage.apps.get(TEAM, "docs")
    assert app is not None
    assert (app.name, app.kind, app.is_open) == ("docs", "workflow", True)
    assert app.options == {"has_thoughts": True}
    assert "`agent` → `workflow`" in notice.text
    assert "`singapore` → `beijing`" in notice.text
    assert "fresh sessions" in notice.text


async def test_changing_the_kind_checks_the_options_again(office: Office) -> None:
    await add(office, options={"pipeline_ids": ["P1"]})
    assert "`options`" in await refusal_of(typed(office, "edit docs kind=workflow"))
    notice = await typed(office, "edit docs kind=workflow options=")
    assert "fresh sessions" not in notice.text


async def test_changing_nothing_says_so_and_leaves_no_entry(office: Office) -> None:
    await add(office)
    notice = await typed(office, "edit docs kind=agent")
    assert "Nothing to change" in notice.text
    assert notice.buttons == ()
    assert len(await office.storage.audit.page(TEAM, scope=None, before_id=None, limit=9)) == 1


async def test_the_built_in_app_is_neither_changed_nor_removed_here(office: Office) -> None:
    for text in ("edit default kind=workflow", "remove DEFAULT"):
        assert "started with" in await refusal_of(typed(office, text))


async def test_an_unknown_app_brings_the_closest_names(office: Office) -> None:
    await add(office, "documents")
    said = await refusal_of(typed(office, "remove documnts"))
    assert "`documents`" in said
    assert "/dashscope apps" in await refusal_of(typed(office, "test zzz"))


PLACES = ("workspace", "channel:C7", "user:U7")


async def test_an_app_that_is_used_stays_until_its_places_are_named_and_let_go(
    office: Office,
) -> None:
    await add(office)
    for scope in PLACES:
        await office.storage.settings.change(
            TEAM, scope, values={"app": "DOCS", "kept": 1}, expected_version=0, by=ADMIN
        )
    question = await typed(office, "remove docs")
    for place in ("the workspace", "<#C7>", "<@U7>"):
        assert place in question.text
    assert "docs" in await refusal_of(pressed(office, "app.remove_now", "1:docs"))
    [button] = question.buttons
    assert (button.label, button.style) == ("Remove docs, and inherit there", "danger")
    notice = await pressed(office, button.action, button.value)
    assert "<#C7>" in notice.text
    assert await office.storage.apps.get(TEAM, "docs") is None
    stored = await office.storage.settings.get(TEAM, *PLACES)
    assert [stored[scope].values for scope in PLACES] == [{"kept": 1}] * 3
    await office.storage.audit.undo(TEAM, int(notice.buttons[0].value), by=ADMIN)
    assert await office.storage.apps.get(TEAM, "docs") is not None
    stored = await office.storage.settings.get(TEAM, *PLACES)
    assert [stored[scope].values for scope in PLACES] == [{"kept": 1, "app": "DOCS"}] * 3


async def test_removing_asks_first_and_can_be_undone(office: Office) -> None:
    await add(office)
    question = await typed(office, "remove docs")
    [button] = question.buttons
    assert button.confirm
    assert button.style == "danger"
    assert await office.storage.apps.get(TEAM, "docs") is not None
    notice = await pressed(office, button.action, button.value)
    assert await office.storage.apps.get(TEAM, "docs") is None
    await office.storage.audit.undo(TEAM, int(notice.buttons[0].value), by=ADMIN)
    assert await office.storage.apps.get(TEAM, "docs") is not None


async def test_an_app_that_was_changed_since_the_question_is_not_removed(office: Office) -> None:
    await add(office)
    [button] = (await typed(office, "remove docs")).buttons
    await typed(office, "edit docs app_id=APP9")
    said = await refusal_of(pressed(office, button.action, button.value))
    assert "in the meantime" in said
    assert await office.storage.apps.get(TEAM, "docs") is not None


@pytest.mark.parametrize("value", ["", "docs", "0:docs", "x:docs", "9999999999999:docs", "1:"])
async def test_a_forged_button_removes_nothing(office: Office, value: str) -> None:
    await add(office)
    await refusal_of(pressed(office, "app.remove_now", value))
    assert await office.storage.apps.get(TEAM, "docs") is not None


async def test_the_list_tells_of_every_app_and_of_no_key(office: Office) -> None:
    await office.storage.secrets.put(TEAM, "app/1", "sk-canary")
    await add(office, workspace="llm-1", secret_name="app/1", is_open=True)
    await office.storage.settings.change(
        TEAM, "channel:C7", values={"app": "docs"}, expected_version=0, by=ADMIN
    )
    notice = await typed(office, "")
    [docs] = [line for line in notice.text.splitlines() if "`docs`" in line]
    assert [cell.strip() for cell in docs.strip("|").split("|")] == [
        "`docs`", "agent", "International (Singapore)", "`llm-1`", "its own", "yes", "1"
    ]  # fmt: skip
    assert "`default`" in notice.text
    assert "sk-" not in notice.text
    assert "app/1" not in notice.text
    actions = [button.action for button in notice.buttons]
    assert actions == ["app.add", "app.test", "app.edit", "app.test", "app.remove"]


async def test_the_longest_list_fits(office: Office) -> None:
    for number in range(MAX_ROWS + 5):
        await add(
            office,
            f"{number:02}{'n' * 30}",
            base_url=f"https://{'h' * 240}.example/api/v1",
            workspace="w" * 64,
        )
    for language in Language:
        notice = await typed(office, "list", by=visit(language=language))
        assert "6" in notice.text.splitlines()[-3]


async def test_members_see_the_list_without_buttons(office: Office) -> None:
    await add(office)
    notice = await typed(office, "", by=visit(MEMBER))
    assert "`docs`" in notice.text
    assert notice.buttons == ()


@pytest.mark.parametrize("text", [ADD, "edit docs kind=workflow", "test docs", "remove docs"])
async def test_members_change_nothing(office: Office, text: str) -> None:
    await add(office, "other")
    said = await refusal_of(typed(office, text, by=visit(MEMBER)))
    assert "Only admins" in said
    assert [app.name for app in await office.storage.apps.list(TEAM)] == ["other"]


async def test_a_change_needs_slack_to_say_who_somebody_is(office: Office, town: Town) -> None:
    town.is_away = True
    with pytest.raises(SlackError):
        await typed(office, ADD)
    assert await office.storage.apps.list(TEAM) == []


async def test_a_test_asks_the_app_with_its_own_key(office: Office) -> None:
    await office.storage.secrets.put(TEAM, "app/1", "sk-own")
    await add(office, secret_name="app/1")
    notice = await typed(office, "test docs")
    assert "`docs` works" in notice.text
    assert "`default` works" in (await pressed(office, "app.test", "default")).text


async def test_a_failed_test_says_what_to_do(office: Office) -> None:
    trial = office.prober
    assert isinstance(trial, Trial)
    trial.error = Misconfigured(code="InvalidApiKey", status=401, request_id="req-1")
    notice = await typed(office, "test default")
    assert "another region" in notice.text
    assert "`req-1`" in notice.text


async def test_a_key_that_cannot_be_read_is_told_by_a_test(office: Office) -> None:
    await add(office, secret_name="app/gone")
    assert "Enter the key again" in await refusal_of(typed(office, "test docs"))


async def test_adding_and_editing_open_a_form_at_once_and_fill_it(office: Office) -> None:
    await add(office, base_url="https://llm-1.cn-beijing.maas.aliyuncs.com/api/v1")
    for text, title in (("add", "Add an app"), ("edit docs", "Edit an app")):
        who = visit()
        await apps_command(office, who, text)
        waiting, form = wall(who).forms
        assert "One moment" in prose_of(waiting)
        assert waiting.submit == ""
        assert form.title == title
        assert_fits(waiting)
        assert_fits(form)
        assert wall(who).notices == []
    assert inputs_of(form)["region"].value == "other"
    assert "name" not in inputs_of(form)


@pytest.mark.parametrize(("action", "value"), [("app.add", "new"), ("app.edit", "docs")])
async def test_the_buttons_open_the_same_forms(office: Office, action: str, value: str) -> None:
    await add(office)
    who = visit()
    await apps_pressed(office, who, Press(action, value))
    assert inputs_of(wall(who).forms[-1])


async def test_a_form_that_cannot_be_filled_says_why(office: Office) -> None:
    for who, text, words in (
        (visit(MEMBER), "add", "Only admins"),
        (visit(), "edit nobody", "no app called"),
        (visit(), "edit default", "started with"),
    ):
        await apps_command(office, who, text)
        form = wall(who).forms[-1]
        assert words in prose_of(form)
        assert inputs_of(form) == {}
        assert_fits(form)


async def test_an_unknown_button_does_nothing(office: Office) -> None:
    assert "/dashscope apps" in await refusal_of(pressed(office, "app.wibble", ""))


async def test_a_database_in_trouble_leaves_no_form_waiting(office: Office) -> None:
    await office.storage.run(lambda conn: conn.execute(sa.text("DROP TABLE app_profile")))
    who = visit()
    await apps_command(office, who, "edit docs")
    assert "did not answer" in prose_of(wall(who).forms[-1])


async def test_of_two_who_add_an_app_at_the_same_moment_one_does(office: Office) -> None:
    both = await asyncio.gather(typed(office, ADD), typed(office, ADD), return_exceptions=True)
    assert sorted(type(result).__name__ for result in both) == ["Notice", "Refused"]


async def test_of_two_who_edit_an_app_at_the_same_moment_the_last_who_was_told_so_did(
    office: Office,
) -> None:
    await typed(office, ADD)
    new_ids = ("A", "B")
    edits = (typed(office, f"edit docs app_id={new_id}") for new_id in new_ids)
    both = await asyncio.gather(*edits, return_exceptions=True)
    assert {type(result).__name__ for result in both} <= {"Notice", "Refused"}
    app = await office.storage.apps.get(TEAM, "docs")
    assert app is not None
    assert isinstance(both[new_ids.index(app.app_id)], Notice)


async def test_a_region_takes_the_place_of_another_address(office: Office) -> None:
    await add(office, base_url="https://llm-1.cn-beijing.maas.aliyuncs.com/api/v1")
    await typed(office, "edit docs region=hongkong")
    app = await office.storage.apps.get(TEAM, "docs")
    assert app is not None
    assert app.base_url == "https://cn-hongkong.dashscope.aliyuncs.com/api/v1"


async def test_without_registered_apps_the_list_says_so(office: Office) -> None:
    assert "No app is registered besides" in (await typed(office, "")).text


async def test_an_app_used_in_many_places_names_some_and_counts_the_rest(office: Office) -> None:
    await add(office)
    for number in range(23):
        await office.storage.settings.change(
            TEAM, f"channel:C{number}", values={"app": "docs"}, expected_version=0, by=ADMIN
        )
    said = (await pressed(office, "app.remove", "docs")).text
    assert said.count("<#C") == 20
    assert "and 3 more" in said
