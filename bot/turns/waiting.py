"""The quiet line under a message that waits for its turn."""

import asyncio
from typing import Self

import structlog

from bot.core import texts
from bot.core.reply import Content, Mark, Place, Urgency
from bot.errors import SlackError, SlackThrottled, SlackUnavailable
from bot.turns.languages import Languages
from bot.turns.ports import Replies
from storage.errors import StorageError
from storage.records import Turn, TurnStatus, Waiting
from storage.turns import Turns

log = structlog.stdlib.get_logger(__name__)

PATIENCE_S = 4.0
"""Longer than most waits behind a short answer, shorter than a reader's doubts."""
AT_MOST = 20
"""Lines posted in one round; the others follow in the next."""
MARK = -1
"""The line's place among a turn's messages: before the first page."""

DELETE_TRIES = 3
"""To take a line away where nobody waits for that."""


class WaitingLines:
    """Posts a line for each message that waits long, once; `async with` owns the task that does.

    The turn takes its line away when it starts. A line that was on its way at that moment is taken
    away here, and one left by a crash at the turn's end.

    Args:
        turns: The inbox.
        replies: Slack.
        languages: What lines are written in.
        patience_s: A message that waits longer is told its place.
    """

    def __init__(
        self,
        *,
        turns: Turns,
        replies: Replies,
        languages: Languages,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._patience_s = patience_s
        self._turns = turns
        self._replies = replies
        self._languages = languages
        self._signal = asyncio.Event()
        self._task: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep_announcing(), name="waiting-lines")
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._task.cancel()
        await asyncio.wait({self._task})

    def look(self) -> None:
        """Look soon whether somebody waits."""
        self._signal.set()

    async def _keep_announcing(self) -> None:
        while True:
            await self._signal.wait()
            self._signal.clear()
            try:
                silent = await self._turns.to_announce(older_than_s=self._patience_s, limit=AT_MOST)
            except StorageError as error:
                log.info("waiting.not_announced", error=type(error).__name__)
                continue
            for waiting in silent:
                try:
                    await self._announce(waiting)
                except (SlackError, StorageError) as error:
                    log.info(
                        "waiting.not_announced", turn_id=waiting.id, error=type(error).__name__
                    )

    async def _announce(self, waiting: Waiting) -> None:
        place = Place(waiting.team_id, waiting.channel_id, waiting.thread_ts)
        await self._replies.permit_post(place, urgency=Urgency.INTERIM)
        now = await self._turns.find(waiting.id)  # the permit may have taken its time
        if now is None or now.status is not TurnStatus.QUEUED:
            return
        language = await self._languages.of(
            team_id=now.team_id, channel_id=now.channel_id, user_id=now.user_id
        )
        content = Content("", note=texts.waiting(waiting.ahead, language=language))
        ts = await self._replies.post(place, content, mark=Mark(waiting.id, MARK))
        if not await self._turns.announced(turn_id=waiting.id, notice_ts=ts):
            await _delete(place, ts, replies=self._replies, tries=DELETE_TRIES)


async def take_line_away(turn: Turn, *, replies: Replies, tries: int = DELETE_TRIES) -> bool:
    """Delete a turn's line, wherever its posting ended; return whether it is gone.

    A line that stays is no reason to fail.
    """
    if turn.notice is None:
        return True
    place = Place(turn.team_id, turn.channel_id, turn.thread_ts)
    try:
        ts = turn.notice or await replies.find(
            place, mark=Mark(turn.id, MARK), after_ts=turn.message_ts
        )
        if ts is not None:
            await _delete(place, ts, replies=replies, tries=tries)
    except SlackError as error:
        log.info("waiting.not_taken_away", error=type(error).__name__)
        return False
    return True


async def _delete(place: Place, ts: str, *, replies: Replies, tries: int) -> None:
    """Delete a line; a refusal for now, or an answer that got lost, uses up a try."""
    for left in reversed(range(tries)):
        await replies.permit_edit(place, urgency=Urgency.FIRST_WORDS)  # waits out a Retry-After
        try:
            return await replies.delete(place, ts)
        except (SlackThrottled, SlackUnavailable):
            if left == 0:
                raise
    return None
