"""The form of an app: what it shows, and what becomes of it when it is submitted."""

import asyncio
import json
from dataclasses import replace

import pytest
import sqlalchemy as sa
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.admin.app_forms import CALLBACK, AppFormState, app_form, read_state
from bot.admin.office import Office
from bot.admin.submissions import submitted
from bot.core.api_fields import problems
from bot.core.app_addresses import may_take_bot_key
from bot.core.language import Language
from bot.core.question import AppKind
from bot.core.screens import Closed, Errors, Form, Replaced, Submitted, Values
from storage.database import Storage
from storage.records import StoredApp
from tests.unit.admin.bounds import assert_fits, assert_notice_fits, inputs_of, prose_of, values_of
from tests.unit.admin.desk import ADMIN, DEFAULT, MEMBER, TEAM, Town, caller, office_of, stored_app

NEW = {
    "name": "docs", "app_id": "APP1", "kind": "agent", "region": "beijing", "base_url": "",
    "workspace": "", "api_key": "", "open": (), "options": "",
}  # fmt: skip


def form_of(app: StoredApp | None = None, *, can_keep_keys: bool = True) -> Form:
    return app_form(app, language=Language.EN, can_keep_keys=can_keep_keys)


def state_of(app: StoredApp) -> str:
    return form_of(app).state


async def send(
    office: Office, values: Values, *, state: str | None = None, user_id: str = ADMIN
) -> Submitted:
    return await submitted(
        office,
        caller(user_id),
        CALLBACK,
        state=form_of().state if state is None else state,
        values=values,
    )


async def stored(office: Office, name: str = "docs") -> StoredApp:
    app = await office.storage.apps.get(TEAM, name)
    assert app is not None
    return app


async def added(office: Office, **values: str | tuple[str, ...]) -> StoredApp:
    result = await send(office, {**NEW, **values})
    assert isinstance(result, Closed), result
    return await stored(office)


def wrong(result: Submitted) -> set[str]:
    assert isinstance(result, Errors), result
    return set(result.by_key)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("can_keep_keys", [True, False])
def test_the_form_fits_whatever_the_app(language: Language, can_keep_keys: bool) -> None:
    long = stored_app(
        "n" * 32,
        app_id="a" * 128,
        base_url=f"https://{'h' * 280}/api/v1",
        workspace="w" * 64,
        secret_name="app/1",
        options={"model_id": "m" * 100},
        version=7,
    )
    for app in (None, long):
        form = app_form(app, language=language, can_keep_keys=can_keep_keys, note="*Look*")
        assert_fits(form)
        assert prose_of(form).startswith("*Look*")


def test_without_encryption_the_form_says_why_there_is_no_key() -> None:
    form = form_of(can_keep_keys=False)
    assert "api_key" not in inputs_of(form)
    assert "ENCRYPTION_KEYS" in prose_of(form)


def test_only_an_app_with_its_own_key_can_drop_it() -> None:
    assert "bot_key" not in inputs_of(form_of(stored_app("docs", version=1)))
    own = inputs_of(form_of(stored_app("docs", secret_name="app/1", version=1)))
    assert own["bot_key"].value in {"", ()}
    assert own["api_key"].value == ""


async def test_a_submitted_form_adds_the_app_with_its_key_encrypted(office: Office) -> None:
    result = await send(office, {**NEW, "api_key": "sk-canary-1234", "open": ("yes",)})
    assert isinstance(result, Closed)
    assert result.notice is not None
    assert_notice_fits(result.notice)
    assert "canary" not in result.notice.text
    app = await stored(office)
    assert app.is_open
    assert app.secret_name is not None
    assert await office.storage.secrets.get(TEAM, app.secret_name) == "sk-canary-1234"


async def test_a_form_submitted_as_it_was_shown_changes_nothing(office: Office) -> None:
    app = await added(office, api_key="sk-1", options='{"has_thoughts": true}', open=("yes",))
    result = await send(office, values_of(form_of(app)), state=form_of(app).state)
    assert isinstance(result, Closed)
    assert await stored(office) == app


async def test_an_empty_key_keeps_the_present_one_and_a_new_one_leaves_it_for_undo(
    office: Office,
) -> None:
    first = await added(office, api_key="sk-1")
    values = {**values_of(form_of(first)), "api_key": "sk-2"}
    await send(office, values, state=form_of(first).state)
    second = await stored(office)
    assert first.secret_name
    assert second.secret_name not in {None, first.secret_name}
    assert await office.storage.secrets.get(TEAM, first.secret_name) == "sk-1"


async def test_the_bots_key_can_be_chosen_again(office: Office) -> None:
    app = await added(office, api_key="sk-1")
    values = {**values_of(form_of(app)), "bot_key": ("bot",)}
    await send(office, values, state=form_of(app).state)
    assert (await stored(office)).secret_name is None


async def test_a_moved_app_does_not_take_its_key_along(office: Office) -> None:
    app = await added(office, api_key="sk-1")
    values = {**values_of(form_of(app)), "region": "other", "base_url": "https://x.example/api/v1"}
    assert wrong(await send(office, values, state=form_of(app).state)) == {"api_key"}
    assert await stored(office) == app


async def test_what_is_wrong_stands_at_its_field(office: Office) -> None:
    values = {**NEW, "name": "a b", "kind": "workflow", "options": '{"pipeline_ids": ["P1"]}'}
    assert wrong(await send(office, values)) == {"name", "options"}
    assert await office.storage.apps.list(TEAM) == []


async def test_a_name_that_is_taken_is_told_at_its_field(office: Office) -> None:
    await added(office)
    assert wrong(await send(office, {**NEW, "name": "DOCS"})) == {"name"}


async def test_without_encryption_no_key_is_taken(database: str, town: Town) -> None:
    async with Storage(database) as storage:
        office = office_of(storage, town)
        assert wrong(await send(office, {**NEW, "api_key": "sk-1"})) == {"api_key"}
        assert isinstance(await send(office, NEW), Closed)


async def test_somebody_who_may_not_changes_nothing(office: Office, town: Town) -> None:
    result = await send(office, NEW, user_id=MEMBER)
    assert isinstance(result, Errors)
    assert "Only admins" in result.by_key["name"]
    town.people[MEMBER] = None
    assert "scope `users:read`" in str(await send(office, NEW, user_id=MEMBER))
    town.is_away = True
    assert "nothing was changed" in str(await send(office, NEW))
    assert await office.storage.apps.list(TEAM) == []


async def test_who_was_an_admin_when_the_form_was_opened_may_be_none_now(
    office: Office, town: Town
) -> None:
    person = town.people[ADMIN]
    assert person is not None
    town.people[ADMIN] = replace(person, is_admin=False)
    assert wrong(await send(office, NEW))
    assert town.asked_fresh == [ADMIN]


async def test_two_who_edit_at_once_do_not_overwrite_each_other(office: Office) -> None:
    app = await added(office)
    mine, theirs = (
        {**values_of(form_of(app)), "app_id": app_id, "api_key": key}
        for app_id, key in (("MINE", "sk-mine"), ("THEIRS", ""))
    )
    await send(office, theirs, state=form_of(app).state)
    result = await send(office, mine, state=form_of(app).state)
    assert isinstance(result, Replaced)
    assert_fits(result.form)
    assert inputs_of(result.form)["app_id"].value == "MINE"
    assert inputs_of(result.form)["api_key"].value == ""
    assert "sk-mine" not in repr(result)
    assert "somebody else changed this app" in prose_of(result.form)
    assert (await stored(office)).app_id == "THEIRS"
    again = await send(office, values_of(result.form), state=result.form.state)
    assert isinstance(again, Closed)
    assert (await stored(office)).app_id == "MINE"


async def test_what_others_changed_of_an_app_meanwhile_stays_unless_it_was_entered_here(
    office: Office,
) -> None:
    app = await added(office)
    mine, theirs = values_of(form_of(app)), values_of(form_of(app))
    await send(office, {**theirs, "open": ("yes",), "api_key": "sk-theirs"}, state=state_of(app))
    result = await send(office, {**mine, "workspace": "llm-new"}, state=state_of(app))
    assert isinstance(result, Closed)
    now = await stored(office)
    assert (now.workspace, now.is_open, now.secret_name is None) == ("llm-new", True, False)


@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        ({"region": "singapore"}, {"api_key": "sk-mine"}),
        ({"api_key": "sk-theirs"}, {"region": "singapore"}),
        ({"kind": "workflow"}, {"options": '{"has_thoughts": true}'}),
    ],
)
async def test_a_key_and_an_address_of_two_people_are_never_put_together(
    office: Office, theirs: dict[str, str], mine: dict[str, str]
) -> None:
    app = await added(office)
    shown = values_of(form_of(app))
    await send(office, {**shown, **theirs}, state=state_of(app))
    known = await stored(office)
    result = await send(office, {**shown, **mine}, state=state_of(app))
    assert isinstance(result, Replaced)
    assert "Both of you changed" in prose_of(result.form)
    assert "sk-mine" not in repr(result)
    assert await stored(office) == known


async def test_what_two_entered_alike_of_an_app_is_no_quarrel(office: Office) -> None:
    app = await added(office)
    shown = values_of(form_of(app))
    await send(office, {**shown, "app_id": "SAME"}, state=state_of(app))
    result = await send(office, {**shown, "app_id": "SAME", "open": ("yes",)}, state=state_of(app))
    assert isinstance(result, Closed)
    assert (await stored(office)).is_open


async def test_a_form_of_an_apps_version_there_never_was_is_refused(office: Office) -> None:
    app = await added(office)
    state = AppFormState(app.name, app.version + 7).text()
    assert wrong(await send(office, values_of(form_of(app)), state=state))
    assert await stored(office) == app


async def test_an_app_that_is_gone_is_not_brought_back_by_its_form(office: Office) -> None:
    app = await added(office)
    await office.storage.apps.remove(TEAM, "docs", expected_version=app.version, by=ADMIN)
    assert wrong(await send(office, values_of(form_of(app)), state=form_of(app).state))
    assert await office.storage.apps.get(TEAM, "docs") is None


async def test_a_database_in_trouble_is_told_in_a_sentence(office: Office) -> None:
    await office.storage.run(lambda conn: conn.execute(sa.text("DROP TABLE app_profile")))
    assert "database" in str(await send(office, NEW))


@pytest.mark.parametrize(
    "state",
    ["", "{", "[]", "null", '{"name": "docs"}', '{"name": "", "version": 3}',
     '{"name": ["docs"], "version": 1}', json.dumps({"name": "n" * 33, "version": 1})],
)  # fmt: skip
async def test_a_state_that_no_form_of_ours_carries_is_refused(office: Office, state: str) -> None:
    assert read_state(state) is None
    assert wrong(await send(office, NEW, state=state))
    assert await office.storage.apps.list(TEAM) == []


ENTERED = st.one_of(
    st.text(max_size=30),
    st.lists(st.text(max_size=8), max_size=3).map(tuple),
    st.sampled_from(
        ["docs", "agent", "workflow", "beijing", "other", "https://x.example/api/v1", "sk-1",
         '{"pipeline_ids": ["P1"]}', '{"has_thoughts": true}', "default"]
    ),
)  # fmt: skip
STATES = st.one_of(
    st.text(max_size=40),
    st.builds(
        lambda name, version: json.dumps({"name": name, "version": version}),
        st.sampled_from(["", "docs", "default", "nobody"]),
        st.integers(-1, 3),
    ),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(values=st.dictionaries(st.sampled_from([*NEW, "bot_key", "x"]), ENTERED), state=STATES)
async def test_whatever_is_submitted_is_answered_and_nothing_impossible_is_stored(
    office: Office, values: dict[str, str | tuple[str, ...]], state: str
) -> None:
    result = await send(office, {**NEW, **values}, state=state)
    if isinstance(result, Replaced):
        assert_fits(result.form)
    for app in await office.storage.apps.list(TEAM):
        assert not problems(app.options, kind=AppKind(app.kind))
        assert app.secret_name or may_take_bot_key(app.base_url, default_base_url=DEFAULT.base_url)
        assert app.name.casefold() != "default"


async def test_the_key_is_in_no_file_of_the_database(database: str, town: Town) -> None:
    async with Storage(database, keys=[Fernet.generate_key().decode()]) as storage:
        office = office_of(storage, town)
        await added(office, api_key="sk-canary-1234")
        rows = await storage.read(
            lambda conn: [
                str(conn.execute(sa.text(f"SELECT * FROM {table}")).all())  # noqa: S608 - own names
                for table in ("app_profile", "audit", "secret", "setting")
            ]
        )
    assert "canary" not in "".join(rows)


async def test_of_two_forms_at_the_same_moment_one_wins(office: Office) -> None:
    both = await asyncio.gather(*(send(office, {**NEW, "app_id": each}) for each in ("A", "B")))
    assert sorted(type(result).__name__ for result in both) == ["Closed", "Errors"]
    app = await stored(office)
    edits = ({**values_of(form_of(app)), "app_id": each} for each in ("C", "D"))
    both = await asyncio.gather(
        *(send(office, values, state=form_of(app).state) for values in edits)
    )
    assert sorted(type(result).__name__ for result in both) == ["Closed", "Replaced"]
    assert (await stored(office)).version == 2
