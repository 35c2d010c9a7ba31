"""A thread that was answered outside its session for a while does not go on in it."""

from pathlib import Path

import pytest
from conversations import ASK, KNOWS, TELL, noted, recall, sent_session, shown, talk
from desk import a_desk
from given import register, several_apps
from rig import APP_ID

from bot.core.question import AppKind
from bot.playground.dashscope.apps import App, echo_app


@pytest.mark.parametrize("away", ["history messages", "history off", "app flow"])
async def test_what_was_said_outside_the_session_is_told_to_the_next_one(
    tmp_path: Path, away: str
) -> None:
    flow = echo_app("flow", kind=AppKind.WORKFLOW)
    async with several_apps(tmp_path, App(APP_ID, answers=recall), flow) as rig:
        async with a_desk(rig) as desk:
            await register(desk, "flow", app_id="flow", kind="workflow")
            thread = await talk(rig, "hello")
            await desk.say(away)
            await talk(rig, TELL, thread=thread, turns=1)
            await desk.say(f"{away.split(maxsplit=1)[0]} inherit")
            await talk(rig, ASK, ASK, thread=thread, turns=2)
        *_, third, fourth = rig.asked()
        assert shown(rig, thread)[2:] == [noted(KNOWS), KNOWS]
    assert sent_session(third) is None
    assert sent_session(fourth) == third.session_id
