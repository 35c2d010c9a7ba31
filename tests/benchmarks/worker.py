"""A process that takes turns and says when each began.

Started as `python -m tests.benchmarks.worker URL [hold]`; with `hold` no turn ever ends. It says
`ready`, then `began ID TIME` for each turn, in monotonic seconds, which all processes share.
"""

import asyncio
import signal
import sys
import time

from bot import logs
from bot.turns.world import Grip
from storage.database import Storage
from storage.records import Turn, TurnStatus
from tests.benchmarks.load import dispatcher

READY = "ready"
BEGAN = "began"


async def work(url: str, *, is_holding: bool) -> None:
    """Take turns until SIGTERM."""
    asked_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_stop.set)
    async with Storage(url) as storage:

        async def run(turn: Turn, _grip: Grip) -> None:
            print(BEGAN, turn.id, time.monotonic(), flush=True)
            if is_holding:
                await asyncio.Event().wait()
            await storage.turns.finish(turn, status=TurnStatus.DONE, session=None, outcome="none")

        async with dispatcher(storage, run=run):
            print(READY, flush=True)
            await asked_to_stop.wait()


if __name__ == "__main__":
    logs.configure("ERROR")
    asyncio.run(work(sys.argv[1], is_holding="hold" in sys.argv[2:]))
