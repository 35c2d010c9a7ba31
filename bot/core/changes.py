"""Slack payload -> a question that was edited or deleted."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from bot.core.messages import mentioned_users
from bot.core.slack_ids import matching_id, matching_ts

FRESH_S = 60.0
"""Slack promises no order: a change may arrive before the message it changes, but not by much."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A person changed the words of a message.

    Attributes:
        team_id: The workspace that installed the bot.
        channel_id: The channel or DM.
        ts: The message.
        text: The new words, as Slack sent them. Never logged.
        edited_ts: When; differs for each edit.
        is_expected: The message is so new, and for the bot, that its claim may still be on its way.
    """

    team_id: str
    channel_id: str
    ts: str
    text: str = field(repr=False)
    edited_ts: str
    is_expected: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    """Somebody deleted a message.

    Attributes:
        team_id: The workspace that installed the bot.
        channel_id: The channel or DM.
        ts: The message.
        is_expected: As for an edit.
    """

    team_id: str
    channel_id: str
    ts: str
    is_expected: bool = False


def parse_change(
    event: Mapping[str, Any], *, team_id: str, bot_user_id: str
) -> Edited | Deleted | None:
    """Return what an event changed about a message; None for everything else; never raises.

    A `message_changed` also comes when Slack unfurls a link or a thread gets its first reply: words
    that stayed the same are no edit. A thread's root that is deleted becomes a tombstone.

    Args:
        event: The inner `event` of an Events API envelope.
        team_id: The installation's workspace.
        bot_user_id: The bot as it is mentioned, `U…`.
    """
    change = _read(event, team_id=team_id)
    if change is None or not _was_for(bot_user_id, event, channel_id=change.channel_id):
        return change
    changed_at = matching_ts(event.get("ts")) or change.ts
    is_fresh = float(changed_at) - float(change.ts) < FRESH_S
    return replace(change, is_expected=is_fresh)


def _was_for(bot_user_id: str, event: Mapping[str, Any], *, channel_id: str) -> bool:
    """Tell whether the message, as it was, addressed the bot."""
    before = _object(event.get("previous_message")).get("text")
    mentioned = isinstance(before, str) and bot_user_id in mentioned_users(before)
    return mentioned or channel_id.startswith("D")


def _read(event: Mapping[str, Any], *, team_id: str) -> Edited | Deleted | None:
    channel_id = matching_id(event.get("channel"))
    if event.get("type") != "message" or channel_id is None:
        return None
    match event.get("subtype"):
        case "message_deleted":
            return _deleted(event.get("deleted_ts"), channel_id=channel_id, team_id=team_id)
        case "message_changed":
            return _changed(event, channel_id=channel_id, team_id=team_id)
        case _:
            return None


def _deleted(ts: object, *, channel_id: str, team_id: str) -> Deleted | None:
    found = matching_ts(ts)
    return None if found is None else Deleted(team_id, channel_id, found)


def _changed(event: Mapping[str, Any], *, channel_id: str, team_id: str) -> Edited | Deleted | None:
    after, before = _object(event.get("message")), _object(event.get("previous_message"))
    if after.get("subtype") == "tombstone":
        return _deleted(after.get("ts"), channel_id=channel_id, team_id=team_id)
    ts, text = matching_ts(after.get("ts")), after.get("text")
    edited_ts = matching_ts(_object(after.get("edited")).get("ts"))
    if ts is None or edited_ts is None or not isinstance(text, str) or text == before.get("text"):
        return None
    return Edited(team_id, channel_id, ts, text, edited_ts)


def _object(value: object) -> Mapping[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}
