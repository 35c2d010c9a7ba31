"""While Slack does not tell who asks, nobody is answered for somebody else."""

import asyncio
from typing import Any

import pytest
from edges import EN, Slack, a_turn, saying, somebody
from scene import Scene

from bot.core import texts
from bot.core.policy import Person
from bot.errors import SlackError, SlackThrottled, SlackTokenRefused, SlackUnavailable
from bot.turns.asker import PUT_OFF_TIMES, find_asker
from bot.turns.run import DELIVERIES, TRIES

AWAY = SlackUnavailable(method="users.info", code="untold")
REST = SlackThrottled(method="users.info", retry_after_s=30)
OVERHEARD = {"text": "hello", "files": [], "overheard": True}
UNTOLD = texts.untold(turn_id=7, language=EN)


def a_silent_scene(silence: SlackError = AWAY, **settings: Any) -> Scene:
    scene = Scene(saying("Hello")).given(**settings)
    scene.slack.silence = silence
    return scene


@pytest.mark.parametrize("silence", [AWAY, REST])
@pytest.mark.parametrize("attempts", [1, PUT_OFF_TIMES])
async def test_a_turn_whose_asker_slack_does_not_tell_is_put_off_with_nothing_shown_or_asked(
    silence: SlackError, attempts: int
) -> None:
    scene = a_silent_scene(silence)
    with pytest.raises(type(silence)):
        await scene.run(a_turn(attempts=attempts))
    assert (scene.slack.calls, scene.apps.questions, scene.book.log) == ([], [], [])


@pytest.mark.parametrize("attempts", [1, PUT_OFF_TIMES + 1, DELIVERIES])
async def test_while_slack_takes_no_call_with_the_token_a_turn_is_put_off_for_about_an_hour(
    attempts: int,
) -> None:
    scene = a_silent_scene(SlackTokenRefused(method="users.info", code="token_revoked"))
    with pytest.raises(SlackTokenRefused):
        await scene.run(a_turn(attempts=attempts))
    assert (scene.slack.calls, scene.apps.questions, scene.book.log) == ([], [], [])
    scene.slack.silence = None
    assert await scene.run(a_turn(attempts=attempts)) == ["Hello|"]


async def test_a_guest_who_is_known_at_last_is_refused_and_a_member_is_answered() -> None:
    last = a_turn(attempts=PUT_OFF_TIMES + 1)
    for person, shown in (
        (somebody(is_guest=True), texts.MAY_NOT_ASK_GUEST.en),
        (somebody(), "Hello"),
    ):
        scene = Scene(saying("Hello"))
        scene.slack.persons["U1"] = person
        assert await scene.run(last) == [f"{shown}|"]


async def test_whom_slack_never_tells_of_is_refused_with_one_sentence_and_an_id() -> None:
    scene = a_silent_scene()
    assert await scene.run(a_turn(attempts=PUT_OFF_TIMES + 1)) == [f"{UNTOLD}|"]
    assert "T7" in UNTOLD
    assert scene.book.log[-1] == "finish:refused"
    assert scene.apps.questions == []


async def test_whom_slack_never_tells_of_is_passed_over_in_silence_where_nobody_was_asked() -> None:
    scene = a_silent_scene()
    assert await scene.run(a_turn(attempts=PUT_OFF_TIMES + 1, payload=OVERHEARD)) == []
    assert scene.book.log[-1] == "finish:refused"


async def test_where_everybody_may_ask_nobody_waits_for_slack_to_tell_who_does() -> None:
    scene = a_silent_scene(who=frozenset({"members", "guests"}))
    assert await scene.run() == ["Hello|"]


async def test_whom_the_operator_named_is_answered_whatever_slack_tells() -> None:
    scene = a_silent_scene().amid(admins=frozenset({"U1"}))
    assert await scene.run() == ["Hello|"]


async def test_what_slack_does_not_tell_soon_enough_it_does_not_tell_for_now() -> None:
    class Slow(Slack):
        async def asker(self, team_id: str, user_id: str) -> Person | None:
            await asyncio.Event().wait()
            return None

    asker = await find_asker(Slow(), team_id="T1", user_id="U1", within_s=0.01)
    assert asker.person is None
    assert isinstance(asker.silence, SlackUnavailable)


def test_a_turn_that_was_put_off_has_tries_left_for_its_answer() -> None:
    assert PUT_OFF_TIMES < TRIES
