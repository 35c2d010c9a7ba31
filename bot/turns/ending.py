"""How a turn ended: stored before it is shown, so that nothing is asked again after a crash."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from bot.core import texts
from bot.core.answer import Answer, Source
from bot.core.language import Language
from bot.core.pages import pages
from bot.core.reply import Content
from bot.errors import ContentBlocked, DashScopeError
from bot.turns.terms import Terms
from storage.records import SessionUse, Turn
from storage.usage_records import ModelUse

Outcome = Literal[
    "answered", "cut", "stopped", "failed", "hinted", "refused", "gave_up", "undelivered"
]


NO_SESSION = ""
"""Stands for a session the thread cannot go on with: the next question in one begins another."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The last state of a reply.

    Attributes:
        outcome: What the log and the metrics call it.
        text: The answer as the app wrote it, or a sentence of the bot's own; without text and note
            there is nothing to show.
        note: Lines under it; may be empty.
        sources: (index, title, url) of each source that is shown.
        session_id: What the thread goes on with, perhaps NO_SESSION; None leaves the conversation
            as it is.
        app_key: The app that session belongs to.
        request_id: DashScope's id of the request.
        code: The error code, or the error's class when none came.
        usage: (model, input tokens, output tokens) of the answer.
        language: What the reader reads.
        fills: Names of variables the asker may fill in, so that the question can be answered.
        blocked_ts: The question, where content safety rules blocked it or its answer; else empty.
    """

    outcome: Outcome
    text: str = ""
    note: str = ""
    sources: tuple[tuple[str, str, str | None], ...] = ()
    session_id: str | None = None
    app_key: str = ""
    request_id: str | None = None
    code: str = ""
    usage: tuple[tuple[str, int, int], ...] = ()
    language: Language = Language.EN
    fills: tuple[str, ...] = ()
    blocked_ts: str = ""

    @classmethod
    def of_answer(cls, answer: Answer, *, outcome: Outcome, note: str, terms: Terms) -> Self:
        """Keep what an answer leaves, with a sentence where it says nothing at all."""
        silent = not answer.text.strip() and outcome == "answered"
        sources = answer.sources if terms.effective.shows_sources else ()
        return cls(
            outcome=outcome,
            text=texts.EMPTY_ANSWER.say(terms.language) if silent else answer.text,
            note=note,
            sources=tuple((source.index, source.title, source.url) for source in sources),
            session_id=_session_id(answer, terms=terms),
            app_key=terms.effective.app.key,
            request_id=answer.request_id,
            usage=_usage(answer),
            language=terms.language,
        )

    @classmethod
    def of_error(cls, error: DashScopeError, answer: Answer, *, turn: Turn, terms: Terms) -> Self:
        """Keep what was said before the error; blocked content is taken back."""
        is_blocked = isinstance(error, ContentBlocked)
        kept, turn_id = "" if is_blocked else answer.text, turn.id
        has_words, language = bool(kept.strip()), terms.language
        return cls(
            "cut" if has_words else "failed",
            text=kept if has_words else texts.failure(error, turn_id=turn_id, language=language),
            note=texts.interrupted(error, turn_id=turn_id, language=language) if has_words else "",
            session_id=_session_id(answer, terms=terms) if has_words else None,
            app_key=terms.effective.app.key,
            request_id=error.request_id or answer.request_id,
            code=error.code or type(error).__name__,
            usage=_usage(answer),
            language=language,
            blocked_ts=turn.message_ts if is_blocked else "",
        )

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote, also in an earlier release."""
        fields: dict[str, Any] = dict(stored)
        fields["sources"] = tuple((index, title, url) for index, title, url in stored["sources"])
        fields["usage"] = tuple((model, i, o) for model, i, o in stored.get("usage", ()))
        fields["fills"] = tuple(stored.get("fills", ()))
        fields["language"] = Language(stored.get("language", Language.EN))
        return cls(**fields)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)

    @property
    def session(self) -> SessionUse | None:
        """What the conversation goes on with; None leaves it as it is."""
        if self.session_id is None:
            return None
        return SessionUse(app_key=self.app_key, session_id=self.session_id)

    @property
    def model_uses(self) -> tuple[ModelUse, ...]:
        """What the answer cost."""
        return tuple(ModelUse(*used) for used in self.usage)

    def contents(self, page_bytes: int) -> Sequence[Content]:
        """Return the messages that show it; none when there is nothing to say."""
        sources = [Source(index, title, url) for index, title, url in self.sources]
        shown = pages(self.text, sources=sources, finished=True, limit_bytes=page_bytes)
        if not shown:
            return [Content("", note=self.note)] if self.text or self.note else []
        is_answer = self.outcome in {"answered", "cut", "stopped"}
        *first, last = shown
        end = Content(
            last,
            note=self.note,
            language=self.language,
            fills=self.fills,
            is_answer=is_answer,
            blocked_ts=self.blocked_ts,
        )
        return [*(Content(text, is_answer=is_answer) for text in first), end]


def _session_id(answer: Answer, *, terms: Terms) -> str | None:
    """Return what the thread goes on with; a session that did not hear of an answer is left."""
    if terms.keeps_session:
        return answer.session_id
    return NO_SESSION if answer.text else None


def _usage(answer: Answer) -> tuple[tuple[str, int, int], ...]:
    return tuple((used.model_id, used.input_tokens, used.output_tokens) for used in answer.usage)
