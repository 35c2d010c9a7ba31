"""A question on its way to an app: what is shown and asked while it changes."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from edges import Apps, Stream, saying
from scene import Scene

from bot.core.answer import Answer
from bot.core.question import Question
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
    async with asyncio.timeout(5):
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
