"""Who is who, asked once."""

import asyncio
from typing import Any

import pytest
from aiohttp import web

from bot.errors import (
    SlackError,
    SlackRefused,
    SlackThrottled,
    SlackTokenRefused,
    SlackUnavailable,
)
from bot.slack.calls import Calls
from bot.slack.people import KNOWN_S, LANES, NAMES_MOST, SCOPELESS_S, UNKNOWN_S, SlackPeople
from bot.turns.ports import People

ANN = {
    "id": "U1",
    "team_id": "T9",
    "name": "ann.login",
    "real_name": "Ann Real",
    "locale": "zh-CN",
    "is_owner": True,
    "is_ultra_restricted": True,
    "profile": {"display_name": "Ann", "real_name": "Ann Real"},
}


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def people(calls: Calls, clock: Clock) -> SlackPeople:
    """Look-ups that wait for Slack longer than any test does."""
    return SlackPeople(calls=calls, names_timeout_s=60, fresh_timeout_s=60, clock=clock)


def test_the_port_is_satisfied(people: SlackPeople) -> None:
    port: People = people
    assert port is people


async def test_a_profile_says_who_somebody_is(scripted_slack: Any, people: SlackPeople) -> None:
    scripted_slack.says("users.info", scripted_slack.ok(user=ANN))
    profile = await people.profile("T1", "U1")
    assert profile is not None
    assert (profile.name, profile.locale, profile.team_id) == ("Ann", "zh-CN", "T9")
    assert (profile.is_admin, profile.is_guest) == (False, True)
    assert (profile.is_bot, profile.is_deactivated) == (False, False)
    assert scripted_slack.calls("users.info") == [{"user": "U1", "include_locale": "1"}]


@pytest.mark.parametrize(
    ("user", "is_admin"),
    [
        ({"team_id": "T1", "is_owner": True}, True),
        ({"team_id": "T1", "is_admin": True}, True),
        ({"is_admin": True}, True),
        ({"team_id": "T1"}, False),
        ({"team_id": "T9", "is_admin": True, "is_owner": True}, False),
    ],
)
async def test_another_workspaces_admins_are_nobodys_here(
    scripted_slack: Any, people: SlackPeople, user: dict[str, Any], is_admin: bool
) -> None:
    scripted_slack.says("users.info", scripted_slack.ok(user=user))
    person = await people.profile("T1", "U1")
    assert person is not None
    assert person.is_admin is is_admin


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ({"profile": {"display_name": "", "real_name": "Bo Real"}}, "Bo Real"),
        ({"real_name": "Bo", "name": "bo"}, "Bo"),
        ({"name": "bo"}, "bo"),
    ],
)
async def test_the_name_is_the_best_there_is(
    scripted_slack: Any, people: SlackPeople, user: dict[str, Any], expected: str
) -> None:
    scripted_slack.says("users.info", scripted_slack.ok(user=user))
    assert await people.display_names("T1", ["U1"]) == {"U1": expected}


@pytest.mark.parametrize(
    ("told", "fact"),
    [
        ({"is_bot": True}, "is_bot"),
        ({"is_restricted": True}, "is_guest"),
        ({"is_ultra_restricted": True}, "is_guest"),
        ({"deleted": True}, "is_deactivated"),
        ({"is_admin": True}, "is_admin"),
        ({"is_owner": True}, "is_admin"),
    ],
)
async def test_each_thing_slack_tells_of_somebodys_rights_is_known(
    scripted_slack: Any, people: SlackPeople, told: dict[str, bool], fact: str
) -> None:
    plain = {"id": "U1", "team_id": "T1"}
    scripted_slack.says("users.info", scripted_slack.ok(user=plain | told))
    scripted_slack.says("users.info", scripted_slack.ok(user=plain))
    found = [await people.person("T1", "U1", fresh=True) for _ in range(2)]
    facts = ("is_bot", "is_guest", "is_deactivated", "is_admin")
    known = [{name for name in facts if getattr(person, name)} for person in found]
    assert known == [{fact}, set()]


async def test_whoever_cannot_be_looked_up_is_left_out(
    scripted_slack: Any, people: SlackPeople
) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        known = request.query["user"] == "U1"
        body = {"ok": True, "user": ANN} if known else {"ok": False, "error": "user_not_found"}
        return web.json_response(body)

    scripted_slack.says("users.info", *[answer] * 3)
    assert await people.display_names("T1", ["U2", "U1", "U3"]) == {"U1": "Ann"}
    assert await people.display_names("T1", []) == {}


@pytest.mark.parametrize(
    "code", ["user_not_found", "ratelimited", "internal_error", "user_not_visible"]
)
async def test_a_failure_is_no_error_and_not_repeated_for_a_while(
    scripted_slack: Any, people: SlackPeople, clock: Clock, code: str
) -> None:
    scripted_slack.says("users.info", scripted_slack.refuses(code))
    assert await people.profile("T1", "U1") is None
    clock.now += UNKNOWN_S - 1
    assert await people.profile("T1", "U1") is None
    assert len(scripted_slack.heard) == 1


async def test_a_profile_is_asked_for_again_when_it_is_old(
    scripted_slack: Any, people: SlackPeople, clock: Clock
) -> None:
    scripted_slack.says("users.info", *[scripted_slack.ok(user=ANN)] * 2)
    for age_s in (0, KNOWN_S - 1, 2):
        clock.now += age_s
        assert await people.profile("T1", "U1") is not None
    assert len(scripted_slack.heard) == 2


async def test_a_person_is_asked_for_once_however_many_want_to_know(
    scripted_slack: Any, people: SlackPeople
) -> None:
    scripted_slack.says("users.info", scripted_slack.ok(user=ANN))
    names = await asyncio.gather(*(people.display_names("T1", ["U1", "U1"]) for _ in range(10)))
    assert names == [{"U1": "Ann"}] * 10
    assert len(scripted_slack.heard) == 1


async def test_few_look_ups_run_at_once(scripted_slack: Any, people: SlackPeople) -> None:
    running = most = 0

    async def answer(_: web.Request) -> web.StreamResponse:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return web.json_response({"ok": True, "user": ANN})

    scripted_slack.says("users.info", *[answer] * 20)
    names = await people.display_names("T1", [f"U{n}" for n in range(20)])
    assert len(names) == 20
    assert most <= LANES


async def test_an_answer_does_not_wait_for_a_crowds_names(
    scripted_slack: Any, calls: Calls
) -> None:
    people = SlackPeople(calls=calls, names_timeout_s=3.0)
    scripted_slack.says("users.info", *[scripted_slack.ok(user=ANN)] * 500)
    names = await people.display_names("T1", [f"U{n}" for n in range(500)])
    assert set(names.values()) == {"Ann"}
    assert set(names) < {f"U{n}" for n in range(NAMES_MOST)}


async def test_a_missing_scope_switches_look_ups_off_for_a_while(
    scripted_slack: Any, people: SlackPeople, clock: Clock
) -> None:
    slack = scripted_slack
    slack.says("users.info", slack.refuses("missing_scope"), *[slack.ok(user=ANN)] * 2)
    assert await people.profile("T1", "U1") is None
    assert await people.profile("T1", "U2") is None
    assert await people.profile("T2", "U2") is not None
    clock.now += SCOPELESS_S + 1
    assert await people.profile("T1", "U2") is not None
    assert len(slack.heard) == 3


async def test_the_first_askers_giving_up_does_not_spoil_it_for_the_second(
    scripted_slack: Any, people: SlackPeople
) -> None:
    asked = asyncio.Event()

    async def silent(request: web.Request) -> web.StreamResponse:
        asked.set()
        return await scripted_slack.stays_silent(request)

    scripted_slack.says("users.info", silent, scripted_slack.ok(user=ANN))
    first = asyncio.create_task(people.profile("T1", "U1"))
    second = asyncio.create_task(people.profile("T1", "U1"))
    await asked.wait()
    first.cancel()
    profile = await second
    assert profile is not None
    assert first.cancelled()


async def test_whoever_must_be_known_now_is_asked_for_whatever_is_remembered(
    scripted_slack: Any, people: SlackPeople
) -> None:
    slack, closed = scripted_slack, {**ANN, "deleted": True}
    slack.says("users.info", slack.ok(user=ANN), slack.ok(user=closed))
    remembered = await people.person("T1", "U1", fresh=False)
    now = await people.person("T1", "U1", fresh=True)
    assert remembered is not None
    assert now is not None
    assert (remembered.is_deactivated, now.is_deactivated) == (False, True)
    assert await people.profile("T1", "U1") == now
    assert len(slack.heard) == 2


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("user_not_found", SlackRefused),
        ("missing_scope", SlackTokenRefused),
        ("internal_error", SlackUnavailable),
    ],
)
async def test_whoever_must_be_known_now_and_is_not_is_an_error(
    scripted_slack: Any, people: SlackPeople, code: str, error: type[SlackError]
) -> None:
    slack = scripted_slack
    slack.says("users.info", slack.ok(user=ANN), slack.refuses(code), slack.ok(user="no object"))
    assert await people.person("T1", "U1", fresh=True) is not None
    with pytest.raises(error):
        await people.person("T1", "U1", fresh=True)
    with pytest.raises(SlackUnavailable):
        await people.person("T1", "U1", fresh=True)
    assert await people.profile("T1", "U1") is not None


async def test_whoever_must_be_known_now_is_not_waited_for_long(
    scripted_slack: Any, calls: Calls
) -> None:
    people = SlackPeople(calls=calls, fresh_timeout_s=0.05)
    scripted_slack.says("users.info", scripted_slack.stays_silent)
    with pytest.raises(SlackUnavailable) as caught:
        await people.person("T1", "U1", fresh=True)
    assert caught.value.code == "timeout"


async def test_who_was_known_stays_known_while_slack_does_not_say(
    scripted_slack: Any, people: SlackPeople, clock: Clock
) -> None:
    """A guest must not become anybody when Slack has a bad minute."""
    scripted_slack.says("users.info", scripted_slack.ok(user=ANN))
    before = await people.profile("T1", "U1")
    clock.now += KNOWN_S + 1
    scripted_slack.says("users.info", scripted_slack.refuses("internal_error", status=500))
    assert await people.profile("T1", "U1") == before
    assert await people.profile("T1", "U1") == before
    assert len(scripted_slack.calls("users.info")) == 2
    clock.now += UNKNOWN_S + 1
    scripted_slack.says("users.info", scripted_slack.ok(user={**ANN, "is_ultra_restricted": False}))
    after = await people.profile("T1", "U1")
    assert after is not None
    assert not after.is_guest


async def test_whom_slack_hides_is_not_known_any_more(
    scripted_slack: Any, people: SlackPeople, clock: Clock
) -> None:
    slack = scripted_slack
    slack.says("users.info", slack.ok(user=ANN), slack.refuses("user_not_visible"))
    assert await people.profile("T1", "U1") is not None
    clock.now += KNOWN_S + 1
    assert await people.profile("T1", "U1") is None


async def test_nobody_waits_out_a_long_rest_to_know_somebody(
    scripted_slack: Any, people: SlackPeople
) -> None:
    slack = scripted_slack
    slack.says("users.info", slack.refuses("ratelimited", status=429, retry_after="30"))
    async with asyncio.timeout(10):
        assert await people.profile("T1", "U1") is None
        assert await people.profile("T1", "U2") is None
        with pytest.raises(SlackThrottled):
            await people.person("T1", "U3", fresh=True)
    assert len(slack.heard) == 1


async def test_of_an_asker_nobody_says_nothing_while_slack_is_silent_and_it_is_asked_again(
    scripted_slack: Any, people: SlackPeople
) -> None:
    slack, silent = scripted_slack, scripted_slack.refuses("internal_error", status=500)
    slack.says("users.info", silent, silent, slack.ok(user=ANN))
    assert await people.profile("T1", "U1") is None
    assert await people.profile("T1", "U1") is None
    with pytest.raises(SlackUnavailable):
        await people.asker("T1", "U1")
    asker = await people.asker("T1", "U1")
    assert asker is not None
    assert asker.is_guest
    assert await people.asker("T1", "U1") == await people.profile("T1", "U1") == asker
    assert len(slack.heard) == 3


async def test_a_token_that_no_call_is_taken_with_says_nothing_of_an_asker_and_is_tried_again(
    scripted_slack: Any, people: SlackPeople
) -> None:
    slack = scripted_slack
    slack.says("users.info", slack.refuses("token_revoked"), slack.ok(user=ANN))
    with pytest.raises(SlackTokenRefused):
        await people.asker("T1", "U1")
    assert await people.asker("T1", "U1") is not None


async def test_an_asker_who_was_known_stays_known_while_slack_is_silent(
    scripted_slack: Any, people: SlackPeople, clock: Clock
) -> None:
    slack = scripted_slack
    slack.says("users.info", slack.ok(user=ANN), slack.refuses("internal_error", status=500))
    before = await people.asker("T1", "U1")
    clock.now += KNOWN_S + 1
    assert await people.asker("T1", "U1") == await people.asker("T1", "U1") == before
    assert len(slack.heard) == 2


@pytest.mark.parametrize("code", ["missing_scope", "user_not_found"])
async def test_an_asker_of_whom_slack_refuses_to_tell_is_nobody_and_no_error(
    scripted_slack: Any, people: SlackPeople, code: str
) -> None:
    scripted_slack.says("users.info", scripted_slack.refuses(code))
    assert await people.asker("T1", "U1") is None
    assert await people.asker("T1", "U1") is None
    assert len(scripted_slack.heard) == 1
