"""A question on its way to an app: what is shown and asked while it changes."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
from edges import Apps, Memory, Stream, Threads, a_turn, saying
from scene import Scene

from bot.core import texts
from bot.core.answer import Answer
from bot.core.question import Question
from bot.core.setting import Follow
from storage.records import Wish


class SlowApps(Apps):
    """Apps of which the second one asked takes its time to begin."""

    def __init__(self, streams: list[Stream | Exception]) -> None:
        super().__init__(streams)
        self.begins = asyncio.Event()

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncGenerator[Stream]:
        if self.questions:
            await self.begins.wait()
        async with super().ask(question) as stream:
            yield stream


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


async def test_words_of_the_answer_to_the_former_question_never_stand_under_the_new_one() -> None:
    apps = SlowApps([Stream([Answer("Old words")], gate=asyncio.Event()), saying("New words")])
    scene = Scene().amid(apps=apps)
    permits = asyncio.Event()
    scene.slack.permit_gate = permits.wait
    running = asyncio.create_task(scene.run())
    await until(lambda: apps.questions)
    scene.book.wish = Wish(None, 1, {"text": "new question", "files": 0, "edited_ts": "5.5"})
    scene.grip.called.set()
    await until(lambda: apps.closed)
    permits.set()
    await until(lambda: scene.slack.messages)
    assert "Old words" not in scene.slack.visible()[0]
    apps.begins.set()
    await running
    assert scene.slack.visible() == ["New words|"]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("<@UBOT>", f"{texts.EMPTY_QUESTION.en}|"),
        ("<@UBOT> start over", f"|{texts.AFRESH.en}"),
        ("<@UBOT> quiet", f"{texts.QUIETED.en}|"),
    ],
)
async def test_a_question_edited_into_none_is_not_asked(words: str, shown: str) -> None:
    memory, threads = Memory(), Threads()
    scene = Scene(Stream([Answer()], gate=asyncio.Event())).given(follow=Follow.THREAD)
    scene.amid(memory=memory, threads=threads)
    running = asyncio.create_task(scene.run(a_turn()))
    await until(lambda: scene.apps.questions)
    scene.book.wish = Wish(None, 1, {"text": words, "files": 0, "edited_ts": "5.5"})
    scene.grip.called.set()
    assert await running == [shown]
    assert len(scene.apps.questions) == 1
    assert (bool(memory.forgotten), threads.is_quiet) == ("over" in words, "quiet" in words)
    assert scene.book.log[-1] == "finish:hinted"
    assert scene.book.session is None
