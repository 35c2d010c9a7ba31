"""The playground's prompt."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

WITHIN_S = 90.0
# A shell's background job ignores Ctrl-C, and so would whatever the tests start in one.
PLAYGROUND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from bot.__main__ import main
main(["playground"])
"""


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
async def test_a_playground_that_is_ended_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PLAYGROUND,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "TMPDIR": str(tmp_path),
        },
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(WITHIN_S):
        await process.stdout.readuntil(b"> ")
        assert files_in(tmp_path)
        process.send_signal(number)
        assert await process.wait() == status
        assert await process.stderr.read() == b""
    assert not files_in(tmp_path)
