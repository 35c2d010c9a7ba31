"""Settings at every scope, on both databases."""

import asyncio
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.database import Storage
from storage.documents import is_same, plain
from storage.errors import StorageConflict, VersionConflict
from storage.records import AuditEntry, StoredSettings

CHANNEL = "channel:C1"
ODD = {
    "中文": "nul \x00, half a pair \ud83d, a whole one 😀, a quote ' and a line\nbreak",
    "numbers": [1, 1.0, True, None, 10**30, -0.5],
    "deep": {"a": [{"b": {}}]},
    "app": "FAQ",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
).filter(lambda value: "inf" not in repr(value))
OBJECTS = st.dictionaries(st.text(), JSON, max_size=4)


async def change(
    storage: Storage, values: dict[str, Any], *, version: int, scope: str = CHANNEL
) -> StoredSettings:
    return await storage.settings.change(
        "T1", scope, values=values, expected_version=version, by="U1"
    )


async def now(storage: Storage, scope: str = CHANNEL) -> StoredSettings:
    return (await storage.settings.get("T1", scope))[scope]


async def entries(storage: Storage) -> list[AuditEntry]:
    return list(await storage.audit.page("T1", scope=None, before_id=None, limit=99))


async def test_a_scope_nobody_set_is_empty_at_version_zero(storage: Storage) -> None:
    found = await storage.settings.get("T1", "workspace", CHANNEL)
    assert list(found) == ["workspace", CHANNEL]
    assert found[CHANNEL] == StoredSettings(CHANNEL, {}, 0, "", None)


async def test_a_change_is_read_back_as_it_was_written(storage: Storage) -> None:
    changed = await change(storage, ODD, version=0)
    assert changed == await now(storage)
    assert is_same(changed.values, ODD)
    assert (changed.version, changed.updated_by) == (1, "U1")
    assert changed.updated_at is not None
    assert changed.updated_at.tzinfo is not None


async def test_scopes_and_workspaces_do_not_see_each_other(storage: Storage) -> None:
    await change(storage, {"app": "faq"}, version=0)
    found = await storage.settings.get("T1", CHANNEL, "channel:C2", "user:U1", "workspace")
    assert [each.version for each in found.values()] == [1, 0, 0, 0]
    assert (await storage.settings.get("T2", CHANNEL))[CHANNEL].version == 0


async def test_each_change_is_one_version_and_one_entry(storage: Storage) -> None:
    for version in range(3):
        await change(storage, {"round": version}, version=version)
    assert (await now(storage)).version == 3
    assert [(e.before, e.after) for e in await entries(storage)] == [
        ({"round": 1}, {"round": 2}),
        ({"round": 0}, {"round": 1}),
        ({}, {"round": 0}),
    ]
    newest = (await entries(storage))[0]
    assert (newest.user_id, newest.action, newest.scope) == ("U1", "settings.changed", CHANNEL)
    assert (newest.subject, newest.undoes) == ("settings", None)


async def test_a_change_to_the_same_values_is_none(storage: Storage) -> None:
    await change(storage, {"a": [1], "b": {"c": 2}}, version=0)
    again = await change(storage, {"b": {"c": 2}, "a": [1]}, version=1)
    assert again == await now(storage)
    assert again.version == 1
    assert len(await entries(storage)) == 1


@pytest.mark.parametrize("other", [1.0, True, "1", [1]])
async def test_values_python_takes_for_equal_are_different_settings(
    storage: Storage, other: object
) -> None:
    await change(storage, {"n": 1}, version=0)
    assert (await change(storage, {"n": other}, version=1)).version == 2


async def test_clearing_a_scope_keeps_counting_its_versions(storage: Storage) -> None:
    await change(storage, {"a": 1}, version=0)
    cleared = await change(storage, {}, version=1)
    assert (cleared.values, cleared.version) == ({}, 2)


@pytest.mark.parametrize("stale", [0, 1, 3])
async def test_a_change_of_what_has_changed_since_is_refused_with_what_there_is(
    storage: Storage, stale: int
) -> None:
    await change(storage, {"a": 1}, version=0)
    current = await change(storage, {"a": 2}, version=1)
    with pytest.raises(VersionConflict) as caught:
        await change(storage, {"a": 3}, version=stale)
    assert caught.value.current == current == await now(storage)
    assert isinstance(caught.value, StorageConflict)
    assert len(await entries(storage)) == 2


async def test_of_many_admins_at_once_one_wins(storage: Storage) -> None:
    await one_wins(storage, storage)


async def test_of_many_admins_at_several_processes_one_wins(pair: tuple[Storage, Storage]) -> None:
    await one_wins(*pair)


async def one_wins(*storages: Storage) -> None:
    for version in range(5):
        tries = [
            change(storages[n % 2], {"by": n, "round": version}, version=version) for n in range(8)
        ]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        (won,) = [outcome for outcome in outcomes if isinstance(outcome, StoredSettings)]
        lost = [outcome for outcome in outcomes if isinstance(outcome, VersionConflict)]
        assert [outcome.current for outcome in lost] == [won] * 7
        assert await now(storages[0]) == won
    assert len(await entries(storages[0])) == 5


async def test_a_value_json_cannot_write_is_refused_and_changes_nothing(storage: Storage) -> None:
    with pytest.raises(ValueError, match="JSON"):
        await change(storage, {"n": float("nan")}, version=0)
    with pytest.raises(TypeError, match="JSON"):
        await change(storage, {"n": {1, 2}}, version=0)
    assert (await now(storage)).version == 0


async def test_what_channels_set_is_read_together_up_to_a_bound(storage: Storage) -> None:
    for scope in ("workspace", "channel:C2", "user:U1", "channel:C1", "channel:C3"):
        await change(storage, {"follow": scope}, version=0, scope=scope)
    found = await storage.settings.channels("T1", limit=2)
    assert [each.values["follow"] for each in found] == ["channel:C1", "channel:C2"]
    assert not await storage.settings.channels("T2", limit=2)


def test_any_mapping_may_stand_where_a_dict_does() -> None:
    assert plain(MappingProxyType({"a": MappingProxyType({"b": (1, 2)})})) == {"a": {"b": [1, 2]}}


@given(OBJECTS)
def test_what_is_plain_stays_as_it_is(values: dict[str, Any]) -> None:
    assert repr(plain(values)) == repr(values)
    assert is_same(plain(values), values)


@given(OBJECTS, OBJECTS)
def test_two_objects_are_the_same_exactly_when_their_json_is(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert is_same(one, other) == (repr(_sorted(one)) == repr(_sorted(other)))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else value
