"""What the command line does, and what it says when it cannot."""

import io
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import asyncpg
import pytest
import yaml
from bot_process import BotProcess, environment_of, run_to_end
from rich.console import Console
from rig import APP_ID, Rig

from bot import doctor
from bot.core.question import AppKind
from bot.playground.bailian import (
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    WORKSPACE_ID,
    BailianServer,
)
from bot.playground.dashscope.apps import echo_app
from bot.playground.dashscope.faults import Hangup
from bot.playground.dashscope.refusals import NAMED, UNPUBLISHED
from bot.playground.slack.faults import Fault, FaultKind
from bot.settings import Settings
from storage import schema
from tests.postgres import TempPostgres

COMMANDS = ("run", "playground", "demo", "doctor", "manifest", "db")
WIDE = {"COLUMNS": "300"}
"""Room for the doctor's table on lines of its own."""
NOWHERE = "127.0.0.1:9"
"""Each command is a process that starts, and several tests start five."""
A_WORKFLOW = echo_app(APP_ID, kind=AppKind.WORKFLOW)

Consult = Callable[[Mapping[str, str]], Awaitable[str]]
"""Lets the doctor look at an environment, and returns its table."""


@dataclass(frozen=True)
class Ailment:
    """Something that is wrong, where the doctor says so, and what it says.

    Attributes:
        subject: The line of the table.
        words: What that line must hold: what was found, and what to do.
        settings: Wrong settings.
        spoil: Spoils the servers.
    """

    subject: str
    words: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict[str, str])
    spoil: Callable[[Rig], None] = lambda _rig: None


def lose_scopes(*lost: str) -> Callable[[Rig], None]:
    def spoil(rig: Rig) -> None:
        installed = rig.slack.workspace.app
        rig.slack.workspace.app = replace(installed, scopes=installed.scopes - set(lost))

    return spoil


AILMENTS = {
    "a missing setting": Ailment(
        "settings", ("DASHSCOPE_APP_ID", ".env"), {"DASHSCOPE_APP_ID": ""}
    ),
    "a wrong setting": Ailment("settings", ("PORT", ".env"), {"PORT": "many"}),
    "tokens in each other's place": Ailment(
        "settings",
        ("SLACK_APP_TOKEN", "must be an app-level token, xapp-…; xoxb-…, a bot token, was found"),
        {"SLACK_APP_TOKEN": "xoxb-wrong"},
    ),
    "a slip in a name": Ailment(
        "names",
        ("ENCRYPTION_KEY is no setting", "is ENCRYPTION_KEYS meant?"),
        {"ENCRYPTION_KEY": "wrong" * 8},
    ),
    "a database that cannot be opened": Ailment(
        "database",
        ("PostgreSQL cannot be opened", "Connect call failed", "check DATABASE_URL"),
        {"DATABASE_URL": f"postgresql+asyncpg://bot@{NOWHERE}/bot"},
    ),
    "a database where nothing can be written": Ailment(
        "database",
        ("/proc/none cannot be written to", "DATABASE_URL"),
        {"DATABASE_URL": "sqlite+aiosqlite:////proc/none/bot.db"},
    ),
    "half of the access keys": Ailment(
        "long-term memory",
        ("BAILIAN_WORKSPACE_ID missing", "set all three, or none"),
        {"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI-x", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong"},
    ),
    "a Bailian that is not there": Ailment(
        "long-term memory",
        ("UpstreamUnreachable", "BAILIAN_ENDPOINT"),
        {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI-x",
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "wrong",
            "BAILIAN_WORKSPACE_ID": "llm-1",
            "BAILIAN_ENDPOINT": f"http://{NOWHERE}",
        },
    ),
    "another bot token": Ailment(
        "Slack token", ("invalid_auth", "SLACK_BOT_TOKEN"), {"SLACK_BOT_TOKEN": "xoxb-wrong"}
    ),
    "no Slack at all": Ailment(
        "Slack token", ("network", "SLACK_API_URL"), {"SLACK_API_URL": f"http://{NOWHERE}/api/"}
    ),
    "a Slack that fails": Ailment(
        "Slack token",
        ("no answer", "SLACK_API_URL"),
        spoil=lambda rig: rig.slack.faults.add(Fault("auth.test", FaultKind.STATUS, times=None)),
    ),
    "a scope nothing works without": Ailment(
        "Slack scopes", ("chat:write", "reinstall"), spoil=lose_scopes("chat:write")
    ),
    "another app token": Ailment(
        "Socket Mode", ("invalid_auth", "SLACK_APP_TOKEN"), {"SLACK_APP_TOKEN": "xapp-wrong"}
    ),
    "another key": Ailment(
        "DashScope app",
        ("InvalidApiKey", "DASHSCOPE_API_KEY", "region"),
        {"DASHSCOPE_API_KEY": "sk-wrong"},
    ),
    "another app": Ailment(
        "DashScope app", ("App.AccessDenied", "DASHSCOPE_APP_ID"), {"DASHSCOPE_APP_ID": "other"}
    ),
    "an app nobody published": Ailment(
        "DashScope app",
        ("FlowNotPublished", "published"),
        spoil=lambda rig: rig.dashscope.faults.add(UNPUBLISHED),
    ),
    "an unpaid account": Ailment(
        "DashScope app",
        ("Arrearage", "bills"),
        spoil=lambda rig: rig.dashscope.faults.add(NAMED["arrears"]),
    ),
    "a busy account": Ailment(
        "DashScope app",
        ("Throttling", "try again"),
        spoil=lambda rig: rig.dashscope.faults.add(NAMED["throttling"]),
    ),
    "a DashScope that hangs up": Ailment(
        "DashScope app",
        ("no answer", "DASHSCOPE_BASE_URL"),
        spoil=lambda rig: rig.dashscope.faults.add(Hangup()),
    ),
    "no DashScope at all": Ailment(
        "DashScope app",
        ("no answer", "network"),
        {"DASHSCOPE_BASE_URL": f"http://{NOWHERE}/api/v1"},
    ),
}


@pytest.fixture(scope="module")
def postgres() -> Iterator[TempPostgres]:
    """A server for this module's tests."""
    with TempPostgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
async def empty_database(
    request: pytest.FixtureRequest, tmp_path: Path, postgres: TempPostgres
) -> str:
    """The address of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/folder/bot.db"
    connection = await asyncpg.connect(postgres.dsn("postgres"))
    try:
        await connection.execute(f'CREATE DATABASE "{tmp_path.name}"')
    finally:
        await connection.close()
    return postgres.url(tmp_path.name)


@pytest.fixture
def consult(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Consult:
    """The doctor in this process: what it finds is the same, and nothing has to start."""

    async def table(environment: Mapping[str, str]) -> str:
        drawn = io.StringIO()
        with monkeypatch.context() as here:
            here.chdir(tmp_path)
            for name in Settings.model_fields:
                here.delenv(name.upper(), raising=False)
            for name, value in environment.items():
                here.setenv(name, value)
            doctor.show(await doctor.examine(), console=Console(file=drawn, width=300))
        return drawn.getvalue()

    return table


async def succeed(*arguments: str, folder: Path, **environment: str) -> str:
    """Run a command that must succeed; return what it wrote to stdout."""
    status, out, err = await run_to_end(*arguments, environment=environment, folder=folder)
    assert status == 0, err
    assert "Traceback" not in out + err
    return out


async def fail(*arguments: str, folder: Path, status: int = 1, **environment: str) -> str:
    """Run a command that must fail in order; return its complaint."""
    ended, out, err = await run_to_end(*arguments, environment=environment, folder=folder)
    assert ended == status
    assert "Traceback" not in out + err
    return err


def finding(table: str, subject: str) -> str:
    """Return the doctor's line about something."""
    (line,) = [line for line in table.splitlines() if f" {subject} " in line]
    return line


async def test_help_names_every_command(tmp_path: Path) -> None:
    listed = (await succeed("--help", folder=tmp_path)).split()
    assert set(COMMANDS) <= set(listed)


@pytest.mark.parametrize(
    ("arguments", "names"),
    [(("--help",), COMMANDS), (("db", "--help"), ("upgrade", "current", "downgrade", "reencrypt"))],
)
async def test_help_says_what_each_command_does_on_its_own_line(
    tmp_path: Path, arguments: tuple[str, ...], names: tuple[str, ...]
) -> None:
    listed = (await succeed(*arguments, folder=tmp_path, COLUMNS="80")).splitlines()
    for name in names:
        (line,) = [line for line in listed if line.split()[:1] == [name]]
        assert len(line.split()) > 2, line


@pytest.mark.parametrize("arguments", [(), ("dance",), ("db",), ("db", "downgrade"), ("manifest",)])
async def test_a_line_that_cannot_be_understood_is_answered_with_the_usage(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    assert (await fail(*arguments, folder=tmp_path, status=2)).startswith("usage: dashscope-slack")


async def test_the_manifest_of_an_app_in_socket_mode_names_no_address(tmp_path: Path) -> None:
    manifest = yaml.safe_load(await succeed("manifest", "--socket", folder=tmp_path))
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in str(manifest)


async def test_the_manifest_of_an_app_over_http_sends_everything_to_its_address(
    tmp_path: Path,
) -> None:
    url = "https://bot.example.com"
    manifest = yaml.safe_load(await succeed("manifest", "--url", url, folder=tmp_path))
    settings = manifest["settings"]
    assert settings["socket_mode_enabled"] is False
    assert settings["event_subscriptions"]["request_url"] == f"{url}/slack/events"
    assert settings["interactivity"]["request_url"] == f"{url}/slack/events"


async def test_an_address_slack_would_not_take_is_refused(tmp_path: Path) -> None:
    complaint = await fail("manifest", "--url", "http://bot", folder=tmp_path, status=2)
    assert "https" in complaint


async def test_migrations_go_up_and_down_again(tmp_path: Path, empty_database: str) -> None:
    async def db(*arguments: str) -> str:
        return await succeed("db", *arguments, folder=tmp_path, DATABASE_URL=empty_database)

    head = schema.head()
    assert await db("current") == f"at nothing, newest is {head}\n"
    assert await db("upgrade") == f"at {head}\n"
    assert await db("current") == f"at {head}, newest is {head}\n"
    assert await db("downgrade", "-1") != f"at {head}\n"
    assert await db("downgrade", "base") == "at nothing\n"


async def test_a_revision_nobody_knows_is_refused(tmp_path: Path, empty_database: str) -> None:
    await succeed("db", "upgrade", folder=tmp_path, DATABASE_URL=empty_database)
    complaint = await fail(
        "db", "downgrade", "heliotrope", folder=tmp_path, DATABASE_URL=empty_database
    )
    assert "heliotrope" in complaint
    assert len(complaint.splitlines()) == 1


@pytest.mark.parametrize(
    "url",
    [f"postgresql+asyncpg://bot:heliotrope@{NOWHERE}/bot", "sqlite+aiosqlite:////proc/none/bot.db"],
    ids=["postgresql", "sqlite"],
)
async def test_a_database_that_cannot_be_reached_is_one_sentence(tmp_path: Path, url: str) -> None:
    complaint = await fail("db", "upgrade", folder=tmp_path, DATABASE_URL=url)
    assert len(complaint.splitlines()) == 1
    assert "heliotrope" not in complaint


@pytest.mark.parametrize(
    "command", [("run",), ("playground",), ("doctor",), ("db", "upgrade")], ids=" ".join
)
async def test_a_database_address_that_cannot_be_right_is_a_sentence_about_its_variable(
    rig: Rig, tmp_path: Path, command: tuple[str, ...]
) -> None:
    url = "postgresql://bot:heliotrope@host:port/bot"
    environment = environment_of(rig, DATABASE_URL=url) | WIDE
    _, out, err = await run_to_end(*command, environment=environment, folder=tmp_path)
    assert "DATABASE_URL: the port is no number" in out + err
    assert "heliotrope" not in out + err
    assert "Traceback" not in out + err


async def test_a_role_that_may_not_make_tables_is_told_who_may(
    tmp_path: Path, postgres: TempPostgres
) -> None:
    name = tmp_path.name
    connection = await asyncpg.connect(postgres.dsn("postgres"))
    try:
        await connection.execute(f'CREATE ROLE "{name}" LOGIN')
        await connection.execute(f'CREATE DATABASE "{name}"')
        url = postgres.url(name).replace("postgres@", f"{name}@")
        complaint = await fail("db", "upgrade", folder=tmp_path, DATABASE_URL=url)
        assert "permission denied" in complaint
        assert "ALTER DATABASE name OWNER TO role" in complaint
        await connection.execute(f'ALTER DATABASE "{name}" OWNER TO "{name}"')
    finally:
        await connection.close()
    assert schema.head() in await succeed("db", "upgrade", folder=tmp_path, DATABASE_URL=url)


@pytest.mark.parametrize("is_socket", [False, True], ids=["http", "socket"])
async def test_the_doctor_is_content_when_everything_is_right(
    rig: Rig, tmp_path: Path, *, is_socket: bool
) -> None:
    rig.is_socket = is_socket
    await succeed("db", "upgrade", folder=tmp_path, **environment_of(rig))
    table = await succeed("doctor", folder=tmp_path, **environment_of(rig), **WIDE)
    subjects = ["settings", "database", "Slack token", "Slack scopes", "DashScope app"]
    if is_socket:
        subjects.append("Socket Mode")
    assert all(finding(table, subject).startswith("ok ") for subject in subjects)
    assert "problem" not in table
    assert rig.slack.bot_token not in table


@pytest.mark.parametrize("ailment", AILMENTS.values(), ids=AILMENTS)
async def test_the_doctor_names_what_is_wrong_and_what_to_do(
    rig: Rig, consult: Consult, ailment: Ailment
) -> None:
    ailment.spoil(rig)
    table = await consult(environment_of(rig) | ailment.settings)
    line = finding(table, ailment.subject)
    assert line.startswith("problem ")
    assert all(words in line for words in ailment.words)
    others = [each for each in table.splitlines() if each.startswith("problem ") and each != line]
    assert not others
    assert not any(secret in table for secret in ("wrong", rig.slack.bot_token))


async def test_the_doctor_knows_whether_memories_can_be_made(rig: Rig, consult: Consult) -> None:
    without = await consult(environment_of(rig))
    assert "off: no access keys" in finding(without, "long-term memory")
    async with BailianServer() as bailian:
        keys = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
            "BAILIAN_WORKSPACE_ID": WORKSPACE_ID,
            "BAILIAN_ENDPOINT": bailian.endpoint,
        }
        table = await consult(environment_of(rig) | keys)
        assert "reachable" in finding(table, "long-term memory")
        assert bailian.bank.memories == ()
    assert ACCESS_KEY_SECRET not in table


async def test_the_doctor_says_what_is_off(rig: Rig, consult: Consult) -> None:
    bare = await consult(environment_of(rig))
    assert "plain text alone" in finding(bare, "attachments")
    assert "PUBLIC_URL" in finding(bare, "attachments")
    assert "refused" in finding(bare, "secrets in Slack")
    assert "ENCRYPTION_KEYS" in finding(bare, "secrets in Slack")
    assert "DASHSCOPE_APP_KIND" in finding(bare, "DashScope app")


@pytest.mark.parametrize("app_under_test", [A_WORKFLOW], ids=["workflow"])
async def test_the_doctor_says_what_is_on(rig: Rig, consult: Consult) -> None:
    more = {
        "PUBLIC_URL": "https://bot.example.com",
        "ENCRYPTION_KEYS": "a key that is quite long enough!!",
        "DASHSCOPE_APP_KIND": "workflow",
    }
    full = await consult(environment_of(rig) | more)
    assert "https://bot.example.com/files" in finding(full, "attachments")
    assert "sealed" in finding(full, "secrets in Slack")
    assert "asked as workflow" in finding(full, "DashScope app")
    assert "DASHSCOPE_APP_KIND" not in full


async def test_the_doctor_notices_that_an_app_is_of_another_kind(
    rig: Rig, consult: Consult
) -> None:
    table = await consult(environment_of(rig) | {"DASHSCOPE_APP_KIND": "workflow"})
    assert finding(table, "DashScope app").startswith("problem ")


@pytest.mark.parametrize("app_under_test", [A_WORKFLOW], ids=["workflow"])
@pytest.mark.parametrize("said", [{}, {"DASHSCOPE_APP_KIND": "agent"}], ids=["unsaid", "agent"])
async def test_the_doctor_notices_that_a_workflow_is_asked_as_an_agent(
    rig: Rig, consult: Consult, said: dict[str, str]
) -> None:
    found = finding(await consult(environment_of(rig) | said), "DashScope app")
    assert found.startswith("problem ")
    assert "DASHSCOPE_APP_KIND" in found


@pytest.mark.parametrize("app_under_test", [A_WORKFLOW], ids=["workflow"])
async def test_the_doctor_says_why_an_app_is_asked_without_memory(
    rig: Rig, consult: Consult
) -> None:
    async with BailianServer() as bailian:
        keys = {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
            "BAILIAN_WORKSPACE_ID": WORKSPACE_ID,
            "BAILIAN_ENDPOINT": bailian.endpoint,
            "DASHSCOPE_APP_KIND": "workflow",
        }
        table = await consult(environment_of(rig) | keys)
    assert "only agents" in finding(table, "long-term memory")


async def test_the_doctor_knows_where_further_workspaces_install_the_bot(
    rig: Rig, consult: Consult
) -> None:
    client = {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "hush-hush"}
    keys = {"ENCRYPTION_KEYS": "a key that is quite long enough!!"}
    environment = environment_of(rig) | client
    table = await consult(environment)
    assert finding(table, "installs").startswith("problem ")
    assert "ENCRYPTION_KEYS missing" in finding(table, "installs")
    del environment["SLACK_BOT_TOKEN"]
    table = await consult(environment | keys)
    assert "/slack/install" in finding(table, "installs")
    assert "Slack token" not in table
    assert "hush-hush" not in table


async def test_the_doctor_sends_a_database_that_is_behind_to_the_right_command(
    rig: Rig, tmp_path: Path, postgres: TempPostgres
) -> None:
    environment = environment_of(rig, DATABASE_URL=postgres.url("postgres")) | WIDE
    status, table, _ = await run_to_end("doctor", environment=environment, folder=tmp_path)
    assert status == 1
    assert "run `dashscope-slack db upgrade`" in finding(table, "database")


async def test_the_doctor_looks_before_the_first_run_and_leaves_nothing_behind(
    rig: Rig, tmp_path: Path
) -> None:
    environment = environment_of(rig) | WIDE | {"DATABASE_URL": ""}  # the default
    table = await succeed("doctor", folder=tmp_path, **environment)
    assert f"will be brought to {schema.head()}" in finding(table, "database")
    assert not any(os.scandir(tmp_path))


async def test_the_doctor_says_when_others_can_read_the_database(rig: Rig, tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o755)
    file = folder / "bot.db"
    rig.database_url = f"sqlite+aiosqlite:///{file}"
    environment = {**environment_of(rig), **WIDE}
    await succeed("db", "upgrade", folder=tmp_path, **environment)
    assert "SQLite file" not in await succeed("doctor", folder=tmp_path, **environment)
    file.chmod(0o644)
    status, table, _ = await run_to_end("doctor", environment=environment, folder=tmp_path)
    assert status == 1
    assert "problem" in finding(table, "SQLite file")
    assert f"chmod 600 {file}*" in finding(table, "SQLite file")


async def test_the_doctor_does_not_mind_a_scope_that_only_one_feature_needs(
    rig: Rig, consult: Consult
) -> None:
    lose_scopes("groups:read")(rig)
    line = finding(await consult(environment_of(rig)), "Slack scopes")
    assert line.startswith("ok ")
    assert "groups:read" in line


@pytest.mark.slow
async def test_the_demo_runs_to_its_end_without_a_terminal(tmp_path: Path) -> None:
    out = await succeed("demo", folder=tmp_path, **WIDE)
    for title in ("#general", "the same thread", "a direct message"):
        assert any(line.startswith(title) for line in out.splitlines())
    shown = " ".join(out.split())
    for question in (
        "How does the bot make sure that a message is answered only once?",
        "And what happens when the process is killed?",
        "How do I start a new conversation?",
        "Which settings do I need to run it?",
    ):
        asked, _, rest = shown.partition(question)
        assert asked
        assert len(rest.partition("Ann")[0]) > 100, f"no answer to: {question}"
    assert "> /dashscope follow thread dashscope APP · only Ann sees this" in shown
    assert "4 answers" in shown
    assert "What next" in shown


async def test_the_playground_answers_the_lines_that_are_typed(tmp_path: Path) -> None:
    bot = BotProcess("playground", environment=WIDE, folder=tmp_path)
    async with bot:
        await bot.type("What is a turn?", "", "/new", "!error key", "/dm", "hello")
        assert await bot.ended() == 0
    shown = " ".join(bot.out.split())
    assert "Traceback" not in bot.out + bot.err
    assert "@dashscope What is a turn?" in shown
    assert "not set up correctly" in shown
    assert "Hello!" in shown
    assert "InvalidApiKey" not in shown


async def test_the_playground_ends_with_its_input(tmp_path: Path) -> None:
    out = await succeed("playground", folder=tmp_path)
    assert "Ctrl-D" in out
