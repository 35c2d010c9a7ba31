"""The first and only right to answer a message."""

from typing import Any

import structlog

from bot.core.messages import UserMessage
from bot.metrics import Metrics
from storage.records import NewTurn
from storage.turns import Turns

log = structlog.stdlib.get_logger(__name__)


def new_turn(message: UserMessage) -> NewTurn:
    """Return what is stored of a message until it is answered."""
    payload: dict[str, Any] = {"text": message.text, "files": message.file_count}
    return NewTurn(
        team_id=message.team_id,
        channel_id=message.channel_id,
        thread_ts=message.thread_ts,
        message_ts=message.ts,
        user_id=message.user_id,
        payload=payload,
    )


class Claims:
    """Takes messages in: once each, whatever Slack delivers."""

    def __init__(self, *, turns: Turns, metrics: Metrics) -> None:
        self._turns = turns
        self._metrics = metrics

    async def submit(self, message: UserMessage) -> bool:
        """Claim a message; the claim is committed when this returns.

        Returns:
            False when the message had been claimed before.

        Raises:
            StorageError: Nothing was claimed; Slack must deliver the message again.
        """
        try:
            turn_id = await self._turns.claim(new_turn(message))
        except BaseException:
            self._metrics.messages.labels("failed").inc()
            raise
        claimed = turn_id is not None
        self._metrics.messages.labels("claimed" if claimed else "duplicate").inc()
        log.info(
            "message.claimed" if claimed else "message.repeated",
            turn_id=turn_id,
            team_id=message.team_id,
            channel_id=message.channel_id,
            message_ts=message.ts,
        )
        return claimed
