"""What the playground shows one person: waited for, and drawn as it comes."""

import asyncio
from dataclasses import dataclass, replace
from typing import Self

from rich.console import Console, RenderableType
from rich.text import Text

from bot import screen
from bot.playground.slack.directory import File
from bot.playground.slack.message import Ephemeral, Message
from bot.playground.slack.views import View
from bot.screen import Numbers
from bot.sheet import Sheet
from bot.stage import ANN, LOOK_AGAIN_S, Stage

ANSWERED_WITHIN_S = 15.0
"""Longer than a test of an app may take, the longest a command does."""
FOLLOWS_WITHIN_S = 5.0
"""A form that asks a service first takes seconds to be filled, and so does what one changes."""
SETTLED_S = 0.4
"""Notices and forms are complete when nothing has changed for so long."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What may change on somebody's screen."""

    notices: tuple[Ephemeral, ...]
    view: View | None
    files: int
    thread: tuple[Message, ...]
    home: View | None

    def is_on_the_way(self, before: Self) -> bool:
        """Whether more must follow: a form stands there empty, or went away and did nothing yet."""
        if self.view is None:
            return replace(self, view=before.view) == before
        return self.view != before.view and len(self.view.blocks) == 1


class Viewer:
    """Somebody in the workspace, at a terminal.

    Args:
        scene: The workspace.
        console: Where what happens is drawn.

    Attributes:
        person: Who it is.
        is_direct: Whether they look at their direct messages with the bot; else at the channel.
        thread: Channel and root of the thread they look at; None where nothing was written yet.
        sheet: The form in front of them.
        is_home: Whether they look at the Home tab.
        is_watching: Whether an answer grows before their eyes.
        numbers: The buttons of what was drawn last.
    """

    def __init__(self, scene: Stage, *, console: Console) -> None:
        self.person = ANN
        self.is_direct = False
        self.thread: tuple[str, str] | None = None
        self.sheet: Sheet | None = None
        self.is_home = False
        self.is_watching = False
        self.numbers = Numbers()
        self._scene = scene
        self._console = console
        self._seen: list[Ephemeral | str] = []
        self._home: View | None = None

    @property
    def channel(self) -> str:
        """Where they write."""
        return self._scene.channel_of(self.person, is_direct=self.is_direct)

    def messages(self) -> tuple[Message, ...]:
        """Return those of the thread."""
        return self._scene.slack.thread(*self.thread) if self.thread else ()

    def glance(self) -> Glance:
        """Return what stands on the screen now."""
        return Glance(
            notices=tuple(self._scene.slack.workspace.ephemerals),
            view=self._scene.form_of(self.person),
            files=len(self._files()),
            thread=self.messages(),
            home=self._scene.home_of(self.person) if self.is_home else None,
        )

    async def open_home(self) -> None:
        """Open the Home tab and draw it."""
        self.is_home, self._home = False, None
        before = self.glance()
        self.is_home = True
        self._scene.slack.people.open_home(self.person.user_id)
        await self.settle(before)

    async def settle(self, before: Glance, *, within_s: float = ANSWERED_WITHIN_S) -> None:
        """Wait until something came and no more does, and draw it."""
        slack = self._scene.slack
        try:
            await slack.until(lambda: self.glance() != before, timeout_s=within_s)
        except TimeoutError:
            self.tell(f"Nothing came of it within {within_s:.0f} seconds.")
            return
        for _ in range(round(ANSWERED_WITHIN_S / SETTLED_S)):
            now = self.glance()
            quiet_s = FOLLOWS_WITHIN_S if now.is_on_the_way(before) else SETTLED_S
            try:
                await slack.until(lambda last=now: self.glance() != last, timeout_s=quiet_s)
            except TimeoutError:
                break
        skip = _alike(before.thread, self.messages())
        if skip is None:
            self._draw_news(Numbers())
        else:
            await self.watch(skip)

    async def is_answered(self, skip: int) -> bool:
        """Wait until the thread has an answer, or will get none; return whether it has.

        Args:
            skip: So many messages stood in it before the last one was written.
        """
        while len(self.messages()) <= skip + 1:
            if await self._scene.is_quiet():
                return len(self.messages()) > skip + 1
            await asyncio.sleep(LOOK_AGAIN_S)
        return True

    async def watch(self, skip: int) -> None:
        """Draw the thread until it is answered, but for its first messages, and what else came."""
        if self.thread is None:
            raise LookupError("nothing was written yet")
        within_s = self._scene.answer_within_s
        self.is_watching = True
        try:
            async with asyncio.timeout(within_s):
                end = self._scene.until_quiet()
                await screen.follow(lambda: self._thread(skip), end=end, console=self._console)
        except TimeoutError:
            self.tell(f"No end of it after {within_s:.0f} seconds.")
        finally:
            self.is_watching = False
            self._console.print(self._thread(skip))
        self._draw_news(self.numbers)

    def _thread(self, skip: int) -> RenderableType:
        self.numbers = Numbers()
        return screen.thread(self._scene.slack, self.messages()[skip:], numbers=self.numbers)

    def tell(self, words: str) -> None:
        """Say something that is no part of the workspace."""
        self._console.print(Text(words), soft_wrap=True)

    def _draw_news(self, numbers: Numbers) -> None:
        """Draw what else came; what has buttons goes on with these numbers."""
        slack, print_ = self._scene.slack, self._console.print
        for shown in slack.workspace.ephemerals:
            if shown not in self._seen:
                self._seen.append(shown)
                self.numbers = numbers
                print_(screen.notice(slack, shown, numbers=numbers))
        for file in self._files():
            if file.file_id not in self._seen:
                self._seen.append(file.file_id)
                self._keep(file)
        glance = self.glance()
        if glance.home is not None and glance.home != self._home:
            self._home, self.numbers = glance.home, numbers
            print_(screen.home(slack, glance.home, numbers=numbers))
        view = glance.view
        if view is not None and (self.sheet is None or self.sheet.view != view):
            self.sheet = Sheet(view, slack=self._scene.slack)
            self._console.print(self.sheet)

    def _files(self) -> list[File]:
        """Return every file the bot sent the person."""
        channel = self._scene.channel_of(self.person, is_direct=True)
        messages = self._scene.slack.workspace.messages(channel)
        by_bot = (each for each in messages if each.user == self._scene.bot_user_id)
        return [file for message in by_bot for file in message.draft.files]

    def _keep(self, file: File) -> None:
        path = self._scene.folder / file.name
        path.write_bytes(file.content)
        self.tell(f"{file.name} came to your direct messages; look at it while this runs: {path}")


def _alike(before: tuple[Message, ...], now: tuple[Message, ...]) -> int | None:
    """Return how many messages a thread begins with as before; None when nothing is new in it."""
    if now == before:
        return None
    same = (old == new for old, new in zip(before, now, strict=False))
    return next((at for at, is_same in enumerate(same) if not is_same), min(len(before), len(now)))
