"""The locked packages: all of them for working on the bot, some of them for running it."""

import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"[a-z0-9-]+")


def locked(name: str) -> dict[str, str]:
    """Return what a lock says of each requirement: its version, where it counts, its hashes."""
    entries = re.findall(
        r"^(\S+==.*(?:\n    --hash=.*)+)", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE
    )
    return {entry.partition(" \\\n")[0]: entry for entry in entries}


def names(requirements: Any) -> set[str]:
    """Return the packages that requirements name; those that include a group name none."""
    found = (NAME.match(each) for each in requirements if isinstance(each, str))
    return {match[0] for match in found if match}


def test_a_server_gets_what_was_tested_and_nothing_more_than_the_bot_needs() -> None:
    described = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    run, everything = locked("requirements-run.lock"), locked("requirements.lock")
    for requirement, entry in run.items():
        pinned = requirement.partition(" ;")[0]
        (tested,) = (
            other for name, other in everything.items() if name.partition(" ;")[0] == pinned
        )
        assert hashes(entry) == hashes(tested)
    assert names(described["project"]["dependencies"]) <= names(run)
    for group in described["dependency-groups"].values():
        assert not names(group) & names(run)


def hashes(entry: str) -> set[str]:
    return set(re.findall(r"--hash=(\S+)", entry))


def test_no_lock_names_an_index() -> None:
    for name in ("requirements.lock", "requirements-run.lock"):
        assert "://" not in (ROOT / name).read_text(encoding="utf-8")
