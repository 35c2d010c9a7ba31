"""DashScope's errors -> our tree: by code first, by HTTP status only when the code says nothing.

The status alone misleads: an overdue bill is a 429 like real throttling, an unpaid account a 400,
and a stream that breaks carries 200. Codes are spelled in several ways (`DataInspectionFailed`,
`data_inspection_failed`), so they are compared by prefix, in lower case, without punctuation.
(Source: Model Studio's "Error codes" page.)
"""

import re
from collections.abc import Mapping

from bot.core.loose_json import object_at, parse_object, text_at
from bot.core.sse import SseDecoder
from bot.errors import (
    AccountProblem,
    ContentBlocked,
    DashScopeError,
    FileUnreachable,
    MemoryGone,
    Misconfigured,
    RequestRefused,
    SessionLost,
    Throttled,
    UpstreamFailed,
    UpstreamGarbled,
    UpstreamTimeout,
)

MAX_ERROR_BYTES = 64 * 1024
"""More of an error's body is not read; our own bound."""

_MAX_DETAIL_CHARS = 2000
_PUNCTUATION = re.compile(r"[^a-z0-9]+")
_DOWNLOAD = re.compile(r"download|mediaresource")
"""In "Unable to download the media resource during the data inspection process." and the like."""
_SESSION = re.compile(r"session|会话")
_SESSION_FILE = re.compile(r"session[ _-]?file|file_session|会话文件")
_MEMORY = re.compile(r"(?<!out of )memory|记忆")
_GONE = re.compile(
    r"expire|exist|invalid|unknown|lost|gone|no longer|not[ _-]?(?:found|valid|belong)"
    r"|过期|失效|无效|不存在|丢失|结束|找不到|未找到"
)
_STREAM_MODE = re.compile(
    r"message_format|stream(?:ing)?[ _-]?mode"
    r"|unsupported[ _-]value|value.{0,40}not[ _-]supported|流式|不支持"
)
_VAGUE_CODES = frozenset(
    {"invalidparameter", "badrequest", "notfound", "accessdenied", "internalerror", "systemerror"}
)
"""They say what kind of failure it is, and nothing of its reason."""
_APP_ID_IS_WRONG = re.compile(r"app.*(?:notfound|invalid|notpublished)|invalid.*app")

_CLASSES: tuple[tuple[type[DashScopeError], tuple[str, ...]], ...] = (
    (
        AccountProblem,
        (
            "arrearage", "commoditynotpurchased", "prepaidbilloverdue", "postpaidbilloverdue",
            "accessdeniedunpurchased", "allocationquotafreetieronly",
        ),
    ),
    (ContentBlocked, ("datainspection", "customroleblocked", "faqruleblocked", "ipinfringement")),
    (
        UpstreamTimeout,
        ("requesttimeout", "responsetimeout", "internalerrortimeout", "gatewaytimeout"),
    ),
    (Throttled, ("throttling", "limitrequests", "insufficientquota", "ratelimit")),
    (
        UpstreamFailed,
        (
            "internalerror", "systemerror", "modelservicefailed", "rewritefailed",
            "retrievalfailed", "retrivalfailed", "modelunavailable", "modelserving",
            "serviceunavailable", "appprocessfailed", "invokepluginfailed",
        ),
    ),
    (
        Misconfigured,
        (
            "invalidapikey", "notauthorized", "accessdenied", "appaccessdenied",
            "modelaccessdenied", "workspaceaccessdenied", "modelnotfound", "workspacenotfound",
            "notfound", "flownotpublished",
        ),
    ),
    (
        RequestRefused,
        (
            "invalidparameter", "badrequest", "invalidurl", "unsupportedoperation",
            "clientdisconnect",
        ),
    ),
)  # fmt: skip

_CLASS_OF_STATUS: Mapping[int, type[DashScopeError]] = {
    401: Misconfigured,
    402: AccountProblem,
    403: Misconfigured,
    404: Misconfigured,
    405: Misconfigured,
    408: UpstreamTimeout,
    429: Throttled,
    504: UpstreamTimeout,
}


def classify(
    *,
    status: int | None,
    code: str,
    message: str,
    request_id: str | None = None,
    retry_after_s: float | None = None,
) -> DashScopeError:
    """Return the error of the right class, not raised.

    Args:
        status: Of the response, or of the stream's comment; None when neither is known.
        code: DashScope's; may be empty.
        message: DashScope's; a workflow's may itself be JSON about the node that failed.
        request_id: For DashScope's support.
        retry_after_s: What the gateway asked for.
    """
    detail = _unwrap(message)
    kind = _class_of(plain_code(code), status=status, detail=detail)
    return kind(
        detail[:_MAX_DETAIL_CHARS],
        code=code,
        status=status,
        request_id=request_id,
        retry_after_s=retry_after_s,
    )


def parse_error_body(
    body: bytes,
    *,
    status: int | None,
    request_id_header: str | None = None,
    retry_after_s: float | None = None,
) -> DashScopeError:
    """Return the error a whole body tells of, whatever its content type says.

    It may be JSON, JSON under `error`, a server-sent event, HTML of some gateway, or nothing.

    Args:
        body: At most `MAX_ERROR_BYTES` of it are looked at.
        status: Of the response; the one in a stream's comment counts when this is no error.
        request_id_header: `x-request-id`, for bodies without an id.
        retry_after_s: What the gateway asked for.
    """
    body = body[:MAX_ERROR_BYTES]
    found = parse_object(body)
    if found is None:
        found, told = _first_frame(body)
        status = told if told is not None and (status is None or status < 400) else status
    return read_error(
        found if found is not None else {"message": body.decode("utf-8", "replace").strip()},
        status=status,
        request_id=request_id_header,
        retry_after_s=retry_after_s,
    )


def read_error(
    body: Mapping[str, object],
    *,
    status: int | None,
    request_id: str | None = None,
    retry_after_s: float | None = None,
) -> DashScopeError:
    """Return the error a JSON object tells of.

    Args:
        body: Flat or nested under `error`; every key may be missing.
        status: As in `classify`.
        request_id: Used when the body has none.
        retry_after_s: As in `classify`.
    """
    inner = object_at(body, "error")
    return classify(
        status=status,
        code=code_of(body),
        message=text_at(body, "message") or text_at(body, "msg") or text_at(inner, "message"),
        request_id=text_at(body, "request_id") or text_at(body, "requestId") or request_id,
        retry_after_s=retry_after_s,
    )


def code_of(body: Mapping[str, object]) -> str:
    """Return the error code in a JSON object; empty when it holds none."""
    inner = object_at(body, "error")
    return text_at(body, "code") or text_at(inner, "code") or text_at(inner, "type")


def plain_code(code: str) -> str:
    """Return a code in the form codes are compared in."""
    return _PUNCTUATION.sub("", code.lower())


def general_class(code: str, *, status: int | None) -> type[DashScopeError]:
    """Return what a code, or else a status, says by itself.

    Args:
        code: In the form `plain_code` returns.
        status: As in `classify`.
    """
    return _class_of_code(code) or _class_of_status(status)


def is_unexplained(error: DashScopeError) -> bool:
    """Whether a failure leaves open that what its question named is gone: session or memory.

    How DashScope says so is not documented, so every failure counts whose reason is not told.
    """
    return _is_vague(plain_code(error.code), kind=type(error), status=error.status)


def refuses_stream_mode(error: DashScopeError) -> bool:
    """Whether a request was refused for how its workflow was to stream, as far as words tell.

    What DashScope says where it does not know a mode is not documented.
    """
    is_refused = type(error) is RequestRefused
    return is_refused and _STREAM_MODE.search(error.detail.lower()) is not None


def _is_vague(code: str, *, kind: type[DashScopeError], status: int | None) -> bool:
    """Whether code and status leave the reason open."""
    if kind not in {RequestRefused, Misconfigured, UpstreamFailed}:
        return False
    if _class_of_code(code) is not None:
        return code in _VAGUE_CODES
    return kind is RequestRefused or status in {None, 200, 403, 404, 500}


def _class_of(code: str, *, status: int | None, detail: str) -> type[DashScopeError]:
    kind = general_class(code, status=status)
    whole, inside = f"{code} {detail.lower()}", plain_code(detail)
    says_gone = _GONE.search(whole) and _is_vague(code, kind=kind, status=status)
    # A refused request that names it means it; any other failure must say as well that it is gone.
    told = whole if kind is RequestRefused or says_gone else ""
    named = told or (code if kind is Misconfigured else "")
    if _SESSION.search(named) and not _SESSION_FILE.search(whole):
        return SessionLost
    if _MEMORY.search(named):
        return MemoryGone
    if kind is Throttled and "freeallocatedquotaexceeded" in inside:
        return AccountProblem  # a 429 that no waiting ends
    if kind in {RequestRefused, UpstreamFailed} and "datainspection" in code + inside:
        return _of_inspection(kind, detail=inside)
    if kind is UpstreamFailed and "throttling" in inside:
        return Throttled
    return kind


def _of_inspection(kind: type[DashScopeError], *, detail: str) -> type[DashScopeError]:
    """Return what an inspection found: a file that cannot be had, or what may not be said."""
    if _DOWNLOAD.search(detail):
        return FileUnreachable
    return ContentBlocked if kind is UpstreamFailed else kind  # a workflow's node was refused


def _class_of_code(code: str) -> type[DashScopeError] | None:
    for kind, prefixes in _CLASSES:
        if code.startswith(prefixes):
            return kind
    return Misconfigured if _APP_ID_IS_WRONG.search(code) else None


def _class_of_status(status: int | None) -> type[DashScopeError]:
    if status is None or not 300 <= status < 500:
        return _CLASS_OF_STATUS.get(status or 0, UpstreamFailed)
    if status < 400:
        return Misconfigured  # a redirect: the base address is another one
    return _CLASS_OF_STATUS.get(status, RequestRefused)


def _unwrap(message: str) -> str:
    """Return a workflow's message as `node: what happened`; any other message as it is."""
    inside = parse_object(message) or {}
    told = text_at(inside, "errorInfo").strip()
    return f"{text_at(inside, 'nodeName')}: {told}" if told else message


def _first_frame(body: bytes) -> tuple[Mapping[str, object] | None, int | None]:
    """Return the first event with an object as its data, and its status."""
    decoder = SseDecoder()
    try:
        events = [*decoder.feed(body), *decoder.finish()]
    except UpstreamGarbled:  # pragma: no cover - the body is far below the decoder's bound
        return None, None
    for event in events:
        found = parse_object(event.data)
        if found is not None:
            return found, event.status
    return None, None
