"""The official SDK against the playground's DashScope."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from dashscope import Application
from dashscope.api_entities.http_request import close_shared_sync_session

from bot.playground.dashscope.faults import ErrorEvent
from bot.playground.dashscope.refusals import NAMED
from bot.playground.dashscope.server import PLAYGROUND_KEY, DashScopeServer

TEXT = "A short answer. 一个简短的回答。"


@pytest.fixture
async def sdk(server: DashScopeServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """Call the SDK in a thread, against the server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def call(prompt: str, *, app_id: str = "echo", **wanted: Any) -> Any:
        answer: Any = Application.call(
            app_id,
            prompt,
            api_key=wanted.pop("api_key", PLAYGROUND_KEY),
            base_address=server.base_url,
            **wanted,
        )
        return list(answer) if wanted.get("stream") else answer

    async def in_thread(prompt: str = TEXT, **wanted: Any) -> Any:
        return await asyncio.to_thread(call, prompt, **wanted)

    yield in_thread
    close_shared_sync_session()


async def test_the_sdk_reads_an_answer_without_streaming(sdk: Any) -> None:
    answer = await sdk()
    assert answer.status_code == 200
    assert answer.output.text == TEXT
    assert answer.output.finish_reason == "stop"
    assert answer.usage.models[0].output_tokens > 0


async def test_the_sdk_reads_deltas(sdk: Any) -> None:
    events = await sdk(stream=True, incremental_output=True)
    assert "".join(event.output.text for event in events) == TEXT
    assert events[-1].output.text == ""


async def test_the_sdk_reads_cumulative_texts(sdk: Any) -> None:
    events = await sdk(stream=True)
    assert events[-1].output.text == events[-2].output.text == TEXT
    assert len(events) > 2


async def test_the_sdk_goes_on_with_a_session(sdk: Any) -> None:
    first = await sdk("One", app_id="recite")
    second = await sdk("Two", app_id="recite", session_id=first.output.session_id)
    assert second.output.text == "One / Two"


async def test_the_sdk_reads_a_workflows_trace(sdk: Any) -> None:
    wanted = {"stream": True, "has_thoughts": True, "incremental_output": True}
    events = await sdk(app_id="flow", biz_params={"city": "Hangzhou"}, **wanted)
    assert events[-1].output.text == TEXT
    assert len(events[-1].output.thoughts) == 3


async def test_the_sdk_reads_a_workflows_messages(sdk: Any) -> None:
    events = await sdk(app_id="flow", stream=True, flow_stream_mode="message_format")
    messages = [event.output.workflow_message for event in events[:-1]]
    assert "".join(one["message"]["content"] for one in messages) == TEXT


async def test_the_sdk_reports_refusals(sdk: Any) -> None:
    refused = await sdk(api_key="sk-wrong")
    assert (refused.status_code, refused.code) == (401, "InvalidApiKey")
    unknown = await sdk(app_id="nobody")
    assert (unknown.status_code, unknown.code) == (403, "App.AccessDenied")
    assert unknown.request_id


async def test_the_sdk_reports_an_error_in_mid_stream(sdk: Any, server: DashScopeServer) -> None:
    server.faults.add(ErrorEvent(NAMED["inspection"], after_events=1))
    events = await sdk(stream=True, incremental_output=True)
    assert [event.status_code for event in events] == [200, 400]
    assert events[-1].code == "DataInspectionFailed"


async def test_the_sdk_asks_only_the_playground(sdk: Any, server: DashScopeServer) -> None:
    await sdk()
    [entry] = server.journal.entries
    assert entry.headers["user-agent"].startswith("dashscope/")
    assert entry.body["model"] == ""
