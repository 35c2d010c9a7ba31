"""The bot on a stage of its own: `demo` shows a conversation, `playground` lets people type one.

Slack is the playground's; so is DashScope, unless a key and an app of the real one are set. The bot
is the one that `run` starts.
"""

import asyncio
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr
from rich.console import Console
from rich.rule import Rule

from bot import app, logs, screen
from bot.playground.dashscope.apps import guide_app
from bot.playground.dashscope.library import Library
from bot.playground.dashscope.pace import Pace
from bot.playground.dashscope.server import PLAYGROUND_KEY, DashScopeServer
from bot.playground.slack.directory import Channel, User
from bot.playground.slack.limits import Limits
from bot.playground.slack.server import SlackServer
from bot.playground.slack.workspace import Workspace
from bot.settings import Settings

READER = User("U0ANN", name="ann", real_name="Ann", display_name="Ann")
CHANNEL = Channel("C0GENERAL", name="general", members=frozenset({"U0ANN", "U0BOT"}))
PATIENCE_S = 60.0
"""Longer than ANSWER_TIMEOUT_S: waiting for a permit comes on top."""
PACE = Pace(chars_per_s=180, first_token_s=0.7)
SLACK_LATENCY_S = 0.1
APP_ID = "project-guide"
HINT = """\
Ask about this bot, in English or Chinese, or try:

  [b]!help[/]    what else the app can do: break off, refuse, talk at length
  [b]/new[/]     start a new thread in the channel
  [b]/dm[/]      write direct messages
  Ctrl-D   leave
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the script.

    Attributes:
        text: What Ann asks.
        where: A new thread in the channel, the thread before, or direct messages.
    """

    text: str
    where: str


SCRIPT = (
    Line("How does the bot make sure that a message is answered only once?", "channel"),
    Line("And what happens when the process is killed?", "same thread"),
    Line("Which settings do I need to run it?", "direct message"),
)


@dataclass(frozen=True, slots=True)
class Stage:
    """A workspace with the bot in it.

    Attributes:
        slack: The workspace.
        is_real: Whether the answers come from the real DashScope.
        answer_within_s: So long an answer may take.
    """

    slack: SlackServer
    is_real: bool
    answer_within_s: float

    async def ask(self, text: str, *, thread_ts: str | None, is_direct: bool) -> tuple[str, str]:
        """Let Ann ask; return channel and thread of the answer."""
        bot_id = self.slack.workspace.app.bot_user_id
        if is_direct:
            channel = self.slack.workspace.dm(READER.user_id, bot_id).channel_id
        else:
            channel, text = CHANNEL.channel_id, f"<@{bot_id}> {text}"
        ts = await self.slack.say(READER.user_id, channel, text, thread_ts=thread_ts)
        return channel, thread_ts or ts


@asynccontextmanager
async def stage(settings: Settings) -> AsyncGenerator[Stage]:
    """Open servers and bot; everything is gone afterwards.

    Args:
        settings: Only DashScope's are used, when a key and an app are among them.
    """
    is_real = settings.dashscope_api_key is not None and settings.dashscope_app_id is not None
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="dashscope-slack-"))
        workspace = Workspace()
        workspace.add_user(READER)
        workspace.add_channel(CHANNEL)
        slack = await stack.enter_async_context(
            SlackServer(workspace, limits=Limits(latency_s=SLACK_LATENCY_S))
        )
        if not is_real:
            guide = guide_app(APP_ID, library=Library.of_project())
            dashscope = await stack.enter_async_context(DashScopeServer([guide], pace=PACE))
            settings = _pointed_at(dashscope, settings=settings)
        bot = await stack.enter_async_context(
            app.running(_pointed_at_slack(slack, settings=settings, folder=Path(folder)))
        )
        slack.deliver_to(f"{bot.address}/slack/events")
        yield Stage(slack, is_real, answer_within_s=settings.answer_timeout_s + PATIENCE_S)


def _pointed_at(dashscope: DashScopeServer, *, settings: Settings) -> Settings:
    return settings.model_copy(
        update={
            "dashscope_api_key": SecretStr(PLAYGROUND_KEY),
            "dashscope_base_url": dashscope.base_url,
            "dashscope_app_id": APP_ID,
            "dashscope_workspace": "",
        }
    )


def _pointed_at_slack(slack: SlackServer, *, settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(
        update={
            "slack_bot_token": SecretStr(slack.bot_token),
            "slack_signing_secret": SecretStr(slack.signing_secret),
            "slack_app_token": None,
            "slack_api_url": slack.api_url,
            "database_url": f"sqlite+aiosqlite:///{folder}/bot.db",
            "host": "127.0.0.1",
            "port": 0,
            "grace_s": 1.0,
        }
    )


async def show(settings: Settings, *, console: Console) -> None:
    """Run the script and say what to do next."""
    logs.configure("ERROR")
    async with stage(settings) as scene:
        console.print(_introduction(scene))
        place = ("", "")
        for line in SCRIPT:
            console.print(Rule(_title(line), align="left", style="dim"))
            earlier = scene.slack.thread(*place) if line.where == "same thread" else ()
            place = await scene.ask(
                line.text,
                thread_ts=place[1] if earlier else None,
                is_direct=line.where == "direct message",
            )
            await _watch(scene, place, skip=len(earlier), console=console)
        console.print(_what_next(scene), highlight=False, soft_wrap=True)


async def playground(settings: Settings, *, console: Console) -> None:
    """Let somebody type at the bot until end of input."""
    logs.configure("ERROR")
    async with stage(settings) as scene:
        console.print(_introduction(scene))
        console.print(HINT, highlight=False)
        await _converse(scene, console=console)


async def _converse(scene: Stage, *, console: Console) -> None:
    place: tuple[str, str] | None = None
    is_direct = False
    async for line in _lines():
        match line.strip():
            case "":
                continue
            case "/new":
                place, is_direct = None, False
                console.print("Your next question starts a new thread in #general.")
            case "/dm":
                place, is_direct = None, True
                console.print("Your next question is a direct message.")
            case said:
                skip = len(scene.slack.thread(*place)) if place else 0
                place = await scene.ask(
                    said, thread_ts=place[1] if place else None, is_direct=is_direct
                )
                await _watch(scene, place, skip=skip, console=console)
    console.line()


async def _lines() -> AsyncIterator[str]:
    """Ask for lines and yield them until the end of input, without holding the loop up.

    The thread that reads is abandoned at Ctrl-C: nothing else can end a read from a terminal. It
    reads without a buffer, because a buffer's lock would hold the interpreter's end up.
    """
    loop = asyncio.get_running_loop()
    while True:
        sys.stdout.write("> ")
        sys.stdout.flush()
        read: asyncio.Future[bytes] = loop.create_future()
        threading.Thread(target=_read_line, args=(loop, read), daemon=True).start()
        line = await read
        if not line:
            return
        yield line.decode(errors="replace")


def _read_line(loop: asyncio.AbstractEventLoop, read: "asyncio.Future[bytes]") -> None:
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as stdin:
        line = stdin.readline()
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(_tell, read, line)


def _tell(read: "asyncio.Future[bytes]", line: bytes) -> None:
    if not read.done():
        read.set_result(line)


async def _watch(scene: Stage, place: tuple[str, str], *, skip: int, console: Console) -> None:
    within_s = scene.answer_within_s
    if not await screen.watch(scene.slack, place, skip=skip, console=console, timeout_s=within_s):
        console.print(f"No end of it after {within_s:.0f} seconds.")


def _title(line: Line) -> str:
    match line.where:
        case "channel":
            return f"#{CHANNEL.name} · a new thread"
        case "direct message":
            return "a direct message"
        case _:
            return "the same thread: the session goes on"


def _introduction(scene: Stage) -> str:
    apps = (
        "Answers come from your DashScope app."
        if scene.is_real
        else "Slack and DashScope are played here; the app answers from this project's docs."
    )
    return f"\nThe real bot, in a Slack workspace at {scene.slack.url}.\n{apps}\n"


def _what_next(scene: Stage) -> str:
    edits = scene.slack.journal.count("chat.update", "ok")
    refused = sum(scene.slack.meter.refused.values())
    return (
        f"[dim]{len(SCRIPT)} answers, {edits} edits, {refused} calls refused by Slack.[/]\n\n"
        "What next:\n"
        "  .venv/bin/dashscope-slack playground           ask it yourself\n"
        "  .venv/bin/dashscope-slack manifest --socket    the app for your own workspace\n"
        "  README.md                                      how, in ten minutes\n"
    )
