"""Stopping an answer, from any process."""

import structlog

from storage.turns import Turns

log = structlog.stdlib.get_logger(__name__)


class Stops:
    """Takes clicks on Stop: the asker's and the admins' count.

    Args:
        turns: The inbox.
        admins: Users who may stop anybody's answer.
    """

    def __init__(self, *, turns: Turns, admins: frozenset[str]) -> None:
        self._turns = turns
        self._admins = admins

    async def stop(self, *, team_id: str, channel_id: str, user_id: str, turn_id: int) -> None:
        """Ask the turn's process to stop, wherever it runs.

        A click that names a turn of another place, or comes from somebody else, changes nothing:
        the id in a button can be forged.

        Raises:
            StorageError: The database could not be asked.
        """
        found = await self._turns.find(turn_id)
        if found is None or (found.team_id, found.channel_id) != (team_id, channel_id):
            return
        if user_id != found.user_id and user_id not in self._admins:
            log.info("stop.refused", turn_id=turn_id, user_id=user_id)
            return
        status = await self._turns.request_stop(turn_id=turn_id, by=user_id)
        log.info("stop.requested", turn_id=turn_id, user_id=user_id, status=status)
