"""What a question tells a session of what people said meanwhile, and what it says is missing."""

import asyncio
from dataclasses import replace

import pytest
from edges import (
    EN,
    PROFILE,
    ZH,
    Remembered,
    Slack,
    Stream,
    Threads,
    a_turn,
    said,
    saying,
    somebody,
)
from scene import Scene

from bot.core import texts
from bot.core.answer import Answer
from bot.core.history import Said
from bot.core.question import AppKind
from bot.core.recap import recap, with_recap, with_speaker
from bot.core.reply import Place, Urgency
from bot.core.setting import Follow, History
from bot.core.thread import Past, Reading
from bot.errors import SessionLost, SlackThrottled
from bot.turns.ending import NO_SESSION
from bot.turns.ports import Recalled
from storage.memories import MemoryKey
from storage.records import Conversation, PastTurn, Turn, Wish

KNOWN = Conversation(app_key=PROFILE.key, session_id="s0", rounds=1, idle_s=10)
REPLY = a_turn(thread_ts="0.5", message_ts="9.0")
HEARD = PastTurn(3, message_ts="5.0", user_id="U1", outcome="answered")
MEANWHILE = (Said("U2", "my word is teal"),)
WITH_BOT = (Said("U2", "<@UBOT> wait"), Said("UBOT", "I do.", 5), Said("UBOT", "So."))
NAMES = {"U1": "Somebody", "U2": "Somebody"}
RECALLED = Recalled(MemoryKey("T1", "U1", "channels"), "m1")


def in_session() -> Stream:
    return Stream([replace(said("Hello"), session_id="s0")])


def a_scene(
    *past: PastTurn,
    meanwhile: tuple[Said, ...] = (),
    known: Conversation = KNOWN,
    streams: tuple[Stream | Exception, ...] = (),
) -> Scene:
    """Return a scene in whose thread these turns were before."""
    scene = Scene(*(streams or (in_session(),)), known=known)
    scene.slack.said = meanwhile
    return scene.amid(threads=Threads(past=past or (HEARD,)))


def quoting(*quoted: Said) -> str:
    told = recap(quoted, bot_user_id="UBOT", names=NAMES, language=EN)
    return with_recap("hello", recap=told, asker="Somebody", language=EN)


async def prompt_of(scene: Scene, turn: Turn = REPLY) -> str:
    await scene.run(turn)
    return scene.apps.questions[-1].prompt


async def test_a_session_is_told_what_people_said_since_the_question_it_heard_last() -> None:
    past = [
        replace(HEARD, id=2, message_ts="2.0"),
        replace(HEARD, id=4, message_ts="7.0", outcome="failed"),
        replace(HEARD, id=5, message_ts="9.0", outcome=None),
        replace(HEARD, id=6, message_ts="11.0"),
        HEARD,
    ]
    scene = a_scene(*past, meanwhile=(*WITH_BOT, *MEANWHILE))
    assert await scene.run(REPLY) == ["Hello|"]
    (question,) = scene.apps.questions
    assert (question.prompt, question.session_id) == (quoting(*MEANWHILE), "s0")
    assert scene.slack.read == (Place("T1", "C1", "0.5"), Past("9.0", since_ts="5.0"))


async def test_a_session_that_heard_nothing_for_sure_is_told_no_more_than_the_question() -> None:
    scene = a_scene(replace(HEARD, outcome="failed"), meanwhile=MEANWHILE)
    assert await prompt_of(scene) == "hello"
    assert "thread" not in scene.slack.calls


async def test_a_dialog_workflow_gets_the_words_of_the_question_alone() -> None:
    scene = a_scene(replace(HEARD, user_id="U2"), meanwhile=MEANWHILE)
    scene.given(app=replace(PROFILE, kind=AppKind.DIALOG_WORKFLOW))
    assert await prompt_of(scene) == "hello"
    assert scene.apps.questions[0].session_id == "s0"


@pytest.mark.parametrize(
    ("turn", "follow"),
    [
        (replace(REPLY, channel_id="D1"), Follow.MENTION),
        (replace(REPLY, thread_ts="9.0"), Follow.MENTION),
        (REPLY, Follow.THREAD),
    ],
    ids=["direct message", "root", "followed thread"],
)
async def test_where_nothing_can_have_been_said_meanwhile_nothing_is_read(
    turn: Turn, follow: Follow
) -> None:
    scene = a_scene(meanwhile=MEANWHILE).given(follow=follow)
    assert await prompt_of(scene, turn) == "hello"
    assert "thread" not in scene.slack.calls


async def test_what_people_said_meanwhile_is_left_out_in_silence_when_slack_does_not_give_it() -> (
    None
):
    scene = a_scene()
    scene.slack.said = SlackThrottled(method="conversations.replies", retry_after_s=60)
    assert await scene.run(REPLY) == ["Hello|"]
    assert scene.apps.questions[0].prompt == "hello"


class Mute(Slack):
    """A Slack that never gives a thread."""

    async def thread(
        self, place: Place, *, past: Past, within_s: float, urgency: Urgency
    ) -> Reading:
        self.calls.append("thread")
        async with asyncio.timeout(within_s):
            await asyncio.Event().wait()
        raise AssertionError


async def test_what_people_said_meanwhile_is_not_waited_for_longer_than_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slack = Mute()
    scene = a_scene().amid(replies=slack, history=slack, people=slack)
    running = asyncio.create_task(scene.run(REPLY))
    loop = asyncio.get_running_loop()
    clock = loop.time
    async with asyncio.timeout(60):
        while "thread" not in slack.calls:
            await asyncio.sleep(0)
    monkeypatch.setattr(loop, "time", lambda: clock() + 1.0)
    await asyncio.wait({running}, timeout=5)
    assert slack.visible() == ["Hello|"]
    assert scene.apps.questions[0].prompt == "hello"


async def test_what_was_forgotten_on_purpose_is_not_told_to_the_session_since() -> None:
    scene = a_scene(known=replace(KNOWN, since_ts="7.5"))
    await scene.run(REPLY)
    assert scene.slack.read == (Place("T1", "C1", "0.5"), Past("9.0", since_ts="7.5"))


@pytest.mark.parametrize(("speaker", "memory_id"), [("U2", None), ("", None), ("U1", "m1")])
async def test_what_others_said_meanwhile_is_never_sent_to_be_remembered_as_the_askers(
    speaker: str, memory_id: str | None
) -> None:
    scene = a_scene(meanwhile=(Said(speaker, "it is red"),))
    scene.amid(remembering=Remembered(RECALLED))
    await scene.run(REPLY)
    assert "it is red" in scene.apps.questions[0].prompt
    assert scene.apps.questions[0].memory_id == memory_id


async def test_who_goes_on_in_anothers_session_is_named_to_it() -> None:
    scene = a_scene(replace(HEARD, user_id="U2"))
    expected = with_speaker("hello", asker="Somebody", language=EN)
    assert await prompt_of(scene) == expected
    scene = a_scene(replace(HEARD, user_id="U2")).given(follow=Follow.THREAD)
    scene.slack.persons["U1"] = somebody(locale="zh-CN")
    assert await prompt_of(scene) == with_speaker("hello", asker="Somebody", language=ZH)


async def test_who_is_named_needs_no_memory_less() -> None:
    scene = a_scene(replace(HEARD, user_id="U2")).amid(remembering=Remembered(RECALLED))
    await scene.run(REPLY)
    assert scene.apps.questions[0].memory_id == "m1"


async def test_a_session_lost_meanwhile_is_followed_by_one_that_is_told_all_of_the_thread() -> None:
    streams = (SessionLost(), saying("Hello"))
    scene = a_scene(meanwhile=(*WITH_BOT, *MEANWHILE), streams=streams)
    assert await scene.run(REPLY) == [f"Hello|{texts.NEW_SESSION.en}"]
    first, second = (question.prompt for question in scene.apps.questions)
    assert (first, second) == (quoting(*MEANWHILE), quoting(*WITH_BOT, *MEANWHILE))


async def test_an_edited_question_tells_again_what_people_said_and_reads_it_once() -> None:
    growing = Stream([Answer()], gate=asyncio.Event())
    scene = a_scene(meanwhile=MEANWHILE, streams=(growing, in_session()))
    running = asyncio.create_task(scene.run(REPLY))
    async with asyncio.timeout(60):
        while not scene.apps.questions:
            await asyncio.sleep(0)
    scene.book.wish = Wish(None, 1, {"text": "new words", "files": 0, "edited_ts": "5.5"})
    scene.grip.called.set()
    await running
    assert "teal" in scene.apps.questions[1].prompt
    assert scene.slack.calls.count("thread") == 1


@pytest.mark.parametrize(
    ("known", "history", "notes"),
    [
        (None, History.SESSION, [texts.PART_OF_HISTORY]),
        (None, History.MESSAGES, [texts.PART_OF_HISTORY]),
        (
            replace(KNOWN, session_id=NO_SESSION),
            History.SESSION,
            [texts.NEW_SESSION, texts.PART_OF_HISTORY],
        ),
    ],
)
async def test_of_a_thread_read_in_part_that_part_is_told_and_the_reader_knows(
    known: Conversation | None, history: History, notes: list[texts.Phrase]
) -> None:
    scene = Scene(saying("Hello"), known=known).given(history=history)
    scene.slack.said, scene.slack.reaches_end = MEANWHILE, False
    scene.amid(threads=Threads(past=(HEARD,)))
    assert await scene.run(REPLY) == [f"Hello|{' '.join(note.en for note in notes)}"]
    assert "teal" in scene.apps.questions[0].prompt
    assert scene.slack.read == (Place("T1", "C1", "0.5"), Past("9.0", questions={3: "5.0"}))
