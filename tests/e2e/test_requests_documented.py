"""What is set in Slack stands in the next request where the vendor's pages have it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from desk import a_desk
from given import UNLIMITED, input_of, parameters_of, register, several_apps, told
from rig import APP_ID, Rig

from bot.core.question import AppKind
from bot.playground.dashscope.answers import scripted
from bot.playground.dashscope.apps import App, echo_app
from bot.playground.dashscope.journal import Entry
from bot.playground.dashscope.server import DashScopeServer
from bot.playground.slack.limits import Limits

REQUESTS = Path(__file__).parents[1] / "fixtures" / "dashscope" / "requests"
STREAMING = frozenset({"flow_stream_mode", "has_thoughts", "incremental_output"})
"""Parameters that make an app stream; they are sent although the sample does without."""
NO_SAMPLES = frozenset(
    {
        "memory_id_first",  # a memory belongs to a person and is no setting
        "memory_id_second",
        "memory_openapi_signing_vectors",  # another API
        "rag_file_ids_metadata_tags",  # `tags` as one text; the reference calls it a list
        "sdk_2_0_2_wire",  # the vendor's own client
        "streaming_incremental_string_true",  # a text for true; the reference calls it a boolean
        "user_defined_tokens",  # secrets of each person, no setting
    }
)
"""Documented requests that no setting can ask for."""


OWN_KEY = "sk-an-account-elsewhere"


@dataclass(frozen=True)
class Sample:
    """How people get a documented request sent.

    Attributes:
        typed: What an admin types in the channel.
        kind: What the app was built as.
    """

    typed: tuple[str, ...] = ()
    kind: AppKind = AppKind.AGENT


FLOW = AppKind.WORKFLOW
FURTHER = """more {
  "mcp_servers": ["amap-maps"], "session_file_ids": ["file_session_x"], "dialog_round": 3,
  "image_list": ["https://example.com/a.jpg"], "file_list": ["https://example.com/a.pdf"],
  "enable_system_time": true, "enable_web_search": true, "model_id": "qwen-plus",
  "enable_thinking": true
}"""
SAMPLES = {
    "single_turn": Sample(),
    "single_turn_intl": Sample(),
    "streaming_cumulative": Sample(),
    "streaming_incremental": Sample(),
    "multi_turn_session_id_1": Sample(),
    "flow_stream_mode_message_format": Sample(("thoughts mode message_format",), FLOW),
    "flow_stream_mode_agent_format": Sample(("thoughts mode agent_format",), FLOW),
    "flow_stream_mode_full_thoughts": Sample(
        ("params city=Hangzhou", "thoughts mode full_thoughts"), FLOW
    ),
    "has_thoughts_workflow_stream": Sample(("params city=杭州", "thoughts on"), FLOW),
    "workflow_biz_params": Sample(('params {"city": "杭州"}',), FLOW),
    "workflow_biz_params_intl": Sample(("params city=Hangzhou",), FLOW),
    "images_files_thinking": Sample(("kb P1", "thoughts on", FURTHER)),
    "rag_pipeline_ids": Sample(("kb YOUR_PIPELINE_ID1",)),
    "rag_file_ids_metadata_tags_arrays": Sample(
        (
            "kb YOUR_PIPELINE_ID1, YOUR_PIPELINE_ID2",
            "tags 标签1，标签2",
            'filter {"key1": "value1", "key2": "value2"}',
            "docs YOUR_FILE_ID1 YOUR_FILE_ID2",
        )
    ),
    "rag_metadata_filter_or": Sample(
        (
            "kb PIPELINE_ID1",
            'filter {“author”: “John.Doe”, "source": ["internal_wiki", "public_docs"]}',
        )
    ),
    "rag_structured_filter": Sample(('filter table {"price": "2999"}', "kb YOUR_PIPELINE_ID1")),
    "user_defined_params": Sample(
        ('params {"user_defined_params": {"{your_plugin_code}": {"article_index": 2}}}',)
    ),
}


@pytest.fixture
def limits() -> Limits:
    """Nobody waits for Slack."""
    return UNLIMITED


def documented(name: str) -> Any:
    return json.loads((REQUESTS / f"{name}.json").read_text())


def wire(value: object) -> bytes:
    """Return a part of a request as it is sent: the order of its fields counts."""
    return json.dumps(value, ensure_ascii=False).encode()


def own_parameters(entry: Entry, sample: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters of a request without those that only make it stream."""
    sent = parameters_of(entry)
    return {name: sent[name] for name in sent if name in sample or name not in STREAMING}


def test_every_documented_request_is_looked_at_here_or_left_out_for_a_reason() -> None:
    elsewhere = {"multi_turn_messages", "multi_turn_session_id_2", "workspace_header"}
    known = {path.stem for path in REQUESTS.glob("*.json")}
    assert known == NO_SAMPLES | elsewhere | SAMPLES.keys()


@pytest.mark.parametrize(
    ("name", "sample", "kind"),
    [(name, sample, sample.kind) for name, sample in SAMPLES.items()],
    ids=SAMPLES,
)
async def test_a_setting_gets_the_documented_request_sent(
    rig: Rig, name: str, sample: Sample, kind: AppKind
) -> None:
    body = documented(name)["body"]
    async with a_desk(rig, dashscope_app_kind=kind) as desk:
        for typed in sample.typed:
            await desk.say(typed)
        shown = await rig.answer(body["input"]["prompt"])
    (entry,) = rig.asked()
    assert wire(input_of(entry)) == wire(body["input"])
    assert wire(own_parameters(entry, body["parameters"])) == wire(body["parameters"])
    assert entry.headers["x-dashscope-sse"] == "enable"
    assert "x-dashscope-workspace" not in entry.headers
    assert shown == body["input"]["prompt"]


async def test_a_threads_next_question_is_the_documented_one_with_a_session(rig: Rig) -> None:
    first, second = (documented(f"multi_turn_session_id_{number}")["body"] for number in (1, 2))
    async with a_desk(rig):
        thread = await rig.ask(first["input"]["prompt"])
        await rig.finished()
        await rig.ask(second["input"]["prompt"], thread_ts=thread)
        await rig.finished(2)
    begun, entry = rig.asked()
    assert wire(input_of(begun)) == wire(first["input"])
    assert wire(input_of(entry)) == wire({**second["input"], "session_id": begun.session_id})


async def test_history_as_messages_is_sent_as_documented(tmp_path: Path) -> None:
    given = documented("multi_turn_messages")["body"]["input"]
    system, first, answer, second = (message["content"] for message in given["messages"])
    lines = scripted({first: answer})
    async with several_apps(tmp_path, App(APP_ID, answers=lines)) as rig:
        async with a_desk(rig) as desk:
            await desk.say("history messages")
            await desk.say(f"system {system}")
            thread = await rig.ask(first)
            await rig.finished()
            await told(rig, second, thread_ts=thread)
        _, entry = rig.asked()
    assert wire(input_of(entry)) == wire(given)


async def test_an_app_of_a_sub_workspace_is_asked_with_the_documented_header(
    tmp_path: Path,
) -> None:
    request = documented("workspace_header")
    workspace = request["headers"]["X-DashScope-WorkSpace"]
    apps = echo_app(APP_ID), replace(echo_app("sub"), workspace=workspace)
    async with several_apps(tmp_path, *apps) as rig:
        async with a_desk(rig) as desk:
            await register(desk, "branch", app_id="sub", workspace=workspace)
            await desk.say("app branch")
            await rig.answer(request["body"]["input"]["prompt"])
        (entry,) = rig.asked()
    assert entry.app_id == "sub"
    assert entry.headers["x-dashscope-workspace"] == workspace
    assert wire(input_of(entry)) == wire(request["body"]["input"])


async def test_an_app_elsewhere_is_asked_at_its_own_address_with_its_own_key(rig: Rig) -> None:
    # Each server refuses the other's key, so an answer shows which one came.
    async with DashScopeServer([echo_app("far")], api_keys=[OWN_KEY]) as elsewhere:
        async with a_desk(rig) as desk:
            form = await desk.open("apps add")
            await desk.save(
                form,
                {
                    "name": "abroad",
                    "app_id": "far",
                    "kind": "agent",
                    "region": "other",
                    "base_url": elsewhere.base_url,
                    "api_key": OWN_KEY,
                },
            )
            await desk.say("app abroad")
            shown = await rig.answer("from afar")
            await desk.say("app default")
            await rig.ask("from near")
            await rig.finished(2)
        (far,) = elsewhere.journal.entries
        (near,) = rig.asked()
    assert shown == "from afar"
    assert (far.app_id, input_of(far)) == ("far", {"prompt": "from afar"})
    assert (near.app_id, input_of(near)) == (APP_ID, {"prompt": "from near"})
