"""A checked request, as the rest of the playground reads it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.playground.dashscope.answers import Round
from bot.playground.dashscope.fields import FlowStreamMode, as_object


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request wants.

    Attributes:
        prompt: The question: `prompt`, or the last of `messages`.
        streamed: Whether the headers ask for an event stream.
        brought: The conversation the request brought along; None when it relies on a session.
        session_id: The session to go on with.
        variables: `biz_params`.
        incremental: Deltas instead of the whole text so far.
        has_thoughts: Show how the answer came about.
        flow_stream_mode: How a workflow streams; None when the request does not say.
        enable_thinking: The request's choice; None leaves it to the app's console switch.
        model_id: The model the request chose.
        memory_id: The long-term memory of whoever asks.
        session_file_ids: Uploaded files the question is about.
    """

    prompt: str
    streamed: bool
    brought: tuple[Round, ...] | None = None
    session_id: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    incremental: bool = False
    has_thoughts: bool = False
    flow_stream_mode: FlowStreamMode | None = None
    enable_thinking: bool | None = None
    model_id: str = "qwen-plus"
    memory_id: str | None = None
    session_file_ids: tuple[str, ...] = ()


def read(body: Mapping[str, Any], *, streamed: bool) -> Ask:
    """Return what a body without problems wants."""
    asked = as_object(body["input"])
    parameters = as_object(body.get("parameters"))
    mode = parameters.get("flow_stream_mode")
    return Ask(
        prompt=asked["messages"][-1]["content"] if "messages" in asked else asked["prompt"],
        streamed=streamed,
        brought=_brought(asked),
        session_id=asked.get("session_id"),
        variables=as_object(asked.get("biz_params")),
        incremental=parameters.get("incremental_output") in {True, "true"},
        has_thoughts=parameters.get("has_thoughts") in {True, "true"},
        flow_stream_mode=None if mode is None else FlowStreamMode(mode),
        enable_thinking=parameters.get("enable_thinking"),
        model_id=parameters.get("model_id", "qwen-plus"),
        memory_id=asked.get("memory_id"),
        session_file_ids=tuple(
            as_object(parameters.get("rag_options")).get("session_file_ids", ())
        ),
    )


def _brought(asked: Mapping[str, Any]) -> tuple[Round, ...] | None:
    if "messages" in asked:
        return tuple(_rounds(asked["messages"][:-1]))
    if "history" in asked:
        pairs = asked["history"]
        return tuple(Round(str(pair.get("user", "")), str(pair.get("bot", ""))) for pair in pairs)
    return None


def _rounds(messages: Iterable[Mapping[str, str]]) -> Iterator[Round]:
    """Pair every user message with the assistant message behind it, if there is one."""
    question: str | None = None
    for message in messages:
        if message["role"] == "assistant" and question is not None:
            yield Round(question, message["content"])
            question = None
        elif message["role"] == "user":
            if question is not None:
                yield Round(question, "")
            question = message["content"]
    if question is not None:
        yield Round(question, "")
