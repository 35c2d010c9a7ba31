"""What a call to the playground's DashScope gets, before anything is sent."""

import hashlib
import json
from typing import Any

import pytest

from bot.core.question import AppKind
from bot.playground.bailian import FileRoom
from bot.playground.bailian import Refusal as BailianRefusal
from bot.playground.dashscope.answers import Inquiry, Said, echo
from bot.playground.dashscope.apps import App
from bot.playground.dashscope.faults import Cut, Hangup
from bot.playground.dashscope.gateway import Call, Gateway, LostSession
from bot.playground.dashscope.generation import Generation
from bot.playground.dashscope.refusals import FILE_NOT_READY, LOST_SESSIONS, NAMED, Refusal
from bot.playground.dashscope.sessions import IDLE_LIMIT_S


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def recite(inquiry: Inquiry) -> Said:
    """Say every question so far."""
    return Said(" / ".join([*(one.question for one in inquiry.history), inquiry.prompt]))


APPS = [
    App("agent", recite),
    App("flow", recite, kind=AppKind.WORKFLOW),
    App("dialog", recite, kind=AppKind.DIALOG_WORKFLOW),
    App("draft", echo, published=False),
    App("elsewhere", echo, workspace="llm-1"),
    App("obedient", echo, obeys_keywords=True),
]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gateway(clock: Clock) -> Gateway:
    return Gateway(APPS, api_keys=["sk-1", "sk-2"], now=clock)


def call(
    app_id: str = "agent",
    prompt: str = "Hi",
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    **asked: Any,
) -> Call:
    written = json.dumps({"input": {"prompt": prompt, **asked}}).encode()
    given = {"authorization": "Bearer sk-1", "content-type": "application/json"}
    return Call(app_id, given | (headers or {}), body=body or written, request_id="r")


def answered(gateway: Gateway, wanted: Call) -> Generation:
    """Receive and remember, as sending does."""
    got = gateway.receive(wanted)
    assert isinstance(got, Generation), got
    got.remember()
    return got


@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        (call(headers={"authorization": ""}), 401, "InvalidApiKey"),
        (call(headers={"authorization": "Bearer sk-3"}), 401, "InvalidApiKey"),
        (call(headers={"authorization": "Basic sk-1"}), 401, "InvalidApiKey"),
        (call("nobody"), 403, "App.AccessDenied"),
        (call("draft"), 400, "FlowNotPublished"),
        (call("elsewhere"), 403, "App.AccessDenied"),
        (call(headers={"x-dashscope-workspace": "llm-1"}), 403, "App.AccessDenied"),
        (call("elsewhere", headers={"x-dashscope-workspace": "llm-2"}), 401, "NOT AUTHORIZED"),
        (call(body=b"{}"), 400, "BadRequest.EmptyInput"),
        (call(body=b"\xff"), 400, "InvalidParameter"),
        (call(body=b"[]"), 400, "InvalidParameter"),
        (call(headers={"content-type": "text/plain"}), 400, "InvalidParameter"),
        (call(prompt=""), 400, "InvalidParameter"),
    ],
)
def test_a_wrong_call_is_refused_as_dashscope_would(
    gateway: Gateway, wanted: Call, status: int, code: str
) -> None:
    got = gateway.receive(wanted)
    assert isinstance(got, Refusal)
    assert (got.status, got.code) == (status, code)


def test_a_sub_workspace_is_named_by_its_header(gateway: Gateway) -> None:
    wanted = call("elsewhere", headers={"x-dashscope-workspace": "llm-1"})
    assert isinstance(gateway.receive(wanted), Generation)


def test_only_headers_ask_for_a_stream() -> None:
    assert not call().streamed
    assert call(headers={"x-dashscope-sse": "enable"}).streamed
    assert call(headers={"accept": "text/event-stream"}).streamed
    assert not call(headers={"x-dashscope-sse": "false", "accept": "application/json"}).streamed


@pytest.mark.parametrize("app_id", ["agent", "dialog"])
def test_a_session_carries_the_conversation(gateway: Gateway, app_id: str) -> None:
    first = answered(gateway, call(app_id, "One"))
    second = answered(gateway, call(app_id, "Two", session_id=first.session.session_id))
    assert second.session.session_id == first.session.session_id
    assert second.said.text == "One / Two"


def test_a_plain_workflow_returns_a_session_id_and_remembers_nothing(gateway: Gateway) -> None:
    first = answered(gateway, call("flow", "One"))
    second = answered(gateway, call("flow", "Two", session_id=first.session.session_id))
    assert len(first.session.session_id) == len(second.session.session_id) == 32
    assert second.session.session_id != first.session.session_id
    assert second.said.text == "Two"


@pytest.mark.parametrize("lost", ["expired", "unknown", "another app's"])
def test_a_lost_session_starts_afresh_under_a_new_id_or_is_refused(
    gateway: Gateway, clock: Clock, lost: str
) -> None:
    session_id = answered(gateway, call(prompt="One")).session.session_id
    if lost == "expired":
        clock.now += IDLE_LIMIT_S
    wanted = call(
        "dialog" if lost == "another app's" else "agent",
        "Two",
        session_id="f" * 32 if lost == "unknown" else session_id,
    )
    for refusal in LOST_SESSIONS.values():
        gateway.lost_sessions = refusal
        assert gateway.receive(wanted) is refusal
    gateway.lost_sessions = LostSession.FRESH
    fresh = answered(gateway, wanted)
    assert fresh.said.text == "Two"
    assert fresh.session.session_id not in {session_id, "f" * 32}


def ids_of(generation: Generation) -> list[str]:
    moments = generation.moments(piece_chars=1)
    return [generation.payload(moment)["output"]["session_id"] for moment in moments]


def test_a_lost_session_may_start_afresh_and_tell_late_or_never(
    gateway: Gateway, clock: Clock
) -> None:
    lost = answered(gateway, call(prompt="One")).session.session_id
    clock.now += IDLE_LIMIT_S
    gateway.lost_sessions = LostSession.LATE
    late = answered(gateway, call(prompt="Two", session_id=lost))
    assert late.said.text == "Two"
    assert ids_of(late) == [lost] * 3 + [late.session.session_id]
    assert late.session.session_id != lost
    gateway.lost_sessions = LostSession.SAME_ID
    same = answered(gateway, call(prompt="Two", session_id=lost))
    assert same.said.text == "Two"
    assert set(ids_of(same)) == {lost}
    assert answered(gateway, call(prompt="Three", session_id=lost)).said.text == "Two / Three"


def test_the_fifty_first_round_has_no_memory(gateway: Gateway) -> None:
    session_id = answered(gateway, call(prompt="0")).session.session_id
    for number in range(1, 50):
        last = answered(gateway, call(prompt=str(number), session_id=session_id))
        assert last.session.session_id == session_id
    assert answered(gateway, call(prompt="50", session_id=session_id)).said.text == "50"


def test_what_is_forbidden_is_refused_wherever_it_stands_also_in_a_session(
    gateway: Gateway,
) -> None:
    session_id = answered(gateway, call(prompt="One")).session.session_id
    gateway.forbidden = "bad"
    assert gateway.receive(call(prompt="a bad word", session_id=session_id)) is NAMED["inspection"]
    assert gateway.receive(call(prompt="Two", session_id=session_id)) is NAMED["inspection"]
    assert answered(gateway, call(prompt="Two")).said.text == "Two"


def test_only_uploaded_files_that_are_ready_may_be_asked_about(gateway: Gateway) -> None:
    room = FileRoom()
    room.states = ("PARSING", "FILE_IS_READY")
    content = {"SizeInBytes": "1", "Md5": hashlib.md5(b"x", usedforsecurity=False).hexdigest()}
    lease = room.lease({"FileName": "x.txt", **content})
    headers = {name.lower(): value for name, value in lease.headers.items()}
    assert room.bring(lease.lease_id, headers=headers, content=b"x") is None
    file = room.add(lease.lease_id)
    assert not isinstance(file, BailianRefusal)

    def asked(*file_ids: str) -> Refusal | Generation:
        parameters = {"rag_options": {"session_file_ids": list(file_ids)}}
        body = {"input": {"prompt": "Hi"}, "parameters": parameters}
        return gateway.receive(call(body=json.dumps(body).encode()))

    assert isinstance(asked("file_session_unknown"), Generation)
    gateway.files = room
    for _ in range(2):
        assert asked(file.file_id) is FILE_NOT_READY
        room.look(file.file_id)
    assert isinstance(asked(file.file_id), Generation)
    assert asked(file.file_id, "file_session_unknown") is FILE_NOT_READY


def test_messages_bring_their_own_history(gateway: Gateway) -> None:
    sent = [{"role": role, "content": role} for role in ("user", "assistant", "user")]
    wanted = call(body=json.dumps({"input": {"messages": sent}}).encode())
    assert answered(gateway, wanted).said.text == "user / user"


def test_a_planned_fault_waits_for_a_request_that_would_be_answered(gateway: Gateway) -> None:
    gateway.faults.add(Cut(1))
    gateway.receive(call(prompt=""))
    gateway.receive(call("nobody"))
    assert answered(gateway, call()).fault == Cut(1)
    assert answered(gateway, call()).fault is None


def test_keywords_work_only_where_the_app_obeys_them(gateway: Gateway) -> None:
    assert answered(gateway, call("agent", "!hangup")).fault is None
    assert answered(gateway, call("obedient", "!hangup")).fault == Hangup()
    assert gateway.receive(call("obedient", "!error quota")) == NAMED["quota"]
    assert "`!cut EVENTS`" in answered(gateway, call("obedient", "!help")).said.text


def test_no_key_and_no_question_shows_in_a_calls_representation() -> None:
    shown = repr(call(prompt="secret question"))
    assert "sk-1" not in shown
    assert "secret" not in shown
