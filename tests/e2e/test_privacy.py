"""What people write and what opens doors is never logged, and stored only while it is needed."""

import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from logbook import Logbook, logged
from rig import ANN, APP_ID, BOT, GROUP_DM, PRIVATE, PUBLIC, Rig, a_rig, turns_of, words

from bot.playground.dashscope.answers import Inquiry, Said
from bot.playground.dashscope.apps import App
from bot.playground.dashscope.faults import (
    ErrorEvent,
    Fault,
    Hangup,
    Reset,
    SlowStart,
    Stall,
)
from bot.playground.dashscope.refusals import NAMED, Refusal, Shape
from bot.playground.dashscope.server import PLAYGROUND_KEY
from bot.playground.slack import faults as slack_faults
from bot.playground.slack.delivery import DeliveryRules
from bot.playground.slack.faults import FaultKind

QUESTION = "heliotrope-question-4711"
ANSWER = "periwinkle-answer-0815"
VENDOR = f"vermilion-vendor-1234 about {QUESTION}"
SESSION_TEXTS = (QUESTION, ANSWER, VENDOR, "heliotrope", "periwinkle", "vermilion")
SHAPES = (Shape.JSON, Shape.SSE, Shape.NESTED, Shape.HTML)
FAILURES: tuple[Fault | None, ...] = (
    None,
    *(Refusal(400, "InvalidParameter", VENDOR, shape=shape) for shape in SHAPES),
    *(replace(NAMED[name], message=VENDOR) for name in ("inspection", "server")),
    ErrorEvent(replace(NAMED["throttling"], message=VENDOR), after_events=2),
    ErrorEvent(replace(NAMED["inspection"], message=VENDOR), after_events=2),
    Reset(2),
    Hangup(),
    SlowStart(600),
    Stall(2, for_s=600),
)
SLACK_FAILURES = (
    slack_faults.Fault("chat.postMessage", FaultKind.RESET_AFTER),
    slack_faults.Fault("chat.postMessage", FaultKind.HTML, status=502, after=2),
    slack_faults.Fault("chat.update", FaultKind.STATUS, status=500),
    slack_faults.Fault("chat.update", FaultKind.ERROR, error="internal_error", after=2),
    slack_faults.Fault("chat.update", FaultKind.RATE_LIMITED, after=4),
)


def confide(inquiry: Inquiry) -> Said:
    """Answer at some length, with the question in it."""
    return Said(f"{ANSWER} to {inquiry.prompt}, " * 3)


@pytest.fixture
async def confiding(tmp_path: Path) -> AsyncIterator[Rig]:
    """Servers whose app says what nobody else may read."""
    async with a_rig(tmp_path, App(APP_ID, answers=confide)) as rig:
        rig.changes = {"answer_timeout_s": 0.7}
        yield rig


def secrets_of(rig: Rig) -> tuple[str, ...]:
    slack = rig.slack
    tokens = (PLAYGROUND_KEY, slack.bot_token, slack.app_token, slack.signing_secret)
    return (*tokens, *SESSION_TEXTS)


async def live_through_everything(rig: Rig) -> None:
    """Ask a question for each failure, on bad days of Slack."""
    for fault in SLACK_FAILURES:
        rig.slack.faults.add(fault)
    channels = (PUBLIC, PRIVATE, GROUP_DM, rig.slack.workspace.dm(ANN, BOT).channel_id)
    for number, failure in enumerate(FAILURES, 1):
        if failure is not None:
            rig.dashscope.faults.add(failure)
        # Posts in one channel are scarce, so everybody takes turns.
        await rig.ask(f"{QUESTION} number {number}", channel=channels[number % len(channels)])
        await rig.finished(number, within_s=60)


def columns(rig: Rig) -> Iterator[str]:
    """Yield every value of every table."""
    path = rig.database_url.partition(":///")[2]
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        assert {"turn", "conversation"} <= {name for (name,) in tables}
        for (name,) in tables:
            for row in database.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - their own names
                yield from map(str, row)


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
async def test_nothing_people_write_and_no_key_gets_into_the_log_or_stays_in_the_database(
    confiding: Rig, level: str
) -> None:
    confiding.is_socket = level == "DEBUG"  # both ways in, once each
    with logged(level) as logbook:
        async with confiding.bot():
            await live_through_everything(confiding)
            stored = "\n".join(columns(confiding))
    assert len(logbook.of("turn.finished")) == len(FAILURES)
    assert len(logbook.of("question.failed")) >= len(SHAPES)
    found = [secret for secret in secrets_of(confiding) if secret in logbook.text]
    assert not found
    assert not [secret for secret in secrets_of(confiding) if secret in stored]
    assert_file_is_clean(confiding)


def assert_file_is_clean(rig: Rig) -> None:
    """Look at the bytes themselves: a row that is gone may still be in the file."""
    path = Path(rig.database_url.partition(":///")[2])
    files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
    assert path in files
    for file in files:
        content = file.read_bytes()
        found = [secret for secret in secrets_of(rig) if secret.encode() in content]
        assert not found, f"{file.name} holds {found}"


async def test_a_question_is_stored_while_it_is_unfinished_and_gone_when_it_ended(
    confiding: Rig,
) -> None:
    confiding.changes = {}
    confiding.dashscope.faults.add(SlowStart(1.0))
    async with confiding.bot():
        thread = await confiding.ask(QUESTION)
        await confiding.dashscope.until(lambda entries: len(entries) == 1)
        assert any(QUESTION in value for value in columns(confiding))
        await confiding.finished()
        assert not any(QUESTION in value for value in columns(confiding))
    assert ANSWER in words(confiding.reply(thread))


async def test_a_claim_that_fails_does_not_quote_the_message(
    confiding: Rig, tmp_path: Path
) -> None:
    confiding.slack.dispatcher.rules = DeliveryRules(retry_delays_s=(0.5,) * 60)
    with logged("DEBUG") as logbook:
        async with confiding.bot():
            with closing(sqlite3.connect(tmp_path / "bot.db", timeout=10)) as database:
                database.execute("BEGIN EXCLUSIVE")  # longer than Slack waits
                await confiding.ask(QUESTION)
                await logbook.until("delivery.failed")
                database.rollback()
            await confiding.finished()  # Slack delivers again what got no 200
    assert_silent(confiding, logbook)


def assert_silent(rig: Rig, logbook: Logbook) -> None:
    """No secret is in the log, and the log is JSON throughout."""
    assert logbook.lines
    assert not [secret for secret in secrets_of(rig) if secret in logbook.text]


async def test_an_error_nobody_expected_is_logged_by_its_place_and_not_by_its_words(
    confiding: Rig, tmp_path: Path
) -> None:
    with logged("DEBUG") as logbook:
        async with confiding.bot() as running:
            with closing(sqlite3.connect(tmp_path / "bot.db", timeout=10)) as database, database:
                # An ending with a field that nobody knows, named like the message: Python's own
                # words about it would quote that name.
                database.execute(
                    "CREATE TRIGGER spoil AFTER INSERT ON turn BEGIN UPDATE turn SET ending = "
                    "json_object('sources', json_array(), json_extract(NEW.payload, '$.text'), 1) "
                    "WHERE id = NEW.id; END"
                )
            await confiding.ask(QUESTION)
            line = await logbook.until("turn.postponed")
            assert turns_of(running) == 0
    assert_silent(confiding, logbook)
    assert line["error"] == "TypeError"
    assert any("ending.py" in place for place in line["where"])


async def test_the_journals_of_a_question_hold_no_key(confiding: Rig) -> None:
    async with confiding.bot():
        await confiding.answer(QUESTION, channel=PUBLIC)
    (asked,) = confiding.asked()
    assert PLAYGROUND_KEY not in json.dumps(asked.body)
    sent = [call.arguments for call in confiding.slack.journal.calls]
    assert confiding.slack.bot_token not in json.dumps(sent)
