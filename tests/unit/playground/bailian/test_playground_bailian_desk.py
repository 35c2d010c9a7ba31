"""What the OpenAPI on loopback lets in, what it refuses, and the pages it gives."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.acs3 import AccessKey, ApiRequest, canonical_query, sign
from bot.playground.bailian.bank import MemoryBank
from bot.playground.bailian.desk import Desk
from bot.playground.bailian.files import FileRoom
from bot.playground.bailian.refusals import Refusal
from bot.playground.bailian.signature import Call, Doorkeeper

NOW = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)
KEY = AccessKey("LTAI", "secret")
FORM = "application/x-www-form-urlencoded"
LEASE = {"FileName": "a.md", "Md5": "0" * 32, "SizeInBytes": "1", "CategoryType": "SESSION_FILE"}


class Scene:
    """A desk, and a client of it whose clock moves on between calls."""

    def __init__(self) -> None:
        self.bank = MemoryBank("llm-1")
        self.memory_id = self.bank.create("first")
        self.now = NOW
        self.desk = Desk(
            keys={KEY.key_id: KEY.secret},
            bank=self.bank,
            files=FileRoom(),
            upload_url=str,
        )
        self._calls = 0

    def ask(
        self, action: str, method: str, path: str, *, gap_s: float = 1.0, **changes: Any
    ) -> dict[str, Any] | Refusal:
        self.now += timedelta(seconds=gap_s)
        return self.desk.receive(self.call(action, method, path, **changes), now=self.now)

    def call(self, action: str, method: str, path: str, **changes: Any) -> Call:
        self._calls += 1
        return signed(
            ApiRequest(action, "2023-12-29", method, "h", f"/llm-1{path}", **changes),
            at=self.now,
            nonce=str(self._calls),
        )

    def code(self, action: str, method: str, path: str, **changes: Any) -> str:
        answer = self.ask(action, method, path, **changes)
        return answer.code if isinstance(answer, Refusal) else ""


def signed(request: ApiRequest, *, at: datetime = NOW, nonce: str = "n") -> Call:
    sent = sign(request, key=KEY, at=at, nonce=nonce)
    path, _, query = sent.target.partition("?")
    headers = {name.lower(): value for name, value in sent.headers.items()}
    return Call(request.method, path, query, headers, request.body)


def refused(call: Call, *, now: datetime = NOW) -> str:
    refusal = Doorkeeper({KEY.key_id: KEY.secret}).check(call, now=now)
    return refusal.code if refusal else ""


def request(**changes: Any) -> ApiRequest:
    return ApiRequest("GetMemory", "2023-12-29", "GET", "h", "/llm-1/memories/m1", **changes)


names_and_values = st.dictionaries(st.text(min_size=1), st.text(), max_size=4)


@given(names_and_values, st.text(min_size=1), st.binary())
def test_two_readings_of_the_vendors_description_agree_on_every_call(
    query: dict[str, str], segment: str, body: bytes
) -> None:
    path = f"/llm-1/{canonical_query({segment: ''})[:-1]}"
    call = signed(replace(request(query=query, body=body, content_type=FORM), path=path))
    assert refused(call) == ""


@pytest.mark.parametrize(
    "change",
    [
        lambda call: replace(call, method="DELETE"),
        lambda call: replace(call, path=call.path + "2"),
        lambda call: replace(call, query=call.query + "x"),
        lambda call: replace(call, query=call.query.replace("%20", "+")),
        lambda call: replace(call, body=b"x"),
        lambda call: replace(call, headers=dict(call.headers) | {"x-acs-action": "DeleteMemory"}),
        lambda call: replace(call, headers=dict(call.headers) | {"host": "other"}),
        lambda call: replace(call, headers=dict(call.headers) | {"accept": "*/*"}),
    ],
)
def test_a_call_that_was_changed_on_its_way_stays_outside(
    change: Callable[[Call], Call],
) -> None:
    call = signed(request(query={"content": "a b"}))
    assert refused(call) == ""
    assert refused(change(call)) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer sk-1",
        "ACS3-HMAC-SHA256 Credential=LTAI,SignedHeaders=host,Signature=" + "0" * 64,
        "ACS3-HMAC-SHA256 Credential=LTAI,SignedHeaders=,Signature=" + "0" * 64,
        "ACS3-HMAC-SHA256 Credential=LTAI,SignedHeaders=host;host,Signature=" + "0" * 64,
    ],
)
def test_a_call_whose_signature_does_not_cover_it_is_incomplete(authorization: str) -> None:
    call = signed(request())
    bare = replace(call, headers=dict(call.headers) | {"authorization": authorization})
    assert refused(bare) == "IncompleteSignature"


def test_signed_headers_are_named_in_order() -> None:
    call = signed(request())
    names = call.headers["authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    turned = ";".join(reversed(names.split(";")))
    authorization = call.headers["authorization"].replace(names, turned)
    assert refused(call) == ""
    changed = replace(call, headers=dict(call.headers) | {"authorization": authorization})
    assert refused(changed) == "IncompleteSignature"


def test_a_header_of_the_protocol_that_was_not_signed_makes_it_incomplete() -> None:
    call = signed(request())
    more = replace(call, headers=dict(call.headers) | {"x-acs-security-token": "t"})
    assert refused(more) == "IncompleteSignature"


def test_a_key_nobody_knows_is_not_found() -> None:
    call = signed(request())
    assert Doorkeeper({"other": "secret"}).check(call, now=NOW) == Refusal(
        404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."
    )


@pytest.mark.parametrize(
    ("minutes", "code"),
    [(15, ""), (-15, ""), (15.1, "InvalidTimeStamp.Expired"), (-15.1, "InvalidTimeStamp.Expired")],
)
def test_a_call_is_good_for_a_quarter_of_an_hour(minutes: float, code: str) -> None:
    assert refused(signed(request()), now=NOW + timedelta(minutes=minutes)) == code


def test_a_date_that_is_none_is_told_apart_from_an_old_one() -> None:
    call = signed(request())
    wrong = replace(call, headers=dict(call.headers) | {"x-acs-date": "yesterday"})
    assert refused(wrong) == "InvalidTimeStamp.Format"


def test_a_nonce_is_used_up_by_a_call_that_came_in_and_by_no_other() -> None:
    doorkeeper = Doorkeeper({KEY.key_id: KEY.secret})
    call = signed(request())
    assert doorkeeper.check(replace(call, body=b"x"), now=NOW) is not None
    assert doorkeeper.check(call, now=NOW) is None
    again = doorkeeper.check(call, now=NOW)
    assert again is not None
    assert again.code == "SignatureNonceUsed"


def test_a_nonce_is_remembered_for_longer_than_its_call_is_good() -> None:
    doorkeeper = Doorkeeper({KEY.key_id: KEY.secret})
    early = NOW - timedelta(minutes=15)
    assert doorkeeper.check(signed(request()), now=early) is None
    late = NOW + timedelta(minutes=15)
    again = doorkeeper.check(signed(request()), now=late)
    assert again is not None
    assert again.code == "SignatureNonceUsed"


@pytest.mark.parametrize(
    ("action", "method", "path", "code"),
    [
        ("GetMemory", "GET", "/nowhere", "InvalidApi.NotFound"),
        ("GetMemory", "PATCH", "/memories", "InvalidApi.NotFound"),
        ("DeleteMemory", "GET", "/memories", "InvalidAction"),
    ],
)
def test_an_operation_has_one_path_one_method_and_one_name(
    action: str, method: str, path: str, code: str
) -> None:
    assert Scene().code(action, method, path) == code


def test_another_version_or_workspace_is_refused() -> None:
    scene = Scene()
    call = scene.call("ListMemories", "GET", "/memories")
    old = replace(call, headers=dict(call.headers) | {"x-acs-version": "2020-01-01"})
    assert scene.desk.receive(old, now=NOW) == Refusal(
        400, "InvalidVersion", "Specified parameter Version is not valid."
    )
    other = signed(ApiRequest("ListMemories", "2023-12-29", "GET", "h", "/llm-2/memories"))
    answer = scene.desk.receive(other, now=NOW)
    assert isinstance(answer, Refusal)
    assert answer.code == "Forbidden.Workspace"


@pytest.mark.parametrize(
    ("method", "query", "code"),
    [
        ("POST", {"description": "Slack:U1_a.b-c用户"}, ""),
        ("POST", {}, ""),
        ("POST", {"description": ""}, "InvalidParameter"),
        ("POST", {"description": "a b"}, "InvalidParameter"),
        ("POST", {"description": "a" * 51}, "InvalidParameter"),
        ("POST", {"Description": "a"}, "InvalidParameter"),
        ("GET", {"maxResults": "50"}, ""),
        ("GET", {"maxResults": "51"}, "InvalidParameter"),
        ("GET", {"maxResults": "0"}, "InvalidParameter"),
        ("GET", {"maxResults": "ten"}, "InvalidParameter"),
        ("GET", {"nextToken": "=?"}, "InvalidParameter"),
        ("GET", {"nextToken": "YWZ0ZXI6"}, "InvalidParameter"),
    ],
)
def test_arguments_of_memories_are_held_to_their_rules(
    method: str, query: dict[str, str], code: str
) -> None:
    action = {"POST": "CreateMemory", "GET": "ListMemories"}[method]
    assert Scene().code(action, method, "/memories", query=query) == code


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"content": "喜" * 200}, ""),
        ({"content": "a" * 201}, "InvalidParameter"),
        ({"content": " "}, "InvalidParameter"),
        ({}, "MissingContent"),
    ],
)
def test_facts_are_held_to_their_rules(query: dict[str, str], code: str) -> None:
    scene = Scene()
    path = f"/memories/{scene.memory_id}/memoryNodes"
    assert scene.code("CreateMemoryNode", "POST", path, query=query) == code


@pytest.mark.parametrize(
    ("form", "code"),
    [
        (LEASE, ""),
        (LEASE | {"FileName": "a.c"}, "InvalidParameter"),
        (LEASE | {"Md5": "x"}, "InvalidParameter"),
        (LEASE | {"SizeInBytes": "0"}, "InvalidParameter"),
        (LEASE | {"CategoryType": "UNSTRUCTURED"}, "InvalidParameter"),
        ({"FileName": "a.md"}, "MissingMd5"),
    ],
)
def test_leases_are_held_to_their_rules(form: dict[str, str], code: str) -> None:
    body = canonical_query(form).encode()
    path = "/datacenter/category/default"
    answer = Scene().code("ApplyFileUploadLease", "POST", path, body=body, content_type=FORM)
    assert answer == code


def test_an_argument_is_there_once_and_where_it_belongs() -> None:
    scene = Scene()
    twice = ApiRequest("ListMemories", "2023-12-29", "GET", "h", "/llm-1/memories")
    call = signed(replace(twice, query={"maxResults": "1&maxResults"}), nonce="twice")
    doubled = replace(call, query="maxResults=1&maxResults=2")
    assert refused(doubled) == "SignatureDoesNotMatch"
    path = "/datacenter/category/default"
    assert scene.code("ApplyFileUploadLease", "POST", path, query=LEASE) == "InvalidParameter"
    assert scene.code("CreateMemory", "POST", "/memories", body=b"description=a") == (
        "InvalidParameter"
    )
    lease = canonical_query(LEASE).encode() + b"&Md5=" + b"1" * 32
    assert (
        scene.code("ApplyFileUploadLease", "POST", path, body=lease, content_type=FORM)
        == "InvalidParameter"
    )


def test_memories_want_a_second_between_calls_and_files_a_tenth() -> None:
    scene = Scene()
    describe = ("DescribeFile", "GET", "/datacenter/file/f1/")
    assert scene.code("ListMemories", "GET", "/memories") == ""
    assert scene.code("ListMemories", "GET", "/memories", gap_s=0.99) == "Throttling.User"
    assert scene.code("ListMemories", "GET", "/memories", gap_s=0.01) == ""
    assert scene.code(*describe, gap_s=0) == "File.NotFound"
    assert scene.code(*describe, gap_s=0.09) == "Throttling.User"
    assert scene.code(*describe, gap_s=0.01) == "File.NotFound"


def test_pages_hold_every_fact_once_even_while_facts_go() -> None:
    scene = Scene()
    for number in range(25):
        scene.bank.add(scene.memory_id, f"fact {number}")
    path = f"/memories/{scene.memory_id}/memoryNodes"
    seen: list[str] = []
    query: dict[str, str] = {}
    for _ in range(3):
        page = scene.ask("ListMemoryNodes", "GET", path, query=query)
        assert not isinstance(page, Refusal)
        assert (page["maxResults"], page["totalCount"]) == (10, len(scene.bank.recall(path[10:42])))
        seen += [node["content"] for node in page["memoryNodes"]]
        query = {"nextToken": page.get("nextToken", "")}
        nodes = scene.bank.open(scene.memory_id).nodes
        del nodes[next(iter(nodes))]
    assert seen == [f"fact {number}" for number in range(25)]
    assert query == {"nextToken": ""}


def test_a_planned_refusal_goes_to_the_next_call_that_would_be_answered() -> None:
    scene = Scene()
    scene.desk.planned.append(Refusal(500, "InternalError", "w"))
    assert scene.code("ListMemories", "GET", "/memories", query={"x": "y"}) == "InvalidParameter"
    assert scene.code("ListMemories", "GET", "/memories") == "InternalError"
    assert scene.code("ListMemories", "GET", "/memories") == ""
