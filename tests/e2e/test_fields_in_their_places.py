"""Every field that can be set stands in requests where the vendor's tables have it."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, a_desk
from given import UNLIMITED, input_of, parameters_of, register, several_apps, told
from rig import APP_ID, GROUP_DM, PRIVATE, PUBLIC, Rig

from bot.core.api_fields import API_FIELDS, FLOW_STREAM_MODES
from bot.core.question import AppKind
from bot.core.setting import SETTINGS, is_option_of_its_own
from bot.playground.dashscope.apps import echo_app
from bot.playground.dashscope.checks import Rules
from bot.playground.slack.limits import Limits


@pytest.fixture
def limits() -> Limits:
    """Nobody waits for Slack."""
    return UNLIMITED


@dataclass(frozen=True)
class Field:
    """A field of requests, as the vendor's tables of parameters have it.

    Attributes:
        place: Where it stands.
        value: One of its values.
        kinds: The kinds of app that know it.
        needs: A field it is of no use without.
    """

    place: str
    value: Any
    kinds: frozenset[AppKind] = frozenset({AppKind.AGENT})
    needs: str = ""


FLOWS = frozenset({AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW, AppKind.ORCHESTRATION})
FIELDS = {
    "biz_params": Field("input", {"city": "Berlin", "days": 3}, FLOWS),
    "image_list": Field("input", ["https://example.com/a.jpg", "data:image/png;base64,AA=="]),
    "file_list": Field("input", ["https://example.com/a.pdf?x=1&y=2"]),
    "doc_reference_type": Field("input", "indexed"),
    "doc_tag_codes": Field("input", ["t1", "t2"]),
    "user_prompt_params": Field("input.biz_params", {"tone": "formal"}),
    "user_defined_params": Field("input.biz_params", {"tool": {"index": 2}}),
    "flow_stream_mode": Field("parameters", "agent_format", FLOWS),
    "enable_thinking": Field("parameters", value=False),
    "model_id": Field("parameters", "qwen-max"),
    "enable_web_search": Field("parameters", value=False),
    "enable_system_time": Field("parameters", value=True),
    "enable_premium": Field("parameters", value=True),
    "dialog_round": Field("parameters", 0),
    "mcp_servers": Field("parameters", ["amap-maps", "b"]),
    "cip_service_codes": Field("parameters", {"text": {"input": "a", "output": "b"}}),
    "temperature": Field("parameters", 0.3),
    "top_p": Field("parameters", 1),
    "top_k": Field("parameters", 20),
    "seed": Field("parameters", 7),
    "pipeline_ids": Field("parameters.rag_options", ["KB1", "KB2"]),
    "file_ids": Field("parameters.rag_options", ["F1"], needs="pipeline_ids"),
    "metadata_filter": Field(
        "parameters.rag_options",
        {"author": "Ann <a@b.c> & co", "source": ["wiki", "docs"]},
        needs="pipeline_ids",
    ),
    "tags": Field("parameters.rag_options", ["手机", "two words"], needs="pipeline_ids"),
    "structured_filter": Field("parameters.rag_options", {"price": 2999, "brand": "Z"}),
    "session_file_ids": Field("parameters.rag_options", ["file_session_1"]),
}
"""Every field of a request that can be set, but `has_thoughts`, which all kinds know."""
NEVER_SENT = frozenset({"ask", "plugins"})
"""Options that only tell the bot what to ask people for."""
STREAMED: Mapping[AppKind, Mapping[str, Any]] = {
    AppKind.AGENT: {"has_thoughts": True, "incremental_output": True},
    AppKind.WORKFLOW: {"flow_stream_mode": "message_format_plus", "incremental_output": True},
    AppKind.DIALOG_WORKFLOW: {
        "flow_stream_mode": "message_format_plus",
        "incremental_output": True,
    },
    AppKind.ORCHESTRATION: {"has_thoughts": True, "incremental_output": True},
}
"""Parameters of each kind while nothing is set."""
KNOWN = [
    (kind, place)
    for kind in AppKind
    for place in ("input", "input.biz_params", "parameters", "parameters.rag_options")
    if any(field.place == place and kind in field.kinds for field in FIELDS.values())
]


def test_every_field_that_can_be_set_is_tried_here() -> None:
    assert {*FIELDS, "has_thoughts"} == API_FIELDS.keys() - NEVER_SENT


def typed(name: str) -> str:
    """Return what an admin types to give a field its value."""
    value = FIELDS[name].value
    if not is_option_of_its_own(name):
        return f"more {json.dumps({name: value}, ensure_ascii=False)}"
    return f"{SETTINGS[name].command} {SETTINGS[name].show(value)}"


def body_with(names: Sequence[str], kind: AppKind) -> tuple[Any, Any]:
    """Return `input` and `parameters` of a request with some fields in their places."""
    body: dict[str, Any] = {"input": {"prompt": "hello"}, "parameters": dict(STREAMED[kind])}
    for name in names:
        home = body
        for step in FIELDS[name].place.split("."):
            home = home.setdefault(step, {})
        home[name] = FIELDS[name].value
    return body["input"], body["parameters"]


@pytest.mark.parametrize(("kind", "place"), KNOWN)
async def test_each_field_alone_stands_in_its_place_and_goes_when_it_is_reset(
    rig: Rig, kind: AppKind, place: str
) -> None:
    names = [n for n, field in FIELDS.items() if field.place == place and kind in field.kinds]
    sets = [[need for need in (FIELDS[name].needs, name) if need] for name in names]
    # Posts in one channel are scarce, so everything is set for all of them.
    channels = cycle((PUBLIC, PRIVATE, GROUP_DM))
    async with a_desk(rig, dashscope_app_kind=kind) as desk:
        for number, fields in enumerate([*sets, []], 1):
            for name in fields:
                await desk.say(f"workspace {typed(name)}")
            await rig.ask("hello", channel=next(channels))
            await rig.finished(number)
            await desk.say("workspace reset all")
    for entry, fields in zip(rig.asked(), [*sets, []], strict=True):
        assert (input_of(entry), parameters_of(entry)) == body_with(fields, kind), fields


@pytest.mark.parametrize("kind", AppKind)
async def test_all_fields_of_a_kind_go_together_and_those_of_other_kinds_are_refused(
    rig: Rig, kind: AppKind
) -> None:
    own = [name for name, field in FIELDS.items() if kind in field.kinds]
    others = [name for name in FIELDS if name not in own]
    with_settings = [name for name in own if is_option_of_its_own(name)]
    further = {name: FIELDS[name].value for name in own if name not in with_settings}
    async with a_desk(rig, dashscope_app_kind=kind) as desk:
        for name in others:
            assert "Nothing was changed." in await desk.say(typed(name)), name
        assert await desk.values() == {}
        for name in with_settings:
            await desk.say(typed(name))
        if further:
            await desk.say(f"more {json.dumps(further, ensure_ascii=False)}")
        await rig.answer("hello")
    (entry,) = rig.asked()
    assert (input_of(entry), parameters_of(entry)) == body_with(own, kind)


@pytest.mark.parametrize("mode", FLOW_STREAM_MODES)
@pytest.mark.parametrize("kind", [kind for kind in AppKind if kind in FLOWS])
async def test_every_mode_of_streaming_is_asked_for_by_name_and_the_answer_arrives(
    rig: Rig, kind: AppKind, mode: str
) -> None:
    async with a_desk(rig, dashscope_app_kind=kind) as desk:
        await desk.say(f"thoughts mode {mode}")
        shown = await rig.answer("hello")
    (entry,) = rig.asked()
    assert parameters_of(entry)["flow_stream_mode"] == mode
    assert shown == "hello"


@pytest.mark.parametrize(
    ("kind", "command", "changed"),
    [
        (AppKind.AGENT, "thoughts off", {"has_thoughts": None}),
        (AppKind.ORCHESTRATION, "thoughts off", {"has_thoughts": None}),
        (AppKind.WORKFLOW, "thoughts on", {"has_thoughts": True}),
        (AppKind.DIALOG_WORKFLOW, "thoughts on", {"has_thoughts": True}),
    ],
)
async def test_steps_are_reported_or_not_as_set_and_absent_means_off(
    rig: Rig, kind: AppKind, command: str, changed: Mapping[str, Any]
) -> None:
    async with a_desk(rig, dashscope_app_kind=kind) as desk:
        await desk.say(command)
        await rig.answer("hello")
    (entry,) = rig.asked()
    expected = {**STREAMED[kind], **changed}
    assert parameters_of(entry) == {n: value for n, value in expected.items() if value is not None}


async def test_a_field_nobody_here_has_heard_of_is_sent_along(rig: Rig) -> None:
    rig.dashscope.gateway.rules = Rules(unknown_parameters=True)
    async with a_desk(rig) as desk:
        await desk.say('more {"brand_new": {"deep": [1, 2.5, true]}, "temperature": 1}')
        await rig.answer("hello")
    (entry,) = rig.asked()
    assert parameters_of(entry) == {
        **STREAMED[AppKind.AGENT],
        "temperature": 1,
        "brand_new": {"deep": [1, 2.5, True]},
    }


async def test_what_an_app_cannot_use_after_it_was_changed_is_left_out(tmp_path: Path) -> None:
    flow = echo_app("flow", kind=AppKind.WORKFLOW)
    async with several_apps(tmp_path, echo_app(APP_ID), flow) as rig:
        async with a_desk(rig) as desk:
            await register(desk, "mistaken", app_id="flow")
            await desk.say("app mistaken")
            await desk.say("kb KB1")
            told = await desk.say("apps edit mistaken kind=workflow")
            shown = await rig.answer("hello")
        (entry,) = rig.asked()
    assert "mistaken" in told
    assert shown == "hello"
    assert parameters_of(entry) == STREAMED[AppKind.WORKFLOW]


FURTHER = [name for name in FIELDS if not is_option_of_its_own(name)]


@asynccontextmanager
async def inheriting(folder: Path, names: Sequence[str], kind: AppKind) -> AsyncGenerator[Desk]:
    """Set fields as the default options of the workspace's app, and for the workspace as well."""
    options = json.dumps({name: FIELDS[name].value for name in names}, ensure_ascii=False)
    async with (
        several_apps(folder, echo_app(APP_ID), echo_app("full", kind=kind)) as rig,
        a_desk(rig) as desk,
    ):
        await register(desk, "full", app_id="full", kind=kind.value, options=options)
        await desk.say("workspace app full")
        for name in names:
            await desk.say(f"workspace {typed(name)}")
        yield desk


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        (name, kind)
        for name, field in FIELDS.items()
        for kind in (AppKind.AGENT, AppKind.WORKFLOW, AppKind.ORCHESTRATION)
        if kind in field.kinds and is_option_of_its_own(name)
    ],
)
async def test_what_a_channel_has_none_of_is_not_sent_whoever_it_is_inherited_from(
    tmp_path: Path, name: str, kind: AppKind
) -> None:
    needed = [need for need in [FIELDS[name].needs] if need]
    command = SETTINGS[name].command
    async with inheriting(tmp_path, [*needed, name], kind) as desk:
        await desk.say(f"{command} none")
        await told(desk.rig, "hello")
        await told(desk.rig, "hello", channel=PRIVATE)
        await desk.say(f"{command} inherit")
        await told(desk.rig, "hello")
        asked = [(input_of(entry), parameters_of(entry)) for entry in desk.rig.asked()]
    inherited = body_with([*needed, name], kind)
    assert asked == [body_with(needed, kind), inherited, inherited]


async def test_where_there_are_no_knowledge_bases_what_narrows_them_is_not_sent_either(
    tmp_path: Path,
) -> None:
    names = [name for name, field in FIELDS.items() if field.needs == "pipeline_ids"]
    async with inheriting(tmp_path, ["pipeline_ids", *names], AppKind.AGENT) as desk:
        said = await desk.say("kb none")
        await told(desk.rig, "hello")
        (entry,) = desk.rig.asked()
    assert "Left out: `docs`, `filter`, `tags`. This needs the knowledge bases" in said
    assert parameters_of(entry) == STREAMED[AppKind.AGENT]


@pytest.mark.parametrize("name", FURTHER)
async def test_one_further_field_that_is_null_is_not_sent_and_the_others_are(
    tmp_path: Path, name: str
) -> None:
    other = next(each for each in FURTHER if FIELDS[each].place != FIELDS[name].place)
    async with inheriting(tmp_path, [other, name], AppKind.AGENT) as desk:
        await desk.say(f'more {{"{name}": null}}')
        await told(desk.rig, "hello")
        (entry,) = desk.rig.asked()
    assert (input_of(entry), parameters_of(entry)) == body_with([other], AppKind.AGENT)


async def test_no_further_field_is_sent_where_there_are_none(tmp_path: Path) -> None:
    async with inheriting(tmp_path, ["pipeline_ids", *FURTHER], AppKind.AGENT) as desk:
        await desk.say("more none")
        await told(desk.rig, "hello")
        await desk.say('more {"seed": 8}')
        await told(desk.rig, "hello")
        none, one = desk.rig.asked()
    expected = body_with(["pipeline_ids"], AppKind.AGENT)
    assert (input_of(none), parameters_of(none)) == expected
    assert parameters_of(one)["seed"] == 8
    assert parameters_of(one)["top_k"] == FIELDS["top_k"].value


async def test_a_workspace_with_none_sends_nothing_of_what_its_app_brings_along(
    tmp_path: Path,
) -> None:
    async with inheriting(tmp_path, ["pipeline_ids"], AppKind.AGENT) as desk:
        await desk.say("workspace kb none")
        await told(desk.rig, "hello")
        await desk.say("kb KB3")
        await told(desk.rig, "hello")
        nothing, own = map(parameters_of, desk.rig.asked())
    assert nothing == STREAMED[AppKind.AGENT]
    assert own["rag_options"] == {"pipeline_ids": ["KB3"]}


async def test_a_channel_without_an_instruction_sends_none(rig: Rig) -> None:
    async with a_desk(rig) as desk:
        for text in ("workspace history messages", "workspace system Be brief.", "system none"):
            await desk.say(text)
        await told(rig, "hello")
        await told(rig, "hello", channel=PRIVATE)
    here, elsewhere = (
        [message["role"] for message in input_of(entry)["messages"]] for entry in rig.asked()
    )
    assert here == ["user"]
    assert elsewhere == ["system", "user"]


@pytest.mark.parametrize("kind", [AppKind.WORKFLOW])
async def test_where_no_variables_are_asked_for_nobody_needs_to_give_any(
    rig: Rig, kind: AppKind
) -> None:
    async with a_desk(rig, dashscope_app_kind=kind) as desk:
        await desk.say("workspace ask city")
        await desk.say("ask none")
        assert await told(rig, "hello") == "hello"
        assert "I need" in await told(rig, "hello", channel=PRIVATE)
    assert len(rig.asked()) == 1
