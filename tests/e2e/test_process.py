"""However a process ends, the next one goes on where it stood."""

import asyncio
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from bot_process import BotProcess, environment_of, run_to_end, until_taken
from midway import ANSWER, SPOKEN, when_words_show
from rig import APP_ID, BOT, POLL_S, PUBLIC, Rig, a_rig, is_growing, words

from bot.playground.dashscope.apps import echo_app
from bot.playground.slack.change import Change, Edited, Posted
from bot.playground.slack.faults import Fault, FaultKind
from bot.playground.slack.message import Message
from storage import schema
from tests.postgres import TempPostgres

WITHIN_S = 60.0
"""For a process to start and finish what another left, on a loaded machine."""


@pytest.fixture
def talkative(rig: Rig) -> Rig:
    """Servers whose app speaks slowly enough to be interrupted."""
    rig.dashscope.manner = replace(rig.dashscope.manner, pace=SPOKEN)
    return rig


def started(rig: Rig, folder: Path, **settings: str) -> BotProcess:
    return BotProcess("run", environment=environment_of(rig, **settings), folder=folder)


def rows(rig: Rig, columns: str) -> list[tuple[Any, ...]]:
    """Return columns of every turn."""
    path = rig.database_url.partition(":///")[2]
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
        return database.execute(f"SELECT {columns} FROM turn").fetchall()  # noqa: S608 - our own


async def until_row(rig: Rig, columns: str, wanted: tuple[Any, ...]) -> None:
    """Wait until the only turn's columns are as wanted."""
    async with asyncio.timeout(WITHIN_S):
        # A database tells nobody when it changes.
        while rows(rig, columns) != [wanted]:
            await asyncio.sleep(POLL_S)


async def until_answered(rig: Rig, thread: str) -> Message:
    """Wait until the only reply of a thread is at its end, and return it."""

    def ended() -> bool:
        reply = rig.reply(thread)
        return bool(reply) and not any(is_growing(message) for message in reply)

    await rig.slack.until(lambda: ended() or None, timeout_s=WITHIN_S)
    (message,) = rig.reply(thread)
    return message


async def finished_by_next(rig: Rig, thread: str, folder: Path, **settings: str) -> Message:
    """Start another process, let it finish the thread's reply, and end it in order."""
    async with started(rig, folder, **settings) as following:
        await until_taken(rig, following)
        message = await until_answered(rig, thread)
        await following.logged("turn.finished")
        following.terminate()
        assert await following.ended() == 0
        assert "Traceback" not in following.err
    return message


def sentence_of(complaint: str) -> str:
    """Return the one line of a complaint that is not the log's."""
    (sentence,) = [line for line in complaint.splitlines() if not line.startswith("{")]
    return sentence


def at_first(rig: Rig, is_it: Callable[[Change], bool], act: Callable[[], None]) -> None:
    """Let `act` happen when the first such change has happened, before Slack has answered."""
    struck: list[Change] = []

    def watch(change: Change) -> None:
        if not struck and is_it(change):
            struck.append(change)
            act()

    rig.slack.workspace.watch(watch)


def is_placeholder(change: Change) -> bool:
    return isinstance(change, Posted) and change.message.user == BOT


def is_final(change: Change) -> bool:
    return isinstance(change, Edited) and change.after.user == BOT and not is_growing(change.after)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_process_asked_to_end_finishes_its_answer_first(
    talkative: Rig, tmp_path: Path, number: signal.Signals
) -> None:
    async with started(talkative, tmp_path) as bot:
        await until_taken(talkative, bot)
        assert when_words_show(talkative, lambda _message: bot.send(number)) == []
        thread = await talkative.ask(ANSWER)
        assert await bot.ended() == 0
        assert "Traceback" not in bot.err
    (message,) = talkative.reply(thread)
    assert words([message]) == ANSWER
    assert not is_growing(message)
    assert len(talkative.asked()) == 1


async def test_an_answer_that_outlives_the_grace_period_is_finished_by_the_next_process(
    talkative: Rig, tmp_path: Path
) -> None:
    async with started(talkative, tmp_path, GRACE_S="0") as bot:
        await until_taken(talkative, bot)
        struck = when_words_show(talkative, lambda _message: bot.terminate())
        thread = await talkative.ask(ANSWER)
        assert await bot.ended() == 0
        assert (await bot.logged("turns.handed_back"))["count"] == 1
    (left,) = talkative.reply(thread)
    assert is_growing(left)
    message = await finished_by_next(talkative, thread, tmp_path)
    assert words([message]) == ANSWER
    assert message.ts == struck[0].ts
    assert len(talkative.asked()) == 2


@pytest.mark.parametrize("is_socket", [False, True], ids=["http", "socket"])
async def test_an_answer_whose_process_is_killed_is_finished_in_the_same_message(
    talkative: Rig, tmp_path: Path, *, is_socket: bool
) -> None:
    talkative.is_socket = is_socket
    async with started(talkative, tmp_path) as bot:
        await until_taken(talkative, bot)
        struck = when_words_show(talkative, lambda _message: bot.kill())
        thread = await talkative.ask(ANSWER)
        assert await bot.ended() == -signal.SIGKILL
    message = await finished_by_next(talkative, thread, tmp_path)
    assert words([message]) == ANSWER
    assert message.ts == struck[0].ts
    assert len(talkative.asked()) == 2


async def test_a_placeholder_that_was_posted_but_not_recorded_is_found_again(
    talkative: Rig, tmp_path: Path
) -> None:
    async with started(talkative, tmp_path) as bot:
        await until_taken(talkative, bot)
        at_first(talkative, is_placeholder, bot.kill)
        thread = await talkative.ask(ANSWER)
        await bot.ended()
    assert rows(talkative, "posting, reply") == [(1, None)]
    (placeholder,) = talkative.reply(thread)
    message = await finished_by_next(talkative, thread, tmp_path)
    assert message.ts == placeholder.ts
    assert words([message]) == ANSWER
    assert talkative.slack.journal.count("chat.postMessage") == 1
    assert len(talkative.asked()) <= 2


async def test_a_placeholder_that_was_announced_but_not_posted_is_posted_once(
    talkative: Rig, tmp_path: Path
) -> None:
    talkative.slack.faults.add(Fault("chat.postMessage", FaultKind.HANG, times=None))
    async with started(talkative, tmp_path) as bot:
        await until_taken(talkative, bot)
        thread = await talkative.ask(ANSWER)
        await until_row(talkative, "posting, reply", (1, None))
        bot.kill()
        await bot.ended()
    talkative.slack.faults.clear()
    message = await finished_by_next(talkative, thread, tmp_path)
    assert words([message]) == ANSWER
    assert len(talkative.asked()) <= 2


async def test_an_answer_that_was_shown_but_not_confirmed_is_not_asked_for_again(
    talkative: Rig, tmp_path: Path
) -> None:
    async with started(talkative, tmp_path) as bot:
        await until_taken(talkative, bot)
        at_first(talkative, is_final, bot.kill)
        thread = await talkative.ask(ANSWER)
        await bot.ended()
    ((status, ending),) = rows(talkative, "status, ending")
    assert status == "running"
    assert ending
    message = await finished_by_next(talkative, thread, tmp_path)
    assert words([message]) == ANSWER
    assert len(talkative.asked()) == 1
    assert rows(talkative, "status, ending, payload") == [("done", None, None)]


async def test_an_answer_that_was_stored_but_not_shown_is_not_asked_for_again(
    rig: Rig, tmp_path: Path
) -> None:
    rig.slack.faults.add(Fault("chat.update", FaultKind.STATUS, times=None))
    rig.slack.faults.add(Fault("chat.postMessage", FaultKind.STATUS, times=None))
    async with started(rig, tmp_path) as bot:
        await until_taken(rig, bot)
        thread = await rig.ask("question")
        await until_row(rig, "status, ending IS NOT NULL", ("running", 1))
        bot.kill()
        await bot.ended()
    rig.slack.faults.clear()
    message = await finished_by_next(rig, thread, tmp_path)
    assert words([message]) == "question"
    assert len(rig.asked()) == 1


async def test_a_message_that_came_while_no_process_ran_is_answered_when_slack_delivers_it_again(
    rig: Rig, tmp_path: Path
) -> None:
    rules = rig.slack.dispatcher.rules
    rig.slack.dispatcher.rules = replace(rules, retry_delays_s=(0.5,) * 600)
    rig.slack.deliver_to("http://127.0.0.1:9/slack/events")
    thread = await rig.ask("question")
    async with started(rig, tmp_path) as bot:
        await until_taken(rig, bot)
        message = await until_answered(rig, thread)
    assert words([message]) == "question"
    assert len(rig.asked()) == 1


async def test_a_second_process_on_one_sqlite_file_is_refused(rig: Rig, tmp_path: Path) -> None:
    async with started(rig, tmp_path) as bot:
        await until_taken(rig, bot)
        status, _, complaint = await run_to_end(
            "run", environment=environment_of(rig), folder=tmp_path
        )
        assert status == 1
        assert "one process per SQLite file" in sentence_of(complaint)
        thread = await rig.ask("still here")
        assert words([await until_answered(rig, thread)]) == "still here"


async def test_every_missing_setting_is_named_at_once(tmp_path: Path) -> None:
    status, _, complaint = await run_to_end("run", environment={}, folder=tmp_path)
    assert status == 2
    assert "Traceback" not in complaint
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "DASHSCOPE_API_KEY"):
        assert name in complaint
    assert "DASHSCOPE_APP_ID" in complaint


async def test_every_wrong_setting_is_named_at_once_and_no_value_is_shown(tmp_path: Path) -> None:
    wrong = {
        "PORT": "heliotrope",
        "GRACE_S": "-1",
        "LOG_LEVEL": "heliotrope",
        "DATABASE_URL": "mysql://heliotrope@host/bot",
        "DASHSCOPE_BASE_URL": "heliotrope",
        "DASHSCOPE_APP_KIND": "heliotrope",
        "TURNS_AT_ONCE": "0",
    }
    status, _, complaint = await run_to_end("run", environment=wrong, folder=tmp_path)
    assert status == 2
    assert "Traceback" not in complaint
    assert "heliotrope" not in complaint
    missing = ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "DASHSCOPE_API_KEY", "DASHSCOPE_APP_ID")
    unnamed = [name for name in (*wrong, *missing) if name not in complaint]
    assert not unnamed


async def test_a_token_that_slack_refuses_ends_the_process_with_a_sentence(
    rig: Rig, tmp_path: Path
) -> None:
    environment = environment_of(rig, SLACK_BOT_TOKEN="xoxb-of-somebody-else")
    status, _, complaint = await run_to_end("run", environment=environment, folder=tmp_path)
    assert status == 1
    sentence = sentence_of(complaint)
    assert "SLACK_BOT_TOKEN" in sentence
    assert "invalid_auth" in sentence
    assert "xoxb" not in sentence


async def test_a_process_that_cannot_reach_slack_yet_ends_when_it_is_asked_to(
    rig: Rig, tmp_path: Path
) -> None:
    rig.slack.faults.add(Fault("auth.test", FaultKind.STATUS, times=None))
    async with started(rig, tmp_path) as bot:
        await bot.logged("slack.unreachable")
        bot.terminate()
        assert await bot.ended() == 0
        assert "Traceback" not in bot.err


@pytest.fixture(scope="module")
def postgres() -> Iterator[TempPostgres]:
    """A server for this module's tests."""
    with TempPostgres() as server:
        yield server


async def create_database(server: TempPostgres, name: str) -> str:
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return server.url(name)


@pytest.fixture
async def replicated(tmp_path: Path, postgres: TempPostgres) -> AsyncIterator[Rig]:
    """Servers for several processes on one PostgreSQL, whose app speaks slowly."""
    url = await create_database(postgres, tmp_path.name)
    await schema.upgrade(url)
    async with a_rig(tmp_path, echo_app(APP_ID), database_url=url) as rig:
        rig.dashscope.manner = replace(rig.dashscope.manner, pace=SPOKEN)
        yield rig


async def worker_pid(rig: Rig, dsn: str) -> int:
    """Return the process that runs the only turn."""
    connection = await asyncpg.connect(dsn)
    try:
        worker = await connection.fetchval("SELECT worker_id FROM turn WHERE status = 'running'")
    finally:
        await connection.close()
    return int(worker.rsplit("-", 2)[1])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_an_answer_is_finished_by_another_replica_in_the_same_message(
    replicated: Rig, postgres: TempPostgres, tmp_path: Path, number: signal.Signals
) -> None:
    rig = replicated
    async with (
        started(rig, tmp_path, GRACE_S="0") as first,
        started(rig, tmp_path, GRACE_S="0") as second,
    ):
        await until_taken(rig, first)
        await until_taken(rig, second)
        struck: list[Message] = when_words_show(rig, lambda _message: None)
        rig.dashscope.manner = replace(rig.dashscope.manner, pace=replace(SPOKEN, chars_per_s=60))
        thread = await rig.ask(ANSWER)
        await rig.slack.until(lambda: struck or None, timeout_s=WITHIN_S)
        pid = await worker_pid(rig, postgres.dsn(tmp_path.name))
        rig.dashscope.manner = replace(rig.dashscope.manner, pace=SPOKEN)
        (bot,) = [each for each in (first, second) if each.pid == pid]
        bot.send(number)
        await bot.ended()
        message = await until_answered(rig, thread)
    assert words([message]) == ANSWER
    assert message.ts == struck[0].ts
    assert len(rig.asked()) == 2


async def test_a_postgresql_database_that_is_behind_is_refused_with_the_command_to_run(
    postgres: TempPostgres, tmp_path: Path, rig: Rig
) -> None:
    url = await create_database(postgres, tmp_path.name)
    environment = environment_of(rig, DATABASE_URL=url)
    status, _, complaint = await run_to_end("run", environment=environment, folder=tmp_path)
    assert status == 1
    sentence = sentence_of(complaint)
    assert "dashscope-slack db upgrade" in sentence
    status, _, _ = await run_to_end("db", "upgrade", environment=environment, folder=tmp_path)
    assert status == 0
    async with BotProcess("run", environment=environment, folder=tmp_path) as bot:
        await until_taken(rig, bot)
        thread = await rig.ask("question")
        assert words([await until_answered(rig, thread)]) == "question"
        assert len(rig.reply(thread, channel=PUBLIC)) == 1
