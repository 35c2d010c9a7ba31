"""What the playground shows one person: waited for, and drawn as it comes."""

from dataclasses import dataclass, replace
from typing import Self

from rich.console import Console
from rich.text import Text

from bot import screen
from bot.playground.slack.directory import File
from bot.playground.slack.message import Ephemeral, Message
from bot.playground.slack.views import View
from bot.sheet import Sheet
from bot.stage import ANN, Stage

ANSWERED_WITHIN_S = 15.0
"""Longer than a test of an app may take, the longest a command does."""
FOLLOWS_WITHIN_S = 5.0
"""A form that asks a service first takes seconds to be filled, and so does what one changes."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What may change on somebody's screen."""

    notices: tuple[Ephemeral, ...]
    view: View | None
    files: int
    thread: tuple[Message, ...]

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
        pressable: The newest that was drawn with buttons.
    """

    def __init__(self, scene: Stage, *, console: Console) -> None:
        self.person = ANN
        self.is_direct = False
        self.thread: tuple[str, str] | None = None
        self.sheet: Sheet | None = None
        self.pressable: Message | Ephemeral | None = None
        self._scene = scene
        self._console = console
        self._seen: list[Ephemeral | str] = []

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
            view=self._form(),
            files=len(self._files()),
            thread=self.messages(),
        )

    async def settle(self, before: Glance) -> None:
        """Wait until something came and no more does, and draw it."""
        slack = self._scene.slack
        try:
            await slack.until(lambda: self.glance() != before, timeout_s=ANSWERED_WITHIN_S)
        except TimeoutError:
            self.tell(f"Nothing came of it within {ANSWERED_WITHIN_S:.0f} seconds.")
            return
        for _ in range(round(ANSWERED_WITHIN_S / screen.SETTLED_S)):
            now = self.glance()
            quiet_s = FOLLOWS_WITHIN_S if now.is_on_the_way(before) else screen.SETTLED_S
            try:
                await slack.until(lambda last=now: self.glance() != last, timeout_s=quiet_s)
            except TimeoutError:
                break
        skip = _alike(before.thread, self.messages())
        if skip is None:
            self._draw_news()
        else:
            await self.watch(skip)

    async def watch(self, skip: int) -> None:
        """Draw the thread until it is answered, but for its first messages, and what else came."""
        if self.thread is None:
            raise LookupError("nothing was written yet")
        within_s, slack = self._scene.answer_within_s, self._scene.slack
        if not await screen.watch(
            slack, self.thread, skip=skip, console=self._console, timeout_s=within_s
        ):
            self.tell(f"No end of it after {within_s:.0f} seconds.")
        newest = self.messages()[-1]
        if screen.buttons(newest):
            self.pressable = newest
        self._draw_news()

    def tell(self, words: str) -> None:
        """Say something that is no part of the workspace."""
        self._console.print(Text(words), soft_wrap=True)

    def _form(self) -> View | None:
        return self._scene.form_of(self.person)

    def _draw_news(self) -> None:
        for shown in self._scene.slack.workspace.ephemerals:
            if shown not in self._seen:
                self._seen.append(shown)
                self._console.print(screen.notice(self._scene.slack, shown))
                if screen.buttons(shown):
                    self.pressable = shown
        for file in self._files():
            if file.file_id not in self._seen:
                self._seen.append(file.file_id)
                self._keep(file)
        view = self._form()
        if view is not None and (self.sheet is None or self.sheet.view != view):
            self.sheet = Sheet(view, slack=self._scene.slack)
            self._console.print(self.sheet)

    def _files(self) -> list[File]:
        """Return every file the bot sent the person."""
        workspace = self._scene.slack.workspace
        channel = self._scene.channel_of(self.person, is_direct=True)
        return [file for message in workspace.messages(channel) for file in message.draft.files]

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
