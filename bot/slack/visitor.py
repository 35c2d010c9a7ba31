"""Somebody who waits for an answer to a command, a press or a form."""

import asyncio
import secrets

import structlog

from bot.core.language import Language, Phrase, of_locale
from bot.core.screens import Caller, Notice
from bot.errors import SlackError
from bot.mishaps import Mishap, outcome_of
from bot.slack.directory import SlackDirectory
from bot.slack.interaction import Interaction

LANGUAGE_WITHIN_S = 0.2
"""A form's answer, which Slack waits three seconds for, waits for this as well."""
LAST_WORDS_WITHIN_S = 2.0

log = structlog.get_logger(__name__)


class Visitor:
    """Somebody who waits for an answer.

    Args:
        caller: Who it is, and where they are.
        screen: Where they will see it.
        directory: Knows what they read.

    Attributes:
        id: What they can quote when it goes wrong; the log has it as `command_id`.
    """

    def __init__(self, caller: Caller, *, screen: Interaction, directory: SlackDirectory) -> None:
        self.caller = caller
        self.screen = screen
        self.id = secrets.token_hex(4)
        self._directory = directory

    async def tell(self, phrase: Phrase) -> None:
        """Say one sentence, if there is any way to; never raises SlackError."""
        words = await self.words(phrase)
        try:
            async with asyncio.timeout(LAST_WORDS_WITHIN_S):
                await self.screen.show(Notice(words))
        except (SlackError, TimeoutError) as error:
            log.warning("notice.lost", error=type(error).__name__, user_id=self.caller.user_id)

    async def words(self, phrase: Phrase) -> str:
        """Return a sentence as they read it, within LANGUAGE_WITHIN_S."""
        return phrase.say(await self._language(), id=self.id)

    async def _language(self) -> Language:
        """Return what they read; English when that is not known soon, whatever broke."""
        found = await outcome_of(self._locale())
        return Language.EN if isinstance(found, Mishap) else of_locale(found)

    async def _locale(self) -> str:
        caller = self.caller
        async with asyncio.timeout(LANGUAGE_WITHIN_S):
            person = await self._directory.person(caller.team_id, caller.user_id, fresh=False)
        return person.locale if person is not None else ""
