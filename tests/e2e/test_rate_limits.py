"""Many answers at once live within what Slack documents for a whole workspace."""

from collections import Counter
from dataclasses import replace

import pytest
from midway import ANSWER
from rig import ANN, BEN, BOT, PRIVATE, PUBLIC, WITHIN_S, Rig, is_growing, words

from bot.core.pacing import EDITS
from bot.playground.dashscope.pace import Pace
from bot.playground.slack.directory import Channel
from bot.playground.slack.faults import Fault, FaultKind
from bot.playground.slack.journal import Call

POST, EDIT = "chat.postMessage", "chat.update"
SHORT = "A short answer."
TALKERS = 12
CROWD = 24
SHORTEST_REST_S = 1.0
"""Retry-After comes in whole seconds."""


def channels(rig: Rig, count: int) -> list[str]:
    """Return channels with the bot in them; each has a rate of its own for posts."""
    more = [f"C0NUMBER{number}" for number in range(max(0, count - 2))]
    for channel_id in more:
        members = frozenset({ANN, BEN, BOT})
        rig.slack.workspace.add_channel(Channel(channel_id, name="more", members=members))
    return [PUBLIC, PRIVATE, *more][:count]


def refused_again(rig: Rig, method: str) -> list[Call]:
    """Return the refused calls, without the first and those that were on their way with it."""
    calls = [call for call in rig.slack.journal.of(method) if call.outcome == "ratelimited"]
    return [call for call in calls if call.at > calls[0].at + SHORTEST_REST_S]


def is_final(call: Call) -> bool:
    """Tell whether an edit is a reply's last: it takes the Stop button away."""
    return not any(block["type"] == "actions" for block in call.arguments["blocks"])


def shows_words(call: Call) -> bool:
    """Tell whether a message shows words of an answer, not only what is going on."""
    return any(block["type"] == "markdown" for block in call.arguments["blocks"])


@pytest.mark.parametrize("threads", [8, pytest.param(32, marks=pytest.mark.slow)])
async def test_many_threads_at_once_are_all_answered_within_the_documented_rates(
    rig: Rig, threads: int
) -> None:
    pace = Pace(chars_per_s=200, first_token_s=0.5)
    rig.dashscope.manner = replace(rig.dashscope.manner, pace=pace)
    places = channels(rig, threads // 4)
    async with rig.bot():
        asked = [
            (channel, await rig.ask(f"{ANSWER} {number}", channel=channel))
            for number in range(threads)
            for channel in [places[number % len(places)]]
        ]
        await rig.finished(threads, within_s=100)
    for number, (channel, thread) in enumerate(asked):
        assert words(rig.reply(thread, channel=channel)) == f"{ANSWER} {number}"
    assert refused_again(rig, POST) == []
    assert refused_again(rig, EDIT) == []
    finals = Counter(call.arguments["ts"] for call in rig.slack.journal.of(EDIT) if is_final(call))
    assert set(finals.values()) == {1}
    # An answer that was whole before its placeholder's turn came is posted as it is.
    posted_whole = [call for call in rig.slack.journal.of(POST) if is_final(call)]
    assert len(finals) + len([call for call in posted_whole if call.outcome == "ok"]) == threads


async def test_in_a_crowd_replies_begin_with_words_and_leave_the_edits_to_final_texts(
    rig: Rig,
) -> None:
    pace = Pace(chars_per_s=100, first_token_s=1.0)
    rig.dashscope.manner = replace(rig.dashscope.manner, pace=pace)
    places = channels(rig, CROWD // 3)
    async with rig.bot():
        for number in range(CROWD):
            await rig.ask(ANSWER, channel=places[number % len(places)])
        await rig.finished(CROWD, within_s=100)
    posts = rig.slack.journal.of(POST)
    with_words = [call for call in posts if shows_words(call)]
    assert len(posts) == CROWD
    # The others began before it was one: a token each for first words and for the final text.
    assert len(with_words) >= CROWD - EDITS.burst / 2 - 1


async def test_a_final_text_does_not_wait_for_the_growing_of_other_replies(rig: Rig) -> None:
    rig.changes["grace_s"] = 0.0  # the others are still talking when the test is over
    rig.dashscope.manner = replace(rig.dashscope.manner, pace=Pace(chars_per_s=100))
    endless = " ".join([ANSWER] * 10)
    places = channels(rig, 6)
    async with rig.bot():
        for number in range(TALKERS):
            await rig.ask(endless, channel=places[number % len(places)])
        await rig.slack.until(
            lambda: len(rig.slack.journal.of(EDIT)) >= TALKERS, timeout_s=WITHIN_S
        )
        thread = await rig.ask(SHORT, channel=places[-1])
        await rig.dashscope.until(lambda entries: entries[-1].finished, timeout_s=WITHIN_S)
        before = len(rig.slack.journal.of(EDIT))
        await rig.finished()
        (message,) = rig.reply(thread, channel=places[-1])
        after = [call.arguments["ts"] for call in rig.slack.journal.of(EDIT)][before:]
    assert words([message]) == SHORT
    assert not is_growing(message)
    # One or two may have been on their way; in a fair queue all the others would come first.
    assert message.ts not in after[3:]


async def test_nobody_calls_a_method_again_before_slacks_retry_after_has_passed(rig: Rig) -> None:
    rig.dashscope.manner = replace(rig.dashscope.manner, pace=Pace(chars_per_s=150))
    rig.slack.faults.add(Fault(EDIT, FaultKind.RATE_LIMITED, retry_after_s=2))
    async with rig.bot():
        assert await rig.answer(ANSWER) == ANSWER
    refusal, *others = rig.slack.journal.of(EDIT)
    assert refusal.status == 429
    assert min(call.at for call in others) >= refusal.at + 2
