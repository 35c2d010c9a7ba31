"""ACS3-HMAC-SHA256: the vendor's own signatures, and what holds for every call."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.acs3 import (
    AccessKey,
    ApiRequest,
    canonical_query,
    canonical_request,
    encoded,
    headers_of,
    path_of,
    sign,
    string_to_sign,
)

REQUESTS = Path(__file__).parents[2] / "fixtures" / "dashscope" / "requests"
VECTORS: list[dict[str, Any]] = json.loads(
    (REQUESTS / "memory_openapi_signing_vectors.json").read_text(encoding="utf-8")
)["vectors"]
KEY = AccessKey("AKID", "canary-secret")
AT = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)

names_and_values = st.dictionaries(st.text(), st.text(), max_size=4)


def request_of(vector: dict[str, Any]) -> ApiRequest:
    return ApiRequest(
        action=vector["action"],
        version=vector["headers"]["x-acs-version"],
        method=vector["method"],
        host=vector["headers"]["host"],
        path=urlsplit(vector["url"]).path,
        query=vector["query"],
    )


def call(**changes: Any) -> ApiRequest:
    given_: dict[str, Any] = {
        "action": "GetMemory",
        "version": "2023-12-29",
        "method": "GET",
        "host": "bailian.cn-beijing.aliyuncs.com",
        "path": "/llm-1/memories/m1",
    }
    return ApiRequest(**given_ | changes)


def signature_of(request: ApiRequest, **changes: Any) -> str:
    given_: dict[str, Any] = {"key": KEY, "at": AT, "nonce": "n"}
    return sign(request, **given_ | changes).headers["Authorization"].rpartition("=")[2]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["action"])
def test_a_call_is_signed_as_the_vendors_own_library_signs_it(vector: dict[str, Any]) -> None:
    request = request_of(vector)
    key = AccessKey(vector["access_key_id"], vector["access_key_secret"])
    at = datetime.fromisoformat(vector["headers"]["x-acs-date"])
    nonce = vector["headers"]["x-acs-signature-nonce"]
    signed = sign(request, key=key, at=at, nonce=nonce)
    headers = headers_of(request, key=key, at=at, nonce=nonce)
    assert headers == vector["headers"]
    assert canonical_request(request, headers=headers) == vector["canonical_request"]
    assert string_to_sign(request, headers=headers) == vector["string_to_sign"]
    assert signed.headers == vector["headers"] | {"Authorization": vector["authorization"]}
    assert f"https://{request.host}{signed.target}" == vector["url"]


def test_there_are_eight_vectors() -> None:
    assert len(VECTORS) == 8


@given(names_and_values)
def test_any_text_comes_back_from_the_query_it_was_written_into(query: dict[str, str]) -> None:
    written = canonical_query(query)
    pairs = [pair.partition("=") for pair in written.split("&")] if query else []
    assert {unquote(name): unquote(value) for name, _, value in pairs} == query


@given(st.text())
def test_only_unreserved_characters_stay_themselves(text: str) -> None:
    assert re.fullmatch(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*", encoded(text))


def test_a_space_is_never_a_plus_and_a_tilde_is_kept() -> None:
    assert encoded("a b+c~d*e/f") == "a%20b%2Bc~d%2Ae%2Ff"


def test_half_a_surrogate_pair_can_be_sent() -> None:
    assert encoded("\ud83d") == "%3F"


@given(names_and_values)
def test_the_order_arguments_are_given_in_does_not_matter(query: dict[str, str]) -> None:
    turned = dict(reversed(query.items()))
    assert sign(call(query=query), key=KEY, at=AT, nonce="n") == sign(
        call(query=turned), key=KEY, at=AT, nonce="n"
    )


@pytest.mark.parametrize(
    "changed",
    [
        call(action="DeleteMemory"),
        call(version="2023-12-30"),
        call(method="DELETE"),
        call(host="bailian.ap-southeast-1.aliyuncs.com"),
        call(path="/llm-1/memories/m2"),
        call(query={"a": "b"}),
        call(body=b"a=b"),
        call(content_type="text/plain"),
    ],
    ids=repr,
)
def test_no_part_of_a_call_can_be_changed_afterwards(changed: ApiRequest) -> None:
    assert signature_of(changed) != signature_of(call())


@pytest.mark.parametrize(
    "changes",
    [
        {"key": AccessKey("AKID", "another-secret")},
        {"key": AccessKey("AKID", "canary-secret", security_token="sts")},
        {"at": AT + timedelta(seconds=1)},
        {"nonce": "m"},
    ],
    ids=["secret", "token", "date", "nonce"],
)
def test_a_signature_is_for_one_key_one_second_and_one_nonce(changes: dict[str, Any]) -> None:
    assert signature_of(call(), **changes) != signature_of(call())


def test_a_date_is_told_in_utc_whatever_zone_it_came_in() -> None:
    beijing = AT.astimezone(timezone(timedelta(hours=8)))
    assert sign(call(), key=KEY, at=beijing, nonce="n").headers["x-acs-date"] == (
        "2026-11-21T08:00:00Z"
    )


def test_what_belongs_to_a_body_and_to_a_temporary_key_is_signed_as_well() -> None:
    form = call(body=b"a=b", content_type="application/x-www-form-urlencoded")
    temporary = AccessKey("AKID", "canary-secret", security_token="canary-token")
    headers = sign(form, key=temporary, at=AT, nonce="n").headers
    signed = headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    assert {"content-type", "x-acs-security-token"} <= set(signed)
    assert headers["x-acs-security-token"] == "canary-token"


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_a_path_never_leads_elsewhere(segment: str) -> None:
    with pytest.raises(ValueError, match="segment"):
        path_of("llm-1", segment)


def test_a_slash_inside_a_segment_stays_inside_it() -> None:
    assert path_of("llm-1", "a/../b") == "/llm-1/a%2F..%2Fb"


def test_no_repr_shows_a_secret_or_somebodys_words() -> None:
    key = AccessKey("AKID", "canary-secret", security_token="canary-token")
    request = call(query={"content": "canary words"}, body=b"canary body")
    signed = sign(request, key=key, at=AT, nonce="n")
    assert "canary" not in repr((key, request, signed))
    assert "AKID" in repr(key)
