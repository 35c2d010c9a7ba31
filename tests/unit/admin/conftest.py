"""An office with a database of its own."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.admin.door import Door
from bot.admin.office import Office
from storage import schema
from storage.database import Storage
from tests.unit.admin.desk import Town, office_of


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("admin") / "bot.db"
    asyncio.run(schema.upgrade(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
def database(migrated: Path, tmp_path: Path) -> str:
    path = tmp_path / "bot.db"
    shutil.copy(migrated, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def storage(database: str) -> AsyncIterator[Storage]:
    async with Storage(database, keys=[Fernet.generate_key().decode()]) as opened:
        yield opened


@pytest.fixture
def town() -> Town:
    return Town()


@pytest.fixture
def office(storage: Storage, town: Town) -> Office:
    return office_of(storage, town)


@pytest.fixture
def door(office: Office) -> Door:
    return Door(office)
