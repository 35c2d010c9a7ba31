"""The files of a question: read once at take-up, told of under the answer, and never in the way."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from edges import PROFILE, Book, Remembered, Shelf, Slack, Stream, a_turn, said, saying, somebody
from scene import Scene

from bot.core import texts
from bot.core.answer import Answer
from bot.core.file_refusals import NO_IMAGES, Refusal
from bot.core.files import FileNote
from bot.core.prepared import Prepared
from bot.core.question import AppKind
from bot.core.setting import History
from bot.errors import ContentBlocked, SessionLost
from bot.turns.ports import Recalled
from storage.memories import MemoryKey
from storage.records import Conversation, Turn, Wish

FILES = [{"id": "F1", "name": "a.png"}, {"id": "F2", "name": "b.txt"}]
NOTES = (FileNote("F1", name="a.png"), FileNote("F2", name="b.txt"))
LINK = "https://bot/files/1.png"
READY = Prepared(images=(LINK,), texts=("b.txt:\n```txt\nB\n```",))
IN_SESSION = Conversation(PROFILE.key, "s0", rounds=1, idle_s=1)
LEFT_OUT = Prepared(refusals=(Refusal(NO_IMAGES, "a.png"),))
SORRY = "I left out “a.png”: the app here takes no images."


def with_files(text: str = "<@UBOT> hello", **payload: Any) -> Turn:
    return a_turn(payload={"text": text, "files": FILES, **payload})


async def seen(slack: Slack, shown: str) -> None:
    async with asyncio.timeout(60):
        while slack.visible() != [shown]:
            await asyncio.sleep(0)


async def test_files_are_made_ready_for_the_app_that_is_asked_and_go_with_the_question() -> None:
    shelf = Shelf(READY)
    scene = Scene(saying("Hello")).amid(files=shelf)
    assert await scene.run(with_files()) == ["Hello|"]
    assert shelf.asked == [(NOTES, AppKind.AGENT)]
    (question,) = scene.apps.questions
    assert question.prompt == "hello\n\nb.txt:\n```txt\nB\n```"
    assert question.options == {"image_list": [LINK]}


async def test_without_files_nobody_is_asked_for_any() -> None:
    shelf = Shelf()
    scene = Scene(saying("Hello")).amid(files=shelf)
    await scene.run(a_turn(payload={"text": "<@UBOT> hello", "files": []}))
    assert shelf.asked == []


async def test_what_is_left_out_is_told_of_under_the_answer() -> None:
    scene = Scene(saying("Hello")).amid(files=Shelf(LEFT_OUT))
    assert await scene.run(with_files()) == [f"Hello|{SORRY}"]


@pytest.mark.parametrize(("locale", "prompt"), [("en-US", "en"), ("zh-CN", "zh")])
async def test_files_alone_are_a_plain_request_in_the_askers_language(
    locale: str, prompt: str
) -> None:
    scene = Scene(saying("Hello")).amid(files=Shelf(Prepared(images=(LINK,))))
    scene.slack.persons["U1"] = somebody(locale=locale)
    await scene.run(with_files("<@UBOT>"))
    assert scene.apps.questions[0].prompt == getattr(texts.LOOK_AT_FILES, prompt)


async def test_files_alone_of_which_none_can_be_used_are_one_sentence_and_no_question() -> None:
    scene = Scene().amid(files=Shelf(LEFT_OUT))
    assert await scene.run(with_files("<@UBOT>")) == [f"|{SORRY}"]
    assert scene.apps.questions == []
    assert scene.book.log[-1] == "finish:hinted"


async def test_while_files_are_read_the_reply_says_so() -> None:
    shelf = Shelf(READY, gate=asyncio.Event())
    scene = Scene(saying("Hello")).amid(files=shelf)
    running = asyncio.create_task(scene.run(with_files()))
    await seen(scene.slack, f"|{texts.READING_FILES.en}")
    assert scene.apps.questions == []
    assert shelf.gate is not None
    shelf.gate.set()
    assert await running == ["Hello|"]


async def test_a_stop_ends_the_reading() -> None:
    scene = Scene().amid(files=Shelf(gate=asyncio.Event()))
    running = asyncio.create_task(scene.run(with_files()))
    await seen(scene.slack, f"|{texts.READING_FILES.en}")
    scene.book.wish = Wish("U1", 0, {})
    scene.grip.called.set()
    assert await running == [f"|{texts.STOPPED.en}"]
    assert scene.apps.questions == []


async def test_an_edit_keeps_what_was_read() -> None:
    shelf = Shelf(READY)
    scene = Scene(Stream([Answer()], gate=asyncio.Event()), saying("New")).amid(files=shelf)
    running = asyncio.create_task(scene.run(with_files()))
    async with asyncio.timeout(60):
        while not scene.apps.questions:
            await asyncio.sleep(0)
    scene.book.wish = Wish(None, 1, {"text": "new words", "files": FILES, "edited_ts": "5.5"})
    scene.grip.called.set()
    assert await running == ["New|"]
    assert scene.apps.questions[1].prompt == READY.prompt("new words")
    assert len(shelf.asked) == 1


async def test_a_question_asked_again_brings_the_files_slack_tells_of() -> None:
    shelf = Shelf(READY)
    scene = Scene(saying("Hello")).amid(files=shelf)
    scene.slack.question_text, scene.slack.question_files = "again", NOTES
    await scene.run(a_turn(payload={"edited_ts": "5.5"}))
    assert scene.apps.questions[0].prompt == READY.prompt("again")
    assert shelf.asked == [(NOTES, AppKind.AGENT)]


async def test_a_new_session_gets_the_files_too() -> None:
    lost = SessionLost(status=400)
    scene = Scene(lost, saying("Hello"), known=IN_SESSION).amid(files=Shelf(READY))
    await scene.run(with_files())
    assert [question.session_id for question in scene.apps.questions] == ["s0", None]
    assert all(question.options == {"image_list": [LINK]} for question in scene.apps.questions)


@pytest.mark.parametrize(
    ("prepared", "memory_id"),
    [
        (READY, None),
        (Prepared(texts=READY.texts), None),
        (Prepared(images=(LINK,), documents=(LINK,), session_files=("file_session_1",)), "m1"),
        (LEFT_OUT, "m1"),
    ],
)
@pytest.mark.parametrize("lost", [None, SessionLost(status=400), ContentBlocked(status=400)])
async def test_the_text_of_a_file_is_never_sent_to_be_remembered_as_the_askers(
    prepared: Prepared, memory_id: str | None, lost: Exception | None
) -> None:
    before = [] if lost is None else [lost]
    recalled = Remembered(Recalled(MemoryKey("T1", "U1", "channels"), "m1"))
    answer = Stream([replace(said("Hello"), session_id=None)])
    scene = Scene(*before, answer, known=IN_SESSION)
    scene.amid(files=Shelf(prepared), remembering=recalled)
    await scene.run(with_files())
    sent = [question.memory_id for question in scene.apps.questions]
    assert sent == [memory_id] * (len(before) + 1)


async def test_a_workflow_is_read_for_as_what_it_is() -> None:
    shelf = Shelf(LEFT_OUT)
    profile = replace(PROFILE, kind=AppKind.WORKFLOW)
    scene = Scene(saying("Hello")).given(app=profile, history=History.OFF).amid(files=shelf)
    await scene.run(with_files())
    assert shelf.asked == [(NOTES, AppKind.WORKFLOW)]


async def test_images_and_what_the_asker_fills_in_stand_side_by_side() -> None:
    options = {"ask": ["city"], "biz_params": {"tone": "kind", "imageList": []}}
    profile = replace(PROFILE, kind=AppKind.WORKFLOW)
    scene = Scene(saying("Hello")).given(app=profile, options=options, asked=("city",))
    scene = scene.amid(files=Shelf(Prepared(images=(LINK,))))
    await scene.run(with_files("<@UBOT> city=Hangzhou\nWhere is it?"))
    (question,) = scene.apps.questions
    assert question.options["biz_params"] == {
        "tone": "kind",
        "imageList": [LINK],
        "city": "Hangzhou",
    }


async def test_a_finished_answer_is_shown_without_reading_anything() -> None:
    shelf = Shelf(READY)
    scene = Scene(saying("Hello")).amid(files=shelf)
    await scene.run(with_files())
    stored = scene.book.ending
    scene.world = replace(scene.world, book=Book())
    await scene.run(replace(with_files(), ending=stored))
    assert len(shelf.asked) == 1
