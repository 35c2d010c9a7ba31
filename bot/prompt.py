"""The playground's prompt: asking, typing commands, pressing buttons, filling forms in."""

import re
from dataclasses import dataclass, replace
from typing import Self

from rich.console import Console
from rich.text import Text

from bot import screen
from bot.playground.slack.blocks import Control
from bot.playground.slack.directory import File
from bot.playground.slack.message import Ephemeral, Message
from bot.playground.slack.payload import RefusedError, as_object, as_text
from bot.playground.slack.views import View
from bot.sheet import Sheet
from bot.stage import ANN, CHANNEL, PEOPLE, SECOND_APP_ID, Stage

SLASH = "/dashscope"
ANSWERED_WITHIN_S = 15.0
"""Longer than a test of an app may take, the longest a command does."""
SILENCE_S = 2.0
"""A message nobody answers is known by it; an answer's placeholder comes sooner."""

FOLLOWS_WITHIN_S = 5.0
"""A form that asks a service first takes seconds to be filled, and so does what one changes."""

_PRESS = re.compile(r"press\s+([0-9]{1,2})(?P<sure>\s+yes)?", re.IGNORECASE)
_NAME = re.compile(r"(?<!\w)@(\w+)")


def hint(scene: Stage) -> str:
    """Return what can be typed, in rich's markup."""
    second = _SECOND_APP.format(app_id=SECOND_APP_ID, base_url=scene.apps_at)
    return _HINT + (_MEMORY + second if scene.apps_at else "")


_HINT = """\
Ask about this bot, in English or Chinese, or try:

  [b]!help[/]            what else the app can do: break off, refuse, talk at length
  [b]/new[/]             start a new thread in the channel
  [b]/dm[/]              write direct messages
  [b]/say TEXT[/]        write without mentioning the bot
  [b]/dashscope help[/]  set the bot up, as its admins do in Slack
  [b]/as NAME[/]         be Ben, a member, or Li, an admin who reads Chinese; you are Ann, the owner
  Ctrl-D           leave
"""
_MEMORY = """
The app remembers people: [b]Hello, my name is Ann[/], then [b]/new[/] and [b]What is my name?[/]
"""
_SECOND_APP = """
A second app, a workflow that writes letters, waits to be added:

  [b]/dashscope apps add letters app_id={app_id} kind=workflow base_url={base_url}[/]
  [b]/dashscope app letters[/]
  [b]/dashscope params customer=Li sender=Ann[/]
"""


@dataclass(frozen=True, slots=True)
class _Screen:
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


class Prompt:
    """One terminal's place in the workspace.

    Args:
        scene: The workspace.
        console: Where what happens is drawn.
    """

    def __init__(self, scene: Stage, *, console: Console) -> None:
        self._scene = scene
        self._console = console
        self._person = ANN
        self._is_direct = False
        self._thread: tuple[str, str] | None = None
        self._sheet: Sheet | None = None
        self._pressable: Message | Ephemeral | None = None
        self._seen: list[Ephemeral | str] = []

    async def take(self, line: str) -> None:
        """Do what a line says, and draw all that comes of it."""
        said = line.strip()
        word, _, rest = said.partition(" ")
        press = _PRESS.fullmatch(said)
        if self._sheet is not None:
            await self._fill(self._sheet, said=said)
        elif press and self._pressable:
            await self._press(self._pressable, number=int(press[1]), is_sure=bool(press["sure"]))
        elif word == SLASH:
            await self._command(rest)
        elif word == "/say":
            await self._say(rest)
        elif word.startswith("/"):
            self._move(word, rest=rest.strip())
        elif said:
            await self._ask(said)

    # moving about

    def _move(self, word: str, *, rest: str) -> None:
        match word:
            case "/new":
                self._thread, self._is_direct = None, False
                self._tell(f"Your next question starts a new thread in #{CHANNEL.name}.")
            case "/dm":
                self._thread, self._is_direct = None, True
                self._tell("Your next question is a direct message.")
            case "/as" if rest.casefold() in PEOPLE:
                self._person, self._thread = PEOPLE[rest.casefold()], None
                self._tell(f"You are {self._person.display_name} now.")
            case _:
                self._tell(f"There is no {word} here. /new, /dm, /say, /as and {SLASH} there are.")

    # messages

    async def _ask(self, text: str) -> None:
        typed = self._tokens(text)
        said = typed if self._is_direct else self._scene.mentioned(typed)
        skip = await self._write(said)
        await self._watch(skip)

    async def _say(self, text: str) -> None:
        skip = await self._write(self._tokens(text) or "…")
        thread = self._scene.slack.thread
        place = self._place()
        try:
            await self._scene.slack.until(
                lambda: len(thread(*place)) > skip + 1, timeout_s=SILENCE_S
            )
        except TimeoutError:
            self._tell("Nobody answered: the bot was not asked.")
            return
        await self._watch(skip)

    async def _write(self, text: str) -> int:
        """Write a message; return how many of its thread's were shown before."""
        slack, person = self._scene.slack, self._person
        channel = self._scene.channel_of(person, is_direct=self._is_direct)
        root = self._thread[1] if self._thread else None
        skip = len(slack.thread(*self._thread)) if self._thread else 0
        ts = await slack.say(person.user_id, channel, text, thread_ts=root)
        self._thread = (channel, root or ts)
        return skip

    async def _watch(self, skip: int) -> None:
        within_s, slack, place = self._scene.answer_within_s, self._scene.slack, self._place()
        if not await screen.watch(
            slack, place, skip=skip, console=self._console, timeout_s=within_s
        ):
            self._tell(f"No end of it after {within_s:.0f} seconds.")
        newest = slack.thread(*place)[-1]
        if screen.buttons(newest):
            self._pressable = newest
        self._draw_news()

    def _place(self) -> tuple[str, str]:
        if self._thread is None:
            raise LookupError("nothing was written yet")
        return self._thread

    def _tokens(self, text: str) -> str:
        """Return what was typed with Slack's ids in the place of people's names."""
        ids = {user.name: user.user_id for user in self._scene.slack.workspace.users.values()}
        return _NAME.sub(
            lambda name: f"<@{ids[name[1].casefold()]}>" if name[1].casefold() in ids else name[0],
            text,
        )

    # commands and buttons

    async def _command(self, text: str) -> None:
        before = self._state()
        channel = self._scene.channel_of(self._person, is_direct=self._is_direct)
        await self._scene.slack.command(self._person.user_id, channel, self._tokens(text))
        await self._settle(before)

    async def _press(self, shown: Message | Ephemeral, *, number: int, is_sure: bool) -> None:
        found = dict(enumerate(screen.buttons(shown), start=1)).get(number)
        if found is None:
            self._tell(f"There is no button {number}.")
            return
        if (question := _question(found)) and not is_sure:
            self._tell(f"{question} `press {number} yes` goes on.")
            return
        before = self._state()
        person, slack = self._person.user_id, self._scene.slack
        try:
            await slack.click(person, shown.channel_id, shown.ts, found.action_id)
        except ValueError:
            self._tell("That button is gone.")
            return
        await self._settle(before)

    # forms

    async def _fill(self, sheet: Sheet, *, said: str) -> None:
        match said.casefold():
            case "":
                return
            case "cancel":
                await self._scene.slack.people.close_view(sheet.view)
                self._sheet = None
                self._tell("The form is closed; nothing was sent.")
            case "submit" if sheet.can_be_sent:
                await self._submit(sheet)
            case _:
                self._enter(sheet, line=said)

    def _enter(self, sheet: Sheet, *, line: str) -> None:
        try:
            name = sheet.write(line)
        except ValueError as error:
            self._tell(str(error))
        else:
            self._console.print(sheet.entry(name))

    async def _submit(self, sheet: Sheet) -> None:
        before = self._state()
        try:
            delivery = await self._scene.slack.people.submit(sheet.view, sheet.given)
        except (ValueError, RefusedError) as error:
            self._tell(f"Slack does not let you send it: {error}.")
            return
        sheet.errors = as_object(delivery.answer.get("errors"))
        if sheet.errors:
            for name in sheet.errors:
                self._console.print(sheet.entry(name))
            return
        self._sheet = None
        await self._settle(before)

    # what comes of it

    async def _settle(self, before: "_Screen") -> None:
        """Wait until something came and no more does, and draw it."""
        slack = self._scene.slack
        try:
            await slack.until(lambda: self._state() != before, timeout_s=ANSWERED_WITHIN_S)
        except TimeoutError:
            self._tell(f"Nothing came of it within {ANSWERED_WITHIN_S:.0f} seconds.")
            return
        for _ in range(round(ANSWERED_WITHIN_S / screen.SETTLED_S)):
            now = self._state()
            quiet_s = FOLLOWS_WITHIN_S if now.is_on_the_way(before) else screen.SETTLED_S
            try:
                await slack.until(lambda last=now: self._state() != last, timeout_s=quiet_s)
            except TimeoutError:
                break
        skip = _alike(before.thread, self._state().thread)
        if skip is None:
            self._draw_news()
        else:
            await self._watch(skip)

    def _state(self) -> "_Screen":
        return _Screen(
            notices=tuple(self._scene.slack.workspace.ephemerals),
            view=self._form(),
            files=len(self._files()),
            thread=self._scene.slack.thread(*self._thread) if self._thread else (),
        )

    def _form(self) -> View | None:
        return self._scene.form_of(self._person)

    def _draw_news(self) -> None:
        for shown in self._scene.slack.workspace.ephemerals:
            if shown not in self._seen:
                self._seen.append(shown)
                self._console.print(screen.notice(self._scene.slack, shown))
                if screen.buttons(shown):
                    self._pressable = shown
        for file in self._files():
            if file.file_id not in self._seen:
                self._seen.append(file.file_id)
                self._keep(file)
        view = self._form()
        if view is not None and (self._sheet is None or self._sheet.view != view):
            self._sheet = Sheet(view, slack=self._scene.slack)
            self._console.print(self._sheet)

    def _files(self) -> list[File]:
        """Return every file the bot sent the person."""
        workspace = self._scene.slack.workspace
        channel = self._scene.channel_of(self._person, is_direct=True)
        return [file for message in workspace.messages(channel) for file in message.draft.files]

    def _keep(self, file: File) -> None:
        path = self._scene.folder / file.name
        path.write_bytes(file.content)
        self._tell(f"{file.name} came to your direct messages; look at it while this runs: {path}")

    def _tell(self, words: str) -> None:
        self._console.print(Text(words), soft_wrap=True)


def _alike(before: tuple[Message, ...], now: tuple[Message, ...]) -> int | None:
    """Return how many messages a thread begins with as before; None when nothing is new in it."""
    if now == before:
        return None
    same = (old == new for old, new in zip(before, now, strict=False))
    return next((at for at, is_same in enumerate(same) if not is_same), min(len(before), len(now)))


def _question(control: Control) -> str:
    """Return what Slack asks before a press counts; empty when it does not ask."""
    return as_text(as_object(as_object(control.element.get("confirm")).get("text")).get("text"))
