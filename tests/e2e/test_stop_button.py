"""The Stop button ends an answer for the person who asked, and for nobody else."""

from dataclasses import replace

import pytest
from midway import markdown_of
from rig import ANN, BEN, PUBLIC, WITHIN_S, Rig, is_growing, words

from bot.core import texts
from bot.playground.dashscope.pace import Pace
from bot.playground.slack.message import Message

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"])

ENDLESS = " ".join(f"word{number}" for number in range(900))


@pytest.fixture
def slow_rig(any_rig: Rig) -> Rig:
    """A rig whose answers end long after the test."""
    pace = Pace(chars_per_s=60, first_token_s=0.1)
    any_rig.dashscope.manner = replace(any_rig.dashscope.manner, pace=pace)
    return any_rig


async def words_after(rig: Rig, thread: str, *, chars: int) -> Message:
    """Wait until the reply shows more than `chars` characters of the answer."""

    def found() -> Message | None:
        longer = (m for m in rig.reply(thread) if len(markdown_of(m)) > chars)
        return next(longer, None)

    message = await rig.slack.until(found, timeout_s=WITHIN_S)
    assert is_growing(message)
    return message


async def test_stop_closes_the_stream_and_keeps_the_text_so_far_with_a_mark(slow_rig: Rig) -> None:
    async with slow_rig.bot() as bot:
        thread = await slow_rig.ask(ENDLESS)
        seen = await words_after(slow_rig, thread, chars=0)
        await slow_rig.slack.click(ANN, PUBLIC, seen.ts, "turn:stop")
        (entry,) = await slow_rig.dashscope.until(lambda e: e[0].finished, timeout_s=WITHIN_S)
        await slow_rig.finished()
    assert entry.aborted
    (message,) = slow_rig.reply(thread)
    text = markdown_of(message)
    assert text.startswith(markdown_of(seen))
    assert ENDLESS.startswith(text)
    assert words([message]) == f"{text}\n{texts.STOPPED.en}"
    assert not is_growing(message)
    assert 'turns_total{outcome="stopped"} 1.0' in bot.metrics.text().decode()


async def test_stop_before_the_first_word_leaves_the_mark_alone(slow_rig: Rig) -> None:
    pace = Pace(first_token_s=60)
    slow_rig.dashscope.manner = replace(slow_rig.dashscope.manner, pace=pace)
    async with slow_rig.bot():
        thread = await slow_rig.ask(ENDLESS)
        await slow_rig.slack.until(lambda: slow_rig.reply(thread), timeout_s=WITHIN_S)
        (seen,) = slow_rig.reply(thread)
        await slow_rig.slack.click(ANN, PUBLIC, seen.ts, "turn:stop")
        await slow_rig.finished()
    (message,) = slow_rig.reply(thread)
    assert words([message]) == texts.STOPPED.en


async def test_a_strangers_click_on_stop_changes_nothing(slow_rig: Rig) -> None:
    async with slow_rig.bot():
        thread = await slow_rig.ask(ENDLESS)
        seen = await words_after(slow_rig, thread, chars=0)
        clicked = await slow_rig.slack.click(BEN, PUBLIC, seen.ts, "turn:stop")
        assert clicked.is_delivered
        so_far = len(markdown_of(slow_rig.reply(thread)[0]))
        await words_after(slow_rig, thread, chars=so_far)
        (entry,) = slow_rig.asked()
        assert not entry.finished
        await slow_rig.slack.click(ANN, PUBLIC, seen.ts, "turn:stop")
        await slow_rig.finished()


async def test_an_admins_click_on_stop_counts_like_the_askers(slow_rig: Rig) -> None:
    slow_rig.changes["admin_users"] = (BEN,)
    async with slow_rig.bot():
        thread = await slow_rig.ask(ENDLESS)
        seen = await words_after(slow_rig, thread, chars=0)
        await slow_rig.slack.click(BEN, PUBLIC, seen.ts, "turn:stop")
        await slow_rig.finished()
    assert texts.STOPPED.en in words(slow_rig.reply(thread))


async def test_a_thread_goes_on_after_a_stop(slow_rig: Rig) -> None:
    async with slow_rig.bot():
        thread = await slow_rig.ask(ENDLESS)
        seen = await words_after(slow_rig, thread, chars=0)
        await slow_rig.ask("next", thread_ts=thread)
        await slow_rig.slack.click(ANN, PUBLIC, seen.ts, "turn:stop")
        await slow_rig.finished(2)
    _, answer = slow_rig.reply(thread)
    assert words([answer]) == "next"
