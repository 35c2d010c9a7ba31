"""What a turn needs of the world: the edges and its own record, as small protocols."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from bot.core.answer import Answer
from bot.core.files import FileNote
from bot.core.json_value import Json
from bot.core.language import Language
from bot.core.messages import Written
from bot.core.policy import Person
from bot.core.prepared import Prepared
from bot.core.question import AppProfile, Question
from bot.core.reply import Content, Mark, Place, Urgency
from bot.core.resolution import Effective
from bot.core.thread import Past, Reading
from storage.memories import MemoryKey
from storage.records import Conversation, PastTurn, SessionUse, ThreadState, Turn, TurnStatus, Wish
from storage.usage_records import Admission, Limit, ModelUse


class Replies(Protocol):
    """Messages of the bot in Slack.

    Every method raises `bot.errors.SlackError` in its most specific form. None of them retries; a
    429 is remembered, so that the next permit for that method waits for it.
    """

    def is_crowded(self, place: Place) -> bool:
        """Tell whether a message posted now may have to wait long for its first `edit`."""
        ...

    async def permit_post(self, place: Place, *, urgency: Urgency) -> None:
        """Wait until one `post` may go; cancelling leaves the queue."""
        ...

    async def permit_edit(self, place: Place, *, urgency: Urgency) -> None:
        """Wait until one `edit` may go; cancelling leaves the queue."""
        ...

    async def permit_delete(self, place: Place, *, urgency: Urgency) -> None:
        """Wait until one `delete` may go; cancelling leaves the queue."""
        ...

    async def post(self, place: Place, content: Content, *, mark: Mark) -> str:
        """Post one message and return its ts.

        Not idempotent: after SlackUnavailable look with `find`.
        """
        ...

    async def edit(self, place: Place, ts: str, content: Content, *, mark: Mark) -> None:
        """Replace one message. Idempotent."""
        ...

    async def delete(self, place: Place, ts: str) -> None:
        """Remove one message; one that is gone already is fine."""
        ...

    async def find(self, place: Place, *, mark: Mark, after_ts: str) -> str | None:
        """Return the ts of the own message after `after_ts` that carries `mark`, if it exists."""
        ...

    async def direct(self, team_id: str, user_id: str) -> Place:
        """Return the place of a user's direct messages, outside any thread."""
        ...

    async def question(self, place: Place, ts: str) -> Written | None:
        """Return a message as Slack holds it now; None when it is gone."""
        ...

    async def offer_again(
        self, place: Place, *, user_id: str, turn_id: int, edited_ts: str, language: Language
    ) -> None:
        """Offer the asker, and nobody else, to have an edited question answered again."""
        ...

    async def tell(self, place: Place, *, user_id: str, text: str) -> None:
        """Say one plain sentence that only this user sees."""
        ...


class ThreadHistory(Protocol):
    """What was said in threads."""

    async def thread(
        self, place: Place, *, past: Past, within_s: float, urgency: Urgency
    ) -> Reading:
        """Return what was said last in a thread before a question.

        What the bot says about its work (that it thinks, waits, offers something) is left out, and
        so is a question that content safety rules blocked.
        Of a thread that can be read only in part, that part is returned.

        Raises:
            SlackError: None of it could be read.
            TimeoutError: None of it within that time.
        """
        ...


class Choices(Protocol):
    """What was chosen for a place in Slack."""

    async def of(self, team_id: str, channel_id: str, user_id: str) -> Effective:
        """Return what holds for somebody in a channel.

        Raises:
            UnknownApp: The chosen app does not exist any more.
            SecretsLocked: Its key is stored, and cannot be opened without an encryption key.
            SecretUnreadable: Its key is stored, and no encryption key fits.
            StorageError: The database could not be asked.
        """
        ...


class Usage(Protocol):
    """What was used of the quotas. Every method raises `storage.errors.StorageError`."""

    async def admit(
        self,
        turn_id: int,
        *,
        team_id: str,
        channel_id: str,
        user_id: str,
        app: str,
        limits: Sequence[Limit],
    ) -> Admission:
        """Count a turn, once, unless one of the limits is spent."""
        ...


class Threads(Protocol):
    """How the bot stands to threads. Every method raises `storage.errors.StorageError`."""

    async def state(self, team_id: str, channel_id: str, thread_ts: str) -> ThreadState:
        """Return whether the bot has spoken in a thread, and whether it was asked to be quiet."""
        ...

    async def turns(self, team_id: str, channel_id: str, thread_ts: str) -> Sequence[PastTurn]:
        """Return the last turns of a thread, those under way included."""
        ...

    async def quiet(self, team_id: str, channel_id: str, thread_ts: str, *, by: str) -> None:
        """Note that somebody wants the bot to be quiet in a thread."""
        ...

    async def wake(self, team_id: str, channel_id: str, thread_ts: str) -> bool:
        """Let the bot speak in a thread again; return whether it had been quiet."""
        ...


class People(Protocol):
    """Who is who in the workspace."""

    async def profile(self, team_id: str, user_id: str) -> Person | None:
        """Return what Slack tells of a person, None when nothing; never raises SlackError."""
        ...

    async def asker(self, team_id: str, user_id: str) -> Person | None:
        """Return what Slack tells of a person; None when it refuses to, for good.

        Raises:
            SlackError: It does not tell for now, and has told nothing before.
        """
        ...

    async def display_names(self, team_id: str, user_ids: Collection[str]) -> Mapping[str, str]:
        """Return a name for each id that could be looked up; never raises SlackError."""
        ...


class AnswerStream(Protocol):
    """An answer on its way: iterate to read on, look at `answer` at any time."""

    @property
    def answer(self) -> Answer:
        """The answer so far."""
        ...

    def __aiter__(self) -> AsyncIterator[None]:
        """Yield once for each event that arrived.

        Ends when the answer ended or was cut (`answer.complete` tells which).

        Raises:
            DashScopeError: The app reported an error, or nothing could be read.
        """
        ...


class Apps(Protocol):
    """DashScope's apps."""

    def ask(self, question: Question) -> AbstractAsyncContextManager[AnswerStream]:
        """Ask; leaving the context closes the connection, which is the only way to stop an answer.

        Raises:
            DashScopeError: On entering, when no event came; retried within as far as that is safe.
        """
        ...


class Files(Protocol):
    """Files of messages."""

    async def prepare(
        self,
        team_id: str,
        files: Sequence[FileNote],
        *,
        app: AppProfile,
        options: Mapping[str, Json],
    ) -> Prepared:
        """Return what an app is given of files, within 30 s; never raises a vendor's error.

        Cancelling leaves nothing behind.
        """
        ...


class Book(Protocol):
    """What is stored of a turn while it runs.

    Every method raises `storage.errors.LeaseLost`, and changes nothing, when another process took
    the turn up, and `StorageUnavailable` when the database is away.
    """

    async def posting(self, turn: Turn) -> None:
        """Note that a message of the reply is about to be posted."""
        ...

    async def posted(self, turn: Turn, reply: Sequence[str]) -> None:
        """Record the ts of all messages of the reply so far, in order."""
        ...

    async def look(self, turn: Turn) -> Wish:
        """Return what people want of the turn by now."""
        ...

    async def store_ending(self, turn: Turn, ending: dict[str, Any]) -> None:
        """Keep the finished answer until it is shown."""
        ...

    async def finish(
        self,
        turn: Turn,
        *,
        status: TurnStatus,
        session: SessionUse | None,
        outcome: str,
        usage: Sequence[ModelUse],
    ) -> None:
        """End the turn, erase its text, keep its session and what its answer cost."""
        ...


@dataclass(frozen=True, slots=True)
class Recalled:
    """The long-term memory a question is asked with.

    Attributes:
        key: Whose it is, and where it counts.
        memory_id: As the app knows it.
    """

    key: MemoryKey
    memory_id: str


class Remembering(Protocol):
    """Long-term memory of people."""

    async def recall(self, turn: Turn, effective: Effective) -> Recalled | None:
        """Return the memory a question is asked with, within 3 s; None without one. Never raises.

        What is said in direct messages and what is said in channels never share one, and private
        channels share none unless they are set to.
        """
        ...

    def lost(self, recalled: Recalled) -> None:
        """Take note that the app does not know a memory; it is dropped beside the answer."""
        ...

    def doubt(self, recalled: Recalled) -> None:
        """Take note that a question with a memory failed; one that does not exist is dropped."""
        ...


class Memory(Protocol):
    """The sessions of threads."""

    async def get(self, team_id: str, channel_id: str, thread_ts: str) -> Conversation | None:
        """Return what a thread goes on with, if anything."""
        ...

    async def forget(
        self, team_id: str, channel_id: str, thread_ts: str, *, up_to_ts: str = ""
    ) -> bool:
        """Let a thread go on without its session and what was said in it up to a message."""
        ...


class Tokens(Protocol):
    """People's own tokens for plugins. Raises `storage.errors.StorageError`."""

    async def of(
        self, team_id: str, user_id: str, tool_ids: Sequence[str]
    ) -> Mapping[str, str | None]:
        """Return a person's tokens for some plugins, those there are; None for an unreadable one.

        They are never kept: the next question asks anew.
        """
        ...
