"""What storage takes and gives: plain values, no ORM objects outside this package."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class TurnStatus(StrEnum):
    """Where a turn stands. The last three are its end."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A message to claim.

    Attributes:
        team_id: The workspace.
        channel_id: The channel or DM.
        thread_ts: The thread's root; the message's own ts for a root message.
        message_ts: The message.
        user_id: Who asked.
        payload: What is needed to answer, JSON; holds message text, erased when the turn ends.
    """

    team_id: str
    channel_id: str
    thread_ts: str
    message_ts: str
    user_id: str
    payload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """A turn taken up by this worker.

    Attributes:
        id: Never reused.
        fence: Grows with each take-up; every write names it, and a stale one changes nothing.
        attempts: Take-ups so far, this one included.
        crashes: Take-ups that ended with the death of their worker.
        stop_requested_by: The user who asked to stop it, if anybody did.
        reply: ts of the reply's messages, in order, as far as they were recorded.
        posting: A further message may have been posted without being recorded.
        ending: The finished answer when it was stored before it was shown; then nothing is asked
            again.
        created_at: When it was claimed (database clock, UTC).
    """

    id: int
    fence: int
    attempts: int
    crashes: int
    team_id: str
    channel_id: str
    thread_ts: str
    message_ts: str
    user_id: str
    payload: dict[str, Any] = field(repr=False)
    stop_requested_by: str | None
    reply: tuple[str, ...]
    posting: bool
    ending: dict[str, Any] | None = field(repr=False)
    created_at: datetime
    revision: int = 0
    notice: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread joined to its DashScope session.

    Attributes:
        app_key: Which app the session belongs to; a session of another app is worthless.
        session_id: As the app returned it last.
        rounds: Answers so far in this session.
        idle_s: Seconds since the last answer, by the database clock.
    """

    app_key: str
    session_id: str
    rounds: int
    idle_s: float


@dataclass(frozen=True, slots=True)
class SessionUse:
    """What a finished turn leaves in its conversation."""

    app_key: str
    session_id: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is to do.

    Attributes:
        queued: Turns that wait, postponed ones included.
        running: Turns that some worker has.
        oldest_queued_s: How long ago the oldest waiting turn was claimed; 0 when none waits.
    """

    queued: int
    running: int
    oldest_queued_s: float


@dataclass(frozen=True, slots=True)
class FoundTurn:
    """A turn that was looked up.

    Attributes:
        id: Its id.
        status: Where it stood.
        team_id: The workspace.
        channel_id: The channel or DM.
        thread_ts: The thread's root.
        user_id: Who asked.
    """

    id: int
    status: TurnStatus
    team_id: str
    channel_id: str
    thread_ts: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What people want of a running turn, besides its answer.

    Attributes:
        stop_requested_by: The user who asked to stop it, if anybody did.
        revision: Grows when the question is edited.
        payload: The question as it is now.
    """

    stop_requested_by: str | None
    revision: int
    payload: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A turn that has waited so long that somebody should be told.

    Attributes:
        id: The turn.
        team_id: Its workspace.
        channel_id: Its channel.
        thread_ts: Its thread.
        message_ts: Its message.
        ahead: Live turns of its thread that go before it.
    """

    id: int
    team_id: str
    channel_id: str
    thread_ts: str
    message_ts: str
    ahead: int
