"""The bot on a stage: `demo` shows a conversation, `playground` lets people type one."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.rule import Rule

from bot import logs
from bot.hint import hint
from bot.keyboard import Keyboard
from bot.prompt import SLASH, Prompt
from bot.settings import Settings
from bot.stage import CHANNEL, Stage, stage


@dataclass(frozen=True, slots=True)
class Scene:
    """One part of the script.

    Attributes:
        title: What it shows.
        lines: What Ann types, as at the playground's prompt.
    """

    title: str
    lines: tuple[str, ...]


SCRIPT = (
    Scene(
        f"#{CHANNEL.name} · a new thread",
        ("How does the bot make sure that a message is answered only once?",),
    ),
    Scene(
        "the same thread: the session goes on",
        ("And what happens when the process is killed?",),
    ),
    Scene(
        "an admin sets something: no mention is needed in threads any more",
        ("/dashscope follow thread", "/say How do I start a new conversation?", "/dashscope undo"),
    ),
    Scene("a direct message", ("/dm", "Which settings do I need to run it?")),
)


async def show(settings: Settings, *, console: Console) -> None:
    """Run the script and say what to do next."""
    logs.configure("ERROR")
    async with stage(settings) as place:
        console.print(_introduction(place))
        await perform(place, SCRIPT, console=console)
        console.print(_what_next(place), highlight=False, soft_wrap=True)


async def perform(place: Stage, script: Sequence[Scene], *, console: Console) -> None:
    """Let Ann type a script, and draw what comes of it."""
    prompt = Prompt(place, console=console)
    for scene in script:
        console.print(Rule(scene.title, align="left", style="dim"))
        for line in scene.lines:
            if line.startswith(SLASH):
                console.print(f"> [b]{line}[/]", highlight=False)
            await prompt.take(line)


async def playground(settings: Settings, *, console: Console) -> None:
    """Let somebody type at the bot until end of input."""
    logs.configure("ERROR")
    async with stage(settings) as place:
        console.print(_introduction(place))
        console.print(hint(place), highlight=False, soft_wrap=True)
        prompt = Prompt(place, console=console)
        with Keyboard() as keyboard:
            while (line := await keyboard.line("… " if prompt.goes_on else "> ")) is not None:
                async with keyboard.heard_by(prompt.interject):
                    await prompt.take(line)
        console.line()


def _introduction(place: Stage) -> str:
    apps = (
        "Slack and DashScope are played here; the app answers from this project's docs."
        if place.apps_at
        else "Answers come from your DashScope app."
    )
    return f"\nThe real bot, in a Slack workspace at {place.slack.url}\n{apps}\n"


def _what_next(place: Stage) -> str:
    edits = place.slack.journal.count("chat.update", "ok")
    refused = sum(place.slack.meter.refused.values())
    answers = sum(not line.startswith(SLASH) and line != "/dm" for s in SCRIPT for line in s.lines)
    return (
        f"[dim]{answers} answers, {edits} edits, {refused} calls refused by Slack.[/]\n\n"
        "What next:\n"
        "  .venv/bin/dashscope-slack playground           ask it yourself, set it up yourself\n"
        "  .venv/bin/dashscope-slack manifest --socket    the app for your own workspace\n"
        "  README.md                                      how, in ten minutes\n"
        "  docs/admin.md                                  what its admins can set in Slack\n"
    )
