"""Apps that show what they know of a thread, on a clock that a test moves."""

import re
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig import APP_ID, Rig, a_slack, words

from bot.core import texts
from bot.core.question import AppKind
from bot.playground.dashscope.answers import Answers, Inquiry, Said
from bot.playground.dashscope.apps import App
from bot.playground.dashscope.journal import Entry
from bot.playground.dashscope.pace import Pace
from bot.playground.dashscope.server import DashScopeServer
from bot.playground.slack.limits import Limits

TELL, ASK = "my word is heliotrope", "what do I know?"
KNOWS, KNOWS_NOTHING = "It is heliotrope.", "I know no word."
HOUR_S = 3600.0
MINUTE_MS = 60_000
BY_HEART = re.compile(r"word is (\w+)")


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


def recite(inquiry: Inquiry) -> Said:
    """Say every prompt of the session so far."""
    return Said(" ".join([*(each.question for each in inquiry.history), inquiry.prompt]))


def recall(inquiry: Inquiry) -> Said:
    """Say the word that somebody said was theirs, in this session or in the prompt itself."""
    known = "\n".join([*(each.question for each in inquiry.history), inquiry.prompt])
    found = BY_HEART.findall(known)
    return Said(f"It is {found[-1]}." if found else "I know no word.")


@asynccontextmanager
async def servers(
    folder: Path,
    answers: Answers,
    *,
    kind: AppKind = AppKind.AGENT,
    clock: Clock | None = None,
    pace: Pace | None = None,
    limits: Limits | None = None,
) -> AsyncGenerator[Rig]:
    """Open servers with one app, whose sessions expire by the test's clock."""
    app = App(APP_ID, answers=answers, kind=kind)
    async with (
        a_slack(limits or Limits()) as slack,
        DashScopeServer([app], now=clock or Clock(), pace=pace) as dashscope,
    ):
        rig = Rig(slack, dashscope, f"sqlite+aiosqlite:///{folder}/bot.db")
        rig.changes = {"dashscope_app_kind": kind}
        yield rig


async def talk(rig: Rig, *questions: str, thread: str | None = None, turns: int = 0) -> str:
    """Ask one question after the other in one thread; return the thread."""
    for number, text in enumerate(questions, turns + 1):
        ts = await rig.ask(text, thread_ts=thread)
        thread = thread or ts
        await rig.finished(number)
    assert thread is not None
    return thread


def shown(rig: Rig, thread: str) -> list[str]:
    """Return what each reply in a thread shows."""
    return [words([message]) for message in rig.reply(thread)]


def noted(answer: str, phrase: texts.Phrase = texts.NEW_SESSION) -> str:
    """Return an answer as it is shown with a note under it."""
    return f"{answer}\n{phrase.en}"


def sent_session(entry: Entry) -> str | None:
    """Return the session a request named."""
    return entry.body["input"].get("session_id")


def alter_conversation(rig: Rig, **values: Any) -> None:
    """Change the only conversation in the database, behind the bot's back."""
    path = rig.database_url.partition(":///")[2]
    columns = ", ".join(f"{name} = {expression}" for name, expression in values.items())
    with closing(sqlite3.connect(path, timeout=10)) as database, database:
        changed = database.execute(f"UPDATE conversation SET {columns}")  # noqa: S608 - our own
        assert changed.rowcount == 1
