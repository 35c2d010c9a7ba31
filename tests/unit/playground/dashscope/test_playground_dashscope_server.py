"""The playground's DashScope over HTTP."""

import asyncio
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.playground.dashscope.apps import echo_app
from bot.playground.dashscope.captures import Capture
from bot.playground.dashscope.faults import (
    Cut,
    ErrorEvent,
    Fault,
    Hangup,
    Hold,
    Reset,
    SlowStart,
    Stall,
)
from bot.playground.dashscope.pace import Pace
from bot.playground.dashscope.refusals import NAMED, Shape
from bot.playground.dashscope.sample import long_text
from bot.playground.dashscope.server import DashScopeServer
from bot.playground.dashscope.wire import Framing

FIXTURES = Path(__file__).parents[3] / "fixtures" / "dashscope"
TEXT = "A short answer. 一个简短的回答。"


def said(events: list[Any]) -> str:
    return "".join(json.loads(event.data)["output"].get("text", "") for event in events)


async def test_an_answer_without_streaming_is_one_json_object(asking: Any) -> None:
    response = await asking.whole()
    body = response.json()
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-request-id"] == body["request_id"]
    assert body["output"].keys() == {"text", "session_id", "finish_reason"}
    assert body["output"]["text"] == TEXT
    assert body["output"]["finish_reason"] == "stop"


async def test_a_stream_has_ids_from_one_a_session_in_every_event_and_one_stop(
    asking: Any,
) -> None:
    events = await asking.events(incremental_output=True)
    payloads = [json.loads(event.data) for event in events]
    assert [event.id for event in events] == [str(n) for n in range(1, len(events) + 1)]
    assert {event.status for event in events} == {200}
    assert len({one["output"]["session_id"] for one in payloads}) == 1
    assert len({one["request_id"] for one in payloads}) == 1
    reasons = [one["output"]["finish_reason"] for one in payloads]
    assert reasons == ["null"] * (len(events) - 1) + ["stop"]
    assert said(events) == TEXT


async def test_the_accept_header_alone_asks_for_a_stream(asking: Any) -> None:
    headers = {"Accept": "text/event-stream"}
    body = asking.body("Hi")
    response = await asking.client.post("/apps/echo/completion", json=body, headers=headers)
    assert response.headers["content-type"].startswith("text/event-stream")


async def test_a_session_goes_on_over_http(asking: Any) -> None:
    first = (await asking.whole("One", app_id="recite")).json()["output"]
    second = await asking.whole("Two", app_id="recite", session_id=first["session_id"])
    assert second.json()["output"]["text"] == "One / Two"


async def test_a_streamed_round_is_remembered_once_even_when_it_was_cut(asking: Any) -> None:
    asking.server.faults.add(Cut(3))
    events = await asking.events("One question that takes many events", app_id="recite")
    session_id = json.loads(events[0].data)["output"]["session_id"]
    second = await asking.whole("Two", app_id="recite", session_id=session_id)
    assert second.json()["output"]["text"] == "One question that takes many events / Two"


async def test_a_wrong_key_gets_the_recorded_body(asking: Any) -> None:
    headers = {"Authorization": "Bearer sk-wrong"}
    body = asking.body("Hi")
    response = await asking.client.post("/apps/echo/completion", json=body, headers=headers)
    recorded = json.loads((FIXTURES / "error_invalid_key.json").read_text(encoding="utf-8"))
    assert response.status_code == 401
    assert response.json() == recorded | {"request_id": response.headers["x-request-id"]}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/apps/echo/completion"), ("POST", "/apps/echo"), ("POST", "/chat/completions")],
)
async def test_any_other_address_is_not_found(asking: Any, method: str, path: str) -> None:
    response = await asking.client.request(method, path)
    assert response.status_code == 404
    assert response.json()["code"] == "NotFound"


@pytest.mark.parametrize(
    "framing",
    [
        Framing(newline="\r\n"),
        Framing(blank_lines=False),
        Framing(spaced=True, heartbeats=True),
        Framing(cut_seed=7),
    ],
)
async def test_every_framing_arrives_as_the_same_answer(asking: Any, framing: Framing) -> None:
    asking.server.manner = replace(asking.server.manner, framing=framing)
    assert said(await asking.events(incremental_output=True)) == TEXT


async def test_a_long_answer_arrives_whole(asking: Any) -> None:
    asking.server.manner = replace(asking.server.manner, pace=Pace(piece_chars=200))
    events = await asking.events("Talk", app_id="long", incremental_output=True)
    assert said(events) == long_text(100_000)


async def test_an_answer_takes_the_time_its_pace_asks_for(asking: Any) -> None:
    pace = Pace(chars_per_s=200, first_token_s=0.1)
    asking.server.manner = replace(asking.server.manner, pace=pace)
    started = time.monotonic()
    await asking.events("x" * 40)
    assert time.monotonic() - started >= 0.3


async def test_an_answer_that_takes_too_long_without_streaming_is_a_timeout(asking: Any) -> None:
    pace = Pace(first_token_s=1)
    asking.server.manner = replace(asking.server.manner, pace=pace, sync_limit_s=0.01)
    response = await asking.whole()
    assert response.status_code == 500
    assert response.json()["code"] == "RequestTimeOut"


async def test_an_error_before_the_stream_has_its_status_and_its_wait(asking: Any) -> None:
    asking.server.faults.add(replace(NAMED["throttling"], retry_after_s=3))
    async with asking.stream() as response:
        body = json.loads(await response.aread())
    assert response.status_code == 429
    assert response.headers["retry-after"] == "3"
    assert body["code"] == "Throttling.RateQuota"
    assert said(await asking.events(incremental_output=True)) == TEXT


@pytest.mark.parametrize("shape", [Shape.SSE, Shape.SSE_LABELLED_JSON, Shape.HTML, Shape.EMPTY])
async def test_an_error_body_of_any_shape_arrives(asking: Any, shape: Shape) -> None:
    asking.server.faults.add(replace(NAMED["arrears"], shape=shape))
    response = await asking.whole()
    assert response.status_code == 400
    assert (b"event:error" in response.content) == shape.name.startswith("SSE")


@pytest.mark.parametrize("after", [0, 2])
async def test_an_error_event_comes_under_200_with_its_true_status(asking: Any, after: int) -> None:
    asking.server.faults.add(ErrorEvent(NAMED["inspection"], after_events=after))
    events = await asking.events()
    assert len(events) == after + 1
    assert events[-1].event == "error"
    assert events[-1].status == 400
    assert json.loads(events[-1].data)["code"] == "DataInspectionFailed"
    assert "output" not in json.loads(events[-1].data)


async def test_a_cut_stream_ends_properly_without_its_stop_event(asking: Any) -> None:
    asking.server.faults.add(Cut(1))
    [only] = await asking.events()
    assert json.loads(only.data)["output"]["finish_reason"] == "null"


async def test_a_fault_beyond_the_end_comes_before_the_stop_event(asking: Any) -> None:
    asking.server.faults.add(Cut(1000))
    events = await asking.events()
    assert events
    assert all('"finish_reason":"null"' in event.data for event in events)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Cut(1, clean=False), httpx.RemoteProtocolError),
        (Reset(1), httpx.ReadError),
        (Reset(0), httpx.ReadError),
        (Hangup(), httpx.RemoteProtocolError),
    ],
)
async def test_a_broken_connection_breaks_the_reading(
    asking: Any, fault: Fault, error: type[httpx.TransportError]
) -> None:
    asking.server.faults.add(fault)
    with pytest.raises(error):
        await asking.events()
    assert said(await asking.events(incremental_output=True)) == TEXT


@pytest.mark.parametrize("fault", [Cut(1), Reset(1), Hangup()])
async def test_an_answer_without_streaming_can_break_too(asking: Any, fault: Fault) -> None:
    asking.server.faults.add(fault)
    with pytest.raises(httpx.TransportError):
        await asking.whole()


async def test_an_error_event_without_a_stream_is_an_error_response(asking: Any) -> None:
    asking.server.faults.add(ErrorEvent(NAMED["quota"]))
    assert (await asking.whole()).status_code == 429


async def test_a_stalled_answer_goes_on_afterwards(asking: Any) -> None:
    asking.server.faults.add(Stall(after_events=1, for_s=0.2), times=2)
    started = time.monotonic()
    assert said(await asking.events(incremental_output=True)) == TEXT
    assert time.monotonic() - started >= 0.2
    assert (await asking.whole()).json()["output"]["text"] == TEXT
    assert time.monotonic() - started >= 0.4


async def test_an_answer_that_is_held_waits_for_whoever_holds_it(asking: Any) -> None:
    hold = Hold(after_events=1)
    asking.server.faults.add(hold, times=2)
    async with asking.stream() as response:
        await asking.server.until(lambda all_: all_[0].events_sent == 1)
        assert not asking.server.journal.entries[0].finished
        hold.released.set()
        await response.aread()
    assert asking.server.journal.entries[0].events_sent > 1
    assert (await asking.whole()).json()["output"]["text"] == TEXT


async def test_an_answer_that_was_held_may_break_off_where_it_was(asking: Any) -> None:
    hold = Hold(after_events=1, then=Cut(0))
    asking.server.faults.add(hold)
    async with asking.stream() as response:
        await asking.server.until(lambda all_: all_[0].events_sent == 1)
        hold.released.set()
        await response.aread()
    [entry] = await asking.server.until(lambda all_: all_[0].finished)
    assert entry.events_sent == 1


async def test_a_taken_port_is_an_error_and_leaves_nothing_open(server: DashScopeServer) -> None:
    port = int(server.base_url.rsplit(":", 1)[1].split("/")[0])
    with pytest.raises(OSError, match="address already in use"):
        await DashScopeServer([], port=port).__aenter__()


async def test_a_slow_start_keeps_even_the_headers_back(asking: Any) -> None:
    asking.server.faults.add(SlowStart(0.2))
    started = time.monotonic()
    async with asking.stream() as response:
        assert time.monotonic() - started >= 0.2
        await response.aread()


async def test_a_recording_is_served_to_the_byte(asking: Any) -> None:
    recorded = (FIXTURES / "workflow_full_thoughts.sse").read_bytes()
    asking.server.replay(recorded, cuts=range(0, len(recorded), 50))
    async with asking.stream() as response:
        assert b"".join([chunk async for chunk in response.aiter_raw()]) == recorded
    capture = await asyncio.to_thread(Capture.read, FIXTURES / "single_turn.json")
    asking.server.replay(capture)
    assert (await asking.whole()).json()["request_id"].startswith("661c9cad")


async def test_the_journal_tells_what_was_asked_but_never_the_key(asking: Any) -> None:
    await asking.whole("Hi")
    await asking.client.post("/apps/nobody/completion", content=b"no json")
    first, second = await asking.server.until(lambda all_: all(one.finished for one in all_))
    assert first.app_id == "echo"
    assert first.body["input"]["prompt"] == "Hi"
    assert first.session_id
    assert first.status == 200
    assert (second.app_id, second.body, second.status) == ("nobody", None, 403)
    assert "authorization" not in first.headers
    assert "sk-playground" not in repr(asking.server.journal.entries)
    assert "Hi" not in repr(first)


async def test_the_journal_counts_events_and_knows_who_heard_them_all(asking: Any) -> None:
    events = await asking.events()
    [entry] = await asking.server.until(lambda all_: all_[0].finished)
    assert entry.events_sent == len(events)
    assert not entry.aborted


async def test_a_client_that_hangs_up_is_noticed_at_once(asking: Any) -> None:
    asking.server.faults.add(Stall(after_events=2, for_s=60))
    async with asking.stream() as response:
        async for _ in response.aiter_raw():
            break
        await asking.server.until(lambda all_: all_[0].events_sent == 2)
    [entry] = await asking.server.until(lambda all_: all_[0].finished)
    assert entry.aborted
    assert entry.events_sent == 2


async def test_a_server_that_closes_does_not_blame_the_client() -> None:
    server = DashScopeServer([echo_app("echo")], pace=Pace(first_token_s=60))
    headers = {"Authorization": "Bearer sk-playground"}
    async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
        async with server:
            url = f"{server.base_url}/apps/echo/completion"
            asked = asyncio.create_task(client.post(url, json={"input": {"prompt": "Hi"}}))
            await server.until(lambda all_: len(all_) == 1)
        with pytest.raises(httpx.TransportError):
            await asked
    [entry] = server.journal.entries
    assert entry.finished
    assert not entry.aborted


async def test_waiting_for_what_never_happens_ends(server: DashScopeServer) -> None:
    with pytest.raises(TimeoutError):
        await server.until(lambda all_: len(all_) == 1, timeout_s=0.01)


async def test_a_look_at_the_host_leaves_its_connection_good_for_the_next_request(
    asking: Any,
) -> None:
    assert (await asking.client.head("/")).status_code == 404
    assert (await asking.whole()).json()["output"]["text"] == TEXT
