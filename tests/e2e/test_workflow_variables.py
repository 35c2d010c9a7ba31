"""Variables of a workflow that its asker gives: with the question, or in a form."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from desk import ADA, HERE, TEAM, assert_acked, assert_in_time
from given import UNLIMITED, input_of, store, told
from rig import ANN, APP_ID, BEN, PUBLIC, WITHIN_S, Rig, turns_of, words

from bot.core.question import AppKind
from bot.playground.dashscope.answers import Inquiry, Said
from bot.playground.dashscope.apps import App
from bot.playground.slack.blocks import controls
from bot.playground.slack.delivery import Parcel, ParcelKind
from bot.playground.slack.filling import filled
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import Message, visible_text
from bot.playground.slack.views import View
from bot.slack.message import FILL_ACTION
from storage.database import Storage


def travel(inquiry: Inquiry) -> Said:
    """Answer with the variables there are."""
    given = ", ".join(f"{name} is {value}" for name, value in sorted(inquiry.variables.items()))
    return Said(f"{inquiry.prompt} With {given}.")


@pytest.fixture
def limits() -> Limits:
    """No limits: how the bot keeps them is another test's business."""
    return UNLIMITED


@pytest.fixture(params=[AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW, AppKind.ORCHESTRATION])
def app_under_test(request: pytest.FixtureRequest) -> App:
    return App(APP_ID, answers=travel, kind=request.param)


@pytest.fixture
async def flow(any_rig: Rig, app_under_test: App) -> AsyncIterator[Rig]:
    """A bot in front of a workflow that needs a city and a number of days."""
    any_rig.changes |= {"dashscope_app_kind": app_under_test.kind}
    await store(any_rig, "workspace", ask=["city", "days"], biz_params={"style": "short"})
    async with any_rig.bot():
        yield any_rig


ONE_KIND = pytest.mark.parametrize("app_under_test", [AppKind.WORKFLOW], indirect=True)
OVER_HTTP = pytest.mark.parametrize("transport", ["http"])


def given_to(rig: Rig) -> list[Mapping[str, Any]]:
    """Return the variables of each request."""
    return [input_of(entry).get("biz_params", {}) for entry in rig.asked()]


def lacking(rig: Rig, thread_ts: str) -> Message:
    """Return the reply with the button."""
    (reply,) = rig.reply(thread_ts)
    assert [control.action_id for control in controls(reply.blocks)] == [FILL_ACTION]
    return reply


async def ask_lacking(rig: Rig, text: str = "What to eat?") -> str:
    """Ask without the variables; return the thread."""
    thread = await rig.ask(text)
    await rig.finished(sum(map(turns_of, rig.bots)) + 1)
    assert "I need" in visible_text(lacking(rig, thread))
    return thread


async def opened(rig: Rig, thread_ts: str, *, by: str = ANN) -> View:
    """Press the button and return the form."""
    ts = lacking(rig, thread_ts).ts
    assert_acked(await rig.slack.click(by, PUBLIC, ts, FILL_ACTION))
    views = rig.slack.people.backend.views
    return await rig.slack.until(lambda: views.modal(by), timeout_s=WITHIN_S)


async def test_variables_before_and_after_a_question_reach_the_start_node(flow: Rig) -> None:
    said = await told(flow, "city=Hangzhou\nWhat to eat?\ndays = 3")
    assert "What to eat? With city is Hangzhou, days is 3, style is short." in said
    (entry,) = flow.asked()
    assert input_of(entry)["prompt"] == "What to eat?"


async def test_what_is_missing_is_filled_in_and_the_answer_takes_the_place_of_the_hint(
    flow: Rig,
) -> None:
    thread = await ask_lacking(flow, "days=3\nWhat to eat?")
    hint = lacking(flow, thread)
    assert "`city`" in visible_text(hint)
    assert "`days`" not in visible_text(hint)
    view = await opened(flow, thread)
    assert [block["block_id"] for block in view.blocks if block["type"] == "input"] == ["city"]
    delivery = await flow.slack.people.submit(view, {"city": "Hangzhou"})
    assert_in_time(delivery)
    assert delivery.answer == {}
    await flow.finished(2)
    (reply,) = flow.reply(thread)
    assert reply.ts == hint.ts
    assert "What to eat? With city is Hangzhou, days is 3" in visible_text(reply)
    assert not list(controls(reply.blocks))
    assert given_to(flow) == [{"style": "short", "days": "3", "city": "Hangzhou"}]
    assert not await erased(flow, "Hangzhou")


async def erased(rig: Rig, text: str) -> bool:
    """Tell whether a text is still anywhere in the turns."""
    async with Storage(rig.database_url, exclusive=False) as storage:
        rows = await storage.read(lambda conn: conn.exec_driver_sql("SELECT * FROM turn").all())
    return text in str(rows)


@ONE_KIND
@OVER_HTTP
async def test_only_the_asker_may_fill_in(flow: Rig) -> None:
    thread = await ask_lacking(flow)
    assert_acked(await flow.slack.click(BEN, PUBLIC, lacking(flow, thread).ts, FILL_ACTION))
    notice = await flow.slack.until(
        lambda: next(iter(flow.slack.workspace.ephemerals), None), timeout_s=WITHIN_S
    )
    assert (notice.user, notice.thread_ts) == (BEN, thread)
    assert "Only the person who asked" in visible_text(notice)
    assert flow.slack.people.backend.views.modal(BEN) is None


@ONE_KIND
@OVER_HTTP
async def test_a_user_sets_no_variable_that_is_not_asked_for(flow: Rig) -> None:
    await told(flow, "city=A\ndays=1\nstyle=long\nuser_defined_tokens=x\nsession_id=y\nWhat?")
    assert given_to(flow) == [{"style": "short", "city": "A", "days": "1"}]
    thread = await ask_lacking(flow)
    view = await opened(flow, thread)
    turn = view.payload["private_metadata"].partition("\n")[2].partition(":")[0]
    async with Storage(flow.database_url, exclusive=False) as storage:
        values = {"city": "B", "days": "2", "style": "forged", "user_defined_tokens": "x"}
        await storage.turns.complete(turn_id=int(turn), payload={"variables": values})
    await told(flow, "city=C\ndays=3\nWhat?")  # whatever wakes the bot
    await flow.finished(4)
    assert {"style": "short", "city": "B", "days": "2"} in given_to(flow)
    assert all(set(given) == {"style", "city", "days"} for given in given_to(flow))


@ONE_KIND
@OVER_HTTP
async def test_a_form_sent_twice_is_answered_once(flow: Rig) -> None:
    thread = await ask_lacking(flow)
    view = await opened(flow, thread)
    people = flow.slack.people
    for city in ("A", "B"):
        state = filled(view, {"city": city, "days": "1"}, people=flow.slack.workspace.users)
        sent = people.interactions.submission(view, state=state)
        assert (await flow.slack.deliver(Parcel(ParcelKind.INTERACTION, sent))).is_delivered
    await flow.finished(2)
    notice = await flow.slack.until(
        lambda: next(iter(flow.slack.workspace.ephemerals), None), timeout_s=WITHIN_S
    )
    assert "being answered already" in visible_text(notice)
    assert [given["city"] for given in given_to(flow)] == ["A"]


@pytest.mark.usefixtures("one_day")
@ONE_KIND
@OVER_HTTP
async def test_a_form_that_was_refused_can_be_sent_again_when_it_may(flow: Rig) -> None:
    await allow(flow, 1, changes=0)
    await told(flow, "city=A\ndays=1\nWhat?")
    thread = await ask_lacking(flow)
    await flow.slack.people.submit(await opened(flow, thread), {"city": "B", "days": "2"})
    await flow.finished(3)
    assert "is used up" in visible_text(flow.slack.workspace.ephemerals[-1])
    await allow(flow, 2, changes=1)
    await flow.slack.people.submit(await opened(flow, thread), {"city": "C", "days": "3"})
    await flow.finished(4)
    assert [given["city"] for given in given_to(flow)] == ["A", "C"]


async def allow(rig: Rig, turns: int, *, changes: int) -> None:
    """Set how many turns a person has in the channel, after so many changes there."""
    async with Storage(rig.database_url, exclusive=False) as storage:
        values = {"quota_user_turns": turns}
        await storage.settings.change(TEAM, HERE, values=values, expected_version=changes, by=ADA)


@ONE_KIND
@OVER_HTTP
async def test_a_form_that_was_taken_is_answered_by_the_next_process(any_rig: Rig) -> None:
    rig = any_rig
    rig.changes |= {"dashscope_app_kind": AppKind.WORKFLOW}
    await store(rig, "workspace", ask=["city"])
    async with rig.bot():
        thread = await ask_lacking(rig)
        turn_id = int(str(lacking(rig, thread).draft.metadata["event_payload"]["turn_id"]))  # type: ignore[index]
    # It was taken and acknowledged, and the process died before anything else.
    async with Storage(rig.database_url) as storage:
        payload = {"variables": {"city": "Hangzhou"}}
        assert await storage.turns.complete(turn_id=turn_id, payload=payload) is not None
    rig.bots.clear()
    async with rig.bot():
        await rig.finished(1)
    assert "With city is Hangzhou" in words(rig.reply(thread))
    assert len(rig.reply(thread)) == 1


@pytest.mark.usefixtures("one_day")
@ONE_KIND
@OVER_HTTP
async def test_a_hint_uses_up_no_quota_and_its_answer_one_question(any_rig: Rig) -> None:
    rig = any_rig
    rig.changes |= {"dashscope_app_kind": AppKind.WORKFLOW}
    await store(rig, "workspace", ask=["city"], quota_user_turns=1)
    async with rig.bot():
        thread = await ask_lacking(rig)
        view = await opened(rig, thread)
        await rig.slack.people.submit(view, {"city": "A"})
        await rig.finished(2)
        assert "With city is A" in words(rig.reply(thread))
        assert "is used up" in await told(rig, "city=B\nWhat?")
