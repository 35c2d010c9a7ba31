"""The right of a process to run turns.

On PostgreSQL it is kept up with a heartbeat, and the turns of a worker that dies are taken up by
others within about a beat. On SQLite there is one process only: whatever was running when it opens
the file was left by a dead one.
"""

from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from typing import Self

import structlog

from storage import inbox, workers
from storage.clock import to_ms
from storage.database import Storage
from storage.errors import LeaseLost, StorageError
from storage.heartbeat import Heartbeat, Timing, boot_clock
from storage.signals import Signals

log = structlog.stdlib.get_logger(__name__)


class Lease:
    """A worker's lease, held inside `async with`.

    Leaving it gives back whatever the worker still runs, as if never taken.

    Args:
        storage: Open, and the caller's. Its `worker` is the id leased.
        wake: There may be a turn to take. Called on the event loop, often for nothing.
        stop: Somebody asked to stop a turn: of this worker or of another, perhaps repeatedly.
        lost: This worker was declared dead: cancel everything it runs. It goes on with a new lease.
        lease_s: After how long without a heartbeat others may take over.
        beat_s: Between heartbeats; a small part of `lease_s`.

    Raises:
        StorageError: On entering: the database cannot be used. Later failures are retried.
    """

    def __init__(
        self,
        storage: Storage,
        *,
        wake: Callable[[], None],
        stop: Callable[[int], None],
        lost: Callable[[], None],
        lease_s: float = 15.0,
        beat_s: float = 2.0,
    ) -> None:
        self._storage = storage
        self._signals = Signals(wake=wake, stop=stop, lost=lost)
        self._timing = Timing(lease_s=lease_s, beat_s=beat_s)
        self._stack = AsyncExitStack()
        self._held = False
        self._heartbeat: Heartbeat | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            if self._storage.dialect == "postgresql":
                self._heartbeat = await stack.enter_async_context(self._new_heartbeat())
            else:
                await self._storage.run(inbox.requeue_unowned)
            self._stack = stack.pop_all()
        self._held = True
        self._storage.signals = self._signals
        self._signals.wake()
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._held = False
        self._storage.signals = Signals()
        try:
            await self._stack.aclose()
        finally:
            await self._leave()

    @property
    def live_workers(self) -> int:
        """Workers at the last heartbeat, this one included; always 1 on SQLite."""
        return self._heartbeat.pulse.live_workers if self._heartbeat else 1

    def share(self, team_id: str) -> float:
        """Return this worker's share of a workspace's work at the last heartbeat, 1 on SQLite.

        See `Pulse.share`.
        """
        return self._heartbeat.pulse.share(team_id) if self._heartbeat else 1.0

    @property
    def is_kept(self) -> bool:
        """Whether whatever keeps it up is alive; on SQLite nothing has to."""
        return self._held and (self._heartbeat is None or self._heartbeat.is_beating)

    def guard(self) -> None:
        """Return while visible effects are allowed; call it before each.

        Raises:
            LeaseLost: The last good heartbeat is too long ago, or the lease is not held.
        """
        stale = self._heartbeat is not None and boot_clock() > self._heartbeat.good_until
        if stale or not self._held:
            raise LeaseLost

    async def orphans(self, owned_ids: Collection[int]) -> int:
        """Give back this worker's running turns that are not among `owned_ids`; return how many.

        They are left by writes whose outcome stayed unknown. Turns taken within the last
        `lease_s` seconds are passed over: they may be on their way to their owner.
        """
        count = await self._storage.run(
            inbox.requeue_orphans,
            self._storage.worker,
            list(owned_ids),  # as it is now, whatever thread the statement runs in
            older_than_ms=to_ms(self._timing.lease_s),
        )
        if count:
            self._signals.wake()
        return count

    def _new_heartbeat(self) -> Heartbeat:
        return Heartbeat(
            self._storage.url,
            worker_id=self._storage.worker,
            signals=self._signals,
            timing=self._timing,
        )

    async def _leave(self) -> None:
        try:
            await self._storage.run(workers.leave, self._storage.worker)
        except StorageError as error:
            # Nothing is lost: the lease runs out by itself.
            log.warning("lease.abandoned", worker=self._storage.worker, error=str(error))
