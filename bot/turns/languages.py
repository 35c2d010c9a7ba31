"""Which language the bot speaks to whom."""

import asyncio
from typing import assert_never

from bot.core.language import Language, of_locale
from bot.core.policy import Person
from bot.core.setting import LanguageChoice
from bot.errors import UnknownApp
from bot.turns.ports import Choices, People
from storage.errors import StorageError

LOOK_UP_WITHIN_S = 3.0
"""What depends on who somebody is does not wait longer for Slack to tell."""


def spoken(choice: LanguageChoice, person: Person | None) -> Language:
    """Return the language of a place for a person; English when nothing is known."""
    match choice:
        case LanguageChoice.AUTO:
            return of_locale(person.locale) if person is not None else Language.EN
        case LanguageChoice.EN:
            return Language.EN
        case LanguageChoice.ZH:
            return Language.ZH
        case _:
            assert_never(choice)


async def look_up(
    people: People, *, team_id: str, user_id: str, within_s: float = LOOK_UP_WITHIN_S
) -> Person | None:
    """Return what Slack tells of a person, None when nothing, or not soon enough."""
    try:
        async with asyncio.timeout(within_s):
            return await people.profile(team_id, user_id)
    except TimeoutError:
        return None


class Languages:
    """Finds the language for lines that belong to no running turn.

    Args:
        choices: What was chosen for each place.
        people: Who is who.
    """

    def __init__(self, *, choices: Choices, people: People) -> None:
        self._choices = choices
        self._people = people

    async def of(self, *, team_id: str, channel_id: str, user_id: str) -> Language:
        """Return the language for somebody in a channel; English when nothing is known."""
        try:
            choice = (await self._choices.of(team_id, channel_id, user_id)).language
        except (UnknownApp, StorageError):
            choice = LanguageChoice.AUTO
        return spoken(choice, await look_up(self._people, team_id=team_id, user_id=user_id))
