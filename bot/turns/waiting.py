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
from storage.records import Turn, TurnStatus, Waiting, WaitingLine
from storage.turns import Turns

log = structlog.stdlib.get_logger(__name__)

PATIENCE_S = 4.0
"""Longer than most waits behind a short answer, shorter than a reader's doubts."""
AT_MOST = 20
"""Lines at a time: Slack lets 50 a minute be deleted, and one that outlives its wait misleads."""
MARK = -1
"""The line's place among a turn's messages: before the first page."""

TRIED_AGAIN_AFTER_S = 15.0
"""A line that is still there so long after its turn was taken up is taken away again."""


class WaitingLines:
    """Posts a line for each message that waits long, once, and takes it away when its turn came.

    `async with` owns the tasks that do; no turn waits for them. A line that was left, because Slack
    failed or a process died, is taken away later by any process.

    Args:
        turns: The inbox.
        replies: Slack.
        languages: What lines are written in.
        patience_s: A message that waits longer is told its place.
        again_after_s: How long after a turn was taken up its line counts as left.
    """

    def __init__(
        self,
        *,
        turns: Turns,
        replies: Replies,
        languages: Languages,
        patience_s: float = PATIENCE_S,
        again_after_s: float = TRIED_AGAIN_AFTER_S,
    ) -> None:
        self._patience_s = patience_s
        self._again_after_s = again_after_s
        self._turns = turns
        self._replies = replies
        self._languages = languages
        self._signal = asyncio.Event()
        self._tasks: set[asyncio.Task[None]]
        self._leaving: dict[int, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        self._tasks = {
            asyncio.create_task(self._keep_announcing(), name="waiting-lines"),
            asyncio.create_task(self._keep_looking_back(), name="waiting-lines-left"),
        }
        return self

    async def __aexit__(self, *_exc: object) -> None:
        tasks = {*self._tasks, *self._leaving.values()}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    def look(self) -> None:
        """Look soon whether somebody waits."""
        self._signal.set()

    def end_wait(self, turn: Turn) -> None:
        """Take the line of a turn that waits no more away soon, if it has one."""
        if turn.notice:
            self._begin_to_take_away(_line(turn, ts=turn.notice))

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
            await self._turns.line_gone(waiting.id)
            return
        language = await self._languages.of(
            team_id=now.team_id, channel_id=now.channel_id, user_id=now.user_id
        )
        content = Content("", note=texts.waiting(waiting.ahead, language=language))
        ts = await self._replies.post(place, content, mark=Mark(waiting.id, MARK))
        if not await self._turns.announced(turn_id=waiting.id, notice_ts=ts):
            self._begin_to_take_away(_line(waiting, ts=ts))

    async def _keep_looking_back(self) -> None:
        """Take away what was left, here or in a process that died."""
        while True:
            await asyncio.sleep(self._again_after_s)
            leaving = frozenset(self._leaving)  # may be gone by the time we know what was left
            try:
                left = await self._turns.left_lines(older_than_s=self._again_after_s, limit=AT_MOST)
            except StorageError as error:
                log.info("waiting.not_looked_after", error=type(error).__name__)
                continue
            for line in left:
                if line.turn_id not in leaving:
                    self._begin_to_take_away(line)

    def _begin_to_take_away(self, line: WaitingLine) -> None:
        """Take a line away beside all others: each workspace's Slack has its own pace."""
        if line.turn_id in self._leaving:
            return
        task = asyncio.create_task(self._take_away(line), name=f"waiting-line-{line.turn_id}")
        self._leaving[line.turn_id] = task
        task.add_done_callback(lambda _task: self._leaving.pop(line.turn_id))

    async def _take_away(self, line: WaitingLine) -> None:
        """Delete a line; if that fails only for now, it counts as left."""
        try:
            await self._delete(line)
            await self._turns.line_gone(line.turn_id)
        except (SlackThrottled, SlackUnavailable, StorageError) as error:
            log.info("waiting.not_taken_away", turn_id=line.turn_id, error=type(error).__name__)

    async def _delete(self, line: WaitingLine) -> None:
        """Delete a line, wherever its posting ended; one that Slack keeps for good is let be.

        Raises:
            SlackThrottled: Slack did not do it for now.
            SlackUnavailable: Nobody knows whether it did.
        """
        place = Place(line.team_id, line.channel_id, line.thread_ts)
        mark = Mark(line.turn_id, MARK)
        try:
            ts = line.ts or await self._replies.find(place, mark=mark, after_ts=line.message_ts)
            if ts is not None:
                await self._replies.permit_delete(place, urgency=Urgency.INTERIM)
                await self._replies.delete(place, ts)
        except (SlackThrottled, SlackUnavailable):
            raise
        except SlackError as error:
            log.info("waiting.line_stays", turn_id=line.turn_id, error=type(error).__name__)


def _line(turn: Turn | Waiting, *, ts: str) -> WaitingLine:
    return WaitingLine(
        turn_id=turn.id,
        team_id=turn.team_id,
        channel_id=turn.channel_id,
        thread_ts=turn.thread_ts,
        message_ts=turn.message_ts,
        ts=ts,
    )
