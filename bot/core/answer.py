"""DashScope events -> the answer so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from bot.core.failures import code_of, read_error
from bot.core.growing_text import GrowingText
from bot.core.loose_json import (
    as_object,
    count_at,
    delta_at,
    id_at,
    mend_surrogates,
    object_at,
    objects_at,
    parse_object,
    text_at,
)
from bot.core.sse import ServerSentEvent
from bot.core.trail import Step, Trail
from bot.errors import UpstreamGarbled

__all__ = ["Answer", "AnswerReader", "ModelUsage", "Source", "Step"]

MAX_ANSWER_CHARS = 200_000
"""The longest answer that is read; our own bound. It is a book of 33,000 words: two dozen messages
in Slack, three times as many in Chinese, which go on arriving long after their reader has stopped,
while the app's account pays for every word."""

MAX_BAD_EVENTS = 3
"""Events in a row that are no JSON object before the stream is given up; our own bound."""

MAX_SOURCES = 100
MAX_MODELS = 50
"""Of one answer; our own bounds, many times what apps send. The list of sources is messages in
Slack, and each model a row of usage."""

_DONE = "stop"
_UNFINISHED = frozenset({"", "null"})
"""`finish_reason` while the app still writes: the word "null", not JSON's null (streaming samples
of the "Application calling" guide)."""


@dataclass(frozen=True, slots=True)
class Source:
    """One entry of doc_references.

    Attributes:
        index: What `<ref>[n]</ref>` in the text refers to; a number as text.
        title: The document's name, else its title, else its id.
        url: An http(s) address; uploaded files have none.
    """

    index: str
    title: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ModelUsage:
    """Tokens of one model, for the whole answer."""

    model_id: str
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer so far.

    Attributes:
        text: What the reader may see, with DashScope's markup; never thinking.
        steps: What the app did on its way, in the order it began.
        sources: One for each index; the first MAX_SOURCES.
        usage: One for each model, the first MAX_MODELS; workflows send none unless asked about
            every node.
        session_id: The session as the app named it last; it may differ from the one asked for.
        request_id: For DashScope's support.
        finish_reason: Why the answer ended, `stop` as a rule; None while it has not.
    """

    text: str = ""
    steps: tuple[Step, ...] = ()
    sources: tuple[Source, ...] = ()
    usage: tuple[ModelUsage, ...] = ()
    session_id: str | None = None
    request_id: str | None = None
    finish_reason: str | None = None

    @property
    def complete(self) -> bool:
        """Whether a terminal event was seen, and nothing had to be left out."""
        return self.finish_reason is not None

    @property
    def ended_early(self) -> bool:
        """Whether the app ended it for another reason than being done, such as its length.

        No reason but `stop` is documented; others are known from models.
        """
        return self.finish_reason is not None and self.finish_reason.lower() != _DONE


class AnswerReader:
    """Merges events into the answer so far.

    One reader serves every kind of app, since the API does not tell which it is: `text` of agents
    (deltas or wholes), nodes listed in `thoughts`, and nodes told of in `workflow_message`. The
    app's own `text` always wins over what nodes said. Merging costs as much as the event is long;
    the answer is put together when it is asked for. Beyond MAX_ANSWER_CHARS nothing more is merged,
    and the answer stays incomplete.

    Args:
        incremental: What was sent as `incremental_output`.
        every_node_speaks: Whether a workflow was asked for message_format.
    """

    def __init__(self, *, incremental: bool, every_node_speaks: bool = False) -> None:
        self._text = GrowingText(incremental=incremental)
        self._trail = Trail(incremental=incremental, every_node_speaks=every_node_speaks)
        self._sources: tuple[Source, ...] = ()
        self._usage: tuple[ModelUsage, ...] = ()
        self._session_id: str | None = None
        self._request_id: str | None = None
        self._finish_reason: str | None = None
        self._bad_events = 0
        self._answer: Answer | None = None

    @property
    def complete(self) -> bool:
        """Whether a terminal event was merged; cheaper than asking the answer."""
        return self._finish_reason is not None

    @property
    def tells_of_nodes(self) -> bool:
        """Whether a node was told of, which only workflows and orchestrations have."""
        return self._trail.tells_of_nodes

    @property
    def is_full(self) -> bool:
        """Whether the answer is longer than anybody reads; it is as long as it will be then."""
        return max(self._text.chars, self._trail.chars) > MAX_ANSWER_CHARS

    @property
    def answer(self) -> Answer:
        """The answer so far."""
        if self._answer is None:
            self._answer = Answer(
                text=self._visible_text(),
                steps=self._trail.steps,
                sources=self._sources,
                usage=self._usage,
                session_id=self._session_id,
                request_id=self._request_id,
                finish_reason=self._finish_reason,
            )
        return self._answer

    def feed(self, event: ServerSentEvent) -> None:
        """Merge one event; what comes after the terminal one, or after too many, is ignored.

        An event that is no JSON object is skipped.

        Raises:
            UpstreamGarbled: `MAX_BAD_EVENTS` of them came in a row.
            DashScopeError: It reports an error; the answer so far stays as it is.
        """
        if self.complete or self.is_full:
            return
        body = parse_object(event.data)
        if event.event == "error":
            told = body if body is not None else {"message": event.data}
            raise read_error(told, status=event.status, request_id=self._request_id)
        if body is None:
            self._skip()
            return
        self._bad_events = 0
        self._accept(body, status=event.status)

    def feed_body(self, body: bytes) -> None:
        """Merge the whole body of an answer that is not a stream.

        Raises:
            UpstreamGarbled: It is no JSON object, or one without `output`.
            DashScopeError: It reports an error under a status of success.
        """
        told = parse_object(body)
        if told is None:
            raise UpstreamGarbled("the body is no JSON object", status=200)
        self._accept(told, status=None)
        if as_object(told.get("output")) is None:
            raise UpstreamGarbled("the body has no output", status=200, request_id=self._request_id)

    def _accept(self, body: Mapping[str, object], *, status: int | None) -> None:
        if code_of(body) and as_object(body.get("output")) is None:
            raise read_error(body, status=status, request_id=self._request_id)
        self._merge(body)
        self._answer = None

    def _skip(self) -> None:
        self._bad_events += 1
        if self._bad_events >= MAX_BAD_EVENTS:
            raise UpstreamGarbled(f"{MAX_BAD_EVENTS} events in a row are no JSON objects")

    def _merge(self, body: Mapping[str, object]) -> None:
        output = object_at(body, "output")
        self._request_id = id_at(body, "request_id") or self._request_id
        self._session_id = id_at(output, "session_id") or self._session_id
        # Usage counts from the answer's beginning, so the last word on it is the sum.
        self._usage = _usage(object_at(body, "usage")) or self._usage
        self._sources = _sources(output) or self._sources
        reason = text_at(output, "finish_reason")
        self._merge_words(output, last=reason not in _UNFINISHED)
        if reason not in _UNFINISHED and not self.is_full:
            self._finish_reason = reason
            self._trail.end()

    def _merge_words(self, output: Mapping[str, object], *, last: bool) -> None:
        text = delta_at(output, "text")
        if text:
            self._trail.end_actions()  # those still under way are told of again, with the text
        for thought in objects_at(output, "thoughts"):
            self._trail.take_thought(thought)
        self._trail.take_message(object_at(output, "workflow_message"))
        if text:
            self._trail.end_thinking()
        self._text.add(text, last=last)

    def _visible_text(self) -> str:
        text = (self._text.value or self._trail.text)[:MAX_ANSWER_CHARS]
        if not self.complete and "\ud800" <= text[-1:] <= "\udbff":
            text = text[:-1]  # its other half comes with the next delta
        return mend_surrogates(text)


def _usage(usage: Mapping[str, object]) -> tuple[ModelUsage, ...]:
    return tuple(
        ModelUsage(
            id_at(model, "model_id"),
            count_at(model, "input_tokens"),
            count_at(model, "output_tokens"),
        )
        for model in islice(objects_at(usage, "models"), MAX_MODELS)
    )


def _sources(output: Mapping[str, object]) -> tuple[Source, ...]:
    """Read doc_references; of several with one index, the first counts."""
    found: dict[str, Source] = {}
    for entry in objects_at(output, "doc_references"):
        index = id_at(entry, "index_id") or str(count_at(entry, "index_id") or "")
        title = text_at(entry, "doc_name") or text_at(entry, "title") or text_at(entry, "doc_id")
        url = text_at(entry, "doc_url")
        if index:
            link = url if url.startswith(("https://", "http://")) else None
            found.setdefault(index, Source(index, title, link))
        if len(found) == MAX_SOURCES:
            break
    return tuple(found.values())
