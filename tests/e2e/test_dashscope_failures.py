"""However DashScope fails, the reader gets one plain sentence and the operator a useful line."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from logbook import logged
from midway import ANSWER, hold_until_words_show
from rig import APP_ID, PUBLIC, WITHIN_S, Rig, a_rig, is_growing, turn_of, words

from bot.core import texts
from bot.core.language import Language
from bot.errors import (
    AccountProblem,
    ContentBlocked,
    DashScopeError,
    Misconfigured,
    RequestRefused,
    Throttled,
    UpstreamFailed,
    UpstreamGarbled,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from bot.playground.dashscope.answers import echo
from bot.playground.dashscope.apps import App
from bot.playground.dashscope.captures import JSON, SSE, Capture
from bot.playground.dashscope.faults import (
    Cut,
    ErrorEvent,
    Fault,
    Hangup,
    Reset,
    SlowStart,
    Stall,
)
from bot.playground.dashscope.refusals import NAMED, Refusal, Shape
from bot.playground.slack.directory import Channel, ChannelKind

VENDOR_WORDS = "cerulean wording of the vendor"
CODE = "InvalidParameter.Vermilion"
REFUSED = Refusal(400, CODE, VENDOR_WORDS)

FINAL: dict[str, DashScopeError] = {
    "arrears": AccountProblem(),
    "overdue": AccountProblem(),
    "free-quota": AccountProblem(),
    "inspection": ContentBlocked(),
    "key": Misconfigured(),
    "denied": Misconfigured(),
    "unpublished": Misconfigured(),
    "parameter": RequestRefused(),
    "timeout": UpstreamTimeout(),
}
"""Refusals that no second question would change."""
RETRIED: dict[str, tuple[int, DashScopeError]] = {
    "throttling": (4, Throttled()),
    "unavailable": (4, UpstreamFailed()),
    "empty": (4, UpstreamFailed()),
    "server": (2, UpstreamFailed()),
    "node": (2, UpstreamFailed()),
    "gateway": (2, UpstreamFailed()),
}
"""How often a question is asked in all before each of these is told to the reader."""
BROKEN_OFF: dict[str, Cut | Reset] = {
    "a stream that ends properly": Cut(0),
    "a connection that closes": Cut(0, clean=False),
    "a reset": Reset(0),
}
"""What becomes of an answer after words of it were shown."""
ERRORS_IN_THE_MIDDLE = {
    name: NAMED[name] for name in ("throttling", "server", "node", "arrears", "timeout")
}
NO_FIRST_EVENT: dict[str, tuple[Fault, DashScopeError]] = {
    "an error as the first event": (ErrorEvent(REFUSED), RequestRefused()),
    "an empty stream": (Cut(0), UpstreamUnreachable()),
    "a connection closed after the status": (Cut(0, clean=False), UpstreamUnreachable()),
    "a reset after the status": (Reset(0), UpstreamUnreachable()),
    "no stream but a page": (
        Capture(b"<html><body>Sign in</body></html>", "text/html"),
        UpstreamGarbled(),
    ),
    "JSON without an answer": (Capture(b'{"request_id":"r"}', JSON), UpstreamGarbled()),
    "an event stream of noise": (Capture(b"data: noise\n\n" * 5, SSE), UpstreamGarbled()),
}


@pytest.fixture
async def obedient(tmp_path: Path) -> AsyncIterator[Rig]:
    """Servers whose app repeats the prompt, and has a bad day when the prompt says so."""
    async with a_rig(tmp_path, App(APP_ID, answers=echo, obeys_keywords=True)) as rig:
        yield rig


def ever_sent(rig: Rig) -> str:
    """Return everything Slack was ever told."""
    return json.dumps([call.arguments for call in rig.slack.journal.calls], ensure_ascii=False)


def is_silent_about(rig: Rig, refusal: Refusal) -> bool:
    """Tell whether no message ever held a part of what the vendor wrote."""
    told = [refusal.message, refusal.code, *(entry.request_id for entry in rig.asked())]
    sent = ever_sent(rig)
    return not any(part and part in sent for part in told)


@pytest.mark.parametrize("shape", Shape)
async def test_an_error_of_any_shape_is_one_sentence_with_an_id(rig: Rig, shape: Shape) -> None:
    refusal = replace(REFUSED, shape=shape)
    rig.dashscope.faults.add(refusal)
    async with rig.bot():
        shown = await rig.answer("question")
    assert shown == texts.failure(RequestRefused(), turn_id=1, language=Language.EN)
    assert shown.endswith("(id T1)")
    assert is_silent_about(rig, refusal)
    assert len(rig.asked()) == 1


@pytest.mark.parametrize("name", FINAL)
async def test_what_cannot_get_better_is_not_asked_again(rig: Rig, name: str) -> None:
    rig.dashscope.faults.add(NAMED[name], times=None)
    async with rig.bot():
        shown = await rig.answer("question")
    assert shown == texts.failure(FINAL[name], turn_id=1, language=Language.EN)
    assert is_silent_about(rig, NAMED[name])
    assert len(rig.asked()) == 1


async def test_what_may_get_better_is_asked_again_a_bounded_number_of_times(obedient: Rig) -> None:
    threads: dict[str, tuple[str, str]] = {}
    async with obedient.bot():
        for name in RETRIED:  # each in a channel of its own: posts in one channel are scarce
            channel = Channel(
                f"C0{name.upper()}",
                name=name,
                kind=ChannelKind.PUBLIC,
                members=frozenset({"U0BOT"}),
            )
            everybody = obedient.slack.workspace.channels[PUBLIC].members
            obedient.slack.workspace.add_channel(replace(channel, members=everybody))
            thread = await obedient.ask(f"!error {name}", channel=channel.channel_id)
            threads[name] = (channel.channel_id, thread)
        await obedient.finished(len(RETRIED))
    for name, (times, kind) in RETRIED.items():
        channel_id, thread = threads[name]
        (message,) = obedient.reply(thread, channel=channel_id)
        assert words([message]).startswith(
            texts.failure(kind, turn_id=0, language=Language.EN).partition(" (id")[0]
        )
        prompts = [entry.body["input"]["prompt"] for entry in obedient.asked()]
        assert prompts.count(f"!error {name}") == times


@pytest.mark.parametrize("fault", [*map(NAMED.get, RETRIED), Hangup()], ids=[*RETRIED, "hangup"])
async def test_a_refusal_that_passes_is_never_seen(rig: Rig, fault: Fault) -> None:
    rig.dashscope.faults.add(fault)
    async with rig.bot():
        assert await rig.answer("question") == "question"
    assert len(rig.asked()) == 2


async def test_a_connection_that_is_hung_up_on_is_tried_once_more(rig: Rig) -> None:
    rig.dashscope.faults.add(Hangup(), times=None)
    async with rig.bot():
        shown = await rig.answer("question")
    assert shown == texts.failure(UpstreamUnreachable(), turn_id=1, language=Language.EN)
    assert len(rig.asked()) == 2


async def test_nobody_asks_before_the_gateways_retry_after_has_passed(rig: Rig) -> None:
    rig.dashscope.faults.add(replace(NAMED["throttling"], retry_after_s=2))
    async with rig.bot():
        assert await rig.answer("question") == "question"
    first, second = rig.asked()
    assert second.at - first.at >= 2


@pytest.mark.parametrize(("fault", "error"), NO_FIRST_EVENT.values(), ids=NO_FIRST_EVENT)
async def test_a_stream_that_brings_nothing_is_one_sentence(
    rig: Rig, fault: Fault, error: DashScopeError
) -> None:
    rig.dashscope.faults.add(fault, times=None)
    async with rig.bot():
        shown = await rig.answer("question")
    assert shown == texts.failure(error, turn_id=1, language=Language.EN)
    assert is_silent_about(rig, REFUSED)
    assert len(rig.asked()) == 1


@pytest.mark.parametrize("fault", BROKEN_OFF.values(), ids=BROKEN_OFF)
async def test_a_cut_answer_stays_marked_and_is_not_asked_again(
    rig: Rig, fault: Cut | Reset
) -> None:
    hold_until_words_show(rig, then=fault)
    async with rig.bot():
        thread = await rig.ask(ANSWER)
        await rig.finished()
    (message,) = rig.reply(thread)
    text, note = words([message]).split("\n")
    assert text
    assert ANSWER.startswith(text)
    assert note == texts.cut(turn_id=1, language=Language.EN)
    assert not is_growing(message)
    assert len(rig.asked()) == 1


@pytest.mark.parametrize("refusal", ERRORS_IN_THE_MIDDLE.values(), ids=ERRORS_IN_THE_MIDDLE)
async def test_text_before_an_error_stays_with_a_plain_note(rig: Rig, refusal: Refusal) -> None:
    rig.dashscope.faults.add(ErrorEvent(refusal, after_events=5))
    async with rig.bot():
        shown = await rig.answer(ANSWER)
    text, note = shown.split("\n")
    assert text == ANSWER[:60]
    assert note.startswith("The answer was cut off here. ")
    assert note.endswith("(id T1)")
    assert is_silent_about(rig, refusal)
    assert len(rig.asked()) == 1


async def test_text_that_content_safety_objects_to_is_taken_back(rig: Rig) -> None:
    hold_until_words_show(rig, then=ErrorEvent(NAMED["inspection"]))
    async with rig.bot():
        thread = await rig.ask(ANSWER)
        await rig.finished()
    assert "word0" in ever_sent(rig)  # readers had seen some of it
    (message,) = rig.reply(thread)
    assert words([message]) == texts.failure(ContentBlocked(), turn_id=1, language=Language.EN)
    assert "word0" not in message.text
    assert len(rig.asked()) == 1


async def test_an_answer_that_falls_silent_is_cut_where_it_stopped(rig: Rig) -> None:
    rig.changes = {"answer_timeout_s": 5.0}
    rig.dashscope.faults.add(Stall(after_events=5, for_s=600))
    async with rig.bot():
        shown = await rig.answer(ANSWER)
    assert shown == f"{ANSWER[:60]}\n{texts.cut(turn_id=1, language=Language.EN)}"
    (entry,) = rig.asked()
    assert entry.aborted  # nobody reads on


@pytest.mark.parametrize(
    "fault", [Stall(after_events=0, for_s=600), SlowStart(600)], ids=["stall", "slow start"]
)
async def test_an_answer_that_never_begins_is_given_up_in_time(rig: Rig, fault: Fault) -> None:
    rig.changes = {"answer_timeout_s": 3.0}
    rig.dashscope.faults.add(fault)
    async with rig.bot():
        shown = await rig.answer("question")
    assert shown == texts.failure(UpstreamTimeout(), turn_id=1, language=Language.EN)
    assert len(rig.asked()) == 1


async def test_the_log_has_code_and_request_id_of_a_failure(rig: Rig) -> None:
    rig.dashscope.faults.add(replace(REFUSED, status=403))
    rig.dashscope.faults.add(ErrorEvent(REFUSED, after_events=5))
    with logged() as logbook:
        async with rig.bot():
            first = await rig.ask(ANSWER)
            await rig.finished(1)
            second = await rig.ask(ANSWER)
            await rig.finished(2)
    failed = logbook.of("question.failed")
    assert [line["turn_id"] for line in failed] == [
        turn_of(message) for thread in (first, second) for message in rig.reply(thread)
    ]
    assert [line["request_id"] for line in failed] == [entry.request_id for entry in rig.asked()]
    assert {line["code"] for line in failed} == {CODE}
    assert [line["status"] for line in failed] == [403, 400]
    assert VENDOR_WORDS not in logbook.text
    assert [line["outcome"] for line in logbook.of("turn.finished")] == ["failed", "cut"]


async def test_a_question_that_is_being_asked_again_holds_nobody_else_up(obedient: Rig) -> None:
    obedient.changes = {"grace_s": 0.0}
    refused = replace(NAMED["throttling"], retry_after_s=20)  # asked again long after the test
    obedient.dashscope.faults.add(refused)
    async with obedient.bot():
        failing = await obedient.ask("question")
        await obedient.dashscope.until(lambda entries: len(entries) == 1, timeout_s=WITHIN_S)
        fine = await obedient.ask("fine")
        await obedient.finished(1)
        assert words(obedient.reply(fine)) == "fine"
        (message,) = obedient.reply(failing)
        assert is_growing(message)
