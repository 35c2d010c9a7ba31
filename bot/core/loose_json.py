"""JSON of others: absent, null and the wrong type are one and the same.

Nothing here raises: what does not fit the expected shape reads as empty.
"""

import json
import re
from collections.abc import Mapping
from typing import cast

MAX_ID_CHARS = 512
"""Of an id, model name and the like; our own bound, far above any: databases index them."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_LARGEST_COUNT = 2**53 - 1
"""Beyond it readers of JSON lose digits (RFC 8259, section 6), and soon databases refuse."""


def parse_object(text: str | bytes) -> Mapping[str, object] | None:
    """Return the JSON object that `text` holds, or None when it holds anything else."""
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError):  # RecursionError: nested deeper than Python goes
        return None
    return as_object(value)


def as_object(value: object) -> Mapping[str, object] | None:
    """Return `value` when it is a JSON object, else None."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else None


def object_at(holder: Mapping[str, object], key: str) -> Mapping[str, object]:
    """Return the object under `key`; empty when there is none."""
    return as_object(holder.get(key)) or {}


def objects_at(holder: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    """Return the objects in the list under `key`; other entries are left out."""
    value = holder.get(key)
    if not isinstance(value, list):
        return []
    return [entry for item in cast("list[object]", value) if (entry := as_object(item)) is not None]


def text_at(holder: Mapping[str, object], key: str) -> str:
    """Return the text under `key`, safe to encode and to store; empty when there is none."""
    return mend_surrogates(delta_at(holder, key)).replace("\0", "")  # PostgreSQL refuses NUL


def id_at(holder: Mapping[str, object], key: str) -> str:
    """Return the text under `key`; empty when there is none or it is longer than any id."""
    text = text_at(holder, key)
    return text if len(text) <= MAX_ID_CHARS else ""


def delta_at(holder: Mapping[str, object], key: str) -> str:
    """Return the text under `key` as it came: it may begin or end with half a surrogate pair."""
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def as_text(value: object) -> str:
    """Return text as it is, nothing for null, and any other JSON value written out."""
    if isinstance(value, str):
        return value
    try:
        return "" if value is None else json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return ""


def count_at(holder: Mapping[str, object], key: str) -> int:
    """Return the whole number under `key`; 0 when there is none, or none anybody could count."""
    value = holder.get(key)
    return value if type(value) is int and 0 < value <= _LARGEST_COUNT else 0


def mend_surrogates(text: str) -> str:
    r"""Join escaped surrogate pairs and replace lone halves, so that the text can be encoded.

    JSON may spell one character as `\ud83d\ude00`, and a stream may cut between the two.
    """
    if _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
