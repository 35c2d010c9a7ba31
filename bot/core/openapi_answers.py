"""What Alibaba Cloud's OpenAPI answers: an object, or an error of our tree.

Memories answer in camelCase, files in PascalCase under `Data`, errors in either. Every key is
read with a small first letter, so that callers know one spelling.
"""

from collections.abc import Mapping
from typing import cast

from bot.core.failures import MAX_ERROR_BYTES, classify, general_class, plain_code
from bot.core.loose_json import parse_object, text_at
from bot.errors import (
    DashScopeError,
    MemoryGone,
    Misconfigured,
    RequestRefused,
    SessionLost,
    UpstreamGarbled,
)

_OPERATORS_FAULT = (
    "signaturedoesnotmatch", "incompletesignature", "invalidaccesskeyid", "inactiveaccesskey",
    "invalidtimestamp", "illegaltimestamp", "invalidsecuritytoken", "missingsecuritytoken",
    "forbidden", "nopermission", "unauthorized", "invalidapi", "invalidaction", "invalidversion",
    "nosuchversion", "invalidproduct", "unsupportedhttpmethod", "workspace", "invalidworkspace",
)  # fmt: skip
"""The key, its rights, the clock, the workspace or the address is wrong ("Common errors")."""

_DEPTH = 8
"""Objects and lists inside each other; answers have four at most."""

_ABSENT = ("notfound", "notexist")


def read_answer(
    body: bytes,
    *,
    status: int,
    absent: type[DashScopeError] = RequestRefused,
    retry_after_s: float | None = None,
) -> Mapping[str, object]:
    """Return the object of an answer; every key begins with a small letter.

    Args:
        body: All of it.
        status: Of the response.
        absent: Raised when what the call names does not exist. Which code says so is not
            documented (UNVERIFIED): one with NotFound or NotExist in it, or any other with 404.
        retry_after_s: What the gateway asked to wait.

    Raises:
        DashScopeError: The answer is an error, or (UpstreamGarbled) no JSON object.
    """
    found = parse_object(body)
    answer = cast("dict[str, object]", _camelled(found)) if found is not None else {}
    if 200 <= status < 300 and found is None:
        raise UpstreamGarbled("the answer is no JSON object", status=status)
    if 200 <= status < 300 and answer.get("success") is not False:
        return answer
    raise _error(
        answer or {"message": body[:MAX_ERROR_BYTES].decode("utf-8", "replace")},
        status=_status_of(answer, status=status),
        absent=absent,
        retry_after_s=retry_after_s,
    )


def _error(
    answer: Mapping[str, object],
    *,
    status: int,
    absent: type[DashScopeError],
    retry_after_s: float | None,
) -> DashScopeError:
    error = classify(
        status=status,
        code=text_at(answer, "code"),
        message=text_at(answer, "message"),
        request_id=text_at(answer, "requestId") or None,
        retry_after_s=retry_after_s,
    )
    kind = _kind_of(error, absent=absent)
    return kind(
        error.detail,
        code=error.code,
        status=error.status,
        request_id=error.request_id,
        retry_after_s=error.retry_after_s,
    )


def _kind_of(error: DashScopeError, *, absent: type[DashScopeError]) -> type[DashScopeError]:
    code = plain_code(error.code)
    if code.startswith(_OPERATORS_FAULT):
        return Misconfigured
    is_general = isinstance(error, Misconfigured | RequestRefused)
    if is_general and (any(word in code for word in _ABSENT) or (code and error.status == 404)):
        return absent
    if isinstance(error, SessionLost | MemoryGone):  # files and arguments are called so
        return general_class(code, status=error.status)
    return type(error)


def _status_of(answer: Mapping[str, object], *, status: int) -> int:
    """Return the status of an error; one that came under 200 says its own."""
    if status >= 300:
        return status
    told = text_at(answer, "status")
    return int(told) if told.isascii() and told.isdigit() and len(told) == 3 else 400


def _camelled(value: object, *, depth: int = _DEPTH) -> object:
    """Return JSON with every key beginning with a small letter, as deep as answers go."""
    if depth == 0:
        return value
    if isinstance(value, dict):
        pairs = cast("dict[str, object]", value)
        return {
            key[:1].lower() + key[1:]: _camelled(inside, depth=depth - 1)
            for key, inside in pairs.items()
        }
    if isinstance(value, list):
        return [_camelled(inside, depth=depth - 1) for inside in cast("list[object]", value)]
    return value
