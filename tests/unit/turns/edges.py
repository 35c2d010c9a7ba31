"""A Slack and a DashScope of a few lines, as the ports of a turn see them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.core.answer import Answer
from bot.core.files import FileNote
from bot.core.history import Said
from bot.core.json_value import Json
from bot.core.language import Language
from bot.core.messages import Written
from bot.core.policy import Person
from bot.core.prepared import Prepared
from bot.core.question import AppKind, AppProfile, Question
from bot.core.reply import Content, Mark, Place, Urgency
from bot.core.resolution import Effective
from bot.core.thread import Past, Reading
from bot.errors import MessageGone, SlackError
from bot.metrics import Metrics
from bot.turns.languages import Languages
from bot.turns.ports import Recalled
from bot.turns.world import World
from storage.records import Conversation, PastTurn, SessionUse, ThreadState, Turn, TurnStatus, Wish
from storage.usage_records import Admission, Limit, ModelUse

EN, ZH = Language.EN, Language.ZH
PROFILE = AppProfile(
    "app", "APP", AppKind.AGENT, "http://127.0.0.1/api/v1", api_key="sk-x", takes_tokens=True
)
NOTHING_HAPPENED = "nothing_happened"
IT_HAPPENED = "it_happened"


def a_turn(**changes: Any) -> Turn:
    """Return a turn of somebody who said hello."""
    values: dict[str, Any] = {
        "id": 7,
        "fence": 1,
        "attempts": 1,
        "crashes": 0,
        "team_id": "T1",
        "channel_id": "C1",
        "thread_ts": "1.0",
        "message_ts": "1.0",
        "user_id": "U1",
        "payload": {"text": "<@UBOT> hello", "files": 0},
        "stop_requested_by": None,
        "reply": (),
        "posting": False,
        "ending": None,
        "created_at": datetime.now(UTC),
    }
    return Turn(**{**values, **changes})


@dataclass
class Failure:
    """What the next call of a kind does instead of succeeding.

    Attributes:
        call: `post`, `edit`, `delete` or `find`.
        error: What it raises.
        happened: Whether the call took effect all the same.
    """

    call: str
    error: SlackError
    happened: bool = False


@dataclass
class Slack:
    """Messages by place; satisfies `Replies`, `ThreadHistory` and `People`."""

    messages: dict[tuple[str, str], Content] = field(default_factory=dict[tuple[str, str], Content])
    marks: dict[Mark, str] = field(default_factory=dict[Mark, str])
    failures: list[Failure] = field(default_factory=list[Failure])
    calls: list[str] = field(default_factory=list[str])
    permits: list[Urgency] = field(default_factory=list[Urgency])
    crowded: bool = False
    permit_gate: Callable[[], Any] | None = None
    serial: int = 100
    question_text: str | None = None
    question_files: tuple[FileNote, ...] = ()
    offer_error: SlackError | None = None
    offers: list[tuple[str, int, str]] = field(default_factory=list[tuple[str, int, str]])
    offered_in: Language | None = None
    told: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    persons: dict[str, Person | None] = field(default_factory=dict[str, Person | None])
    silence: SlackError | None = None
    said: Sequence[Said] | SlackError = ()
    reaches_end: bool = True
    read: tuple[Place, Past] | None = None

    def visible(self, channel_id: str = "C1") -> list[str]:
        """Return the text and note of a channel's messages, in order."""
        found = sorted(
            (ts, content) for (place, ts), content in self.messages.items() if place == channel_id
        )
        return [f"{content.text}|{content.note}" for _, content in found]

    async def changed(self) -> None:
        """Let others run; the clock of a test that waits for them."""
        await asyncio.sleep(0.001)

    def is_crowded(self, place: Place) -> bool:
        return self.crowded

    async def permit_post(self, place: Place, *, urgency: Urgency) -> None:
        await self._permit(urgency)

    async def permit_edit(self, place: Place, *, urgency: Urgency) -> None:
        await self._permit(urgency)

    async def permit_delete(self, place: Place, *, urgency: Urgency) -> None:
        await self._permit(urgency)

    async def _permit(self, urgency: Urgency) -> None:
        self.permits.append(urgency)
        if self.permit_gate is not None:
            await self.permit_gate()

    async def post(self, place: Place, content: Content, *, mark: Mark) -> str:
        def effect() -> None:
            self.serial += 1
            self.messages[place.channel_id, f"{self.serial}.0"] = content
            self.marks[mark] = f"{self.serial}.0"

        await self._do("post", effect)
        return f"{self.serial}.0"

    async def edit(self, place: Place, ts: str, content: Content, *, mark: Mark) -> None:
        if (place.channel_id, ts) not in self.messages:
            self.calls.append("edit")
            raise MessageGone(method="chat.update", code="message_not_found")

        def effect() -> None:
            self.messages[place.channel_id, ts] = content

        await self._do("edit", effect)

    async def delete(self, place: Place, ts: str) -> None:
        await self._do("delete", lambda: self.messages.pop((place.channel_id, ts), None))

    async def find(self, place: Place, *, mark: Mark, after_ts: str) -> str | None:
        await self._do("find", lambda: None)
        return self.marks.get(mark)

    async def question(self, place: Place, ts: str) -> Written | None:
        self.calls.append("question")
        if self.question_text is None:
            return None
        return Written(self.question_text, self.question_files)

    async def offer_again(
        self, place: Place, *, user_id: str, turn_id: int, edited_ts: str, language: Language
    ) -> None:
        if self.offer_error is not None:
            raise self.offer_error
        self.offered_in = language
        self.offers.append((user_id, turn_id, edited_ts))

    async def tell(self, place: Place, *, user_id: str, text: str) -> None:
        self.told.append((user_id, text))

    async def direct(self, team_id: str, user_id: str) -> Place:
        self.calls.append("direct")
        return Place(team_id, "D1", "")

    async def thread(
        self, place: Place, *, past: Past, within_s: float, urgency: Urgency
    ) -> Reading:
        self.calls.append("thread")
        self.read = (place, past)
        if isinstance(self.said, SlackError):
            raise self.said
        return Reading(self.said, reaches_end=self.reaches_end)

    async def profile(self, team_id: str, user_id: str) -> Person | None:
        return self.persons.get(user_id, somebody())

    async def asker(self, team_id: str, user_id: str) -> Person | None:
        if self.silence is not None:
            raise self.silence
        return await self.profile(team_id, user_id)

    async def display_names(self, team_id: str, user_ids: Collection[str]) -> Mapping[str, str]:
        return dict.fromkeys(user_ids, "Somebody")

    async def _do(self, call: str, effect: Callable[[], object]) -> None:
        self.calls.append(call)
        await asyncio.sleep(0)
        failure = next((failure for failure in self.failures if failure.call == call), None)
        if failure is None:
            effect()
            return
        self.failures.remove(failure)
        if failure.happened:
            effect()
        raise failure.error


@dataclass
class Book:
    """What storage would know of one turn; satisfies what a turn needs of `Turns`."""

    reply: list[str] = field(default_factory=list[str])
    log: list[str] = field(default_factory=list[str])
    ending: dict[str, Any] | None = None
    status: TurnStatus | None = None
    session: SessionUse | None = None
    usage: Sequence[ModelUse] = ()
    failures: list[Exception] = field(default_factory=list[Exception])
    wish: Wish = field(default_factory=lambda: Wish(None, 0, {}))

    async def posting(self, turn: Turn) -> None:
        self._note("posting")

    async def posted(self, turn: Turn, reply: Sequence[str]) -> None:
        self._note("posted")
        self.reply = list(reply)

    async def look(self, turn: Turn) -> Wish:
        return self.wish

    async def store_ending(self, turn: Turn, ending: dict[str, Any]) -> None:
        self._note("ending")
        self.ending = ending

    async def finish(
        self,
        turn: Turn,
        *,
        status: TurnStatus,
        session: SessionUse | None,
        outcome: str,
        usage: Sequence[ModelUse] = (),
    ) -> None:
        self._note(f"finish:{outcome}")
        self.status, self.session, self.usage = status, session, usage

    def _note(self, what: str) -> None:
        self.log.append(what)
        if self.failures:
            raise self.failures.pop(0)


@dataclass
class Memory:
    """One thread's conversation; satisfies what a turn needs of `Conversations`."""

    known: Conversation | None = None
    forgotten: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    async def get(self, team_id: str, channel_id: str, thread_ts: str) -> Conversation | None:
        return self.known

    async def forget(
        self, team_id: str, channel_id: str, thread_ts: str, *, up_to_ts: str = ""
    ) -> bool:
        self.forgotten.append((thread_ts, up_to_ts))
        return self.known is not None


@dataclass
class Keyring:
    """Tokens by person and plugin; satisfies `Tokens`."""

    kept: dict[tuple[str, str], str | None] = field(
        default_factory=dict[tuple[str, str], str | None]
    )
    asked: list[tuple[str, Sequence[str]]] = field(default_factory=list[tuple[str, Sequence[str]]])

    async def of(
        self, team_id: str, user_id: str, tool_ids: Sequence[str]
    ) -> Mapping[str, str | None]:
        self.asked.append((user_id, tool_ids))
        return {tool: self.kept[user_id, tool] for tool in tool_ids if (user_id, tool) in self.kept}


@dataclass
class Shelf:
    """Makes files ready when it is allowed to; satisfies `Files`."""

    prepared: Prepared = field(default_factory=Prepared)
    gate: asyncio.Event | None = None
    asked: list[tuple[Sequence[FileNote], AppKind]] = field(
        default_factory=list[tuple[Sequence[FileNote], AppKind]]
    )

    async def prepare(
        self,
        team_id: str,
        files: Sequence[FileNote],
        *,
        app: AppProfile,
        options: Mapping[str, Json],
    ) -> Prepared:
        self.asked.append((files, app.kind))
        if self.gate is not None:
            await self.gate.wait()
        return self.prepared


@dataclass
class Remembered:
    """What is remembered of whoever asks; satisfies `Remembering`."""

    recalled: Recalled | None = None
    dropped: list[Recalled] = field(default_factory=list[Recalled])
    doubted: list[Recalled] = field(default_factory=list[Recalled])

    async def recall(self, turn: Turn, effective: Effective) -> Recalled | None:
        return self.recalled

    def lost(self, recalled: Recalled) -> None:
        self.dropped.append(recalled)

    def doubt(self, recalled: Recalled) -> None:
        self.doubted.append(recalled)


@dataclass
class Chosen:
    """What holds everywhere; satisfies `Choices`."""

    effective: Effective = field(default_factory=lambda: Effective(PROFILE))
    error: Exception | None = None
    asked: int = 0

    async def of(self, team_id: str, channel_id: str, user_id: str) -> Effective:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.effective


@dataclass
class Quotas:
    """What was used before each turn, in the order of the limits; satisfies `Usage`."""

    used: Sequence[int] = ()
    admitted: list[int] = field(default_factory=list[int])
    limits: Sequence[Limit] = ()

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
        self.limits = limits
        used = tuple(zip(limits, self.used, strict=True))
        refused = next((limit for limit, count in used if count >= limit.limit), None)
        if refused is None:
            self.admitted.append(turn_id)
        return Admission(refused=refused, used=used)


@dataclass
class Threads:
    """One thread, known or not, quiet or not; satisfies `Threads` of the ports."""

    known: bool = True
    is_quiet: bool = False
    error: Exception | None = None
    asked: int = 0
    past: Sequence[PastTurn] = ()

    async def state(self, team_id: str, channel_id: str, thread_ts: str) -> ThreadState:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return ThreadState(is_known=self.known, is_quiet=self.is_quiet)

    async def turns(self, team_id: str, channel_id: str, thread_ts: str) -> Sequence[PastTurn]:
        return self.past

    async def quiet(self, team_id: str, channel_id: str, thread_ts: str, *, by: str) -> None:
        self.is_quiet = True

    async def wake(self, team_id: str, channel_id: str, thread_ts: str) -> bool:
        was_quiet, self.is_quiet = self.is_quiet, False
        return was_quiet


@dataclass
class Stream:
    """Answers to come, one for each event; an exception ends it."""

    script: Sequence[Answer | Exception]
    answer: Answer = field(default_factory=Answer)
    gate: asyncio.Event | None = None

    async def __aiter__(self) -> AsyncIterator[None]:
        for item in self.script:
            await asyncio.sleep(0)
            if isinstance(item, Exception):
                raise item
            self.answer = item
            yield
        if self.gate is not None:
            await self.gate.wait()


@dataclass
class Apps:
    """Streams to hand out, one for each question."""

    streams: list[Stream | Exception]
    questions: list[Question] = field(default_factory=list[Question])
    closed: int = 0

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncGenerator[Stream]:
        self.questions.append(question)
        stream = self.streams.pop(0)
        if isinstance(stream, Exception):
            raise stream
        try:
            yield stream
        finally:
            self.closed += 1


def said(text: str, **changes: Any) -> Answer:
    """Return an answer that is complete."""
    return Answer(text=text, session_id="s1", request_id="r1", finish_reason="stop", **changes)


def saying(*texts: str) -> Stream:
    """Return a stream of growing text that ends properly."""
    running = [Answer(text=text, session_id="s1", request_id="r1") for text in texts]
    return Stream([*running, said(texts[-1])])


def somebody(**changes: Any) -> Person:
    """Return a member of the workspace who reads English."""
    values: dict[str, Any] = {
        "user_id": "U1",
        "team_id": "T1",
        "name": "Ann",
        "locale": "en-US",
        "is_admin": False,
        "is_bot": False,
        "is_guest": False,
        "is_deactivated": False,
    }
    return Person(**{**values, **changes})


def a_world(slack: Slack, book: Book, apps: Apps, **changes: Any) -> World:
    """Return a world in which nothing was chosen and nothing was used."""
    values: dict[str, Any] = {
        "book": book,
        "memory": Memory(),
        "tokens": Keyring(),
        "remembering": Remembered(),
        "threads": Threads(),
        "usage": Quotas(),
        "choices": Chosen(),
        "replies": slack,
        "history": slack,
        "people": slack,
        "files": Shelf(),
        "apps": apps,
        "admins": frozenset[str](),
        "bot_user_id": "UBOT",
        "metrics": Metrics(),
    }
    return World(**{**values, **changes})


def english() -> Languages:
    """Return what knows of no other language."""
    return Languages(choices=Chosen(), people=Slack())
