"""What can happen in a workspace, as values."""

from dataclasses import dataclass
from typing import TypeAlias

from bot.playground.slack.directory import Channel
from bot.playground.slack.message import Ephemeral, Message


@dataclass(frozen=True, slots=True)
class Posted:
    """A message appeared."""

    message: Message


@dataclass(frozen=True, slots=True)
class Edited:
    """A message changed; `ts` is the moment of the change, in Slack's form."""

    before: Message
    after: Message
    ts: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """A message went away, or became a tombstone."""

    before: Message
    ts: str


@dataclass(frozen=True, slots=True)
class Reacted:
    """A reaction was put on a message, or taken off."""

    message: Message
    user: str
    name: str
    is_added: bool
    ts: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Somebody joined a channel."""

    channel: Channel
    user: str
    ts: str


@dataclass(frozen=True, slots=True)
class Whispered:
    """One person was shown an ephemeral message."""

    ephemeral: Ephemeral


Change: TypeAlias = Posted | Edited | Deleted | Reacted | Joined | Whispered
