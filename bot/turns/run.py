"""One turn from its take-up to its end."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, partial

import structlog

from bot.core import step_texts, texts
from bot.core.answer import Source
from bot.core.language import Language
from bot.core.pages import pages
from bot.core.reply import Content, Control, Place
from bot.core.resolution import Effective
from bot.core.setting import LanguageChoice
from bot.errors import (
    ChannelClosed,
    MessageTooLong,
    Misconfigured,
    SlackError,
    SlackRefused,
    UnknownApp,
)
from bot.turns.asker import find_asker
from bot.turns.asking import Asking
from bot.turns.claim import written
from bot.turns.ending import Ending
from bot.turns.languages import spoken
from bot.turns.reply import PAUSES_S, Reply
from bot.turns.terms import Terms
from bot.turns.wishes import Wishes
from bot.turns.world import Grip, World
from storage.errors import LeaseLost, SecretsLocked, SecretUnreadable, StorageUnavailable
from storage.records import Turn, TurnStatus

log = structlog.stdlib.get_logger(__name__)

TRIES = 5
"""Take-ups after which a turn that has begun is given up, and deaths after which any is.

3 was too few under random kills of a chaos run.
"""
DELIVERIES = 20
"""Take-ups in about an hour, in which a turn may begin and its answer be shown."""
TICK_S = 4.0
"""How often a reply without text looks whether its note should change."""


class TurnRun:
    """Answers one message and shows the answer.

    Cancelling leaves the turn as the database knows it: whoever takes it up goes on in the same
    messages, and asks again only if no ending was stored.
    """

    def __init__(self, turn: Turn, *, world: World, grip: Grip) -> None:
        self._turn = turn
        self._world = world
        self._changed = asyncio.Event()
        self._wishes = Wishes(turn, book=world.book, grip=grip)
        # Before and after the wait for a permit the text is often the same.
        self._pages = lru_cache(maxsize=1)(_growing_pages)
        self._guard = grip.guard
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
            await self._store(ending)
        self._read_until = time.monotonic()
        if self._earlier_answer_stays(ending):
            await self._tell_asker(ending)
        elif not self._was_stopped_unseen:
            ending = await self._show(ending)
        await self._wishes.look_for_edit()
        await self._world.book.finish(
            turn,
            status=_status(ending),
            session=ending.session,
            outcome=ending.outcome,
            usage=ending.model_uses,
        )
        self._report(ending)
        if self._wishes.edited_ts:
            await self._offer_again(ending.language)

    @property
    def _was_stopped_unseen(self) -> bool:
        """Whether the question was withdrawn while nothing but its waiting line was to be seen."""
        turn = self._turn
        return turn.stop_requested_by is not None and not (
            turn.reply or turn.posting or turn.ending
        )

    def _earlier_answer_stays(self, ending: Ending) -> bool:
        """Whether the question had been answered, and may not be asked again now."""
        turn = self._turn
        return ending.outcome == "refused" and bool(turn.reply) and written(turn) is None

    async def _tell_asker(self, ending: Ending) -> None:
        turn = self._turn
        place = Place(turn.team_id, turn.channel_id, turn.thread_ts)
        with suppress(SlackError):
            await self._world.replies.tell(place, user_id=turn.user_id, text=ending.text)

    async def _store(self, ending: Ending) -> None:
        """Store the ending; while the database is away the answer is kept here, not asked again.

        Raises:
            LeaseLost: Another process owns the turn now.
            StorageError: It stayed away, or refused.
        """
        for pause_s in PAUSES_S:
            try:
                return await self._world.book.store_ending(self._turn, ending.to_json())
            except StorageUnavailable as error:
                log.warning("ending.not_stored", error=type(error).__name__, delay_s=pause_s)
            await asyncio.sleep(pause_s)
            self._guard()
        return await self._world.book.store_ending(self._turn, ending.to_json())

    async def _offer_again(self, language: Language) -> None:
        turn = self._turn
        place = Place(turn.team_id, turn.channel_id, turn.thread_ts)
        with suppress(SlackError):
            await self._world.replies.offer_again(
                place,
                user_id=turn.user_id,
                turn_id=turn.id,
                edited_ts=self._wishes.edited_ts,
                language=language,
            )

    async def _show(self, ending: Ending) -> Ending:
        """Show the ending; what Slack will never take is replaced by one plain sentence."""
        try:
            # A long answer takes many calls, each of which compares all its pages.
            contents = lru_cache(maxsize=1)(ending.contents)
            await self._reply.settle(contents, language=ending.language)
        except (SlackRefused, MessageTooLong, ChannelClosed) as error:
            log.warning("reply.refused", error=type(error).__name__, code=error.code)
            gave_up = texts.gave_up(turn_id=self._turn.id, language=ending.language)
            sorry = Ending("undelivered", text=gave_up)
            with suppress(SlackError):
                await self._reply.settle(sorry.contents, language=ending.language)
            return replace(ending, outcome="undelivered", code=error.code)
        except SlackError as error:
            if self._turn.attempts < DELIVERIES:
                raise
            return replace(ending, outcome="undelivered", code=error.code)
        return ending

    async def _answer(self) -> Ending:
        """Find out what holds here, and answer accordingly.

        Raises:
            SlackError: The question could not be read, or nobody knows for now who asks.
            StorageError: Nobody knows what holds here, or whether the question may be asked.
            LeaseLost: Another process owns the turn now.
        """
        turn, world = self._turn, self._world
        chosen: Effective | Exception
        try:
            chosen = await world.choices.of(turn.team_id, turn.channel_id, turn.user_id)
        except (UnknownApp, SecretsLocked, SecretUnreadable) as error:
            chosen = error
        asker = await find_asker(world.people, team_id=turn.team_id, user_id=turn.user_id)
        choice = LanguageChoice.AUTO if isinstance(chosen, Exception) else chosen.language
        language = spoken(choice, asker.person)
        if early := self._early_ending(language):
            return early
        if isinstance(chosen, Exception):
            return self._misconfigured(chosen, language=language)
        return await self._ask(Terms(effective=chosen, asker=asker, language=language))

    def _early_ending(self, language: Language) -> Ending | None:
        turn = self._turn
        if turn.stop_requested_by is not None:
            return Ending("stopped", note=texts.STOPPED.say(language), language=language)
        has_begun = bool(turn.reply) or turn.posting
        if turn.crashes >= TRIES or turn.attempts > (TRIES if has_begun else DELIVERIES):
            gave_up = texts.gave_up(turn_id=turn.id, language=language)
            return Ending("gave_up", text=gave_up, language=language)
        return None

    def _misconfigured(self, error: Exception, *, language: Language) -> Ending:
        code = type(error).__name__
        log.error("turn.misconfigured", error=code)
        sentence = texts.failure(Misconfigured(), turn_id=self._turn.id, language=language)
        return Ending("failed", text=sentence, code=code, language=language)

    async def _ask(self, terms: Terms) -> Ending:
        """Ask, and show what comes while it comes."""
        asking = Asking(
            self._turn, terms=terms, world=self._world, wishes=self._wishes, changed=self._changed
        )
        if nothing_to_ask := await asking.find_question():
            return nothing_to_ask
        so_far = partial(self._so_far, asking, terms)
        try:
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(
                    self._reply.keep_up(so_far, changed=self._changed, tick_s=TICK_S)
                )
                ending = await asking.settle(tasks, has_begun=lambda: self._reply.has_words)
                async with self._reply.calling:  # no edit is on its way that could land last
                    writing.cancel()
        except ExceptionGroup as group:
            lost, _ = group.split(LeaseLost)
            raise (lost or group).exceptions[0] from None
        return ending

    def _so_far(self, asking: Asking, terms: Terms, page_bytes: int) -> Sequence[Content]:
        """Return what the reply should show while the answer is on its way."""
        answer, language = asking.answer, terms.language
        sources = answer.sources if terms.effective.shows_sources else ()
        shown = self._pages(answer.text, sources, page_bytes)
        if not shown:
            waited_s = time.monotonic() - self._started
            note = step_texts.progress(answer.steps, waited_s=waited_s, language=language)
            if asking.is_reading_files:
                note = texts.READING_FILES.say(language)
            return [Content("", note=note, controls=(Control.STOP,), language=language)]
        *first, last = shown
        note = step_texts.under_way(answer.steps, language=language)
        growing = Content(last, note=note, controls=(Control.STOP,), language=language)
        return [*(Content(text) for text in first), growing]

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


def _growing_pages(text: str, sources: tuple[Source, ...], limit_bytes: int) -> tuple[str, ...]:
    return pages(text, sources=sources, finished=False, limit_bytes=limit_bytes)


def _status(ending: Ending) -> TurnStatus:
    match ending.outcome:
        case "answered" | "cut" | "hinted" | "refused":
            return TurnStatus.DONE
        case "stopped":
            return TurnStatus.CANCELLED
        case "failed" | "gave_up" | "undelivered":
            return TurnStatus.FAILED
