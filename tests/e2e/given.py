"""What tests of settings begin with, and how they read what was asked."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from desk import ADA, TEAM, Desk
from rig import ANN, PUBLIC, Rig, a_slack, turns_of, words

from bot.playground.dashscope.apps import App
from bot.playground.dashscope.journal import Entry
from bot.playground.dashscope.server import DashScopeServer
from bot.playground.slack.limits import Limits
from storage import schema
from storage.database import Storage

UNLIMITED = Limits(is_enforced=False)
"""Admins who type faster than any person would not wait for Slack; the bot's own pace stays."""


@asynccontextmanager
async def several_apps(folder: Path, *apps: App) -> AsyncGenerator[Rig]:
    """Open both servers; the default app is the one with the id of the rig's."""
    async with a_slack(UNLIMITED) as slack, DashScopeServer(apps) as dashscope:
        yield Rig(slack, dashscope, f"sqlite+aiosqlite:///{folder}/bot.db")


async def store(rig: Rig, scope: str, **values: object) -> None:
    """Store settings before any bot runs, as no command would."""
    await schema.upgrade(rig.database_url)
    async with Storage(rig.database_url) as storage:
        await storage.settings.change(TEAM, scope, values=values, expected_version=0, by=ADA)


async def told(
    rig: Rig, text: str, *, user: str = ANN, channel: str = PUBLIC, thread_ts: str | None = None
) -> str:
    """Let somebody ask, and return what the bot has said in that thread by then."""
    done = sum(map(turns_of, rig.bots))
    ts = await rig.ask(text, channel=channel, user=user, thread_ts=thread_ts)
    await rig.finished(done + 1)
    return words(rig.reply(thread_ts or ts, channel=channel))


async def begun(rig: Rig, *, channel: str = PUBLIC) -> str:
    """Begin a thread with the bot and return it."""
    thread = await rig.ask("begun", channel=channel)
    await rig.finished(sum(map(turns_of, rig.bots)) + 1)
    return thread


async def register(desk: Desk, name: str, *, app_id: str, **fields: str) -> None:
    """Add an app that is asked with the bot's own key."""
    given = {"kind": "agent", "base_url": desk.rig.dashscope.base_url, **fields}
    typed = " ".join(f"{field}={value}" for field, value in given.items())
    await desk.say(f"apps add {name} app_id={app_id} {typed}")
    assert (await desk.app(name)).app_id == app_id


def asked_of(rig: Rig) -> list[str]:
    """Return the id of the app of each request, in order."""
    return [entry.app_id for entry in rig.asked()]


def input_of(entry: Entry) -> Mapping[str, Any]:
    """Return what stands in `input`."""
    return entry.body["input"]


def parameters_of(entry: Entry) -> Mapping[str, Any]:
    """Return what stands in `parameters`."""
    return entry.body["parameters"]
