"""Which memory counts where, and for which app."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.memory import description_problem
from bot.core.memory_places import (
    CHANNELS,
    PRIVATE,
    are_neighbours,
    channel_of,
    description_of,
    is_scope,
    is_switched_off,
    may_use,
    of_channel,
    scope_at,
)
from bot.core.question import AppKind, AppProfile
from bot.core.setting import MemoryUse

BEIJING = "https://bailian.cn-beijing.aliyuncs.com"
SINGAPORE = "https://bailian.ap-southeast-1.aliyuncs.com"
HERE = "http://127.0.0.1:8001"
IDS = st.from_regex(r"[A-Z][A-Z0-9]{1,30}", fullmatch=True)


@given(channel_id=IDS, use=st.sampled_from(MemoryUse))
def test_only_direct_messages_ever_have_the_private_memory(channel_id: str, use: MemoryUse) -> None:
    scope = scope_at(channel_id, use)
    assert (scope is None) == (use is MemoryUse.OFF)
    assert (scope == PRIVATE) == (channel_id.startswith("D") and use is not MemoryUse.OFF)


@given(one=IDS, other=IDS)
def test_channels_set_apart_share_nothing(one: str, other: str) -> None:
    scopes = [scope_at(f"C{each}", MemoryUse.SEPARATE) for each in (one, other)]
    assert (scopes[0] == scopes[1]) == (one == other)
    assert not {CHANNELS, PRIVATE} & {*scopes}


@pytest.mark.parametrize("channel_id", ["C1", "G1"])
def test_channels_and_group_messages_share_one_memory(channel_id: str) -> None:
    assert scope_at(channel_id, MemoryUse.ON) == CHANNELS


@pytest.mark.parametrize("scope", ["private", "channels", "channel:C0PUBLIC", "channel:G1"])
def test_scopes_are_known_by_their_form(scope: str) -> None:
    assert is_scope(scope)


@pytest.mark.parametrize("text", ["", "Private", "channel:", "channel:D1", "channel:C1 x", "x"])
def test_nothing_else_is_a_scope(text: str) -> None:
    assert not is_scope(text)


def test_a_channels_scope_names_it() -> None:
    assert channel_of(of_channel("C1")) == "C1"
    assert channel_of(CHANNELS) is None


@given(
    people=st.lists(
        st.tuples(IDS, IDS, st.one_of(st.just(PRIVATE), st.just(CHANNELS), IDS.map(of_channel))),
        unique=True,
        min_size=2,
    )
)
def test_every_owner_and_place_has_a_description_of_its_own_that_will_be_taken(
    people: list[tuple[str, str, str]],
) -> None:
    told = [description_of(team_id=t, user_id=u, scope=s) for t, u, s in people]
    assert len(set(told)) == len(told)
    assert not any(map(description_problem, told))


def test_an_ordinary_description_can_be_read() -> None:
    told = description_of(team_id="T0PLAY", user_id="U0ANN", scope=of_channel("C0PUBLIC"))
    assert told == "slack:T0PLAY:U0ANN:channel:C0PUBLIC"


@pytest.mark.parametrize(
    ("base_url", "endpoint"),
    [
        ("https://dashscope.aliyuncs.com/api/v1", BEIJING),
        ("https://llm-1.cn-beijing.maas.aliyuncs.com/api/v1", BEIJING),
        ("https://ep-x1.dashscope.cn-beijing.privatelink.aliyuncs.com/api/v1", BEIJING),
        ("https://dashscope.aliyuncs.com/api/v1", "https://bailian-vpc.cn-beijing.aliyuncs.com"),
        ("https://dashscope-intl.aliyuncs.com/api/v1", SINGAPORE),
        ("https://llm-1.ap-southeast-1.maas.aliyuncs.com/api/v1", SINGAPORE),
        ("http://127.0.0.1:8000/api/v1", HERE),
        ("http://localhost:8000/api/v1", "http://[::1]:8001"),
    ],
)
def test_apps_reach_the_memories_of_their_own_region(base_url: str, endpoint: str) -> None:
    assert are_neighbours(base_url, endpoint)


@pytest.mark.parametrize(
    ("base_url", "endpoint"),
    [
        ("https://dashscope-intl.aliyuncs.com/api/v1", BEIJING),
        ("https://dashscope.aliyuncs.com/api/v1", SINGAPORE),
        ("https://cn-hongkong.dashscope.aliyuncs.com/api/v1", BEIJING),
        ("https://llm-1.us-east-1.maas.aliyuncs.com/api/v1", BEIJING),
        ("https://dashscope.aliyuncs.com.evil.example/api/v1", BEIJING),
        ("https://proxy.example/api/v1", "https://proxy.example"),
        ("http://127.0.0.1:8000/api/v1", BEIJING),
        ("https://[bad/api/v1", BEIJING),
    ],
)
def test_no_other_app_is_sent_a_memory(base_url: str, endpoint: str) -> None:
    assert not are_neighbours(base_url, endpoint)


@pytest.mark.parametrize("kind", AppKind)
def test_only_agents_take_a_memory(kind: AppKind) -> None:
    app = AppProfile("a", "APP", kind, "http://127.0.0.1/api/v1", api_key="sk")
    assert may_use(app, endpoint=HERE) == (kind is AppKind.AGENT)


def test_ids_named_by_people_go_to_any_agent() -> None:
    app = AppProfile("a", "A", AppKind.AGENT, "https://proxy.example/api/v1", api_key="sk")
    assert may_use(app, endpoint=None)
    assert not may_use(replace(app, kind=AppKind.WORKFLOW), endpoint=None)


def test_only_off_switches_off() -> None:
    assert is_switched_off({"memory": "off"})
    assert not any(map(is_switched_off, ({}, {"memory": "on"}, {"app": "off"})))
