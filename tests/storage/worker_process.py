"""A worker in a process of its own: takes one turn and says over and over whether it may go on.

With each word goes when it began to look, on `boot_clock`.

Started as `python -m tests.storage.worker_process URL LEASE_S BEAT_S`.
"""

import asyncio
import sys

from storage.database import Storage
from storage.errors import LeaseLost
from storage.heartbeat import boot_clock
from storage.lease import Lease
from tests.storage.sample import ignore

INTERVAL_S = 0.02
LIFE_S = 60.0


async def main(url: str, *, lease_s: float, beat_s: float) -> None:
    async with Storage(url) as storage:
        lease = Lease(
            storage, wake=ignore, stop=ignore, lost=ignore, lease_s=lease_s, beat_s=beat_s
        )
        async with lease:
            turns = await storage.turns.take(limit=1)
            say(f"took {len(turns)}")
            for _ in range(int(LIFE_S / INTERVAL_S)):
                began_at = boot_clock()
                say(f"{may_go_on(lease)} {began_at}")
                await asyncio.sleep(INTERVAL_S)


def may_go_on(lease: Lease) -> str:
    try:
        lease.guard()
    except LeaseLost:
        return "lost"
    return "ok"


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], lease_s=float(sys.argv[2]), beat_s=float(sys.argv[3])))
