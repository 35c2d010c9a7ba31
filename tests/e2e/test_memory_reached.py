"""Whatever is remembered of somebody stays within their reach, also where it does not count now."""

from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
from desk import labels
from remembered import NAME, Home, at_home, diary, made, shown
from rig import ANN, APP_ID, GROUP_DM, PRIVATE, PUBLIC, Rig

from bot.admin import memory_texts
from bot.playground.dashscope.apps import App
from bot.playground.slack.blocks import controls
from bot.playground.slack.message import visible_text
from bot.playground.slack.views import View

APART = f"in <#{PUBLIC}> alone"


@pytest.fixture
def app_under_test() -> App:
    return App(APP_ID, answers=diary)


@pytest.fixture
async def home(rig: Rig) -> AsyncGenerator[Home]:
    async with at_home(rig) as opened:
        yield opened


def buttons(view: View) -> list[str]:
    return [control.label for control in controls(view.blocks)]


async def leave_something_apart(home: Home) -> View:
    """Tell something while the channel is set apart, and open the Home when it is no more."""
    await home.desk.say("memory separate")
    await home.ask(NAME)
    await home.desk.say("memory inherit")
    assert NAME not in await home.desk.say("memory", by=ANN)
    return await home.open_home()


async def test_what_was_told_where_it_does_not_count_any_more_is_seen_and_deleted_at_home(
    home: Home,
) -> None:
    view = await leave_something_apart(home)
    assert f"1. {APART}" in shown(view)
    assert NAME not in shown(view)
    await home.press_home(view, "Show 1")
    view = await home.home_saying(NAME)
    await home.press_home(view, "Delete 1")
    view = await home.home_saying(memory_texts.DELETED.en)
    assert NAME not in shown(view)
    await home.press_home(view, "Forget everything")
    view = await home.home_saying(f"Everything is forgotten, {APART}.")
    assert "Show 1" not in buttons(view)
    assert home.bailian.bank.memories == ()


async def test_what_was_told_while_slack_told_nothing_is_in_reach_when_it_tells_again(
    home: Home,
) -> None:
    town = home.rig.slack.workspace
    told, untold = town.app, replace(town.app, scopes=town.app.scopes - {"channels:read"})
    town.app = untold
    await home.ask(NAME)
    town.app = told
    view = await home.open_home()
    assert "while Slack tells nothing of it" in shown(view)
    await home.press_home(view, "Show 1")
    await home.home_saying(NAME)


async def test_a_long_memory_is_shown_page_by_page_at_home(home: Home) -> None:
    await home.desk.say("memory separate")
    await home.ask("Hello")
    (memory_id,) = made(home.bailian)[ANN, f"channel:{PUBLIC}"]
    for number in range(23):
        home.bailian.bank.add(memory_id, f"I like number {number}.")
    await home.press_home(await home.open_home(), "Show 1")
    await home.press_home(await home.home_saying("number 9."), "More")
    await home.press_home(await home.home_saying("number 19."), "More")
    view = await home.home_saying("number 22.")
    assert "More" not in buttons(view)
    assert "Edit 23" in buttons(view)


async def test_forgetting_everywhere_leaves_nothing_wherever_it_was_told(home: Home) -> None:
    await home.ask(NAME)
    for place in (home.direct(), PRIVATE, GROUP_DM):
        await home.ask(NAME, channel=place)
    assert len(made(home.bailian)) == 4
    view = await home.open_home()
    await home.press_home(view, memory_texts.FORGET_ALL.en)
    view = await home.home_saying(memory_texts.ALL_FORGOTTEN.en)
    assert home.bailian.bank.memories == ()
    assert memory_texts.FORGET_ALL.en not in buttons(view)


async def test_forgetting_in_one_place_says_which_and_where_the_rest_is(home: Home) -> None:
    await home.ask(NAME, channel=PRIVATE)
    await home.ask(NAME)
    notice = await home.desk.type("memory", by=ANN)
    told = await home.desk.press(notice, "Forget everything")
    where = "in all channels that share one memory"
    assert f"Everything is forgotten, {where}." in visible_text(told)
    assert memory_texts.ELSEWHERE.en in visible_text(told)
    assert labels(told) == ("Switch off",)
    notice = await home.desk.type("memory", by=ANN, channel=PRIVATE)
    told = await home.desk.press(notice, "Forget everything")
    assert memory_texts.ELSEWHERE.en not in visible_text(told)
    assert home.bailian.bank.memories == ()
