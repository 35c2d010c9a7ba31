"""Who can be named a channel's manager, and how long Slack has to tell who they are."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from bot.admin.appointing import UNTOLD, Doubts, doubts_about
from bot.admin.config import read_page
from bot.admin.config_form import config_form
from bot.admin.config_page import CALLBACK
from bot.admin.door import Door
from bot.admin.office import Office
from bot.core.language import Language
from bot.core.policy import Person
from bot.core.screens import Closed, Errors, Submitted
from bot.errors import SlackError, SlackRefused, SlackThrottled, SlackTokenRefused, SlackUnavailable
from storage.database import Storage
from tests.unit.admin.desk import (
    ADMIN,
    MANAGER,
    MEMBER,
    TEAM,
    Town,
    caller,
    office_of,
    typed,
    values,
)

HERE = "channel:C1"
ORDINARILY_SLOW_S = 1.2
FOREVER_S = 3_600.0
METHOD = "users.info"


@dataclass
class Slow(Town):
    """Slack, which takes its time to tell of some people."""

    delays_s: Mapping[str, float] = field(default_factory=dict[str, float])

    async def person(self, team_id: str, user_id: str, *, fresh: bool) -> Person | None:
        await asyncio.sleep(self.delays_s.get(user_id, 0))
        return await super().person(team_id, user_id, fresh=fresh)


@dataclass
class Silent(Town):
    """Slack, which tells nothing of some people, and why when it is asked now."""

    reasons: Mapping[str, SlackError] = field(default_factory=dict[str, SlackError])

    async def person(self, team_id: str, user_id: str, *, fresh: bool) -> Person | None:
        if fresh and user_id in self.reasons:
            raise self.reasons[user_id]
        return None if user_id in self.reasons else self.people[user_id]


async def send(door: Door, office: Office, *managers: str) -> Submitted:
    """Send the channel's form with these managers entered, and nothing else."""
    page = await read_page(office, TEAM, HERE, is_admin=True)
    state = config_form(page, language=Language.EN).state
    return await door.submitted(caller(), CALLBACK, state, {"managers": managers})


async def test_a_command_names_managers_though_slack_is_ordinarily_slow(storage: Storage) -> None:
    office = office_of(storage, Slow(delays_s={MEMBER: ORDINARILY_SLOW_S}))
    await typed(Door(office), f"managers <@{MANAGER}> <@{MEMBER}>")
    assert await values(office, HERE) == {"managers": [MANAGER, MEMBER]}


async def test_whom_slack_does_not_tell_of_in_time_is_untold_and_not_unfit(
    storage: Storage,
) -> None:
    office = office_of(storage, Slow(delays_s={MEMBER: FOREVER_S}))
    until = asyncio.get_running_loop().time() + 0.05
    assert await doubts_about(office, TEAM, [MANAGER, MEMBER], until=until) == Doubts(
        untold=(MEMBER,)
    )
    assert await doubts_about(office, TEAM, None) == Doubts()


@pytest.mark.parametrize(
    ("reason", "doubts"),
    [
        (SlackUnavailable(method=METHOD), Doubts(untold=(MEMBER,))),
        (SlackThrottled(method=METHOD, retry_after_s=30), Doubts(untold=(MEMBER,))),
        (SlackRefused(method=METHOD, code="user_not_found"), Doubts(unfit=(MEMBER,))),
        (SlackTokenRefused(method=METHOD, code="missing_scope"), Doubts(unfit=(MEMBER,))),
    ],
)
async def test_only_whom_slack_refuses_to_tell_of_is_unfit(
    storage: Storage, reason: SlackError, doubts: Doubts
) -> None:
    office = office_of(storage, Silent(reasons={MEMBER: reason}))
    assert await doubts_about(office, TEAM, [MANAGER, MEMBER]) == doubts


async def test_who_names_somebody_untold_is_asked_to_try_again(storage: Storage) -> None:
    town = Silent(reasons={MEMBER: SlackUnavailable(method=METHOD)})
    office = office_of(storage, town)
    door = Door(office)
    said = (await typed(door, f"managers <@{MEMBER}>")).text
    assert said == UNTOLD.say(Language.EN, names=f"`{MEMBER}`")
    refused = await send(door, office, MEMBER)
    assert refused == Errors({"managers": UNTOLD.say(Language.EN, names=MEMBER)})
    assert await values(office, HERE) == {}


async def test_a_form_waits_for_who_is_named_in_it_for_what_is_left_of_its_time(
    storage: Storage,
) -> None:
    town = Slow(delays_s={MEMBER: FOREVER_S})
    office = office_of(storage, town)
    door = Door(office, named_within_s=0.05)
    refused = await send(door, office, MANAGER, MEMBER)
    assert refused == Errors({"managers": UNTOLD.say(Language.EN, names=MEMBER)})
    town.delays_s = {ADMIN: 0.1}  # all of the time goes into who sent it
    assert isinstance(await send(door, office, MANAGER), Errors)
    town.delays_s = {}
    patient = Door(office, named_within_s=FOREVER_S)
    assert isinstance(await send(patient, office, MANAGER, MEMBER), Closed)
