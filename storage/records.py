"""What storage takes and gives: plain values, no ORM objects outside this package."""

from collections.abc import Mapping
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
        app_key: Which app the session belongs to; a session of another app is worthless. Empty
            when the thread was started afresh and not gone on with yet.
        session_id: As the app returned it last; empty when the thread goes on without one.
        rounds: Answers so far in this session.
        idle_s: Seconds since the last answered question was claimed, by the database clock.
        since_ts: What was said up to this moment (Slack's ts) is not to be told again; empty when
            nobody wished so.
    """

    app_key: str
    session_id: str
    rounds: int
    idle_s: float
    since_ts: str = ""


@dataclass(frozen=True, slots=True)
class SessionUse:
    """What a finished turn leaves in its conversation.

    Attributes:
        app_key: Which app was asked.
        session_id: As it returned it; empty when the thread cannot go on with it, or was answered
            outside any session: then the one it had is left.
    """

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


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """The line under a message that waited.

    Attributes:
        turn_id: The message's turn.
        team_id: Its workspace.
        channel_id: Its channel.
        thread_ts: Its thread.
        message_ts: Its message.
        ts: The line's own; empty when nobody noted whether and where it was posted.
    """

    turn_id: int
    team_id: str
    channel_id: str
    thread_ts: str
    message_ts: str
    ts: str


@dataclass(frozen=True, slots=True)
class ThreadState:
    """How the bot stands to a thread.

    Attributes:
        is_known: It was asked something there, and the turn is not forgotten yet.
        is_quiet: It was asked to be still there.
    """

    is_known: bool
    is_quiet: bool


@dataclass(frozen=True, slots=True)
class PastTurn:
    """A turn of a thread, as the next ones look back on it.

    Attributes:
        id: Its id.
        message_ts: Its question; another turn may answer the same one again.
        user_id: Who asked.
        outcome: How it ended, if it did: `answered`, `failed`, …
    """

    id: int
    message_ts: str
    user_id: str
    outcome: str | None


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """What admins set at one scope.

    Attributes:
        scope: `workspace`, `channel:C…` or `user:U…`.
        values: JSON by key; empty when nothing is set.
        version: Grows by one with each change; 0 while nothing was ever set.
        updated_by: Who changed it last; empty at version 0.
        updated_at: When, by the database clock; None at version 0.
    """

    scope: str
    values: Mapping[str, Any]
    version: int
    updated_by: str
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class StoredApp:
    """A named DashScope app.

    Attributes:
        name: As it was written; two names that differ only in case are one.
        app_id: DashScope's id of it.
        kind: Which kind of app.
        base_url: The endpoint it is asked at.
        workspace: The DashScope workspace it lives in; empty for the default one.
        secret_name: Under which its own API key is kept; None when it has none.
        options: JSON by name: what is asked of it unless something else is set.
        is_open: Whether not only admins may choose it.
        version: Grows by one with each change, across removal too; 0 for one not stored yet.
    """

    name: str
    app_id: str
    kind: str
    base_url: str
    workspace: str
    secret_name: str | None
    options: Mapping[str, Any]
    is_open: bool
    version: int = 0


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change that somebody made.

    Attributes:
        id: Grows; the newest has the largest.
        at: When, by the database clock.
        user_id: Who.
        action: What, such as `settings.changed`.
        scope: Where; `workspace` for apps.
        subject: `settings`, or `app:` and the app's name in folded case, or `memory:` and whose.
        before: What there was: the values, an app's fields, a memory's id; None for nothing.
        after: The same afterwards. Neither holds a secret, only under which name it is kept.
        undoes: The entry whose change this one took back, if it did.
    """

    id: int
    at: datetime
    user_id: str
    action: str
    scope: str
    subject: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    undoes: int | None
