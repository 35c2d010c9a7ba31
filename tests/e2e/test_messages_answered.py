"""A message in Slack becomes one answer in its thread."""

import pytest
from rig import ANN, BOT, GROUP_DM, PRIVATE, PUBLIC, WITHIN_S, Rig, words

from bot.playground.slack.delivery import DeliveryRules

pytestmark = pytest.mark.parametrize("database", ["sqlite", "postgresql"])


@pytest.mark.parametrize("channel", [PUBLIC, PRIVATE, GROUP_DM])
async def test_a_mention_is_answered_in_its_thread(any_rig: Rig, channel: str) -> None:
    async with any_rig.bot():
        assert await any_rig.answer("hello", channel=channel) == "hello"


async def test_a_direct_message_is_answered_in_its_own_thread_without_a_mention(
    any_rig: Rig,
) -> None:
    channel = any_rig.slack.workspace.dm(ANN, BOT).channel_id
    async with any_rig.bot():
        first = await any_rig.slack.say(ANN, channel, "private")
        second = await any_rig.slack.say(ANN, channel, "also private")
        await any_rig.finished(2)
    assert words(any_rig.reply(first, channel=channel)) == "private"
    assert words(any_rig.reply(second, channel=channel)) == "also private"


async def test_a_reply_that_mentions_the_bot_again_goes_on_with_the_session(any_rig: Rig) -> None:
    async with any_rig.bot():
        thread = await any_rig.ask("first")
        await any_rig.finished(1)
        await any_rig.ask("second", thread_ts=thread)
        await any_rig.finished(2)
    first, second = any_rig.asked()
    assert "session_id" not in first.body["input"]
    assert second.body["input"]["session_id"] == first.session_id


async def test_each_thread_has_a_session_of_its_own(rig: Rig) -> None:
    async with rig.bot():
        await rig.ask("one")
        await rig.finished(1)
        await rig.ask("two")
        await rig.finished(2)
    assert not any("session_id" in entry.body["input"] for entry in rig.asked())


async def test_a_message_delivered_many_times_in_any_order_is_answered_once(any_rig: Rig) -> None:
    any_rig.slack.dispatcher.rules = DeliveryRules(duplicates=3, jitter_s=0.3, seed=4)
    async with any_rig.bot():
        threads = [await any_rig.ask(f"question {number}") for number in range(5)]
        await any_rig.finished(5)
        await any_rig.slack.until(
            lambda: all(delivery.is_done for delivery in any_rig.slack.deliveries),
            timeout_s=WITHIN_S,
        )
    assert len(any_rig.asked()) == 5
    for number, thread in enumerate(threads):
        assert words(any_rig.reply(thread)) == f"question {number}"
