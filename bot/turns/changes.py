"""Questions that are edited or deleted while they are answered, or afterwards."""

import asyncio
from typing import Self, assert_never

import structlog

from bot.core.changes import Deleted, Edited
from bot.core.reply import Place
from bot.errors import SlackError, TooEarly
from bot.turns.languages import Languages
from bot.turns.ports import Replies
from storage.records import FoundTurn, TurnStatus
from storage.turns import Turns

log = structlog.stdlib.get_logger(__name__)

DELETION = "deletion"
"""Stands for the user when a question was stopped by deleting it."""
OFFERS_AT_ONCE = 50
"""Beyond, an offer is left out: it is a courtesy."""
EDITS_KNOWN = 1_000
"""Edits remembered; Slack repeats a delivery within minutes."""
LOOKS = 5
LOOK_AGAIN_S = 0.2
"""Both deliveries may be under way at once; after a second Slack must deliver the change again."""
LIVE = frozenset({TurnStatus.QUEUED, TurnStatus.RUNNING})


class Changes:
    """Takes edits and deletions; `async with` owns the offers that are on their way.

    A deleted question stops its turn. An edited one is answered in its new words if the answer has
    not begun; else its asker is offered to have it answered again.

    Args:
        turns: The inbox.
        replies: Slack.
        languages: What offers are written in.
        look_again_s: Between looks for a message whose claim may be on its way.
    """

    def __init__(
        self,
        *,
        turns: Turns,
        replies: Replies,
        languages: Languages,
        look_again_s: float = LOOK_AGAIN_S,
    ) -> None:
        self._look_again_s = look_again_s
        self._turns = turns
        self._replies = replies
        self._languages = languages
        self._offers: set[asyncio.Task[None]] = set()
        self._known: dict[Edited, None] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        offers = tuple(self._offers)
        for offer in offers:
            offer.cancel()
        if offers:
            await asyncio.wait(offers)

    async def settled(self) -> None:
        """Wait until the offers that are on their way have been made."""
        if self._offers:
            await asyncio.wait(tuple(self._offers))

    async def take(self, change: Edited | Deleted) -> None:
        """Pass a change on to the turn it concerns, if there is one.

        Raises:
            StorageError: The database could not be asked; Slack must deliver the change again.
            TooEarly: The message is not claimed yet; Slack must deliver the change again.
        """
        if change.is_expected:
            await self._until_claimed(change)
        match change:
            case Deleted():
                await self._stop(change)
            case Edited():
                await self._amend(change)
            case _:
                assert_never(change)

    async def _until_claimed(self, change: Edited | Deleted) -> None:
        for _ in range(LOOKS):
            if await self._turns.find_by_message(change.team_id, change.channel_id, change.ts):
                return
            await asyncio.sleep(self._look_again_s)
        raise TooEarly

    async def _stop(self, deleted: Deleted) -> None:
        found = await self._turns.find_by_message(deleted.team_id, deleted.channel_id, deleted.ts)
        if found is not None and found.status in LIVE:
            await self._turns.request_stop(turn_id=found.id, by=DELETION)
            log.info("question.deleted", turn_id=found.id)

    async def _amend(self, edited: Edited) -> None:
        status = await self._turns.amend(
            team_id=edited.team_id,
            channel_id=edited.channel_id,
            message_ts=edited.ts,
            payload={"text": edited.text, "edited_ts": edited.edited_ts},
        )
        if status is not None:
            log.info("question.edited", message_ts=edited.ts, status=status)
            self._remember(edited)
            return
        found = await self._turns.find_by_message(edited.team_id, edited.channel_id, edited.ts)
        if found is None or found.status in LIVE or not self._remember(edited):
            return
        if len(self._offers) < OFFERS_AT_ONCE:
            offer = asyncio.create_task(self._offer(found, edited), name="offer")
            self._offers.add(offer)
            offer.add_done_callback(self._offers.discard)

    def _remember(self, edited: Edited) -> bool:
        """Return whether an edit is new, to this process at least."""
        is_new = edited not in self._known
        self._known[edited] = None
        if len(self._known) > EDITS_KNOWN:
            del self._known[next(iter(self._known))]
        return is_new

    async def _offer(self, found: FoundTurn, edited: Edited) -> None:
        place = Place(found.team_id, found.channel_id, found.thread_ts)
        language = await self._languages.of(
            team_id=found.team_id, channel_id=found.channel_id, user_id=found.user_id
        )
        try:
            await self._replies.offer_again(
                place,
                user_id=found.user_id,
                turn_id=found.id,
                edited_ts=edited.edited_ts,
                language=language,
            )
        except SlackError as error:
            log.info("offer.not_made", turn_id=found.id, error=type(error).__name__)
