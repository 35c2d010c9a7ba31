"""The official SDK and our client side by side: they send the same and read the same.

Both ways of the SDK are asked: `Application.call` and `AsyncClient().apps.completions.create`. What
differs on purpose is named in `SDK_ALONE` and `OURS_ALONE`; where the SDK is known to be wrong, a
test says so by name. The legacy field `history` is no part of this: our client never sends it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from dashscope import Application, AsyncClient
from dashscope.api_entities.http_request import close_shared_sync_session
from pydantic import ValidationError

from bot.core.answer import Answer
from bot.core.api_fields import API_FIELDS, Spot
from bot.core.json_value import Json
from bot.core.question import AppKind, AppProfile, Question
from bot.dashscope.client import DashScope
from bot.errors import DashScopeError, RequestRefused, Throttled
from bot.metrics import Metrics
from bot.playground.dashscope.answers import Inquiry, Reference, Said
from bot.playground.dashscope.apps import App
from bot.playground.dashscope.faults import Cut, ErrorEvent
from bot.playground.dashscope.journal import Entry
from bot.playground.dashscope.refusals import NAMED, Refusal, Shape
from bot.playground.dashscope.server import PLAYGROUND_KEY, DashScopeServer

FIXTURES = Path(__file__).parents[3] / "fixtures" / "dashscope"
WORKSPACE = "llm-annex"
PROMPT = "What does it weigh? 多重？"
TEXT = "It weighs 2 kg<ref>[1]</ref>. 它重两公斤。"

SDK_ALONE = {"model": ""}
"""`Application.call` alone sends a model; the app has its own."""
OURS_ALONE: dict[str, Any] = {"debug": {}}
"""All of the vendor's samples send it, the SDK does not; it means nothing."""

KINDS: Mapping[AppKind, Mapping[str, Any]] = {
    AppKind.AGENT: {"has_thoughts": True},
    AppKind.ORCHESTRATION: {"has_thoughts": True},
    AppKind.WORKFLOW: {"flow_stream_mode": "message_format_plus"},
    AppKind.DIALOG_WORKFLOW: {"flow_stream_mode": "message_format_plus"},
}
"""What our client asks each kind for by itself, so that it streams; the SDK must be told."""

NAMED_BY_CREATE = frozenset(
    (
        *("prompt", "messages", "session_id", "biz_params", "has_thoughts", "doc_tag_codes"),
        *("doc_reference_type", "memory_id", "image_list", "file_list", "rag_options", "stream"),
        *("incremental_output", "temperature", "top_p", "top_k", "seed", "workspace"),
    )
)
"""Arguments of `completions.create`; it takes every other parameter in `parameters`."""

VALUES: Mapping[str, Json] = {
    "biz_params": {"city": "Hangzhou", "days": 3},
    "user_prompt_params": {"tone": "dry"},
    "user_defined_params": {"tool_1": {"article_index": 2}},
    "image_list": ["https://example.com/a.jpg", "data:image/png;base64,iVBORw0KGgo="],
    "file_list": ["https://example.com/a.pdf"],
    "doc_reference_type": "indexed",
    "doc_tag_codes": ["t1", "t2"],
    "flow_stream_mode": "agent_format",
    "enable_thinking": True,
    "has_thoughts": True,
    "model_id": "qwen-max",
    "enable_web_search": True,
    "enable_system_time": False,
    "enable_premium": True,
    "dialog_round": 3,
    "mcp_servers": ["amap-maps"],
    "cip_service_codes": {"text": {"input": "a", "output": "b"}},
    "temperature": 0.7,
    "top_p": 0.9,
    "top_k": 40,
    "seed": 1234,
    "pipeline_ids": ["P1", "P2"],
    "file_ids": ["F1"],
    "metadata_filter": {"k": "v", "k2": ["a", "b"]},
    "tags": ["t"],
    "structured_filter": {"price": "2999"},
    "session_file_ids": ["file_session_x"],
}
NEEDS: Mapping[str, Mapping[str, Json]] = {
    name: {"pipeline_ids": ["P1"]} for name in ("file_ids", "metadata_filter", "tags")
}


@dataclass(frozen=True)
class Case:
    """One row of the request parameters, for one kind of app.

    Attributes:
        name: The field.
        kind: Of the app.
        question: What our client is told.
        sdk: What the SDK is told, for the same.
    """

    name: str
    kind: AppKind
    question: Mapping[str, Any] = field(default_factory=dict[str, Any])
    sdk: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __str__(self) -> str:
        return f"{self.name}-{self.kind.value}"


def as_told_to_the_sdk(name: str, options: Mapping[str, Json]) -> Mapping[str, Any]:
    match API_FIELDS[name].spot:
        case Spot.RAG_OPTIONS:
            return {"rag_options": dict(options)}
        case Spot.BIZ_PARAMS:
            return {"biz_params": dict(options)}
        case _:
            return options


def option_cases() -> list[Case]:
    return [
        Case(name, kind, {"options": options}, as_told_to_the_sdk(name, options))
        for name, value in VALUES.items()
        for options in [{**NEEDS.get(name, {}), name: value}]
        for kind in AppKind
        if kind in API_FIELDS[name].kinds
        if (name, kind) != ("biz_params", AppKind.AGENT)  # its parts are rows of their own
    ]


MESSAGES = (("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"), ("user", PROMPT))
DICTS = [{"role": role, "content": content} for role, content in MESSAGES]
TOKENS = {"user_defined_tokens": {"tool_1": {"user_token": "tok-invented"}}}
CASES = [
    *(Case("prompt", kind) for kind in AppKind),
    *(
        Case("messages", kind, {"messages": MESSAGES}, {"prompt": None, "messages": DICTS})
        for kind in AppKind
        if kind.takes_messages
    ),
    Case("memory_id", AppKind.AGENT, {"memory_id": "MEM"}, {"memory_id": "MEM"}),
    Case("tokens", AppKind.AGENT, {"tokens": {"tool_1": "tok-invented"}}, {"biz_params": TOKENS}),
    *option_cases(),
    *(
        Case(mode, kind, {"options": {"flow_stream_mode": mode}}, told)
        for mode in ("message_format", "message_format_plus")
        for told in [{"flow_stream_mode": mode}]
        for kind in (AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW)
    ),
    *(
        # Which stream nothing without thoughts, so our client asks for them, too.
        Case("full_thoughts", kind, {"options": mode}, {**mode, "has_thoughts": True})
        for mode in [{"flow_stream_mode": "full_thoughts"}]
        for kind in (AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW, AppKind.ORCHESTRATION)
    ),
    # Off is told by leaving it out.
    Case(
        "no thoughts", AppKind.AGENT, {"options": {"has_thoughts": False}}, {"has_thoughts": None}
    ),
]


@dataclass(frozen=True)
class Read:
    """What somebody made of an answer."""

    text: str
    session_id: str
    usage: Sequence[tuple[str, int, int]]
    references: Sequence[tuple[str, str]]


def said(inquiry: Inquiry) -> Said:
    rounds = "".join(f" After: {one.question}" for one in inquiry.history)
    return Said(
        TEXT + rounds,
        thought="It is light.",
        references=(Reference("guide.pdf", "Weights", "2 kg"), Reference("b.pdf", "B", "b")),
    )


@pytest.fixture
async def everyone(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DashScopeServer]:
    """A server with one app of each kind, each named after it, and one in a sub-workspace."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    apps = [App(kind.value, said, kind=kind, thinks=True) for kind in AppKind]
    async with DashScopeServer([*apps, App("annex", said, workspace=WORKSPACE)]) as server:
        yield server
    close_shared_sync_session()


def profile(server: DashScopeServer, *, kind: AppKind, app_id: str = "") -> AppProfile:
    return AppProfile(
        name="x",
        app_id=app_id or kind.value,
        kind=kind,
        base_url=server.base_url,
        api_key=PLAYGROUND_KEY,
        workspace=WORKSPACE if app_id == "annex" else "",
    )


async def ask_ours(server: DashScopeServer, question: Question) -> Answer:
    async with (
        DashScope(metrics=Metrics(), deadline_s=10) as apps,
        apps.ask(question) as answering,
    ):
        async for _ in answering:
            pass
        return answering.answer


async def ours(server: DashScopeServer, case: Case, **more: Any) -> Read:
    question = Question(profile(server, kind=case.kind), PROMPT, **{**case.question, **more})
    answer = await ask_ours(server, question)
    assert answer.complete
    return Read(
        answer.text,
        answer.session_id or "",
        [(used.model_id, used.input_tokens, used.output_tokens) for used in answer.usage],
        [(source.index, source.title) for source in answer.sources],
    )


def told(case: Case, **more: Any) -> dict[str, Any]:
    streamed = {"prompt": PROMPT, "stream": True, "incremental_output": True}
    given = {**streamed, **KINDS[case.kind], **case.sdk, **more}
    return {name: value for name, value in given.items() if value is not None}


async def called(server: DashScopeServer, app_id: str, wanted: Mapping[str, Any]) -> list[Any]:
    """Return the events `Application.call` yields; it blocks, so it runs in a thread."""
    address: Any = {"api_key": PLAYGROUND_KEY, "base_address": server.base_url}
    call: Any = Application.call
    return await asyncio.to_thread(lambda: list(call(app_id, **address, **wanted)))


async def created(server: DashScopeServer, app_id: str, wanted: Mapping[str, Any]) -> list[Any]:
    """Return the events `completions.create` yields."""
    named = {name: value for name, value in wanted.items() if name in NAMED_BY_CREATE}
    others = {name: value for name, value in wanted.items() if name not in NAMED_BY_CREATE}
    async with AsyncClient(
        api_key=PLAYGROUND_KEY, base_url=server.base_url, max_retries=0
    ) as client:
        create: Any = client.apps.completions.create
        stream = await create(app_id=app_id, **named, parameters=others or None)
        return [event async for event in stream]


def read(events: Sequence[Any], *, outputs: Sequence[Any]) -> Read:
    """Read events as the vendor's samples do: deltas, and the last event's text if it has one."""
    texts = [output.text or "" for output in outputs]
    usages = [event.usage.models for event in events if event.usage and event.usage.models]
    listed = [output.doc_references for output in outputs if output.doc_references]
    models = usages[-1] if usages else []
    return Read(
        texts[-1] or "".join(texts),
        outputs[-1].session_id,
        [(used.model_id, used.input_tokens, used.output_tokens) for used in models],
        [(entry.index_id, entry.doc_name) for entry in (listed[-1] if listed else [])],
    )


def is_readable_by_create(case: Case) -> bool:
    """It fails on every `workflow_message`; see the test named so."""
    return not str(told(case).get("flow_stream_mode")).startswith("message_format")


async def theirs(server: DashScopeServer, case: Case, **more: Any) -> list[Read]:
    wanted = told(case, **more)
    events = await called(server, case.kind.value, wanted)
    found = [read(events, outputs=[event.output for event in events])]
    if is_readable_by_create(case):
        events = await created(server, case.kind.value, wanted)
        return [*found, read(events, outputs=events)]
    with pytest.raises(ValidationError):
        await created(server, case.kind.value, wanted)
    return found


def without_session(found: Read) -> tuple[object, ...]:
    return found.text, found.usage, found.references


def asked_alike(entries: Sequence[Entry]) -> None:
    """Check that three requests say the same, but for what is named above."""
    own, first, second = entries
    assert own.body == second.body | OURS_ALONE
    assert first.body == second.body | SDK_ALONE
    for name in ("x-dashscope-sse", "x-dashscope-workspace"):
        assert len({entry.headers.get(name) for entry in entries}) == 1
    assert len({entry.headers["content-type"].split(";")[0] for entry in entries}) == 1


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_our_client_and_the_sdk_send_the_same_and_read_the_same(
    case: Case, everyone: DashScopeServer
) -> None:
    own = await ours(everyone, case)
    found = await theirs(everyone, case)
    asked_alike(everyone.journal.entries)
    assert all(without_session(one) == without_session(own) for one in found)
    ids = [entry.session_id for entry in everyone.journal.entries[: 1 + len(found)]]
    assert [own.session_id, *(one.session_id for one in found)] == ids


def test_every_field_a_request_may_carry_has_its_row() -> None:
    assert set(VALUES) == {
        name for name, known in API_FIELDS.items() if known.spot is not Spot.NOWHERE
    }


@pytest.mark.parametrize("kind", [AppKind.AGENT, AppKind.DIALOG_WORKFLOW])
async def test_a_session_goes_on_alike_whoever_asks(
    kind: AppKind, everyone: DashScopeServer
) -> None:
    case = Case("session_id", kind)
    begun = await ours(everyone, case)
    again = await ours(everyone, case, session_id=begun.session_id)
    found = await theirs(everyone, case, session_id=begun.session_id)
    asked_alike(everyone.journal.entries[1:])
    for rounds, one in enumerate([again, *found], 1):
        assert one.session_id == begun.session_id
        assert one.text.count(f" After: {PROMPT}") == rounds


async def test_a_workspace_is_named_alike_in_a_header(everyone: DashScopeServer) -> None:
    question = Question(profile(everyone, kind=AppKind.AGENT, app_id="annex"), PROMPT)
    assert (await ask_ours(everyone, question)).complete
    wanted = told(Case("workspace", AppKind.AGENT), workspace=WORKSPACE)
    await called(everyone, "annex", wanted)
    await created(everyone, "annex", wanted)
    asked_alike(everyone.journal.entries)
    assert everyone.journal.entries[0].headers["x-dashscope-workspace"] == WORKSPACE


@pytest.mark.parametrize("kind", AppKind, ids=lambda kind: kind.value)
async def test_an_answer_in_one_piece_is_read_alike(
    kind: AppKind, everyone: DashScopeServer
) -> None:
    streamed = await ours(everyone, Case("prompt", kind))
    address: Any = {"api_key": PLAYGROUND_KEY, "base_address": everyone.base_url}
    whole: Any = await asyncio.to_thread(lambda: Application.call(kind.value, PROMPT, **address))
    async with AsyncClient(api_key=PLAYGROUND_KEY, base_url=everyone.base_url) as client:
        second: Any = await client.apps.completions.create(app_id=kind.value, prompt=PROMPT)
    assert whole.output.text == second.text == streamed.text
    *_, first_entry, second_entry = everyone.journal.entries
    assert first_entry.body == second_entry.body | SDK_ALONE
    assert second_entry.body == {"input": {"prompt": PROMPT}, "parameters": {}}


AGENT = Case("prompt", AppKind.AGENT)
WANTED = told(AGENT)


async def own_outcome(server: DashScopeServer) -> tuple[Answer, DashScopeError | None]:
    """Return what our client has of an answer, and how it failed."""
    question = Question(profile(server, kind=AppKind.AGENT), PROMPT)
    async with DashScope(metrics=Metrics(), deadline_s=10) as apps, apps.ask(question) as answering:
        try:
            async for _ in answering:
                pass
        except DashScopeError as error:
            return answering.answer, error
        return answering.answer, None


async def test_the_sdk_takes_a_truncated_answer_for_a_whole_one_and_we_do_not(
    everyone: DashScopeServer,
) -> None:
    everyone.faults.add(Cut(after_events=2), times=3)
    first = await called(everyone, "agent", WANTED)
    second = await created(everyone, "agent", WANTED)
    assert {event.status_code for event in first} == {200}
    assert {event.output.finish_reason for event in first} == {"null"}
    assert not any(event.is_error for event in second)
    answer, error = await own_outcome(everyone)
    assert (error, answer.complete) == (None, False)


async def test_the_sdk_takes_throttling_in_mid_stream_for_a_400_and_we_do_not(
    everyone: DashScopeServer,
) -> None:
    everyone.faults.add(ErrorEvent(NAMED["throttling"], after_events=2), times=2)
    *_, last = await called(everyone, "agent", WANTED)
    assert (last.status_code, last.code) == (400, "Throttling.RateQuota")
    _, error = await own_outcome(everyone)
    assert isinstance(error, Throttled)
    assert error.status == 429


SPACED = (
    b'id: 1\nevent: result\ndata: {"output":{"text":"a","finish_reason":"null"}}\n\n'
    b"id: 2\nevent: error\n: HTTP_STATUS/429\n"
    b'data: {"code":"Throttling","message":"slow down","request_id":"r"}\n\n'
)


async def test_the_sdk_raises_no_error_for_an_event_named_after_a_space_and_we_do(
    everyone: DashScopeServer,
) -> None:
    for _ in range(3):
        everyone.replay(SPACED)
    with pytest.raises(TypeError):  # it looks for the output of an answer
        await called(everyone, "agent", WANTED)
    events = await created(everyone, "agent", WANTED)
    assert events[-1].code == "Throttling"
    _, error = await own_outcome(everyone)
    assert isinstance(error, Throttled)


async def test_the_sdk_loses_text_beside_a_line_separator_and_we_do_not(
    everyone: DashScopeServer,
) -> None:
    path = FIXTURES / "secondary" / "trap_u2028_u0085.sse"
    for _ in range(2):
        everyone.replay(path.read_bytes())
    events = await created(everyone, "agent", WANTED)
    answer, _ = await own_outcome(everyone)
    assert {"\u2028", "\u0085"} & set(answer.text)
    assert len("".join(event.text or "" for event in events)) < len(answer.text)


@pytest.mark.parametrize("mode", ["message_format", "message_format_plus"])
async def test_the_sdk_cannot_read_a_workflow_message_and_we_can(
    mode: str, everyone: DashScopeServer
) -> None:
    options = {"flow_stream_mode": mode}
    case = Case(mode, AppKind.WORKFLOW, {"options": options}, options)
    with pytest.raises(ValidationError, match="node_is_completed"):
        await created(everyone, "workflow", told(case))
    assert (await ours(everyone, case)).text == TEXT.replace("<ref>[1]</ref>", "")


async def test_the_sdk_cuts_words_out_of_a_framed_error_and_we_do_not(
    everyone: DashScopeServer,
) -> None:
    words = "Field data:image is wrong."
    everyone.faults.add(Refusal(400, "InvalidParameter", words, shape=Shape.SSE), times=2)
    [refused] = await called(everyone, "agent", WANTED)
    assert refused.message == words.replace("data:", "")
    with pytest.raises(RequestRefused) as caught:
        await own_outcome(everyone)
    assert caught.value.detail == words


async def test_the_sdk_asks_for_deltas_when_told_not_to(everyone: DashScopeServer) -> None:
    events = await called(everyone, "agent", WANTED | {"incremental_output": False})
    [entry] = everyone.journal.entries
    assert entry.body["parameters"]["incremental_output"] is True
    assert events[-1].output.text == TEXT
