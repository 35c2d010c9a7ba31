"""Slack's checks of blocks and metadata.

Limits are those of the docs pages of each block, element and object under "Block Kit" reference.
Kinds of blocks whose fields this workspace does not know are taken as they are.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from bot.playground.slack.blocks import text_size
from bot.playground.slack.inputs import problems_of_element
from bot.playground.slack.limits import Limits
from bot.playground.slack.payload import Json, RefusedError, as_list, as_object, objects

MESSAGE_BLOCKS_MAX = 50
MARKDOWN_CHARS_MAX = 12_000  # docs page "markdown block": over all such blocks of a payload
_SECTION_CHARS_MAX = 3_000
_FIELD_CHARS_MAX = 2_000
_FIELDS_MAX = 10
_HEADER_CHARS_MAX = 150
_CONTEXT_ELEMENTS_MAX = 10
_CONTEXT_ACTIONS_MAX = 5
_ACTIONS_MAX = 25
_BLOCK_ID_CHARS_MAX = 255
_ACTION_ID_CHARS_MAX = 255
_BUTTON_CHARS_MAX = 75
_VALUE_CHARS_MAX = 2_000
_URL_CHARS_MAX = 3_000
_ALT_CHARS_MAX = 2_000
_INPUT_LABEL_CHARS_MAX = 2_000
_INPUT_HINT_CHARS_MAX = 2_000
_TABLE_ROWS_MAX = 100
_TABLE_COLUMNS_MAX = 20
_METADATA_BYTES_MAX = 16_000  # docs page "message metadata"

_BOTH = frozenset({"plain_text", "mrkdwn"})
_PLAIN = frozenset({"plain_text"})


def _demand(condition: object, complaint: str) -> None:
    if not condition:
        raise RefusedError(
            "invalid_blocks", response_metadata={"messages": [f"[ERROR] {complaint}"]}
        )


def message_blocks(value: Any, *, limits: Limits) -> tuple[Json, ...]:
    """Return the blocks of a message after checking them.

    Raises:
        RefusedError: `invalid_blocks` or `msg_blocks_too_long`.
    """
    blocks = checked_blocks(value, most=MESSAGE_BLOCKS_MAX)
    size = text_size(blocks, in_bytes=limits.is_block_text_in_bytes)
    if size > limits.block_text_max:
        raise RefusedError("msg_blocks_too_long")
    return blocks


def checked_blocks(value: Any, *, most: int) -> tuple[Json, ...]:
    """Return blocks after checking each by itself and all together.

    Raises:
        RefusedError: `invalid_blocks`, with the reason in `response_metadata`.
    """
    items = as_list(value)
    _demand(isinstance(value, list), "must be an array")
    _demand(len(items) <= most, f"no more than {most} items allowed")
    _demand(all(isinstance(item, dict) for item in items), "must be an array of objects")
    blocks = tuple(objects(items))
    for block in blocks:
        _check_block(block)
    _check_ids(blocks)
    markdown = sum(len(b["text"]) for b in blocks if b["type"] == "markdown")
    _demand(markdown <= MARKDOWN_CHARS_MAX, f"markdown over {MARKDOWN_CHARS_MAX} characters")
    return blocks


def _check_ids(blocks: tuple[Json, ...]) -> None:
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    _demand(len(ids) == len(set(ids)), "block_id must be unique")


def _check_block(block: Json) -> None:
    kind = block.get("type")
    _demand(isinstance(kind, str) and kind in _CHECKS, f"unsupported type: {kind}")
    block_id = block.get("block_id")
    _demand(
        block_id is None or (isinstance(block_id, str) and len(block_id) <= _BLOCK_ID_CHARS_MAX),
        "block_id over 255 characters",
    )
    _CHECKS[str(kind)](block)


def _check_string(value: Any, *, most: int, least: int = 1) -> None:
    _demand(isinstance(value, str), "must be a string")
    _demand(len(value) >= least, f"must be more than {least - 1} characters")
    _demand(len(value) <= most, f"must be less than {most + 1} characters")


def _check_text(value: Any, *, most: int, kinds: frozenset[str] = _BOTH) -> None:
    text = as_object(value)
    _demand(text.get("type") in kinds, f"must be a text object of {sorted(kinds)}")
    _check_string(text.get("text"), most=most)


def _check_markdown(block: Json) -> None:
    _check_string(block.get("text"), most=MARKDOWN_CHARS_MAX)


def _check_section(block: Json) -> None:
    fields = block.get("fields")
    _demand(block.get("text") or fields, "section needs text or fields")
    if "text" in block:
        _check_text(block["text"], most=_SECTION_CHARS_MAX)
    _demand(len(as_list(fields)) <= _FIELDS_MAX, "no more than 10 fields")
    for item in as_list(fields):
        _check_text(item, most=_FIELD_CHARS_MAX)
    if "accessory" in block:
        _check_element(block["accessory"])


def _check_header(block: Json) -> None:
    _check_text(block.get("text"), most=_HEADER_CHARS_MAX, kinds=_PLAIN)


def _check_context(block: Json) -> None:
    elements = as_list(block.get("elements"))
    _demand(1 <= len(elements) <= _CONTEXT_ELEMENTS_MAX, "context takes 1 to 10 elements")
    for element in elements:
        if as_object(element).get("type") == "image":
            _check_image(element)
        else:
            _check_text(element, most=_SECTION_CHARS_MAX)


def _check_image(block: Json) -> None:
    _check_string(block.get("alt_text"), most=_ALT_CHARS_MAX)
    if "slack_file" not in block:
        _check_string(block.get("image_url"), most=_URL_CHARS_MAX)


def _check_actions(block: Json) -> None:
    _check_elements(block, most=_ACTIONS_MAX)


def _check_context_actions(block: Json) -> None:
    _check_elements(block, most=_CONTEXT_ACTIONS_MAX)
    kinds = {element.get("type") for element in objects(block.get("elements"))}
    _demand(kinds <= {"feedback_buttons", "icon_button"}, "unsupported element")


def _check_elements(block: Json, *, most: int) -> None:
    elements = as_list(block.get("elements"))
    _demand(1 <= len(elements) <= most, f"takes 1 to {most} elements")
    for element in elements:
        _check_element(element)
    ids = [e["action_id"] for e in objects(elements) if e.get("action_id")]
    _demand(len(ids) == len(set(ids)), "action_id must be unique within its block")


def _check_element(value: Any) -> None:
    element = as_object(value)
    _demand(isinstance(element.get("type"), str), "element without a type")
    if "action_id" in element:
        _check_string(element["action_id"], most=_ACTION_ID_CHARS_MAX)
    for problem in problems_of_element(element):
        _demand(condition=False, complaint=problem)
    if element["type"] == "button":
        _check_button(element)
    if element["type"] == "feedback_buttons":
        for side in ("positive_button", "negative_button"):
            _check_text(
                as_object(element.get(side)).get("text"), most=_BUTTON_CHARS_MAX, kinds=_PLAIN
            )


def _check_button(element: Json) -> None:
    _check_text(element.get("text"), most=_BUTTON_CHARS_MAX, kinds=_PLAIN)
    _check_string(element.get("value", ""), most=_VALUE_CHARS_MAX, least=0)
    _check_string(element.get("url", ""), most=_URL_CHARS_MAX, least=0)
    _demand(element.get("style", "primary") in {"primary", "danger"}, "unknown style")


def _check_input(block: Json) -> None:
    _check_text(block.get("label"), most=_INPUT_LABEL_CHARS_MAX, kinds=_PLAIN)
    if "hint" in block:
        _check_text(block["hint"], most=_INPUT_HINT_CHARS_MAX, kinds=_PLAIN)
    _demand(as_object(block.get("element")).get("type") != "button", "a button is no input")
    _check_element(block.get("element"))


def _check_rich_text(block: Json) -> None:
    _demand(as_list(block.get("elements")), "rich_text without elements")


def _check_table(block: Json) -> None:
    rows = as_list(block.get("rows"))
    _demand(1 <= len(rows) <= _TABLE_ROWS_MAX, "table takes 1 to 100 rows")
    _demand(all(1 <= len(as_list(r)) <= _TABLE_COLUMNS_MAX for r in rows), "1 to 20 columns")


def _accept(_block: Json) -> None:
    """Take a block as it is."""


_CHECKS: Mapping[str, Callable[[Json], None]] = {
    "actions": _check_actions,
    "alert": _accept,
    "card": _accept,
    "carousel": _accept,
    "container": _accept,
    "context": _check_context,
    "context_actions": _check_context_actions,
    "data_table": _accept,
    "data_visualization": _accept,
    "divider": _accept,
    "file": _accept,
    "header": _check_header,
    "image": _check_image,
    "input": _check_input,
    "markdown": _check_markdown,
    "plan": _accept,
    "rich_text": _check_rich_text,
    "section": _check_section,
    "table": _check_table,
    "task_card": _accept,
    "video": _accept,
}


def checked_metadata(value: Any) -> Json | None:
    """Return message metadata after checking it; None for an empty object.

    Raises:
        RefusedError: `invalid_metadata_format` or `metadata_too_large`.
    """
    metadata = as_object(value)
    if value is None or metadata == {} == value:
        return None
    if not isinstance(metadata.get("event_type"), str) or not metadata["event_type"]:
        raise RefusedError("invalid_metadata_format")
    if not isinstance(metadata.get("event_payload"), dict):
        raise RefusedError("invalid_metadata_format")
    if len(json.dumps(metadata).encode()) > _METADATA_BYTES_MAX:
        raise RefusedError("metadata_too_large")
    return metadata
