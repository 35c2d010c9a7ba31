"""JSON objects as the tables hold them."""

import json
from collections.abc import Mapping
from typing import Any, cast


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy made of dicts, lists and plain values, as it will be read back.

    Raises:
        ValueError: It holds a number JSON has no way to write.
        TypeError: It holds something that is no JSON.
    """
    return json.loads(json.dumps(values, default=_to_dict, allow_nan=False))


def is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two plain objects say the same; unlike Python, 1, 1.0 and true differ."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _to_dict(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, Any]", value))
    raise TypeError(f"{type(value).__name__} is no JSON")
