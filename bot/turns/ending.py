"""How a turn ended: stored before it is shown, so that nothing is asked again after a crash."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

from bot.core import texts
from bot.core.answer import Answer, Source
from bot.core.pages import pages
from bot.core.reply import Content
from bot.errors import ContentBlocked, DashScopeError

Outcome = Literal["answered", "cut", "stopped", "failed", "hinted", "gave_up", "undelivered"]


@dataclass(frozen=True, slots=True)
class Ending:
    """The last state of a reply.

    Attributes:
        outcome: What the log and the metrics call it.
        text: The answer as the app wrote it, or a sentence of the bot's own.
        note: One line under it; may be empty.
        sources: (index, title, url) of each source.
        session_id: What the thread goes on with; None leaves the conversation as it is.
        app_key: The app that session belongs to.
        request_id: DashScope's id of the request.
        code: The error code, or the error's class when none came.
    """

    outcome: Outcome
    text: str = ""
    note: str = ""
    sources: tuple[tuple[str, str, str | None], ...] = ()
    session_id: str | None = None
    app_key: str = ""
    request_id: str | None = None
    code: str = ""

    @classmethod
    def of_answer(cls, answer: Answer, *, outcome: Outcome, note: str, app_key: str) -> Self:
        """Keep what an answer leaves, with a sentence where it says nothing at all."""
        silent = not answer.text.strip()
        return cls(
            outcome=outcome,
            text=texts.EMPTY_ANSWER if silent and outcome == "answered" else answer.text,
            note=note,
            sources=tuple((source.index, source.title, source.url) for source in answer.sources),
            session_id=answer.session_id,
            app_key=app_key,
            request_id=answer.request_id,
        )

    @classmethod
    def of_error(cls, error: DashScopeError, answer: Answer, *, turn_id: int, app_key: str) -> Self:
        """Keep what was said before the error; blocked content is taken back."""
        kept = answer.text if not isinstance(error, ContentBlocked) else ""
        request_id = error.request_id or answer.request_id
        code = error.code or type(error).__name__
        if not kept.strip():
            sentence = texts.failure(error, turn_id=turn_id)
            return cls("failed", text=sentence, request_id=request_id, code=code)
        return cls(
            "cut",
            text=kept,
            note=texts.interrupted(error, turn_id=turn_id),
            session_id=answer.session_id,
            app_key=app_key,
            request_id=request_id,
            code=code,
        )

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        fields: dict[str, Any] = dict(stored)
        fields["sources"] = tuple((index, title, url) for index, title, url in stored["sources"])
        return cls(**fields)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)

    def contents(self, page_bytes: int) -> Sequence[Content]:
        """Return the messages that show it."""
        sources = [Source(index, title, url) for index, title, url in self.sources]
        shown = pages(self.text, sources=sources, finished=True, limit_bytes=page_bytes) or ("",)
        *first, last = shown
        return [*(Content(text) for text in first), Content(last, note=self.note)]
