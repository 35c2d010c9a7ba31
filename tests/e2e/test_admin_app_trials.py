"""`apps test`: an app is tried out, and what is wrong is told."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from desk import Desk, a_desk
from given import register, several_apps
from rig import APP_ID, Rig
from strange_apps import CANARY, NOWHERE, OTHER_KEY, shop

from bot.core.question import AppKind
from bot.playground.dashscope.apps import echo_app
from bot.playground.dashscope.faults import Hangup
from bot.playground.dashscope.refusals import NAMED
from bot.playground.dashscope.server import DashScopeServer
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import visible_text


@pytest.fixture
def limits() -> Limits:
    """No limits: how the bot keeps them is another test's business."""
    return Limits(is_enforced=False)


@dataclass(frozen=True)
class Trial:
    """An app that is tried out.

    Attributes:
        entered: What it was registered with, besides the usual.
        verdict: What its test says.
        is_nowhere: Nobody listens at its address.
    """

    entered: dict[str, str]
    verdict: str
    is_nowhere: bool = False


FLOWS = [kind for kind in AppKind if kind is not AppKind.AGENT]
TRIALS = {
    "a good one": Trial({}, "`Shop` works: it answered in"),
    "a good one in a sub-workspace": Trial(
        {"app_id": "tucked", "workspace": "llm-inner"}, "`Shop` works: it answered in"
    ),
    "a wrong key, or one of another region": Trial(
        {"api_key": OTHER_KEY}, "`Shop`: the key was refused. It is wrong, or it belongs to another"
    ),
    "an unknown app": Trial(
        {"app_id": "unheard-of"}, "`Shop`: DashScope does not know this app for this key"
    ),
    "an unpublished app": Trial({"app_id": "draft"}, "`Shop` is not published yet: publish it"),
    "a wrong workspace": Trial(
        {"workspace": "llm-wrong"}, "Check the app id, the workspace id (`llm-wrong`)"
    ),
    "no workspace for an app that is in one": Trial(
        {"app_id": "tucked"}, "Check the app id, the workspace id (–)"
    ),
    "a host that refuses connections": Trial(
        {}, "`Shop` cannot be reached at `127.0.0.1:9`", is_nowhere=True
    ),
}


@pytest.mark.parametrize("case", TRIALS)
async def test_a_registered_app_is_tried_out_and_the_reason_is_told(
    desk: Desk, elsewhere: DashScopeServer, case: str
) -> None:
    trial = TRIALS[case]
    base_url = NOWHERE if trial.is_nowhere else elsewhere.base_url
    view = await desk.open("apps add")
    await desk.save(view, shop(base_url, **trial.entered))
    told = await desk.say("apps test SHOP")
    assert trial.verdict in told
    assert not any(key in told for key in (CANARY, OTHER_KEY))
    listed = await desk.type("apps")
    assert trial.verdict in visible_text(await desk.press(listed, "Test Shop"))


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("arrears", "the account is unpaid, overdue or out of free quota"),
        ("throttling", "is throttled right now"),
        ("inspection", "content safety rules refused even the test question"),
        ("parameter", "refused the test question"),
        ("server", "the app or one of its nodes failed"),
        ("gateway", "can be reached"),
    ],
)
async def test_what_the_vendor_says_in_a_test_is_told_with_its_code_alone(
    http_desk: Desk, name: str, verdict: str
) -> None:
    http_desk.rig.dashscope.faults.add(NAMED[name])
    told = await http_desk.say("apps test default")
    assert verdict in told
    assert NAMED[name].message not in told


async def test_a_host_that_hangs_up_is_told_as_unreachable(http_desk: Desk) -> None:
    http_desk.rig.dashscope.faults.add(Hangup())
    assert "cannot be reached" in await http_desk.say("apps test default")


async def test_an_app_whose_key_cannot_be_read_says_to_enter_it_again(
    rig: Rig, elsewhere: DashScopeServer
) -> None:
    async with a_desk(rig) as desk:
        await desk.save(await desk.open("apps add"), shop(elsewhere.base_url))
    async with a_desk(rig, encryption_keys=()) as desk:
        assert "cannot be read with the bot's ENCRYPTION_KEYS" in await desk.say("apps test Shop")
        await desk.type("app Shop")
        assert "ENCRYPTION_KEYS is not set" in await desk.say("status")
        assert CANARY not in await desk.rig.answer("hello")
    assert not [entry for entry in elsewhere.journal.entries if entry.app_id]


async def test_an_app_of_another_kind_than_it_is_said_to_be_does_not_pass_its_test(
    http_desk: Desk,
) -> None:
    await register(http_desk, "odd", app_id=APP_ID, kind="workflow")
    told = await http_desk.say("apps test odd")
    assert "works" not in told
    assert "asked as workflow: it may be of another kind" in told


@pytest.mark.parametrize("kind", FLOWS)
async def test_a_workflow_that_is_said_to_be_an_agent_does_not_pass_its_test(
    tmp_path: Path, kind: AppKind
) -> None:
    apps = echo_app(APP_ID), echo_app("flow", kind=kind)
    async with several_apps(tmp_path, *apps) as rig, a_desk(rig) as desk:
        await register(desk, "odd", app_id="flow")
        told = await desk.say("apps test odd")
        assert "this looks like a workflow" in told
        assert "`/dashscope apps edit odd kind=workflow`" in told
        assert len(rig.asked()) == 1
        await desk.say(f"apps edit odd kind={kind.value}")
        assert "`odd` works" in await desk.say("apps test odd")
