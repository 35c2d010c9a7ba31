"""Which memory counts where, and for which app."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.memory import description_problem
from bot.core.memory_places import (
    CHANNELS,
    PRIVATE,
    channel_of,
    description_of,
    is_scope,
    is_switched_off,
    of_channel,
    scope_at,
    why_without,
)
from bot.core.policy import ChannelInfo
from bot.core.question import AppKind, AppProfile
from bot.core.setting import MemoryUse
from bot.core.studio_workspace import StudioWorkspace

HERE = StudioWorkspace("http://127.0.0.1:8001", "llm-1")
APP = AppProfile("a", "APP", AppKind.AGENT, "http://127.0.0.1/api/v1", api_key="sk")
OPEN = ChannelInfo(
    "C1",
    name="general",
    is_member=True,
    is_private=False,
    is_direct=False,
    is_shared=False,
    creator="",
    is_archived=False,
)
HIDDEN = replace(OPEN, is_private=True)
WITH_OTHERS = [replace(each, is_shared=True) for each in (OPEN, HIDDEN)]
IDS = st.from_regex(r"[A-Z][A-Z0-9]{1,30}", fullmatch=True)
CHANNEL_IDS = st.from_regex(r"[CG][A-Z0-9]{1,30}", fullmatch=True)


USES = st.sampled_from(MemoryUse)
ANY_KIND = st.sampled_from([OPEN, HIDDEN, *WITH_OTHERS, None])


@given(channel_id=IDS, use=USES, kind=ANY_KIND)
def test_only_direct_messages_ever_have_the_private_memory(
    channel_id: str, use: MemoryUse, kind: ChannelInfo | None
) -> None:
    scope = scope_at(channel_id, use, channel=kind)
    assert (scope == PRIVATE) == channel_id.startswith("D")


@given(one=IDS, other=IDS)
def test_channels_set_apart_share_nothing(one: str, other: str) -> None:
    scopes = [scope_at(f"C{each}", MemoryUse.SEPARATE, channel=OPEN) for each in (one, other)]
    assert (scopes[0] == scopes[1]) == (one == other)
    assert not {CHANNELS, PRIVATE} & {*scopes}


def test_public_channels_share_one_memory() -> None:
    assert scope_at("C1", MemoryUse.ON, channel=OPEN) == CHANNELS


def test_a_private_channel_shares_none_unless_it_is_set_to() -> None:
    for use in (MemoryUse.ON, MemoryUse.SEPARATE):
        assert scope_at("C1", use, channel=HIDDEN) == of_channel("C1")
    assert scope_at("C1", MemoryUse.SHARED, channel=HIDDEN) == CHANNELS


@given(channel_id=CHANNEL_IDS, inside=USES, use=USES)
@pytest.mark.parametrize("kind", [OPEN, HIDDEN], ids=["public", "private"])
@pytest.mark.parametrize(
    "outside", [*WITH_OTHERS, None], ids=["shared", "private shared", "untold"]
)
def test_nothing_remembered_inside_counts_where_other_workspaces_may_be(
    channel_id: str,
    inside: MemoryUse,
    use: MemoryUse,
    kind: ChannelInfo,
    outside: ChannelInfo | None,
) -> None:
    """Nor the other way round, whatever is set, before a channel is shared, meanwhile and after."""
    at_home = scope_at(channel_id, inside, channel=kind)
    away = scope_at(channel_id, use, channel=outside)
    assert away not in {at_home, CHANNELS, PRIVATE}
    assert channel_of(away) == channel_id
    assert is_scope(away)


@given(channel_id=CHANNEL_IDS, use=USES, before=USES)
@pytest.mark.parametrize("known", [OPEN, HIDDEN, *WITH_OTHERS])
def test_what_is_remembered_while_nobody_tells_what_a_channel_is_counts_at_no_other_time(
    channel_id: str, use: MemoryUse, before: MemoryUse, known: ChannelInfo
) -> None:
    untold = scope_at(channel_id, before, channel=None)
    assert untold not in {scope_at(channel_id, use, channel=known), CHANNELS, PRIVATE}


@pytest.mark.parametrize("kind", [OPEN, HIDDEN, None], ids=["public", "private", "unknown"])
def test_where_memory_is_off_the_one_is_shown_that_would_be_used(kind: ChannelInfo | None) -> None:
    off, on = (scope_at("C1", use, channel=kind) for use in (MemoryUse.OFF, MemoryUse.ON))
    assert off == on


@pytest.mark.parametrize(
    "scope",
    ["private", "channels", "channel:C0PUBLIC", "channel:G1", "connect:C0PUBLIC", "untold:G1"],
)
def test_scopes_are_known_by_their_form(scope: str) -> None:
    assert is_scope(scope)


@pytest.mark.parametrize(
    "text", ["", "Private", "channel:", "channel:D1", "connect:", "channel:C1 x", "x"]
)
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


@pytest.mark.parametrize("kind", AppKind)
def test_only_agents_take_a_memory(kind: AppKind) -> None:
    why = why_without(replace(APP, kind=kind), workspace=HERE)
    assert why == (None if kind is AppKind.AGENT else "kind")


@pytest.mark.parametrize(
    ("elsewhere", "why"),
    [
        ({"base_url": "https://dashscope.aliyuncs.com/api/v1"}, "region"),
        ({"workspace": "llm-other"}, "workspace"),
    ],
)
def test_an_agent_from_elsewhere_takes_none_of_ours(elsewhere: dict[str, str], why: str) -> None:
    assert why_without(replace(APP, **elsewhere), workspace=HERE) == why


def test_ids_named_by_people_go_to_any_agent() -> None:
    app = replace(APP, base_url="https://proxy.example/api/v1", workspace="llm-other")
    assert why_without(app, workspace=None) is None
    assert why_without(replace(app, kind=AppKind.WORKFLOW), workspace=None) == "kind"


def test_only_off_switches_off() -> None:
    assert is_switched_off({"memory": "off"})
    assert not any(map(is_switched_off, ({}, {"memory": "on"}, {"app": "off"})))
