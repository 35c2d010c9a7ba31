"""What nobody's client would send: forged buttons, forms and entries."""

from collections.abc import Callable

import pytest
from desk import ADA, HERE, LIN, Desk
from rig import ANN, BEN, PRIVATE, PUBLIC

from bot.playground.slack.limits import Limits
from bot.playground.slack.message import visible_text
from bot.playground.slack.payload import Json


@pytest.fixture
def limits() -> Limits:
    """No limits: how the bot keeps them is another test's business."""
    return Limits(is_enforced=False)


@pytest.mark.parametrize("action", ["undo", "reset", "audit", "app.remove_now", "app.test", "x"])
async def test_a_forged_button_has_one_answer_and_changes_nothing(
    http_desk: Desk, action: str
) -> None:
    for value in ("", "1", "999999", "workspace", "1:Shop", "all -1", "x" * 2000):
        notice = await http_desk.type("follow", by=BEN)
        answer = visible_text(await http_desk.forge_press(notice, f"admin:{action}", value))
        assert "admins" in answer.lower() or "cannot be undone" in answer or "any more" in answer
    assert not await http_desk.trail()


async def test_a_press_of_somebody_elses_button_is_judged_by_who_presses(http_desk: Desk) -> None:
    await http_desk.type("follow thread")
    [entry] = await http_desk.trail()
    for action, value in (("undo", str(entry.id)), ("reset", entry.scope)):
        notice = await http_desk.type("follow", by=BEN)
        answer = visible_text(await http_desk.forge_press(notice, f"admin:{action}", value))
        assert "You cannot change this channel's settings" in answer
    assert await http_desk.values() == {"follow": "thread"}


def metadata(state: str) -> Callable[[Json], None]:
    """Return a tampering with what a form remembers."""

    def tamper(view: Json) -> None:
        view["private_metadata"] = f"{PUBLIC}\n{state}"

    return tamper


def entering(key: str, users: list[str]) -> Callable[[Json], None]:
    """Return a tampering that enters people where the form asks for none."""

    def tamper(view: Json) -> None:
        value = {"type": "multi_users_select", "selected_users": users}
        view["state"]["values"][key] = {key: value}

    return tamper


FORGED_SCOPES = [
    '{"scope": "workspace", "version": 1}',
    f'{{"scope": "channel:{PRIVATE}", "version": 0}}',
    f'{{"scope": "user:{ADA}", "version": 0}}',
]


@pytest.mark.parametrize("state", FORGED_SCOPES)
async def test_a_form_is_saved_nowhere_its_sender_may_not(http_desk: Desk, state: str) -> None:
    desk = http_desk
    await desk.type("workspace delegate on")
    await desk.type(f"managers <@{BEN}>")
    known = await desk.trail()
    view = await desk.open("config", by=BEN)
    answer = await desk.forge_form(view, {"follow": "thread"}, tamper=metadata(state))
    [said] = answer["errors"].values()
    assert "Nothing was changed" in said
    assert await desk.trail() == known


@pytest.mark.parametrize(
    "state",
    ["", "{", "[]", '{"scope": "channel:"}', '{"scope": 7}', '{"scope": "team:T1"}', "x" * 2900],
)
async def test_a_form_that_remembers_nonsense_changes_nothing(http_desk: Desk, state: str) -> None:
    view = await http_desk.open("config")
    answer = await http_desk.forge_form(view, {"follow": "thread"}, tamper=metadata(state))
    [said] = answer["errors"].values()
    assert "cannot be used any more" in said
    assert not await http_desk.trail()


async def test_a_form_of_a_version_there_never_was_changes_nothing(http_desk: Desk) -> None:
    await http_desk.type("memory off")
    view = await http_desk.open("config")
    tamper = metadata(f'{{"scope": "{HERE}", "version": 7}}')
    answer = await http_desk.forge_form(view, {"follow": "thread"}, tamper=tamper)
    [said] = answer["errors"].values()
    assert "cannot be used any more" in said
    assert await http_desk.values() == {"memory": "off"}


@pytest.mark.parametrize("version", [-1, 10**40, "true", '"1"'])
async def test_a_form_of_no_version_counts_as_the_first_one(
    http_desk: Desk, version: object
) -> None:
    view = await http_desk.open("config")
    await http_desk.type("memory off", by=LIN)
    tamper = metadata(f'{{"scope": "{HERE}", "version": {version}}}')
    answer = await http_desk.forge_form(view, {"memory": "separate"}, tamper=tamper)
    assert answer["response_action"] == "update"
    assert await http_desk.values() == {"memory": "off"}


async def test_an_unknown_form_changes_nothing(http_desk: Desk) -> None:
    def tamper(view: Json) -> None:
        view["callback_id"] = "admin:unheard-of"

    view = await http_desk.open("config")
    answer = await http_desk.forge_form(view, {"follow": "thread"}, tamper=tamper)
    [said] = answer["errors"].values()
    assert "cannot be used any more" in said
    assert not await http_desk.trail()


async def test_a_form_taken_from_an_admin_is_judged_by_who_sends_it(http_desk: Desk) -> None:
    view = await http_desk.open("workspace config")
    answer = await http_desk.forge_form(
        view, {"follow": "thread"}, by=BEN, tamper=lambda _view: None
    )
    [said] = answer["errors"].values()
    assert "Only admins can do this" in said
    assert not await http_desk.trail()


async def test_nobody_makes_managers_with_a_field_the_form_did_not_have(http_desk: Desk) -> None:
    desk = http_desk
    await desk.type("workspace delegate on")
    view = await desk.open("config", by=ANN)
    answer = await desk.forge_form(
        view, {"follow": "thread"}, tamper=entering("managers", [ANN, BEN])
    )
    [said] = answer["errors"].values()
    assert "Only admins change this" in said
    assert await desk.values() == {}


async def test_people_no_client_could_choose_are_refused(http_desk: Desk) -> None:
    view = await http_desk.open("config")
    answer = await http_desk.forge_form(view, {}, tamper=entering("managers", ["<!channel>"]))
    assert answer["errors"].keys() == {"managers"}
    assert not await http_desk.trail()
