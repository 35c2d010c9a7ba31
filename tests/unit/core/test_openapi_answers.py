"""The OpenAPI's answers -> objects with one spelling, or errors of our tree."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.openapi_answers import read_answer
from bot.errors import (
    DashScopeError,
    MemoryGone,
    Misconfigured,
    RequestRefused,
    Throttled,
    UpstreamFailed,
    UpstreamGarbled,
    UpstreamTimeout,
)


def error_of(body: dict[str, Any] | bytes, *, status: int) -> DashScopeError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(DashScopeError) as caught:
        read_answer(raw, status=status, absent=MemoryGone)
    return caught.value


def test_every_key_is_read_with_a_small_first_letter() -> None:
    body = {"RequestId": "r1", "Data": {"Files": [{"FileId": "f1"}], "X-y": "Z"}, "memoryId": "m1"}
    assert read_answer(json.dumps(body).encode(), status=200) == {
        "requestId": "r1",
        "data": {"files": [{"fileId": "f1"}], "x-y": "Z"},
        "memoryId": "m1",
    }


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (429, "Throttling.User", Throttled),
        (400, "Throttling.Api", Throttled),
        (400, "Throttling", Throttled),
        (400, "SignatureDoesNotMatch", Misconfigured),
        (400, "IncompleteSignature", Misconfigured),
        (404, "InvalidAccessKeyId.NotFound", Misconfigured),
        (400, "InvalidAccessKeyId.Inactive", Misconfigured),
        (400, "InvalidTimeStamp.Expired", Misconfigured),
        (404, "InvalidApi.NotFound", Misconfigured),
        (403, "Forbidden.RAM", Misconfigured),
        (403, "NoPermission", Misconfigured),
        (404, "Workspace.NotFound", Misconfigured),
        (404, "", Misconfigured),
        (404, "Memory.NotFound", MemoryGone),
        (400, "MemoryNotExist", MemoryGone),
        (404, "NotFound", MemoryGone),
        (404, "whatever", MemoryGone),
        (400, "SignatureNonceUsed", RequestRefused),
        (400, "InvalidParameter", RequestRefused),
        (400, "MissingContent", RequestRefused),
        (500, "InternalError", UpstreamFailed),
        (503, "ServiceUnavailable", UpstreamFailed),
        (504, "", UpstreamTimeout),
    ],
)
def test_an_error_is_what_its_code_says(
    status: int, code: str, expected: type[DashScopeError]
) -> None:
    error = error_of({"Code": code, "Message": "words", "RequestId": "r1"}, status=status)
    assert type(error) is expected
    assert (error.code, error.status, error.request_id) == (code, status, "r1")


def test_either_spelling_of_an_error_is_understood() -> None:
    body = {"code": "Throttling.User", "message": "words", "requestId": "r1"}
    error = error_of(body, status=429)
    assert isinstance(error, Throttled)
    assert (error.request_id, error.detail) == ("r1", "words")


@pytest.mark.parametrize(("told", "status"), [("403", 403), ("", 400), ("canary", 400)])
def test_a_failure_under_200_is_a_failure(told: str, status: int) -> None:
    body = {"Success": False, "Code": "Index.Wrong", "Status": told, "Message": "words"}
    assert error_of(body, status=200).status == status


def test_words_about_sessions_and_memories_are_no_reason_here() -> None:
    body = {"Code": "InvalidParameter", "Message": "file_session_1 is wrong"}
    assert type(error_of(body, status=400)) is RequestRefused
    body = {"Code": "InternalError", "Message": "memory not exist"}
    assert type(error_of(body, status=500)) is UpstreamFailed


def test_what_is_no_object_is_garbled_or_says_what_its_status_says() -> None:
    assert isinstance(error_of(b"<html>", status=200), UpstreamGarbled)
    assert isinstance(error_of(b"", status=204), UpstreamGarbled)
    assert isinstance(error_of(b"<html>", status=502), UpstreamFailed)
    assert error_of(b"<html>", status=502).detail == "<html>"


@given(st.binary(), st.integers(min_value=200, max_value=599))
def test_no_bytes_make_it_fail_otherwise(body: bytes, status: int) -> None:
    with suppress(DashScopeError):
        read_answer(body, status=status)


def test_objects_nested_without_end_are_survived() -> None:
    deep = '{"A":' * 500 + "1" + "}" * 500
    assert read_answer(deep.encode(), status=200).keys() == {"a"}
