"""What a question knows of its thread: what came late, what people said, what other apps posted."""

from pathlib import Path

import pytest
from conversations import ASK, Clock, recall, recite, sent_session, servers, shown, talk
from desk import HERE
from given import UNLIMITED, input_of, store
from rig import ANN, BEN, BOT, PUBLIC, WITHIN_S, Rig

from bot.core import texts
from bot.core.history import ASSISTANT, USER
from bot.core.recap import RECAP_MESSAGES
from bot.playground.dashscope.answers import Inquiry, Said
from bot.playground.dashscope.faults import SlowStart
from bot.playground.slack.directory import User
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import Draft
from bot.playground.slack.payload import Json

PAGER = "U0PAGER"
THREAD_LENGTH = 3_100
"""More than a few of Slack's pages hold."""


def prompts(rig: Rig) -> list[str]:
    return [input_of(entry)["prompt"] for entry in rig.asked()]


def heard_last(rig: Rig) -> list[tuple[str, str]]:
    """Return what the last request brought along of its thread, and the question."""
    return [(each["role"], each["content"]) for each in input_of(rig.asked()[-1])["messages"]]


async def asked_once(rig: Rig) -> None:
    await rig.dashscope.until(lambda entries: len(entries) == 1, timeout_s=WITHIN_S)


def echo(inquiry: Inquiry) -> Said:
    """Say what is asked again, at length when it is long."""
    return Said(f"On {inquiry.prompt}")


async def test_an_answer_that_comes_after_the_next_question_is_known_to_that(
    tmp_path: Path,
) -> None:
    async with servers(tmp_path, echo, limits=UNLIMITED) as rig:
        await store(rig, HERE, history="messages")
        rig.changes["turns_at_once"] = 1
        rig.dashscope.faults.add(SlowStart(1.0))
        async with rig.bot():
            await rig.ask("busy elsewhere")
            await asked_once(rig)
            thread = await rig.ask("one")
            await rig.ask("two", thread_ts=thread)
            await rig.finished(3)
        assert heard_last(rig) == [(USER, "one"), (ASSISTANT, "On one"), (USER, "two")]


async def test_a_long_answer_that_grows_past_the_next_question_is_known_whole(
    tmp_path: Path,
) -> None:
    async with servers(tmp_path, echo, limits=UNLIMITED) as rig:
        await store(rig, HERE, history="messages")
        rig.dashscope.faults.add(SlowStart(1.0))
        async with rig.bot():
            thread = await rig.ask(f"begin {'x' * 30_000} end")
            await asked_once(rig)
            await rig.ask("two", thread_ts=thread)
            await rig.finished(2)
        _, (role, answer), question = heard_last(rig)
    assert (role, question) == (ASSISTANT, (USER, "two"))
    assert answer.startswith("On begin xx")
    assert answer.endswith("xx end")


async def test_what_people_say_between_two_questions_is_told_to_the_session(
    tmp_path: Path,
) -> None:
    async with servers(tmp_path, recall) as rig:
        async with rig.bot():
            thread = await talk(rig, "hello")
            await rig.slack.say(BEN, PUBLIC, "my word is teal", thread_ts=thread)
            await talk(rig, "what is Ben's word?", "and what was it?", thread=thread, turns=1)
        first, second, third = rig.asked()
        assert shown(rig, thread)[1:] == ["It is teal.", "It is teal."]
        _, told, after = prompts(rig)
    assert sent_session(second) == sent_session(third) == first.session_id
    assert "> @Ben B.: my word is teal\n" in told
    assert told.endswith("from @Ann A.:\nwhat is Ben's word?")
    assert "hello" not in told
    assert after == "and what was it?"


async def test_a_session_that_several_people_share_knows_who_speaks(tmp_path: Path) -> None:
    async with servers(tmp_path, recite) as rig:
        async with rig.bot():
            thread = await rig.ask("I earn 5000")
            await rig.finished(1)
            for number, user in enumerate((BEN, BEN, ANN), 2):
                await rig.ask("what do I earn?", thread_ts=thread, user=user)
                await rig.finished(number)
        assert prompts(rig) == [
            "I earn 5000",
            "From @Ben B.:\nwhat do I earn?",
            "what do I earn?",
            "From @Ann A.:\nwhat do I earn?",
        ]


@pytest.mark.parametrize("follow", ["mention", "thread"])
async def test_direct_messages_and_followed_threads_are_not_read_while_their_session_is_good(
    tmp_path: Path, follow: str
) -> None:
    async with servers(tmp_path, recite, limits=UNLIMITED) as rig:
        await store(rig, "workspace", follow=follow)
        channel = PUBLIC if follow == "thread" else rig.slack.workspace.dm(ANN, BOT).channel_id
        async with rig.bot():
            thread = await rig.ask("one", channel=channel)
            await rig.finished(1)
            await rig.slack.say(ANN, channel, "two", thread_ts=thread)
            await rig.finished(2)
        assert prompts(rig) == ["one", "two"]
        assert not any(call.method == "conversations.replies" for call in rig.slack.journal.calls)


def alert(text: str) -> Draft:
    block: Json = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    return Draft(user=PAGER, text="", blocks=(block,), subtype="bot_message")


async def test_an_alert_of_another_app_is_what_its_thread_is_about(tmp_path: Path) -> None:
    async with servers(tmp_path, recite) as rig:
        rig.slack.workspace.add_user(User(PAGER, name="pager", is_bot=True))
        root = rig.slack.workspace.post(PUBLIC, alert("disk full on db-7"))
        async with rig.bot():
            await talk(rig, "what does this mean?", thread=root.ts)
        (prompt,) = prompts(rig)
    assert "disk full on db-7" in prompt


async def a_thread_of(rig: Rig, count: int) -> str:
    """Let people have said so much; return the thread."""
    root = await rig.slack.say(BEN, PUBLIC, "number 0")
    for number in range(1, count):
        draft = Draft(user=BEN, text=f"number {number}", thread_ts=root)
        rig.slack.workspace.post(PUBLIC, draft)
    return root


@pytest.mark.parametrize("history", ["session", "messages"])
async def test_of_a_very_long_thread_what_was_said_last_is_told(
    tmp_path: Path, history: str
) -> None:
    async with servers(tmp_path, recite, limits=UNLIMITED) as rig:
        await store(rig, HERE, history=history)
        thread = await a_thread_of(rig, THREAD_LENGTH)
        async with rig.bot():
            await talk(rig, "so?", thread=thread)
        (answer,) = shown(rig, thread)
        body = str(input_of(rig.asked()[0]))
    assert all(f"number {THREAD_LENGTH - back}" in body for back in range(1, RECAP_MESSAGES))
    assert texts.PART_OF_HISTORY.en not in answer


@pytest.mark.parametrize(("count", "is_part"), [(11, False), (17, True)])
async def test_where_reading_is_scarce_what_can_be_read_is_told_and_what_is_missing_said(
    tmp_path: Path, count: int, *, is_part: bool
) -> None:
    async with servers(tmp_path, recite, limits=Limits(is_reading_scarce=True)) as rig:
        thread = await a_thread_of(rig, count)
        async with rig.bot():
            await talk(rig, ASK, thread=thread)
        (answer,) = shown(rig, thread)
        (prompt,) = prompts(rig)
    assert "number 10" in prompt
    assert (texts.PART_OF_HISTORY.en in answer) == is_part


async def test_where_reading_is_scarce_a_session_goes_on_without_what_people_said(
    tmp_path: Path,
) -> None:
    limits = Limits(is_reading_scarce=True)
    async with servers(tmp_path, recall, limits=limits, clock=Clock()) as rig:
        async with rig.bot():
            thread = await talk(rig, "my word is heliotrope", ASK)
            await rig.slack.say(BEN, PUBLIC, "it is raining", thread_ts=thread)
            await talk(rig, ASK, thread=thread, turns=2)
        assert shown(rig, thread)[1:] == ["It is heliotrope."] * 2
