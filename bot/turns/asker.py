"""Who asks, as far as Slack tells."""

import asyncio
from dataclasses import dataclass

from bot.core.policy import Person
from bot.errors import SlackError, SlackUnavailable
from bot.turns.languages import LOOK_UP_WITHIN_S
from bot.turns.ports import People

WHO_METHOD = "users.info"
"""The Web API method that tells who somebody is."""
PUT_OFF_TIMES = 4
"""Take-ups of a turn that end because Slack does not tell who asks: a minute and a half in all.
Slack asks for rests of 30 s as a rule, and a turn whose asker is known at last has tries left."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks.

    Attributes:
        person: None when Slack does not tell.
        silence: Why Slack does not tell for now; None when it did, or never will.
    """

    person: Person | None
    silence: SlackError | None = None


async def find_asker(
    people: People, *, team_id: str, user_id: str, within_s: float = LOOK_UP_WITHIN_S
) -> Asker:
    """Ask Slack who somebody is; what it does not tell soon enough, it does not tell for now."""
    try:
        async with asyncio.timeout(within_s):
            return Asker(await people.asker(team_id, user_id))
    except TimeoutError:
        return Asker(None, silence=SlackUnavailable(method=WHO_METHOD, code="timeout"))
    except SlackError as error:
        return Asker(None, silence=error)
