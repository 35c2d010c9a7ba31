"""The state of a Slack workspace: pure, without a network.

Every change is told to the watchers as a value, after it happened. The workspace checks nothing an
app may get wrong; that is the Web API's part.
"""

import itertools
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot.playground.slack.blocks import mentions
from bot.playground.slack.change import (
    Change,
    Deleted,
    Edited,
    Joined,
    Posted,
    Reacted,
    Whispered,
)
from bot.playground.slack.directory import App, Channel, ChannelKind, File, User
from bot.playground.slack.message import (
    TOMBSTONE_TEXT,
    Draft,
    Ephemeral,
    Message,
    Ping,
    Reaction,
    Thread,
    Version,
)
from bot.playground.slack.payload import Json


class Workspace:
    """One team, the app installed in it, its people, channels and messages.

    Attributes:
        app: The installed app; its bot user is among `users`.
        users: By id.
        channels: By id.
        files: By id.
        ephemerals: In order of appearance.
        versions: Every state every message was ever in, in order.
        pings: Every live mention in any version of a message of the app.
    """

    def __init__(
        self,
        *,
        team_id: str = "T0PLAY",
        domain: str = "playground",
        app: App | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.team_id = team_id
        self.domain = domain
        self.app = app or App()
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self.ephemerals: list[Ephemeral] = []
        self.versions: list[Version] = []
        self.pings: list[Ping] = []
        self._clock = clock
        self._wall = wall
        self._messages: dict[tuple[str, str], Message] = {}
        self._in_channel: defaultdict[str, list[str]] = defaultdict(list)
        self._replies: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        self._posted_at: dict[tuple[str, str], float] = {}
        self._last_us: defaultdict[str, int] = defaultdict(int)
        self._serial = itertools.count(1)
        self._watchers: list[Callable[[Change], None]] = []
        self.add_user(User(self.app.bot_user_id, name=self.app.name, is_bot=True))

    def watch(self, watcher: Callable[[Change], None]) -> None:
        """Call `watcher` after every change, in order."""
        self._watchers.append(watcher)

    def unwatch(self, watcher: Callable[[Change], None]) -> None:
        """Stop calling `watcher`."""
        self._watchers.remove(watcher)

    # people, channels, files

    def add_user(self, user: User) -> User:
        """Add or replace a user."""
        self.users[user.user_id] = user
        return user

    def change_user(self, user_id: str, **changes: Any) -> User:
        """Change what is known of a user, such as `is_admin`, `deleted` or `locale`."""
        return self.add_user(replace(self.users[user_id], **changes))

    def add_channel(self, channel: Channel) -> Channel:
        """Add or replace a channel."""
        self.channels[channel.channel_id] = channel
        return channel

    def add_file(self, file: File) -> File:
        """Add or replace a file."""
        self.files[file.file_id] = file
        return file

    def dm(self, *user_ids: str) -> Channel:
        """Return the direct messages of these people and no others, opened if need be."""
        members = frozenset(user_ids)
        kind = ChannelKind.DM if len(members) <= 2 else ChannelKind.GROUP_DM
        for channel in self.channels.values():
            if channel.kind is kind and channel.members == members:
                return channel
        letter, name = ("D", "") if kind is ChannelKind.DM else ("C", "mpdm-playground")
        return self.add_channel(
            Channel(f"{letter}0DM{next(self._serial):04d}", name=name, kind=kind, members=members)
        )

    def join(self, channel_id: str, user_id: str) -> None:
        """Make somebody a member; Slack posts its line about it."""
        channel = self.channels[channel_id]
        if user_id in channel.members:
            return
        channel = replace(channel, members=channel.members | {user_id})
        self.channels[channel_id] = channel
        self._tell(Joined(channel, user_id, self.next_ts(channel_id)))
        subtype = "channel_join" if channel.kind is ChannelKind.PUBLIC else "group_join"
        text = f"<@{user_id}> has joined the channel"
        self.post(channel_id, Draft(user_id, text, subtype=subtype))

    def leave(self, channel_id: str, user_id: str) -> None:
        """End a membership."""
        channel = self.channels[channel_id]
        self.channels[channel_id] = replace(channel, members=channel.members - {user_id})

    def archive(self, channel_id: str) -> None:
        """Close a channel for good."""
        self.channels[channel_id] = replace(self.channels[channel_id], is_archived=True)

    # messages

    def next_ts(self, channel_id: str) -> str:
        """Return a ts that is later than every other one of the channel."""
        now_us = max(int(self._wall() * 1_000_000), self._last_us[channel_id] + 1)
        self._last_us[channel_id] = now_us
        return f"{now_us // 1_000_000}.{now_us % 1_000_000:06d}"

    def message(self, channel_id: str, ts: str) -> Message | None:
        """Return a message, or a tombstone, or None."""
        return self._messages.get((channel_id, ts))

    def was_there(self, channel_id: str, ts: str) -> bool:
        """Tell whether a message ever had this ts."""
        return (channel_id, ts) in self._posted_at

    def posted_at(self, message: Message) -> float:
        """Return when a message was posted, by the monotonic clock."""
        return self._posted_at[message.channel_id, message.ts]

    def messages(self, channel_id: str) -> tuple[Message, ...]:
        """Return everything in a channel, replies included, oldest first."""
        return tuple(self._messages[channel_id, ts] for ts in self._in_channel[channel_id])

    def replies(self, channel_id: str, thread_ts: str) -> tuple[Message, ...]:
        """Return a root's replies, oldest first, without the root."""
        return tuple(self._messages[channel_id, ts] for ts in self._replies[channel_id, thread_ts])

    def thread(self, channel_id: str, thread_ts: str) -> tuple[Message, ...]:
        """Return a root, if it still stands, and its replies, oldest first."""
        root = self.message(channel_id, thread_ts)
        replies = self.replies(channel_id, thread_ts)
        return (root, *replies) if root else replies

    def thread_of(self, message: Message) -> Thread:
        """Return what a root knows of its replies."""
        replies = self.replies(message.channel_id, message.ts)
        return Thread(tuple(r.user for r in replies), tuple(r.ts for r in replies))

    def versions_of(self, channel_id: str, ts: str) -> tuple[Version, ...]:
        """Return everything one message ever showed, in order."""
        return tuple(v for v in self.versions if (v.channel_id, v.ts) == (channel_id, ts))

    def post(self, channel_id: str, draft: Draft) -> Message:
        """Add a message to a channel or, with a thread_ts, to a thread."""
        ts = self.next_ts(channel_id)
        message = Message(channel_id, ts, replace(draft, blocks=self._named(draft.blocks)))
        self._in_channel[channel_id].append(ts)
        if draft.thread_ts:
            self._replies[channel_id, draft.thread_ts].append(ts)
        self._posted_at[channel_id, ts] = self._clock()
        self._put(message)
        self._tell(Posted(message))
        return message

    def edit(self, before: Message, *, labelled: bool = True, **changes: Any) -> Message:
        """Change a message.

        Args:
            before: The message as it stands.
            labelled: Slack shows the "edited" label.
            changes: Fields of `Draft`.
        """
        if "blocks" in changes:
            changes["blocks"] = self._named(changes["blocks"])
        draft = replace(before.draft, **changes)
        ts = self.next_ts(before.channel_id)
        label = (ts, draft.user) if labelled else ("", "")
        after = replace(before, draft=draft, edited_ts=label[0], edited_by=label[1])
        self._put(after)
        self._tell(Edited(before, after, ts))
        return after

    def delete(self, message: Message) -> None:
        """Remove a message; a root with replies leaves a tombstone."""
        key = (message.channel_id, message.ts)
        if self._replies[key]:
            self._put(
                replace(message, draft=Draft("USLACKBOT", TOMBSTONE_TEXT, subtype="tombstone"))
            )
        else:
            del self._messages[key]
            self._in_channel[message.channel_id].remove(message.ts)
            if message.thread_ts:
                self._replies[message.channel_id, message.thread_ts].remove(message.ts)
            self.versions.append(Version(self._clock(), *key, None))
        self._tell(Deleted(message, self.next_ts(message.channel_id)))

    def react(self, message: Message, *, user: str, name: str, is_added: bool) -> bool:
        """Put a reaction on a message or take it off; False when that changes nothing."""
        marks = {mark.name: mark.users for mark in message.reactions}
        users = marks.get(name, ())
        if (user in users) is is_added:
            return False
        marks[name] = (*users, user) if is_added else tuple(u for u in users if u != user)
        after = replace(message, reactions=tuple(Reaction(n, u) for n, u in marks.items() if u))
        self._messages[message.channel_id, message.ts] = after
        self._tell(Reacted(after, user, name, is_added, self.next_ts(message.channel_id)))
        return True

    def whisper(self, ephemeral: Ephemeral) -> None:
        """Show one person an ephemeral message."""
        ephemeral = replace(ephemeral, blocks=self._named(ephemeral.blocks))
        self.ephemerals.append(ephemeral)
        self._look_for_pings(ephemeral, link_names=False)
        self._tell(Whispered(ephemeral))

    def withdraw(self, ephemeral: Ephemeral) -> None:
        """Take an ephemeral message off the screen."""
        self.ephemerals.remove(ephemeral)

    def ephemeral(self, channel_id: str, ts: str) -> Ephemeral | None:
        """Return an ephemeral message that still shows."""
        return next((e for e in self.ephemerals if (e.channel_id, e.ts) == (channel_id, ts)), None)

    def _put(self, message: Message) -> None:
        self._messages[message.channel_id, message.ts] = message
        version = Version(self._clock(), message.channel_id, message.ts, message)
        self.versions.append(version)
        if message.draft.bot_id == self.app.bot_id:
            self._look_for_pings(message, link_names=message.draft.link_names)

    def _look_for_pings(self, message: Message | Ephemeral, *, link_names: bool) -> None:
        for found in mentions(message.blocks, text=message.text, link_names=link_names):
            where = (self._clock(), message.channel_id, message.ts)
            self.pings.append(Ping(*where, found.token, found.is_mass))

    def _named(self, blocks: tuple[Json, ...]) -> tuple[Json, ...]:
        """Give each block without an id one, as Slack does."""
        return tuple(
            block if block.get("block_id") else {**block, "block_id": f"b{next(self._serial)}"}
            for block in blocks
        )

    def _tell(self, change: Change) -> None:
        for watcher in tuple(self._watchers):
            watcher(change)
