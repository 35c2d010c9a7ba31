"""What holds in a place."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.api_fields import API_FIELDS, placed, problem_of, problems
from bot.core.json_value import Json
from bot.core.plugin_tokens import NO_TOKENS_THERE
from bot.core.question import AppKind, AppProfile
from bot.core.resolution import Effective, Layers, Quota, chosen_app, resolve
from bot.core.setting import SETTINGS, Follow, History, LanguageChoice, Level, MemoryUse

AGENT = AppProfile(
    "docs", "APP", AppKind.AGENT, "https://x/api/v1", api_key="sk-secret", takes_tokens=True
)
WORKFLOW = replace(AGENT, kind=AppKind.WORKFLOW)
WORKSPACE, CHANNEL, USER = Level.WORKSPACE, Level.CHANNEL, Level.USER


def layers(
    workspace: dict[str, Json] | None = None,
    channel: dict[str, Json] | None = None,
    user: dict[str, Json] | None = None,
) -> Layers:
    return Layers(workspace=workspace or {}, channel=channel or {}, user=user or {})


def options(*given_layers: dict[str, Json], app: AppProfile = AGENT) -> dict[str, Json]:
    return dict(resolve(layers(*given_layers), app=app).options)


def test_the_default_app_answers_while_nobody_chose_one() -> None:
    assert chosen_app(layers()) == "default"


def test_the_nearest_choice_of_an_app_holds() -> None:
    assert chosen_app(layers({"app": "a"})) == "a"
    assert chosen_app(layers({"app": "a"}, {"app": "b"})) == "b"
    assert chosen_app(layers({"app": "a"}, {}, {"app": "c"})) == "c"


def test_where_nothing_is_set_everything_is_as_built_in() -> None:
    effective = resolve(layers(), app=AGENT)
    built_in = {key: each.default for key, each in SETTINGS.items() if each.default is not None}
    assert effective == Effective(
        app=AGENT, origins=dict.fromkeys(SETTINGS), values=built_in, reasons={}
    )


def test_every_setting_of_the_bot_reaches_its_place() -> None:
    effective = resolve(
        layers(
            {"delegate": True},
            {
                "history": "off",
                "follow": "thread",
                "memory": "separate",
                "language": "zh",
                "sources": False,
                "steps": True,
                "who": ["admins", "guests"],
                "managers": ["U1", "U2"],
            },
        ),
        app=AGENT,
    )
    assert effective.history is History.OFF
    assert effective.follow is Follow.THREAD
    assert effective.memory is MemoryUse.SEPARATE
    assert effective.language is LanguageChoice.ZH
    assert not effective.shows_sources
    assert effective.keeps_steps
    assert effective.who == {"admins", "guests"}
    assert effective.managers == {"U1", "U2"}
    assert effective.delegate


@given(workspace=st.sampled_from([None, *MemoryUse]), channel=st.sampled_from([None, *MemoryUse]))
def test_only_a_channels_own_setting_opens_its_memory(
    workspace: MemoryUse | None, channel: MemoryUse | None
) -> None:
    levels: list[dict[str, Json]] = [{"memory": use} if use else {} for use in (workspace, channel)]
    used = resolve(layers(*levels), app=AGENT).memory
    assert (used is MemoryUse.SHARED) == (channel is MemoryUse.SHARED)
    assert (used is MemoryUse.OFF) == ((channel or workspace) is MemoryUse.OFF)


@pytest.mark.parametrize("kind", AppKind)
@pytest.mark.parametrize("use", MemoryUse)
def test_a_memory_that_was_chosen_is_of_no_use_to_an_app_that_remembers_nobody(
    kind: AppKind, use: MemoryUse
) -> None:
    can_have = kind is AppKind.AGENT or use is MemoryUse.OFF
    problem = SETTINGS["memory"].problem(use, kind=kind)
    assert (problem is None) == can_have
    app = replace(AGENT, kind=kind)
    for levels in (layers({"memory": use}), layers({}, {"memory": use})):
        effective = resolve(levels, app=app)
        assert effective.unused == (() if can_have else ("memory",))
        assert effective.reasons.get("memory") == problem
    assert resolve(layers(), app=app).unused == ()


def test_an_instruction_holds_only_while_the_thread_is_sent_as_messages() -> None:
    told: dict[str, Json] = {"system": "Be brief.", "history": "messages"}
    assert resolve(layers(told), app=AGENT).system == "Be brief."
    for values, app in ((told, WORKFLOW), (told | {"history": "session"}, AGENT)):
        effective = resolve(layers(values), app=app)
        assert effective.system == ""
        assert "system" in effective.unused


def test_a_channel_inherits_each_setting_of_the_bot_it_does_not_have_itself() -> None:
    effective = resolve(
        layers({"follow": "thread", "language": "zh"}, {"language": "en"}), app=AGENT
    )
    assert effective.follow is Follow.THREAD
    assert effective.language is LanguageChoice.EN
    assert effective.origins["follow"] is WORKSPACE
    assert effective.origins["language"] is CHANNEL
    assert effective.origins["memory"] is None


def test_options_begin_with_the_apps_own_and_the_nearer_level_wins() -> None:
    app = replace(AGENT, options={"seed": 1, "top_k": 1, "top_p": 0.1})
    workspace: dict[str, Json] = {"more": {"top_k": 2, "top_p": 0.2}}
    effective = resolve(layers(workspace, {"more": {"top_p": 0.3}}), app=app)
    assert effective.options == {"seed": 1, "top_k": 2, "top_p": 0.3}
    assert effective.origins["seed"] is None
    assert effective.origins["top_k"] is WORKSPACE
    assert effective.origins["top_p"] is effective.origins["more"] is CHANNEL
    assert effective.values["more"] == effective.options


def test_an_option_is_replaced_as_a_whole() -> None:
    assert options({"pipeline_ids": ["A", "B"]}, {"pipeline_ids": ["C"]}) == {"pipeline_ids": ["C"]}


@pytest.mark.parametrize("level", ["channel", "user"])
def test_options_of_the_workspaces_app_do_not_reach_another_app(level: str) -> None:
    workspace: dict[str, Json] = {"app": "a", "pipeline_ids": ["A"], "follow": "thread"}
    chosen = replace(layers(workspace), **{level: {"app": "b"}})
    effective = resolve(chosen, app=AGENT)
    assert effective.options == {}
    assert effective.unused == ()
    assert effective.origins["pipeline_ids"] is None
    assert effective.follow is Follow.THREAD


def test_options_of_a_channel_belong_to_the_app_the_channel_chose() -> None:
    channel: dict[str, Json] = {"app": "b", "tags": ["t"], "pipeline_ids": ["B"]}
    assert options({"pipeline_ids": ["A"]}, channel) == {"tags": ["t"], "pipeline_ids": ["B"]}


@pytest.mark.parametrize(
    ("workspace", "channel"),
    [
        ({"app": "Docs"}, {"app": "docs"}),
        ({"app": "docs"}, {"app": "DOCS"}),
        ({}, {"app": "default"}),
    ],
)
def test_choosing_the_workspaces_own_app_keeps_the_workspaces_options(
    workspace: dict[str, Json], channel: dict[str, Json]
) -> None:
    assert options(workspace | {"pipeline_ids": ["A"]}, channel) == {"pipeline_ids": ["A"]}


def test_a_channel_with_none_inherits_none_and_sends_none() -> None:
    app = replace(AGENT, options={"pipeline_ids": ["APP"], "tags": ["app"], "seed": 1})
    workspace: dict[str, Json] = {"pipeline_ids": ["A"]}
    effective = resolve(layers(workspace, {"pipeline_ids": "none", "tags": "none"}), app=app)
    assert effective.options == {"seed": 1}
    assert effective.unused == ()
    assert effective.values["pipeline_ids"] == effective.values["tags"] == "none"
    assert effective.origins["pipeline_ids"] is effective.origins["tags"] is CHANNEL


def test_a_workspace_with_none_keeps_out_what_its_app_brings_and_channels_may_set_their_own() -> (
    None
):
    app = replace(AGENT, options={"pipeline_ids": ["APP"]})
    workspace: dict[str, Json] = {"pipeline_ids": "none"}
    effective = resolve(layers(workspace), app=app)
    assert (effective.options, effective.unused) == ({}, ())
    assert effective.origins["pipeline_ids"] is WORKSPACE
    assert options(workspace, {"pipeline_ids": ["C"]}, app=app) == {"pipeline_ids": ["C"]}
    assert options(workspace, {"app": "other"}, app=app) == {"pipeline_ids": ["APP"]}


def test_what_needs_an_option_there_is_none_of_is_left_out_and_told() -> None:
    inherited: dict[str, Json] = {"pipeline_ids": ["A"], "tags": ["t"]}
    effective = resolve(layers(inherited, {"pipeline_ids": "none"}), app=AGENT)
    assert effective.options == {}
    assert effective.unused == ("tags",)


@pytest.mark.parametrize("app", [AGENT, WORKFLOW])
def test_nobody_is_told_that_none_is_of_no_use(app: AppProfile) -> None:
    nothing: dict[str, Json] = {key: "none" for key, s in SETTINGS.items() if s.can_be_none}
    for given_layers in (({}, nothing), (nothing,)):
        effective = resolve(layers(*given_layers), app=app)
        assert effective.unused == ()
        assert effective.options == {}
        assert {key: effective.values[key] for key in nothing} == nothing
        assert (effective.asked, effective.plugins, effective.system) == ((), (), "")


def test_one_further_field_is_kept_out_by_null_and_all_by_none() -> None:
    app = replace(AGENT, options={"seed": 1, "tags": ["app"], "pipeline_ids": ["APP"]})
    workspace: dict[str, Json] = {"more": {"top_k": 2, "top_p": 0.2}}
    of_app = {"tags": ["app"], "pipeline_ids": ["APP"]}
    one = resolve(layers(workspace, {"more": {"top_k": None}}), app=app)
    assert one.options == of_app | {"seed": 1, "top_p": 0.2}
    assert one.values["more"] == {"seed": 1, "top_k": None, "top_p": 0.2}
    assert one.origins["top_k"] is one.origins["more"] is CHANNEL
    every = resolve(layers(workspace, {"more": "none"}), app=app)
    assert every.options == of_app
    assert (every.values["more"], every.origins["more"]) == ("none", CHANNEL)
    again = resolve(layers({"more": "none"}, {"more": {"top_k": 3}}), app=app)
    assert again.options == of_app | {"top_k": 3}
    assert (again.values["more"], again.origins["more"]) == ({"top_k": 3}, CHANNEL)


PROMPT, TOOLS = "user_prompt_params", "user_defined_params"


@pytest.mark.parametrize(
    ("own", "workspace", "channel", "sent"),
    [
        (
            {PROMPT: {"city": "app"}, TOOLS: {"T": {"a": "app"}}},
            {},
            {"biz_params": {PROMPT: {"city": "channel"}}},
            {PROMPT: {"city": "channel"}, TOOLS: {"T": {"a": "app"}}},
        ),
        (
            {PROMPT: {"city": "app"}},
            {"more": {PROMPT: {"city": "workspace"}}},
            {"biz_params": {PROMPT: {"city": "channel"}}},
            {PROMPT: {"city": "channel"}},
        ),
        (
            {},
            {"biz_params": {PROMPT: {"city": "workspace"}, TOOLS: {"T": {"a": "workspace"}}}},
            {"more": {PROMPT: {"city": "channel"}}},
            {PROMPT: {"city": "channel"}, TOOLS: {"T": {"a": "workspace"}}},
        ),
        (
            {},
            {"biz_params": {PROMPT: {"city": "workspace"}, TOOLS: {"T": {"a": "workspace"}}}},
            {"biz_params": {TOOLS: {"T": {"a": "channel"}}}},
            {TOOLS: {"T": {"a": "channel"}}},
        ),
        (
            {PROMPT: {"city": "app"}},
            {"biz_params": {TOOLS: {"T": {"a": "workspace"}}}},
            {"more": {TOOLS: None}},
            {PROMPT: {"city": "app"}},
        ),
        (
            {PROMPT: {"city": "app"}},
            {"more": {TOOLS: {"T": {"a": "workspace"}}}},
            {"biz_params": "none"},
            {},
        ),
        (
            {PROMPT: {"city": "app"}},
            {"biz_params": "none"},
            {"biz_params": {TOOLS: {"T": {"a": "channel"}}}},
            {TOOLS: {"T": {"a": "channel"}}},
        ),
    ],
)
def test_an_agents_variables_are_the_nearest_levels_in_whichever_field_they_were_set(
    own: Any, workspace: dict[str, Json], channel: dict[str, Json], sent: dict[str, Json]
) -> None:
    effective = resolve(layers(workspace, channel), app=replace(AGENT, options=own))
    asked, _ = placed(effective.options)
    assert asked.get("biz_params", {}) == sent
    assert effective.unused == ()


def test_a_channel_may_have_no_instruction_where_the_workspace_has_one() -> None:
    told: dict[str, Json] = {"system": "Be brief.", "history": "messages"}
    effective = resolve(layers(told, {"system": "none"}), app=AGENT)
    assert effective.system == ""
    assert effective.unused == ()
    assert (effective.values["system"], effective.origins["system"]) == ("none", CHANNEL)


def test_what_the_kind_of_app_cannot_use_is_left_out_and_told() -> None:
    effective = resolve(
        layers({"pipeline_ids": ["A"], "more": {"new": 1}}, {"biz_params": {"city": "Hangzhou"}}),
        app=WORKFLOW,
    )
    assert effective.options == {"new": 1, "biz_params": {"city": "Hangzhou"}}
    assert effective.unused == ("pipeline_ids",)
    assert effective.reasons["pipeline_ids"].en.startswith("Only for agent")
    assert effective.values["pipeline_ids"] == ["A"]
    assert effective.origins["pipeline_ids"] is WORKSPACE


def test_what_needed_an_option_that_is_left_out_is_left_out_too() -> None:
    effective = resolve(layers({"pipeline_ids": ["A,B"], "tags": ["t"]}), app=AGENT)
    assert effective.options == {}
    assert effective.unused == ("pipeline_ids", "tags")


def test_a_workflow_is_not_asked_with_messages() -> None:
    workflow = resolve(layers({"history": "messages"}), app=WORKFLOW)
    assert workflow.history is History.SESSION
    assert workflow.unused == ("history",)
    assert resolve(layers({"history": "messages"}), app=AGENT).history is History.MESSAGES


def test_a_setting_counts_only_where_it_can_be_set() -> None:
    astray: dict[str, Json] = {"delegate": True, "managers": ["U1"]}
    assert not resolve(layers({}, astray, astray), app=AGENT).delegate
    assert resolve(layers(astray), app=AGENT).managers == frozenset()
    own = resolve(layers({}, {}, {"follow": "thread", "tags": ["t"]}), app=AGENT)
    assert own.follow is Follow.MENTION
    assert own.options == {}


def test_a_value_that_is_none_of_its_setting_counts_for_nothing() -> None:
    effective = resolve(
        layers({"follow": "thread", "who": ["admins"]}, {"follow": "never", "who": "all"}),
        app=AGENT,
    )
    assert effective.follow is Follow.THREAD
    assert effective.who == {"admins"}


def test_a_persons_quotas_count_in_the_workspace_and_in_the_channel() -> None:
    effective = resolve(layers({"quota_user_turns": 100}, {"quota_user_turns": 10}), app=AGENT)
    assert effective.quotas == (
        Quota(per="user", unit="turns", limit=100, across="workspace"),
        Quota(per="user", unit="turns", limit=10, across="channel"),
    )


def test_a_channels_quota_is_its_own_or_else_the_workspaces_for_each_channel() -> None:
    workspace: dict[str, Json] = {"quota_channel_turns": 100, "quota_channel_tokens": 5000}
    effective = resolve(layers(workspace, {"quota_channel_turns": 10}), app=AGENT)
    assert effective.quotas == (
        Quota(per="channel", unit="turns", limit=10, across="channel"),
        Quota(per="channel", unit="tokens", limit=5000, across="channel"),
    )


def test_a_channel_may_have_no_limit_where_the_workspace_has_one_for_channels() -> None:
    assert not resolve(
        layers({"quota_channel_turns": 100}, {"quota_channel_turns": "off"}), app=AGENT
    ).quotas


def test_direct_messages_know_a_persons_quota_and_no_channels() -> None:
    direct = Layers(workspace={"quota_user_tokens": 5, "quota_channel_turns": 7}, is_direct=True)
    assert resolve(direct, app=AGENT).quotas == (
        Quota(per="user", unit="tokens", limit=5, across="workspace"),
    )


def test_what_only_tells_the_bot_how_to_ask_is_apart_from_what_is_sent() -> None:
    flow = resolve(
        layers({"ask": ["city"], "biz_params": {"days": "3"}}, {"plugins": ["TOOL"]}), app=WORKFLOW
    )
    assert (flow.asked, flow.plugins) == (("city",), ())
    assert flow.options == {"biz_params": {"days": "3"}}
    assert flow.unused == ("plugins",)
    agent = resolve(layers({}, {"plugins": ["TOOL"], "ask": ["city"]}), app=AGENT)
    assert (agent.asked, agent.plugins, agent.options) == ((), ("TOOL",), {})
    assert agent.origins["plugins"] is CHANNEL


def test_another_app_is_not_asked_with_the_variables_and_plugins_of_the_workspaces() -> None:
    other = resolve(layers({"plugins": ["TOOL"]}, {"app": "other"}), app=AGENT)
    assert other.plugins == ()


def test_an_app_at_a_host_where_no_token_goes_uses_no_plugin_with_one() -> None:
    stored = layers({}, {"plugins": ["TOOL"]})
    effective = resolve(stored, app=replace(AGENT, takes_tokens=False))
    assert (effective.plugins, effective.unused) == ((), ("plugins",))
    assert effective.reasons["plugins"] == NO_TOKENS_THERE
    assert effective.values["plugins"] == ["TOOL"]
    flow = resolve(stored, app=replace(WORKFLOW, takes_tokens=False))
    assert flow.reasons["plugins"].en.startswith("Only for agent")


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*API_FIELDS, "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)
LIKELY = st.sampled_from(
    [
        *(True, False, 1, 0.5, "full_thoughts", "messages", "thread", "docs", ["ID1"], {"k": "v"}),
        *("none", {"seed": None, "k": "v"}),
    ]
)
VALUES = st.dictionaries(st.sampled_from([*SETTINGS, "unknown"]), LIKELY | ANY, max_size=8)
OPTIONS = st.dictionaries(st.sampled_from([*API_FIELDS, "x"]), LIKELY | ANY, max_size=5)


def problem_if_any(name: str, value: tuple[str, ...], kind: AppKind) -> object:
    return problem_of(name, value, kind=kind) if value else None


@given(VALUES, VALUES, VALUES, OPTIONS, st.sampled_from(AppKind))
def test_whatever_is_stored_the_app_is_asked_only_for_what_its_kind_takes(
    workspace: Any, channel: Any, user: Any, own: Any, kind: AppKind
) -> None:
    stored = Layers(workspace=workspace, channel=channel, user=user)
    effective = resolve(stored, app=replace(AGENT, kind=kind, options=own))
    assert not problems(effective.options, kind=kind)
    assert all(
        problem_of(name, value, kind=kind) is None for name, value in effective.options.items()
    )
    assert all(value is not None for value in effective.options.values())
    own_none = {key for key, setting in SETTINGS.items() if setting.is_none(channel.get(key))}
    assert not own_none & {*effective.options, *effective.unused}
    assert problem_if_any("ask", effective.asked, kind) is None
    assert problem_if_any("plugins", effective.plugins, kind) is None
    assert set(effective.unused) == set(effective.reasons)
    assert not set(effective.options) & set(effective.unused)
    assert set(SETTINGS) <= set(effective.origins)
    assert isinstance(chosen_app(stored), str)
