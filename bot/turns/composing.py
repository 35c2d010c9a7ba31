"""From a message's words to the question an app is asked: session or history, options, names."""

import asyncio
from collections.abc import Sequence
from typing import assert_never

import structlog

from bot.core import texts
from bot.core.history import Said, conversation, speakers
from bot.core.language import Phrase
from bot.core.messages import mentioned_users, prompt
from bot.core.question import Question
from bot.core.reply import Place
from bot.core.sessions import is_usable
from bot.core.setting import History
from bot.errors import SlackError
from bot.turns.terms import Terms
from bot.turns.world import World
from storage.records import Turn

log = structlog.stdlib.get_logger(__name__)

HISTORY_WITHIN_S = 5.0
"""An answer does not wait longer for what was said before."""


class Composer:
    """Puts a turn's question together, again when its words change.

    Args:
        turn: As taken.
        terms: What it goes by.
        world: The edges.

    Attributes:
        new_session: The session the thread had is not good any more.
        history_missing: What was said before could not be read.
    """

    def __init__(self, turn: Turn, *, terms: Terms, world: World) -> None:
        self._turn = turn
        self._terms = terms
        self._world = world
        self._said: Sequence[Said] | None = None
        self.new_session = False
        self.history_missing = False

    async def question(self, text: str) -> Question:
        """Return what the app is asked.

        Args:
            text: The message as Slack sent it.

        Raises:
            StorageError: Nobody knows whether there is a session.
        """
        effective = self._terms.effective
        app, options = effective.app, effective.options
        match effective.history:
            case History.MESSAGES:
                messages = await self._conversation(text)
                return Question(app, messages[-1][1], options=options, messages=messages)
            case History.SESSION:
                words, session_id = await self._words(text), await self._session_id()
                return Question(app, words, session_id=session_id, options=options)
            case History.OFF:
                return Question(app, await self._words(text), options=options)
            case _:
                assert_never(effective.history)

    def notes(self) -> list[Phrase]:
        """Return what the reader must know about what the model knows."""
        missing = [texts.NO_HISTORY] if self.history_missing else []
        return [texts.NEW_SESSION, *missing] if self.new_session else missing

    async def _words(self, text: str) -> str:
        bot = self._world.bot_user_id
        people = mentioned_users(text) - {bot}
        names = await self._world.people.display_names(self._turn.team_id, people)
        return prompt(text, bot_user_id=bot, names=names)

    async def _session_id(self) -> str | None:
        world, turn = self._world, self._turn
        app = self._terms.effective.app
        if not app.kind.keeps_sessions:
            return None
        known = await world.memory.get(turn.team_id, turn.channel_id, turn.thread_ts)
        if known is None:
            return None
        usable = is_usable(
            app_key=known.app_key,
            asked_app_key=app.key,
            rounds=known.rounds,
            idle_s=known.idle_s,
        )
        self.new_session = not usable
        return known.session_id if usable else None

    async def _conversation(self, text: str) -> tuple[tuple[str, str], ...]:
        turn, bot = self._turn, self._world.bot_user_id
        if self._said is None:
            self._said = await self._said_before()
        question = Said(turn.user_id, text)
        people = speakers([*self._said, question], bot_user_id=bot)
        names = await self._world.people.display_names(turn.team_id, people)
        return conversation(self._said, question=question, bot_user_id=bot, names=names)

    async def _said_before(self) -> Sequence[Said]:
        """Return the thread before the question; nothing when Slack does not give it in time."""
        turn = self._turn
        if turn.thread_ts == turn.message_ts:
            return ()
        place = Place(turn.team_id, turn.channel_id, turn.thread_ts)
        try:
            async with asyncio.timeout(HISTORY_WITHIN_S):
                return await self._world.history.thread(place, before_ts=turn.message_ts)
        except (SlackError, TimeoutError) as error:
            log.info("history.not_read", error=type(error).__name__)
            self.history_missing = True
            return ()
