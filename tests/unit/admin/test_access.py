"""Who may change what, whoever Slack says they are and wherever they come from."""

from dataclasses import replace

import pytest

from bot.admin.office import Office
from bot.core.policy import Person
from bot.core.screens import Caller
from bot.errors import SlackError
from tests.unit.admin.desk import (
    ADMIN,
    CHANNEL,
    CREATOR,
    MANAGER,
    MEMBER,
    NAMED,
    TEAM,
    Town,
    caller,
    person,
)

WORKSPACE, HERE = "workspace", f"channel:{CHANNEL}"
EVERYBODY = frozenset({"members"})


async def may(office: Office, who: Caller, scope: str) -> bool:
    return (await office.access.standing(who, scope, fresh=True)).may_change


async def delegate_to(office: Office, user_id: str, *, delegates: bool = True) -> None:
    """Name a channel's manager, and let channels configure themselves or not."""
    for scope, values in ((HERE, {"managers": [user_id]}), (WORKSPACE, {"delegate": delegates})):
        await office.storage.settings.change(
            TEAM, scope, values=values, expected_version=0, by=ADMIN
        )


@pytest.mark.parametrize(
    ("user_id", "allowed"),
    [
        (ADMIN, {WORKSPACE, HERE}),
        (NAMED, {WORKSPACE, HERE}),
        (CREATOR, {HERE}),
        (MANAGER, {HERE}),
        (MEMBER, set[str]()),
    ],
)
async def test_everybody_changes_what_is_theirs(
    office: Office, user_id: str, allowed: set[str]
) -> None:
    await delegate_to(office, MANAGER)
    scopes = (WORKSPACE, HERE, "channel:C2", f"user:{user_id}", "user:USOMEBODY")
    own = {f"user:{user_id}"} | ({"channel:C2"} if WORKSPACE in allowed else set[str]())
    found = {scope for scope in scopes if await may(office, caller(user_id), scope)}
    assert found == allowed | own


@pytest.mark.parametrize("user_id", [CREATOR, MANAGER])
async def test_channels_do_not_configure_themselves_unless_the_workspace_lets_them(
    office: Office, user_id: str
) -> None:
    await delegate_to(office, MANAGER, delegates=False)
    assert not await may(office, caller(user_id), HERE)


@pytest.mark.parametrize("user_id", [ADMIN, CREATOR, MANAGER])
@pytest.mark.parametrize(("home", "told"), [("T2", ""), ("", "T2"), (TEAM, "T2"), ("T2", TEAM)])
async def test_whoever_another_workspace_answers_for_has_no_rights_here(
    office: Office, town: Town, user_id: str, home: str, told: str
) -> None:
    await delegate_to(office, MANAGER)
    town.people[user_id] = replace(person(user_id, is_admin=user_id == ADMIN), team_id=home)
    stranger = replace(caller(user_id), user_team_id=told)
    assert not await may(office, stranger, WORKSPACE)
    assert not await may(office, stranger, HERE)
    assert not await office.access.is_admin(stranger, fresh=True)
    assert await office.access.why_not_ask(stranger, who=EVERYBODY) is not None


async def test_whom_the_operator_named_is_an_admin_from_anywhere(
    office: Office, town: Town
) -> None:
    town.people[NAMED] = replace(person(NAMED), team_id="T2")
    assert await may(office, replace(caller(NAMED), user_team_id="T2"), WORKSPACE)


@pytest.mark.parametrize("user_id", [ADMIN, NAMED, CREATOR, MANAGER, MEMBER])
@pytest.mark.parametrize("gone", [{"is_deactivated": True}, {"is_bot": True}])
async def test_closed_accounts_and_bots_change_and_ask_nothing(
    office: Office, town: Town, user_id: str, gone: dict[str, bool]
) -> None:
    await delegate_to(office, MANAGER)
    town.people[user_id] = replace(person(user_id, is_admin=user_id == ADMIN), **gone)
    for scope in (WORKSPACE, HERE, f"user:{user_id}"):
        assert not await may(office, caller(user_id), scope)
    assert await office.access.why_not_ask(caller(user_id), who=EVERYBODY) is not None


async def test_of_somebody_slack_tells_nothing_about_only_the_operators_word_counts(
    office: Office, town: Town
) -> None:
    unknown: dict[str, Person | None] = dict.fromkeys((ADMIN, NAMED, CREATOR, MANAGER))
    town.people.update(unknown)
    await delegate_to(office, MANAGER)
    found = {who for who in unknown if await may(office, caller(who), HERE)}
    assert found == {NAMED}


async def test_rights_are_asked_of_slack_anew_before_a_change_and_before_a_question(
    office: Office, town: Town
) -> None:
    town.is_away = True
    with pytest.raises(SlackError):
        await may(office, caller(ADMIN), WORKSPACE)
    with pytest.raises(SlackError):
        await office.access.why_not_ask(caller(MEMBER), who=EVERYBODY)
    assert await office.access.is_admin(caller(ADMIN), fresh=False)
    assert not await office.access.is_admin(caller(MEMBER), fresh=False)
    assert town.asked_fresh == [ADMIN, MEMBER, MEMBER]
