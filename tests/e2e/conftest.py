"""Bots between the playground's servers."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from rig import APP_ID, Rig, a_rig

from bot.playground.dashscope.apps import App, echo_app


@pytest.fixture
def app_under_test() -> App:
    """An app that says every prompt again; override it by parametrising."""
    return echo_app(APP_ID)


@pytest.fixture(params=["http", "socket"])
def transport(request: pytest.FixtureRequest) -> str:
    """How Slack delivers."""
    return request.param


@pytest.fixture
async def rig(tmp_path: Path, app_under_test: App) -> AsyncIterator[Rig]:
    """Servers for a bot over HTTP."""
    async with a_rig(tmp_path, app_under_test) as rig:
        yield rig


@pytest.fixture
async def any_rig(rig: Rig, transport: str) -> Rig:
    """Servers for a bot over HTTP and over Socket Mode."""
    rig.is_socket = transport == "socket"
    return rig
