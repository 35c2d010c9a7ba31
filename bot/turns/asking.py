"""A question on its way to an app, and back as an ending."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import structlog

from bot.core import texts
from bot.core.answer import Answer
from bot.core.language import Phrase
from bot.core.messages import prompt
from bot.core.question import Question
from bot.core.reply import Place
from bot.errors import DashScopeError, SessionLost
from bot.turns.composing import Composer
from bot.turns.ending import Ending
from bot.turns.gate import Gate
from bot.turns.ports import AnswerStream
from bot.turns.terms import Terms
from bot.turns.wishes import Wishes
from bot.turns.world import World
from storage.records import Turn

log = structlog.stdlib.get_logger(__name__)


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
        self._stream: AnswerStream | None = None
        self._text = ""

    @property
    def answer(self) -> Answer:
        """The answer so far."""
        return self._stream.answer if self._stream is not None else Answer()

    async def find_question(self) -> Ending | None:
        """Return an ending when nothing may or need be asked.

        A question that is asked again is read from Slack: nobody else has its words.

        Raises:
            SlackError: The question could not be read.
            StorageError: Nobody knows whether it may be asked.
        """
        turn = self._turn
        if refusal := self._gate.refusal():
            return refusal
        text: str | None = turn.payload.get("text")
        if text is None:
            place = Place(turn.team_id, turn.channel_id, turn.thread_ts)
            text = await self._world.replies.question(place, turn.message_ts)
        if text is None:
            return self._hint(texts.QUESTION_GONE)
        self._text = text
        words = prompt(text, bot_user_id=self._world.bot_user_id, names={})
        if not words:
            has_files = turn.payload.get("files")
            return self._hint(texts.FILES_ONLY if has_files else texts.EMPTY_QUESTION)
        return await self._gate.quiet(words) or await self._gate.admit()

    def _hint(self, phrase: Phrase) -> Ending:
        language = self._terms.language
        return Ending("hinted", text=phrase.say(language), language=language)

    async def settle(self, tasks: asyncio.TaskGroup, *, has_begun: Callable[[], bool]) -> Ending:
        """Ask until there is an ending; anew when the question changes before the first words.

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
            if has_begun():
                wishes.edited_ts = wish.payload["edited_ts"]
                continue
            await _end(asking)
            self._text, self._stream = wish.payload["text"], None
            asking = tasks.create_task(self._ask())
        return asking.result()

    def _stopped(self) -> Ending:
        note = texts.STOPPED.say(self._terms.language)
        return Ending.of_answer(self.answer, outcome="stopped", note=note, terms=self._terms)

    async def _ask(self) -> Ending:
        question = await self._composer.question(self._text)
        try:
            try:
                await self._read(question)
            except SessionLost:
                if question.session_id is None:
                    raise
                self._composer.new_session = True
                question = replace(question, session_id=None)
                await self._read(question)
        except DashScopeError as error:
            log.warning(
                "question.failed",
                error=type(error).__name__,
                code=error.code,
                status=error.status,
                request_id=error.request_id,
            )
            return Ending.of_error(error, self.answer, turn_id=self._turn.id, terms=self._terms)
        return self._ending_of(self.answer, sent=question.session_id)

    async def _read(self, question: Question) -> None:
        self._wishes.guard()
        async with self._world.apps.ask(question) as stream:
            self._stream = stream
            async for _ in stream:
                self._changed.set()

    def _ending_of(self, answer: Answer, *, sent: str | None) -> Ending:
        if sent is not None and answer.session_id not in {None, sent}:
            self._composer.new_session = True
        return Ending.of_answer(
            answer,
            outcome="answered" if answer.complete else "cut",
            note=self._note(answer),
            terms=self._terms,
        )

    def _note(self, answer: Answer) -> str:
        """Return what stands under an answer: sentences, the steps taken, and what is left."""
        language = self._terms.language
        sentences = [phrase.say(language) for phrase in self._composer.notes()]
        if not answer.complete:
            sentences.append(texts.cut(turn_id=self._turn.id, language=language))
        lines = [" ".join(sentences), self._gate.warning(answer)]
        if self._terms.effective.keeps_steps:
            lines.insert(0, texts.steps_taken(answer.steps, language=language))
        return "\n".join(line for line in lines if line)


async def _end(task: asyncio.Task[Ending]) -> None:
    task.cancel()
    await asyncio.wait({task})
