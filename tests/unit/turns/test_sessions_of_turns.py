"""A thread goes on with its session; without one it goes on with what is in the thread."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import replace

import pytest
from edges import EN, PROFILE, ZH, Memory, Remembered, Slack, Stream, a_turn, said, saying, somebody
from scene import Scene

from bot.core import texts
from bot.core.answer import Answer, ModelUsage
from bot.core.history import SYSTEM, Said
from bot.core.question import AppKind
from bot.core.recap import recap, with_recap
from bot.core.reply import Place, Urgency
from bot.core.sessions import IDLE_LIMIT_S, IDLE_MARGIN_S, ROUNDS_LIMIT, ROUNDS_MARGIN
from bot.core.setting import History
from bot.core.thread import Past, Reading
from bot.errors import (
    DashScopeError,
    MemoryGone,
    Misconfigured,
    RequestRefused,
    SessionLost,
    SlackThrottled,
    SlackTokenRefused,
    Throttled,
    UpstreamFailed,
    UpstreamUnreachable,
)
from bot.turns.ending import NO_SESSION
from bot.turns.ports import Recalled
from storage.memories import MemoryKey
from storage.records import Conversation, SessionUse, Wish
from storage.usage_records import ModelUse

KNOWN = Conversation(app_key=PROFILE.key, session_id="s0", rounds=1, idle_s=10)
REPLY = a_turn(thread_ts="0.5")
HALF = Answer("Half", session_id="s0")
RECALLED = Recalled(MemoryKey("T1", "U1", "channels"), "m1")
BEFORE = (Said("U1", "it is red"), Said("UBOT", "Noted.", 3), Said("U2", "ask <@U1>"))
NAMES = {"U1": "Somebody", "U2": "Somebody"}
QUOTED = recap(BEFORE, bot_user_id="UBOT", names=NAMES, language=EN)
RECAPPED = with_recap("hello", recap=QUOTED, asker="Somebody", language=EN)
ENDED = [
    pytest.param(replace(KNOWN, idle_s=IDLE_LIMIT_S - IDLE_MARGIN_S), id="idle"),
    pytest.param(replace(KNOWN, rounds=ROUNDS_LIMIT - ROUNDS_MARGIN), id="rounds"),
    pytest.param(replace(KNOWN, app_key="another app"), id="app"),
    pytest.param(replace(KNOWN, session_id=NO_SESSION), id="answered without context"),
]


def a_scene(*streams: Stream | Exception, known: Conversation | None = None) -> Scene:
    scene = Scene(*streams, known=known)
    scene.slack.said = BEFORE
    return scene


def in_session(session_id: str, text: str = "Hello") -> Stream:
    return Stream([replace(said(text), session_id=session_id)])


@pytest.mark.parametrize("known", ENDED)
async def test_a_thread_whose_session_is_over_goes_on_with_a_recap_in_another_one(
    known: Conversation,
) -> None:
    scene = a_scene(in_session("s1"), known=known)
    assert await scene.run(REPLY) == [f"Hello|{texts.NEW_SESSION.en}"]
    (question,) = scene.apps.questions
    assert (question.prompt, question.session_id, question.messages) == (RECAPPED, None, ())
    assert scene.book.session == SessionUse(PROFILE.key, "s1")


async def test_a_session_that_turns_out_to_be_lost_costs_one_more_request_with_a_recap() -> None:
    scene = a_scene(SessionLost(status=400), in_session("s1"), known=KNOWN)
    assert await scene.run(REPLY) == [f"Hello|{texts.NEW_SESSION.en}"]
    first, second = scene.apps.questions
    assert (first.prompt, first.session_id) == ("hello", "s0")
    assert (second.prompt, second.session_id) == (RECAPPED, None)
    assert scene.book.session == SessionUse(PROFILE.key, "s1")


async def test_a_new_session_that_is_lost_as_well_is_a_failure_and_not_asked_again() -> None:
    scene = a_scene(SessionLost(), SessionLost(), known=KNOWN)
    assert await scene.run(REPLY) == [f"{texts.failure(SessionLost(), turn_id=7, language=EN)}|"]
    assert len(scene.apps.questions) == 2
    assert scene.book.session == SessionUse(PROFILE.key, NO_SESSION)


@pytest.mark.parametrize(
    "error", [SessionLost(), MemoryGone(), RequestRefused(), UpstreamFailed(status=500)]
)
async def test_after_its_first_words_a_question_is_not_asked_again(error: DashScopeError) -> None:
    scene = a_scene(Stream([HALF, error]), in_session("s1", "Other"), known=KNOWN)
    scene.amid(remembering=Remembered(RECALLED))
    (shown,) = await scene.run(REPLY)
    assert shown.startswith("Half|")
    assert len(scene.apps.questions) == 1


async def test_a_session_lost_in_the_middle_of_an_answer_is_not_gone_on_with() -> None:
    scene = a_scene(Stream([HALF, SessionLost()]), known=KNOWN)
    await scene.run(REPLY)
    assert scene.book.session == SessionUse(PROFILE.key, NO_SESSION)


@pytest.mark.parametrize(
    ("script", "session"),
    [
        ([RequestRefused(status=400)], SessionUse(PROFILE.key, NO_SESSION)),
        ([Misconfigured(status=404)], SessionUse(PROFILE.key, NO_SESSION)),
        ([Answer(session_id="s0"), UpstreamFailed()], SessionUse(PROFILE.key, NO_SESSION)),
        ([Throttled(status=429)], None),
        ([Misconfigured(status=401)], None),
        ([UpstreamUnreachable()], None),
        ([HALF, UpstreamFailed()], SessionUse(PROFILE.key, "s0")),
    ],
)
async def test_a_question_that_fails_for_no_reason_told_leaves_no_session_to_go_on_with(
    script: list[Answer | Exception], session: SessionUse | None
) -> None:
    scene = a_scene(Stream(script), known=KNOWN)
    await scene.run(REPLY)
    assert scene.book.session == session
    assert len(scene.apps.questions) == 1


async def test_a_failure_without_a_session_leaves_the_conversation_as_it_was() -> None:
    scene = a_scene(RequestRefused(status=400))
    await scene.run(REPLY)
    assert scene.book.session is None


@pytest.mark.parametrize("before", [[], [Answer()], [Answer(session_id="s0")]])
async def test_an_answer_in_another_session_is_asked_for_again_before_its_words_are_seen(
    before: list[Answer],
) -> None:
    unaware = Stream([*before, Answer("Who?", session_id="s1"), said("Who are you?")])
    scene = a_scene(unaware, in_session("s2"), known=KNOWN)
    seen: list[str] = []

    async def look() -> None:
        seen.extend(scene.slack.visible())

    scene.slack.permit_gate = look
    assert await scene.run(REPLY) == [f"Hello|{texts.NEW_SESSION.en}"]
    assert not any("Who" in shown for shown in seen)
    assert [question.session_id for question in scene.apps.questions] == ["s0", None]
    assert scene.apps.questions[1].prompt == RECAPPED
    assert scene.book.session == SessionUse(PROFILE.key, "s2")


async def test_what_the_requests_of_one_answer_used_is_counted_together() -> None:
    first = Stream([Answer(session_id="s1", usage=(ModelUsage("m", 5, 1),))])
    scene = a_scene(first, Stream([said("Hello", usage=(ModelUsage("m", 9, 2),))]), known=KNOWN)
    await scene.run(REPLY)
    assert scene.book.usage == (ModelUse("m", 5, 1), ModelUse("m", 9, 2))


async def test_an_answer_whose_session_changes_after_its_first_words_says_so() -> None:
    late = Stream([HALF, replace(said("Half of it"), session_id="s1")])
    scene = a_scene(late, known=KNOWN)
    assert await scene.run(REPLY) == [f"Half of it|{texts.UNAWARE.en}"]
    assert scene.book.session == SessionUse(PROFILE.key, NO_SESSION)
    assert len(scene.apps.questions) == 1


@pytest.mark.parametrize("last", [[], [UpstreamFailed()]])
async def test_half_an_answer_whose_session_changed_leaves_none_to_go_on_with(
    last: list[Exception],
) -> None:
    scene = a_scene(Stream([HALF, replace(HALF, session_id="s1"), *last]), known=KNOWN)
    await scene.run(REPLY)
    assert scene.book.session == SessionUse(PROFILE.key, NO_SESSION)


async def test_an_answer_stopped_after_its_session_changed_leaves_none_to_go_on_with() -> None:
    growing = Stream([HALF, replace(HALF, session_id="s1")], gate=asyncio.Event())
    scene = a_scene(growing, known=KNOWN)
    running = asyncio.create_task(scene.run(REPLY))
    async with asyncio.timeout(60):
        while scene.slack.visible() != ["Half|"]:
            await asyncio.sleep(0)
    scene.book.wish = Wish("U1", 0, {})
    scene.grip.called.set()
    assert await running == [f"Half|{texts.STOPPED.en}"]
    assert scene.book.session == SessionUse(PROFILE.key, NO_SESSION)


async def test_a_session_that_is_not_named_in_the_answer_is_not_taken_for_another_one() -> None:
    scene = a_scene(Stream([replace(said("Hello"), session_id=None)]), known=KNOWN)
    assert await scene.run(REPLY) == ["Hello|"]
    assert scene.book.session is None


async def test_who_is_mentioned_late_in_a_thread_knows_what_was_said_before() -> None:
    scene = a_scene(in_session("s1"))
    assert await scene.run(REPLY) == ["Hello|"]
    assert scene.apps.questions[0].prompt == RECAPPED
    assert scene.slack.read == (Place("T1", "C1", "0.5"), Past("1.0"))


@pytest.mark.parametrize(
    ("history", "others", "memory_id"),
    [
        (History.SESSION, ("U2",), None),
        (History.SESSION, ("UBOT",), None),
        (History.SESSION, (), None),
        (History.MESSAGES, ("U2",), None),
        (History.MESSAGES, ("UBOT",), "m1"),
        (History.MESSAGES, (), "m1"),
    ],
)
async def test_the_words_of_others_and_recaps_are_never_sent_to_be_remembered_as_the_askers(
    history: History, others: tuple[str, ...], memory_id: str | None
) -> None:
    scene = a_scene(in_session("s1")).given(history=history)
    scene.amid(remembering=Remembered(RECALLED))
    scene.slack.said = (Said("U1", "it is red"), *(Said(user, "and mine blue") for user in others))
    await scene.run(REPLY)
    assert scene.apps.questions[0].memory_id == memory_id


@pytest.mark.parametrize("kind", [AppKind.WORKFLOW, AppKind.ORCHESTRATION])
async def test_an_app_without_sessions_gets_the_words_of_the_question_alone(kind: AppKind) -> None:
    scene = a_scene(saying("Hello"), known=KNOWN).given(app=replace(PROFILE, kind=kind))
    assert await scene.run(REPLY) == ["Hello|"]
    assert (scene.apps.questions[0].prompt, scene.apps.questions[0].session_id) == ("hello", None)
    assert "thread" not in scene.slack.calls


@pytest.mark.parametrize(
    "error",
    [
        SlackThrottled(method="conversations.replies", retry_after_s=60),
        SlackTokenRefused(method="conversations.replies", code="missing_scope"),
    ],
)
@pytest.mark.parametrize(
    ("known", "note"),
    [
        (None, texts.NO_HISTORY.en),
        (replace(KNOWN, session_id=NO_SESSION), f"{texts.FORGOTTEN.en} {texts.NO_HISTORY.en}"),
    ],
)
async def test_a_thread_that_cannot_be_read_is_answered_all_the_same_and_the_reader_told(
    error: SlackThrottled | SlackTokenRefused, known: Conversation | None, note: str
) -> None:
    scene = a_scene(in_session("s1"), known=known)
    scene.slack.said = error
    assert await scene.run(REPLY) == [f"Hello|{note}"]
    assert scene.apps.questions[0].prompt == "hello"


class HalfMute(Slack):
    """A Slack that never answers a call of one kind."""

    def __init__(self, *, mute: str) -> None:
        super().__init__(said=BEFORE)
        self._mute = mute
        self.reached = asyncio.Event()

    async def thread(
        self, place: Place, *, past: Past, within_s: float, urgency: Urgency
    ) -> Reading:
        async with asyncio.timeout(within_s):
            await self._answer("thread")
        return await super().thread(place, past=past, within_s=within_s, urgency=urgency)

    async def display_names(self, team_id: str, user_ids: Collection[str]) -> Mapping[str, str]:
        if user_ids:
            await self._answer("names")
        return await super().display_names(team_id, user_ids)

    async def _answer(self, call: str) -> None:
        if call == self._mute:
            self.reached.set()
            await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("mute", "note", "words"),
    [("thread", texts.NO_HISTORY.en, ""), ("names", "", "it is red")],
)
async def test_an_answer_waits_three_seconds_for_what_was_said_before_and_no_longer(
    monkeypatch: pytest.MonkeyPatch, mute: str, note: str, words: str
) -> None:
    slack = HalfMute(mute=mute)
    scene = Scene(in_session("s1")).amid(replies=slack, history=slack, people=slack)
    running = asyncio.create_task(scene.run(REPLY))
    loop = asyncio.get_running_loop()
    clock = loop.time
    async with asyncio.timeout(60):
        await slack.reached.wait()
    monkeypatch.setattr(loop, "time", lambda: clock() + 3.5)
    await asyncio.wait({running}, timeout=5)
    assert slack.visible() == [f"Hello|{note}"]
    assert words in scene.apps.questions[0].prompt


async def test_the_words_before_a_question_go_to_the_model_in_the_askers_language() -> None:
    scene = a_scene(in_session("s1"))
    scene.slack.persons["U1"] = somebody(locale="zh-CN")
    await scene.run(REPLY)
    quoted = recap(BEFORE, bot_user_id="UBOT", names=NAMES, language=ZH)
    expected = with_recap("hello", recap=quoted, asker="Somebody", language=ZH)
    assert scene.apps.questions[0].prompt == expected


@pytest.mark.parametrize("history", [History.SESSION, History.MESSAGES])
async def test_a_thread_that_started_afresh_is_read_only_since_then_and_nothing_is_said_of_it(
    history: History,
) -> None:
    afresh = Conversation(app_key="", session_id="", rounds=0, idle_s=10, since_ts="0.7")
    scene = a_scene(in_session("s1"), known=afresh).given(history=history)
    scene.slack.said = ()
    assert await scene.run(REPLY) == ["Hello|"]
    assert scene.slack.read == (Place("T1", "C1", "0.5"), Past("1.0", since_ts="0.7"))
    assert scene.apps.questions[0].prompt == "hello"


async def test_an_edited_question_brings_the_recap_along_again_and_reads_the_thread_once() -> None:
    scene = a_scene(Stream([Answer()], gate=asyncio.Event()), in_session("s1"))
    running = asyncio.create_task(scene.run(REPLY))
    async with asyncio.timeout(60):
        while not scene.apps.questions:
            await asyncio.sleep(0)
    scene.book.wish = Wish(None, 1, {"text": "new words", "files": 0, "edited_ts": "5.5"})
    scene.grip.called.set()
    assert await running == ["Hello|"]
    expected = with_recap("new words", recap=QUOTED, asker="Somebody", language=EN)
    assert scene.apps.questions[1].prompt == expected
    assert scene.slack.calls.count("thread") == 1


async def test_an_instruction_leads_the_messages() -> None:
    scene = a_scene(in_session("s1")).given(history=History.MESSAGES, system="Be brief.")
    await scene.run(REPLY)
    messages = scene.apps.questions[0].messages
    assert messages[0] == (SYSTEM, "Be brief.")
    assert [role for role, _ in messages] == ["system", "user", "assistant", "user"]


async def test_what_was_said_is_told_once_the_session_has_it() -> None:
    scene = a_scene(in_session("s1"), in_session("s1"))
    await scene.run(REPLY)
    scene.amid(memory=Memory(replace(KNOWN, session_id="s1")))
    await scene.run(REPLY)
    assert [question.prompt for question in scene.apps.questions] == [RECAPPED, "hello"]
