"""A thread whose session is gone goes on all the same: it tells a new one what was said before."""

from collections.abc import Callable
from pathlib import Path

import pytest
from bot_process import BotProcess, environment_of, until_taken
from conversations import (
    ASK,
    HOUR_S,
    KNOWS,
    KNOWS_NOTHING,
    MINUTE_MS,
    TELL,
    Clock,
    alter_conversation,
    noted,
    recall,
    recite,
    sent_session,
    servers,
    shown,
    talk,
)
from logbook import logged
from midway import SPOKEN, when_words_show
from rig import ANN, BEN, BOT, PRIVATE, PUBLIC, WITHIN_S, Rig, is_growing, words

from bot.core import texts
from bot.core.question import AppKind
from bot.core.recap import RECAP_CHARS, RECAP_MESSAGES
from bot.playground.dashscope.answers import Inquiry, Said
from bot.playground.dashscope.refusals import LOST_SESSION
from bot.playground.slack.faults import Fault, FaultKind
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import Draft, Message
from storage.database import Storage

READ = "conversations.replies"
KINDS = pytest.mark.parametrize("kind", [AppKind.AGENT, AppKind.DIALOG_WORKFLOW])


def prompts(rig: Rig) -> list[str]:
    return [entry.body["input"]["prompt"] for entry in rig.asked()]


@KINDS
@pytest.mark.parametrize(
    "values",
    [
        {"last_used_at_ms": f"last_used_at_ms - {55 * MINUTE_MS}"},
        {"rounds": "45"},
        {"app_key": "'another app'"},
    ],
    ids=["idle for 55 minutes", "45 rounds", "another app"],
)
async def test_a_session_known_to_be_over_is_not_sent_and_the_next_one_knows_the_thread(
    tmp_path: Path, kind: AppKind, values: dict[str, str]
) -> None:
    async with servers(tmp_path, recall, kind=kind) as rig:
        async with rig.bot():
            thread = await talk(rig, TELL)
            alter_conversation(rig, **values)
            await talk(rig, ASK, ASK, thread=thread, turns=1)
        first, second, third = rig.asked()
        assert shown(rig, thread) == [KNOWS, noted(KNOWS), KNOWS]
    assert sent_session(second) is None
    assert sent_session(third) == second.session_id != first.session_id
    assert third.body["input"]["prompt"] == ASK


@pytest.mark.parametrize(
    "values",
    [{"last_used_at_ms": f"last_used_at_ms - {54 * MINUTE_MS}"}, {"rounds": "44"}],
    ids=["idle for 54 minutes", "44 rounds"],
)
async def test_a_session_that_is_still_good_is_sent_and_told_nothing_it_knows(
    tmp_path: Path, values: dict[str, str]
) -> None:
    async with servers(tmp_path, recite) as rig:
        async with rig.bot():
            thread = await talk(rig, "one")
            alter_conversation(rig, **values)
            await talk(rig, "two", thread=thread, turns=1)
        first, second = rig.asked()
        assert shown(rig, thread) == ["one", "one two"]
        assert prompts(rig) == ["one", "two"]
    assert sent_session(second) == first.session_id


async def test_a_thread_outlives_the_rounds_of_its_session(tmp_path: Path) -> None:
    async with servers(tmp_path, recall) as rig:
        async with rig.bot():
            thread = await talk(rig, TELL)
            alter_conversation(rig, rounds="43")
            await talk(rig, ASK, ASK, ASK, thread=thread, turns=1)
        first, *good, last = rig.asked()
        assert shown(rig, thread) == [KNOWS, KNOWS, KNOWS, noted(KNOWS)]
    assert [sent_session(entry) for entry in good] == [first.session_id] * 2
    assert sent_session(last) is None


async def test_who_is_mentioned_late_knows_what_people_said_and_who_said_it(
    tmp_path: Path,
) -> None:
    async with servers(tmp_path, recall) as rig:
        async with rig.bot():
            thread = await rig.slack.say(ANN, PUBLIC, "the deploy failed & burnt")
            await rig.slack.say(BEN, PUBLIC, f"<@{ANN}> my word is teal", thread_ts=thread)
            await talk(rig, "summarise", thread=thread)
        assert shown(rig, thread) == ["It is teal."]
        (prompt,) = prompts(rig)
    assert "> @Ann A.: the deploy failed & burnt\n> @Ben B.: @Ann A. my word is teal\n" in prompt
    assert prompt.endswith("from @Ann A.:\nsummarise")


async def test_nothing_of_another_thread_or_channel_is_ever_told(tmp_path: Path) -> None:
    async with servers(tmp_path, recite) as rig:
        async with rig.bot():
            thread = await rig.slack.say(ANN, PUBLIC, "ours")
            other = await rig.slack.say(BEN, PUBLIC, "canary-root")
            await rig.slack.say(BEN, PUBLIC, "canary-reply", thread_ts=other)
            elsewhere = await rig.slack.say(BEN, PRIVATE, "canary-channel")
            await rig.slack.say(BEN, PRIVATE, "canary-private", thread_ts=elsewhere)
            await talk(rig, "canary-question", thread=other)
            await talk(rig, "what was said?", thread=thread, turns=1)
            await rig.slack.say(BEN, PUBLIC, "canary-later", thread_ts=thread)
        _, asked = prompts(rig)
    assert "ours" in asked
    assert "canary" not in asked


async def test_a_long_thread_is_told_in_part_the_newest_messages(tmp_path: Path) -> None:
    async with servers(tmp_path, recite) as rig:
        thread = rig.slack.workspace.post(PUBLIC, Draft(ANN, text="number 0")).ts
        for number in range(1, 60):
            draft = Draft(BEN, text=f"number {number}", thread_ts=thread)
            rig.slack.workspace.post(PUBLIC, draft)
        async with rig.bot():
            await talk(rig, "so?", thread=thread)
        (prompt,) = prompts(rig)
    told = [line for line in prompt.splitlines() if line.startswith("> @Ben")]
    assert told == [f"> @Ben B.: number {number}" for number in range(40, 60)]
    assert len(told) == RECAP_MESSAGES
    assert len(prompt) < RECAP_CHARS


@pytest.mark.parametrize(
    ("trouble", "given_up_for"),
    [
        (Fault(READ, FaultKind.RATE_LIMITED, retry_after_s=600), "SlackThrottled"),
        (Fault(READ, FaultKind.ERROR, error="missing_scope"), "SlackTokenRefused"),
        (Fault(READ, FaultKind.SLOW, delay_s=600.0), "TimeoutError"),
    ],
    ids=["throttled", "no scope", "slow"],
)
async def test_a_thread_that_cannot_be_read_in_time_is_answered_without_it_and_says_so(
    tmp_path: Path, trouble: Fault, given_up_for: str
) -> None:
    """What Slack refuses is given up for its refusal, at once, and not when time is up."""
    async with servers(tmp_path, recall) as rig:
        rig.slack.faults.add(trouble)
        with logged() as log:
            async with rig.bot():
                thread = await rig.slack.say(ANN, PUBLIC, TELL)
                await talk(rig, ASK, thread=thread)
        assert shown(rig, thread) == [noted(KNOWS_NOTHING, texts.NO_HISTORY)]
        assert prompts(rig) == [ASK]
    assert [line["error"] for line in log.of("history.not_read")] == [given_up_for]


async def test_where_reading_is_scarce_only_what_cannot_be_read_is_missing(tmp_path: Path) -> None:
    async with servers(tmp_path, recall, limits=Limits(is_reading_scarce=True)) as rig:
        with logged() as log:
            async with rig.bot():
                threads = [await rig.slack.say(ANN, PUBLIC, TELL) for _ in range(3)]
                for number, thread in enumerate(threads):
                    await talk(rig, ASK, thread=thread, turns=number)
        answers = [shown(rig, thread) for thread in threads]
    missing = [noted(KNOWS_NOTHING, texts.NO_HISTORY)]
    assert answers == [[KNOWS], missing, missing]
    assert [line["error"] for line in log.of("history.not_read")] == ["SlackThrottled"] * 2


async def test_an_ended_session_whose_thread_cannot_be_read_says_that_it_is_forgotten(
    tmp_path: Path,
) -> None:
    async with servers(tmp_path, recall) as rig:
        async with rig.bot():
            thread = await talk(rig, TELL)
            alter_conversation(rig, rounds="50")
            rig.slack.faults.add(Fault(READ, FaultKind.ERROR, error="missing_scope"))
            await talk(rig, ASK, thread=thread, turns=1)
        _, second = shown(rig, thread)
    assert second == f"{KNOWS_NOTHING}\n{texts.FORGOTTEN.en} {texts.NO_HISTORY.en}"


async def test_a_thread_that_starts_afresh_never_hears_again_of_what_was_before(
    tmp_path: Path,
) -> None:
    async with servers(tmp_path, recall) as rig:
        async with rig.bot():
            thread = await talk(rig, TELL)
        async with Storage(rig.database_url) as storage:
            await storage.conversations.forget("T0PLAY", PUBLIC, thread)
        async with rig.bot():
            await talk(rig, ASK, "my word is teal", thread=thread, turns=1)
            alter_conversation(rig, rounds="50")
            await talk(rig, ASK, thread=thread, turns=3)
        answers = shown(rig, thread)
        assert not any("heliotrope" in prompt for prompt in prompts(rig)[1:])
    assert answers == [KNOWS, KNOWS_NOTHING, "It is teal.", noted("It is teal.")]


def at_length(inquiry: Inquiry) -> Said:
    """Recall, and go on for a while."""
    return Said(f"{recall(inquiry).text} {'And so on. ' * 40}".strip())


async def test_a_process_killed_in_the_middle_of_a_recap_is_made_good_by_the_next_one(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with servers(tmp_path, at_length, clock=clock, pace=SPOKEN) as rig:
        rig.dashscope.gateway.lost_sessions = LOST_SESSION
        async with BotProcess("run", environment=environment_of(rig), folder=tmp_path) as bot:
            await until_taken(rig, bot)
            thread = await rig.ask(TELL)
            await bot.logged("turn.finished")
            clock.now_s += HOUR_S
            when_words_show(rig, lambda _message: bot.kill())
            await rig.ask(ASK, thread_ts=thread)
            await bot.ended()
        async with BotProcess("run", environment=environment_of(rig), folder=tmp_path) as bot:
            await until_taken(rig, bot)
            await rig.slack.until(is_over(rig, thread, replies=2), timeout_s=WITHIN_S)
            await bot.logged("turn.finished")
        _, second = rig.reply(thread)
        *_, last = rig.asked()
    assert words([second]).startswith(KNOWS)
    assert words([second]).endswith(texts.NEW_SESSION.en)
    assert sent_session(last) is None


def is_over(rig: Rig, thread: str, *, replies: int) -> Callable[[], bool | None]:
    """Return what tells that a thread has so many replies and none of them grows."""

    def is_it() -> bool | None:
        messages: tuple[Message, ...] = rig.reply(thread)
        return (len(messages) == replies and not any(map(is_growing, messages))) or None

    return is_it


async def test_the_bots_notes_and_its_waiting_lines_are_no_part_of_a_recap(tmp_path: Path) -> None:
    async with servers(tmp_path, recite) as rig:
        async with rig.bot():
            thread = await talk(rig, "one")
            alter_conversation(rig, rounds="50")
            await talk(rig, "two", thread=thread, turns=1)
            alter_conversation(rig, rounds="50")
            await talk(rig, "three", thread=thread, turns=2)
        *_, prompt = prompts(rig)
    assert texts.NEW_SESSION.en not in prompt
    assert f"<@{BOT}>" not in prompt
