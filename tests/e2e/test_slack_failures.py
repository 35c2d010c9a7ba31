"""Whatever a call of Slack's does, no text is lost and none is shown twice."""

from dataclasses import replace
from pathlib import Path

import pytest
from midway import ANSWER, SPOKEN, markdown_of, when_words_show
from rig import ANN, APP_ID, BOT, PUBLIC, WITHIN_S, Rig, a_rig, is_growing, words

from bot.core import texts
from bot.playground.dashscope.apps import echo_app
from bot.playground.slack.faults import Fault, FaultKind
from bot.playground.slack.limits import Limits, Rate
from bot.playground.slack.message import Message


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """What the bot stores in."""
    return request.param


POST, EDIT, LOOK = "chat.postMessage", "chat.update", "conversations.replies"
WHO = "users.info"
EFFECTLESS = {
    "429": Fault(POST, FaultKind.RATE_LIMITED),
    "500": Fault(POST, FaultKind.STATUS, status=500),
    "503": Fault(POST, FaultKind.STATUS, status=503),
    "internal_error": Fault(POST, FaultKind.ERROR, error="internal_error"),
    "HTML under 502": Fault(POST, FaultKind.HTML, status=502),
    "HTML under 200": Fault(POST, FaultKind.HTML, status=200),
    "reset": Fault(POST, FaultKind.RESET_BEFORE),
}


def talk(rig: Rig) -> None:
    """Let answers come slowly enough to be seen growing."""
    rig.dashscope.manner = replace(rig.dashscope.manner, pace=SPOKEN)


async def only_reply(rig: Rig, question: str) -> Message:
    """Ask, wait for the end, and return the only message of the bot in the thread."""
    thread = await rig.ask(question)
    await rig.finished()
    (message,) = rig.reply(thread)
    return message


@pytest.mark.parametrize("fault", EFFECTLESS.values(), ids=EFFECTLESS)
async def test_an_edit_that_fails_is_made_again(rig: Rig, fault: Fault) -> None:
    talk(rig)
    rig.slack.faults.add(replace(fault, method=EDIT))
    async with rig.bot():
        message = await only_reply(rig, ANSWER)
    assert any(call.outcome != "ok" for call in rig.slack.journal.of(EDIT))
    assert words([message]) == ANSWER
    assert not is_growing(message)


async def test_an_edit_whose_answer_got_lost_changes_nothing_for_the_reader(rig: Rig) -> None:
    talk(rig)
    rig.slack.faults.add(Fault(EDIT, FaultKind.RESET_AFTER, times=2))
    async with rig.bot():
        message = await only_reply(rig, ANSWER)
    assert rig.slack.journal.count(EDIT, FaultKind.RESET_AFTER.value) == 2
    assert words([message]) == ANSWER
    assert not is_growing(message)


@pytest.mark.slow
async def test_an_edit_that_is_never_answered_is_made_again(rig: Rig) -> None:
    rig.slack.faults.add(Fault(EDIT, FaultKind.HANG))
    async with rig.bot():
        thread = await rig.ask(ANSWER)
        await rig.finished(within_s=60)
    (message,) = rig.reply(thread)
    assert words([message]) == ANSWER
    assert not is_growing(message)


async def test_a_rate_limit_told_under_200_is_waited_out(tmp_path: Path) -> None:
    limits = Limits(is_ratelimited_under_200=True).with_rate(EDIT, Rate(per_min=60, burst=1))
    async with a_rig(tmp_path, echo_app(APP_ID), limits=limits) as rig:
        talk(rig)
        async with rig.bot():
            thread = await rig.ask(ANSWER)
            other = await rig.ask(ANSWER)
            await rig.finished(2)
    assert rig.slack.journal.count(EDIT, "ratelimited") > 0
    assert words(rig.reply(thread)) == words(rig.reply(other)) == ANSWER


@pytest.mark.parametrize("fault", EFFECTLESS.values(), ids=EFFECTLESS)
async def test_a_post_that_fails_is_made_again(rig: Rig, fault: Fault) -> None:
    rig.slack.faults.add(fault)
    async with rig.bot():
        message = await only_reply(rig, ANSWER)
    assert words([message]) == ANSWER


async def test_a_post_whose_answer_got_lost_is_found_again_and_not_doubled(rig: Rig) -> None:
    rig.slack.faults.add(Fault(POST, FaultKind.RESET_AFTER))
    async with rig.bot():
        message = await only_reply(rig, ANSWER)
    assert rig.slack.journal.count(POST) == 1
    assert words([message]) == ANSWER
    assert not is_growing(message)


async def test_a_lost_post_is_found_where_threads_may_be_read_once_a_minute(
    tmp_path: Path,
) -> None:
    limits = Limits(is_reading_scarce=True)
    async with a_rig(tmp_path, echo_app(APP_ID), limits=limits) as rig:
        rig.slack.faults.add(Fault(POST, FaultKind.RESET_AFTER))
        rig.slack.faults.add(Fault(LOOK, FaultKind.RATE_LIMITED))
        async with rig.bot():
            message = await only_reply(rig, ANSWER)
    assert rig.slack.journal.count(POST) == 1
    assert rig.slack.journal.count(LOOK, "ok") == 1
    assert words([message]) == ANSWER


async def test_a_reply_deleted_in_mid_answer_is_posted_anew_and_complete(rig: Rig) -> None:
    talk(rig)
    struck = when_words_show(rig, rig.slack.workspace.delete)
    async with rig.bot():
        message = await only_reply(rig, ANSWER)
    assert struck
    assert message.ts != struck[0].ts
    assert words([message]) == ANSWER
    assert not is_growing(message)


@pytest.mark.parametrize("code", ["edit_window_closed", "cant_update_message"])
async def test_a_reply_that_cannot_be_edited_any_more_is_posted_anew_and_complete(
    rig: Rig, code: str
) -> None:
    talk(rig)
    rig.slack.faults.add(Fault(EDIT, FaultKind.ERROR, error=code, after=1))
    async with rig.bot():
        message = await only_reply(rig, ANSWER)
    assert rig.slack.journal.count(EDIT, code) == 1
    assert words([message]) == ANSWER
    assert not is_growing(message)


@pytest.mark.parametrize("loss", ["archived", "removed"])
async def test_an_answer_whose_channel_closes_goes_to_the_askers_direct_messages(
    rig: Rig, loss: str
) -> None:
    talk(rig)
    workspace = rig.slack.workspace

    def close(_message: Message) -> None:
        if loss == "archived":
            workspace.archive(PUBLIC)
        else:
            workspace.leave(PUBLIC, BOT)

    struck = when_words_show(rig, close)
    async with rig.bot():
        await rig.ask(ANSWER)
        await rig.finished()
    assert struck
    (message,) = workspace.messages(workspace.dm(ANN, BOT).channel_id)
    assert markdown_of(message) == ANSWER
    assert texts.MOVED.en in words([message])
    assert not is_growing(message)


async def test_pages_shrink_until_slack_takes_them_and_hold_all_the_text(tmp_path: Path) -> None:
    limits = Limits(block_text_max=3_000, is_block_text_in_bytes=True)
    answer = "".join(f"第{number}句话，必须留下。" for number in range(180))
    async with a_rig(tmp_path, echo_app(APP_ID), limits=limits) as rig, rig.bot():
        thread = await rig.ask(answer)
        await rig.finished()
    pages = [markdown_of(message) for message in rig.reply(thread)]
    assert rig.slack.journal.count(POST, "msg_blocks_too_long") + rig.slack.journal.count(
        EDIT, "msg_blocks_too_long"
    )
    assert "".join(pages) == answer
    assert max(len(page.encode()) for page in pages) <= 3_000


async def test_what_slack_will_never_take_ends_the_turn_and_not_the_thread(rig: Rig) -> None:
    for method in (POST, EDIT):
        rig.slack.faults.add(Fault(method, FaultKind.ERROR, error="invalid_blocks", times=None))
    async with rig.bot() as bot:
        thread = await rig.ask("never shown")
        await rig.finished()
        rig.slack.faults.clear()
        await rig.ask("shown", thread_ts=thread)
        await rig.finished(2)
    assert 'turns_total{outcome="undelivered"} 1.0' in bot.metrics.text().decode()
    assert [entry.body["input"]["prompt"] for entry in rig.asked()] == ["never shown", "shown"]
    assert words(rig.reply(thread)) == "shown"


async def test_an_answer_slack_will_never_take_is_replaced_by_one_plain_sentence(rig: Rig) -> None:
    rig.slack.faults.add(Fault(EDIT, FaultKind.ERROR, error="invalid_blocks", after=0, times=2))
    async with rig.bot():
        message = await only_reply(rig, ANSWER)
    assert words([message]).startswith("I could not answer this message")
    assert not is_growing(message)
    assert len(rig.asked()) == 1


async def test_an_answer_waits_for_a_token_that_was_revoked(rig: Rig) -> None:
    async with rig.bot():
        rig.slack.faults.add(Fault("*", FaultKind.ERROR, error="token_revoked", times=None))
        thread = await rig.ask(ANSWER)
        await rig.slack.until(
            lambda: rig.slack.journal.count(WHO, "token_revoked") >= 2, timeout_s=WITHIN_S
        )
        rig.slack.faults.clear()
        await rig.finished()
    assert words(rig.reply(thread)) == ANSWER
    assert len(rig.asked()) == 1
