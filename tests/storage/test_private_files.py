"""What people wrote is on the disk for the bot's own user alone."""

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from storage import schema
from storage.database import Storage, parse_url
from storage.sqlite import exposed_file, unwritable_place
from tests.storage.conftest import sqlite_url
from tests.storage.sample import new_turn


@pytest.fixture(autouse=True)
def careless_process() -> Iterator[None]:
    """Let whatever is made be open to everybody, unless it says otherwise."""
    former = os.umask(0)
    yield
    os.umask(former)


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_the_file_its_log_and_its_folder_are_made_for_their_owner_alone(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    url = sqlite_url(folder / "bot.db")
    await schema.upgrade(url)
    async with Storage(url) as storage:
        await storage.turns.claim(new_turn())
        found = {path.name: rights(path) for path in folder.iterdir()}
    assert rights(folder) == 0o700
    assert set(found) == {"bot.db", "bot.db-wal", "bot.db-shm", "bot.db.lock"}
    assert set(found.values()) == {0o600}


async def test_a_file_and_a_folder_that_are_there_keep_their_rights(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o750)
    (folder / "bot.db").touch(mode=0o640)
    await schema.upgrade(sqlite_url(folder / "bot.db"))
    assert (rights(folder), rights(folder / "bot.db")) == (0o750, 0o640)


@pytest.mark.parametrize(
    ("folder_rights", "file_rights", "log_rights", "is_exposed"),
    [
        (0o700, 0o600, None, False),
        (0o755, 0o600, 0o600, False),
        (0o755, 0o644, None, True),
        (0o755, 0o640, None, True),
        (0o755, 0o600, 0o644, True),
        (0o700, 0o644, 0o644, False),
        (0o710, 0o604, None, False),
        (0o701, 0o640, None, False),
        (0o710, 0o640, None, True),
    ],
)
def test_a_file_is_exposed_when_its_rights_and_its_folders_let_others_read(
    tmp_path: Path,
    folder_rights: int,
    file_rights: int,
    log_rights: int | None,
    is_exposed: bool,
) -> None:
    file = tmp_path / "data" / "bot.db"
    file.parent.mkdir(mode=folder_rights)
    file.touch(mode=file_rights)
    if log_rights is not None:
        (tmp_path / "data" / "bot.db-wal").touch(mode=log_rights)
    assert exposed_file(parse_url(sqlite_url(file))) == (file if is_exposed else None)


def test_what_is_not_there_is_not_exposed(tmp_path: Path) -> None:
    assert exposed_file(parse_url(sqlite_url(tmp_path / "data" / "bot.db"))) is None
    assert exposed_file(parse_url("postgresql+asyncpg://127.0.0.1/bot")) is None


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """Yield a folder of somebody whom rights bind, as they do not bind the superuser."""
    with TemporaryDirectory() as name:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(name, nobody.pw_uid, nobody.pw_gid)
            os.seteuid(nobody.pw_uid)
            yield Path(name)
            os.seteuid(0)
        else:
            yield Path(name)


@pytest.mark.parametrize(
    ("folder_rights", "files", "database", "unwritable"),
    [
        (0o700, {}, "bot.db", None),
        (0o700, {}, "data/deep/bot.db", None),
        (0o700, {"bot.db": 0o600, "bot.db-wal": 0o600}, "bot.db", None),
        (0o700, {"bot.db": 0o400}, "bot.db", "bot.db"),
        (0o700, {"bot.db": 0o600, "bot.db-wal": 0o400}, "bot.db", "bot.db-wal"),
        (0o700, {"bot.db": 0o600, "bot.db.lock": 0o400}, "bot.db", "bot.db.lock"),
        (0o500, {"bot.db": 0o600}, "bot.db", "."),
        (0o500, {}, "data/bot.db", "data"),
        (0o000, {"bot.db": 0o600}, "bot.db", "."),
    ],
)
def test_what_the_bot_may_not_write_to_is_found_before_it_runs(
    own_folder: Path,
    folder_rights: int,
    files: dict[str, int],
    database: str,
    unwritable: str | None,
) -> None:
    for name, mode in files.items():
        (own_folder / name).touch(mode)
    own_folder.chmod(folder_rights)
    found = unwritable_place(parse_url(sqlite_url(own_folder / database)))
    assert found == (None if unwritable is None else own_folder / unwritable)
    own_folder.chmod(0o700)
    assert {path.name for path in own_folder.iterdir()} == set(files)


def test_a_database_on_a_server_is_no_file_to_write_to() -> None:
    assert unwritable_place(parse_url("postgresql+asyncpg://127.0.0.1/bot")) is None
