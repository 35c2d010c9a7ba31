"""What holds for every test: no traffic but loopback, and no task left behind."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_socket


@pytest.fixture(autouse=True)
def loopback_only() -> None:
    """Refuse every address but this machine's own."""
    pytest_socket.socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """Fail when the test leaves a task running."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    own = {asyncio.current_task()}
    left = [task for task in asyncio.all_tasks() - before - own if not task.done()]
    assert not left, f"tasks left behind: {left}"
