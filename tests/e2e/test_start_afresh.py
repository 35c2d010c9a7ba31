"""Letting go of what was said in a thread: by a word, by a shortcut, by a command."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from desk import assert_acked
from given import UNLIMITED, input_of, store, told
from rig import ANN, BEN, BOT, PUBLIC, WITHIN_S, Rig, turns_of, words

from bot.core import texts
from bot.playground.dashscope.pace import Pace
from bot.playground.dashscope.refusals import NAMED
from bot.playground.slack.directory import User
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import Ephemeral, visible_text

SHORTCUT = "start_afresh"
GUEST = "U0GUEST"


@pytest.fixture
def limits() -> Limits:
    """No limits: how the bot keeps them is another test's business."""
    return UNLIMITED


@pytest.fixture
async def talking(any_rig: Rig) -> AsyncIterator[Rig]:
    """A bot that remembers threads."""
    async with any_rig.bot():
        yield any_rig


def sessions(rig: Rig) -> list[str | None]:
    """Return the session each request goes on with."""
    return [input_of(entry).get("session_id") for entry in rig.asked()]


async def choose(rig: Rig, ts: str, *, by: str = ANN, channel: str = PUBLIC) -> Ephemeral:
    """Choose the shortcut on a message; return the notice that answers it."""
    known = len(rig.slack.workspace.ephemerals)
    assert_acked(await rig.slack.people.shortcut(by, channel, ts, SHORTCUT))
    return await rig.slack.until(
        lambda: next(iter(rig.slack.workspace.ephemerals[known:]), None), timeout_s=WITHIN_S
    )


async def a_thread(rig: Rig, *, channel: str = PUBLIC) -> str:
    """Return a thread with a session, twice gone on with."""
    thread = await rig.ask("I am Ann", channel=channel)
    await rig.finished(sum(map(turns_of, rig.bots)) + 1)
    await told(rig, "second", thread_ts=thread, channel=channel)
    first, second = sessions(rig)[-2:]
    assert first is None
    assert second is not None
    return thread


def is_without_past(rig: Rig) -> bool:
    """Tell whether the last request brings along nothing that was said before."""
    asked = input_of(rig.asked()[-1])
    return "session_id" not in asked and "I am Ann" not in str(asked)


@pytest.mark.parametrize("word", ["start afresh", "重新开始"])
async def test_the_word_lets_a_thread_start_afresh(talking: Rig, word: str) -> None:
    rig = talking
    thread = await a_thread(rig)
    assert texts.AFRESH.en in await told(rig, word, thread_ts=thread)
    assert len(rig.asked()) == 2
    await told(rig, "third", thread_ts=thread)
    assert is_without_past(rig)
    await told(rig, "fourth", thread_ts=thread)
    assert sessions(rig)[-1] is not None
    assert sessions(rig)[-1] != sessions(rig)[1]


@pytest.mark.parametrize("transport", ["http"])
async def test_a_word_that_answers_the_apps_question_keeps_the_thread(talking: Rig) -> None:
    thread = await a_thread(talking)
    for word in ("new", "reset"):
        assert texts.AFRESH.en not in await told(talking, word, thread_ts=thread)
    assert sessions(talking)[-1] == sessions(talking)[1]


async def test_the_shortcut_does_the_same_from_any_message_and_only_its_chooser_sees_it(
    talking: Rig,
) -> None:
    rig = talking
    thread = await a_thread(rig)
    for ts in (rig.reply(thread)[-1].ts, thread):
        notice = await choose(rig, ts, by=BEN)
        assert "Started afresh" in visible_text(notice)
        assert (notice.user, notice.thread_ts) == (BEN, thread)
        await told(rig, "again", thread_ts=thread)
        assert is_without_past(rig)
    assert "Started afresh" not in words(rig.reply(thread))


@pytest.mark.parametrize("transport", ["http"])
async def test_a_thread_nobody_asked_in_and_people_who_may_not_ask_change_nothing(
    talking: Rig,
) -> None:
    rig = talking
    thread = await a_thread(rig)
    other = rig.slack.people.say(BEN, PUBLIC, "lunch?")
    assert "nothing to let go" in visible_text(await choose(rig, other))
    rig.slack.workspace.add_user(User(GUEST, name="gus", is_restricted=True))
    rig.slack.workspace.join(PUBLIC, GUEST)
    assert "guests" in visible_text(await choose(rig, thread, by=GUEST))
    await told(rig, "third", thread_ts=thread)
    assert sessions(rig)[-1] is not None


@pytest.mark.parametrize("transport", ["http"])
async def test_an_answer_under_way_does_not_bring_its_session_back(talking: Rig) -> None:
    rig = talking
    thread = await a_thread(rig)
    rig.dashscope.manner = replace(rig.dashscope.manner, pace=Pace(chars_per_s=200))
    await rig.ask("x" * 200, thread_ts=thread)
    await rig.dashscope.until(lambda entries: len(entries) == 3 and entries[-1].events_sent > 1)
    assert "Started afresh" in visible_text(await choose(rig, thread))
    await rig.finished(3)
    await told(rig, "fourth", thread_ts=thread)
    assert is_without_past(rig)


@pytest.mark.parametrize("transport", ["http"])
async def test_in_direct_messages_the_command_starts_all_threads_afresh(talking: Rig) -> None:
    rig = talking
    direct = rig.slack.workspace.dm(ANN, BOT).channel_id
    thread = await a_thread(rig, channel=direct)
    elsewhere = await a_thread(rig)
    await rig.slack.command(ANN, direct, "new")
    notice = await rig.slack.until(
        lambda: next(iter(rig.slack.workspace.ephemerals), None), timeout_s=WITHIN_S
    )
    assert "threads here start afresh" in visible_text(notice)
    await told(rig, "third", thread_ts=thread, channel=direct)
    assert is_without_past(rig)
    await told(rig, "third", thread_ts=elsewhere)
    assert sessions(rig)[-1] is not None


@pytest.mark.parametrize("transport", ["http"])
@pytest.mark.parametrize("history", ["messages", "session"])
async def test_in_direct_messages_the_command_reaches_threads_that_never_had_a_session(
    any_rig: Rig, history: str
) -> None:
    rig = any_rig
    await store(rig, "workspace", history=history)
    direct = rig.slack.workspace.dm(ANN, BOT).channel_id
    async with rig.bot():
        rig.dashscope.faults.add(NAMED["inspection"])
        thread = await rig.ask("I am Ann", channel=direct)
        await rig.finished(1)
        await rig.slack.command(ANN, direct, "new")
        await rig.slack.until(lambda: rig.slack.workspace.ephemerals or None, timeout_s=WITHIN_S)
        await told(rig, "second", thread_ts=thread, channel=direct)
    assert is_without_past(rig)


@pytest.mark.parametrize("transport", ["http"])
async def test_in_a_channel_the_command_tells_how(talking: Rig) -> None:
    rig = talking
    thread = await a_thread(rig)
    await rig.slack.command(ANN, PUBLIC, "new")
    notice = await rig.slack.until(
        lambda: next(iter(rig.slack.workspace.ephemerals), None), timeout_s=WITHIN_S
    )
    assert "Start afresh here" in visible_text(notice)
    await told(rig, "third", thread_ts=thread)
    assert sessions(rig)[-1] is not None


@pytest.mark.parametrize("transport", ["http"])
async def test_what_was_let_go_of_is_not_sent_as_messages_either(any_rig: Rig) -> None:
    rig = any_rig
    await store(rig, "workspace", history="messages")
    async with rig.bot():
        thread = await rig.ask("I am Ann")
        await rig.finished(1)
        await told(rig, "second", thread_ts=thread)
        assert "I am Ann" in str(input_of(rig.asked()[-1]))
        await told(rig, "new session", thread_ts=thread)
        await told(rig, "third", thread_ts=thread)
    assert input_of(rig.asked()[-1])["messages"] == [{"role": "user", "content": "third"}]
