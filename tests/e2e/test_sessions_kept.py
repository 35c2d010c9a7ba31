"""A thread goes on with its DashScope session as long as there is one, and says so when not."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rig import APP_ID, Rig, a_workspace, words

from bot.core import texts
from bot.core.question import AppKind
from bot.playground.dashscope.answers import Inquiry, Said
from bot.playground.dashscope.apps import App
from bot.playground.dashscope.faults import Cut, ErrorEvent, Fault
from bot.playground.dashscope.gateway import LostSession
from bot.playground.dashscope.journal import Entry
from bot.playground.dashscope.refusals import NAMED
from bot.playground.dashscope.server import DashScopeServer
from bot.playground.slack.server import SlackServer

HOUR_S = 3600.0
MINUTE_MS = 60_000


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now_s: float = 1000.0

    def __call__(self) -> float:
        return self.now_s


def recite(inquiry: Inquiry) -> Said:
    """Say every prompt of the session so far."""
    return Said(" ".join([*(each.question for each in inquiry.history), inquiry.prompt]))


@asynccontextmanager
async def reciting(
    folder: Path, *, kind: AppKind = AppKind.AGENT, clock: Clock | None = None
) -> AsyncGenerator[Rig]:
    """Open servers whose app recites its session."""
    apps = [App(APP_ID, answers=recite, kind=kind)]
    async with (
        SlackServer(a_workspace()) as slack,
        DashScopeServer(apps, now=clock or Clock()) as dashscope,
    ):
        rig = Rig(slack, dashscope, f"sqlite+aiosqlite:///{folder}/bot.db")
        rig.changes = {"dashscope_app_kind": kind}
        yield rig


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


async def say_three(rig: Rig, *, between: Fault | None = None) -> tuple[str, str, str]:
    """Ask three questions in one thread, one after the other; return what each reply shows."""
    thread = await rig.ask("one")
    await rig.finished(1)
    if between is not None:
        rig.dashscope.faults.add(between)
    for number, text in enumerate(("two", "three"), 2):
        await rig.ask(text, thread_ts=thread)
        await rig.finished(number)
    first, second, third = rig.reply(thread)
    return words([first]), words([second]), words([third])


@pytest.mark.parametrize("kind", [AppKind.AGENT, AppKind.DIALOG_WORKFLOW])
async def test_every_question_of_a_thread_carries_its_session(
    tmp_path: Path, kind: AppKind
) -> None:
    async with reciting(tmp_path, kind=kind) as rig:
        async with rig.bot():
            shown = await say_three(rig)
        first, second, third = rig.asked()
    assert shown == ("one", "one two", "one two three")
    assert sent_session(first) is None
    assert sent_session(second) == sent_session(third) == first.session_id


@pytest.mark.parametrize("kind", [AppKind.WORKFLOW, AppKind.ORCHESTRATION])
async def test_an_app_without_memory_streams_and_is_never_sent_a_session(
    tmp_path: Path, kind: AppKind
) -> None:
    async with reciting(tmp_path, kind=kind) as rig:
        async with rig.bot():
            thread = await rig.ask("word " * 40)
            await rig.finished(1)
            await rig.ask("second", thread_ts=thread)
            await rig.finished(2)
        entries = rig.asked()
        first, second = rig.reply(thread)
    assert not any(sent_session(entry) for entry in entries)
    assert entries[0].events_sent > 5
    assert words([first]).split() == ["word"] * 40
    assert words([second]) == "second"


@pytest.mark.parametrize(
    ("behaviour", "requests"), [(LostSession.FRESH, 1), (LostSession.ERROR, 2)]
)
async def test_a_session_that_the_server_forgot_costs_the_memory_but_not_the_answer(
    tmp_path: Path, behaviour: LostSession, requests: int
) -> None:
    clock = Clock()
    async with reciting(tmp_path, clock=clock) as rig:
        rig.dashscope.gateway.lost_sessions = behaviour
        async with rig.bot():
            thread = await rig.ask("one")
            await rig.finished(1)
            clock.now_s += HOUR_S
            await rig.ask("two", thread_ts=thread)
            await rig.finished(2)
            await rig.ask("three", thread_ts=thread)
            await rig.finished(3)
        _, second, third = rig.reply(thread)
        first_asked, *again, last_asked = rig.asked()
    assert words([second]) == f"two\n{texts.NEW_SESSION.en}"
    assert words([third]) == "two three"
    assert len(again) == requests
    assert sent_session(again[0]) == first_asked.session_id
    assert sent_session(last_asked) == again[-1].session_id != first_asked.session_id


@pytest.mark.parametrize(
    ("values", "is_sent"),
    [
        ({"last_used_at_ms": f"last_used_at_ms - {54 * MINUTE_MS}"}, True),
        ({"last_used_at_ms": f"last_used_at_ms - {56 * MINUTE_MS}"}, False),
        ({"rounds": "49"}, True),
        ({"rounds": "50"}, False),
    ],
    ids=["idle for 54 minutes", "idle for 56 minutes", "49 rounds", "50 rounds"],
)
async def test_a_session_known_to_be_over_is_not_sent(
    tmp_path: Path, values: dict[str, str], *, is_sent: bool
) -> None:
    async with reciting(tmp_path) as rig:
        async with rig.bot():
            thread = await rig.ask("one")
            await rig.finished(1)
            alter_conversation(rig, **values)
            await rig.ask("two", thread_ts=thread)
            await rig.finished(2)
        first, second = rig.asked()
        shown = words(rig.reply(thread)[1:])
    assert sent_session(second) == (first.session_id if is_sent else None)
    assert shown == ("one two" if is_sent else f"two\n{texts.NEW_SESSION.en}")


async def test_a_session_belongs_to_the_app_it_began_with(tmp_path: Path) -> None:
    async with reciting(tmp_path) as rig:
        async with rig.bot():
            thread = await rig.ask("one")
            await rig.finished(1)
            alter_conversation(rig, app_key="'another app'")
            await rig.ask("two", thread_ts=thread)
            await rig.finished(2)
        _, second = rig.asked()
        shown = words(rig.reply(thread)[1:])
    assert sent_session(second) is None
    assert shown == f"two\n{texts.NEW_SESSION.en}"


@pytest.mark.parametrize(
    "fault",
    [NAMED["parameter"], ErrorEvent(NAMED["inspection"], after_events=1), Cut(0)],
    ids=["refused", "blocked", "no word"],
)
async def test_a_turn_that_failed_leaves_the_session_as_it_was(
    tmp_path: Path, fault: Fault
) -> None:
    async with reciting(tmp_path) as rig:
        async with rig.bot():
            _, failed, third = await say_three(rig, between=fault)
        first, _, last = rig.asked()
    assert "(id T" in failed
    assert sent_session(last) == first.session_id
    assert third.startswith("one")
    assert texts.NEW_SESSION.en not in third


async def test_a_thread_goes_on_with_its_session_after_a_restart(tmp_path: Path) -> None:
    async with reciting(tmp_path) as rig:
        async with rig.bot():
            thread = await rig.ask("one")
            await rig.finished(1)
        async with rig.bot():
            await rig.ask("two", thread_ts=thread)
            await rig.finished(2)
        assert words(rig.reply(thread)[1:]) == "one two"
