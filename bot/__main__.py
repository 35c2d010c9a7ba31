"""The command line: `dashscope-slack`, also `python -m bot`."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from importlib.metadata import version
from typing import Any

import structlog
from rich.console import Console

from bot import app, demo, doctor, logs, manifest
from bot.errors import BotError, SettingsError, SlackTokenRefused
from bot.settings import Settings
from bot.slack.events_http import EVENTS_PATH
from storage import schema
from storage.database import Storage
from storage.errors import (
    DatabaseBehind,
    DatabaseBusy,
    NotPermitted,
    StorageError,
    StorageUnavailable,
)

log = structlog.stdlib.get_logger(__name__)

FAILED = 1
BAD_SETTINGS = 2

Command = Callable[[argparse.Namespace], Coroutine[Any, Any, int]]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its status."""
    parsed = _parser().parse_args(arguments)
    try:
        status = asyncio.run(parsed.command(parsed))
    except SettingsError as error:
        _complain("These settings are not right:", *(f"  {line}" for line in error.problems))
        status = BAD_SETTINGS
    except (BotError, StorageError, OSError) as error:
        _complain(sentence(error))
        status = FAILED
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def _complain(*lines: str) -> None:
    for line in lines:
        print(line, file=sys.stderr)


def sentence(error: Exception) -> str:
    """Say what ended a command and, where it is known, what to do."""
    match error:
        case SlackTokenRefused():
            return f"Slack refused the bot token ({error.code}): check SLACK_BOT_TOKEN"
        case DatabaseBehind():
            return f"{error}: run `dashscope-slack db upgrade`"
        case NotPermitted():
            return (
                f"The database's role may not do this ({error}): make it the owner, with "
                "`ALTER DATABASE name OWNER TO role`"
            )
        case DatabaseBusy():
            return str(error)
        case StorageUnavailable():
            return f"The database cannot be opened ({error}): check DATABASE_URL"
        case _:
            return f"{type(error).__name__}: {error}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dashscope-slack",
        description="A Slack bot that answers with DashScope apps.",
        formatter_class=_Wide,
    )
    parser.add_argument("--version", action="version", version=version("dashscope-slack"))
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(name: str, command: Command, *, words: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=words, description=words)
        sub.set_defaults(command=command)
        return sub

    add("run", _run, words="take messages until SIGTERM")
    add("playground", _playground, words="try the bot between a Slack and a DashScope of its own")
    add("demo", _demo, words="show a short conversation in the playground")
    add("doctor", _doctor, words="check settings, database, Slack and DashScope")
    described = add("manifest", _manifest, words="print the Slack app's manifest")
    transport = described.add_mutually_exclusive_group(required=True)
    transport.add_argument("--socket", action="store_true", help="for Socket Mode")
    transport.add_argument("--url", help="the server's public address, https://…")
    words = "see and change the database's revision"
    database = commands.add_parser("db", help=words, description=words, formatter_class=_Wide)
    actions = database.add_subparsers(required=True, metavar="action")
    for name, command, words in (
        ("upgrade", _db_upgrade, "bring the database up to date"),
        ("current", _db_current, "print the database's revision"),
        ("downgrade", _db_downgrade, "take migrations back"),
        ("reencrypt", _db_reencrypt, "seal all secrets with the first of ENCRYPTION_KEYS"),
    ):
        sub = actions.add_parser(name, help=words, description=words)
        sub.set_defaults(command=command)
        if name == "downgrade":
            sub.add_argument("revision", help="the revision to go back to, `-1`, or `base`")
    return parser


class _Wide(argparse.HelpFormatter):
    """Puts each name on one line with its words: argparse forgets that commands stand deeper."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=16)
        self._action_max_length = 14  # the longest name, and the four columns before it


async def _run(_arguments: argparse.Namespace) -> int:
    settings = Settings.read(for_run=True)
    logs.configure(settings.log_level)
    started, asked_to_stop = asyncio.Event(), asyncio.Event()
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def stop() -> None:
        """End; a process that still starts, perhaps waiting for Slack, is cancelled."""
        if task is not None and not started.is_set() and not asked_to_stop.is_set():
            task.cancel()
        asked_to_stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        async with app.running(settings):
            started.set()
            await asked_to_stop.wait()
    except asyncio.CancelledError:
        if started.is_set() or not asked_to_stop.is_set():
            raise
    return 0


async def _playground(_arguments: argparse.Namespace) -> int:
    return await _on_stage(demo.playground(Settings.read(), console=Console()))


async def _demo(_arguments: argparse.Namespace) -> int:
    return await _on_stage(demo.show(Settings.read(), console=Console()))


async def _on_stage(play: Coroutine[Any, Any, None]) -> int:
    """Let a play come to its end; SIGTERM and a closed terminal end it as Ctrl-C does."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    ended_by: list[signal.Signals] = []

    def end(number: signal.Signals) -> None:
        ended_by.append(number)
        if task is not None:
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end, number)
    try:
        await play
    except (asyncio.CancelledError, OSError):  # a closed terminal takes no last words
        if not ended_by:
            raise
        return 128 + ended_by[0]
    return 0


async def _doctor(_arguments: argparse.Namespace) -> int:
    logs.configure("ERROR")
    findings = await doctor.examine()
    return 0 if doctor.show(findings, console=Console()) else FAILED


async def _manifest(arguments: argparse.Namespace) -> int:
    url = arguments.url and arguments.url.rstrip("/").removesuffix(EVENTS_PATH)
    try:
        print(manifest.manifest(socket=arguments.socket, url=url), end="")
    except SettingsError:
        raise SettingsError(("--url must be the bot's public address, https://…",)) from None
    return 0


async def _db_upgrade(_arguments: argparse.Namespace) -> int:
    url = Settings.read().database_url
    await schema.upgrade(url)
    print(f"at {await schema.current(url)}")
    return 0


async def _db_current(_arguments: argparse.Namespace) -> int:
    current = await schema.current(Settings.read().database_url)
    print(f"at {current or 'nothing'}, newest is {schema.head()}")
    return 0


async def _db_downgrade(arguments: argparse.Namespace) -> int:
    url = Settings.read().database_url
    await schema.downgrade(url, arguments.revision)
    print(f"at {await schema.current(url) or 'nothing'}")
    return 0


async def _db_reencrypt(_arguments: argparse.Namespace) -> int:
    settings = Settings.read()
    if not settings.encryption_keys:
        raise SettingsError(("ENCRYPTION_KEYS is missing: the new key, then the ones before it",))
    await schema.check_current(settings.database_url)
    async with Storage(settings.database_url, keys=settings.secret_keys) as storage:
        done, unreadable = await storage.secrets.reencrypt()
    print(f"{done} sealed with the first key, {len(unreadable)} unreadable")
    _complain(*(f"unreadable: {name} of {team_id}" for team_id, name in unreadable))
    return FAILED if unreadable else 0


if __name__ == "__main__":
    main()
