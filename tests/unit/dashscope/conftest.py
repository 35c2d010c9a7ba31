"""What the tests of DashScope's edge share: no proxy, time, and a Bailian to talk to."""

from collections.abc import AsyncIterator, Iterator

import pytest

from bot.playground.bailian import BailianServer
from tests.unit.dashscope.passing_time import Time


@pytest.fixture(autouse=True, scope="module")
def no_proxy() -> Iterator[None]:
    """Keep a developer's own proxy out of the way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "*")
        yield


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def server(time: Time) -> AsyncIterator[BailianServer]:
    async with BailianServer(utc_now=time.utc_now) as opened:
        yield opened
