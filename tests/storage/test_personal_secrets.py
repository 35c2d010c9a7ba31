"""Secrets that belong to people, in both databases."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from storage.clock import to_ms
from storage.database import Storage
from storage.tables import secret

OLD, NEW = "an old key that is quite long enough", "a new key that is quite long enough!"
MONTH_S = 30 * 86_400.0
MINE, YOURS = "plugin/U1/tool", "plugin/U2/tool"


@pytest.fixture
async def safe(url: str) -> AsyncIterator[Storage]:
    async with Storage(url, keys=[OLD]) as opened:
        yield opened


async def test_several_are_read_at_once_and_those_that_are_not_there_are_left_out(
    safe: Storage,
) -> None:
    await safe.secrets.put("T1", MINE, "one")
    await safe.secrets.put("T1", YOURS, "two")
    await safe.secrets.put("T2", "plugin/U1/other", "three")
    wanted = [MINE, "plugin/U1/other"]
    assert await safe.secrets.get_all("T1", wanted) == {MINE: "one"}
    assert await safe.secrets.get_all("T1", [MINE, YOURS]) == {MINE: "one", YOURS: "two"}
    assert await safe.secrets.get_all("T1", []) == {}


async def test_one_that_cannot_be_opened_is_told_apart_from_one_that_is_not_there(
    url: str,
) -> None:
    async with Storage(url, keys=[OLD]) as storage:
        await storage.secrets.put("T1", MINE, "one")
    for keys in ([NEW], []):
        async with Storage(url, keys=keys) as storage:
            assert await storage.secrets.get_all("T1", [MINE, YOURS]) == {MINE: None}


async def test_one_that_was_copied_to_somebody_elses_name_is_not_opened(safe: Storage) -> None:
    await safe.secrets.put("T1", MINE, "one")
    await safe.secrets.put("T1", YOURS, "two")

    def copy(conn: sa.Connection) -> None:
        box = sa.select(secret.c.box).where(secret.c.name == MINE).scalar_subquery()
        conn.execute(sa.update(secret).where(secret.c.name == YOURS).values(box=box))

    await safe.run(copy)
    assert await safe.secrets.get_all("T1", [YOURS]) == {YOURS: None}


async def test_names_are_listed_by_how_they_begin_to_the_letter(url: str) -> None:
    async with Storage(url, keys=[OLD]) as storage:
        for name in (MINE, "plugin/U1/TOOL", "plugin/U1/a_b", YOURS, "plugin/U11/tool", "app/1"):
            await storage.secrets.put("T1", name, "x")
        await storage.secrets.put("T2", "plugin/U1/elsewhere", "x")
        names = await storage.secrets.names("T1", prefix="plugin/U1/")
    assert names == ["plugin/U1/TOOL", "plugin/U1/a_b", MINE]
    async with Storage(url) as storage:  # to list them no key is needed
        assert await storage.secrets.names("T1", prefix="plugin/u1/") == []
        assert await storage.secrets.names("T1", prefix="plugin/U_/") == []


async def test_what_belongs_to_a_person_never_goes_by_itself(safe: Storage) -> None:
    await safe.secrets.put("T1", MINE, "one")
    await safe.secrets.put("T1", "app/1", "two")

    def age(conn: sa.Connection) -> None:
        year_ms = to_ms(365 * 86_400)
        conn.execute(sa.update(secret).values(updated_at_ms=secret.c.updated_at_ms - year_ms))

    await safe.run(age)
    assert await safe.secrets.prune(older_than_s=MONTH_S, limit=9) == 1
    assert await safe.secrets.get("T1", MINE) == "one"
