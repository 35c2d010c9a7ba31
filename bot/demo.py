"""The bot on a stage of its own: `demo` shows a conversation, `playground` lets people type one.

Slack is the playground's; so is DashScope, unless a key and an app of the real one are set. The bot
is the one that `run` starts.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markdown import Markdown
from rich.padding import Padding
from rich.rule import Rule
from rich.text import Text

from bot import app, logs
from bot.playground.dashscope.apps import guide_app
from bot.playground.dashscope.library import Library
from bot.playground.dashscope.pace import Pace
from bot.playground.dashscope.server import PLAYGROUND_KEY, DashScopeServer
from bot.playground.slack.directory import Channel, User
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import Message, visible_text
from bot.playground.slack.server import SlackServer
from bot.playground.slack.workspace import Workspace
from bot.settings import Settings

READER = User("U0ANN", name="ann", real_name="Ann", display_name="Ann")
CHANNEL = Channel("C0GENERAL", name="general", members=frozenset({"U0ANN", "U0BOT"}))
ANSWER_WITHIN_S = 120.0
PACE = Pace(chars_per_s=180, first_token_s=0.7)
SLACK_LATENCY_S = 0.1
APP_ID = "project-guide"


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
    """

    slack: SlackServer
    is_real: bool

    async def ask(self, text: str, *, thread_ts: str | None, is_direct: bool) -> tuple[str, str]:
        """Let Ann ask; return channel and thread of the answer."""
        bot_id = self.slack.workspace.app.bot_user_id
        if is_direct:
            channel = self.slack.workspace.dm(READER.user_id, bot_id).channel_id
        else:
            channel, text = CHANNEL.channel_id, f"<@{bot_id}> {text}"
        ts = await self.slack.say(READER.user_id, channel, text, thread_ts=thread_ts)
        return channel, thread_ts or ts

    def is_answered(self, channel: str, thread_ts: str) -> bool:
        """Tell whether the last message of a thread is an answer that grows no more."""
        last = self.slack.thread(channel, thread_ts)[-1]
        growing = any(block["type"] == "actions" for block in last.blocks)
        return last.user == self.slack.workspace.app.bot_user_id and not growing


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
        yield Stage(slack, is_real)


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
            await _watch(scene, *place, skip=len(earlier), console=console)
        console.print(_what_next(scene))


async def playground(settings: Settings, *, console: Console) -> None:
    """Let somebody type at the bot until end of input."""
    logs.configure("ERROR")
    async with stage(settings) as scene:
        console.print(_introduction(scene))
        console.print(
            "Type a question; [b]/new[/] starts a new thread, [b]/dm[/] goes to direct messages, "
            "[b]!help[/] lists bad days to try, end with Ctrl-D.\n"
        )
        await _converse(scene, console=console)


async def _converse(scene: Stage, *, console: Console) -> None:
    place: tuple[str, str] | None = None
    is_direct = False
    while (text := await _read_line()) is not None:
        match text.strip():
            case "":
                continue
            case "/new":
                place = None
            case "/dm":
                place, is_direct = None, True
            case said:
                skip = len(scene.slack.thread(*place)) if place else 0
                place = await scene.ask(
                    said, thread_ts=place[1] if place else None, is_direct=is_direct
                )
                await _watch(scene, *place, skip=skip, console=console)


async def _read_line() -> str | None:
    """Read a line without holding the loop up; None at the end of input."""
    sys.stdout.write("> ")
    sys.stdout.flush()
    line = await asyncio.to_thread(sys.stdin.readline)
    return line or None


async def _watch(
    scene: Stage, channel: str, thread_ts: str, *, skip: int, console: Console
) -> None:
    """Show a thread while its answer grows, without its first `skip` messages."""

    def shown() -> RenderableType:
        return Group(
            *(_drawn(scene, message) for message in scene.slack.thread(channel, thread_ts)[skip:])
        )

    with Live(
        get_renderable=shown, console=console, refresh_per_second=12, vertical_overflow="visible"
    ):
        await scene.slack.until(
            lambda: scene.is_answered(channel, thread_ts), timeout_s=ANSWER_WITHIN_S
        )
    if not console.is_terminal:
        console.line()  # there the last picture is printed without its line end


def _drawn(scene: Stage, message: Message) -> RenderableType:
    """Draw one message as a reader sees it."""
    user = scene.slack.workspace.users[message.user]
    name = Text(
        user.display_name or user.name, style="bold magenta" if user.is_bot else "bold cyan"
    )
    words = visible_text(message).replace(
        f"<@{scene.slack.workspace.app.bot_user_id}>", "@dashscope"
    )
    return Group(name, Padding(Markdown(words), (0, 0, 1, 2)))


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
        "  .venv/bin/dashscope-slack playground   ask it yourself\n"
        "  .venv/bin/dashscope-slack manifest --socket   the Slack app for your own workspace\n"
        "  README.md   from nothing to a bot in your workspace in ten minutes\n"
    )
