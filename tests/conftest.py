"""What holds for every test: no traffic but loopback, and no task left behind."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from types import FrameType

import pytest
import pytest_socket
import structlog
from greenlet import getcurrent, greenlet
from hypothesis import HealthCheck, settings

MOST_PROCESSES = 8
PLAIN_LINES = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
greenlets: list[greenlet] = []

# A law does not depend on how busy the machine is.
settings.register_profile("laws", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("laws")


@pytest.fixture(autouse=True)
def loopback_only() -> None:
    """Refuse every address but this machine's own."""
    pytest_socket.socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)


@pytest.fixture(scope="session", autouse=True)
def no_certificate_authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Trust nobody: each new client would read all authorities, and nothing here speaks TLS."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("SSL_CERT_FILE", raising=False)
        environment.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("authorities")))
        yield


@pytest.fixture(autouse=True)
def plain_tracebacks() -> None:
    """Log failures in plain lines, whatever the test before configured.

    What is drawn by default, with every variable, keeps the event loop for most of a second; then
    other things come too late, fail as well, and are drawn.
    """
    structlog.reset_defaults()
    *gathering, _ = structlog.get_config()["processors"]
    structlog.configure(processors=[*gathering, PLAIN_LINES])


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """Fail when the test leaves a task running."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    own = {asyncio.current_task()}
    left = [task for task in asyncio.all_tasks() - before - own if not task.done()]
    assert not left, f"tasks left behind: {left}"


def keep_greenlet(_frame: FrameType, _event: str, _argument: object) -> None:
    """Keep the greenlet of the thread that begins; called once in each.

    Kept twice: for one that is kept once, greenlet looks through all objects when its thread ends,
    wherever the main thread is at that moment, and fails where nothing can be imported.
    """
    sys.setprofile(None)
    greenlets.extend([getcurrent()] * 2)


def pytest_configure() -> None:
    """Let no thread's greenlet go while tests run.

    Coverage refers to them weakly. When two threads end together, CPython 3.11 is interrupted by
    the second while it calls back for the first, and spins there: no timeout gets through.
    """
    threading.setprofile(keep_greenlet)


def pytest_xdist_auto_num_workers() -> int:
    """Run two processes on each core we may use under `-n auto`: the whole bot's tests mostly wait.

    More than MOST_PROCESSES take longer to start than they save.
    """
    if chosen := os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return int(chosen)
    is_known = hasattr(os, "sched_getaffinity")  # on Linux
    cores = len(os.sched_getaffinity(0)) if is_known else os.cpu_count() or 1
    return min(2 * cores, MOST_PROCESSES)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every process its share of the slow tests, to begin with.

    pytest-xdist hands each process one stretch of the list; slow neighbours would run one after the
    other while everybody else is done.
    """
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    slow = [item for item in items if item.get_closest_marker("slow")]
    quick = [item for item in items if not item.get_closest_marker("slow")]
    share = -(-len(quick) // processes)
    items[:] = [
        item
        for number in range(processes)
        for item in (*slow[number::processes], *quick[number * share : (number + 1) * share])
    ]
