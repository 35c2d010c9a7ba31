"""The reply of one turn: brings what Slack shows to what is wanted, one call at a time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import structlog

from bot.core.language import Language
from bot.core.pages import PAGE_BYTES
from bot.core.plan import Delete, Edit, Operation, Post, plan
from bot.core.reply import Content, Shown, Urgency
from bot.core.texts import MOVED
from bot.errors import (
    ChannelClosed,
    MessageGone,
    MessageTooLong,
    SlackError,
    SlackThrottled,
    SlackTokenRefused,
    SlackUnavailable,
)
from bot.turns.message_list import UNKNOWN, MessageList
from bot.turns.ports import Book, Replies
from storage.errors import StorageUnavailable
from storage.records import Turn

log = structlog.stdlib.get_logger(__name__)

Wanted = Callable[[int], Sequence[Content]]
"""Computes what the reply should show now, given how many bytes a message may hold."""

PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0, 30.0)
"""Pauses between tries of a call that Slack or the database failed: two and a half minutes."""
THROTTLED_LIMIT = 60
"""How often in a row a final call may be sent back to wait; each wait is Slack's Retry-After."""
SMALLEST_PAGE_BYTES = 1_000


class Reply:
    """The messages in Slack that together are one reply.

    One task at a time calls `keep_up`, `advance` or `settle`. Every call to Slack happens under
    `calling`: whoever holds that lock knows that none is on its way.

    Attributes:
        calling: Held while a call is on its way.
        edits: Calls that changed something.
        waits: Calls that Slack refused for now (429).
        retries: Calls repeated because Slack or the database failed.
        first_words_at: When text was first confirmed, `time.monotonic()`; None before.
    """

    def __init__(
        self,
        turn: Turn,
        *,
        replies: Replies,
        book: Book,
        guard: Callable[[], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._turn = turn
        self._replies = replies
        self._guard = guard
        self._sleep = sleep
        self._messages = MessageList(turn, book=book)
        self._page_bytes = PAGE_BYTES
        self.calling = asyncio.Lock()
        self.edits = self.waits = self.retries = 0
        self.first_words_at: float | None = None

    async def keep_up(self, wanted: Wanted, *, changed: asyncio.Event, tick_s: float) -> None:
        """Follow `wanted` until cancelled; cancel it while holding `calling`.

        In a crowd the first message waits up to `tick_s` for words: edits are short, and a message
        that begins with words does without one.

        Args:
            wanted: What to show; asked anew just before each call, so the newest text goes.
            changed: Set by the caller when there is more to show.
            tick_s: Look again after this many seconds even when nothing changed.

        Raises:
            LeaseLost: Another process owns the turn now.
        """
        if not self.shown and self._replies.is_crowded(self._messages.place):
            await self._words_within(tick_s, wanted=wanted, changed=changed)
        while True:
            changed.clear()
            urgency = Urgency.INTERIM if self.has_words else Urgency.FIRST_WORDS
            try:
                moved = await self.advance(wanted, urgency=urgency)
            except SlackThrottled:
                self.waits += 1
                continue
            except (SlackUnavailable, StorageUnavailable):
                self.retries += 1
                await self._sleep(PAUSES_S[1])
                continue
            except SlackError:
                return  # the final text finds another way, or says that there is none
            if not moved:
                await _set_within(changed, seconds=tick_s)

    async def settle(self, wanted: Wanted, *, language: Language = Language.EN) -> None:
        """Show `wanted` and return when Slack has confirmed all of it.

        Waits out 429s, repeats what failed, posts anew what cannot be edited any more, and brings
        the answer to the asker's direct messages when the channel is closed.

        Args:
            wanted: What to show.
            language: The reader's.

        Raises:
            SlackError: It cannot be shown, or not for now.
            StorageUnavailable: The database stayed away.
            LeaseLost: Another process owns the turn now.
        """
        failures = throttled = 0
        while True:
            try:
                if not await self.advance(wanted, urgency=Urgency.FINAL):
                    return
                failures = throttled = 0
            except SlackThrottled as error:
                self.waits += 1
                throttled += 1
                if throttled > THROTTLED_LIMIT:
                    raise
                await self._sleep(min(error.retry_after_s, PAUSES_S[-1]))
            except (SlackUnavailable, StorageUnavailable):
                if failures == len(PAUSES_S):
                    raise
                self.retries += 1
                await self._sleep(PAUSES_S[failures])
                failures += 1
            except ChannelClosed:
                if self._messages.has_moved:
                    raise
                await self._move_to_direct_messages()
                wanted = _said_where_from(wanted, language=language)

    async def advance(self, wanted: Wanted, *, urgency: Urgency) -> bool:
        """Make one call towards `wanted`; return False when nothing is left to do.

        Raises:
            SlackError: As the call failed; what it left behind is taken care of by the next one.
            StorageUnavailable: The list of messages could not be stored.
            LeaseLost: Another process owns the turn now.
        """
        operation = self._next(wanted)
        if operation is None:
            await self._messages.save()
            return False
        if isinstance(operation, Post):
            await self._replies.permit_post(self._messages.place, urgency=urgency)
            if await self._found_again():
                return True
        elif isinstance(operation, Delete):
            await self._replies.permit_delete(self._messages.place, urgency=urgency)
        else:
            await self._replies.permit_edit(self._messages.place, urgency=urgency)
        async with self.calling:
            newest = self._next(wanted)
            if newest is not None and type(newest) is type(operation):
                await self._messages.save()
                self._guard()
                await _carried_through(self._perform(newest))
        return True

    @property
    def shown(self) -> tuple[Shown, ...]:
        """The messages as Slack confirmed them last."""
        return self._messages.shown

    @property
    def has_words(self) -> bool:
        """Whether text of the answer is confirmed to be seen; not what an earlier try left."""
        return self._messages.has_words

    async def _words_within(
        self, seconds: float, *, wanted: Wanted, changed: asyncio.Event
    ) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not any(content.text for content in wanted(self._page_bytes)):
                    await changed.wait()
                    changed.clear()

    def _next(self, wanted: Wanted) -> Operation | None:
        operations = plan(self.shown, wanted(self._page_bytes))
        return operations[0] if operations else None

    async def _perform(self, operation: Operation) -> None:
        messages = self._messages
        try:
            match operation:
                case Post(content=content):
                    await self._post(content)
                case Edit(ts=ts, content=content):
                    mark = messages.mark_of(ts)
                    await self._replies.edit(messages.place, ts, content, mark=mark)
                    messages.note(operation, ts=ts)
                case Delete(ts=ts):
                    await self._replies.delete(messages.place, ts)
                    await messages.forget(ts)
        except MessageGone as error:
            if isinstance(operation, Post):
                raise
            await self._lose(operation.ts, still_there=error.code != "message_not_found")
        except MessageTooLong:
            if self._page_bytes == SMALLEST_PAGE_BYTES:
                raise
            self._page_bytes = max(SMALLEST_PAGE_BYTES, self._page_bytes * 2 // 3)
        else:
            self.edits += 1
            if self.first_words_at is None and self.has_words:
                self.first_words_at = time.monotonic()

    async def _found_again(self) -> bool:
        """Look for the message an earlier try may have posted, and go on in it if it is there.

        Outside `calling`: it may wait long for its own permits, and it can be given up any time.
        """
        messages = self._messages
        if not messages.may_be_posted:
            return False
        try:
            ts = await self._replies.find(
                messages.place, mark=messages.next_mark, after_ts=self._turn.message_ts
            )
        except SlackTokenRefused as error:  # the scope to read is missing; that to post may not be
            log.warning("message.not_looked_for", code=error.code)
            return False
        if ts is not None:
            messages.add(ts, UNKNOWN)
        return ts is not None

    async def _post(self, content: Content) -> None:
        messages = self._messages
        await messages.announce()
        self._guard()  # that may have taken a while
        messages.may_be_posted = True
        try:
            ts = await self._replies.post(messages.place, content, mark=messages.next_mark)
        except SlackUnavailable:
            raise
        except SlackError:
            messages.was_not_posted()
            raise
        # It is there, whether or not the database can be told so now.
        messages.add(ts, content)
        await messages.save()

    async def _lose(self, ts: str, *, still_there: bool) -> None:
        """Go on without a message that is gone or cannot be edited; what it held is posted anew."""
        log.info("message.lost", message_ts=ts)
        if still_there:
            with suppress(SlackError):
                await self._replies.delete(self._messages.place, ts)
        await self._messages.forget(ts)

    async def _move_to_direct_messages(self) -> None:
        """Go on in the asker's direct messages; a post there is always looked for first."""
        place = await self._replies.direct(self._turn.team_id, self._turn.user_id)
        log.info("reply.moved", channel_id=place.channel_id)
        self._messages.move_to(place)


def _said_where_from(wanted: Wanted, *, language: Language) -> Wanted:
    """Say on the last message why it is here."""

    def moved(page_bytes: int) -> Sequence[Content]:
        shown = wanted(page_bytes)
        if not shown:
            return shown
        *pages, last = shown
        return [*pages, replace(last, note=f"{MOVED.say(language)} {last.note}".strip())]

    return moved


async def _carried_through(work: Coroutine[Any, Any, None]) -> None:
    """Wait for a call even when cancelled meanwhile: once sent it cannot be taken back.

    Whoever goes on with the turn would else race with it, and not find what it posts. Each call is
    bounded in time.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
        if not task.cancelled():
            task.exception()  # nobody asks any more
        raise


async def _set_within(event: asyncio.Event, *, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
