"""Where the bot follows threads it answers what is said to all, and leaves the rest alone."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from desk import a_desk
from given import UNLIMITED, begun, input_of, store, told
from rig import ANN, BEN, BOT, GROUP_DM, PRIVATE, PUBLIC, WITHIN_S, Rig, turns_of, words

from bot.core import texts
from bot.core.recap import question_in
from bot.playground.slack.delivery import DeliveryRules
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import Draft
from tests.postgres import TempPostgres

HERE = f"channel:{PUBLIC}"
QUICK_RETRIES = DeliveryRules(retry_delays_s=(0.5, 1.0, 2.0, *[4.0] * 10), ack_timeout_s=10.0)
"""Slack waits longer than the bot, so that the bot's own answer is seen, and does not give up."""


@pytest.fixture
def limits() -> Limits:
    """Nobody waits for Slack."""
    return UNLIMITED


async def overheard(
    rig: Rig, text: str, *, thread: str, user: str = ANN, channel: str = PUBLIC
) -> str:
    """Say something to nobody by name; return what the thread has got when it was answered."""
    done = sum(map(turns_of, rig.bots))
    await rig.slack.say(user, channel, text, thread_ts=thread)
    await rig.finished(done + 1)
    return words(rig.reply(thread, channel=channel))


async def settled(rig: Rig) -> None:
    """Wait until everything that was said has reached the bot."""
    await rig.slack.until(
        lambda: all(delivery.is_done for delivery in rig.slack.deliveries), timeout_s=WITHIN_S
    )


def prompts(rig: Rig) -> list[str]:
    """Return what was asked, in order, without what was put in front of it."""
    return [question_in(input_of(entry)["prompt"]) for entry in rig.asked()]


@pytest.mark.parametrize("channel", [PUBLIC, PRIVATE, GROUP_DM])
async def test_in_a_followed_thread_no_mention_is_needed(any_rig: Rig, channel: str) -> None:
    async with a_desk(any_rig) as desk:
        await desk.say("follow thread", channel=channel)
        thread = await begun(any_rig, channel=channel)
        await overheard(any_rig, "and then?", thread=thread, channel=channel)
        shown = await overheard(any_rig, "and now?", thread=thread, channel=channel, user=BEN)
    assert shown == "begun\nand then?\nFrom @Ben B.:\nand now?"
    first, *rest = any_rig.asked()
    assert [input_of(entry).get("session_id") for entry in rest] == [first.session_id] * 2


async def test_following_begins_and_ends_with_the_setting(rig: Rig) -> None:
    async with a_desk(rig) as desk:
        thread = await begun(rig)
        await rig.slack.say(ANN, PUBLIC, "too early", thread_ts=thread)
        await settled(rig)
        await desk.say("workspace follow thread")
        await overheard(rig, "in time", thread=thread)
        await desk.say("follow mention")
        await rig.slack.say(ANN, PUBLIC, "too late", thread_ts=thread)
        await settled(rig)
        await told(rig, "by name", thread_ts=thread)
        elsewhere = await begun(rig, channel=PRIVATE)
        await overheard(rig, "still followed", thread=elsewhere, channel=PRIVATE)
    assert prompts(rig) == ["begun", "in time", "by name", "begun", "still followed"]


NOT_SAID_TO_ALL = {
    "to somebody": f"<@{BEN}> what do you think?",
    "to somebody at the end": f"that is for you, <@{BEN}>",
    "to a group": "<!subteam^S0OPS|@ops> please look",
    "to everybody there": "<!here> lunch?",
    "to the whole channel": "<!channel> lunch?",
}


@pytest.mark.parametrize("text", NOT_SAID_TO_ALL.values(), ids=NOT_SAID_TO_ALL)
async def test_what_is_said_to_somebody_else_is_not_answered(rig: Rig, text: str) -> None:
    await store(rig, HERE, follow="thread")
    async with rig.bot():
        thread = await begun(rig)
        rig.slack.workspace.post(PUBLIC, Draft(ANN, text=text, thread_ts=thread))
        await settled(rig)
        assert await overheard(rig, "and you?", thread=thread) == "begun\nand you?"
    assert prompts(rig) == ["begun", "and you?"]


async def test_what_another_app_says_in_a_followed_thread_is_not_answered(any_rig: Rig) -> None:
    await store(any_rig, HERE, follow="thread")
    async with any_rig.bot():
        thread = await begun(any_rig)
        any_rig.slack.deliver_event(
            {
                "type": "message",
                "channel": PUBLIC,
                "channel_type": "channel",
                "ts": any_rig.slack.workspace.next_ts(PUBLIC),
                "thread_ts": thread,
                "user": "U0OTHER",
                "bot_id": "B0OTHER",
                "text": "the build is green",
            }
        )
        await settled(any_rig)
        await overheard(any_rig, "good", thread=thread)
    assert prompts(any_rig) == ["begun", "good"]


async def test_a_message_that_begins_a_thread_needs_a_mention_always(any_rig: Rig) -> None:
    await store(any_rig, HERE, follow="thread")
    async with any_rig.bot():
        root = await any_rig.slack.say(ANN, PUBLIC, "lovely weather")
        await settled(any_rig)
        await any_rig.slack.say(BEN, PUBLIC, "indeed", thread_ts=root)
        await settled(any_rig)
        assert any_rig.asked() == ()
        # Called into the thread, the bot belongs to it from then on.
        assert (await told(any_rig, "is it?", thread_ts=root)).endswith("\nis it?")
        assert (await overheard(any_rig, "sure?", thread=root)).endswith("\nis it?\nsure?")


async def test_a_thread_of_another_channel_is_another_thread(rig: Rig) -> None:
    await store(rig, HERE, follow="thread")
    async with rig.bot():
        await begun(rig)
        elsewhere = await begun(rig, channel=PRIVATE)
        await rig.slack.say(ANN, PRIVATE, "not followed here", thread_ts=elsewhere)
        await settled(rig)
        await told(rig, "only by name", channel=PRIVATE, thread_ts=elsewhere)
    assert prompts(rig) == ["begun", "begun", "only by name"]


@pytest.mark.parametrize("word", ["quiet", "Mute.", "安静！"])
async def test_asked_to_be_quiet_the_bot_is_until_somebody_mentions_it(
    any_rig: Rig, word: str
) -> None:
    await store(any_rig, HERE, follow="thread")
    async with any_rig.bot():
        thread = await begun(any_rig)
        shown = await overheard(any_rig, word, thread=thread)
        assert shown == f"begun\n{texts.QUIETED.en}"
        await any_rig.slack.say(BEN, PUBLIC, "at last we can talk", thread_ts=thread)
        await settled(any_rig)
        await told(any_rig, "come back", thread_ts=thread, user=BEN)
        await overheard(any_rig, "still there?", thread=thread)
    assert prompts(any_rig) == ["begun", "come back", "still there?"]


async def test_the_bot_stays_quiet_after_a_restart(rig: Rig) -> None:
    await store(rig, HERE, follow="thread")
    async with rig.bot():
        thread = await begun(rig)
        await told(rig, "quiet", thread_ts=thread)  # by name it goes as well
    async with rig.bot():
        await rig.slack.say(ANN, PUBLIC, "among ourselves", thread_ts=thread)
        await settled(rig)
        await told(rig, "wake up", thread_ts=thread)
    assert prompts(rig) == ["begun", "wake up"]


async def test_what_is_overheard_many_times_in_any_order_is_answered_once(any_rig: Rig) -> None:
    await store(any_rig, HERE, follow="thread")
    async with any_rig.bot():
        thread = await begun(any_rig)
        any_rig.slack.dispatcher.rules = DeliveryRules(duplicates=3, jitter_s=0.3, seed=4)
        said = [f"message {number}" for number in range(5)]
        for text in said:
            await any_rig.slack.say(ANN, PUBLIC, text, thread_ts=thread)
        await any_rig.finished(6)
        await settled(any_rig)
    assert sorted(prompts(any_rig)) == sorted(["begun", *said])
    assert sorted(words(any_rig.reply(thread)).split("\n")) == sorted(["begun", *said])


async def test_a_mention_that_is_overheard_as_well_is_answered_once(any_rig: Rig) -> None:
    await store(any_rig, HERE, follow="thread")
    async with any_rig.bot():
        thread = await begun(any_rig)
        any_rig.slack.dispatcher.rules = DeliveryRules(duplicates=1, jitter_s=0.2, seed=2)
        assert await told(any_rig, "by name", thread_ts=thread) == "begun\nby name"
        await settled(any_rig)
    assert prompts(any_rig) == ["begun", "by name"]


async def test_what_could_not_be_claimed_is_delivered_again_and_answered_once(
    any_rig: Rig, tmp_path: Path
) -> None:
    await store(any_rig, HERE, follow="thread")
    async with any_rig.bot():
        thread = await begun(any_rig)
        any_rig.slack.dispatcher.rules = QUICK_RETRIES
        known = len(any_rig.slack.deliveries)
        with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await any_rig.slack.say(ANN, PUBLIC, "remember me", thread_ts=thread)
            (delivery,) = any_rig.slack.deliveries[known:]
            await any_rig.slack.until(lambda: delivery.attempts, timeout_s=WITHIN_S)
        await any_rig.finished(2)
        await settled(any_rig)
    assert delivery.attempts[0].failure
    assert delivery.is_delivered
    assert words(any_rig.reply(thread)) == "begun\nremember me"
    assert prompts(any_rig) == ["begun", "remember me"]


@pytest.mark.parametrize("database", ["postgresql"])
async def test_while_nobody_knows_whether_a_thread_is_followed_slack_keeps_what_was_said(
    rig: Rig, postgres: TempPostgres
) -> None:
    rig.slack.dispatcher.rules = QUICK_RETRIES
    async with a_desk(rig) as desk:
        await desk.say("follow thread")
    async with rig.bot():
        thread = await begun(rig)
        known = len(rig.slack.deliveries)
        await asyncio.to_thread(postgres.stop)
        await rig.slack.say(ANN, PUBLIC, "remember me", thread_ts=thread)
        (delivery,) = rig.slack.deliveries[known:]
        await rig.slack.until(lambda: delivery.attempts, timeout_s=WITHIN_S)
        await asyncio.to_thread(postgres.start)
        await rig.slack.until(lambda: delivery.is_done, timeout_s=WITHIN_S)
        await rig.slack.until(lambda: len(rig.reply(thread)) == 2, timeout_s=WITHIN_S)
        await rig.finished(2)
    assert delivery.attempts[0].failure
    assert words(rig.reply(thread)) == "begun\nremember me"
    assert prompts(rig) == ["begun", "remember me"]


async def test_in_direct_messages_everything_is_for_the_bot_and_quiet_is_a_word(
    rig: Rig,
) -> None:
    await store(rig, "workspace", follow="thread")
    channel = rig.slack.workspace.dm(ANN, BOT).channel_id
    async with rig.bot():
        thread = await rig.slack.say(ANN, channel, "hello")
        await rig.finished()
        shown = await overheard(rig, "quiet", thread=thread, channel=channel)
    assert shown == "hello\nquiet"
