"""One turn from its take-up to its end."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from bot.core import texts
from bot.core.answer import Answer
from bot.core.messages import mentioned_users, prompt
from bot.core.pages import pages
from bot.core.question import AppProfile, Question
from bot.core.reply import Content, Control
from bot.core.sessions import is_usable
from bot.errors import (
    ChannelClosed,
    DashScopeError,
    MessageTooLong,
    SessionLost,
    SlackError,
    SlackRefused,
)
from bot.metrics import Metrics
from bot.turns.ending import Ending
from bot.turns.ports import AnswerStream, Apps, Book, Memory, People, Replies
from bot.turns.reply import Reply
from storage.errors import LeaseLost
from storage.records import SessionUse, Turn, TurnStatus

log = structlog.stdlib.get_logger(__name__)

TRIES = 5
"""Take-ups after which a turn is given up: 3 was too few under random kills of a chaos run."""
DELIVERIES = 20
"""Take-ups after which an answer that cannot be shown is dropped: about an hour."""
TICK_S = 4.0
"""How often a reply without text looks whether its note should change."""


@dataclass(frozen=True, slots=True)
class World:
    """What every turn of a process shares."""

    book: Book
    memory: Memory
    replies: Replies
    people: People
    apps: Apps
    profile: AppProfile
    bot_user_id: str
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Grip:
    """This process's hold on a turn.

    Attributes:
        guard: Raises LeaseLost when another process may own the turn; called before each effect.
        stop: Set when somebody asked to stop the turn.
    """

    guard: Callable[[], None]
    stop: asyncio.Event


class TurnRun:
    """Answers one message and shows the answer.

    Cancelling leaves the turn as the database knows it: whoever takes it up goes on in the same
    messages, and asks again only if no ending was stored.
    """

    def __init__(self, turn: Turn, *, world: World, grip: Grip) -> None:
        self._turn = turn
        self._world = world
        self._grip = grip
        self._changed = asyncio.Event()
        self._stream: AnswerStream | None = None
        self._new_session = False
        self._started = time.monotonic()
        self._read_until = self._started
        self._reply = Reply(turn, replies=world.replies, book=world.book, guard=grip.guard)

    async def run(self) -> None:
        """Bring the turn to its end.

        Raises:
            LeaseLost: Another process owns it now; nothing more may be done.
            SlackError: The end could not be shown for now; the turn is still open.
            StorageError: The end could not be stored for now; the turn is still open.
        """
        turn = self._turn
        if turn.ending is not None:
            ending = Ending.from_json(turn.ending)
        else:
            ending = await self._answer()
            await self._world.book.store_ending(turn, ending.to_json())
        self._read_until = time.monotonic()
        ending = await self._show(ending)
        await self._world.book.finish(
            turn, status=_status(ending), session=_session(ending), outcome=ending.outcome
        )
        self._report(ending)

    async def _show(self, ending: Ending) -> Ending:
        """Show the ending; what Slack will never take is replaced by one plain sentence."""
        try:
            await self._reply.settle(ending.contents)
        except (SlackRefused, MessageTooLong, ChannelClosed) as error:
            log.warning("reply.refused", error=type(error).__name__, code=error.code)
            sorry = Ending("undelivered", text=texts.gave_up(turn_id=self._turn.id))
            with suppress(SlackError):
                await self._reply.settle(sorry.contents)
            return replace(ending, outcome="undelivered", code=error.code)
        except SlackError as error:
            if self._turn.attempts < DELIVERIES:
                raise
            return replace(ending, outcome="undelivered", code=error.code)
        return ending

    async def _answer(self) -> Ending:
        """Ask, and show what comes while it comes."""
        if early := self._early_ending():
            return early
        try:
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(
                    self._reply.keep_up(self._so_far, changed=self._changed, tick_s=TICK_S)
                )
                ending = await self._until_stopped(tasks.create_task(self._ask()))
                async with self._reply.calling:  # no edit is on its way that could land last
                    writing.cancel()
        except ExceptionGroup as group:
            lost, _ = group.split(LeaseLost)
            raise (lost or group).exceptions[0] from None
        return ending

    def _early_ending(self) -> Ending | None:
        turn = self._turn
        if turn.stop_requested_by is not None:
            return Ending("stopped", note=texts.STOPPED)
        if max(turn.crashes, turn.attempts - 1) >= TRIES:
            return Ending("gave_up", text=texts.gave_up(turn_id=turn.id))
        if not self._prompt({}):
            hint = texts.FILES_ONLY if turn.payload.get("files") else texts.EMPTY_QUESTION
            return Ending("hinted", text=hint)
        return None

    async def _until_stopped(self, asking: asyncio.Task[Ending]) -> Ending:
        stopping = asyncio.ensure_future(self._grip.stop.wait())
        try:
            await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if asking.done():
            return asking.result()
        asking.cancel()  # closing the connection is the only way to stop an answer
        await asyncio.wait({asking})
        return Ending.of_answer(
            self._answer_so_far(),
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
                self._answer_so_far(),
                turn_id=self._turn.id,
                app_key=question.app.key,
            )
        return self._ending_of(self._answer_so_far(), question)

    async def _question(self) -> Question:
        world, turn = self._world, self._turn
        names = await world.people.display_names(
            turn.team_id, mentioned_users(turn.payload["text"])
        )
        return Question(
            app=world.profile, prompt=self._prompt(names), session_id=await self._session_id()
        )

    def _prompt(self, names: Mapping[str, str]) -> str:
        text = self._turn.payload["text"]
        return prompt(text, bot_user_id=self._world.bot_user_id, names=names)

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

    def _answer_so_far(self) -> Answer:
        return self._stream.answer if self._stream is not None else Answer()

    def _so_far(self, page_bytes: int) -> Sequence[Content]:
        """Return what the reply should show while the answer is on its way."""
        answer = self._answer_so_far()
        shown = pages(answer.text, sources=answer.sources, finished=False, limit_bytes=page_bytes)
        if not shown:
            waited_s = time.monotonic() - self._started
            note = texts.progress(answer.steps, waited_s=waited_s)
            return [Content("", note=note, controls=(Control.STOP,))]
        *first, last = shown
        return [*(Content(text) for text in first), Content(last, controls=(Control.STOP,))]

    def _report(self, ending: Ending) -> None:
        """Write the turn's one line, and count it."""
        reply, metrics = self._reply, self._world.metrics
        now = time.monotonic()
        # The claim's age by the wall clock, because another process may have claimed it.
        age_s = max(0.0, (datetime.now(UTC) - self._turn.created_at).total_seconds())
        first_s = age_s - (now - reply.first_words_at) if reply.first_words_at else None
        metrics.turns.labels(ending.outcome).inc()
        metrics.answer.observe(age_s)
        metrics.final_delay.observe(now - self._read_until)
        if first_s is not None:
            metrics.first_words.observe(max(0.0, first_s))
        log.info(
            "turn.finished",
            outcome=ending.outcome,
            code=ending.code or None,
            first_words_ms=None if first_s is None else round(first_s * 1000),
            total_ms=round(age_s * 1000),
            edits=reply.edits,
            waits=reply.waits,
            retries=reply.retries,
            pages=len(reply.shown),
            request_id=ending.request_id,
        )


def _status(ending: Ending) -> TurnStatus:
    match ending.outcome:
        case "answered" | "cut" | "hinted":
            return TurnStatus.DONE
        case "stopped":
            return TurnStatus.CANCELLED
        case "failed" | "gave_up" | "undelivered":
            return TurnStatus.FAILED


def _session(ending: Ending) -> SessionUse | None:
    if ending.session_id is None:
        return None
    return SessionUse(app_key=ending.app_key, session_id=ending.session_id)
