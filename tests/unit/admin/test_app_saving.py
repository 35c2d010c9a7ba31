"""Storing an app beside somebody else who does."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from bot.admin.app_entry import AppEntry
from bot.admin.app_saving import save
from bot.admin.office import Office
from bot.core.question import AppKind
from storage.errors import VersionConflict
from tests.unit.admin.desk import DEFAULT, caller

ENTRY = AppEntry(
    name="docs", app_id="APP1", kind=AppKind.AGENT, base_url=DEFAULT.base_url, api_key="sk-1"
)


async def secrets_kept(office: Office) -> int:
    counted = sa.text("SELECT count(*) FROM secret")
    return await office.storage.read(lambda conn: conn.execute(counted).scalar_one())


async def test_whoever_comes_second_leaves_no_key_behind(office: Office) -> None:
    saved = await save(ENTRY, before=None, storage=office.storage, caller=caller())
    assert await secrets_kept(office) == 1
    for before in (None, replace(saved.after, version=9)):
        with pytest.raises(VersionConflict):
            await save(ENTRY, before=before, storage=office.storage, caller=caller())
        assert await secrets_kept(office) == 1


async def test_each_key_is_kept_under_a_name_of_its_own(office: Office) -> None:
    first = await save(ENTRY, before=None, storage=office.storage, caller=caller())
    second = await save(ENTRY, before=first.after, storage=office.storage, caller=caller())
    assert second.after.secret_name != first.after.secret_name
    assert await secrets_kept(office) == 2
