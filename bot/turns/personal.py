"""What a question gets from its asker alone: variables of a workflow, tokens for plugins."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import structlog

from bot.core import texts
from bot.core.json_value import Json
from bot.core.language import Phrase, together
from bot.core.messages import mentioned_users, prompt
from bot.core.question import Question
from bot.core.variables import FILLED_IN, is_value, missing, read_variables, troubles, typed
from bot.turns.ending import Ending
from bot.turns.terms import Terms
from bot.turns.world import World
from storage.records import Turn

log = structlog.stdlib.get_logger(__name__)


class Personal:
    """Adds to a question what only its asker can give.

    Variables are taken from the words of the question and from what was filled in, and only under
    the names the settings ask for. Tokens are looked up for each request and kept nowhere.

    Args:
        turn: As taken.
        terms: What it goes by.
        world: The edges.
    """

    def __init__(self, turn: Turn, *, terms: Terms, world: World) -> None:
        self._turn = turn
        self._terms = terms
        self._world = world
        self._values: Mapping[str, str] = {}
        self._has_lost_token = False

    async def read(self, text: str) -> str:
        """Return a question without the variables given with it; they are kept for `added`.

        Args:
            text: The message as Slack sent it.
        """
        asked = self._terms.effective.asked
        if not asked:
            return text
        bot = self._world.bot_user_id
        names = await self._world.people.display_names(
            self._turn.team_id, mentioned_users(text) - {bot}
        )
        given = read_variables(
            text, asked=asked, spoken=partial(prompt, bot_user_id=bot, names=names)
        )
        self._values = {**given.values, **self._filled_in()}
        return given.text

    def _filled_in(self) -> Mapping[str, str]:
        """Return what the asker filled in, as far as it is still asked for."""
        filled: Mapping[str, str] = self._turn.payload.get(FILLED_IN, {})
        asked = self._terms.effective.asked
        return {name: filled[name] for name in asked if is_value(filled.get(name, ""))}

    def lacking(self) -> Ending | None:
        """Return an ending that asks for the variables that are missing, if any are."""
        asked, language = self._terms.effective.asked, self._terms.language
        names = missing(asked, given=self._values, fixed=self._fixed())
        if not names:
            return None
        wrong = troubles(asked, given=self._values, fixed=self._fixed())
        sentences = [trouble.phrase.say(language, **trouble.values) for trouble in wrong]
        sentences.append(texts.lacking(names, language=language))
        text = together(sentences, language=language)
        return Ending("hinted", text=text, language=language, fills=names)

    async def added(self, question: Question) -> Question:
        """Return the question with its asker's variables and tokens.

        Raises:
            StorageError: The tokens could not be read.
        """
        return replace(question, options=self._options(question), tokens=await self._tokens())

    def notes(self) -> list[Phrase]:
        """Return what the asker must know about what went along."""
        return [texts.TOKEN_LOST] if self._has_lost_token else []

    def _options(self, question: Question) -> Mapping[str, Json]:
        if not self._values:
            return question.options
        fixed = self._fixed()
        given = {
            name: typed(name, given=value, like=fixed.get(name))
            for name, value in self._values.items()
        }
        return {
            **question.options,
            "biz_params": {**_variables_in(question.options), **given},
        }

    def _fixed(self) -> Mapping[str, Json]:
        return _variables_in(self._terms.effective.options)

    async def _tokens(self) -> Mapping[str, str]:
        """Return the asker's tokens; none to where none may go, whatever the settings say."""
        plugins, turn = self._terms.effective.plugins, self._turn
        if not plugins or not self._terms.effective.app.takes_tokens:
            return {}
        found = await self._world.tokens.of(turn.team_id, turn.user_id, plugins)
        self._has_lost_token = None in found.values()
        if self._has_lost_token:
            log.warning("token.unreadable")
        return {tool_id: token for tool_id, token in found.items() if token is not None}


def _variables_in(options: Mapping[str, Json]) -> Mapping[str, Json]:
    found = options.get("biz_params")
    return found if isinstance(found, Mapping) else {}
