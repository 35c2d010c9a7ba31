"""Named apps, on both databases."""

import asyncio
from dataclasses import replace

import pytest

from storage.database import Storage
from storage.errors import AppInUse, VersionConflict
from storage.records import AuditEntry, StoredApp
from tests.storage.sample import new_app


async def add(storage: Storage, name: str = "FAQ") -> StoredApp:
    return await storage.apps.put("T1", new_app(name), expected_version=0, by="U1")


async def choose(storage: Storage, name: object, *, scope: str) -> None:
    await storage.settings.change("T1", scope, values={"app": name}, expected_version=0, by="U1")


async def entries(storage: Storage) -> list[AuditEntry]:
    return list(await storage.audit.page("T1", scope="workspace", before_id=None, limit=99))


async def test_an_app_is_read_back_as_it_was_written(storage: Storage) -> None:
    added = await add(storage)
    assert added == replace(new_app("FAQ"), version=1)
    assert await storage.apps.get("T1", "FAQ") == added
    assert await storage.apps.list("T1") == [added]


async def test_names_that_differ_only_in_case_are_one(storage: Storage) -> None:
    added = await add(storage, "Straße-Ä")
    assert await storage.apps.get("T1", "STRASSE-ä") == added
    with pytest.raises(VersionConflict) as caught:
        await add(storage, "strasse-Ä")
    assert caught.value.current == added


async def test_apps_of_another_workspace_are_not_seen(storage: Storage) -> None:
    await add(storage)
    assert await storage.apps.get("T2", "FAQ") is None
    assert await storage.apps.list("T2") == []


async def test_apps_are_listed_by_name(storage: Storage) -> None:
    for name in ("b", "C", "a", "销售"):
        await add(storage, name)
    assert [app.name for app in await storage.apps.list("T1")] == ["a", "b", "C", "销售"]


async def test_an_edit_is_one_version_and_one_entry(storage: Storage) -> None:
    added = await add(storage)
    wanted = replace(added, kind="workflow", options={"temperature": 1})
    edited = await storage.apps.put("T1", wanted, expected_version=1, by="U2")
    assert edited == replace(wanted, version=2)
    newest, oldest = await entries(storage)
    assert (newest.action, oldest.action) == ("app.edited", "app.added")
    assert (newest.subject, newest.user_id) == ("app:faq", "U2")
    assert newest.before == oldest.after
    assert newest.after is not None
    assert StoredApp(**newest.after, version=2) == edited
    assert oldest.before is None


async def test_an_edit_that_changes_nothing_is_none(storage: Storage) -> None:
    added = await add(storage)
    assert await storage.apps.put("T1", added, expected_version=1, by="U2") == added
    assert len(await entries(storage)) == 1


async def test_an_edit_may_write_the_name_in_another_case(storage: Storage) -> None:
    added = await add(storage, "faq")
    edited = await storage.apps.put("T1", replace(added, name="FAQ"), expected_version=1, by="U1")
    assert await storage.apps.list("T1") == [edited]
    assert edited.name == "FAQ"


async def test_an_app_changed_meanwhile_is_neither_edited_nor_removed(storage: Storage) -> None:
    added = await add(storage)
    current = await storage.apps.put("T1", replace(added, app_id="b"), expected_version=1, by="U1")
    with pytest.raises(VersionConflict) as caught:
        await storage.apps.put("T1", replace(added, app_id="c"), expected_version=1, by="U2")
    assert caught.value.current == current
    with pytest.raises(VersionConflict):
        await storage.apps.remove("T1", "faq", expected_version=1, by="U2")
    assert await storage.apps.get("T1", "faq") == current


async def test_an_app_that_is_gone_is_neither_edited_nor_removed(storage: Storage) -> None:
    added = await add(storage)
    await storage.apps.remove("T1", "faq", expected_version=1, by="U1")
    with pytest.raises(VersionConflict) as caught:
        await storage.apps.put("T1", added, expected_version=1, by="U2")
    assert caught.value.current is None
    for version in (0, 1):
        with pytest.raises(VersionConflict):
            await storage.apps.remove("T1", "faq", expected_version=version, by="U2")
    assert [entry.action for entry in await entries(storage)] == ["app.removed", "app.added"]


async def test_versions_of_a_name_go_on_when_its_app_is_added_anew(storage: Storage) -> None:
    """Or somebody who still looks at the former app could write over the new one."""
    stale = await add(storage)
    await storage.apps.remove("T1", "FAQ", expected_version=stale.version, by="U1")
    anew = await add(storage, "faq")
    assert anew.version > stale.version + 1
    with pytest.raises(VersionConflict):
        await storage.apps.put("T1", stale, expected_version=stale.version, by="U1")


async def test_the_places_of_all_apps_are_counted_in_one_read(storage: Storage) -> None:
    await choose(storage, "FAQ", scope="workspace")
    await choose(storage, "faq", scope="channel:C1")
    await choose(storage, "default", scope="channel:C2")
    await choose(storage, 7, scope="channel:C3")
    assert await storage.apps.places("T1") == {"faq": 2, "default": 1}
    assert await storage.apps.places("T2") == {}


async def test_the_users_of_an_app_are_the_scopes_that_name_it(storage: Storage) -> None:
    await choose(storage, "FAQ", scope="workspace")
    await choose(storage, "faq", scope="channel:C2")
    await choose(storage, "faq2", scope="channel:C3")
    await choose(storage, ["faq"], scope="channel:C4")
    assert await storage.apps.users_of("T1", "Faq") == ["channel:C2", "workspace"]
    assert await storage.apps.users_of("T2", "faq") == []


async def test_settings_with_text_the_database_cannot_look_into_do_not_hide_the_users(
    storage: Storage,
) -> None:
    values = {"app": "faq", "more": {"bad": "\x00 \ud83d"}}
    await storage.settings.change("T1", "workspace", values=values, expected_version=0, by="U1")
    assert await storage.apps.users_of("T1", "faq") == ["workspace"]


async def test_an_app_in_use_is_removed_only_when_that_is_wanted(storage: Storage) -> None:
    await add(storage)
    await choose(storage, "faq", scope="channel:C1")
    with pytest.raises(AppInUse) as caught:
        await storage.apps.remove("T1", "FAQ", expected_version=1, by="U1")
    assert caught.value.scopes == ("channel:C1",)
    assert await storage.apps.get("T1", "FAQ") is not None
    await storage.apps.remove("T1", "FAQ", expected_version=1, by="U1", unless_used=False)
    assert await storage.apps.get("T1", "FAQ") is None


async def test_of_many_who_add_a_name_at_once_one_does(pair: tuple[Storage, Storage]) -> None:
    outcomes = await asyncio.gather(
        *(add(pair[n % 2], ("faq", "FAQ")[n % 2]) for n in range(8)), return_exceptions=True
    )
    (won,) = [outcome for outcome in outcomes if isinstance(outcome, StoredApp)]
    assert await pair[0].apps.list("T1") == [won]
    lost = [outcome for outcome in outcomes if isinstance(outcome, VersionConflict)]
    assert [outcome.current for outcome in lost] == [won] * 7


async def test_an_app_chosen_while_it_is_removed_is_kept_or_was_gone_before(
    pair: tuple[Storage, Storage],
) -> None:
    """Whoever comes second sees what the first did: nobody removes what is in use."""
    for number in range(20):
        name, scope = f"app{number}", f"channel:C{number}"
        await add(pair[0], name)
        removed, _ = await asyncio.gather(
            pair[0].apps.remove("T1", name, expected_version=1, by="U1"),
            choose(pair[1], name, scope=scope),
            return_exceptions=True,
        )
        newest = (await pair[0].audit.page("T1", scope=None, before_id=None, limit=1))[0]
        if isinstance(removed, AppInUse):
            assert removed.scopes == (scope,)
            assert await pair[0].apps.get("T1", name) is not None
        else:
            assert removed == []
            assert newest.scope == scope  # it was chosen after its removal
