"""Who may ask, and who may configure."""

from dataclasses import replace
from functools import partial
from itertools import chain, combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import texts
from bot.core.language import Phrase
from bot.core.policy import (
    ChannelInfo,
    Circle,
    Person,
    circle_of,
    depends_on_person,
    may_ask,
    may_configure_channel,
    may_configure_workspace,
)
from bot.core.question import AppKind, AppProfile
from bot.core.resolution import Effective

MEMBER = Person(
    user_id="U1",
    team_id="T1",
    name="Ann",
    locale="en-US",
    is_admin=False,
    is_bot=False,
    is_guest=False,
    is_deactivated=False,
)
ADMIN = replace(MEMBER, is_admin=True)
GUEST = replace(MEMBER, is_guest=True)
STRANGER = replace(MEMBER, team_id="T2")
NOBODY: frozenset[str] = frozenset()
MEMBERS = frozenset({"members"})
EVERYBODY = frozenset({"members", "guests", "external"})
ADMINS = frozenset({"admins"})
CHANNEL = ChannelInfo(
    channel_id="C1",
    name="general",
    is_member=True,
    is_private=False,
    is_direct=False,
    is_shared=False,
    creator="U1",
    is_archived=False,
)
APP = AppProfile("app", "APP", AppKind.AGENT, "http://127.0.0.1/api/v1", api_key="sk-x")
PLAIN = Effective(APP)
DELEGATED = Effective(APP, delegate=True, managers=frozenset({"U7"}))

whos = st.sampled_from([
    frozenset(some)
    for some in chain(
        [("admins",)], *(combinations(("members", "guests", "external"), n) for n in range(4))
    )
])  # fmt: skip
persons = st.builds(
    Person,
    user_id=st.sampled_from(["U1", "U2"]),
    team_id=st.sampled_from(["", "T1", "T2"]),
    name=st.just(""),
    locale=st.just(""),
    is_admin=st.booleans(),
    is_bot=st.booleans(),
    is_guest=st.booleans(),
    is_deactivated=st.booleans(),
)


def asks(
    person: Person | None,
    *,
    who: frozenset[str] = MEMBERS,
    user_team_id: str = "T1",
    admins: frozenset[str] = NOBODY,
) -> Phrase | None:
    return may_ask(
        person, user_id="U1", team_id="T1", user_team_id=user_team_id, who=who, admins=admins
    )


@pytest.mark.parametrize(
    ("person", "who", "refusal"),
    [
        (MEMBER, MEMBERS, None),
        (MEMBER, ADMINS, texts.ONLY_ADMINS_ASK),
        (MEMBER, frozenset({"guests"}), texts.MAY_NOT_ASK),
        (ADMIN, ADMINS, None),
        (ADMIN, frozenset({"external"}), None),
        (GUEST, MEMBERS, texts.MAY_NOT_ASK_GUEST),
        (GUEST, EVERYBODY, None),
        (GUEST, ADMINS, texts.MAY_NOT_ASK_GUEST),
        (STRANGER, MEMBERS, texts.MAY_NOT_ASK_EXTERNAL),
        (STRANGER, EVERYBODY, None),
        (replace(STRANGER, is_admin=True), ADMINS, texts.MAY_NOT_ASK_EXTERNAL),
        (replace(STRANGER, is_guest=True), frozenset({"guests"}), texts.MAY_NOT_ASK_EXTERNAL),
    ],
)
def test_the_setting_decides_who_may_ask(
    person: Person, who: frozenset[str], refusal: Phrase | None
) -> None:
    assert asks(person, who=who) == refusal


@given(persons, whos)
def test_bots_and_closed_accounts_never_ask(person: Person, who: frozenset[str]) -> None:
    for barred in (replace(person, is_bot=True), replace(person, is_deactivated=True)):
        assert asks(barred, who=who, admins=frozenset({"U1", "U2"})) == texts.MAY_NOT_ASK


@pytest.mark.parametrize("person", [STRANGER, None])
def test_whom_the_operator_named_may_always_ask(person: Person | None) -> None:
    assert asks(person, who=ADMINS, user_team_id="T2", admins=frozenset({"U1"})) is None


@given(persons, whos)
def test_who_writes_from_another_workspace_is_from_there_whatever_slack_tells(
    person: Person, who: frozenset[str]
) -> None:
    assert "external" in who or asks(person, who=who, user_team_id="T2") is not None


@pytest.mark.parametrize(
    ("who", "user_team_id", "admins", "depends"),
    [
        (MEMBERS, "T1", NOBODY, True),
        (frozenset({"guests"}), "T1", NOBODY, True),
        (ADMINS, "T1", NOBODY, True),
        (frozenset({"members", "guests"}), "T1", NOBODY, False),
        (EVERYBODY, "", NOBODY, False),
        (MEMBERS, "T2", NOBODY, False),
        (EVERYBODY, "T2", NOBODY, False),
        (ADMINS, "T1", frozenset({"U1"}), False),
    ],
)
def test_it_matters_who_asks_where_not_everybody_of_their_workspace_may(
    who: frozenset[str], user_team_id: str, admins: frozenset[str], depends: bool
) -> None:
    refusal = partial(asks, who=who, user_team_id=user_team_id, admins=admins)
    assert depends_on_person(refusal) is depends


@given(persons, whos, st.sampled_from(["T1", "T2"]), st.sampled_from([NOBODY, frozenset({"U1"})]))
def test_where_it_does_not_matter_who_asks_an_unknown_person_is_judged_as_the_known_one(
    person: Person, who: frozenset[str], user_team_id: str, admins: frozenset[str]
) -> None:
    refusal = partial(asks, who=who, user_team_id=user_team_id, admins=admins)
    known = replace(person, team_id=user_team_id, is_bot=False, is_deactivated=False)
    assert depends_on_person(refusal) or (refusal(known) is None) == (refusal(None) is None)


@pytest.mark.parametrize(
    ("person", "user_team_id", "circle"),
    [
        (MEMBER, "T1", Circle.WORKSPACE),
        (MEMBER, "", Circle.WORKSPACE),
        (ADMIN, "T2", Circle.OUTSIDE),
        (GUEST, "T1", Circle.GUESTS),
        (STRANGER, "T1", Circle.OUTSIDE),
        (replace(STRANGER, is_guest=True), "", Circle.OUTSIDE),
        (None, "T1", Circle.WORKSPACE),
        (None, "T2", Circle.OUTSIDE),
    ],
)
def test_any_sign_of_another_workspace_puts_somebody_outside(
    person: Person | None, user_team_id: str, circle: Circle
) -> None:
    assert circle_of(person, team_id="T1", user_team_id=user_team_id) is circle


@pytest.mark.parametrize(
    ("user_team_id", "who", "refusal"),
    [
        ("T1", MEMBERS, texts.MAY_BE_GUEST),
        ("", MEMBERS, texts.MAY_BE_GUEST),
        ("T1", frozenset({"guests"}), texts.MAY_BE_GUEST),
        ("T1", ADMINS, texts.MAY_BE_GUEST),
        ("T1", frozenset({"members", "guests"}), None),
        ("T2", MEMBERS, texts.MAY_NOT_ASK_EXTERNAL),
        ("T2", EVERYBODY, None),
    ],
)
def test_an_unknown_person_of_the_workspace_asks_only_where_members_and_guests_may(
    user_team_id: str, who: frozenset[str], refusal: Phrase | None
) -> None:
    assert asks(None, who=who, user_team_id=user_team_id) == refusal


def test_the_workspace_is_configured_by_its_admins_and_whom_the_operator_named() -> None:
    assert may_configure_workspace(ADMIN, admins=NOBODY)
    assert may_configure_workspace(MEMBER, admins=frozenset({"U1"}))
    assert not may_configure_workspace(MEMBER, admins=frozenset({"U2"}))
    assert not may_configure_workspace(None, admins=frozenset({"U1"}))


@given(persons)
def test_bots_and_closed_accounts_never_configure(person: Person) -> None:
    for barred in (replace(person, is_bot=True), replace(person, is_deactivated=True)):
        assert not may_configure_workspace(barred, admins=frozenset({"U1", "U2"}))
        assert not may_configure_channel(
            barred,
            admins=frozenset({"U1", "U2"}),
            channel=replace(CHANNEL, creator=person.user_id),
            effective=replace(DELEGATED, managers=frozenset({person.user_id})),
        )


@pytest.mark.parametrize(
    ("person", "channel", "effective", "may"),
    [
        (ADMIN, None, PLAIN, True),
        (MEMBER, CHANNEL, PLAIN, False),
        (MEMBER, CHANNEL, DELEGATED, True),
        (MEMBER, None, DELEGATED, False),
        (MEMBER, replace(CHANNEL, creator="U9"), DELEGATED, False),
        (MEMBER, replace(CHANNEL, creator=""), DELEGATED, False),
        (MEMBER, replace(CHANNEL, is_shared=True), DELEGATED, False),
        (GUEST, CHANNEL, DELEGATED, False),
        (replace(MEMBER, user_id="U7"), None, DELEGATED, True),
        (replace(MEMBER, user_id="U7"), CHANNEL, replace(DELEGATED, delegate=False), False),
        (None, CHANNEL, DELEGATED, False),
    ],
)
def test_a_channel_is_configured_by_admins_and_when_delegated_by_its_managers_and_maker(
    person: Person | None, channel: ChannelInfo | None, effective: Effective, may: bool
) -> None:
    assert may_configure_channel(person, admins=NOBODY, channel=channel, effective=effective) is may
