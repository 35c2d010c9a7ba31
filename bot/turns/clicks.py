"""Buttons under a reply: Stop, and answering an edited question again."""

import structlog

from storage.records import FoundTurn
from storage.turns import Turns

log = structlog.stdlib.get_logger(__name__)


class Clicks:
    """Takes clicks: the asker's and the admins' count.

    A click that names a turn of another place, or comes from somebody else, changes nothing: the id
    in a button can be forged.

    Args:
        turns: The inbox.
        admins: Users whose clicks count under everybody's answers.
    """

    def __init__(self, *, turns: Turns, admins: frozenset[str]) -> None:
        self._turns = turns
        self._admins = admins

    async def stop(self, *, team_id: str, channel_id: str, user_id: str, turn_id: int) -> None:
        """Ask the turn's process to stop, wherever it runs.

        Raises:
            StorageError: The database could not be asked.
        """
        found = await self._allowed(turn_id, place=(team_id, channel_id), user_id=user_id)
        if found is not None:
            status = await self._turns.request_stop(turn_id=found.id, by=user_id)
            log.info("stop.requested", turn_id=turn_id, user_id=user_id, status=status)

    async def again(
        self,
        *,
        team_id: str,
        channel_id: str,
        user_id: str,
        user_team_id: str,
        turn_id: int,
        edited_ts: str,
    ) -> None:
        """Answer a question again in the messages of its answer, once for each edit.

        Whether it may be asked is looked at anew, and from which workspace is not known of an ended
        turn any more: that of whoever clicked stands for it.

        Raises:
            StorageError: The database could not be asked.
        """
        found = await self._allowed(turn_id, place=(team_id, channel_id), user_id=user_id)
        if found is not None:
            new_id = await self._turns.repeat(
                turn_id=found.id, edited_ts=edited_ts, user_team_id=user_team_id
            )
            log.info("turn.repeated", turn_id=new_id, user_id=user_id)

    async def _allowed(
        self, turn_id: int, *, place: tuple[str, str], user_id: str
    ) -> FoundTurn | None:
        found = await self._turns.find(turn_id)
        if found is None or (found.team_id, found.channel_id) != place:
            return None
        if user_id != found.user_id and user_id not in self._admins:
            log.info("click.refused", turn_id=turn_id, user_id=user_id)
            return None
        return found
