"""Bots between the playground's servers."""

import asyncio
import itertools
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from desk import Desk, a_desk
from rig import APP_ID, Rig, a_rig
from strange_apps import a_strange_host

from bot.core.question import AppKind
from bot.playground.dashscope.apps import App, echo_app
from bot.playground.dashscope.server import DashScopeServer
from bot.playground.slack.limits import Limits
from storage import schema
from tests.postgres import TempPostgres

TEMPLATE = "migrated"
DAY_S = 24 * 60 * 60
TEST_S = 60
numbers = itertools.count(1)


@pytest.fixture
def kind() -> AppKind:
    """What the default app was built as; override it by parametrising."""
    return AppKind.AGENT


@pytest.fixture
def app_under_test(kind: AppKind) -> App:
    """An app that says every prompt again; override it by parametrising."""
    return echo_app(APP_ID, kind=kind)


@pytest.fixture
def one_day() -> None:
    """Let a test end on the UTC day it began on: quotas begin anew with the next."""
    left_s = DAY_S - time.time() % DAY_S
    if left_s < TEST_S:
        time.sleep(left_s + 1)


@pytest.fixture(params=["http", "socket"])
def transport(request: pytest.FixtureRequest) -> str:
    """How Slack delivers."""
    return request.param


@pytest.fixture(scope="session")
def postgres() -> Iterator[TempPostgres]:
    """Run one server for all tests of a process."""
    with TempPostgres() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(postgres: TempPostgres) -> str:
    """Return the name of a migrated database to copy."""
    asyncio.run(_statement(postgres, f'CREATE DATABASE "{TEMPLATE}" TEMPLATE "template0"'))
    asyncio.run(schema.upgrade(postgres.url(TEMPLATE)))
    return TEMPLATE


@pytest.fixture
async def postgres_url(postgres: TempPostgres, postgres_template: str) -> AsyncIterator[str]:
    """Return the URL of a migrated database of the test's own."""
    name = f"test_{next(numbers)}"
    await _statement(postgres, f'CREATE DATABASE "{name}" TEMPLATE "{postgres_template}"')
    yield postgres.url(name)
    await _statement(postgres, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _statement(server: TempPostgres, statement: str) -> None:
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
def database() -> str:
    """Name what the bot stores in, sqlite or postgresql; override it by parametrising."""
    return "sqlite"


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> str:
    """Where the bot stores: a database of the test's own."""
    if database == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite+aiosqlite:///{tmp_path}/bot.db"


@pytest.fixture
def limits() -> Limits:
    """How much Slack takes; override it for more or less."""
    return Limits()


@pytest.fixture
async def rig(
    tmp_path: Path, app_under_test: App, database_url: str, limits: Limits
) -> AsyncIterator[Rig]:
    """Servers for a bot over HTTP."""
    async with a_rig(tmp_path, app_under_test, limits=limits, database_url=database_url) as rig:
        yield rig


@pytest.fixture
async def any_rig(rig: Rig, transport: str) -> Rig:
    """Servers for a bot over HTTP and over Socket Mode."""
    rig.is_socket = transport == "socket"
    return rig


@pytest.fixture
async def desk(any_rig: Rig) -> AsyncIterator[Desk]:
    """People who configure a bot, over HTTP and over Socket Mode."""
    async with a_desk(any_rig) as desk:
        yield desk


@pytest.fixture
async def http_desk(rig: Rig) -> AsyncIterator[Desk]:
    """People who configure a bot over HTTP, where the way makes no difference."""
    async with a_desk(rig) as desk:
        yield desk


@pytest.fixture
async def elsewhere() -> AsyncIterator[DashScopeServer]:
    """Another host with apps of its own, whose door one key opens."""
    async with a_strange_host() as server:
        yield server
