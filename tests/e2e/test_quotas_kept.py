"""A quota is never exceeded, is announced before it is spent, and begins anew every UTC day."""

import re
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import cycle
from pathlib import Path

import pytest
from bot_process import BotProcess, environment_of, until_taken
from desk import TEAM, a_desk
from given import UNLIMITED, store, told
from midway import ANSWER, SPOKEN, when_words_show
from rig import ANN, BEN, BOT, GROUP_DM, PRIVATE, PUBLIC, Rig, is_growing, turns_of, words

from bot.playground.dashscope.refusals import Refusal
from bot.playground.slack.limits import Limits
from storage.database import Storage

pytestmark = pytest.mark.usefixtures("one_day")

CHANNELS = (PUBLIC, PRIVATE, GROUP_DM)
WITHIN_S = 60.0
SPENT = re.compile(
    r"(?P<quota>.+) is used up\. It begins anew at 00:00 UTC "
    r"\(in (?:(?P<hours>\d+) h )?(?P<minutes>\d+) min\)\."
)
DAY_S = 24 * 60 * 60
LONG_AGO = 10**9
"""The id of a turn that no test makes."""


@pytest.fixture
def limits() -> Limits:
    """Nobody waits for Slack."""
    return UNLIMITED


def spent(shown: str) -> str:
    """Return whose quota a refusal says is used up; empty for an answer."""
    found = SPENT.fullmatch(shown)
    return found["quota"] if found else ""


def near(shown: str) -> str:
    """Return the note under an answer, without the time that is left."""
    _, _, note = shown.partition("\n")
    return note.partition(" until ")[0]


async def turns_counted(rig: Rig) -> int:
    """Return how many turns are counted today and yesterday."""
    async with Storage(rig.database_url, exclusive=False) as storage:
        today = datetime.now(UTC).date()
        rows = await storage.usage.report(
            TEAM, since=today - timedelta(days=1), until=today, by="day"
        )
    return sum(row.turns for row in rows)


async def test_a_persons_quota_holds_across_channels_and_for_that_person_alone(
    any_rig: Rig,
) -> None:
    direct = any_rig.slack.workspace.dm(ANN, BOT).channel_id
    async with a_desk(any_rig) as desk:
        await desk.say("workspace quota user turns 2")
        await told(any_rig, "one")
        await told(any_rig, "two", channel=direct)
        assert spent(await told(any_rig, "three", channel=PRIVATE)) == (
            "Your quota of 2 questions a day"
        )
        assert spent(await told(any_rig, "four", channel=direct))
        assert await told(any_rig, "mine", user=BEN) == "mine"
        await desk.say("workspace quota user turns 9")
        assert await told(any_rig, "again", channel=GROUP_DM) == "again"
    assert len(any_rig.asked()) == 4


async def test_a_persons_quota_in_a_channel_counts_what_they_ask_there(rig: Rig) -> None:
    async with a_desk(rig) as desk:
        await desk.say("quota user turns 1")
        await told(rig, "elsewhere first", channel=PRIVATE)
        await told(rig, "one")
        assert spent(await told(rig, "two")) == "Your quota of one question a day in this channel"
        assert await told(rig, "elsewhere", channel=PRIVATE) == "elsewhere"
        assert (await told(rig, "mine", user=BEN)).startswith("mine")
    assert len(rig.asked()) == 4


async def test_a_channels_quota_is_everybodys_and_each_channel_has_its_own(rig: Rig) -> None:
    direct = rig.slack.workspace.dm(ANN, BOT).channel_id
    async with a_desk(rig) as desk:
        await desk.say("workspace quota channel turns 2")
        await desk.say("quota channel turns off", channel=GROUP_DM)
        for number in range(3):
            assert await told(rig, f"{number}", channel=GROUP_DM) == f"{number}"
            assert await told(rig, f"{number}", channel=direct) == f"{number}"
        await told(rig, "one")
        await told(rig, "two", user=BEN)
        assert spent(await told(rig, "three")) == "This channel's quota of 2 questions a day"
        assert (await told(rig, "one", channel=PRIVATE)).startswith("one")


async def test_tokens_are_counted_once_an_answer_is_there(rig: Rig) -> None:
    # Half the characters of "hello" and of its echo, each rounded up, are six tokens.
    async with a_desk(rig) as desk:
        await desk.say("workspace quota user tokens 10")
        assert await told(rig, "hello") == "hello"
        second = await told(rig, "hello", channel=PRIVATE)
        assert near(second) == "Your quota of 10 tokens a day: 12 used, 0 left"
        assert spent(await told(rig, "hello", channel=GROUP_DM)) == "Your quota of 10 tokens a day"
    assert len(rig.asked()) == 2


async def test_from_four_fifths_on_every_answer_tells_what_is_left(rig: Rig) -> None:
    places = cycle(CHANNELS)
    async with a_desk(rig) as desk:
        await desk.say("workspace quota user turns 5")
        shown = [await told(rig, "hello", channel=next(places)) for _ in range(6)]
    notes = ["", "", "", "4 used, 1 left", "5 used, 0 left"]
    quota = "Your quota of 5 questions a day"
    assert [near(each) for each in shown[:5]] == [note and f"{quota}: {note}" for note in notes]
    assert spent(shown[5]) == quota
    assert len(rig.asked()) == 5


async def test_a_refusal_tells_when_the_quota_begins_anew(rig: Rig) -> None:
    async with a_desk(rig) as desk:
        await desk.say("quota user turns 1")
        await told(rig, "one")
        found = SPENT.fullmatch(await told(rig, "two"))
    assert found is not None
    left_s = 60 * (60 * int(found["hours"] or 0) + int(found["minutes"]))
    assert abs(left_s - (DAY_S - time.time() % DAY_S)) < 120


async def answer_again(rig: Rig, thread: str, text: str) -> str:
    """Edit a question, take the offer to have it answered again, and return what the thread has."""
    offers = rig.slack.workspace.ephemerals
    rig.slack.people.edit(ANN, PUBLIC, thread, f"<@{BOT}> {text}")
    offer = await rig.slack.until(lambda: offers[-1:], timeout_s=WITHIN_S)
    done = sum(map(turns_of, rig.bots))
    await rig.slack.click(ANN, PUBLIC, offer[0].ts, "turn:again")
    await rig.finished(done + 1)
    return words(rig.reply(thread))


async def test_a_question_that_is_answered_again_counts_again(rig: Rig) -> None:
    await store(rig, "workspace", quota_user_turns=2)
    async with rig.bot():
        thread = await rig.ask("first words")
        await rig.finished()
        assert (await answer_again(rig, thread, "second words")).startswith("second words\n")
        kept = await answer_again(rig, thread, "third words")
    assert kept.startswith("second words\n")  # the answer there was is not taken away
    assert spent(rig.slack.workspace.ephemerals[-1].text)
    assert len(rig.asked()) == 2


async def test_a_question_that_failed_counts_for_no_quota_until_it_is_answered(rig: Rig) -> None:
    async with a_desk(rig) as desk:
        await desk.say("workspace quota user turns 1")
        rig.dashscope.faults.add(Refusal(401, "InvalidApiKey", "Invalid API-key provided."))
        assert "not set up correctly" in await told(rig, "one")
        assert await turns_counted(rig) == 0
        assert (await told(rig, "two", channel=PRIVATE)).startswith("two")
        assert await turns_counted(rig) == 1
        assert spent(await told(rig, "three", channel=GROUP_DM))


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_of_ten_questions_at_once_a_quota_of_five_lets_five_through(
    rig: Rig, database: str
) -> None:
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(a_desk(rig))
        await desk.say("workspace quota user turns 5")
        if database == "postgresql":  # two replicas, each of which gets every other message
            await stack.enter_async_context(rig.bot())
            rig.slack.deliver_to(*(f"{bot.address}/slack/events" for bot in rig.bots))
        places = [channel for channel, _ in zip(cycle(CHANNELS), range(10), strict=False)]
        threads = [await rig.ask("hello", channel=channel) for channel in places]
        await rig.finished(10, within_s=WITHIN_S)
        shown = [words(rig.reply(ts, channel=c)) for ts, c in zip(threads, places, strict=True)]
    assert len(rig.asked()) == 5
    assert sorted(each.startswith("hello") for each in shown) == [False] * 5 + [True] * 5
    assert sum(spent(each) == "Your quota of 5 questions a day" for each in shown) == 5


@pytest.mark.parametrize("days", [0, 1], ids=["today", "yesterday"])
async def test_what_was_asked_yesterday_leaves_today_free(rig: Rig, days: int) -> None:
    await store(rig, "workspace", quota_user_turns=1)
    day = datetime.now(UTC).date() - timedelta(days=days)
    asker = {"team_id": TEAM, "channel_id": PUBLIC, "user_id": ANN, "app": "default"}
    async with Storage(rig.database_url) as storage:
        await storage.usage.admit(LONG_AGO, **asker, limits=(), day=day)
    async with rig.bot():
        shown = await told(rig, "hello")
        again = await told(rig, "hello", channel=PRIVATE)
    assert shown.startswith("hello") is (days == 1)
    assert spent(again)
    assert len(rig.asked()) == days


async def test_a_turn_that_survives_its_process_is_counted_once(
    any_rig: Rig, tmp_path: Path
) -> None:
    rig = any_rig
    await store(rig, "workspace", quota_user_turns=1)
    rig.dashscope.manner = replace(rig.dashscope.manner, pace=SPOKEN)
    begun = when_words_show(rig, lambda _message: None)
    async with BotProcess("run", environment=environment_of(rig), folder=tmp_path) as first:
        await until_taken(rig, first)
        thread = await rig.ask(ANSWER)
        await rig.slack.until(lambda: begun, timeout_s=WITHIN_S)
        first.kill()
        await first.ended()
    assert await turns_counted(rig) == 1
    async with BotProcess("run", environment=environment_of(rig), folder=tmp_path) as second:
        await until_taken(rig, second)
        await second.logged("turn.finished")
        refused = await rig.ask("one more", channel=PRIVATE)
        await rig.slack.until(
            lambda: any(SPENT.search(words([m])) for m in rig.reply(refused, channel=PRIVATE)),
            timeout_s=WITHIN_S,
        )
    (message,) = rig.reply(thread)
    assert words([message]).startswith(ANSWER)
    assert not is_growing(message)
    assert len(rig.asked()) == 2  # the second time by the second process
    assert await turns_counted(rig) == 1
