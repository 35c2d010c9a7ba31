"""The playground's prompt: asking, typing commands, pressing buttons, filling forms in."""

import re

from rich.console import Console

from bot import screen
from bot.playground.slack.blocks import Control
from bot.playground.slack.message import Ephemeral, Message
from bot.playground.slack.payload import RefusedError, as_object, as_text
from bot.sheet import Sheet
from bot.stage import CHANNEL, PEOPLE, SECOND_APP_ID, Stage
from bot.viewer import Viewer

SLASH = "/dashscope"
SILENCE_S = 2.0
"""A message nobody answers is known by it; an answer's placeholder comes sooner."""

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

    async def take(self, line: str) -> None:
        """Do what a line says, and draw all that comes of it."""
        said = line.strip()
        word, _, rest = said.partition(" ")
        press = _PRESS.fullmatch(said)
        sheet, pressable = self._viewer.sheet, self._viewer.pressable
        if sheet is not None:
            await self._fill(sheet, said=said)
        elif press and pressable:
            await self._press(pressable, number=int(press[1]), is_sure=bool(press["sure"]))
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
                viewer.tell(f"You are {viewer.person.display_name} now.")
            case _:
                viewer.tell(f"There is no {word} here. /new, /dm, /say, /as and {SLASH} there are.")

    # messages

    async def _ask(self, text: str) -> None:
        typed = self._tokens(text)
        said = typed if self._viewer.is_direct else self._scene.mentioned(typed)
        await self._viewer.watch(await self._write(said))

    async def _say(self, text: str) -> None:
        skip = await self._write(self._tokens(text) or "…")
        messages = self._viewer.messages
        try:
            await self._scene.slack.until(lambda: len(messages()) > skip + 1, timeout_s=SILENCE_S)
        except TimeoutError:
            self._viewer.tell("Nobody answered: the bot was not asked.")
            return
        await self._viewer.watch(skip)

    async def _write(self, text: str) -> int:
        """Write a message; return how many of its thread's were shown before."""
        viewer = self._viewer
        skip = len(viewer.messages())
        user, channel = viewer.person.user_id, viewer.channel
        root = viewer.thread[1] if viewer.thread else None
        ts = await self._scene.slack.say(user, channel, text, thread_ts=root)
        viewer.thread = (channel, root or ts)
        return skip

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

    async def _press(self, shown: Message | Ephemeral, *, number: int, is_sure: bool) -> None:
        viewer, slack = self._viewer, self._scene.slack
        found = dict(enumerate(screen.buttons(shown), start=1)).get(number)
        if found is None:
            viewer.tell(f"There is no button {number}.")
            return
        if (question := _question(found)) and not is_sure:
            viewer.tell(f"{question} `press {number} yes` goes on.")
            return
        before = viewer.glance()
        try:
            await slack.click(viewer.person.user_id, shown.channel_id, shown.ts, found.action_id)
        except ValueError:
            viewer.tell("That button is gone.")
            return
        await viewer.settle(before)

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


def _question(control: Control) -> str:
    """Return what Slack asks before a press counts; empty when it does not ask."""
    return as_text(as_object(as_object(control.element.get("confirm")).get("text")).get("text"))
