"""A session that DashScope lost, however it says so, is noticed, and the thread goes on."""

from pathlib import Path

import pytest
from conversations import (
    ASK,
    HOUR_S,
    KNOWS,
    KNOWS_NOTHING,
    TELL,
    Clock,
    alter_conversation,
    noted,
    recall,
    sent_session,
    servers,
    shown,
    talk,
)
from midway import ANSWER, SPOKEN, markdown_of
from rig import BOT, Rig

from bot.core import texts
from bot.core.question import AppKind
from bot.playground.dashscope.answers import Inquiry, Said
from bot.playground.dashscope.faults import ErrorEvent
from bot.playground.dashscope.gateway import LostSession
from bot.playground.dashscope.refusals import LOST_SESSION, LOST_SESSIONS, UNTOLD, Refusal
from bot.playground.slack.change import Change, Edited, Posted

AGENT, DIALOG = AppKind.AGENT, AppKind.DIALOG_WORKFLOW
SESSION_FILE = Refusal(400, "InvalidParameter", "The session_file of this session is not ready.")


@pytest.mark.parametrize(
    ("kind", "lost"),
    [
        *((AGENT, each) for each in LOST_SESSIONS.values()),
        (AGENT, LostSession.FRESH),
        (DIALOG, LOST_SESSION),
        (DIALOG, LostSession.FRESH),
    ],
    ids=str,
)
async def test_a_lost_session_costs_one_more_request_and_the_reader_nothing(
    tmp_path: Path, kind: AppKind, lost: Refusal | LostSession
) -> None:
    clock = Clock()
    async with servers(tmp_path, recall, kind=kind, clock=clock) as rig:
        rig.dashscope.gateway.lost_sessions = lost
        async with rig.bot():
            thread = await talk(rig, TELL)
            clock.now_s += HOUR_S
            await talk(rig, ASK, ASK, thread=thread, turns=1)
        first, unaware, again, last = rig.asked()
        assert shown(rig, thread) == [KNOWS, noted(KNOWS), KNOWS]
    assert [sent_session(unaware), sent_session(again)] == [first.session_id, None]
    assert sent_session(last) == again.session_id


@pytest.mark.parametrize("lost", UNTOLD.values(), ids=UNTOLD)
async def test_a_lost_session_nothing_tells_of_costs_one_answer_and_not_those_after_it(
    tmp_path: Path, lost: Refusal
) -> None:
    clock = Clock()
    async with servers(tmp_path, recall, clock=clock) as rig:
        rig.dashscope.gateway.lost_sessions = lost
        async with rig.bot():
            thread = await talk(rig, TELL)
            clock.now_s += HOUR_S
            await talk(rig, ASK, ASK, ASK, thread=thread, turns=1)
        *_, third, fourth = rig.asked()
        _, failed, *others = shown(rig, thread)
    assert "(id T" in failed
    assert others == [noted(KNOWS), KNOWS]
    assert sent_session(third) is None
    assert sent_session(fourth) == third.session_id


@pytest.mark.parametrize("kind", [AGENT, DIALOG])
async def test_an_answer_whose_session_is_told_late_says_so_and_the_next_one_knows_the_thread(
    tmp_path: Path, kind: AppKind
) -> None:
    clock = Clock()
    async with servers(tmp_path, recall, kind=kind, clock=clock) as rig:
        rig.dashscope.gateway.lost_sessions = LostSession.LATE
        async with rig.bot():
            thread = await talk(rig, TELL)
            clock.now_s += HOUR_S
            await talk(rig, ASK, ASK, ASK, thread=thread, turns=1)
        _, lost, third, fourth = rig.asked()
        assert shown(rig, thread) == [
            KNOWS,
            noted(KNOWS_NOTHING, texts.UNAWARE),
            noted(KNOWS),
            KNOWS,
        ]
    assert sent_session(third) is None
    assert sent_session(fourth) == third.session_id != lost.session_id


async def test_a_session_that_could_be_lost_under_its_own_id_is_not_sent(tmp_path: Path) -> None:
    clock = Clock()
    async with servers(tmp_path, recall, clock=clock) as rig:
        rig.dashscope.gateway.lost_sessions = LostSession.SAME_ID
        async with rig.bot():
            thread = await talk(rig, TELL)
            clock.now_s += HOUR_S
            alter_conversation(rig, last_used_at_ms=f"last_used_at_ms - {HOUR_S * 1000}")
            await talk(rig, ASK, thread=thread, turns=1)
        assert shown(rig, thread) == [KNOWS, noted(KNOWS)]


@pytest.mark.parametrize("told", [LOST_SESSION, SESSION_FILE], ids=["session", "session file"])
async def test_words_that_stood_in_slack_are_never_taken_back_for_another_answer(
    tmp_path: Path, told: Refusal
) -> None:
    def answers(inquiry: Inquiry) -> Said:
        return Said(ANSWER if inquiry.prompt == ASK else "And now?")

    async with servers(tmp_path, answers, pace=SPOKEN) as rig:
        async with rig.bot():
            thread = await talk(rig, TELL)
            stood = watch_words(rig)
            rig.dashscope.faults.add(ErrorEvent(told, after_events=40))
            await talk(rig, ASK, thread=thread, turns=1)
        assert len(rig.asked()) == 2
        _, last = rig.reply(thread)
    assert stood
    assert all(markdown_of(last).startswith(words) for words in stood)


def watch_words(rig: Rig) -> list[str]:
    """Return a list of all words of answers that are to be seen from now on."""
    stood: list[str] = []

    def watch(change: Change) -> None:
        match change:
            case Posted(message=message) | Edited(after=message) if message.user == BOT:
                stood.extend([markdown_of(message).rstrip()] if markdown_of(message) else [])
            case _:
                return

    rig.slack.workspace.watch(watch)
    return stood
