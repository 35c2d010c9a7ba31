"""`python -m tests.fuzz [law …]`: look for inputs that break a law, for FUZZ_SECONDS each.

What was found to be interesting is kept in `data/fuzz/LAW` and gone on with the next time; an input
that breaks a law is kept beside it, and the exit status is 1.
"""

import argparse
import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.corpus import ROOT, seeds
from tests.fuzz.laws import LAWS

SECONDS = 60
LONGEST_INPUT_BYTES = 4096
SLOWEST_INPUT_S = 10
MOST_MEMORY_MB = 2048
KEPT = ROOT / "data" / "fuzz"


def corpus_of(law: str) -> Path:
    """Return the folder of a law's inputs, with its seeds in it."""
    folder = KEPT / law
    folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds(law):
        (folder / hashlib.sha256(seed).hexdigest()).write_bytes(seed)
    return folder


def holds(law: str, *, seconds: int) -> bool:
    """Run one law for a while in a process of its own; the fuzzer ends the process it runs in."""
    limits = {
        "max_total_time": seconds,
        "max_len": LONGEST_INPUT_BYTES,
        "timeout": SLOWEST_INPUT_S,
        "rss_limit_mb": MOST_MEMORY_MB,
        "artifact_prefix": f"{KEPT}/{law}-",
        "verbosity": 0,
    }
    flags = [f"-{name}={value}" for name, value in limits.items()]
    command = [sys.executable, "-m", "tests.fuzz.harness", law, str(corpus_of(law)), *flags]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def broken(laws: Sequence[str], *, seconds: int) -> list[str]:
    """Run the laws one after the other; returns those that broke."""
    found: list[str] = []
    for law in laws:
        print(f"{law}: {seconds} s", flush=True)
        if not holds(law, seconds=seconds):
            found.append(law)
    return found


def main() -> int:
    """Read the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("laws", nargs="*", metavar="law", help=", ".join(LAWS))
    chosen: list[str] = parser.parse_args().laws
    if unknown := set(chosen) - set(LAWS):
        parser.error(f"no law {', '.join(sorted(unknown))}; there are {', '.join(LAWS)}")
    found = broken(chosen or list(LAWS), seconds=int(os.environ.get("FUZZ_SECONDS", SECONDS)))
    for law in found:
        print(f"{law} is broken; the input is in {KEPT}, named {law}-…")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
