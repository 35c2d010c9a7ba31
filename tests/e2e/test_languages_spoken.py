"""The bot's own words are in the language of whoever asks, unless a language is set."""

from pathlib import Path

import pytest
from desk import GUS, LIN, a_desk
from given import UNLIMITED, register, several_apps, store, told
from midway import ANSWER, when_words_show
from rig import ANN, APP_ID, BEN, PRIVATE, PUBLIC, WITHIN_S, Rig, turn_of, words

from bot.core import texts
from bot.core.language import Language
from bot.errors import AccountProblem, DashScopeError, Misconfigured, RequestRefused
from bot.playground.dashscope.apps import echo_app
from bot.playground.dashscope.faults import Cut, Hold, SlowStart
from bot.playground.dashscope.refusals import NAMED
from bot.playground.slack.blocks import controls
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import Message

EN, ZH = Language.EN, Language.ZH
SPEAKERS = [
    (ANN, None, EN),
    (BEN, None, ZH),
    (ANN, "auto", EN),
    (BEN, "auto", ZH),
    (BEN, "en", EN),
    (ANN, "zh", ZH),
]
"""Who asks, which language is set, and which is spoken: Ann reads English, Ben Chinese."""


@pytest.fixture
def limits() -> Limits:
    """Nobody waits for Slack."""
    return UNLIMITED


@pytest.fixture
def rig(rig: Rig) -> Rig:
    """Servers of a workspace where Ben reads Chinese and Ann English."""
    rig.slack.workspace.change_user(BEN, locale="zh-CN")
    return rig


def labels(message: Message) -> list[str]:
    """Return what stands on the buttons under a message."""
    return [control.label for control in controls(message.blocks)]


async def first_seen(rig: Rig, thread: str, *, channel: str = PUBLIC) -> Message:
    """Wait for a reply and return it as it shows at first."""

    def posted() -> str | None:
        return next((message.ts for message in rig.reply(thread, channel=channel)), None)

    ts = await rig.slack.until(posted, timeout_s=WITHIN_S)
    first = rig.slack.workspace.versions_of(channel, ts)[0].message
    assert first is not None
    return first


@pytest.mark.parametrize(("person", "choice", "language"), SPEAKERS)
async def test_while_somebody_waits_they_read_their_language(
    any_rig: Rig, person: str, choice: str | None, language: Language
) -> None:
    hold = Hold()
    any_rig.dashscope.faults.add(hold)
    if choice is not None:
        await store(any_rig, f"channel:{PUBLIC}", language=choice)
    async with any_rig.bot():
        thread = await any_rig.ask("hello", user=person)
        placeholder = await first_seen(any_rig, thread)
        hold.released.set()
        await any_rig.finished()
    assert words([placeholder]) == texts.THINKING.say(language)
    assert labels(placeholder) == [texts.STOP.say(language)]
    assert words(any_rig.reply(thread)) == "hello"


async def test_people_who_ask_side_by_side_read_each_their_own(rig: Rig) -> None:
    hold = Hold()
    rig.dashscope.faults.add(hold, times=2)
    async with rig.bot():
        threads = [await rig.ask("hello", user=person) for person in (ANN, BEN)]
        shown = [words([await first_seen(rig, thread)]) for thread in threads]
        hold.released.set()
        await rig.finished(2)
    assert shown == [texts.THINKING.en, texts.THINKING.zh]


FAILURES: dict[str, DashScopeError] = {
    "arrears": AccountProblem(),
    "key": Misconfigured(),
    "parameter": RequestRefused(),
}


@pytest.mark.parametrize(("fault", "error"), FAILURES.items())
@pytest.mark.parametrize(("person", "choice", "language"), SPEAKERS)
async def test_a_failure_is_told_in_their_language(
    rig: Rig,
    fault: str,
    error: DashScopeError,
    person: str,
    choice: str | None,
    language: Language,
) -> None:
    rig.dashscope.faults.add(NAMED[fault])
    await store(rig, "workspace", language=choice or "auto")
    async with rig.bot():
        thread = await rig.ask("hello", user=person)
        await rig.finished()
    (message,) = rig.reply(thread)
    assert words([message]) == texts.failure(error, turn_id=turn_of(message), language=language)


async def test_what_stands_under_an_answer_is_in_their_language_too(rig: Rig) -> None:
    async with a_desk(rig) as desk:
        rig.dashscope.faults.add(Cut(1))
        thread = await rig.ask("a question", user=BEN)
        await rig.finished()
        (message,) = rig.reply(thread)
        assert texts.cut(turn_id=turn_of(message), language=ZH) in words([message])
        await desk.say("workspace quota user turns 2")
        shown = await told(rig, "again", user=BEN, channel=PRIVATE)
    answer, _, note = shown.partition("\n")
    assert answer == "again"
    assert note.startswith("您每天 2 个问题的额度：已用 2，剩余 0")


async def test_a_conversation_that_begins_anew_says_so_in_their_language(tmp_path: Path) -> None:
    async with several_apps(tmp_path, echo_app(APP_ID), echo_app("app-wide")) as many:
        many.slack.workspace.change_user(BEN, locale="zh-CN")
        async with a_desk(many) as desk:
            await register(desk, "wide", app_id="app-wide")
            thread = await many.ask("one", user=BEN)
            await many.finished()
            await desk.say("app wide")
            shown = await told(many, "two", user=BEN, thread_ts=thread)
    assert shown.endswith(f"\ntwo\n{texts.NEW_SESSION.zh}")


async def test_a_stopped_answer_says_so_in_their_language(rig: Rig) -> None:
    rig.dashscope.faults.add(Hold(after_events=5))
    begun = when_words_show(rig, lambda _message: None)
    async with rig.bot():
        thread = await rig.ask(ANSWER, user=BEN)
        seen = await rig.slack.until(lambda: begun, timeout_s=WITHIN_S)
        assert labels(seen[0]) == [texts.STOP.zh]
        await rig.slack.click(BEN, PUBLIC, seen[0].ts, "turn:stop")
        await rig.finished()
    assert words(rig.reply(thread)).endswith(f"\n{texts.STOPPED.zh}")


async def test_a_line_that_asks_for_patience_is_in_the_language_of_who_waits(rig: Rig) -> None:
    rig.dashscope.faults.add(SlowStart(60.0))
    line = texts.waiting(1, language=ZH)
    async with rig.bot():
        thread = await rig.ask("first")
        placeholder = await first_seen(rig, thread)
        await rig.ask("second", thread_ts=thread, user=BEN)
        await rig.slack.until(lambda: line in words(rig.reply(thread)), timeout_s=WITHIN_S)
        await rig.slack.click(ANN, PUBLIC, placeholder.ts, "turn:stop")
        await rig.finished(2)
    stopped, second = rig.reply(thread)
    assert words([stopped]) == texts.STOPPED.en
    assert words([second]).endswith("\nsecond")


@pytest.mark.parametrize(("choice", "language"), [("auto", ZH), ("en", EN)])
async def test_every_refusal_and_hint_is_in_the_language_of_the_place(
    rig: Rig, choice: str, language: Language
) -> None:
    async with a_desk(rig) as desk:
        rig.slack.workspace.change_user(GUS, locale="zh-TW")
        for typed in (f"workspace language {choice}", "follow thread", "quota user turns 1"):
            await desk.say(typed)
        say = [
            await told(rig, "may I?", user=GUS),
            await told(rig, "", user=BEN),
            await told(rig, "hello", user=BEN, channel=PRIVATE),
            await told(rig, "quiet", user=BEN),
            await told(rig, "hello", user=BEN),
        ]
    assert say[0] == texts.MAY_NOT_ASK_GUEST.say(language)
    assert say[1] == texts.EMPTY_QUESTION.say(language)
    assert say[2] == "hello"
    assert say[3] == texts.QUIETED.say(language)
    assert ("额度" in say[4]) is (language is ZH)


async def test_commands_are_answered_in_the_language_of_whoever_typed_them(rig: Rig) -> None:
    async with a_desk(rig) as desk:
        english = await desk.say("workspace language zh")
        chinese = await desk.say("language en", by=LIN)
    assert "Language" in english
    assert "语言" in chinese
