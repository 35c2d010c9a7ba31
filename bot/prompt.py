"""The playground's prompt: asking, typing commands, pressing buttons, filling forms in."""

import mimetypes
import re
import shlex
from pathlib import Path
from uuid import uuid4

from rich.console import Console

from bot.hint import hint
from bot.playground.slack.blocks import Control
from bot.playground.slack.directory import File
from bot.playground.slack.message import Message
from bot.playground.slack.payload import RefusedError, as_object, as_text
from bot.playground.slack.views import View
from bot.screen import Numbers, Shown
from bot.sheet import Sheet
from bot.stage import CHANNEL, PEOPLE, Stage
from bot.viewer import Viewer

SLASH = "/dashscope"
SILENCE_S = 5.0
"""What follows an edit comes sooner; after that, nothing does."""
GOES_ON = "\\"
"""At the end of a line: its message goes on in the next one."""

_PRESS = re.compile(r"press\s+([0-9]{1,2})(?P<sure>\s+yes)?", re.IGNORECASE)
_NAME = re.compile(r"(?<!\w)@(\w+)")


class Prompt:
    """Takes lines and does what they say.

    Args:
        scene: The workspace.
        console: Where what happens is drawn.
    """

    def __init__(self, scene: Stage, *, console: Console) -> None:
        self._scene = scene
        self._console = console
        self._viewer = Viewer(scene, console=console)
        self._attached: list[File] = []
        self._begun = ""

    @property
    def goes_on(self) -> bool:
        """Whether the next line belongs to the last one."""
        return bool(self._begun)

    async def take(self, line: str) -> None:
        """Do what a line says, and draw all that comes of it."""
        said = (self._begun + line).strip()
        self._begun = ""
        if said.endswith(GOES_ON):
            self._begun = said.removesuffix(GOES_ON).rstrip() + "\n"
        elif self._viewer.sheet is not None:
            await self._fill(self._viewer.sheet, said=said)
        elif press := _PRESS.fullmatch(said):
            before = self._viewer.glance()
            if await self._press(press):
                await self._viewer.settle(before)
        elif said:
            self._viewer.is_home = False
            await self._do(said)

    async def interject(self, line: str) -> bool:
        """Do what a line says while an answer grows, if it is about that answer.

        Returns:
            Whether it is; any other line must wait.
        """
        viewer, (word, rest) = self._viewer, _split(line)
        press = _PRESS.fullmatch(line.strip())
        is_button = press is not None and int(press[1]) in viewer.numbers.buttons
        if not viewer.is_watching or not (is_button or word in {"/edit", "/delete"}):
            return False
        viewer.tell(f"> {line}")
        if press:
            await self._press(press)
        elif word == "/edit":
            await self._edit(rest)
        else:
            await self._delete()
        return True

    async def _do(self, said: str) -> None:
        word, rest = _split(said)
        match word:
            case _ if word == SLASH:
                await self._command(rest)
            case "/say":
                await self._say(rest)
            case "/edit":
                if await self._edit(rest):
                    await self._viewer.settle(self._viewer.glance(), within_s=SILENCE_S)
            case "/delete":
                if await self._delete():
                    self._viewer.tell("Your message is deleted.")
            case "/attach":
                self._attach(rest)
            case "/home":
                await self._viewer.open_home()
            case _ if word.startswith("/") or word == "?":
                self._move(word, rest=rest)
            case _:
                await self._ask(said)

    # moving about

    def _move(self, word: str, *, rest: str) -> None:
        viewer = self._viewer
        match word:
            case "/new":
                viewer.thread, viewer.is_direct = None, False
                viewer.tell(f"Your next question starts a new thread in #{CHANNEL.name}.")
            case "/dm":
                viewer.thread, viewer.is_direct = None, True
                viewer.tell("Your next question is a direct message.")
            case "/as" if rest.casefold() in PEOPLE:
                viewer.person, viewer.thread = PEOPLE[rest.casefold()], None
                viewer.numbers = Numbers()
                viewer.tell(f"You are {viewer.person.display_name} now.")
            case "/as":
                viewer.tell(f"Type /as and one of {', '.join(PEOPLE)}.")
            case "/help" | "?":
                self._console.print(hint(self._scene), highlight=False, soft_wrap=True)
            case _:
                viewer.tell(f"There is no {word} here; /help lists what there is.")

    # messages

    async def _ask(self, text: str) -> None:
        typed = self._tokens(text)
        said = typed if self._viewer.is_direct else self._scene.mentioned(typed)
        await self._viewer.watch(await self._write(said))

    async def _say(self, text: str) -> None:
        skip = await self._write(self._tokens(text) or "…")
        if await self._viewer.is_answered(skip):
            await self._viewer.watch(skip)
        else:
            self._viewer.tell("Nobody answered: the bot was not asked.")

    async def _write(self, text: str) -> int:
        """Write a message; return how many of its thread's were shown before."""
        viewer = self._viewer
        skip = len(viewer.messages())
        user, channel = viewer.person.user_id, viewer.channel
        root = viewer.thread[1] if viewer.thread else None
        files, self._attached = self._attached, []
        ts = await self._scene.slack.say(user, channel, text, thread_ts=root, files=files)
        viewer.thread = (channel, root or ts)
        return skip

    async def _edit(self, text: str) -> bool:
        """Change what the person wrote last; return whether there was something to change."""
        written = self._written()
        if written is None or not text:
            self._viewer.tell("Type /edit and the new words, after a question.")
            return False
        said, slack = self._tokens(text), self._scene.slack
        if written.text.startswith(self._scene.mentioned("").strip()):
            said = self._scene.mentioned(said)
        await slack.edit(written.user, written.channel_id, written.ts, said)
        return True

    async def _delete(self) -> bool:
        """Delete what the person wrote last; return whether there was something to delete."""
        written = self._written()
        if written is None:
            self._viewer.tell("There is no message of yours here.")
            return False
        await self._scene.slack.delete(written.user, written.channel_id, written.ts)
        return True

    def _written(self) -> Message | None:
        """Return what the person wrote last, in the thread they look at."""
        person = self._viewer.person.user_id
        messages = reversed(self._viewer.messages())
        return next((message for message in messages if message.user == person), None)

    def _attach(self, names: str) -> None:
        try:
            paths = [Path(name).expanduser() for name in shlex.split(names)]
            files = [_file(path, user_id=self._viewer.person.user_id) for path in paths]
        except OSError as error:
            self._viewer.tell(f"{error.filename}: {error.strerror}")
        except ValueError as error:
            self._viewer.tell(f"These are no names of files: {error}")
        else:
            self._attached += files
            attached = ", ".join(file.name for file in self._attached) or "Nothing"
            self._viewer.tell(f"{attached} will go with your next question.")

    def _tokens(self, text: str) -> str:
        """Return what was typed with Slack's ids in the place of people's names."""
        ids = {user.name: user.user_id for user in self._scene.slack.workspace.users.values()}
        return _NAME.sub(
            lambda name: f"<@{ids[name[1].casefold()]}>" if name[1].casefold() in ids else name[0],
            text,
        )

    # commands and buttons

    async def _command(self, text: str) -> None:
        viewer, slack = self._viewer, self._scene.slack
        before = viewer.glance()
        await slack.command(viewer.person.user_id, viewer.channel, self._tokens(text))
        await viewer.settle(before)

    async def _press(self, wanted: re.Match[str]) -> bool:
        """Press one of the buttons that were drawn last; return whether that was done."""
        number, is_sure = int(wanted[1]), bool(wanted["sure"])
        shown, control = self._viewer.numbers.buttons.get(number, (None, None))
        if shown is None or control is None:
            self._viewer.tell(f"There is no button {number} in what was shown last.")
            return False
        if (question := _question(control)) and not is_sure:
            self._viewer.tell(f"{question} `press {number} yes` goes on.")
            return False
        try:
            await self._click(shown, control.action_id)
        except ValueError:
            self._viewer.tell("That button is gone.")
            return False
        return True

    async def _click(self, shown: Shown, action_id: str) -> None:
        people = self._scene.slack.people
        if isinstance(shown, View):
            await people.click_view(shown, action_id)
        else:
            user = self._viewer.person.user_id
            await people.click(user, shown.channel_id, shown.ts, action_id)

    # forms

    async def _fill(self, sheet: Sheet, *, said: str) -> None:
        match said.casefold():
            case "":
                return
            case "cancel":
                await self._scene.slack.people.close_view(sheet.view)
                self._viewer.sheet = None
                self._viewer.tell("The form is closed; nothing was sent.")
            case "submit" if sheet.can_be_sent:
                await self._submit(sheet)
            case _:
                self._enter(sheet, line=said)

    def _enter(self, sheet: Sheet, *, line: str) -> None:
        try:
            name = sheet.write(line)
        except ValueError as error:
            self._viewer.tell(str(error))
        else:
            self._console.print(sheet.entry(name))

    async def _submit(self, sheet: Sheet) -> None:
        before = self._viewer.glance()
        try:
            delivery = await self._scene.slack.people.submit(sheet.view, sheet.given)
        except (ValueError, RefusedError) as error:
            self._viewer.tell(f"Slack does not let you send it: {error}.")
            return
        sheet.errors = as_object(delivery.answer.get("errors"))
        if sheet.errors:
            for name in sheet.errors:
                self._console.print(sheet.entry(name))
            return
        self._viewer.sheet = None
        await self._viewer.settle(before)


def _split(said: str) -> tuple[str, str]:
    """Return the first word of a line, and the rest."""
    word, *rest = said.split(maxsplit=1) or [""]
    return word, "".join(rest)


def _file(path: Path, *, user_id: str) -> File:
    """Return a file of this computer as Slack has it once it is uploaded.

    Raises:
        OSError: It cannot be read.
    """
    kind, _ = mimetypes.guess_type(path.name)
    return File(
        f"F{uuid4().hex[:10].upper()}",
        name=path.name,
        content=path.read_bytes(),
        mimetype=kind or "application/octet-stream",
        user_id=user_id,
    )


def _question(control: Control) -> str:
    """Return what Slack asks before a press counts; empty when it does not ask."""
    return as_text(as_object(as_object(control.element.get("confirm")).get("text")).get("text"))
