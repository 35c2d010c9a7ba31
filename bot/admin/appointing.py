"""Who can be named a channel's manager."""

import asyncio
from dataclasses import dataclass

from bot.admin.office import Office
from bot.core.json_value import Json
from bot.core.language import Phrase
from bot.core.policy import Person
from bot.errors import SlackError, SlackThrottled, SlackUnavailable

TOLD_WITHIN_S = 10.0
"""Whoever typed a command waits so long for others to be looked up; a form has less time."""

UNFIT = Phrase(
    "Only people of this workspace can, whose account is open and whom Slack tells me of; no bots.",
    "只能是本工作区中账号未停用、且 Slack 能向我确认的人，不能是机器人。",
)
UNTOLD = Phrase(
    "Slack did not say in time who they are: {names}. Nothing was changed; please try again.",
    "Slack 未能及时确认这些人的身份：{names}。未作任何更改，请重试。",
)


@dataclass(frozen=True, slots=True)
class Doubts:
    """Who of those that were named is not appointed, as people call them.

    Attributes:
        unfit: Who cannot manage a channel.
        untold: Who they are Slack did not say in time: asked again, it may.
    """

    unfit: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()


async def doubts_about(
    office: Office, team_id: str, value: Json, *, until: float | None = None
) -> Doubts:
    """Return who of those named is not appointed; never raises SlackError.

    Args:
        office: Knows people.
        team_id: The channel's workspace.
        value: Of the setting `managers`, checked already.
        until: Who they are is waited for until then (the loop's clock); for TOLD_WITHIN_S when
            not given.
    """
    if until is None:
        until = asyncio.get_running_loop().time() + TOLD_WITHIN_S
    ids = map(str, value) if isinstance(value, list | tuple) else ()
    each = await asyncio.gather(
        *(_doubts_about_one(office, team_id, user_id, until=until) for user_id in ids)
    )
    unfit = tuple(name for doubts in each for name in doubts.unfit)
    return Doubts(unfit, tuple(name for doubts in each for name in doubts.untold))


async def _doubts_about_one(office: Office, team_id: str, user_id: str, *, until: float) -> Doubts:
    try:
        async with asyncio.timeout_at(until):
            person = await _person(office, team_id, user_id)
    except (TimeoutError, SlackThrottled, SlackUnavailable):
        return Doubts(untold=(user_id,))
    except SlackError:
        return Doubts(unfit=(user_id,))
    if _is_fit(person, team_id=team_id):
        return Doubts()
    return Doubts(unfit=(f"@{person.name}" if person and person.name else user_id,))


async def _person(office: Office, team_id: str, user_id: str) -> Person | None:
    """Return who somebody is.

    Nothing remembered of them may only mean that Slack was silent a moment ago: it is asked again,
    and says which.

    Raises:
        SlackError: Slack does not say now, or refuses to.
    """
    known = await office.directory.person(team_id, user_id, fresh=False)
    return known or await office.directory.person(team_id, user_id, fresh=True)


def _is_fit(person: Person | None, *, team_id: str) -> bool:
    if person is None:
        return False
    return person.team_id in {"", team_id} and not (person.is_bot or person.is_deactivated)
