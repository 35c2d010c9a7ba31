"""A message that content safety rules refuse does not silence the thread it stands in."""

from collections.abc import AsyncIterator

import pytest
from conversations import noted, recite, sent_session, shown, talk
from given import UNLIMITED, input_of, store
from rig import APP_ID, BEN, PUBLIC, Rig

from bot.core import texts
from bot.core.language import Language
from bot.errors import ContentBlocked
from bot.playground.dashscope.apps import App
from bot.playground.slack.limits import Limits

FORBIDDEN = "heliotrope"

pytestmark = pytest.mark.parametrize("transport", ["http"])


@pytest.fixture
def limits() -> Limits:
    """No limits: how the bot keeps them is another test's business."""
    return UNLIMITED


@pytest.fixture
def app_under_test() -> App:
    return App(APP_ID, answers=recite)


@pytest.fixture(params=["session", "messages"])
async def strict(any_rig: Rig, request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    """A bot in front of an app with a word that nobody may say."""
    any_rig.dashscope.gateway.forbidden = FORBIDDEN
    await store(any_rig, "workspace", history=request.param)
    async with any_rig.bot():
        yield any_rig


async def test_what_somebody_said_before_the_question_costs_one_request_and_is_left_behind(
    strict: Rig,
) -> None:
    rig = strict
    thread = await rig.slack.say(BEN, PUBLIC, f"{FORBIDDEN}!")
    await talk(rig, "one", "two", thread=thread)
    assert shown(rig, thread) == [noted("one", texts.HISTORY_BLOCKED), "one two"]
    first, alone, second = rig.asked()
    assert FORBIDDEN in str(first.body)
    assert FORBIDDEN not in str(alone.body)
    assert sent_session(second) in {None, alone.session_id}


async def test_a_question_that_was_blocked_is_not_quoted_to_those_after_it(strict: Rig) -> None:
    rig = strict
    thread = await talk(rig, f"say {FORBIDDEN}", "one", "two")
    blocked, *others = shown(rig, thread)
    assert blocked == texts.failure(ContentBlocked(), turn_id=1, language=Language.EN)
    assert (others, len(rig.asked())) == (["one", "one two"], 3)


async def test_a_session_that_holds_a_blocked_question_is_left_and_a_thread_goes_on(
    strict: Rig,
) -> None:
    rig = strict
    thread = await talk(rig, "zero", f"say {FORBIDDEN}", "one", "two")
    _, _, *others = shown(rig, thread)
    if "messages" in input_of(rig.asked()[0]):
        assert others == ["zero one", "zero one two"]
        return
    assert others == [noted("one", texts.HISTORY_BLOCKED), "one two"]
    held, alone, last = rig.asked()[-3:]
    assert sent_session(held) == rig.asked()[0].session_id
    assert (sent_session(alone), sent_session(last)) == (None, alone.session_id)
