"""Is this a request DashScope would take?

The real service ignores many mistakes without a word. This one names them all: a bot that passes
here has said what it meant.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.question import AppKind
from bot.playground.dashscope.fields import (
    AGENT_PARAMS,
    HOMES,
    INPUT,
    PARAMETERS,
    RAG_FIELDS,
    Field,
    as_object,
    is_array,
    is_object,
    is_text,
    is_texts,
)

PIPELINES_LIMIT = 5  # "rag_options" in the vendor's request parameters
FILES_LIMIT = 5  # the same table
SESSION_FILES_LIMIT = 10  # "session files" in the vendor's agent calling guide
SESSION_FILE_PREFIX = "file_session_"
PLUGINS_LIMIT = 10  # "user_defined_params" in the vendor's request parameters
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Rules:
    """How strict the checks are.

    Attributes:
        tags_may_be_text: Accept a bare string for `tags`, as some of the vendor's samples send it.
        unknown_parameters: Accept parameters this playground has never heard of.
        refused_modes: Ways for a workflow to stream that this host does not know; the vendor's
            regions document different ones.
    """

    tags_may_be_text: bool = False
    unknown_parameters: bool = False
    refused_modes: frozenset[str] = frozenset()


STRICT = Rules()


def problem(body: Any, *, kind: AppKind, rules: Rules = STRICT) -> str | None:
    """Return what is wrong with a request's body, naming the field; None when nothing is."""
    return next(_problems(body, kind=kind, rules=rules), None)


def _problems(body: Any, *, kind: AppKind, rules: Rules) -> Iterator[str]:
    """Yield problems; whoever asks for the next one has none before it.

    So every check may rely on all the checks above it.
    """
    if not is_object(body):
        yield "The body must be an object."
        return
    yield from _envelope(body)
    asked = as_object(body["input"])
    parameters = as_object(body.get("parameters"))
    yield from _fields(asked, place="input", known=INPUT, kind=kind)
    known = _with_unknown(parameters) if rules.unknown_parameters else PARAMETERS
    yield from _fields(parameters, place="parameters", known=known, kind=kind)
    if parameters.get("flow_stream_mode") in rules.refused_modes:
        yield "parameters.flow_stream_mode has an unsupported value."
    yield from _question(asked)
    yield from _messages(asked.get("messages", []))
    yield from _variables(as_object(asked.get("biz_params")), kind=kind)
    if "rag_options" in parameters:
        yield from _rag(as_object(parameters["rag_options"]), rules=rules)


def _envelope(body: Mapping[str, Any]) -> Iterator[str]:
    for name in body:
        if name not in {"input", "parameters", "debug", "model"}:
            yield _stray(name, place="the body")
    for name in ("input", "parameters", "debug"):
        if name in body and not is_object(body[name]):
            yield f"{name} must be an object."
    if "input" not in body:
        yield "input is required."
    if body.get("model", "") != "":
        yield "model must be empty: choose the model of an app with parameters.model_id."


def _fields(
    values: Mapping[str, Any], *, place: str, known: Mapping[str, Field], kind: AppKind
) -> Iterator[str]:
    for name, value in values.items():
        field = known.get(name)
        if field is None:
            yield _stray(name, place=place)
        elif kind not in field.kinds:
            yield f"{place}.{name} is not supported by an app of kind {kind.value}."
        elif value is None:
            yield f"{place}.{name} must not be null: leave it out."
        elif not field.fits(value):
            yield f"{place}.{name} must be {field.must_be}."


def _with_unknown(parameters: Mapping[str, Any]) -> Mapping[str, Field]:
    """Return the known parameters and, fitting anything, those that have no other home."""
    unknown = [name for name in parameters if name not in HOMES and name != "stream"]
    return {**{name: Field("anything", lambda _value: True) for name in unknown}, **PARAMETERS}


def _stray(name: str, *, place: str) -> str:
    if name == "stream":
        return "stream is no field: send the header X-DashScope-SSE: enable."
    if name in HOMES:
        return f"{name} must not stand in {place}: it belongs in {HOMES[name]}."
    return f"{name} is not a field of {place}."


def _question(asked: Mapping[str, Any]) -> Iterator[str]:
    if "prompt" not in asked and "messages" not in asked:
        yield "input.prompt is required, unless input.messages is given."
    for name in ("prompt", "session_id", "history"):
        if "messages" in asked and name in asked:
            yield f"input.{name} must not be sent together with input.messages."


def _messages(messages: list[Any]) -> Iterator[str]:
    for index, message in enumerate(messages):
        place = f"input.messages[{index}]"
        if message.get("role") not in ROLES:
            yield f"{place}.role must be one of {', '.join(ROLES)}."
        if message["role"] == "system" and index:
            yield f"{place}.role must not be system: only the first message may be."
        if not is_text(message.get("content")):
            yield f"{place}.content must be a non-empty string."
    if messages and messages[-1]["role"] != "user":
        yield "input.messages must end with a message of role user."


def _variables(variables: Mapping[str, Any], *, kind: AppKind) -> Iterator[str]:
    is_agent = kind is AppKind.AGENT
    for name, value in variables.items():
        place = f"input.biz_params.{name}"
        if is_agent and name not in AGENT_PARAMS:
            yield f"{place} is not supported by an agent: it takes {', '.join(AGENT_PARAMS)}."
        if not is_agent and name in AGENT_PARAMS:
            yield f"{place} is only supported by an agent."
        if value is None:
            yield f"{place} must not be null: leave it out."
        if is_agent and not is_object(value):
            yield f"{place} must be an object."
    for name in ("user_defined_params", "user_defined_tokens"):
        yield from _plugins(name, as_object(variables.get(name)))


def _plugins(name: str, plugins: Mapping[str, Any]) -> Iterator[str]:
    place = f"input.biz_params.{name}"
    if len(plugins) > PLUGINS_LIMIT:
        yield f"{place} must not name more than {PLUGINS_LIMIT} plugins."
    for plugin, value in plugins.items():
        if not is_object(value):
            yield f"{place}.{plugin} must be an object."
        elif name == "user_defined_tokens" and not is_text(value.get("user_token")):
            yield f"{place}.{plugin}.user_token must be a non-empty string."


def _rag(options: Mapping[str, Any], *, rules: Rules) -> Iterator[str]:
    place = "parameters.rag_options"
    for name, value in options.items():
        if name not in RAG_FIELDS:
            yield _stray(name, place=place)
        if value is None:
            yield f"{place}.{name} must not be null: leave it out."
    for name, limit in (
        ("pipeline_ids", PIPELINES_LIMIT),
        ("file_ids", FILES_LIMIT),
        ("session_file_ids", SESSION_FILES_LIMIT),
    ):
        yield from _ids(options.get(name), place=f"{place}.{name}", limit=limit)
    for name in ("file_ids", "metadata_filter", "tags"):
        if name in options and "pipeline_ids" not in options:
            yield f"{place}.{name} needs the pipeline_ids it belongs to."
    yield from _filters(options, place=place, rules=rules)


def _ids(value: Any, *, place: str, limit: int) -> Iterator[str]:
    if value is None:
        return
    if not is_texts(value):
        yield f"{place} must be a non-empty array of non-empty strings."
        return
    if len(value) > limit:
        yield f"{place} must not have more than {limit} elements."
    if any("," in element for element in value):
        yield f"{place} must hold one id per element."
    wrong_prefix = any(not element.startswith(SESSION_FILE_PREFIX) for element in value)
    if place.endswith("session_file_ids") and wrong_prefix:
        yield f"{place} must hold ids that begin with {SESSION_FILE_PREFIX}."


def _filters(options: Mapping[str, Any], *, place: str, rules: Rules) -> Iterator[str]:
    tags = options.get("tags", ["-"])
    if not is_texts(tags) and not (rules.tags_may_be_text and is_text(tags)):
        yield f"{place}.tags must be a non-empty array of non-empty strings."
    for name in ("metadata_filter", "structured_filter"):
        if not is_object(options.get(name, {})):
            yield f"{place}.{name} must be an object."
    for key, value in as_object(options.get("metadata_filter")).items():
        if not (isinstance(value, str) or (is_array(value) and is_texts(value))):
            yield f"{place}.metadata_filter.{key} must be a string or an array of strings."
