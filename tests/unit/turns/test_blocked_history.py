"""What was said before may be what content safety rules refuse: then the question goes alone."""

from dataclasses import replace

import pytest
from edges import EN, PROFILE, Memory, Remembered, Stream, a_turn, said
from scene import Scene

from bot.core import texts
from bot.core.answer import Answer, ModelUsage
from bot.core.history import Said
from bot.core.question import AppKind
from bot.core.setting import History
from bot.errors import ContentBlocked, DashScopeError, SessionLost, Throttled, UpstreamFailed
from bot.turns.ports import Recalled
from storage.errors import StorageUnavailable
from storage.memories import MemoryKey
from storage.records import Conversation, SessionUse, Turn
from storage.usage_records import ModelUse

KNOWN = Conversation(app_key=PROFILE.key, session_id="s0", rounds=1, idle_s=10)
REPLY = a_turn(thread_ts="0.5")
BLOCKED = texts.failure(ContentBlocked(), turn_id=7, language=EN)
ALONE = f"Hello|{texts.HISTORY_BLOCKED.en}"


def a_scene(*streams: Stream | Exception, known: Conversation | None = None) -> Scene:
    scene = Scene(*streams, known=known)
    scene.slack.said = (Said("U1", "it is red"), Said("U2", "something forbidden"))
    return scene


def hello() -> Stream:
    return Stream([said("Hello")])


@pytest.mark.parametrize("known", [KNOWN, None], ids=["session", "recap"])
async def test_a_question_blocked_with_its_history_is_asked_alone_and_its_session_gone_on_with(
    known: Conversation | None,
) -> None:
    scene = a_scene(ContentBlocked(status=400), hello(), known=known)
    assert await scene.run(REPLY) == [ALONE]
    _, alone = scene.apps.questions
    assert (alone.prompt, alone.session_id, alone.messages) == ("hello", None, ())
    assert scene.book.session == SessionUse(PROFILE.key, "s1")


@pytest.mark.parametrize("system", ["", "Be brief."])
async def test_blocked_messages_leave_the_question_and_the_instruction(system: str) -> None:
    scene = a_scene(ContentBlocked(), hello()).given(history=History.MESSAGES, system=system)
    assert await scene.run(REPLY) == [ALONE]
    instruction = [("system", system)] if system else []
    assert list(scene.apps.questions[1].messages) == [*instruction, ("user", "hello")]


async def test_what_was_said_before_counts_no_more_when_the_question_alone_is_answered() -> None:
    scene = a_scene(ContentBlocked(), hello()).amid(memory=(memory := Memory()))
    await scene.run(REPLY)
    assert memory.forgotten == [("0.5", "0.999999")]


@pytest.mark.parametrize("second", [ContentBlocked(), Throttled(status=429)])
async def test_what_was_said_before_stays_when_the_question_alone_fails_as_well(
    second: DashScopeError,
) -> None:
    memory = Memory(KNOWN)
    scene = a_scene(ContentBlocked(), second).amid(memory=memory)
    assert await scene.run(REPLY) == [f"{texts.failure(second, turn_id=7, language=EN)}|"]
    assert len(scene.apps.questions) == 2
    assert (memory.forgotten, scene.book.session) == ([], None)


class Away(Memory):
    """A database that goes away while the question is asked."""

    async def forget(
        self, team_id: str, channel_id: str, thread_ts: str, *, up_to_ts: str = ""
    ) -> bool:
        raise StorageUnavailable("away")


async def test_an_answer_is_kept_when_nobody_can_note_that_the_rest_counts_no_more() -> None:
    scene = a_scene(ContentBlocked(), hello()).amid(memory=Away())
    assert await scene.run(REPLY) == [ALONE]


@pytest.mark.parametrize(
    ("settings", "turn"),
    [
        ({}, a_turn()),
        ({"history": History.MESSAGES}, a_turn()),
        ({"history": History.OFF}, REPLY),
        ({"app": replace(PROFILE, kind=AppKind.WORKFLOW)}, REPLY),
    ],
    ids=["root", "root as messages", "off", "workflow"],
)
async def test_a_question_that_was_blocked_alone_is_not_asked_again(
    settings: dict[str, object], turn: Turn
) -> None:
    scene = a_scene(ContentBlocked()).given(**settings)
    assert await scene.run(turn) == [f"{BLOCKED}|"]
    assert len(scene.apps.questions) == 1


async def test_an_answer_that_is_blocked_after_its_first_words_is_not_asked_for_again() -> None:
    scene = a_scene(Stream([Answer("Half", session_id="s0"), ContentBlocked()]), known=KNOWN)
    assert await scene.run(REPLY) == [f"{BLOCKED}|"]
    assert len(scene.apps.questions) == 1
    assert scene.book.session is None


async def test_a_recap_for_a_lost_session_may_be_blocked_too() -> None:
    scene = a_scene(SessionLost(), ContentBlocked(), hello(), known=KNOWN)
    assert await scene.run(REPLY) == [ALONE]
    assert len(scene.apps.questions) == 3
    assert scene.book.session == SessionUse(PROFILE.key, "s1")


async def test_a_question_that_goes_alone_is_asked_with_what_is_remembered_of_its_asker() -> None:
    recalled = Recalled(MemoryKey("T1", "U1", "channels"), "m1")
    scene = a_scene(ContentBlocked(), hello()).amid(remembering=Remembered(recalled))
    await scene.run(REPLY)
    assert [question.memory_id for question in scene.apps.questions] == [None, "m1"]


async def test_what_the_blocked_request_used_counts_all_the_same() -> None:
    first = Stream([Answer(usage=(ModelUsage("m", 5, 1),)), ContentBlocked()])
    scene = a_scene(first, Stream([said("Hello", usage=(ModelUsage("m", 9, 2),))]), known=KNOWN)
    await scene.run(REPLY)
    assert scene.book.usage == (ModelUse("m", 5, 1), ModelUse("m", 9, 2))


@pytest.mark.parametrize(
    ("error", "blocked_ts"), [(ContentBlocked(), "1.0"), (UpstreamFailed(), "")]
)
async def test_the_sentence_about_a_blocked_question_names_it_so_that_it_is_not_quoted_again(
    error: DashScopeError, blocked_ts: str
) -> None:
    scene = Scene(error)
    await scene.run()
    (content,) = scene.slack.messages.values()
    assert content.blocked_ts == blocked_ts
