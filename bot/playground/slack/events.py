"""Changes of the workspace as the events an app is sent (docs page "Events API")."""

import itertools
from collections.abc import Iterator
from typing import assert_never

from bot.playground.slack.change import (
    Change,
    Deleted,
    Edited,
    Joined,
    Posted,
    Reacted,
    Whispered,
)
from bot.playground.slack.directory import Channel, ChannelKind
from bot.playground.slack.message import Message, Scenery, message_json
from bot.playground.slack.payload import Json
from bot.playground.slack.workspace import Workspace

# A message event needs the subscription of its kind of channel.
_MESSAGE_SUBSCRIPTION = {
    ChannelKind.PUBLIC: "message.channels",
    ChannelKind.PRIVATE: "message.groups",
    ChannelKind.GROUP_DM: "message.mpim",
    ChannelKind.DM: "message.im",
}


class Events:
    """Turns changes into events, as far as the app is subscribed and present.

    Args:
        workspace: Where the changes happen.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._serial = itertools.count(1)

    def of(self, change: Change, *, files_url: str) -> tuple[Json, ...]:
        """Return the envelopes an app is sent about one change.

        Args:
            change: What happened.
            files_url: Where files are served.
        """
        app, team_id = self._workspace.app, self._workspace.team_id
        scenery = Scenery(app, team_id, files_url)
        return tuple(self.envelope(event) for event in self._events(change, scenery=scenery))

    def envelope(self, event: Json) -> Json:
        """Wrap an event, under an event_id of its own."""
        workspace, number = self._workspace, next(self._serial)
        channel = workspace.channels.get(event.get("channel", ""))
        return {
            "token": "verification",
            "team_id": workspace.team_id,
            "context_team_id": workspace.team_id,
            "context_enterprise_id": None,
            "api_app_id": workspace.app.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{number:010d}",
            "event_time": int(float(event.get("event_ts", "0"))),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": workspace.team_id,
                    "user_id": workspace.app.bot_user_id,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": bool(channel and channel.is_ext_shared),
            "event_context": f"4-playground-{number}",
        }

    def _events(self, change: Change, *, scenery: Scenery) -> Iterator[Json]:
        match change:
            case Posted(message):
                yield from self._posted(message, scenery=scenery)
            case Edited() | Deleted():
                yield from self._altered(change, scenery=scenery)
            case Reacted():
                yield from self._reacted(change)
            case Joined(channel, user, ts):
                if self._hears("member_joined_channel", channel=channel):
                    yield {
                        "type": "member_joined_channel",
                        "user": user,
                        "channel": channel.channel_id,
                        "channel_type": channel.kind.value[0].upper(),
                        "team": self._workspace.team_id,
                        "event_ts": ts,
                    }
            case Whispered():
                pass  # nobody is told of ephemeral messages
            case _:
                assert_never(change)

    def _channel(self, message: Message) -> Channel:
        return self._workspace.channels[message.channel_id]

    def _hears(self, subscription: str, *, channel: Channel) -> bool:
        app = self._workspace.app
        return subscription in app.events and app.bot_user_id in channel.members

    def _hears_messages(self, channel: Channel) -> bool:
        return self._hears(_MESSAGE_SUBSCRIPTION[channel.kind], channel=channel)

    def _posted(self, message: Message, *, scenery: Scenery) -> Iterator[Json]:
        channel = self._channel(message)
        body = message_json(message, scenery=scenery) | self._origin(message)
        body |= {"channel": channel.channel_id, "event_ts": message.ts}
        if message.thread_ts:
            root = self._workspace.message(channel.channel_id, message.thread_ts)
            body["parent_user_id"] = root.user if root else ""
        if self._is_mention(message, channel=channel):
            without = {"subtype", "channel_type"}
            mention = {key: value for key, value in body.items() if key not in without}
            yield {**mention, "type": "app_mention"}
        if self._hears_messages(channel):
            subtype = _subtype(message)
            yield (
                body
                | {"channel_type": channel.kind.value}
                | ({"subtype": subtype} if subtype else {})
            )

    def _origin(self, message: Message) -> Json:
        """Return where a stranger of a shared channel comes from."""
        user = self._workspace.users.get(message.user)
        if not user or user.team_id in {"", self._workspace.team_id}:
            return {}
        return {"team": user.team_id, "user_team": user.team_id, "source_team": user.team_id}

    def _is_mention(self, message: Message, *, channel: Channel) -> bool:
        """Tell whether `app_mention` fires: never in direct messages, never for the app itself."""
        app = self._workspace.app
        return (
            channel.kind is not ChannelKind.DM
            and self._hears("app_mention", channel=channel)
            and message.user != app.bot_user_id
            and message.draft.subtype == ""
            and (f"<@{app.bot_user_id}>" in message.text or f"<@{app.bot_user_id}|" in message.text)
        )

    def _altered(self, change: Edited | Deleted, *, scenery: Scenery) -> Iterator[Json]:
        before = change.before
        channel = self._channel(before)
        if not self._hears_messages(channel):
            return
        thread = self._workspace.thread_of(before)
        event: Json = {
            "type": "message",
            "hidden": True,
            "channel": channel.channel_id,
            "channel_type": channel.kind.value,
            "ts": change.ts,
            "event_ts": change.ts,
            "previous_message": message_json(before, scenery=scenery, thread=thread),
        }
        now = self._workspace.message(channel.channel_id, before.ts)
        if now is None:
            yield {**event, "subtype": "message_deleted", "deleted_ts": before.ts}
            return
        shown = change.after if isinstance(change, Edited) else now
        message = message_json(shown, scenery=scenery, thread=thread)
        yield {**event, "subtype": "message_changed", "message": message}

    def _reacted(self, change: Reacted) -> Iterator[Json]:
        name = "reaction_added" if change.is_added else "reaction_removed"
        message = change.message
        if self._hears(name, channel=self._channel(message)):
            yield {
                "type": name,
                "user": change.user,
                "reaction": change.name,
                "item": {"type": "message", "channel": message.channel_id, "ts": message.ts},
                "item_user": message.user,
                "event_ts": change.ts,
            }


def _subtype(message: Message) -> str:
    if message.draft.subtype:
        return message.draft.subtype
    if message.draft.files and not message.draft.bot_id:
        return "file_share"
    return "thread_broadcast" if message.draft.is_broadcast else ""
