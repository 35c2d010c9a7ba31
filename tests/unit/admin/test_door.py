"""The way in: one answer to everything, and no change by anybody who may not."""

import asyncio
from dataclasses import replace

import pytest
import sqlalchemy as sa
import structlog
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.admin import app_forms, config_page, submissions
from bot.admin.access import Access
from bot.admin.door import LANGUAGE_WITHIN_S, Door
from bot.admin.office import Office
from bot.core.commands import all_commands
from bot.core.policy import Person
from bot.core.screens import MAX_NOTICE_CHARS, Closed, Form, Notice, OpenForm
from bot.core.setting import SETTINGS
from bot.errors import SlackRefused
from bot.slack import people, visitor
from bot.slack.reception import NAMED_WITHIN_S, SUBMIT_WITHIN_S
from storage.database import Storage
from tests.unit.admin.desk import (
    ADMIN,
    CREATOR,
    DIRECT,
    MEMBER,
    NAMED,
    TEAM,
    Neighbours,
    Town,
    Wall,
    caller,
    put_app,
    trail,
    typed,
    values,
)

WORDS = st.sampled_from(
    [
        *all_commands(),
        *("workspace", "all", "csv", "on", "off", "default", "inherit", "-", "Shop", "Secret"),
        *("thread", "zh", "members", "5", "KB1", "FILE1", '{"a": "b"}', '{"temperature": 0.5}'),
        *("<@UMEMBER|mia>", "<!channel>", "&lt;@U1&gt;", "`", "|", "add", "remove", "name=x"),
    ]
)
TEXTS = st.lists(st.one_of(WORDS, st.text(max_size=8)), max_size=5).map(" ".join)
PEOPLE = st.sampled_from([ADMIN, MEMBER, CREATOR, NAMED, "USTRANGER"])
PLACES = st.sampled_from(["C1", "C2", DIRECT])
VALUES = st.one_of(
    st.integers(-1, 60).map(str),
    st.sampled_from(["all 9", "channel:C1 9", "workspace", "channel", "user", "Shop", "1:Shop"]),
    st.text(max_size=20),
)
ACTIONS = st.sampled_from(
    ["undo", "audit", "reset", "app.add", "app.edit", "app.test", "app.remove", "x", ""]
)


async def state(office: Office) -> dict[str, object]:
    """Return everything that can be changed."""
    scopes = [
        "workspace",
        "channel:C1",
        "channel:C2",
        *(f"user:{each}" for each in (ADMIN, MEMBER)),
    ]
    stored = await office.storage.settings.get(TEAM, *scopes, f"user:{CREATOR}", f"user:{NAMED}")
    return {**stored, "apps": list(await office.storage.apps.list(TEAM))}


async def check(office: Office, before: dict[str, object], entries: int, *, by: str) -> None:
    """Fail for a change that is in no entry, or that `by` was not allowed to make."""
    after, now = await state(office), await trail(office)
    made = now[: len(now) - entries]
    changed = {scope for scope in after if after[scope] != before[scope]}
    assert bool(changed) <= bool(made)
    assert {entry.user_id for entry in made} <= {by}
    if by not in {ADMIN, NAMED}:
        assert changed <= {f"user:{by}"}


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(text=TEXTS, by=PEOPLE, channel_id=PLACES)
async def test_any_command_has_one_answer_and_changes_nothing_unseen_or_unallowed(
    door: Door, office: Office, text: str, by: str, channel_id: str
) -> None:
    before, entries, wall = await state(office), len(await trail(office)), Wall()
    await door.command(caller(by, channel_id=channel_id), text, screen=wall)
    assert len(wall.notices) + bool(wall.forms) == 1
    assert all(0 < len(notice.text) <= MAX_NOTICE_CHARS for notice in wall.notices)
    assert all("<!channel>" not in notice.text for notice in wall.notices)
    await check(office, before, entries, by=by)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(action=ACTIONS, value=VALUES, by=PEOPLE, channel_id=PLACES)
async def test_any_press_has_one_answer_and_changes_nothing_unseen_or_unallowed(  # noqa: PLR0913, RUF100 - the drawn values
    door: Door, office: Office, action: str, value: str, by: str, channel_id: str
) -> None:
    if not await trail(office):
        await put_app(office, "Shop")
        await typed(door, "follow thread")
        await typed(door, "workspace language zh")
    before, entries, wall = await state(office), len(await trail(office)), Wall()
    await door.pressed(caller(by, channel_id=channel_id), action, value, screen=wall)
    assert len(wall.notices) + bool(wall.forms) == 1
    await check(office, before, entries, by=by)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    callback=st.sampled_from([config_page.CALLBACK, app_forms.CALLBACK, "none", ""]),
    form=st.one_of(
        st.text(max_size=30), st.just('{"scope": "workspace", "version": 0, "channel": "C1"}')
    ),
    entered=st.dictionaries(
        st.sampled_from([*SETTINGS, "name"]),
        st.one_of(st.text(max_size=9), st.just(())),
        max_size=4,
    ),
)
async def test_any_submission_has_an_answer_and_a_member_changes_nothing_with_it(
    door: Door, office: Office, callback: str, form: str, entered: dict[str, str | tuple[str, ...]]
) -> None:
    before = await state(office)
    await door.submitted(caller(MEMBER), callback, form, entered)
    assert await state(office) == before


async def break_settings(storage: Storage) -> None:
    def drop(conn: sa.Connection) -> None:
        conn.execute(sa.text("DROP TABLE setting"))

    await storage.run(drop)


@pytest.mark.parametrize("text", ["follow thread", "show", "follow", "status", "undo", "reset all"])
async def test_while_the_database_does_not_answer_nothing_was_changed(
    door: Door, storage: Storage, text: str
) -> None:
    await typed(door, "workspace follow thread")
    await break_settings(storage)
    notice = await typed(door, text, channel_id="C1")
    assert "nothing was changed" in notice.text or "Nothing was changed" in notice.text


async def test_what_nobody_foresaw_is_left_to_whoever_owns_the_screen(
    office: Office,
) -> None:
    class Broken(Neighbours):
        async def slack(self, team_id: str) -> object:  # type: ignore[override]
            raise RuntimeError("sk-secret words")

    wall = Wall()
    with structlog.testing.capture_logs() as logs, pytest.raises(RuntimeError):
        await Door(replace(office, vendors=Broken())).command(caller(), "status", screen=wall)
    assert wall.notices == []
    assert "secret" not in str(logs)


async def test_what_was_typed_is_never_logged(door: Door) -> None:
    with structlog.testing.capture_logs() as logs:
        for text in ("follow hush-hush", "params hush=hush", "hush-hush", "app hush"):
            await typed(door, text)
    assert "hush" not in str(logs)


async def test_a_screen_that_fails_is_left_to_whoever_owns_it(door: Door) -> None:
    class Shut(Wall):
        async def show(self, notice: Notice, *, replace: bool = False) -> None:
            raise SlackRefused(method="chat.postEphemeral", code="not_in_channel")

    with pytest.raises(SlackRefused):
        await door.command(caller(), "show", screen=Shut())


async def test_a_form_that_does_not_open_is_left_to_whoever_owns_the_screen(door: Door) -> None:
    class Stuck(Wall):
        async def open(self, form: Form) -> OpenForm:
            raise SlackRefused(method="views.open", code="expired_trigger_id")

    wall = Stuck()
    with pytest.raises(SlackRefused):
        await door.command(caller(), "config", screen=wall)
    assert wall.notices == []


async def test_a_form_that_breaks_something_is_left_to_whoever_answers_it(office: Office) -> None:
    class Riddle(Town):
        async def person(self, team_id: str, user_id: str, *, fresh: bool) -> Person | None:
            if fresh:
                raise RuntimeError
            return None

    door = Door(
        replace(
            office,
            access=Access(directory=Riddle(), choices=office.choices, admins=frozenset()),
        )
    )
    wall = Wall()
    await Door(office).command(caller(), "workspace config", screen=wall)
    sent = wall.forms[-1]
    with pytest.raises(RuntimeError):
        await door.submitted(caller(), sent.callback, sent.state, {"follow": "thread"})
    assert await trail(office) == []


async def test_an_unknown_command_is_suggested_and_not_run(door: Door, office: Office) -> None:
    notice = await typed(door, "folow thread `<!here>`")
    assert "Did you mean `/dashscope follow thread ˋ@hereˋ`?" in notice.text
    assert "`/dashscope help`" in notice.text
    assert "Did you mean" not in (await typed(door, "xyzzy")).text
    assert await values(office, "channel:C1") == {}


async def test_config_and_apps_open_forms_and_usage_answers(door: Door) -> None:
    for text in ("config", "workspace config", "apps add"):
        wall = Wall()
        await door.command(caller(), text, screen=wall)
        assert wall.forms
        assert not wall.notices
    for text in ("apps", "usage", "audit csv"):
        await typed(door, text)


async def test_who_cannot_be_looked_up_in_time_reads_english(office: Office) -> None:
    class Slow(Town):
        async def person(self, team_id: str, user_id: str, *, fresh: bool) -> Person | None:
            await asyncio.Event().wait()

    slow = Access(directory=Slow(), choices=office.choices, admins=frozenset())
    door = Door(replace(office, access=slow), language_within_s=0.01)
    assert "**Settings** in <#C1>" in (await typed(door, "show")).text


async def test_a_form_is_taken_though_slack_does_not_tell_its_senders_language(
    office: Office,
) -> None:
    class Resting(Town):
        async def person(self, team_id: str, user_id: str, *, fresh: bool) -> Person | None:
            if not fresh:
                await asyncio.Event().wait()
            return await super().person(team_id, user_id, fresh=fresh)

    resting = Access(directory=Resting(), choices=office.choices, admins=frozenset())
    door = Door(replace(office, access=resting), language_within_s=0.01)
    carried = config_page.ConfigState("channel:C1", 0).text()
    async with asyncio.timeout(10):
        taken = await door.submitted(caller(), config_page.CALLBACK, carried, {"follow": "thread"})
    assert isinstance(taken, Closed)
    assert await values(office, "channel:C1") == {"follow": "thread"}
    assert LANGUAGE_WITHIN_S < SUBMIT_WITHIN_S - 0.5  # what is left for the rest


def test_a_form_is_answered_long_before_slack_gives_it_up() -> None:
    who_s = submissions.LANGUAGE_WITHIN_S + people.FRESH_TIMEOUT_S
    assert who_s < SUBMIT_WITHIN_S
    assert NAMED_WITHIN_S < SUBMIT_WITHIN_S - 0.2  # from the same beginning; the rest is writing
    slack_waits_s = 3.0  # docs.slack.dev, "Modals"
    assert slack_waits_s - 1.0 >= SUBMIT_WITHIN_S + visitor.LANGUAGE_WITHIN_S
