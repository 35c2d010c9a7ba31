"""From a request to a refusal or an answer: every decision, and no I/O."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bot.playground.bailian.bank import MemoryBank, UnknownMemory
from bot.playground.bailian.files import FileRoom
from bot.playground.dashscope import keywords
from bot.playground.dashscope.answers import Inquiry, Round, Said
from bot.playground.dashscope.apps import App
from bot.playground.dashscope.ask import Ask, read
from bot.playground.dashscope.checks import STRICT, Rules, problem
from bot.playground.dashscope.faults import Fault, Faults
from bot.playground.dashscope.generation import Generation, OpenMemory
from bot.playground.dashscope.refusals import (
    APP_DENIED,
    EMPTY_INPUT,
    FILE_NOT_READY,
    INVALID_KEY,
    LOST_MEMORY,
    NAMED,
    NO_KEY,
    UNKNOWN_WORKSPACE,
    UNPUBLISHED,
    Refusal,
    invalid_parameter,
)
from bot.playground.dashscope.sessions import Session, Sessions


class LostSession(Enum):
    """What an expired or unknown `session_id` begins; the vendor's pages do not say."""

    FRESH = "a new session, under a new id"
    LATE = "a new session, whose id only the last event tells"
    SAME_ID = "a new session, under the id that was sent"


@dataclass(frozen=True, slots=True)
class Call:
    """A request to an app.

    Attributes:
        app_id: From the URL.
        headers: Names in lower case, the key included.
        body: Its bytes.
        request_id: What the response will carry.
    """

    app_id: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str

    @property
    def streamed(self) -> bool:
        """Whether an event stream is wanted: only headers can say so."""
        wants = self.headers.get("x-dashscope-sse", "").strip().lower() == "enable"
        return wants or "text/event-stream" in self.headers.get("accept", "").lower()

    def json(self) -> Any:
        """Return the body's JSON; None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


class Gateway:
    """Decides what a call gets.

    Args:
        apps: Who can be asked.
        api_keys: Keys that open the door.
        now: Seconds on a clock that never runs backwards; sessions expire by it.

    Attributes:
        faults: What goes wrong, and when.
        rules: How strict requests are checked; may be replaced at any time.
        lost_sessions: What an expired or unknown `session_id` begins, or gets; may be replaced at
            any time.
        lost_memories: What an unknown `memory_id` gets; may be replaced at any time.
        bank: The memories agents may be asked with; without one a `memory_id` means nothing. May be
            replaced at any time.
        files: The uploaded files agents may be asked about; without it every id is taken. May be
            replaced at any time.
        forbidden: What content safety rules refuse, wherever in a request or its session it
            stands; empty for nothing. Whether a session keeps a question that was refused is not
            documented: here it does. May be replaced at any time.
    """

    def __init__(
        self,
        apps: Iterable[App],
        *,
        api_keys: Iterable[str],
        now: Callable[[], float],
    ) -> None:
        self.faults = Faults()
        self.rules: Rules = STRICT
        self.lost_sessions: LostSession | Refusal = LostSession.FRESH
        self.lost_memories = LOST_MEMORY
        self._apps = {app.app_id: app for app in apps}
        self._api_keys = frozenset(api_keys)
        self._sessions = Sessions(now=now)
        self.bank: MemoryBank | None = None
        self.files: FileRoom | None = None
        self.forbidden = ""

    def receive(self, call: Call) -> Refusal | Generation:
        """Return what a call gets; one that DashScope would refuse anyway uses no fault up."""
        app = self._apps.get(call.app_id)
        refusal = self._refuse_key(call.headers) or self._refuse_app(app, call.headers)
        if refusal is not None or app is None:
            return refusal or APP_DENIED
        body = call.json()
        refusal = self._refuse_body(body, app=app, headers=call.headers)
        return refusal or self._answer(call, app=app, ask=read(body, streamed=call.streamed))

    def _refuse_key(self, headers: Mapping[str, str]) -> Refusal | None:
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if not key:
            return NO_KEY
        return None if scheme == "Bearer" and key in self._api_keys else INVALID_KEY

    def _refuse_app(self, app: App | None, headers: Mapping[str, str]) -> Refusal | None:
        workspace = headers.get("x-dashscope-workspace", "")
        if workspace not in {"", *(one.workspace for one in self._apps.values())}:
            return UNKNOWN_WORKSPACE
        if app is None or app.workspace != workspace:
            return APP_DENIED
        return None if app.published else UNPUBLISHED

    def _refuse_body(self, body: Any, *, app: App, headers: Mapping[str, str]) -> Refusal | None:
        if not headers.get("content-type", "").startswith("application/json"):
            return invalid_parameter("The header Content-Type must be application/json.")
        if body is None:
            return invalid_parameter("The body must be JSON.")
        if isinstance(body, dict) and "input" not in body and "prompt" not in body:
            return EMPTY_INPUT
        wrong = problem(body, kind=app.kind, rules=self.rules)
        return None if wrong is None else invalid_parameter(wrong)

    def _answer(self, call: Call, *, app: App, ask: Ask) -> Refusal | Generation:
        if self.files is not None and not all(map(self.files.is_ready, ask.session_file_ids)):
            return FILE_NOT_READY
        memory = self._memory(ask, app=app)
        if isinstance(memory, Refusal):
            return memory
        session = self._session(ask, app=app)
        if isinstance(session, Refusal):
            return session
        keyword = keywords.read(ask.prompt) if app.obeys_keywords else None
        spoken = keyword if isinstance(keyword, Said) else None
        fault: Fault | None = None if isinstance(keyword, Said) else keyword
        fault = fault or self.faults.take(app_id=app.app_id)
        if isinstance(fault, Refusal):
            return fault
        history = tuple(session.rounds) if ask.brought is None else ask.brought
        if self.forbidden and self.forbidden in str((ask.prompt, history)):
            session.rounds.append(Round(ask.prompt, answer=""))
            return NAMED["inspection"]
        facts = memory.facts if memory is not None else ()
        inquiry = Inquiry(ask.prompt, history=history, variables=ask.variables, facts=facts)
        return Generation(
            app=app,
            ask=ask,
            said=spoken or app.answers(inquiry),
            session=session,
            request_id=call.request_id,
            history_chars=sum(len(one.question) + len(one.answer) for one in history),
            fault=fault,
            memory=memory,
            first_session_id=ask.session_id if self.lost_sessions is LostSession.LATE else None,
        )

    def _memory(self, ask: Ask, *, app: App) -> OpenMemory | Refusal | None:
        """Return the memory a question came with; None without one."""
        if self.bank is None or ask.memory_id is None:
            return None
        if app.workspace not in {"", self.bank.workspace_id}:
            return LOST_MEMORY
        try:
            facts = self.bank.recall(ask.memory_id)
        except UnknownMemory:
            return self.lost_memories
        return OpenMemory(self.bank, ask.memory_id, facts=facts)

    def _session(self, ask: Ask, *, app: App) -> Session | Refusal:
        """Return the session to answer in; an app without memory always gets a new one."""
        if ask.session_id is None or not app.kind.keeps_sessions:
            return self._sessions.start(app.app_id)
        session = self._sessions.resume(ask.session_id, app_id=app.app_id)
        if session is not None:
            return session
        match self.lost_sessions:
            case Refusal() as refusal:
                return refusal
            case LostSession.SAME_ID:
                return self._sessions.start(app.app_id, session_id=ask.session_id)
            case LostSession.FRESH | LostSession.LATE:
                return self._sessions.start(app.app_id)
