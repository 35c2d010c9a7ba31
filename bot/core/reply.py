"""What a reader sees: the words the turn and the Slack edge share."""

from dataclasses import dataclass
from enum import Enum, IntEnum

from bot.core.language import Language


@dataclass(frozen=True, slots=True)
class Place:
    """Where a reply goes: a thread.

    Attributes:
        team_id: The workspace whose token and budgets are used.
        channel_id: `C…`, `G…` or `D…`; a user's id (`U…`) means that user's direct messages.
        thread_ts: The thread's root; empty posts outside any thread.
    """

    team_id: str
    channel_id: str
    thread_ts: str


@dataclass(frozen=True, slots=True)
class Mark:
    """The bot's own mark on a message, carried as Slack metadata, to find it again after a crash.

    Attributes:
        turn_id: The turn that posted it.
        page: Its place in the reply, from 0.
    """

    turn_id: int
    page: int


class Control(Enum):
    """A button under a reply. The value is the action_id's last part."""

    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Content:
    """One Slack message's worth of a reply.

    Attributes:
        text: Markdown as `core.pages` made it, within Slack's limits and whole by itself; or empty.
        note: Short plain lines under the text: what is going on, or why it ended; may be empty.
        controls: Buttons under it.
        language: What the buttons are labelled in.
        fills: Names of variables that whoever asked may fill in, with a button; letters, digits
            and any of `_` `-` `.` each.
        is_answer: The text is an app's; a sentence of the bot's own is never read back as one.
        blocked_ts: The question this says was blocked by content safety rules: it is not read back
            either. Empty for any other.
    """

    text: str
    note: str = ""
    controls: tuple[Control, ...] = ()
    language: Language = Language.EN
    fills: tuple[str, ...] = ()
    is_answer: bool = True
    blocked_ts: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A message of the reply as Slack last confirmed it.

    Attributes:
        ts: The message's id within its channel.
        content: What it shows.
    """

    ts: str
    content: Content


class Urgency(IntEnum):
    """Who goes first when calls are scarce; the smaller first."""

    FINAL = 0
    FIRST_WORDS = 1
    INTERIM = 2
