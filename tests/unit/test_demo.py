"""The playground's prompt."""

import asyncio
import os
import signal
import sys
from pathlib import Path

WITHIN_S = 30.0
# A shell's background job ignores Ctrl-C, and so would whatever the tests start in one.
PLAYGROUND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from bot.__main__ import main
main(["playground"])
"""


async def test_ctrl_c_ends_the_playground_while_it_waits_for_a_line(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PLAYGROUND,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(WITHIN_S):
        await process.stdout.readuntil(b"> ")
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 130
        assert await process.stderr.read() == b""
