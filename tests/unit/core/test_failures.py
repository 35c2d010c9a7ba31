"""Errors of DashScope -> our classes."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.failures import classify, is_unexplained, parse_error_body, refuses_stream_mode
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
    UpstreamUnreachable,
)

FIXTURES = Path(__file__).parents[2] / "fixtures" / "dashscope"

CODES: list[tuple[int | None, str, type[DashScopeError]]] = [
    (400, "InvalidParameter", RequestRefused),
    (400, "BadRequest.EmptyInput", RequestRefused),
    (400, "InvalidURL", RequestRefused),
    (400, "UnsupportedOperation", RequestRefused),
    (400, "ClientDisconnect", RequestRefused),
    (400, "DataInspectionFailed", ContentBlocked),
    (400, "data_inspection_failed", ContentBlocked),
    (400, "CustomRoleBlocked", ContentBlocked),
    (400, "FaqRuleBlocked", ContentBlocked),
    (400, "IPInfringementSuspect", ContentBlocked),
    (400, "Arrearage", AccountProblem),
    (400, "FlowNotPublished", Misconfigured),
    (400, "InvalidAppId", Misconfigured),
    (400, "App.InvalidAppId", Misconfigured),
    (400, "AppNotFound", Misconfigured),
    (401, "InvalidApiKey", Misconfigured),
    (401, "invalid_api_key", Misconfigured),
    (401, "NOT AUTHORIZED", Misconfigured),
    (403, "App.AccessDenied", Misconfigured),
    (403, "AccessDenied", Misconfigured),
    (403, "AccessDenied.Unpurchased", AccountProblem),
    (403, "Model.AccessDenied", Misconfigured),
    (403, "Workspace.AccessDenied", Misconfigured),
    (403, "AllocationQuota.FreeTierOnly", AccountProblem),
    (404, "ModelNotFound", Misconfigured),
    (404, "model_not_found", Misconfigured),
    (404, "WorkSpaceNotFound", Misconfigured),
    (404, "NotFound", Misconfigured),
    (429, "Throttling", Throttled),
    (429, "Throttling.RateQuota", Throttled),
    (429, "LimitRequests", Throttled),
    (429, "Throttling.BurstRate", Throttled),
    (429, "Throttling.AllocationQuota", Throttled),
    (429, "insufficient_quota", Throttled),
    (400, "Throttling.RateQuota", Throttled),
    (429, "CommodityNotPurchased", AccountProblem),
    (429, "PrepaidBillOverdue", AccountProblem),
    (429, "PostpaidBillOverdue", AccountProblem),
    (500, "InternalError", UpstreamFailed),
    (500, "InternalError.Algo", UpstreamFailed),
    (500, "InternalError.Timeout", UpstreamTimeout),
    (500, "SystemError", UpstreamFailed),
    (500, "ModelServiceFailed", UpstreamFailed),
    (500, "RetrivalFailed", UpstreamFailed),
    (500, "RequestTimeOut", UpstreamTimeout),
    (500, "ResponseTimeout", UpstreamTimeout),
    (500, "AppProcessFailed", UpstreamFailed),
    (500, "InvokePluginFailed", UpstreamFailed),
    (500, "ModelServingError", UpstreamFailed),
    (503, "ModelUnavailable", UpstreamFailed),
    (504, "GatewayTimeout", UpstreamTimeout),
    (None, "InternalError.Algo", UpstreamFailed),
]

STATUSES: list[tuple[int | None, type[DashScopeError]]] = [
    (None, UpstreamFailed),
    (200, UpstreamFailed),
    (302, Misconfigured),
    (400, RequestRefused),
    (401, Misconfigured),
    (402, AccountProblem),
    (403, Misconfigured),
    (404, Misconfigured),
    (408, UpstreamTimeout),
    (413, RequestRefused),
    (429, Throttled),
    (500, UpstreamFailed),
    (502, UpstreamFailed),
    (504, UpstreamTimeout),
]


@pytest.mark.parametrize(("status", "code", "expected"), CODES)
def test_a_known_code_decides(
    status: int | None, code: str, expected: type[DashScopeError]
) -> None:
    assert type(classify(status=status, code=code, message="")) is expected


@pytest.mark.parametrize(("status", "expected"), STATUSES)
@pytest.mark.parametrize("code", ["", "NeverHeardOf"])
def test_the_status_decides_when_the_code_says_nothing(
    code: str, status: int | None, expected: type[DashScopeError]
) -> None:
    assert type(classify(status=status, code=code, message="")) is expected


def test_a_quota_that_was_free_and_is_used_up_is_no_throttling() -> None:
    error = classify(
        status=429, code="Throttling.AllocationQuota", message="Free allocated quota exceeded."
    )
    assert type(error) is AccountProblem


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("400 DataInspectionFailed: Output data may contain ...", ContentBlocked),
        (
            "400 InvalidParameter.DataInspection: Unable to download the media resource ...",
            FileUnreachable,
        ),
        (" 429 Throttling.RateQuota: ...", Throttled),
        ("400 InternalError.Algo: rejected", UpstreamFailed),
    ],
)
def test_a_failed_node_of_a_workflow_is_looked_into(
    told: str, expected: type[DashScopeError]
) -> None:
    message = json.dumps({"nodeName": "LLM1", "errorInfo": told, "nodeId": "LLM_x"})
    error = classify(status=500, code="ModelServiceFailed", message=message)
    assert type(error) is expected
    assert error.detail == f"LLM1: {told.strip()}"


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (400, "InvalidParameter", "session_id is expired", SessionLost),
        (400, "InvalidSessionId", "", SessionLost),
        (404, "SessionNotFound", "", SessionLost),
        (400, "InvalidParameter", "memory_id does not exist", MemoryGone),
        (404, "Memory.NotFound", "", MemoryGone),
        (403, "AccessDenied.Session", "", SessionLost),
        (404, "NotFound", "Session not found!", SessionLost),
        (403, "AccessDenied", "The session does not belong to this app.", SessionLost),
        (500, "InternalError", "session expired", SessionLost),
        (500, "SystemError", "The session is expired.", SessionLost),
        (410, "", "session gone", SessionLost),
        (None, "", "unknown session", SessionLost),
        (400, "InvalidParameter", "会话已过期", SessionLost),
        (500, "InternalError", "会话不存在", SessionLost),
        (404, "NotFound", "Memory not found!", MemoryGone),
        (403, "AccessDenied", "memory does not belong to this workspace", MemoryGone),
        (500, "InternalError", "memory not exist", MemoryGone),
        (400, "InvalidParameter", "记忆不存在", MemoryGone),
        (500, "InternalError", "out of memory", UpstreamFailed),
        (400, "InvalidParameter", "session_file of this session is not ready", RequestRefused),
        (400, "InvalidParameter", "file_session_0123 does not exist", RequestRefused),
        (400, "SessionFileNotFound", "", RequestRefused),
        (400, "InvalidParameter", "会话文件不存在", RequestRefused),
        (500, "InvokePluginFailed", "the shop's session expired", UpstreamFailed),
        (503, "ServiceUnavailable", "session not found", UpstreamFailed),
        (401, "InvalidApiKey", "no session", Misconfigured),
        (400, "InvalidParameter", "rag_options.session_file_ids is wrong", RequestRefused),
        (429, "Throttling", "too many sessions", Throttled),
        (500, "InternalError", "session store", UpstreamFailed),
    ],
)
def test_a_failure_that_names_the_session_is_a_lost_session_and_never_its_files(
    status: int, code: str, message: str, expected: type[DashScopeError]
) -> None:
    assert type(classify(status=status, code=code, message=message)) is expected


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (
            "InvalidParameter.DataInspection",
            "Unable to download the media resource during the data inspection process.",
            FileUnreachable,
        ),
        (
            "invalid_parameter.data_inspection",
            "Failed to find the requested media resource during the data inspection process.",
            FileUnreachable,
        ),
        ("InvalidParameter.DataInspection", "The text is too long to inspect.", RequestRefused),
        ("InvalidParameter", "download is no parameter", RequestRefused),
        ("DataInspectionFailed", "The download may contain ...", ContentBlocked),
    ],
)
def test_a_refusal_that_names_a_download_is_a_file_out_of_reach(
    code: str, message: str, expected: type[DashScopeError]
) -> None:
    assert type(classify(status=400, code=code, message=message)) is expected


@pytest.mark.parametrize(
    ("status", "code", "is_open"),
    [
        (400, "InvalidParameter", True),
        (404, "NotFound", True),
        (403, "AccessDenied", True),
        (500, "InternalError", True),
        (None, "SystemError", True),
        (400, "", True),
        (403, "NeverHeardOf", True),
        (500, "", True),
        (None, "", True),
        (400, "InvalidParameter.DataInspection", False),
        (403, "App.AccessDenied", False),
        (400, "FlowNotPublished", False),
        (401, "InvalidApiKey", False),
        (401, "", False),
        (302, "", False),
        (429, "Throttling", False),
        (429, "", False),
        (400, "Arrearage", False),
        (400, "DataInspectionFailed", False),
        (500, "ModelServiceFailed", False),
        (500, "RequestTimeOut", False),
        (502, "", False),
        (503, "", False),
    ],
)
def test_a_failure_whose_reason_is_told_says_nothing_of_session_and_memory(
    status: int | None, code: str, *, is_open: bool
) -> None:
    assert is_unexplained(classify(status=status, code=code, message="")) is is_open


def test_what_is_told_in_the_text_is_a_reason_too() -> None:
    throttled = classify(status=500, code="InternalError", message="429 Throttling.RateQuota")
    lost = classify(status=400, code="InvalidParameter", message="session_id is expired")
    assert not is_unexplained(throttled)
    assert not is_unexplained(lost)


@pytest.mark.parametrize("error", [UpstreamTimeout(), UpstreamUnreachable(), UpstreamGarbled()])
def test_a_network_says_nothing_of_session_and_memory(error: DashScopeError) -> None:
    assert not is_unexplained(error)


@pytest.mark.parametrize(
    ("code", "status", "message", "expected"),
    [
        ("InvalidParameter", 400, "parameters.flow_stream_mode is invalid", True),
        ("InvalidParameter", 400, "Stream mode message_format_plus is unknown", True),
        ("InvalidParameter", 200, "Unsupported value.", True),
        ("", 422, "The value 'x' is not supported", True),
        ("InvalidParameter", 400, "不支持的流式模式", True),
        ("InvalidParameter", 400, "Required parameter is missing or invalid.", False),
        ("InternalError", 500, "flow_stream_mode", False),
        ("InvalidApiKey", 401, "flow_stream_mode", False),
        ("InvalidParameter", 400, "The session does not know the stream mode", False),
    ],
)
def test_only_a_refusal_that_speaks_of_it_is_about_the_stream_mode(
    code: str, status: int, message: str, expected: bool
) -> None:
    error = classify(status=status, code=code, message=message)
    assert refuses_stream_mode(error) is expected


def test_everything_told_is_kept_as_data() -> None:
    error = classify(
        status=429, code="Throttling", message="slow", request_id="r", retry_after_s=2.0
    )
    kept = (error.status, error.code, error.detail, error.request_id, error.retry_after_s)
    assert kept == (429, "Throttling", "slow", "r", 2.0)


BODIES: list[tuple[bytes, int | None, type[DashScopeError], str, int | None]] = [
    ((FIXTURES / "error_invalid_key.json").read_bytes(), 401, Misconfigured, "InvalidApiKey", 401),
    (
        (FIXTURES / "secondary/error_pre_stream_http400_body.txt").read_bytes(),
        *(400, AccountProblem, "Arrearage", 400),
    ),
    (
        (FIXTURES / "secondary/error_workflow_node_http500.json").read_bytes(),
        *(500, UpstreamFailed, "ModelServiceFailed", 500),
    ),
    (
        (FIXTURES / "secondary/error_nested_openai_http404.json").read_bytes(),
        *(404, Misconfigured, "model_not_found", 404),
    ),
    (b'{"error":{"type":"insufficient_quota"}}', 429, Throttled, "insufficient_quota", 429),
    (b"<html><h1>502 Bad Gateway</h1></html>", 502, UpstreamFailed, "", 502),
    (b"", 403, Misconfigured, "", 403),
    (b"", None, UpstreamFailed, "", None),
    (b"\xff\xfe\x00", 429, Throttled, "", 429),
    (b"data: [1]\n\n", 500, UpstreamFailed, "", 500),
    (b':HTTP_STATUS/429\ndata:{"code":"New"}\n\n', 200, Throttled, "New", 429),
    (b':HTTP_STATUS/429\ndata:{"code":"New"}\n\n', None, Throttled, "New", 429),
    (b':HTTP_STATUS/429\ndata:{"code":"New"}\n\n', 500, UpstreamFailed, "New", 500),
]


@pytest.mark.parametrize(("body", "status", "kind", "code", "told"), BODIES)
def test_an_error_is_read_from_any_shape_of_body(
    body: bytes, status: int | None, kind: type[DashScopeError], code: str, told: int | None
) -> None:
    error = parse_error_body(body, status=status)
    assert (type(error), error.code, error.status) == (kind, code, told)


def test_the_request_id_is_the_bodys_own_or_else_the_headers() -> None:
    both = parse_error_body(b'{"requestId":"b","msg":"m"}', status=400, request_id_header="h")
    assert (both.request_id, both.detail) == ("b", "m")
    assert parse_error_body(b"{}", status=400, request_id_header="h").request_id == "h"


def test_words_of_a_gateway_are_kept_within_bounds() -> None:
    assert parse_error_body(b" <html> ", status=502).detail == "<html>"
    assert len(parse_error_body(b"x" * 1_000_000, status=502).detail) <= 2000


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=8) | st.just("\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["code", "message", "msg", "error", "request_id", "errorInfo"]), inner
        )
        | inner.map(json.dumps)
    ),
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()), st.integers(100, 599))
def test_no_body_however_hostile_is_more_than_an_error(body: Any, status: int) -> None:
    error = parse_error_body(body, status=status)
    f"{error}{error.code}{error.detail}{error.request_id}".encode()


def test_the_vendors_words_are_not_in_the_text_of_an_error() -> None:
    assert "SECRET" not in str(classify(status=400, code="X", message="SECRET"))
