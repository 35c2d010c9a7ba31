"""Who may call Slack now: calls wait here until their workspace's budget lets them go."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from bot.core.pacing import Call, Pacing
from bot.core.reply import Place, Urgency
from bot.metrics import Metrics

LOOK_AGAIN_S = 1.0
"""While somebody waits: the share of this process may have grown meanwhile."""


class Timer(Protocol):
    """Something that will happen unless it is cancelled."""

    def cancel(self) -> None:
        """Let it not happen; harmless afterwards."""
        ...


Later = Callable[[float, Callable[[], None]], Timer]
"""Calls a function once after so many seconds."""


def _call_later(delay_s: float, callback: Callable[[], None]) -> Timer:
    return asyncio.get_running_loop().call_later(delay_s, callback)


def _all(_team_id: str) -> float:
    return 1.0


@dataclass(slots=True)
class _Workspace:
    """One workspace's pace, who waits in it, and when to look again."""

    team_id: str
    pacing: Pacing
    waiters: dict[Call, asyncio.Future[None]] = field(default_factory=dict)
    timer: Timer | None = None


class Budgets:
    """The gate before Slack's Web API, for all workspaces of this process.

    It starts no tasks; its timers end with the context. Each process keeps its own books, of its
    share of what Slack allows: see `divide`.

    Args:
        metrics: Waits are recorded there, by method.
        clock: Monotonic seconds.
        later: How to be called back after a while.
    """

    def __init__(
        self,
        *,
        metrics: Metrics,
        clock: Callable[[], float] = time.monotonic,
        later: Later = _call_later,
    ) -> None:
        self._metrics = metrics
        self._clock = clock
        self._later = later
        self._share: Callable[[str], float] = _all
        self._began_at = clock()
        self._workspaces: dict[str, _Workspace] = {}

    async def __aenter__(self) -> Self:
        """Return the gate itself; there is nothing to open."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop the timers. Whoever still waits is cancelled: nobody would wake them any more."""
        for workspace in self._workspaces.values():
            if workspace.timer is not None:
                workspace.timer.cancel()
            for waiter in tuple(workspace.waiters.values()):
                waiter.cancel()
        self._workspaces.clear()

    def divide(self, share: Callable[[str], float]) -> None:
        """Spend a share of what Slack allows from now on; until then it is all of it.

        Args:
            share: Returns a workspace's as it is now, see `Pacing.spend`; asked again and again.
        """
        self._share = share

    async def permit(self, place: Place, *, method: str, urgency: Urgency) -> None:
        """Wait until one call of `method` may go, and make it soon.

        Cancelling leaves the queue; a permit that was granted meanwhile goes to the next.

        Args:
            place: The reply the call is for; for a look-up only its workspace counts.
            method: The Web API method.
            urgency: Its rank.
        """
        workspace = self._workspace(place.team_id)
        asked_at = self._clock()
        call = workspace.pacing.ask(place, method=method, urgency=urgency, now=asked_at)
        granted = workspace.waiters[call] = asyncio.get_running_loop().create_future()
        self._settle(workspace)
        try:
            await granted
        except asyncio.CancelledError:
            workspace.pacing.withdraw(call, now=self._clock())
            self._settle(workspace)
            raise
        finally:
            del workspace.waiters[call]
        self._metrics.slack_waits.labels(method).observe(self._clock() - asked_at)

    def throttled(self, place: Place, *, method: str, retry_after_s: float) -> None:
        """Take note that Slack answered 429: nobody calls `method` before that time has passed."""
        workspace = self._workspace(place.team_id)
        now = self._clock()
        workspace.pacing.throttle(
            method, channel_id=place.channel_id, retry_after_s=retry_after_s, now=now
        )
        self._settle(workspace)

    def rest_s(self, team_id: str, *, method: str) -> float:
        """Return the seconds for which `method` still rests in the workspace, or 0."""
        workspace = self._workspaces.get(team_id)
        return 0.0 if workspace is None else workspace.pacing.rest_s(method, now=self._clock())

    def is_crowded(self, team_id: str) -> bool:
        """Return whether a reply that begins now may have to wait to show its first words."""
        workspace = self._workspace(team_id)
        now = self._clock()
        workspace.pacing.spend(self._share(workspace.team_id), now=now)
        return workspace.pacing.is_crowded(now=now)

    def _workspace(self, team_id: str) -> _Workspace:
        if team_id not in self._workspaces:
            pacing = Pacing(began_at=self._began_at)
            self._workspaces[team_id] = _Workspace(team_id, pacing)
        return self._workspaces[team_id]

    def _settle(self, workspace: _Workspace) -> None:
        """Wake those who may go, and come back when the next may."""
        if workspace.timer is not None:
            workspace.timer.cancel()
            workspace.timer = None
        now = self._clock()
        workspace.pacing.spend(self._share(workspace.team_id), now=now)
        for call in workspace.pacing.grant(now=now):
            granted = workspace.waiters[call]
            if not granted.done():  # a cancelled waiter gives its grant back when its task runs
                granted.set_result(None)
        next_at = workspace.pacing.next_at(now=now)
        if next_at is not None:
            delay_s = min(next_at - now, LOOK_AGAIN_S)
            workspace.timer = self._later(delay_s, lambda: self._settle(workspace))
