"""Waiting for a workspace's budget, in invented time."""

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable
from itertools import count

import pytest

from bot.core.pacing import EDIT, EDITS, POST
from bot.core.reply import Place, Urgency
from bot.metrics import Metrics
from bot.slack.budgets import LOOK_AGAIN_S, Budgets

PLACE = Place("T1", "C1", "1.0")
OTHER = Place("T1", "C1", "2.0")
BURST = int(EDITS.burst)
REFILL_S = 1 / EDITS.per_s


class InventedTime:
    """A clock that moves when told to, and the timers that hang on it."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._timers: list[tuple[float, int, dict[str, bool], Callable[[], None]]] = []
        self._order = count()

    def later(self, delay_s: float, callback: Callable[[], None]) -> "InventedTimer":
        state = {"cancelled": False}
        when = self.now + max(0.0, delay_s)
        heapq.heappush(self._timers, (when, next(self._order), state, callback))
        return InventedTimer(state)

    @property
    def pending(self) -> int:
        return sum(not state["cancelled"] for _, _, state, _ in self._timers)

    async def advance(self, seconds: float) -> None:
        until = self.now + seconds
        await settled()
        while self._timers and self._timers[0][0] <= until:
            when, _, state, callback = heapq.heappop(self._timers)
            self.now = max(self.now, when)
            if not state["cancelled"]:
                callback()
            await settled()
        self.now = until
        await settled()


class InventedTimer:
    """Handed out for a timer, to cancel it."""

    def __init__(self, state: dict[str, bool]) -> None:
        self._state = state

    def cancel(self) -> None:
        self._state["cancelled"] = True


async def settled() -> None:
    """Let every task that can run, run."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def time() -> InventedTime:
    return InventedTime()


@pytest.fixture
async def gate(time: InventedTime, metrics: Metrics) -> AsyncIterator[Budgets]:
    async with Budgets(metrics=metrics, clock=lambda: time.now, later=time.later) as opened:
        yield opened


async def drain(gate: Budgets) -> None:
    for number in range(BURST):
        await gate.permit(Place("T1", "C1", f"9.{number}"), method=EDIT, urgency=Urgency.FINAL)


async def test_calls_within_the_burst_do_not_wait(gate: Budgets, time: InventedTime) -> None:
    await drain(gate)
    assert time.pending == 0


async def test_a_call_waits_until_its_token_has_come_back(
    gate: Budgets, time: InventedTime, metrics: Metrics
) -> None:
    await drain(gate)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(gate.permit(PLACE, method=EDIT, urgency=Urgency.FINAL))
        await time.advance(REFILL_S - 0.01)
        assert not task.done()
        await time.advance(0.02)
        assert task.done()
    waits = metrics.registry.get_sample_value(
        "dashscope_slack_web_api_wait_seconds_sum", {"method": EDIT}
    )
    assert waits == pytest.approx(REFILL_S, abs=0.02)


async def test_the_more_urgent_of_two_is_woken_first(gate: Budgets, time: InventedTime) -> None:
    await drain(gate)
    woken: list[str] = []

    async def wait(name: str, place: Place, urgency: Urgency) -> None:
        await gate.permit(place, method=EDIT, urgency=urgency)
        woken.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(wait("interim", OTHER, Urgency.INTERIM))
        group.create_task(wait("words", OTHER, Urgency.FIRST_WORDS))
        group.create_task(wait("final", PLACE, Urgency.FINAL))
        await time.advance(60)
    assert woken == ["final", "words", "interim"]


async def test_a_cancelled_waiter_leaves_the_queue(gate: Budgets, time: InventedTime) -> None:
    await drain(gate)
    gone = asyncio.create_task(gate.permit(OTHER, method=EDIT, urgency=Urgency.FINAL))
    next_one = asyncio.create_task(gate.permit(PLACE, method=EDIT, urgency=Urgency.FINAL))
    await settled()
    gone.cancel()
    await time.advance(REFILL_S + 0.01)
    assert gone.cancelled()
    assert next_one.done()
    await next_one


async def test_a_grant_that_met_a_cancelled_waiter_goes_to_the_next(
    gate: Budgets, time: InventedTime
) -> None:
    await drain(gate)
    gone = asyncio.create_task(gate.permit(OTHER, method=EDIT, urgency=Urgency.FINAL))
    next_one = asyncio.create_task(gate.permit(PLACE, method=EDIT, urgency=Urgency.FINAL))
    await settled()
    time.now += REFILL_S + 0.01
    gate.throttled(PLACE, method=POST, retry_after_s=1)  # looks again: the grant is on its way
    gone.cancel()
    await settled()
    assert gone.cancelled()
    assert next_one.done()
    await next_one


async def test_a_waiter_that_was_cancelled_just_before_its_grant_disturbs_nobody(
    gate: Budgets, time: InventedTime
) -> None:
    await drain(gate)
    gone = asyncio.create_task(gate.permit(OTHER, method=EDIT, urgency=Urgency.FINAL))
    next_one = asyncio.create_task(gate.permit(PLACE, method=EDIT, urgency=Urgency.FINAL))
    await settled()
    time.now += REFILL_S + 0.01
    gone.cancel()
    gate.throttled(PLACE, method=POST, retry_after_s=1)  # looks again, before the task has ended
    await settled()
    assert gone.cancelled()
    assert next_one.done()
    await next_one


async def test_after_a_429_the_method_rests_in_its_workspace_only(
    gate: Budgets, time: InventedTime
) -> None:
    gate.throttled(PLACE, method=EDIT, retry_after_s=30)
    assert gate.rest_s("T1", method=EDIT) == 30
    assert gate.rest_s("T2", method=EDIT) == 0
    resting = asyncio.create_task(gate.permit(PLACE, method=EDIT, urgency=Urgency.FINAL))
    await gate.permit(Place("T2", "C1", "1.0"), method=EDIT, urgency=Urgency.FINAL)
    await gate.permit(PLACE, method=POST, urgency=Urgency.FIRST_WORDS)
    await time.advance(29.9)
    assert not resting.done()
    await time.advance(0.2)
    assert resting.done()
    await resting


async def test_a_share_that_grows_is_noticed_by_those_who_wait(
    gate: Budgets, time: InventedTime
) -> None:
    shares = [0.01]
    gate.divide(lambda _team_id: shares[-1])
    await gate.permit(PLACE, method=EDIT, urgency=Urgency.FINAL)
    waiting = asyncio.create_task(gate.permit(PLACE, method=EDIT, urgency=Urgency.FINAL))
    await time.advance(10 * REFILL_S)
    assert not waiting.done()
    shares.append(1.0)
    await time.advance(REFILL_S + LOOK_AGAIN_S)
    assert waiting.done()
    await waiting


async def test_closing_leaves_no_timer_and_nobody_waiting(
    time: InventedTime, metrics: Metrics
) -> None:
    async with Budgets(metrics=metrics, clock=lambda: time.now, later=time.later) as gate:
        await drain(gate)
        tasks = [
            asyncio.create_task(gate.permit(PLACE, method=EDIT, urgency=Urgency.FINAL))
            for _ in range(3)
        ]
        await settled()
        assert time.pending == 1
    assert time.pending == 0
    await settled()
    assert all(task.cancelled() for task in tasks)
    assert time.pending == 0


async def test_the_real_clock_wakes_a_waiter(metrics: Metrics) -> None:
    async with Budgets(metrics=metrics) as gate:
        gate.throttled(PLACE, method=EDIT, retry_after_s=0.02)
        async with asyncio.timeout(60):
            await gate.permit(PLACE, method=EDIT, urgency=Urgency.FINAL)
        assert gate.rest_s("T1", method=EDIT) == 0
