"""The inbox: every message that will be answered, from its claim to its end."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from storage import endings, inbox, lookups, revisions
from storage.clock import to_ms
from storage.errors import LeaseLost, StorageConflict, storage_errors
from storage.records import (
    Counts,
    FoundTurn,
    NewTurn,
    SessionUse,
    Turn,
    TurnStatus,
    Waiting,
    WaitingLine,
    Wish,
)
from storage.usage_records import ModelUse

if TYPE_CHECKING:
    from storage.database import Storage

CLAIM_TIMEOUT_S = 2.0
"""Slack waits three seconds for its 200 (Slack docs, "Using the HTTP Events API")."""

_RACES = 3
"""How often a lost race for a thread is run again before the next wake-up is waited for."""


class Turns:
    """The turns of a database.

    Every method raises `storage.errors.StorageError` in its most specific form. Those that write to
    a taken turn raise `LeaseLost`, and change nothing, when it was taken up by somebody else.
    """

    def __init__(self, storage: "Storage") -> None:
        self._storage = storage

    async def claim(self, new: NewTurn) -> int | None:
        """Store a message as a turn and return its id once that is safe; None if it is one already.

        Raises:
            StorageUnavailable: The database failed or took more than two seconds. The claim may
                still happen; when Slack delivers the message again, None tells.
            ValueError: The message's ts is none.
        """
        with storage_errors():
            async with asyncio.timeout(CLAIM_TIMEOUT_S):
                turn_id = await self._storage.run(inbox.claim, new)
        if turn_id is not None:
            self._storage.signals.wake()
        return turn_id

    async def waiting(self, turn_id: int) -> int:
        """Return how many live turns of its thread go before a turn; 0 for one that is unknown."""
        return await self._storage.read(lookups.waiting, turn_id)

    async def take(self, *, limit: int) -> list[Turn]:
        """Make up to `limit` turns this worker's and return them, oldest first; needs its lease.

        Of each thread only the oldest live turn is taken, and only while no other runs. May return
        fewer than there are, even none, when other workers take turns at the same moment.
        """
        for attempt in range(_RACES):
            try:
                return await self._storage.run(
                    inbox.take, self._storage.worker, limit=limit if attempt == 0 else 1
                )
            except StorageConflict:
                continue  # another worker was first in one of the threads
        return []

    async def posting(self, turn: Turn) -> None:
        """Note that a message of the reply is about to be posted."""
        await self._storage.run(inbox.update_taken, turn, posting=True)

    async def posted(self, turn: Turn, reply: Sequence[str]) -> None:
        """Record the ts of all messages of the reply so far, in order."""
        await self._storage.run(inbox.update_taken, turn, reply=list(reply) or None, posting=False)

    async def store_ending(self, turn: Turn, ending: dict[str, Any]) -> None:
        """Keep the finished answer until it is shown, so that nobody has to ask again."""
        await self._storage.run(inbox.update_taken, turn, ending=ending)

    async def finish(
        self,
        turn: Turn,
        *,
        status: TurnStatus,
        session: SessionUse | None,
        outcome: str,
        usage: Sequence[ModelUse] = (),
    ) -> None:
        """End a turn and erase its text.

        Args:
            turn: As taken.
            status: `DONE`, `FAILED` or `CANCELLED`; a failed turn counts for no quota of turns.
            session: What the conversation goes on with; None leaves it as it is.
            outcome: One word for the statistics, never text of a message.
            usage: Tokens of the whole answer, one or more for each model; kept if the turn was
                admitted (`UsageBook.admit`).
        """
        await self._storage.run(
            endings.finish, turn, status=status, session=session, outcome=outcome, usage=usage
        )
        self._storage.signals.wake()

    async def postpone(self, turn: Turn, *, delay_s: float, reason: str) -> None:
        """Give a turn back, to be taken again after `delay_s`; its thread waits with it."""
        await self._storage.run(inbox.postpone, turn, delay_ms=to_ms(delay_s), reason=reason)

    async def release(self, turns: Sequence[Turn]) -> int:
        """Give turns back at once, as if never taken; return how many were still this worker's."""
        count = await self._storage.run(inbox.release, turns)
        self._storage.signals.wake()
        return count

    async def request_stop(self, *, turn_id: int, by: str) -> TurnStatus | None:
        """Ask to stop a turn, and return where it stands now; None if there is none.

        `CANCELLED`: it waited, nothing of it was shown, and it has ended. `QUEUED`: it is taken up
        soon, with `stop_requested_by` set. `RUNNING`: its worker is told, at the latest with its
        next heartbeat. `DONE` and `FAILED`: too late.

        Args:
            turn_id: The turn.
            by: The user who asked.
        """
        status = await self._storage.run(endings.request_stop, turn_id=turn_id, by=by)
        if status is TurnStatus.RUNNING:
            self._storage.signals.stop(turn_id)
        else:
            self._storage.signals.wake()
        return status

    async def find(self, turn_id: int) -> FoundTurn | None:
        """Return the turn with an id, if there is one."""
        return await self._storage.read(lookups.find, turn_id)

    async def find_by_message(
        self, team_id: str, channel_id: str, message_ts: str
    ) -> FoundTurn | None:
        """Return the last turn that answers, or answered, a message."""
        return await self._storage.read(lookups.find_by_message, team_id, channel_id, message_ts)

    async def find_by_reply(self, team_id: str, channel_id: str, reply_ts: str) -> FoundTurn | None:
        """Return the turn whose reply a message is part of; it came within a day of the question.

        Raises:
            ValueError: The ts is none.
        """
        return await self._storage.read(lookups.find_by_reply, team_id, channel_id, reply_ts)

    async def amend(
        self, *, team_id: str, channel_id: str, message_ts: str, payload: dict[str, Any]
    ) -> TurnStatus | None:
        """Replace the question of a live turn, and tell the worker that runs it.

        Returns:
            Where the turn stands; None when the message has no turn that is still open.
        """
        found = await self._storage.run(
            revisions.amend,
            team_id=team_id,
            channel_id=channel_id,
            message_ts=message_ts,
            payload=payload,
        )
        if found is None:
            return None
        if found.status is TurnStatus.RUNNING:
            self._storage.signals.stop(found.id)
        return found.status

    async def look(self, turn: Turn) -> Wish:
        """Return what people want of a taken turn by now.

        Raises:
            LeaseLost: It was taken up by somebody else.
        """
        wish = await self._storage.read(revisions.look, turn)
        if wish is None:
            raise LeaseLost(turn.id)
        return wish

    async def repeat(self, *, turn_id: int, edited_ts: str, user_team_id: str = "") -> int | None:
        """Queue an ended turn's question once more, to be answered in the same messages.

        Args:
            turn_id: The turn.
            edited_ts: Which edit of the question is to be answered.
            user_team_id: The workspace it is asked from; empty when unknown.

        Returns:
            The new turn's id; None when the question is being answered, or this edit of it was.
        """
        payload = {"edited_ts": edited_ts, "user_team": user_team_id}
        return await self._repeat(turn_id, occasion=edited_ts, payload=payload)

    async def complete(self, *, turn_id: int, payload: dict[str, Any]) -> int | None:
        """Queue an ended turn's question once more, with what it lacked; once for each turn.

        Args:
            turn_id: The turn.
            payload: What is added; it may hold what people wrote, and is erased as that is.

        Returns:
            The new turn's id; None when the question is being answered, or was again since.
        """
        return await self._repeat(turn_id, occasion=f"completed-{turn_id}", payload=payload)

    async def _repeat(self, turn_id: int, *, occasion: str, payload: dict[str, Any]) -> int | None:
        new_id = await self._storage.run(
            revisions.repeat, turn_id=turn_id, occasion=occasion, payload=payload
        )
        if new_id is not None:
            self._storage.signals.wake()
        return new_id

    async def to_announce(self, *, older_than_s: float, limit: int) -> list[Waiting]:
        """Return turns that wait in silence for too long; each is returned once, to one caller.

        Args:
            older_than_s: What is too long.
            limit: Most lines there may be for all workers together, those that are still to be
                taken away included.
        """
        return await self._storage.run(
            revisions.to_announce, older_than_ms=to_ms(older_than_s), limit=limit
        )

    async def announced(self, *, turn_id: int, notice_ts: str) -> bool:
        """Record the line of a turn that waits; False when it does not wait any more."""
        return await self._storage.run(revisions.announced, turn_id=turn_id, notice_ts=notice_ts)

    async def left_lines(self, *, older_than_s: float, limit: int) -> list[WaitingLine]:
        """Return lines of turns that were taken up so long ago and wait no more."""
        return await self._storage.read(
            revisions.left_lines, older_than_ms=to_ms(older_than_s), limit=limit
        )

    async def line_gone(self, turn_id: int) -> None:
        """Note that a turn has no line any more."""
        await self._storage.run(revisions.line_gone, turn_id)

    async def counts(self) -> Counts:
        """Return how much there is to do, for all workers together."""
        return await self._storage.read(lookups.counts)

    async def prune(self, *, older_than_s: float, limit: int) -> int:
        """Delete up to `limit` turns that ended so long ago; return how many.

        Turns are kept for a day in any case: a message that Slack delivers late must be known.
        """
        return await self._storage.run(
            endings.prune, older_than_ms=to_ms(older_than_s), limit=limit
        )
