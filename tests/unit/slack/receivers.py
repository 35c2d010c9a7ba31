"""Whoever takes what Slack delivers, and remembers it."""

from dataclasses import dataclass, field

from bot.core.changes import Deleted, Edited
from bot.slack.listeners import Receivers, Submit


@dataclass
class Desk:
    """Takes clicks and changes."""

    stops: list[tuple[str, str, str, int]] = field(default_factory=list[tuple[str, str, str, int]])
    repeats: list[tuple[str, str, str, int, str]] = field(
        default_factory=list[tuple[str, str, str, int, str]]
    )
    changes: list[Edited | Deleted] = field(default_factory=list[Edited | Deleted])

    async def stop(self, *, team_id: str, channel_id: str, user_id: str, turn_id: int) -> None:
        self.stops.append((team_id, channel_id, user_id, turn_id))

    async def again(
        self, *, team_id: str, channel_id: str, user_id: str, turn_id: int, edited_ts: str
    ) -> None:
        self.repeats.append((team_id, channel_id, user_id, turn_id, edited_ts))

    async def change(self, change: Edited | Deleted) -> None:
        self.changes.append(change)


def receiving(submit: Submit, *, desk: Desk | None = None) -> Receivers:
    """Return receivers that submit as told and leave the rest with `desk`."""
    desk = desk or Desk()
    return Receivers(submit=submit, change=desk.change, clicks=desk)
