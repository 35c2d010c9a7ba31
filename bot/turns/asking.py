"""A question on its way to an app, and back as an ending."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import structlog

from bot.core import step_texts, texts
from bot.core.answer import Answer, ModelUsage
from bot.core.failures import is_unexplained
from bot.core.language import Phrase, together
from bot.core.messages import prompt
from bot.core.question import Question
from bot.core.reply import Place
from bot.errors import ContentBlocked, DashScopeError, MemoryGone, SessionLost
from bot.turns.claim import written
from bot.turns.composing import Composer
from bot.turns.ending import NO_SESSION, Ending
from bot.turns.gate import Gate
from bot.turns.personal import Personal
from bot.turns.ports import AnswerStream
from bot.turns.question_files import QuestionFiles
from bot.turns.terms import Terms
from bot.turns.wishes import Wishes
from bot.turns.world import World
from storage.errors import StorageError
from storage.keys import ts_before
from storage.records import Turn

log = structlog.stdlib.get_logger(__name__)

EDITS_FOLLOWED = 5
"""Each asks again, and all of them count as one turn; later ones are offered as another turn."""


class Asking:
    """Asks a turn's question until there is an ending.

    Args:
        turn: As taken.
        terms: What it goes by.
        world: The edges.
        wishes: What people want of it meanwhile.
        changed: Set whenever there is more of the answer.
    """

    def __init__(
        self, turn: Turn, *, terms: Terms, world: World, wishes: Wishes, changed: asyncio.Event
    ) -> None:
        self._turn = turn
        self._terms = terms
        self._world = world
        self._wishes = wishes
        self._changed = changed
        self._gate = Gate(turn, terms=terms, world=world)
        self._composer = Composer(turn, terms=terms, world=world)
        self._files = QuestionFiles(turn, terms=terms, world=world)
        self._personal = Personal(turn, terms=terms, world=world)
        self._stream: AnswerStream | None = None
        self._sent_session: str | None = None
        self._lost_session: str | None = None
        self._spent: tuple[ModelUsage, ...] = ()
        self._text = ""

    @property
    def answer(self) -> Answer:
        """The answer so far, with what all requests for it have used."""
        answer = self._stream.answer if self._stream is not None else Answer()
        return replace(answer, usage=(*self._spent, *answer.usage)) if self._spent else answer

    async def find_question(self) -> Ending | None:
        """Return an ending when nothing may or need be asked.

        A question that is asked again is read from Slack: nobody else has its words.

        Raises:
            SlackError: The question could not be read, or nobody knows for now who asks.
            StorageError: Nobody knows whether it may be asked.
        """
        turn = self._turn
        if refusal := self._gate.refusal():
            return refusal
        question = written(turn)
        if question is None:
            place = Place(turn.team_id, turn.channel_id, turn.thread_ts)
            question = await self._world.replies.question(place, turn.message_ts)
        if question is None:
            return self._hint(texts.QUESTION_GONE)
        self._files.notes = question.files
        self._text = await self._personal.read(question.text)
        return await self._nothing_to_ask() or await self._gate.admit()

    async def _nothing_to_ask(self) -> Ending | None:
        """Return an ending when the message, as it reads now, is no question for the app.

        Raises:
            StorageError: The database could not be asked.
        """
        words = self._words
        if not words and not self._files.notes:
            return self._hint(texts.EMPTY_QUESTION)
        return (
            await self._gate.quiet(words)
            or await self._gate.afresh(words)
            or self._personal.lacking()
        )

    @property
    def is_reading_files(self) -> bool:
        """Whether nothing was asked yet because the question's files are being read."""
        return self._files.are_being_read

    @property
    def _words(self) -> str:
        """What the message says to the model; empty for files alone."""
        return prompt(self._text, bot_user_id=self._world.bot_user_id, names={})

    def _hint(self, phrase: Phrase) -> Ending:
        language = self._terms.language
        return Ending("hinted", text=phrase.say(language), language=language)

    async def settle(self, tasks: asyncio.TaskGroup, *, has_begun: Callable[[], bool]) -> Ending:
        """Ask until there is an ending; anew when the question changes before the first words.

        That is bounded: an edit after EDITS_FOLLOWED others is one that came too late.

        Args:
            tasks: Owns the request's task.
            has_begun: Whether words of the answer have been seen.

        Raises:
            LeaseLost: Another process owns the turn now.
        """
        wishes = self._wishes
        asking = tasks.create_task(self._ask())
        while await wishes.came_before(asking):
            wish = await wishes.look()
            if wish.stop_requested_by is not None:
                await _end(asking)  # closing the connection is the only way to stop an answer
                return self._stopped()
            if wish.revision == wishes.revision:
                continue
            wishes.revision = wish.revision
            if has_begun() or wish.revision > EDITS_FOLLOWED:
                wishes.edited_ts = wish.payload["edited_ts"]
                continue
            self._let_go()
            await _end(asking)
            self._text = await self._personal.read(wish.payload["text"])
            asking = tasks.create_task(self._ask_anew())
        return asking.result()

    def _stopped(self) -> Ending:
        note = texts.STOPPED.say(self._terms.language)
        ending = Ending.of_answer(self.answer, outcome="stopped", note=note, terms=self._terms)
        return self._going_on(ending)

    async def _ask_anew(self) -> Ending:
        return await self._nothing_to_ask() or await self._ask()

    async def _ask(self) -> Ending:
        return self._going_on(await self._ask_once_or_afresh())

    async def _ask_once_or_afresh(self) -> Ending:
        await self._files.get_ready()
        words = self._words
        if nothing := self._files.nothing_to_ask(words):
            return nothing
        text = self._files.wording(self._text, words=words)
        try:
            await self._ask_with_history_or_alone(text)
        except DashScopeError as error:
            if isinstance(error, SessionLost) or self._ended_unexplained(error):
                self._lost_session = self._sent_session or self._lost_session
            log.warning(
                "question.failed",
                error=type(error).__name__,
                code=error.code,
                status=error.status,
                request_id=error.request_id,
            )
            return Ending.of_error(error, self.answer, turn=self._turn, terms=self._terms)
        return Ending.of_answer(
            self.answer,
            outcome="answered" if self.answer.complete else "cut",
            note=self._note(self.answer),
            terms=self._terms,
        )

    async def _ask_with_history_or_alone(self, text: str) -> None:
        """Ask, and once more without what was said before when something in it may be blocked.

        If that helps, the thread starts afresh with this question: the next ones would be blocked
        by what was said before it as well.
        """
        try:
            await self._ask_with_history(text)
        except ContentBlocked as error:
            if self.answer.text or not self._composer.has_history:
                raise
            log.info("history.blocked", code=error.code, status=error.status)
            self._let_go()
            await self._read(self._files.added_to(await self._composer.alone(text)))
            await self._forget_history()

    async def _forget_history(self) -> None:
        turn = self._turn
        place = turn.team_id, turn.channel_id, turn.thread_ts
        with suppress(StorageError):  # then the next question finds out anew
            await self._world.memory.forget(*place, up_to_ts=ts_before(turn.message_ts))

    async def _ask_with_history(self, text: str) -> None:
        question = self._files.added_to(await self._composer.question(text))
        try:
            await self._read(question)
        except SessionLost as error:
            if question.session_id is None or self.answer.text:
                raise
            log.info("session.lost", code=error.code, status=error.status)
            self._let_go()
            self._lost_session = question.session_id
            self._composer.had_session = True
            await self._read(self._files.added_to(await self._composer.opening(text)))

    async def _read(self, question: Question) -> None:
        """Ask with what is remembered of the asker, and once without when the app knows no such.

        Not with words along that may be somebody else's, in a file or in the thread: DashScope
        takes what is to be remembered from what a request says, and would remember them as the
        asker's.
        """
        if self._composer.quotes_others or self._files.has_texts:
            return await self._follow(question)
        recalled = await self._world.remembering.recall(self._turn, self._terms.effective)
        if recalled is None:
            return await self._follow(question)
        try:
            return await self._follow(replace(question, memory_id=recalled.memory_id))
        except MemoryGone:
            self._world.remembering.lost(recalled)
            if self.answer.text:
                raise
            self._let_go()
        except DashScopeError as error:
            if self._ended_unexplained(error):
                self._world.remembering.doubt(recalled)
            raise
        return await self._follow(question)

    async def _follow(self, question: Question) -> None:
        self._wishes.guard()
        self._sent_session = question.session_id
        async with self._world.apps.ask(await self._personal.added(question)) as stream:
            self._stream = stream
            has_text = False
            async for _ in stream:
                if self._is_unaware and not has_text:
                    self._let_go()  # before anybody sees what came with this event
                    raise SessionLost("the answer came in another session")
                has_text = bool(self.answer.text)
                self._changed.set()

    def _let_go(self) -> None:
        """Forget what came of a request, for another one is made; what it used counts all the same.

        Never after words that may have been seen: they would be taken back.
        """
        self._spent, self._stream = self.answer.usage, None

    def _ended_unexplained(self, error: DashScopeError) -> bool:
        """Whether a request may have failed because what it named, session or memory, is gone."""
        return not self.answer.text and is_unexplained(error)

    @property
    def _is_unaware(self) -> bool:
        """Whether the app answered in another session than the one it was asked to go on with."""
        return self._sent_session is not None and self.answer.session_id not in {
            None,
            self._sent_session,
        }

    def _going_on(self, ending: Ending) -> Ending:
        """Let the next question begin a session if this one's is lost, or knew nothing."""
        session_id = ending.session_id
        is_lost = self._lost_session is not None and session_id in {None, self._lost_session}
        is_unaware = session_id is not None and self._is_unaware
        return replace(ending, session_id=NO_SESSION) if is_lost or is_unaware else ending

    def _note(self, answer: Answer) -> str:
        """Return what stands under an answer: sentences, the steps taken, and what is left."""
        language = self._terms.language
        notes = [texts.UNAWARE] if self._is_unaware else self._composer.notes()
        sentences = [phrase.say(language) for phrase in (*notes, *self._personal.notes())]
        if not answer.complete:
            sentences.append(texts.cut(turn_id=self._turn.id, language=language))
        elif answer.ended_early:
            sentences.append(texts.ENDED_EARLY.say(language))
        said = together(sentences, language=language)
        lines = [said, self._files.told(), self._gate.warning(answer)]
        if self._terms.effective.keeps_steps:
            lines.insert(0, step_texts.taken(answer.steps, language=language))
        return "\n".join(line for line in lines if line)


async def _end(task: asyncio.Task[Ending]) -> None:
    task.cancel()
    await asyncio.wait({task})
