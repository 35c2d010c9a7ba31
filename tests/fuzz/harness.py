"""`python -m tests.fuzz.harness LAW [libFuzzer's own arguments]`: one law under the fuzzer.

With the path of a file instead of a folder that one input is run again.
"""

import importlib
import sys
from typing import Any


def main() -> None:
    """Load what is fuzzed so that the fuzzer sees which lines run, and hand over to it."""
    atheris: Any = importlib.import_module("atheris")  # installed by `make fuzz` alone
    with atheris.instrument_imports(include=["bot"]):
        laws = importlib.import_module("tests.fuzz.laws")
    program, law, *arguments = sys.argv
    atheris.Setup([program, *arguments], laws.LAWS[law])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
