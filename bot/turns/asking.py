"""A question on its way to an app, and back as an ending."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

import structlog

from bot.core import texts
from bot.core.answer import Answer
from bot.core.messages import mentioned_users, prompt
from bot.core.question import Question
from bot.core.reply import Place
from bot.core.sessions import is_usable
from bot.errors import DashScopeError, SessionLost
from bot.turns.ending import Ending
from bot.turns.ports import AnswerStream
from bot.turns.world import Grip, World
from storage.errors import StorageUnavailable
from storage.records import Turn, Wish

log = structlog.stdlib.get_logger(__name__)

LOOK_AGAIN_S = 0.5
"""Between tries to learn what people want of the turn while the database is away."""


class Asking:
    """Asks a turn's question until there is an ending.

    Args:
        turn: As taken.
        world: The edges.
        grip: The hold on the turn.
        changed: Set whenever there is more of the answer.

    Attributes:
        edited_ts: The last edit that came after the first words; empty without one.
    """

    def __init__(self, turn: Turn, *, world: World, grip: Grip, changed: asyncio.Event) -> None:
        self._turn = turn
        self._world = world
        self._grip = grip
        self._changed = changed
        self._stream: AnswerStream | None = None
        self._text: str | None = turn.payload.get("text")
        self._revision = turn.revision
        self._new_session = False
        self.edited_ts = ""

    @property
    def answer(self) -> Answer:
        """The answer so far."""
        return self._stream.answer if self._stream is not None else Answer()

    async def find_question(self) -> Ending | None:
        """Return an ending when there is nothing to ask; read a repeated question from Slack.

        Raises:
            SlackError: The question could not be read.
        """
        turn = self._turn
        if self._text is None:  # it was answered before: only Slack still has its words
            place = Place(turn.team_id, turn.channel_id, turn.thread_ts)
            self._text = await self._world.replies.question(place, turn.message_ts)
        if self._text is None:
            return Ending("hinted", text=texts.QUESTION_GONE)
        if not self._prompt({}):
            hint = texts.FILES_ONLY if turn.payload.get("files") else texts.EMPTY_QUESTION
            return Ending("hinted", text=hint)
        return None

    async def settle(self, tasks: asyncio.TaskGroup, *, has_begun: Callable[[], bool]) -> Ending:
        """Ask until there is an ending; anew when the question changes before the first words.

        Args:
            tasks: Owns the request's task.
            has_begun: Whether words of the answer have been seen.

        Raises:
            LeaseLost: Another process owns the turn now.
        """
        asking = tasks.create_task(self._ask())
        while not await self._called_before(asking):
            wish = await self._wish()
            if wish.stop_requested_by is not None:
                await _end(asking)  # closing the connection is the only way to stop an answer
                return self._stopped()
            if wish.revision == self._revision:
                continue
            self._revision = wish.revision
            if has_begun():
                self.edited_ts = wish.payload["edited_ts"]
                continue
            await _end(asking)
            self._text, self._stream = wish.payload["text"], None
            asking = tasks.create_task(self._ask())
        return asking.result()

    async def look_for_edit(self) -> None:
        """Notice an edit that came when there was nothing left to ask.

        Raises:
            LeaseLost: Another process owns the turn now.
        """
        with suppress(StorageUnavailable):  # what is lost is an offer
            wish = await self._world.book.look(self._turn)
            if wish.revision != self._revision:
                self._revision, self.edited_ts = wish.revision, wish.payload["edited_ts"]

    async def _called_before(self, asking: asyncio.Task[Ending]) -> bool:
        """Wait; return True when the asking ended, False when somebody wants something."""
        calling = asyncio.ensure_future(self._grip.called.wait())
        try:
            await asyncio.wait({asking, calling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            calling.cancel()
        self._grip.called.clear()
        return asking.done()

    async def _wish(self) -> Wish:
        while True:
            try:
                return await self._world.book.look(self._turn)
            except StorageUnavailable:  # while it lasts the lease decides whether we go on
                self._grip.guard()
                await asyncio.sleep(LOOK_AGAIN_S)

    def _stopped(self) -> Ending:
        return Ending.of_answer(
            self.answer,
            outcome="stopped",
            note=texts.STOPPED,
            app_key=self._world.profile.key,
        )

    async def _ask(self) -> Ending:
        question = await self._question()
        try:
            try:
                await self._read(question)
            except SessionLost:
                self._new_session = True
                await self._read(replace(question, session_id=None))
        except DashScopeError as error:
            log.warning(
                "question.failed",
                error=type(error).__name__,
                code=error.code,
                status=error.status,
                request_id=error.request_id,
            )
            return Ending.of_error(
                error,
                self.answer,
                turn_id=self._turn.id,
                app_key=question.app.key,
            )
        return self._ending_of(self.answer, question)

    async def _question(self) -> Question:
        world, turn = self._world, self._turn
        names = await world.people.display_names(
            turn.team_id, mentioned_users(self._text or "") - {world.bot_user_id}
        )
        return Question(
            app=world.profile, prompt=self._prompt(names), session_id=await self._session_id()
        )

    def _prompt(self, names: Mapping[str, str]) -> str:
        return prompt(self._text or "", bot_user_id=self._world.bot_user_id, names=names)

    async def _session_id(self) -> str | None:
        world, turn = self._world, self._turn
        if not world.profile.kind.keeps_sessions:
            return None
        known = await world.memory.get(turn.team_id, turn.channel_id, turn.thread_ts)
        if known is None:
            return None
        usable = is_usable(
            app_key=known.app_key,
            asked_app_key=world.profile.key,
            rounds=known.rounds,
            idle_s=known.idle_s,
        )
        self._new_session = not usable
        return known.session_id if usable else None

    async def _read(self, question: Question) -> None:
        self._grip.guard()
        async with self._world.apps.ask(question) as stream:
            self._stream = stream
            async for _ in stream:
                self._changed.set()

    def _ending_of(self, answer: Answer, question: Question) -> Ending:
        sent = question.session_id
        lost = sent is not None and answer.session_id not in {None, sent}
        notes = [texts.NEW_SESSION] if self._new_session or lost else []
        if not answer.complete:
            notes.append(texts.cut(turn_id=self._turn.id))
        return Ending.of_answer(
            answer,
            outcome="answered" if answer.complete else "cut",
            note=" ".join(notes),
            app_key=question.app.key,
        )


async def _end(task: asyncio.Task[Ending]) -> None:
    task.cancel()
    await asyncio.wait({task})
