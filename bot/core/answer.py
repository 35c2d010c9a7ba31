"""DashScope events -> the answer so far."""

from dataclasses import dataclass
from typing import Literal

from bot.core.sse import ServerSentEvent


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of doc_references."""

    index: str
    title: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Something the app did on its way: thinking, a retrieval, a tool, a workflow node."""

    key: str
    kind: Literal["reasoning", "retrieval", "tool", "node"]
    title: str
    status: Literal["running", "done"]


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """Tokens of one model."""

    model_id: str
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer so far."""

    text: str = ""
    steps: tuple[Step, ...] = ()
    sources: tuple[Source, ...] = ()
    usage: tuple[ModelUsage, ...] = ()
    session_id: str | None = None
    request_id: str | None = None
    finish_reason: str | None = None

    @property
    def complete(self) -> bool:
        """Whether a terminal event was seen."""
        return self.finish_reason is not None


class AnswerReader:
    """Merges events into the answer so far."""

    def __init__(self, *, incremental: bool) -> None: ...

    def feed(self, event: ServerSentEvent) -> None:
        """Merge one event; raises DashScopeError for an error event."""

    @property
    def answer(self) -> Answer:
        """The answer so far."""
        return Answer()
