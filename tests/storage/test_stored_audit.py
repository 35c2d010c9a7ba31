"""Who changed what, and taking it back, on both databases."""

import asyncio
import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from storage.apps import subject_of
from storage.database import Storage
from storage.errors import AppInUse, NotUndoable, VersionConflict
from storage.records import AuditEntry, StoredApp, StoredSettings
from tests.storage.sample import new_app

SCOPE = "channel:C1"
numbers = itertools.count(1)


async def change(storage: Storage, values: dict[str, Any], *, scope: str = SCOPE) -> None:
    version = (await storage.settings.get("T1", scope))[scope].version
    await storage.settings.change("T1", scope, values=values, expected_version=version, by="U1")


async def now(storage: Storage) -> StoredSettings:
    return (await storage.settings.get("T1", SCOPE))[SCOPE]


async def last(storage: Storage, scope: str = SCOPE) -> AuditEntry:
    entry = await storage.audit.last("T1", scope)
    assert entry is not None
    return entry


async def undo_last(storage: Storage, scope: str = SCOPE) -> AuditEntry:
    return await storage.audit.undo("T1", (await last(storage, scope)).id, by="U2")


async def app_now(storage: Storage) -> StoredApp:
    app = await storage.apps.get("T1", "faq")
    assert app is not None
    return app


async def put_app(storage: Storage, app: StoredApp) -> StoredApp:
    return await storage.apps.put("T1", app, expected_version=app.version, by="U1")


async def test_pages_go_back_in_time_and_miss_nothing(storage: Storage) -> None:
    for number in range(7):
        await change(storage, {"n": number}, scope=f"channel:C{number % 2}")
    seen: list[AuditEntry] = []
    before_id = None
    while page := await storage.audit.page("T1", scope=None, before_id=before_id, limit=3):
        seen.extend(page)
        before_id = page[-1].id
    assert [entry.after for entry in seen] == [{"n": n} for n in reversed(range(7))]
    of_one = await storage.audit.page("T1", scope="channel:C1", before_id=None, limit=9)
    assert [entry.after for entry in of_one] == [{"n": 5}, {"n": 3}, {"n": 1}]
    assert await storage.audit.page("T2", scope=None, before_id=None, limit=9) == []


async def test_what_was_set_at_any_version_is_known(storage: Storage) -> None:
    await put_app(storage, new_app())  # the workspace's entries that are none of its settings
    for scope in (SCOPE, "workspace"):
        for number in range(1, 4):
            await change(storage, {"n": number}, scope=scope)
        await undo_last(storage, scope)
        versions = [await storage.audit.former("T1", scope, version=number) for number in range(6)]
        assert versions == [{}, {"n": 1}, {"n": 2}, {"n": 3}, None, None]


async def test_what_an_app_was_at_any_version_is_known_though_it_was_removed(
    storage: Storage,
) -> None:
    first = await put_app(storage, new_app())
    second = await put_app(storage, replace(first, app_id="second"))
    await storage.apps.remove("T1", "FAQ", expected_version=second.version, by="U1")
    third = await put_app(storage, replace(first, app_id="third", version=0))
    await put_app(storage, replace(third, app_id="fourth"))
    for app in (first, second, third):
        former = await storage.audit.former(
            "T1", "workspace", version=app.version, subject=subject_of("faq")
        )
        assert former is not None
        assert former["app_id"] == app.app_id


async def test_a_scope_nobody_touched_has_no_last_entry(storage: Storage) -> None:
    assert await storage.audit.last("T1", SCOPE) is None


async def test_undoing_puts_back_what_there_was(storage: Storage) -> None:
    await change(storage, {"a": 1, "b": [1, 2]})
    await change(storage, {"b": [2]})
    undone = await undo_last(storage)
    current = await now(storage)
    assert (current.values, current.version) == ({"a": 1, "b": [1, 2]}, 3)
    assert current.updated_by == "U2"
    assert undone == await last(storage)
    assert (undone.action, undone.user_id) == ("settings.undone", "U2")
    assert (undone.before, undone.after) == ({"b": [2]}, {"a": 1, "b": [1, 2]})
    assert undone.undoes == undone.id - 1


async def test_undoing_an_undo_does_it_again(storage: Storage) -> None:
    await change(storage, {"a": 1})
    await undo_last(storage)
    assert (await now(storage)).values == {}
    await undo_last(storage)
    current = await now(storage)
    assert (current.values, current.version) == ({"a": 1}, 3)


async def test_what_was_changed_since_cannot_be_undone(storage: Storage) -> None:
    await change(storage, {"a": 1})
    first = await last(storage)
    await change(storage, {"a": 2})
    for _ in range(2):
        with pytest.raises(VersionConflict) as caught:
            await storage.audit.undo("T1", first.id, by="U2")
        assert caught.value.current == await now(storage)
    assert (await now(storage)).values == {"a": 2}


async def test_a_change_elsewhere_does_not_hinder_an_undo(storage: Storage) -> None:
    await change(storage, {"a": 1})
    first = await last(storage)
    await change(storage, {"a": 2}, scope="channel:C2")
    await put_app(storage, new_app())
    await storage.audit.undo("T1", first.id, by="U2")
    assert (await now(storage)).values == {}


async def test_an_entry_that_is_unknown_here_cannot_be_undone(storage: Storage) -> None:
    await change(storage, {"a": 1})
    first = await last(storage)
    for team_id, entry_id in (("T2", first.id), ("T1", first.id + 1)):
        with pytest.raises(NotUndoable):
            await storage.audit.undo(team_id, entry_id, by="U2")
    assert (await now(storage)).version == 1


async def test_undoing_an_edit_brings_the_app_back_as_it_was(storage: Storage) -> None:
    added = await put_app(storage, new_app())
    await put_app(storage, replace(added, name="faq", app_id="b", options={}, is_open=True))
    await undo_last(storage, "workspace")
    assert await app_now(storage) == replace(added, version=3)
    await undo_last(storage, "workspace")
    edited = await app_now(storage)
    assert (edited.name, edited.app_id, edited.version) == ("faq", "b", 4)


async def test_undoing_a_removal_adds_and_undoing_an_adding_removes(storage: Storage) -> None:
    added = await put_app(storage, new_app())
    await storage.apps.remove("T1", "faq", expected_version=added.version, by="U1")
    for version in (3, 5):
        undone = await undo_last(storage, "workspace")
        assert (undone.action, undone.before) == ("app.undone", None)
        assert await app_now(storage) == replace(added, version=version)
        undone = await undo_last(storage, "workspace")
        assert undone.after is None
        assert await storage.apps.get("T1", "faq") is None


async def test_undoing_a_removal_gives_the_app_back_where_no_other_was_chosen_since(
    storage: Storage,
) -> None:
    app = await put_app(storage, new_app())
    for number in range(3):
        await change(storage, {"app": "FAQ"}, scope=f"channel:C{number}")
    places = await storage.apps.remove(
        "T1", "faq", expected_version=app.version, by="U1", unless_used=False
    )
    assert places == ["channel:C0", "channel:C1", "channel:C2"]
    await change(storage, {"app": "other"}, scope="channel:C1")
    await change(storage, {"follow": "thread"}, scope="channel:C2")
    await undo_last(storage, "workspace")
    assert await app_now(storage)
    stored = await storage.settings.get("T1", *places)
    assert [stored[scope].values for scope in places] == [
        {"app": "FAQ"},
        {"app": "other"},
        {"follow": "thread", "app": "FAQ"},
    ]
    for scope in places:
        assert (await last(storage, scope)).before is not None


async def test_a_removal_gives_back_nothing_that_another_one_took(storage: Storage) -> None:
    for name in ("one", "two"):
        app = await put_app(storage, replace(new_app(), name=name))
        await change(storage, {"app": name}, scope=f"channel:{name}")
        await storage.apps.remove(
            "T1", name, expected_version=app.version, by="U1", unless_used=False
        )
    await undo_last(storage, "workspace")
    stored = await storage.settings.get("T1", "channel:one", "channel:two")
    assert stored["channel:one"].values == {}
    assert stored["channel:two"].values == {"app": "two"}


async def test_an_app_in_use_is_not_removed_by_undoing_its_adding(storage: Storage) -> None:
    await put_app(storage, new_app())
    added = await last(storage, "workspace")
    await change(storage, {"app": "faq"})
    with pytest.raises(AppInUse):
        await storage.audit.undo("T1", added.id, by="U1")
    await app_now(storage)


async def test_of_two_apps_each_is_undone_by_itself(storage: Storage) -> None:
    await put_app(storage, new_app("one"))
    first = await last(storage, "workspace")
    await put_app(storage, new_app("two"))
    await storage.audit.undo("T1", first.id, by="U1")
    assert [app.name for app in await storage.apps.list("T1")] == ["two"]


async def test_changes_in_another_workspace_do_not_stand_in_the_way(storage: Storage) -> None:
    await change(storage, {"a": 1})
    await storage.settings.change("T2", SCOPE, values={"a": 2}, expected_version=0, by="U9")
    await undo_last(storage)
    assert (await now(storage)).values == {}
    assert (await storage.settings.get("T2", SCOPE))[SCOPE].values == {"a": 2}


async def test_an_app_whose_own_key_is_gone_is_not_brought_back(storage: Storage) -> None:
    added = await put_app(storage, replace(new_app(), secret_name="app/gone"))
    await storage.apps.remove("T1", "faq", expected_version=added.version, by="U1")
    with pytest.raises(NotUndoable):
        await undo_last(storage, "workspace")
    assert await storage.apps.get("T1", "faq") is None


async def test_of_many_who_undo_at_once_one_does(pair: tuple[Storage, Storage]) -> None:
    await change(pair[0], {"a": 1})
    entry_id = (await last(pair[0])).id
    outcomes = await asyncio.gather(
        *(pair[n % 2].audit.undo("T1", entry_id, by=f"U{n}") for n in range(8)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, AuditEntry) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, VersionConflict) for outcome in outcomes) == 7
    assert ((await now(pair[0])).values, (await now(pair[0])).version) == ({}, 2)


async def test_a_change_and_an_undo_at_once_never_both_win(pair: tuple[Storage, Storage]) -> None:
    for number in range(10):
        await change(pair[0], {"n": number})
        current, entry = await now(pair[0]), await last(pair[0])
        outcomes = await asyncio.gather(
            pair[0].audit.undo("T1", entry.id, by="U1"),
            pair[1].settings.change(
                "T1", SCOPE, values={"x": 1}, expected_version=current.version, by="U2"
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(outcome, VersionConflict) for outcome in outcomes) == 1
        assert (await now(pair[0])).version == current.version + 1


@hypothesis_settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.sampled_from(["change", "undo", "add", "edit", "remove"]), max_size=12))
async def test_whatever_was_done_undoing_it_restores_everything(
    sqlite_database: str, steps: list[str]
) -> None:
    """The audit tells of every change, and the state after it; undoing goes one step back."""
    async with Storage(sqlite_database) as storage:
        for step in steps:
            before = await everything(storage)
            if not await tried(storage, step, number=next(numbers)):
                continue
            done = await everything(storage)
            newest = (await storage.audit.page("T1", scope=None, before_id=None, limit=1))[0]
            await storage.audit.undo("T1", newest.id, by="U2")
            assert await everything(storage) == before
            newest = (await storage.audit.page("T1", scope=None, before_id=None, limit=1))[0]
            await storage.audit.undo("T1", newest.id, by="U2")
            assert await everything(storage) == done


async def tried(storage: Storage, step: str, *, number: int) -> bool:
    """Take a step; return whether it was possible."""
    app = await storage.apps.get("T1", "faq")
    match step, app:
        case "change", _:
            await change(storage, {"n": number, "list": [number] * 3})
        case "undo", _:
            entries = await storage.audit.page("T1", scope=None, before_id=None, limit=1)
            if not entries:
                return False
            await storage.audit.undo("T1", entries[0].id, by="U3")
        case "add", None:
            await put_app(storage, new_app())
        case "edit", StoredApp():
            await put_app(storage, replace(app, app_id=f"app{number}"))
        case "remove", StoredApp():
            await storage.apps.remove("T1", "faq", expected_version=app.version, by="U1")
        case _:
            return False
    return True


async def everything(storage: Storage) -> tuple[Any, ...]:
    """Return all that is set, without versions."""
    apps = [replace(app, version=0) for app in await storage.apps.list("T1")]
    return (await now(storage)).values, apps
