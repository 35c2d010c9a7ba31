"""Slack payload -> UserMessage | Ignored(reason), and raw Slack text -> what the model reads."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.core.files import FileNote, notes_of
from bot.core.slack_ids import matching_id, matching_ts

# Subtypes a person writes by hand; every other one is a notice (docs: "message event").
WRITTEN_SUBTYPES = frozenset({"file_share", "thread_broadcast"})
# Slackbot speaks as a user without a bot_id.
SLACKBOT = "USLACKBOT"
# Longer names are cut; Slack itself allows 80 characters (docs: "users.profile.set").
MAX_NAME_CHARS = 80

# A person's `<` arrives as `&lt;`, so a real one always opens a token (docs: "Formatting message
# text"). The blank after it goes with the bot's own mention.
_TOKEN = re.compile(r"<([^<>]+)>([ \t]?)")
_MENTION = re.compile(r"<@([A-Za-z0-9_-]+)(?:\|[^<>]*)?>")
# A person, a group, or everybody; channels, links and dates are nobody.
_SOMEBODY = re.compile(r"<(?:@|!subteam\^|!here|!channel|!everyone)[^<>]*>")
_NOT_IN_NAMES = re.compile(r"[<>\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
"""Marks, controls, and characters that are not seen or turn the direction of what follows."""


class Reason(StrEnum):
    """Why a payload asks nothing of the bot."""

    OTHER_EVENT = "other_event"
    MALFORMED = "malformed"
    EDITED = "edited"
    DELETED = "deleted"
    CHANNEL_NOTICE = "channel_notice"
    OTHER_SUBTYPE = "other_subtype"
    OWN_MESSAGE = "own_message"
    OTHER_BOT = "other_bot"
    NOT_ADDRESSED = "not_addressed"


class ChannelKind(StrEnum):
    """Slack's `channel_type`; `app_mention` events do not tell it."""

    IM = "im"
    MPIM = "mpim"
    CHANNEL = "channel"
    GROUP = "group"
    UNKNOWN = "unknown"


_CHANNEL_KINDS = frozenset(kind.value for kind in ChannelKind)


@dataclass(frozen=True, slots=True)
class Ignored:
    """A payload that needs no answer."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class UserMessage:
    """A message a person addressed to the bot, or may have meant for it.

    Attributes:
        team_id: The workspace that installed the bot.
        channel_id: The channel or DM.
        channel_kind: What sort of channel; UNKNOWN for mentions outside DMs.
        ts: The message.
        thread_ts: The thread's root; the own ts when the message starts one, in DMs too.
        user_id: Who wrote it.
        user_team_id: The writer's workspace; another one's in a channel shared over Slack Connect.
        text: As Slack sent it: escaped, with mentions and links as tokens. Never logged.
        files: What came with it.
        is_blank: Neither a word nor a file besides the bot's mention: a hint is due, no question.
        is_addressed: A mention or a direct message. If not, it was said in a thread of a channel to
            nobody by name, and is for the bot only where it follows the thread.
    """

    team_id: str
    channel_id: str
    channel_kind: ChannelKind
    ts: str
    thread_ts: str
    user_id: str
    user_team_id: str
    text: str = field(repr=False)
    files: tuple[FileNote, ...]
    is_blank: bool
    is_addressed: bool = True

    @property
    def is_direct(self) -> bool:
        """Whether it is a one-to-one conversation with the bot."""
        return self.channel_kind is ChannelKind.IM

    @property
    def is_root(self) -> bool:
        """Whether the message starts its thread."""
        return self.ts == self.thread_ts


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wrote, as Slack holds it now.

    Attributes:
        text: As Slack tells it: escaped, with mentions and links as tokens. Never logged.
        files: What came with it.
    """

    text: str = field(repr=False)
    files: tuple[FileNote, ...] = ()


def parse(
    event: Mapping[str, Any],
    *,
    team_id: str,
    bot_user_id: str,
    own_app_id: str | None,
    own_bot_id: str | None,
) -> UserMessage | Ignored:
    """Decide whether an event may ask something of the bot; never raises, whatever it holds.

    A mention in a channel arrives twice, as `app_mention` and as `message`, in any order; both
    become the same message, and the claim of (team, channel, ts) tells them apart.

    Args:
        event: The inner `event` of an Events API envelope.
        team_id: The installation's workspace (not the writer's: Slack Connect).
        bot_user_id: The bot as it is mentioned, `U…`.
        own_app_id: The bot's app, `A…`, when known.
        own_bot_id: The bot as an author, `B…`, when known.
    """
    reason = _unwanted(event) or _by_a_bot(
        event, own_ids={"user": bot_user_id, "app_id": own_app_id, "bot_id": own_bot_id}
    )
    if reason is not None:
        return Ignored(reason)
    return _read(event, team_id=team_id, bot_user_id=bot_user_id)


def _unwanted(event: Mapping[str, Any]) -> Reason | None:
    """Return why an event of this type and subtype is never a question."""
    if event.get("type") not in ("app_mention", "message"):
        return Reason.OTHER_EVENT
    match event.get("subtype"):
        case None:
            return None
        case str(subtype):
            return _unwanted_subtype(subtype)
        case _:
            return Reason.MALFORMED


def _unwanted_subtype(subtype: str) -> Reason | None:
    if subtype in WRITTEN_SUBTYPES or subtype == "bot_message":
        return None  # whose message it is decides
    match subtype:
        case "message_changed":
            return Reason.EDITED
        case "message_deleted" | "tombstone":
            return Reason.DELETED
        case _ if subtype.startswith(("channel_", "group_")):
            return Reason.CHANNEL_NOTICE
        case _:
            return Reason.OTHER_SUBTYPE


def _by_a_bot(event: Mapping[str, Any], *, own_ids: Mapping[str, str | None]) -> Reason | None:
    """Tell the bot's own messages from other bots'; answering either could go on for ever."""
    if any(own is not None and event.get(key) == own for key, own in own_ids.items()):
        return Reason.OWN_MESSAGE
    marks = (event.get("bot_id"), event.get("bot_profile"), event.get("subtype") == "bot_message")
    return Reason.OTHER_BOT if any(marks) or event.get("user") == SLACKBOT else None


def _read(event: Mapping[str, Any], *, team_id: str, bot_user_id: str) -> UserMessage | Ignored:
    user_id = matching_id(event.get("user"))
    channel_id = matching_id(event.get("channel"))
    ts = matching_ts(event.get("ts"))
    thread_ts = ts if event.get("thread_ts") is None else matching_ts(event["thread_ts"])
    text = event.get("text") or ""
    if not (user_id and channel_id and ts and thread_ts and isinstance(text, str)):
        return Ignored(Reason.MALFORMED)
    kind = _channel_kind(event.get("channel_type"), channel_id=channel_id)
    is_addressed = (
        event["type"] == "app_mention"
        or kind is ChannelKind.IM
        or bot_user_id in mentioned_users(text)
    )
    if not is_addressed and (ts == thread_ts or not _is_said_to_all(text)):
        return Ignored(Reason.NOT_ADDRESSED)
    files = notes_of(event.get("files"))
    return UserMessage(
        team_id=team_id,
        channel_id=channel_id,
        channel_kind=kind,
        ts=ts,
        thread_ts=thread_ts,
        user_id=user_id,
        user_team_id=_user_team(event) or team_id,
        text=text,
        files=files,
        is_blank=not files and not prompt(text, bot_user_id=bot_user_id, names={}),
        is_addressed=is_addressed,
    )


def _is_said_to_all(text: str) -> bool:
    """Whether there are words, and nobody is mentioned."""
    return bool(text.strip()) and _SOMEBODY.search(text) is None


def _channel_kind(value: object, *, channel_id: str) -> ChannelKind:
    if isinstance(value, str) and value in _CHANNEL_KINDS:
        return ChannelKind(value)
    # Only direct messages can be told by their id: `C…` may be public or private.
    return ChannelKind.IM if channel_id.startswith("D") else ChannelKind.UNKNOWN


def _user_team(event: Mapping[str, Any]) -> str | None:
    """Return the writer's workspace: `user_team` over Slack Connect, else `team`."""
    return matching_id(event.get("user_team")) or matching_id(event.get("team"))


def mentioned_users(text: str) -> frozenset[str]:
    """Return the ids of everybody mentioned in raw Slack text, the bot included."""
    return frozenset(_MENTION.findall(text))


def prompt(text: str, *, bot_user_id: str, names: Mapping[str, str]) -> str:
    """Turn raw Slack text into what the model reads.

    The bot's own mentions go, other tokens become what a reader of Slack sees, entities are
    unescaped exactly once, and blanks at both ends are cut. What a name or a label turns into is
    never read again, so that nobody can be called `<!channel>`.

    Args:
        text: The `text` of a Slack event.
        bot_user_id: Whose mentions go.
        names: Display names by user id, as far as known; the others become `@user`.
    """
    pieces: list[str] = []
    end = 0
    for token in _TOKEN.finditer(text):
        pieces.append(_unescape(text[end : token.start()]))
        head, _, label = token[1].partition("|")
        if head != f"@{bot_user_id}":
            pieces += [_spoken(_unescape(head), label=_unescape(label), names=names), token[2]]
        end = token.end()
    pieces.append(_unescape(text[end:]))
    return "".join(pieces).strip()


def _unescape(text: str) -> str:
    """Undo Slack's three entities; `&amp;` last, so that `&amp;lt;` stays `&lt;`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _spoken(head: str, *, label: str, names: Mapping[str, str]) -> str:
    """Return what one token looks like in Slack."""
    match head[:1]:
        case "@":
            return f"@{plain_name(names.get(head[1:], ''))}"
        case "#":
            return f"#{label or 'channel'}"
        case "!":
            return _special(head[1:], label=label)
        case _:
            return _link(head, label=label)


def plain_name(name: str) -> str:
    """Make a display name one short line without markup; `user` when nothing is left."""
    flat = " ".join(_NOT_IN_NAMES.sub(" ", name).split())
    return flat[:MAX_NAME_CHARS].rstrip() or "user"


def _special(command: str, *, label: str) -> str:
    """Return `<!…>`: a date is its fallback, everything else notifies somebody."""
    if command.startswith("date^"):
        return label
    name = "group" if command.startswith("subteam^") else command
    return f"@{label.removeprefix('@') or name}"


def _link(url: str, *, label: str) -> str:
    """Return `label (url)`, or one of them when the other adds nothing."""
    if url.startswith(("mailto:", "tel:")):
        return label or url.partition(":")[2]
    if not url or not label or label in (url, url.partition("://")[2]):
        return url or label
    return f"{label} ({url})"
