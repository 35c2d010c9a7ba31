"""What a question says is missing of its thread."""

from dataclasses import replace

import pytest
from edges import PROFILE, Threads, a_turn, saying
from scene import Scene

from bot.core import texts
from bot.core.history import Said
from bot.core.reply import Place
from bot.core.setting import History
from bot.core.thread import Past
from bot.turns.ending import NO_SESSION
from storage.records import Conversation, PastTurn

KNOWN = Conversation(app_key=PROFILE.key, session_id="s0", rounds=1, idle_s=10)
REPLY = a_turn(thread_ts="0.5", message_ts="9.0")
HEARD = PastTurn(3, message_ts="5.0", user_id="U1", outcome="answered")
MEANWHILE = (Said("U2", "my word is teal"),)


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
