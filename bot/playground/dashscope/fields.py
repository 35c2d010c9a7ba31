"""The fields of a request: where each belongs, what it must be, and which kinds of app know it.

From the vendor's page "Application calling: request parameters", the calling guides for agents and
workflows, and the option lists of the official SDKs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeGuard, cast

from bot.core.question import AppKind

AGENT = frozenset({AppKind.AGENT})
WITH_MESSAGES = frozenset({AppKind.AGENT, AppKind.DIALOG_WORKFLOW})
FLOWS = frozenset({AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW, AppKind.ORCHESTRATION})
ALL = AGENT | FLOWS


class FlowStreamMode(Enum):
    """How a workflow streams."""

    FULL_THOUGHTS = "full_thoughts"
    MESSAGE_FORMAT = "message_format"
    MESSAGE_FORMAT_PLUS = "message_format_plus"
    AGENT_FORMAT = "agent_format"


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        must_be: Completes the sentence "it must be ...".
        fits: Whether a value is that.
        kinds: The kinds of app that know it.
    """

    must_be: str
    fits: Callable[[Any], bool]
    kinds: frozenset[AppKind] = ALL


def is_text(value: Any) -> TypeGuard[str]:
    """Whether it is a string with something in it."""
    return isinstance(value, str) and bool(value.strip())


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Whether it is a JSON object."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Whether it is a JSON array."""
    return isinstance(value, list)


def is_texts(value: Any) -> TypeGuard[list[str]]:
    """Whether it is an array of strings, none empty, at least one."""
    return is_array(value) and bool(value) and all(is_text(item) for item in value)


def _is_objects(value: Any) -> bool:
    return is_array(value) and bool(value) and all(is_object(item) for item in value)


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _is_flag(value: Any) -> bool:
    """Samples of the vendor send the string "true", and their captures show that it works."""
    return isinstance(value, bool) or value in {"true", "false"}


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_temperature(value: Any) -> bool:
    return _is_number(value) and 0 <= value < 2


def _is_top_p(value: Any) -> bool:
    return _is_number(value) and 0 < value <= 1


def _is_stream_mode(value: Any) -> bool:
    return value in [mode.value for mode in FlowStreamMode]


TEXT = "a non-empty string"
TEXTS = "a non-empty array of non-empty strings"
OBJECT = "an object"
BOOLEAN = "a boolean"
COUNT = "a whole number, 0 or more"

INPUT: Mapping[str, Field] = {
    "prompt": Field(TEXT, is_text),
    "session_id": Field(TEXT, is_text),
    "messages": Field("a non-empty array of objects", _is_objects, WITH_MESSAGES),
    "history": Field("a non-empty array of objects", _is_objects, AGENT),
    "biz_params": Field(OBJECT, is_object),
    "memory_id": Field(TEXT, is_text, AGENT),
    "image_list": Field(TEXTS, is_texts, AGENT),
    "file_list": Field(TEXTS, is_texts, AGENT),
    "doc_reference_type": Field(
        '"simple" or "indexed"', lambda value: value in ["simple", "indexed"], AGENT
    ),
    "doc_tag_codes": Field(TEXTS, is_texts, AGENT),
}

PARAMETERS: Mapping[str, Field] = {
    "incremental_output": Field(BOOLEAN, _is_flag),
    "has_thoughts": Field(BOOLEAN, _is_flag),
    "flow_stream_mode": Field(
        "one of " + ", ".join(mode.value for mode in FlowStreamMode), _is_stream_mode, FLOWS
    ),
    "rag_options": Field(OBJECT, is_object, AGENT),
    "enable_thinking": Field(BOOLEAN, _is_bool, AGENT),
    "model_id": Field(TEXT, is_text, AGENT),
    "enable_web_search": Field(BOOLEAN, _is_bool, AGENT),
    "enable_system_time": Field(BOOLEAN, _is_bool, AGENT),
    "enable_premium": Field(BOOLEAN, _is_bool, AGENT),
    "dialog_round": Field(COUNT, _is_count, AGENT),
    "mcp_servers": Field(TEXTS, is_texts, AGENT),
    "cip_service_codes": Field(OBJECT, is_object, AGENT),
    "temperature": Field("a number from 0 to below 2", _is_temperature, AGENT),
    "top_p": Field("a number above 0, up to 1", _is_top_p, AGENT),
    "top_k": Field(COUNT, _is_count, AGENT),
    "seed": Field(COUNT, _is_count, AGENT),
}

RAG_FIELDS = (
    "pipeline_ids",
    "file_ids",
    "metadata_filter",
    "tags",
    "structured_filter",
    "session_file_ids",
)
AGENT_PARAMS = ("user_prompt_params", "user_defined_params", "user_defined_tokens")

HOMES: Mapping[str, str] = {
    **dict.fromkeys(INPUT, "input"),
    **dict.fromkeys(PARAMETERS, "parameters"),
    **dict.fromkeys(RAG_FIELDS, "parameters.rag_options"),
    **dict.fromkeys(AGENT_PARAMS, "input.biz_params"),
}
"""Where each field belongs, to tell somebody who put it elsewhere."""


def as_object(value: Any) -> dict[str, Any]:
    """Return a checked object; an absent one is empty."""
    return cast("dict[str, Any]", value or {})
