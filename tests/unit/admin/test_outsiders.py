"""What guests and people of other workspaces are shown, and what not."""

from dataclasses import dataclass, field, replace

import pytest

from bot.admin import replies
from bot.admin.door import Door
from bot.admin.office import Office
from bot.core import texts
from bot.core.commands import all_commands
from bot.core.policy import Person
from storage.database import Storage
from tests.unit.admin.desk import (
    ADMIN,
    CHANNEL,
    CREATOR,
    DIRECT,
    MANAGER,
    MEMBER,
    NAMED,
    Town,
    Wall,
    caller,
    office_of,
    person,
    put_app,
    typed,
)

RULE, PIN, CLOSED = "never mention Falcon", "4711", "Payroll"
REFUSED = replies.ONLY_OWN_PEOPLE.en
GUEST = "UGUEST"
PLACES = pytest.mark.parametrize("channel_id", [CHANNEL, DIRECT])


@pytest.fixture(autouse=True)
async def workspace(door: Door, office: Office, town: Town) -> None:
    """Let the workspace have words and an app of its own, and a guest."""
    town.people[GUEST] = replace(person(GUEST), is_guest=True)
    await put_app(office, CLOSED)
    await typed(door, "workspace history messages")
    await typed(door, f"workspace system {RULE}")
    await typed(door, f'workspace params {{"user_prompt_params": {{"pin": "{PIN}"}}}}')


async def told(
    door: Door, text: str, *, by: str, team_id: str = "", channel_id: str = CHANNEL
) -> str:
    """Return everything somebody is told after a command, forms included."""
    wall = Wall()
    who = replace(caller(by, channel_id=channel_id), user_team_id=team_id)
    await door.command(who, text, screen=wall)
    return "\n".join(map(str, [*(notice.text for notice in wall.notices), *wall.forms]))


def everything() -> list[str]:
    """Return every command there is, about this place and about the workspace."""
    return [front + command for front in ("", "workspace ") for command in all_commands()]


@PLACES
@pytest.mark.parametrize("team_id", ["", "T9"])
async def test_no_command_shows_guests_or_outsiders_closed_apps_instructions_or_variables(
    door: Door, channel_id: str, team_id: str
) -> None:
    for text in everything():
        shown = await told(door, text, by=GUEST, team_id=team_id, channel_id=channel_id)
        assert not any(secret in shown for secret in (RULE, PIN, CLOSED)), text


@PLACES
@pytest.mark.parametrize("text", ["show", "config", "apps", "status", "who", "usage", "undo"])
async def test_people_of_other_workspaces_are_shown_nothing_of_this_one(
    door: Door, town: Town, text: str, channel_id: str
) -> None:
    assert await told(door, text, by=MEMBER, team_id="T9", channel_id=channel_id) == REFUSED
    town.people[MEMBER] = replace(person(MEMBER), team_id="T9", is_admin=True)
    assert await told(door, text, by=MEMBER, channel_id=channel_id) == REFUSED
    town.people[MEMBER] = None
    assert await told(door, text, by=MEMBER, team_id="T9", channel_id=channel_id) == REFUSED


@pytest.mark.parametrize("text", ["memory", "tokens", "tokens sk-1", "new"])
async def test_people_of_other_workspaces_see_their_own_where_they_may_ask(
    door: Door, town: Town, text: str
) -> None:
    assert await told(door, text, by=MEMBER, team_id="T9") == texts.MAY_NOT_ASK_EXTERNAL.en
    town.is_away = True
    assert "did not say in time" in await told(door, text, by=MEMBER, team_id="T9")
    town.is_away = False
    await typed(door, "who members external")
    mine = await told(door, text, by=MEMBER, team_id="T9")
    assert mine not in {REFUSED, texts.MAY_NOT_ASK_EXTERNAL.en}


@pytest.mark.parametrize("action", ["token.add", "memory.forget", "undo", "audit", "app.add"])
async def test_people_of_other_workspaces_press_nothing_where_they_may_not_ask(
    door: Door, action: str
) -> None:
    wall = Wall()
    await door.pressed(replace(caller(), user_team_id="T9"), action, "x", screen=wall)
    assert not wall.forms
    assert [notice.text for notice in wall.notices] == [texts.MAY_NOT_ASK_EXTERNAL.en]


@pytest.mark.parametrize("text", ["help", "help follow", "nonsense"])
async def test_help_is_for_everybody(door: Door, text: str) -> None:
    assert await told(door, text, by=MEMBER, team_id="T9") == await told(door, text, by=MEMBER)


@pytest.mark.parametrize("text", ["status", "app", "who", "usage", "memory", "tokens"])
async def test_guests_learn_what_answers_where_they_are_and_what_is_their_own(
    door: Door, text: str
) -> None:
    assert await told(door, text, by=GUEST) == await told(door, text, by=MEMBER) != REFUSED


async def test_guests_choose_among_open_apps_for_their_direct_messages(
    door: Door, office: Office
) -> None:
    await put_app(office, "Shop", is_open=True)
    form = await told(door, "config", by=GUEST, channel_id=DIRECT)
    assert "Shop" in form
    assert CLOSED not in form


async def test_a_guest_who_manages_a_channel_sees_all_that_holds_there(
    door: Door, town: Town
) -> None:
    town.people[MANAGER] = replace(person(MANAGER), is_guest=True)
    assert await told(door, "show", by=MANAGER) == REFUSED
    await typed(door, "workspace delegate on")
    await typed(door, f"managers <@{MANAGER}>")
    assert RULE in await told(door, "show", by=MANAGER)
    assert await told(door, "workspace show", by=MANAGER) == REFUSED
    assert await told(door, "show", by=MANAGER, channel_id=DIRECT) == REFUSED


@pytest.mark.parametrize(
    ("by", "team_id"), [(MEMBER, ""), (CREATOR, ""), (ADMIN, ""), (NAMED, "T9")]
)
async def test_the_workspaces_own_people_and_whom_the_operator_named_see_everything(
    door: Door, by: str, team_id: str
) -> None:
    assert RULE in await told(door, "show", by=by, team_id=team_id)
    assert CLOSED in await told(door, "apps", by=by, team_id=team_id)


@dataclass
class SlowTown(Town):
    """Remembers people as they were an hour ago, until it is asked anew."""

    remembered: dict[str, Person] = field(default_factory=dict[str, Person])

    async def person(self, team_id: str, user_id: str, *, fresh: bool) -> Person | None:
        if fresh:
            self.remembered.pop(user_id, None)
        return self.remembered.get(user_id) or await super().person(team_id, user_id, fresh=fresh)


async def test_nobody_is_taken_for_the_guest_they_were_an_hour_ago(storage: Storage) -> None:
    town = SlowTown(remembered={MEMBER: replace(person(MEMBER), is_guest=True)})
    assert RULE in await told(Door(office_of(storage, town)), "show", by=MEMBER)
