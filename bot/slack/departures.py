"""Slack says that the bot was removed from a workspace, or that its token is good no more."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import structlog
from slack_bolt.async_app import AsyncBoltContext

from bot.slack.authorize import team_of
from storage.installations import Installations

UNINSTALLED = "app_uninstalled"
REVOKED = "tokens_revoked"

_A_SECOND = timedelta(seconds=1)
"""Slack tells whole seconds."""

log = structlog.get_logger(__name__)


class DepartureListener:
    """Forgets installations; both events may come, in any order and late.

    Args:
        kept: Where installations are forgotten; None when there is only the bot's own token.
    """

    def __init__(self, kept: Installations | None) -> None:
        self._kept = kept

    async def take_uninstalled(self, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Forget a workspace the bot was removed from.

        Raises:
            StorageError: It may not be forgotten; Slack tells again.
        """
        await self._forget(body, context=context)

    async def take_revoked(
        self, event: dict[str, Any], body: dict[str, Any], context: AsyncBoltContext
    ) -> None:
        """Forget a workspace whose bot token was revoked; people's own tokens are none of ours.

        Raises:
            StorageError: It may not be forgotten; Slack tells again.
        """
        tokens = cast("dict[str, Any]", event.get("tokens") or {})
        if tokens.get("bot"):
            await self._forget(body, context=context)

    async def _forget(self, body: Mapping[str, Any], *, context: AsyncBoltContext) -> None:
        team_id = team_of(body, context=context)
        known = False
        if self._kept is not None:
            known = await self._kept.remove(team_id, until=_happened_at(body))
        log.warning("installation.ended", team_id=team_id, outcome="forgotten" if known else "kept")


def _happened_at(body: Mapping[str, Any]) -> datetime:
    """Return the latest instant an event can have happened at; the epoch when it does not tell."""
    seconds = body.get("event_time")
    if not isinstance(seconds, int):
        return datetime.fromtimestamp(0, UTC)
    return datetime.fromtimestamp(seconds, UTC) + _A_SECOND
