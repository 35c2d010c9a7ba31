"""Questions that are edited or deleted, and messages that wait for their turn."""

import pytest
from midway import ANSWER, EVENTS_BEFORE, when_words_show
from rig import ANN, BEN, BOT, PUBLIC, WITHIN_S, Rig, is_growing, words

from bot.core import texts
from bot.core.language import Language, Phrase
from bot.playground.dashscope.faults import Hold, SlowStart
from bot.playground.slack.blocks import controls

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"])

NEVER_S = 600.0


def never_starts(rig: Rig) -> None:
    """Let the next answer begin when nobody waits for it any more."""
    rig.dashscope.faults.add(SlowStart(NEVER_S))


def held(rig: Rig, *, after_events: int = 0) -> Hold:
    """Let the next answer begin, or go on, when the test says so."""
    hold = Hold(after_events)
    rig.dashscope.faults.add(hold)
    return hold


async def asked(rig: Rig, count: int) -> None:
    await rig.dashscope.until(lambda entries: len(entries) == count, timeout_s=WITHIN_S)


async def test_deleting_the_question_stops_its_answer(any_rig: Rig) -> None:
    never_starts(any_rig)
    async with any_rig.bot():
        thread = await any_rig.ask("regretted")
        await asked(any_rig, 1)
        await any_rig.slack.until(lambda: any_rig.reply(thread), timeout_s=WITHIN_S)
        await any_rig.slack.delete(ANN, PUBLIC, thread)
        await any_rig.finished(1)
    await any_rig.dashscope.until(lambda entries: entries[0].aborted, timeout_s=WITHIN_S)
    assert texts.STOPPED.en in words(any_rig.reply(thread))


async def test_editing_the_question_before_the_first_word_answers_the_new_one(
    any_rig: Rig,
) -> None:
    never_starts(any_rig)
    async with any_rig.bot():
        thread = await any_rig.ask("the wrong question")
        await asked(any_rig, 1)
        await any_rig.slack.edit(ANN, PUBLIC, thread, f"<@{BOT}> the right question")
        await any_rig.finished(1)
    first, second = any_rig.asked()
    assert second.body["input"]["prompt"] == "the right question"
    await any_rig.dashscope.until(lambda entries: entries[0].aborted, timeout_s=WITHIN_S)
    assert first.request_id != second.request_id
    assert words(any_rig.reply(thread)) == "the right question"


@pytest.mark.parametrize(
    ("said", "hint"), [("", texts.EMPTY_QUESTION), ("start over", texts.AFRESH)]
)
async def test_a_question_that_is_edited_into_none_is_not_asked_and_keeps_the_session(
    rig: Rig, said: str, hint: Phrase
) -> None:
    async with rig.bot():
        thread = await rig.ask("the first question")
        await rig.finished(1)
        never_starts(rig)
        second = await rig.ask("the wrong question", thread_ts=thread)
        await asked(rig, 2)
        await rig.slack.edit(ANN, PUBLIC, second, f"<@{BOT}> {said}")
        await rig.finished(2)
        await rig.ask("the third question", thread_ts=thread)
        await rig.finished(3)
    first, _, third = rig.asked()
    _, hinted, answered = rig.reply(thread)
    assert (words([hinted]), words([answered])) == (hint.en, "the third question")
    kept = third.body["input"].get("session_id") == first.session_id
    assert kept == (hint is texts.EMPTY_QUESTION)


async def test_editing_a_question_that_waits_answers_the_new_one(rig: Rig) -> None:
    first = held(rig)
    async with rig.bot():
        thread = await rig.ask("first")
        await asked(rig, 1)
        waiting = await rig.ask("second", thread_ts=thread)
        await rig.heard()
        await rig.slack.edit(ANN, PUBLIC, waiting, f"<@{BOT}> better second")
        await rig.heard()
        first.released.set()
        await rig.finished(2)
    prompts = [entry.body["input"]["prompt"] for entry in rig.asked()]
    assert prompts == ["first", "better second"]


async def click_again(rig: Rig) -> None:
    """Click the button of the newest whisper."""
    offer = rig.slack.workspace.ephemerals[-1]
    (button,) = controls(offer.blocks)
    assert offer.user == ANN
    await rig.slack.click(ANN, PUBLIC, offer.ts, button.action_id)


async def test_a_question_edited_after_its_answer_is_answered_again_in_the_same_message(
    any_rig: Rig,
) -> None:
    async with any_rig.bot():
        thread = await any_rig.ask("old words")
        await any_rig.finished(1)
        (before,) = any_rig.reply(thread)
        await any_rig.slack.edit(ANN, PUBLIC, thread, f"<@{BOT}> new words")
        await any_rig.slack.until(lambda: any_rig.slack.workspace.ephemerals, timeout_s=WITHIN_S)
        await click_again(any_rig)
        assert not any_rig.slack.workspace.ephemerals, "the offer goes when it is taken"
        await any_rig.finished(2)
    (after,) = any_rig.reply(thread)
    assert (after.ts, words([after])) == (before.ts, "new words")
    assert len(any_rig.asked()) == 2


async def test_a_question_edited_in_mid_answer_is_offered_at_its_end(rig: Rig) -> None:
    hold = held(rig, after_events=EVENTS_BEFORE)
    struck = when_words_show(rig, lambda _message: None)
    async with rig.bot():
        thread = await rig.ask(ANSWER)
        await rig.slack.until(lambda: struck, timeout_s=WITHIN_S)
        await rig.slack.edit(ANN, PUBLIC, thread, f"<@{BOT}> other words")
        await rig.heard()
        assert not rig.slack.workspace.ephemerals
        hold.released.set()
        await rig.finished(1)
        assert words(rig.reply(thread)) == ANSWER
        await rig.slack.until(lambda: rig.slack.workspace.ephemerals, timeout_s=WITHIN_S)
        await click_again(rig)
        await rig.finished(2)
    assert words(rig.reply(thread)) == "other words"


async def test_a_message_that_waits_long_is_told_its_place_and_the_line_goes_away(
    rig: Rig,
) -> None:
    first = held(rig)
    async with rig.bot():
        thread = await rig.ask("first")
        await asked(rig, 1)
        await rig.ask("second", thread_ts=thread, user=BEN)
        line = texts.waiting(1, language=Language.EN)
        await rig.slack.until(lambda: line in words(rig.reply(thread)), timeout_s=WITHIN_S)
        first.released.set()
        await rig.finished(2)
    assert words(rig.reply(thread)) == "first\nFrom @Ben B.:\nsecond"
    assert len(rig.reply(thread)) == 2


async def test_one_thread_is_answered_in_order_while_others_go_on(rig: Rig) -> None:
    one = held(rig)
    async with rig.bot():
        thread = await rig.ask("one")
        await asked(rig, 1)
        await rig.ask("two", thread_ts=thread)
        await rig.heard()
        await rig.ask("three", thread_ts=thread)
        other = await rig.ask("elsewhere")
        await rig.finished(1)
        assert words(rig.reply(other)) == "elsewhere"
        one.released.set()
        await rig.finished(4)
    assert [words([message]) for message in rig.reply(thread)] == ["one", "two", "three"]
    assert not any(is_growing(message) for message in rig.reply(thread))
