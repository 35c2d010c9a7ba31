"""Messages, and what the workspace remembers about them."""

from dataclasses import dataclass

from bot.playground.slack.blocks import visible_text_of
from bot.playground.slack.directory import App, File, attached_json
from bot.playground.slack.payload import Json

TOMBSTONE_TEXT = "This message was deleted."


@dataclass(frozen=True, slots=True)
class Draft:
    """A message before it has a ts.

    Attributes:
        user: Who writes it; the app's bot user for the app.
        text: As Slack stores it: people's text escaped, the app's as it sent it.
        blocks: As sent.
        thread_ts: The root it answers; empty outside threads.
        metadata: Slack message metadata, or None.
        files: Attached files.
        subtype: Empty for an ordinary message.
        bot_id: Set for messages of an app.
        is_broadcast: A reply that shows in the channel too.
        link_names: The app asked Slack to link bare names.
        client_msg_id: Set by people's clients.
    """

    user: str
    text: str = ""
    blocks: tuple[Json, ...] = ()
    thread_ts: str = ""
    metadata: Json | None = None
    files: tuple[File, ...] = ()
    subtype: str = ""
    bot_id: str = ""
    is_broadcast: bool = False
    link_names: bool = False
    client_msg_id: str = ""


@dataclass(frozen=True, slots=True)
class Reaction:
    """An emoji and who put it there, in order."""

    name: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands now.

    Attributes:
        channel_id: Where it stands.
        ts: Its id within the channel.
        draft: What it says.
        edited_ts: When its "edited" label was set; empty without one.
        edited_by: Who set the label.
        reactions: In order of first use.
    """

    channel_id: str
    ts: str
    draft: Draft
    edited_ts: str = ""
    edited_by: str = ""
    reactions: tuple[Reaction, ...] = ()

    @property
    def user(self) -> str:
        """Who wrote it."""
        return self.draft.user

    @property
    def text(self) -> str:
        """Its `text`, which blocks hide."""
        return self.draft.text

    @property
    def blocks(self) -> tuple[Json, ...]:
        """Its blocks."""
        return self.draft.blocks

    @property
    def thread_ts(self) -> str:
        """The root it answers; empty outside threads and on roots."""
        return self.draft.thread_ts

    @property
    def is_tombstone(self) -> bool:
        """It was deleted, and replies keep its place."""
        return self.draft.subtype == "tombstone"


@dataclass(frozen=True, slots=True)
class Ephemeral:
    """A message only one person sees, until that person reloads.

    Attributes:
        channel_id: Where it appears.
        user: Who sees it.
        ts: Its id; it cannot be fetched or edited by it.
        text: Its `text`.
        blocks: Its blocks.
        thread_ts: The thread it appears in, or empty.
    """

    channel_id: str
    user: str
    ts: str
    text: str
    blocks: tuple[Json, ...] = ()
    thread_ts: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """What a message showed from one moment on.

    Attributes:
        at: By the workspace's monotonic clock, in seconds.
        channel_id: Where.
        ts: Which message.
        message: Its new state; None when it went away.
    """

    at: float
    channel_id: str
    ts: str
    message: Message | None

    @property
    def text(self) -> str:
        """What a reader saw; empty when it went away."""
        return visible_text(self.message) if self.message else ""


@dataclass(frozen=True, slots=True)
class Ping:
    """A mention by the app that would have notified people.

    Attributes:
        at: By the workspace's monotonic clock, in seconds.
        channel_id: Where.
        ts: Which message.
        token: As written, such as `<!channel>`.
        is_mass: It names a group instead of one person.
    """

    at: float
    channel_id: str
    ts: str
    token: str
    is_mass: bool


@dataclass(frozen=True, slots=True)
class Thread:
    """What a root knows of its replies: their authors and times, in order."""

    users: tuple[str, ...] = ()
    ts: tuple[str, ...] = ()


def visible_text(message: Message | Ephemeral) -> str:
    """Return what a reader sees, without button labels."""
    return visible_text_of(message.blocks, text=message.text)


@dataclass(frozen=True, slots=True)
class Scenery:
    """What a message's JSON needs beside the message.

    Attributes:
        app: The installed app, whose messages carry its ids.
        team_id: The workspace.
        files_url: Where files are served.
    """

    app: App
    team_id: str
    files_url: str = ""


def message_json(message: Message, *, scenery: Scenery, thread: Thread | None = None) -> Json:
    """Return a message as the Web API and events show it, without its metadata.

    Args:
        message: The message.
        scenery: The workspace around it.
        thread: Its replies when it is a root.
    """
    draft = message.draft
    body: Json = {"type": "message", "user": draft.user, "text": draft.text, "ts": message.ts}
    if draft.subtype:
        body["subtype"] = draft.subtype
    if draft.bot_id:
        body |= _bot_fields(scenery)
    if not message.is_tombstone:
        body["team"] = scenery.team_id
    if draft.client_msg_id:
        body["client_msg_id"] = draft.client_msg_id
    if draft.blocks:
        body["blocks"] = list(draft.blocks)
    if draft.files:
        body["files"] = [attached_json(file, files_url=scenery.files_url) for file in draft.files]
        body["upload"] = False
    if message.edited_ts:
        body["edited"] = {"user": message.edited_by, "ts": message.edited_ts}
    if message.reactions:
        body["reactions"] = [
            {"name": mark.name, "users": list(mark.users), "count": len(mark.users)}
            for mark in message.reactions
        ]
    return body | _thread_fields(message, thread=thread)


def _bot_fields(scenery: Scenery) -> Json:
    app = scenery.app
    return {
        "bot_id": app.bot_id,
        "app_id": app.app_id,
        "bot_profile": {
            "id": app.bot_id,
            "app_id": app.app_id,
            "user_id": app.bot_user_id,
            "name": app.name,
            "deleted": False,
            "team_id": scenery.team_id,
        },
    }


def _thread_fields(message: Message, *, thread: Thread | None) -> Json:
    if message.thread_ts:
        return {"thread_ts": message.thread_ts}
    if not thread or not thread.ts:
        return {}
    users = list(dict.fromkeys(thread.users))
    return {
        "thread_ts": message.ts,
        "reply_count": len(thread.ts),
        "reply_users_count": len(users),
        "reply_users": users[:5],
        "latest_reply": thread.ts[-1],
        "is_locked": False,
        "subscribed": True,
    }
