"""Secrets in both databases."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from storage import apps
from storage.clock import to_ms
from storage.database import Storage
from storage.errors import SecretsLocked, SecretUnreadable
from storage.journal import Act
from storage.records import StoredApp
from storage.secrets_at_rest import BATCH, reseal
from storage.tables import audit, metadata, secret
from storage.vault import Vault
from tests.storage.crew import connected, until_somebody_waits
from tests.storage.sample import SECRET, new_app

OLD, NEW = "an old key that is quite long enough", "a new key that is quite long enough!"
PLACE = ("T1", "app/1")
MONTH_S = 30 * 86_400.0


@pytest.fixture
async def safe(url: str) -> AsyncIterator[Storage]:
    async with Storage(url, keys=[OLD]) as opened:
        yield opened


async def test_a_secret_is_read_back_until_it_is_replaced_or_removed(safe: Storage) -> None:
    assert safe.secrets.is_open
    assert await safe.secrets.get(*PLACE) is None
    for text in ("first", "second ✓\n"):
        await safe.secrets.put(*PLACE, text)
        assert await safe.secrets.get(*PLACE) == text
    for other in (("T2", "app/1"), ("T1", "app/2")):
        assert await safe.secrets.get(*other) is None
    for _ in range(2):
        await safe.secrets.remove(*PLACE)
        assert await safe.secrets.get(*PLACE) is None


async def test_without_a_key_nothing_is_kept_or_read(url: str) -> None:
    async with Storage(url) as storage:
        assert not storage.secrets.is_open
        with pytest.raises(SecretsLocked):
            await storage.secrets.put(*PLACE, SECRET)
        with pytest.raises(SecretsLocked):
            await storage.secrets.get(*PLACE)
        with pytest.raises(SecretsLocked):
            await storage.secrets.reencrypt()
        await storage.secrets.remove(*PLACE)


async def test_with_every_key_lost_secrets_are_unreadable_and_the_rest_works(url: str) -> None:
    async with Storage(url, keys=[OLD]) as storage:
        await storage.secrets.put(*PLACE, SECRET)
    async with Storage(url, keys=[NEW]) as storage:
        with pytest.raises(SecretUnreadable) as caught:
            await storage.secrets.get(*PLACE)
        assert SECRET not in str(caught.value)
        assert await storage.secrets.reencrypt() == (0, [PLACE])
        await storage.secrets.put(*PLACE, "anew")
        assert await storage.secrets.get(*PLACE) == "anew"


async def test_a_row_copied_to_another_name_is_refused(safe: Storage) -> None:
    await safe.secrets.put(*PLACE, SECRET)
    await safe.secrets.put("T1", "app/2", "mine")

    def copy(conn: sa.Connection) -> None:
        box = sa.select(secret.c.box).where(secret.c.name == "app/1").scalar_subquery()
        conn.execute(sa.update(secret).where(secret.c.name == "app/2").values(box=box))

    await safe.run(copy)
    with pytest.raises(SecretUnreadable):
        await safe.secrets.get("T1", "app/2")


async def test_reencryption_makes_the_old_key_needless(url: str) -> None:
    places = [(f"T{n % 3}", f"app/{n}") for n in range(2 * BATCH + 1)]
    async with Storage(url, keys=[OLD]) as storage:
        for place in places:
            await storage.secrets.put(*place, "/".join(place))
    async with Storage(url, keys=[NEW, OLD]) as storage:
        assert await storage.secrets.reencrypt() == (len(places), [])
    async with Storage(url, keys=[NEW]) as storage:
        for place in places:
            assert await storage.secrets.get(*place) == "/".join(place)


async def test_while_keys_are_changed_step_by_step_every_process_opens_what_any_other_sealed(
    url: str,
) -> None:
    """The steps of docs/operations.md: at any moment some processes are one step behind."""
    for before, after in pairwise([[OLD], [OLD, NEW], [NEW, OLD]]):
        await open_each_others(url, before, after)
    async with Storage(url, exclusive=False, keys=[NEW, OLD]) as storage:
        assert (await storage.secrets.reencrypt())[1] == []
    await open_each_others(url, [NEW, OLD], [NEW])


@pytest.mark.parametrize(("before", "after"), [([OLD], [NEW, OLD]), ([OLD, NEW], [NEW])])
async def test_a_step_left_out_leaves_secrets_that_a_process_cannot_open(
    url: str, before: list[str], after: list[str]
) -> None:
    with pytest.raises(SecretUnreadable):
        await open_each_others(url, before, after)
    async with Storage(url, exclusive=False, keys=[OLD, NEW]) as storage:
        assert await storage.secrets.get(*PLACE) == SECRET  # nothing is lost as long as both are


async def open_each_others(url: str, *keys_of_processes: list[str]) -> None:
    """Have each of two processes seal a secret, and both open it."""
    one, other = (Storage(url, exclusive=False, keys=keys) for keys in keys_of_processes)
    async with one, other:
        for sealing in (one, other):
            await sealing.secrets.put(*PLACE, SECRET)
            assert [await each.secrets.get(*PLACE) for each in (one, other)] == [SECRET, SECRET]


async def test_unreadable_secrets_stay_as_they_are_and_are_named(url: str) -> None:
    async with Storage(url, keys=["some third key that is long enough"]) as storage:
        await storage.secrets.put("T1", "lost", SECRET)
        lost = await storage.read(boxes)
    async with Storage(url, keys=[OLD]) as storage:
        await storage.secrets.put(*PLACE, SECRET)
    async with Storage(url, keys=[NEW, OLD]) as storage:
        assert await storage.secrets.reencrypt() == (1, [("T1", "lost")])
        assert (await storage.read(boxes))["lost"] == lost["lost"]


async def test_reencryption_that_ended_half_way_is_run_again(url: str) -> None:
    async with Storage(url, keys=[OLD]) as storage:
        for number in range(BATCH + 5):
            await storage.secrets.put("T1", f"app/{number:03}", SECRET)
    async with Storage(url, keys=[NEW, OLD]) as storage:
        first = await storage.run(reseal, Vault([NEW, OLD]), after=None)
        assert (first.done, first.last) == (BATCH, ("T1", f"app/{BATCH - 1:03}"))
        assert await storage.secrets.reencrypt() == (BATCH + 5, [])


async def test_reencryption_may_be_killed_at_any_moment(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """Whatever was done by then, every secret is readable with both keys, and a rerun ends it."""
    path = tmp_path / "bot.db"
    shutil.copy(sqlite_template, path)
    url = f"sqlite+aiosqlite:///{path}"
    vault = Vault([OLD])
    count = 20 * BATCH

    def fill(conn: sa.Connection) -> None:
        names = [f"app/{number}" for number in range(count)]
        rows = [
            {"team_id": "T1", "name": n, "box": vault.seal(n, owner=("T1", n)), "updated_at_ms": 0}
            for n in names
        ]
        conn.execute(sa.insert(secret), rows)

    async with Storage(url) as storage:
        await storage.run(fill)
    for delay_s in (0.01, 0.05, 0.1):
        await reencrypt_and_kill(url, delay_s=delay_s)
        async with Storage(url, keys=[NEW, OLD]) as storage:
            readable = [await storage.secrets.get("T1", f"app/{n}") for n in range(0, count, 50)]
        assert readable == [f"app/{n}" for n in range(0, count, 50)]
    async with Storage(url, keys=[NEW, OLD]) as storage:
        assert await storage.secrets.reencrypt() == (count, [])
    async with Storage(url, keys=[NEW]) as storage:
        assert await storage.secrets.get("T1", f"app/{count - 1}") == f"app/{count - 1}"


async def reencrypt_and_kill(url: str, *, delay_s: float) -> None:
    """Start it in a process of its own, and kill that a moment after it began."""
    code = (
        "import asyncio, sys\n"
        "from storage.database import Storage\n"
        "async def main():\n"
        "    async with Storage(sys.argv[1], keys=sys.argv[2:]) as storage:\n"
        "        print('begun', flush=True)\n"
        "        await storage.secrets.reencrypt()\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, url, NEW, OLD), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun\n"
    await asyncio.sleep(delay_s)
    if process.returncode is None:
        process.kill()
    await process.communicate()


async def test_a_secret_replaced_while_all_are_reencrypted_is_not_lost(
    pair: tuple[Storage, Storage],
) -> None:
    one, other = (
        Storage(storage.url.render_as_string(hide_password=False), keys=[NEW, OLD])
        for storage in pair
    )
    async with one, other:
        for number in range(20):
            await one.secrets.put("T1", f"app/{number}", "before")
        await asyncio.gather(
            one.secrets.reencrypt(),
            *(other.secrets.put("T1", f"app/{number}", "after") for number in range(20)),
            one.secrets.reencrypt(),
        )
        assert {await one.secrets.get("T1", f"app/{n}") for n in range(20)} == {"after"}


async def test_a_secret_stays_while_an_app_or_an_undo_needs_it(safe: Storage) -> None:
    app = await app_with_secret(safe, "app/1")
    await later(safe, days=31)
    assert await pruned(safe) == 0  # the app has it
    await safe.apps.remove("T1", "faq", expected_version=app.version, by="U1")
    assert await pruned(safe) == 0  # undoing the removal would need it
    removal = await safe.audit.last("T1", "workspace")
    assert removal is not None
    await safe.audit.undo("T1", removal.id, by="U1")
    await later(safe, days=31)
    assert await pruned(safe) == 0  # the app has it again
    assert await safe.secrets.get("T1", "app/1") == SECRET


async def test_a_replaced_secret_goes_once_the_app_was_changed_again(safe: Storage) -> None:
    app = await app_with_secret(safe, "app/1")
    await later(safe, days=31)
    app = await app_with_secret(safe, "app/2", version=app.version)
    assert await pruned(safe) == 0  # undoing the edit would need it
    await safe.apps.put("T1", replace(app, app_id="b"), expected_version=app.version, by="U1")
    assert await pruned(safe) == 1
    assert await safe.secrets.get("T1", "app/1") is None
    assert await safe.secrets.get("T1", "app/2") == SECRET


async def test_the_secret_of_an_app_removed_long_ago_goes(safe: Storage) -> None:
    app = await app_with_secret(safe, "app/1")
    await safe.apps.remove("T1", "faq", expected_version=app.version, by="U1")
    await later(safe, days=31)
    assert await pruned(safe) == 1


async def test_a_secret_named_while_it_is_about_to_go_stays(
    pair: tuple[Storage, Storage],
) -> None:
    one = Storage(pair[0].url.render_as_string(hide_password=False), keys=[OLD])
    act = Act(team_id="T1", by="U1", action="app.added")
    app = replace(new_app(), secret_name="app/1")
    async with one:
        await one.secrets.put(*PLACE, SECRET)
        await later(one, days=31)
        async with connected(pair[1]) as other:
            await other.run_sync(apps.put, act, app, expected_version=0)
            pruning = asyncio.create_task(pruned(one))
            await until_somebody_waits(pair[1])
            await other.commit()
            assert await pruning == 0
        assert await one.secrets.get(*PLACE) == SECRET


async def test_secrets_in_use_do_not_stand_before_those_that_can_go(safe: Storage) -> None:
    await app_with_secret(safe, "app/1")
    await safe.secrets.put("T1", "app/2", SECRET)
    await later(safe, days=31)
    assert await pruned(safe, limit=1) == 1
    assert await safe.secrets.get("T1", "app/1") == SECRET


async def test_a_young_secret_stays_even_if_nothing_names_it_yet(safe: Storage) -> None:
    await safe.secrets.put(*PLACE, SECRET)
    assert await pruned(safe) == 0
    await later(safe, days=31)
    assert await pruned(safe) == 1


async def test_pruning_goes_in_steps(safe: Storage) -> None:
    for number in range(5):
        await safe.secrets.put(f"T{number % 2}", f"app/{number}", SECRET)
    await later(safe, days=31)
    assert [await pruned(safe, limit=2) for _ in range(4)] == [2, 2, 1, 0]


async def test_what_another_workspace_names_alike_does_not_keep_a_secret(safe: Storage) -> None:
    await app_with_secret(safe, "app/1")
    await safe.secrets.put("T2", "app/1", SECRET)
    await later(safe, days=31)
    assert await pruned(safe) == 1
    assert await safe.secrets.get("T1", "app/1") == SECRET


async def test_no_table_and_no_file_ever_holds_a_secret_in_the_clear(url: str) -> None:
    async with Storage(url, keys=[OLD]) as storage:
        app = await app_with_secret(storage, "app/1")
        await storage.secrets.put("T1", "app/1", SECRET + SECRET)
        await storage.apps.put("T1", replace(app, app_id="b"), expected_version=1, by="U1")
        await storage.apps.remove("T1", "faq", expected_version=2, by="U1")
        entry = await storage.audit.last("T1", "workspace")
        assert entry is not None
        await storage.audit.undo("T1", entry.id, by="U1")
        await storage.secrets.reencrypt()
        dump = await storage.read(everything)
        files = [file.read_bytes() for file in files_of(storage)]
    assert "app/1" in dump  # the search would find what is there
    for text in (SECRET, OLD):
        assert text not in dump
        assert not any(text.encode() in content for content in files)
    assert bool(files) == url.startswith("sqlite")


async def app_with_secret(storage: Storage, name: str, *, version: int = 0) -> StoredApp:
    await storage.secrets.put("T1", name, SECRET)
    app = replace(new_app(), secret_name=name)
    return await storage.apps.put("T1", app, expected_version=version, by="U1")


async def pruned(storage: Storage, *, limit: int = 9) -> int:
    return await storage.secrets.prune(older_than_s=MONTH_S, limit=limit)


async def later(storage: Storage, *, days: int) -> None:
    """Make everything there is so much older."""
    age_ms = to_ms(days * 86_400)

    def age(conn: sa.Connection) -> None:
        for column in (secret.c.updated_at_ms, audit.c.at_ms):
            conn.execute(sa.update(column.table).values({column.name: column - age_ms}))

    await storage.run(age)


def boxes(conn: sa.Connection) -> dict[str, str]:
    rows = conn.execute(sa.select(secret.c.name, secret.c.box))
    return {row.name: row.box for row in rows}


def everything(conn: sa.Connection) -> str:
    tables = metadata.sorted_tables
    return "\n".join(str(row) for table in tables for row in conn.execute(sa.select(table)))


def files_of(storage: Storage) -> list[Path]:
    if storage.dialect != "sqlite" or storage.url.database is None:
        return []
    path = Path(storage.url.database)
    return [each for each in path.parent.glob(f"{path.name}*") if each.stat().st_size]
