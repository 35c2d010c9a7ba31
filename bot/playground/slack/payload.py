"""JSON objects as they travel, and Slack's way of saying no."""

from collections.abc import Iterator
from typing import Any, TypeAlias, cast

Json: TypeAlias = dict[str, Any]


class RefusedError(Exception):
    """A Web API call was refused.

    Attributes:
        code: Slack's error code, such as `channel_not_found`.
        details: Further fields of the answer, such as `needed` and `provided`.
    """

    def __init__(self, code: str, **details: Any) -> None:
        self.code = code
        self.details = details
        super().__init__(code)

    @property
    def body(self) -> Json:
        """The answer that says so."""
        return {"ok": False, "error": self.code, **self.details}


class RateLimitedError(RefusedError):
    """A Web API call came before its turn.

    Attributes:
        retry_after_s: Whole seconds to wait, at least 1.
    """

    def __init__(self, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__("ratelimited")


def as_object(value: Any) -> Json:
    """Return `value` if it is an object, else an empty one."""
    return cast("Json", value) if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """Return `value` if it is a list, else an empty one."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_text(value: Any) -> str:
    """Return `value` if it is a string, else an empty one."""
    return value if isinstance(value, str) else ""


def objects(value: Any) -> Iterator[Json]:
    """Yield the objects of a list, nothing for anything else."""
    for item in as_list(value):
        if isinstance(item, dict):
            yield cast("Json", item)
