"""Who and what a workspace holds: the installed app, people, channels and files."""

from dataclasses import dataclass, field
from enum import Enum

from bot.playground.slack.payload import Json

_CREATED_AT = 1_750_000_000
_SCOPES = (
    "app_mentions:read assistant:write channels:history channels:read chat:write commands "
    "files:read files:write groups:history groups:read im:history im:read im:write mpim:history "
    "mpim:read reactions:read reactions:write users:read team:read channels:join"
)
_EVENTS = (
    "app_home_opened app_mention app_uninstalled message.channels message.groups message.im "
    "message.mpim reaction_added tokens_revoked"
)


@dataclass(frozen=True, slots=True)
class App:
    """The app under test, as it is installed.

    Attributes:
        app_id: `A…`.
        bot_id: `B…`, on the messages it posts.
        bot_user_id: `U…`, whom people mention.
        name: Its display name.
        scopes: What its bot token may do.
        events: The event subscriptions of its manifest, such as `message.channels`.
    """

    app_id: str = "A0PLAY"
    bot_id: str = "B0PLAY"
    bot_user_id: str = "U0BOT"
    name: str = "dashscope"
    scopes: frozenset[str] = frozenset(_SCOPES.split())
    events: frozenset[str] = frozenset(_EVENTS.split())


@dataclass(frozen=True, slots=True)
class User:
    """A member of the workspace, or somebody met through a shared channel.

    Attributes:
        user_id: `U…` or `W…`.
        name: The handle.
        real_name: Full name; empty means the handle.
        display_name: What Slack shows; may be empty, then Slack shows the real name.
        locale: An IETF tag such as `zh-CN`.
        team_id: The home workspace when it is another one (Slack Connect); empty for members.
        is_restricted: A guest of several channels.
        is_ultra_restricted: A guest of one channel.
        deleted: The account was deactivated.
    """

    user_id: str
    name: str
    real_name: str = ""
    display_name: str = ""
    locale: str = "en-US"
    team_id: str = ""
    is_bot: bool = False
    is_admin: bool = False
    is_owner: bool = False
    is_primary_owner: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    deleted: bool = False


class ChannelKind(Enum):
    """The four kinds; the value is `channel_type` in events and the stem of the scopes."""

    PUBLIC = "channel"
    PRIVATE = "group"
    GROUP_DM = "mpim"
    DM = "im"

    @property
    def scope_stem(self) -> str:
        """`channels` in `channels:history`, and so on."""
        return f"{self.value}s" if self in {ChannelKind.PUBLIC, ChannelKind.PRIVATE} else self.value

    @property
    def listing(self) -> str:
        """The word for it in the `types` argument of `conversations.list`."""
        return {"channel": "public_channel", "group": "private_channel"}.get(self.value, self.value)


@dataclass(frozen=True, slots=True)
class Channel:
    """A conversation.

    Attributes:
        channel_id: `C…`, or `D…` for direct messages.
        name: Without the hash; empty for direct messages.
        kind: Which of the four.
        members: User ids.
        is_archived: Nobody can post any more.
        is_ext_shared: Shared with another organisation.
        creator: Who made it; empty means the first of its members.
    """

    channel_id: str
    name: str = ""
    kind: ChannelKind = ChannelKind.PUBLIC
    members: frozenset[str] = frozenset()
    is_archived: bool = False
    is_ext_shared: bool = False
    creator: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file somebody attached.

    Attributes:
        file_id: `F…`.
        name: As its owner called it.
        content: Its bytes.
        mimetype: Slack's opinion.
        user_id: Who attached it.
        title: Shown over it; its name when empty.
        mode: Where it is kept: `hosted`, `snippet`, `external` and so on.
        is_foreign: It came over Slack Connect: events give its id and no more.
    """

    file_id: str
    name: str
    content: bytes = field(repr=False)
    mimetype: str = "text/plain"
    user_id: str = ""
    title: str = ""
    mode: str = "hosted"
    is_foreign: bool = False


def user_json(user: User, *, team_id: str, with_locale: bool) -> Json:
    """Return a user as `users.info` shows it."""
    real_name = user.real_name or user.name
    return {
        "id": user.user_id,
        "team_id": user.team_id or team_id,
        "name": user.name,
        "real_name": real_name,
        "deleted": user.deleted,
        "tz": "Asia/Shanghai",
        "tz_offset": 28_800,
        "profile": {
            "real_name": real_name,
            "real_name_normalized": real_name,
            "display_name": user.display_name,
            "display_name_normalized": user.display_name,
            "team": user.team_id or team_id,
        },
        "is_bot": user.is_bot,
        "is_app_user": False,
        "updated": _CREATED_AT,
        **_standing(user, is_stranger=bool(user.team_id and user.team_id != team_id)),
        **({"locale": user.locale} if with_locale else {}),
    }


def _standing(user: User, *, is_stranger: bool) -> Json:
    if is_stranger:
        return {"is_stranger": True}
    return {
        "is_admin": user.is_admin,
        "is_owner": user.is_owner,
        "is_primary_owner": user.is_primary_owner,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
    }


def channel_json(channel: Channel, *, team_id: str, viewer: str) -> Json:
    """Return a conversation as `conversations.info` shows it to `viewer`."""
    common: Json = {
        "id": channel.channel_id,
        "created": _CREATED_AT,
        "is_archived": channel.is_archived,
        "is_im": channel.kind is ChannelKind.DM,
        "is_org_shared": False,
        "context_team_id": team_id,
    }
    if channel.kind is ChannelKind.DM:
        others = sorted(channel.members - {viewer})
        return {**common, "user": others[0] if others else viewer}
    return {
        **common,
        "name": channel.name,
        "name_normalized": channel.name,
        "is_channel": channel.kind is ChannelKind.PUBLIC,
        "is_group": channel.kind is ChannelKind.PRIVATE,
        "is_mpim": channel.kind is ChannelKind.GROUP_DM,
        "is_private": channel.kind is not ChannelKind.PUBLIC,
        "is_general": channel.name == "general",
        "is_shared": channel.is_ext_shared,
        "is_ext_shared": channel.is_ext_shared,
        "is_member": viewer in channel.members,
        "creator": channel.creator or min(channel.members, default=""),
        "topic": {"value": "", "creator": "", "last_set": 0},
        "purpose": {"value": "", "creator": "", "last_set": 0},
    }


def file_json(file: File, *, files_url: str) -> Json:
    """Return a file as `files.info` shows it.

    Args:
        file: The file.
        files_url: Where this workspace serves files, without a trailing slash.
    """
    return {
        "id": file.file_id,
        "name": file.name,
        "title": file.title or file.name,
        "mimetype": file.mimetype,
        "filetype": file.name.rpartition(".")[2].lower(),
        "size": len(file.content),
        "mode": file.mode,
        "is_external": file.mode == "external",
        "file_access": "visible",
        "user": file.user_id,
        "url_private": f"{files_url}/{file.file_id}",
        "url_private_download": f"{files_url}/{file.file_id}/download",
    }


def attached_json(file: File, *, files_url: str) -> Json:
    """Return a file as messages show it (docs page "File object", `file_access`)."""
    if not file.is_foreign:
        return file_json(file, files_url=files_url)
    return {
        "id": file.file_id,
        "mode": "file_access",
        "file_access": "check_file_info",
        "user": file.user_id,
    }
