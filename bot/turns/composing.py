"""From a message's words to the question an app is asked: session or history, options, names."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import assert_never

import structlog

from bot.core import texts
from bot.core.history import SYSTEM, USER, Entry, Said, conversation, speakers
from bot.core.language import Phrase
from bot.core.messages import mentioned_users, prompt
from bot.core.question import AppKind, Question
from bot.core.recap import recap, with_recap, with_speaker
from bot.core.reply import Place, Urgency
from bot.core.sessions import is_usable
from bot.core.setting import Follow, History
from bot.core.thread import Past, Reading, between_people, moment
from bot.errors import SlackError
from bot.turns.terms import Terms
from bot.turns.world import World
from storage.records import Conversation, PastTurn, Turn

log = structlog.stdlib.get_logger(__name__)

HISTORY_WITHIN_S = 2.5
"""An answer does not wait longer for what was said before; without it, it says so."""
BETWEEN_WITHIN_S = 0.7
"""Nor for what people said to each other since the last question; without it, it says nothing."""
NAMES_WITHIN_S = 0.5
"""Nor, after that, for what they are called."""
HEARD = frozenset({"answered", "cut"})
"""Outcomes of questions that a session knows for sure."""


class Composer:
    """Puts a turn's question together, again when its words change.

    A thread goes on with its session; an agent's is told what people said to each other meanwhile.
    One that has none (any more) begins another one, and the question brings along what was said in
    the thread before.

    Args:
        turn: As taken.
        terms: What it goes by.
        world: The edges.

    Attributes:
        had_session: The thread had a session that is not good any more.
        has_recap: The last question brought along what was said before.
        quotes_others: The last question brought along, as words of its asker, what others said;
            a recap quotes the bot at least.
    """

    def __init__(self, turn: Turn, *, terms: Terms, world: World) -> None:
        self._turn = turn
        self._terms = terms
        self._world = world
        self._since_ts = ""
        self._before: _Before | None = None
        self._between: _Before | None = None
        self._missing: list[Phrase] = []
        self._in_session = self._is_alone = False
        self.had_session = False
        self.has_recap = False
        self.quotes_others = False

    async def question(self, text: str) -> Question:
        """Return what the app is asked.

        Args:
            text: The message as Slack sent it.

        Raises:
            StorageError: Nobody knows whether there is a session.
        """
        self._is_alone = False
        effective = self._terms.effective
        app, options = effective.app, effective.options
        match effective.history:
            case History.MESSAGES:
                await self._known()
                messages = await self._conversation(text)
                return Question(app, messages[-1][1], options=options, messages=messages)
            case History.SESSION if app.kind.keeps_sessions:
                session_id = self._session_id(await self._known())
                self._in_session = session_id is not None
                if session_id is None:
                    return await self.opening(text)
                words = await self._going_on(text)
                return Question(app, words, session_id=session_id, options=options)
            case History.SESSION | History.OFF:
                return Question(app, await self._words(text), options=options)
            case _:
                assert_never(effective.history)

    async def opening(self, text: str) -> Question:
        """Return the question that begins a session, with what was said before.

        Args:
            text: The message as Slack sent it.

        Raises:
            StorageError: Nobody knows which turns the thread has.
        """
        words, before = await self._words(text), await self._thread()
        quoted = self._quoted(before)
        self.has_recap = bool(quoted)
        self.quotes_others = self.has_recap
        if quoted:
            words = self._framed(words, recap=quoted, names=before.names)
        effective = self._terms.effective
        return Question(effective.app, words, options=effective.options)

    @property
    def has_history(self) -> bool:
        """Whether the last question went with anything that was said before it."""
        return self._in_session or bool(self._before and self._before.said)

    async def alone(self, text: str) -> Question:
        """Return the question without anything that was said before it; `notes` tells of that.

        Args:
            text: The message as Slack sent it.
        """
        self._is_alone, self.has_recap, self.quotes_others = True, False, False
        effective, words = self._terms.effective, await self._words(text)
        messages: tuple[Entry, ...] = ()
        if effective.history is History.MESSAGES:
            messages = self._instructed(((USER, words),))
        return Question(effective.app, words, options=effective.options, messages=messages)

    def notes(self) -> list[Phrase]:
        """Return what the reader must know about what the model knows."""
        if self._is_alone:
            return [texts.HISTORY_BLOCKED]
        if not self.had_session:
            return self._missing
        return [texts.NEW_SESSION if self.has_recap else texts.FORGOTTEN, *self._missing]

    async def _going_on(self, text: str) -> str:
        """Return the words of a question to a session, and who speaks or was not heard by it."""
        words, heard = await self._words(text), await self._last_heard()
        self.quotes_others = False
        if heard is None:
            return words
        between = await self._said_since(heard)
        if quoted := self._quoted(between):
            self.quotes_others = self._has_others(between.said)
            return self._framed(words, recap=quoted, names=between.names)
        if heard.user_id == self._turn.user_id:
            return words
        names = await self._world.people.display_names(self._turn.team_id, {self._turn.user_id})
        asker = names.get(self._turn.user_id, "")
        return with_speaker(words, asker=asker, language=self._terms.language)

    async def _last_heard(self) -> PastTurn | None:
        """Return the last question of a channel's thread that its agent's session knows.

        A dialog workflow may compare what it is told with what it expects: that stays as it is.
        """
        turn, kind = self._turn, self._terms.effective.app.kind
        is_alone = turn.thread_ts == turn.message_ts or turn.channel_id.startswith("D")
        if is_alone or kind is not AppKind.AGENT:
            return None
        heard = [
            each
            for each in await self._turns()
            if each.outcome in HEARD and moment(each.message_ts) < moment(turn.message_ts)
        ]
        return max(heard, key=lambda each: moment(each.message_ts), default=None)

    async def _said_since(self, heard: PastTurn) -> "_Before":
        """Return what people said to each other; nothing when Slack does not give it at once."""
        if self._terms.effective.follow is Follow.THREAD:
            return _Before()  # the bot was asked each time
        if self._between is None:
            since_ts = max(heard.message_ts, self._since_ts or "0", key=moment)
            past = Past(self._turn.message_ts, since_ts=since_ts)
            try:
                reading = await self._read(past, within_s=BETWEEN_WITHIN_S, urgency=Urgency.INTERIM)
            except (SlackError, TimeoutError) as error:
                log.info("history.not_read", error=type(error).__name__)
                reading = Reading(())
            said = between_people(reading.said, bot_user_id=self._world.bot_user_id)
            self._between = await self._named(said)
        return self._between

    def _quoted(self, before: "_Before") -> str:
        return recap(
            before.said,
            bot_user_id=self._world.bot_user_id,
            names=before.names,
            language=self._terms.language,
        )

    def _framed(self, words: str, *, recap: str, names: Mapping[str, str]) -> str:
        asker = names.get(self._turn.user_id, "")
        return with_recap(words, recap=recap, asker=asker, language=self._terms.language)

    async def _known(self) -> Conversation | None:
        turn = self._turn
        known = await self._world.memory.get(turn.team_id, turn.channel_id, turn.thread_ts)
        self._since_ts = known.since_ts if known is not None else ""
        return known

    def _session_id(self, known: Conversation | None) -> str | None:
        """Return the session to go on with, if it will still be there when it is asked."""
        if known is None or not known.app_key:
            self.had_session = False
            return None
        usable = bool(known.session_id) and is_usable(
            app_key=known.app_key,
            asked_app_key=self._terms.effective.app.key,
            rounds=known.rounds,
            idle_s=known.idle_s,
        )
        self.had_session = not usable
        return known.session_id if usable else None

    async def _words(self, text: str) -> str:
        names = await self._names_in(text)
        return prompt(text, bot_user_id=self._world.bot_user_id, names=names)

    async def _names_in(self, text: str) -> Mapping[str, str]:
        people = mentioned_users(text) - {self._world.bot_user_id}
        return await self._world.people.display_names(self._turn.team_id, people)

    async def _conversation(self, text: str) -> tuple[Entry, ...]:
        before = await self._thread()
        messages = conversation(
            before.said,
            question=Said(self._turn.user_id, text),
            bot_user_id=self._world.bot_user_id,
            names={**before.names, **await self._names_in(text)},
        )
        self.quotes_others = self._has_others(before.said)
        return self._instructed(messages)

    def _instructed(self, messages: tuple[Entry, ...]) -> tuple[Entry, ...]:
        system = self._terms.effective.system
        return ((SYSTEM, system), *messages) if system else messages

    def _has_others(self, said: Sequence[Said]) -> bool:
        own = {self._turn.user_id, self._world.bot_user_id}
        return any(each.user_id not in own for each in said)

    async def _thread(self) -> "_Before":
        """Return the thread before the question; nothing when Slack does not give it in time."""
        if self._before is None:
            self._before = await self._read_thread()
        return self._before

    async def _read_thread(self) -> "_Before":
        turn = self._turn
        if turn.thread_ts == turn.message_ts:
            return _Before()
        questions = {each.id: each.message_ts for each in await self._turns()}
        past = Past(turn.message_ts, since_ts=self._since_ts, questions=questions)
        try:
            reading = await self._read(past, within_s=HISTORY_WITHIN_S, urgency=Urgency.FIRST_WORDS)
        except (SlackError, TimeoutError) as error:
            log.info("history.not_read", error=type(error).__name__)
            self._missing = [texts.NO_HISTORY]
            return _Before()
        self._missing = [] if reading.reaches_end else [texts.PART_OF_HISTORY]
        return await self._named(reading.said)

    async def _turns(self) -> Sequence[PastTurn]:
        turn = self._turn
        return await self._world.threads.turns(turn.team_id, turn.channel_id, turn.thread_ts)

    async def _read(self, past: Past, *, within_s: float, urgency: Urgency) -> Reading:
        turn = self._turn
        place = Place(turn.team_id, turn.channel_id, turn.thread_ts)
        return await self._world.history.thread(
            place, past=past, within_s=within_s, urgency=urgency
        )

    async def _named(self, said: Sequence[Said]) -> "_Before":
        """Find the names of those who speak, and of the asker."""
        turn, world = self._turn, self._world
        people = speakers([*said, Said(turn.user_id, "")], bot_user_id=world.bot_user_id)
        try:
            async with asyncio.timeout(NAMES_WITHIN_S):
                return _Before(said, await world.people.display_names(turn.team_id, people))
        except TimeoutError:
            return _Before(said)


@dataclass(frozen=True, slots=True)
class _Before:
    """What was said in the thread before the question, and the names of those who said it."""

    said: Sequence[Said] = ()
    names: Mapping[str, str] = field(default_factory=dict[str, str])
