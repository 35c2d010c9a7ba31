"""`python -m tests.benchmarks [sse] [replies] [turns]`: all parts, or those named."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from tests.benchmarks import replies, sse, turns
from tests.benchmarks.report import Printer, Sheet, say

PARTS: dict[str, Callable[[], AsyncIterator[Sheet]]] = {
    "sse": sse.sheets,
    "replies": replies.sheets,
    "turns": turns.sheets,
}


async def run(parts: Sequence[str]) -> None:
    """Measure and print, table by table."""
    printer = Printer()
    for part in parts:
        say(part)
        async for sheet in PARTS[part]():
            printer.show(sheet)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    chosen = parser.parse_args().parts
    if unknown := set(chosen) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    asyncio.run(run(chosen or list(PARTS)))


if __name__ == "__main__":
    main()
