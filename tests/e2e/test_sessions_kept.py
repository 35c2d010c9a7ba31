"""A thread goes on with its DashScope session as long as there is one."""

from pathlib import Path

import pytest
from conversations import recite, sent_session, servers
from rig import BEN, PUBLIC, Rig, words

from bot.core import texts
from bot.core.question import AppKind
from bot.playground.dashscope.faults import Cut, ErrorEvent, Fault
from bot.playground.dashscope.refusals import NAMED
from bot.playground.slack.message import Draft


async def say_three(rig: Rig, *, between: Fault | None = None) -> tuple[str, str, str]:
    """Ask three questions in one thread, one after the other; return what each reply shows."""
    thread = await rig.ask("one")
    await rig.finished(1)
    if between is not None:
        rig.dashscope.faults.add(between)
    for number, text in enumerate(("two", "three"), 2):
        await rig.ask(text, thread_ts=thread)
        await rig.finished(number)
    first, second, third = rig.reply(thread)
    return words([first]), words([second]), words([third])


@pytest.mark.parametrize("kind", [AppKind.AGENT, AppKind.DIALOG_WORKFLOW])
async def test_every_question_of_a_thread_carries_its_session(
    tmp_path: Path, kind: AppKind
) -> None:
    async with servers(tmp_path, recite, kind=kind) as rig:
        async with rig.bot():
            shown = await say_three(rig)
        first, second, third = rig.asked()
    assert shown == ("one", "one two", "one two three")
    assert sent_session(first) is None
    assert sent_session(second) == sent_session(third) == first.session_id


async def test_in_a_long_thread_a_late_question_brings_along_what_was_said_last(
    tmp_path: Path,
) -> None:
    async with servers(tmp_path, recite) as rig:
        thread = rig.slack.workspace.post(PUBLIC, Draft(BEN, text="root")).ts
        for number in range(250):
            draft = Draft(BEN, text=f"note {number}", thread_ts=thread)
            rig.slack.workspace.post(PUBLIC, draft)
        async with rig.bot():
            await rig.ask("which was last?", thread_ts=thread)
            await rig.finished()
        shown = words(rig.reply(thread))
    assert texts.NO_HISTORY.en not in shown
    assert "note 249" in shown


@pytest.mark.parametrize("kind", [AppKind.WORKFLOW, AppKind.ORCHESTRATION])
async def test_an_app_without_memory_streams_and_is_never_sent_a_session(
    tmp_path: Path, kind: AppKind
) -> None:
    async with servers(tmp_path, recite, kind=kind) as rig:
        async with rig.bot():
            thread = await rig.ask("word " * 40)
            await rig.finished(1)
            await rig.ask("second", thread_ts=thread)
            await rig.finished(2)
        entries = rig.asked()
        first, second = rig.reply(thread)
    assert not any(sent_session(entry) for entry in entries)
    assert entries[0].events_sent > 5
    assert words([first]).split() == ["word"] * 40
    assert words([second]) == "second"


@pytest.mark.parametrize(
    "fault",
    [NAMED["arrears"], ErrorEvent(NAMED["inspection"], after_events=1), Cut(0)],
    ids=["unpaid", "blocked", "no word"],
)
async def test_a_turn_that_failed_leaves_the_session_as_it_was(
    tmp_path: Path, fault: Fault
) -> None:
    async with servers(tmp_path, recite) as rig:
        async with rig.bot():
            _, failed, third = await say_three(rig, between=fault)
        first, _, last = rig.asked()
    assert "(id T" in failed
    assert sent_session(last) == first.session_id
    assert third.startswith("one")
    assert texts.NEW_SESSION.en not in third


async def test_a_thread_goes_on_with_its_session_after_a_restart(tmp_path: Path) -> None:
    async with servers(tmp_path, recite) as rig:
        async with rig.bot():
            thread = await rig.ask("one")
            await rig.finished(1)
        async with rig.bot():
            await rig.ask("two", thread_ts=thread)
            await rig.finished(2)
        assert words(rig.reply(thread)[1:]) == "one two"
