"""How DashScope says no: codes, statuses and the many shapes of an error's body.

Codes and statuses are those of the vendor's page "Error codes"; the shapes were all seen in public
reports about the app completion call.
"""

import json
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, assert_never

from bot.playground.dashscope.captures import JSON, SSE
from bot.playground.dashscope.wire import dump, frame


class Shape(Enum):
    """What an error's body looks like."""

    JSON = "the documented object"
    JSON_UNDER_200 = "the documented object, but status 200"
    SSE = "an SSE frame labelled as one"
    SSE_LABELLED_JSON = "an SSE frame labelled application/json"
    NESTED = "OpenAI's nesting"
    HTML = "a proxy's page"
    EMPTY = "nothing at all"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that gets an error instead of an answer.

    Attributes:
        status: The HTTP status.
        code: DashScope's code.
        message: DashScope's text; for ModelServiceFailed JSON inside a string.
        shape: What the body looks like.
        retry_after_s: Sent as Retry-After when set.
    """

    status: int
    code: str
    message: str
    shape: Shape = Shape.JSON
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """A refusal as HTTP: what stands in the status line, the headers and the body."""

    status: int
    headers: dict[str, str]
    body: bytes


INVALID_KEY = Refusal(401, "InvalidApiKey", "Invalid API-key provided.")
NO_KEY = Refusal(401, "InvalidApiKey", "No API-key provided.")
UNKNOWN_WORKSPACE = Refusal(401, "NOT AUTHORIZED", "The workspace does not accept this API-key.")
APP_DENIED = Refusal(403, "App.AccessDenied", "App access denied.")
UNPUBLISHED = Refusal(400, "FlowNotPublished", "The flow has not been published, publish it first.")
NOT_FOUND = Refusal(404, "NotFound", "Not found!")
EMPTY_INPUT = Refusal(
    400, "BadRequest.EmptyInput", "Required input parameter missing from request."
)
LOST_SESSION = Refusal(400, "InvalidParameter", "input.session_id is unknown or has expired.")
LOST_MEMORY = Refusal(400, "InvalidParameter", "input.memory_id does not exist.")
FILE_NOT_READY = Refusal(
    400, "InvalidParameter", "rag_options.session_file_ids names a file that is not FILE_IS_READY."
)
"""The agents' calling guide demands files that are ready; what others get is not documented."""
OUT_OF_TIME = Refusal(500, "RequestTimeOut", "Request timed out, please try streaming instead.")

_NODE_FAILURE = json.dumps(
    {
        "nodeName": "LLM1",
        "errorInfo": " 400  InternalError.Algo: An error occurred in model serving.",
        "nodeId": "LLM_Mqdp",
    }
)

NAMED = {
    "throttling": Refusal(
        429, "Throttling.RateQuota", "Requests rate limit exceeded, please try again later."
    ),
    "quota": Refusal(
        429,
        "Throttling.AllocationQuota",
        "Allocated quota exceeded, please increase your quota limit.",
    ),
    "free-quota": Refusal(429, "Throttling.AllocationQuota", "Free allocated quota exceeded."),
    "overdue": Refusal(429, "PostpaidBillOverdue", "The postpaid bill is overdue."),
    "arrears": Refusal(
        400, "Arrearage", "Access denied, please make sure your account is in good standing."
    ),
    "inspection": Refusal(
        400, "DataInspectionFailed", "Output data may contain inappropriate content."
    ),
    "key": INVALID_KEY,
    "denied": APP_DENIED,
    "unpublished": UNPUBLISHED,
    "parameter": Refusal(400, "InvalidParameter", "Required parameter is missing or invalid."),
    "node": Refusal(500, "ModelServiceFailed", _NODE_FAILURE),
    "server": Refusal(500, "InternalError", "An internal error has occurred."),
    "timeout": Refusal(500, "RequestTimeOut", "Request timed out, please try again later."),
    "unavailable": Refusal(
        503, "ModelUnavailable", "Model is unavailable, please try again later."
    ),
    "gateway": Refusal(502, "BadGateway", "Bad gateway", shape=Shape.HTML),
    "empty": Refusal(503, "ServiceUnavailable", "", shape=Shape.EMPTY),
}
"""Errors by a short name, for tests and for people who type `!error name`."""

LOST_SESSIONS = {
    "parameter": LOST_SESSION,
    "under 200": replace(LOST_SESSION, shape=Shape.JSON_UNDER_200),
    "event": replace(LOST_SESSION, shape=Shape.SSE),
    "code": Refusal(404, "SessionNotFound", ""),
    "not found": Refusal(404, "NotFound", "Session not found!"),
    "denied": Refusal(403, "AccessDenied", "The session does not belong to this app."),
    "server": Refusal(500, "InternalError", "session expired"),
    "system": Refusal(500, "SystemError", "The session is lost."),
    "chinese": Refusal(400, "InvalidParameter", "会话已过期"),
    "chinese server": Refusal(500, "InternalError", "会话不存在"),
}
LOST_MEMORIES = {
    "parameter": LOST_MEMORY,
    "not found": Refusal(404, "NotFound", "Memory not found!"),
    "denied": Refusal(403, "AccessDenied", "The memory does not belong to this workspace."),
    "server": Refusal(500, "InternalError", "memory not exist"),
    "chinese": Refusal(400, "InvalidParameter", "记忆不存在"),
}
UNTOLD = {
    "parameter": NAMED["parameter"],
    "not found": NOT_FOUND,
    "denied": Refusal(403, "AccessDenied", "Access denied."),
    "server": NAMED["server"],
}
"""What a lost session or a deleted memory really gets is not documented. So these are invented:
those that say what is gone, and those that could be anything."""


def invalid_parameter(problem: str) -> Refusal:
    """Return the refusal of a request whose form is wrong; `problem` names the field."""
    return Refusal(400, "InvalidParameter", problem)


def error_object(refusal: Refusal, *, request_id: str) -> dict[str, Any]:
    """Return the documented error object."""
    return {"code": refusal.code, "message": refusal.message, "request_id": request_id}


def render(refusal: Refusal, *, request_id: str) -> Rendered:
    """Return the refusal as HTTP, in its shape."""
    content_type, body = _body(refusal, error_object(refusal, request_id=request_id))
    headers = {"Content-Type": content_type, "x-request-id": request_id}
    if refusal.retry_after_s is not None:
        headers["Retry-After"] = f"{refusal.retry_after_s:g}"
    status = 200 if refusal.shape is Shape.JSON_UNDER_200 else refusal.status
    return Rendered(status=status, headers=headers, body=body)


def _body(refusal: Refusal, error: dict[str, Any]) -> tuple[str, bytes]:
    """Return content type and body."""
    match refusal.shape:
        case Shape.JSON | Shape.JSON_UNDER_200:
            return JSON, dump(error)
        case Shape.SSE | Shape.SSE_LABELLED_JSON as shape:
            framed = frame(error, number=1, event="error", status=refusal.status)
            return SSE if shape is Shape.SSE else JSON, framed
        case Shape.NESTED:
            nested = {
                "code": refusal.code,
                "message": refusal.message,
                "type": "invalid_request_error",
            }
            return JSON, dump({"error": nested})
        case Shape.HTML:
            title = f"{refusal.status} {refusal.message}"
            page = f"<html><head><title>{title}</title></head><body>{title}</body></html>"
            return "text/html", page.encode()
        case Shape.EMPTY:
            return "text/plain", b""
    assert_never(refusal.shape)
