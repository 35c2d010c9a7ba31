"""Whose long-term memory is whose, and who makes one, on both databases."""

import asyncio

import pytest
import sqlalchemy as sa

from storage.database import Storage
from storage.errors import NotUndoable, StorageConflict
from storage.memories import BY_HAND, MADE, Given, MemoryClaim, MemoryKey, StoredMemory
from storage.tables import memory

ANN = MemoryKey("T1", "UANN", "private")
BEN = MemoryKey("T1", "UBEN", "private")


async def made(storage: Storage, key: MemoryKey, memory_id: str) -> None:
    assert (await storage.memories.claim(key, by="w")).is_won
    assert await storage.memories.store(key, memory_id, by="w")


async def grow_stale(storage: Storage) -> None:
    past = sa.update(memory).values(claimed_at_ms=memory.c.claimed_at_ms - 31_000)
    await storage.run(lambda conn: conn.execute(past) and None)


async def test_what_was_made_is_found_under_its_owner_and_place_alone(storage: Storage) -> None:
    await made(storage, ANN, "m1")
    assert await storage.memories.get(ANN) == StoredMemory(ANN, "m1", MADE)
    for other in (
        BEN,
        MemoryKey("T2", "UANN", "private"),
        MemoryKey("T1", "UANN", "channels"),
        MemoryKey("T1", "UANN", "channel:C1"),
    ):
        assert await storage.memories.get(other) is None


async def test_what_was_taken_from_one_person_is_never_given_to_another(storage: Storage) -> None:
    await made(storage, ANN, "m1")
    assert await storage.memories.give(ANN, None, by="UADMIN")
    with pytest.raises(StorageConflict):
        await storage.memories.give(BEN, "m1", by="UADMIN")
    assert await storage.memories.get(BEN) is None
    assert await storage.memories.give(ANN, "m1", by="UADMIN")
    elsewhere = MemoryKey("T1", "UANN", "channels")
    assert await storage.memories.give(ANN, None, by="UADMIN")
    assert await storage.memories.give(elsewhere, "m1", by="UADMIN")


async def test_what_was_taken_from_somebody_in_one_workspace_is_nobodys_in_another(
    storage: Storage,
) -> None:
    """Nor the same user id's: in another workspace it may be somebody else."""
    await made(storage, ANN, "m1")
    assert await storage.memories.give(ANN, None, by="UADMIN")
    for user_id in (BEN.user_id, ANN.user_id):
        key = MemoryKey("T2", user_id, "private")
        with pytest.raises(StorageConflict):
            await storage.memories.give(key, "m1", by="UOTHER")
        assert await storage.memories.get(key) is None
    assert await storage.memories.give(ANN, "m1", by="UADMIN")


async def test_of_many_who_want_to_make_it_one_does(storage: Storage) -> None:
    claims = await asyncio.gather(*(storage.memories.claim(ANN, by=f"w{n}") for n in range(20)))
    assert sum(claim.is_won for claim in claims) == 1


async def test_of_two_processes_that_want_to_make_it_one_does(
    pair: tuple[Storage, Storage],
) -> None:
    for number in range(10):
        key = MemoryKey("T1", f"U{number}", "private")
        claims = await asyncio.gather(
            *(each.memories.claim(key, by=each.worker) for each in pair * 3)
        )
        assert sum(claim.is_won for claim in claims) == 1


async def test_a_stale_claim_is_taken_over_once_and_told_from_a_first_one(
    pair: tuple[Storage, Storage],
) -> None:
    one, other = pair
    assert await one.memories.claim(ANN, by="dead") == MemoryClaim(None, is_won=True)
    await grow_stale(one)
    claims = await asyncio.gather(*(each.memories.claim(ANN, by="new") for each in (one, other)))
    assert [claim for claim in claims if claim.is_won] == [
        MemoryClaim(None, is_won=True, is_second=True)
    ]


async def test_a_maker_whose_claim_was_taken_over_stores_nothing(storage: Storage) -> None:
    await storage.memories.claim(ANN, by="slow")
    await grow_stale(storage)
    await storage.memories.claim(ANN, by="quick")
    assert not await storage.memories.store(ANN, "late", by="slow")
    assert await storage.memories.store(ANN, "right", by="quick")
    assert (await storage.memories.claim(ANN, by="x")) == MemoryClaim("right", is_won=False)


async def test_after_a_release_another_try_waits_and_is_a_first_one(storage: Storage) -> None:
    await storage.memories.claim(ANN, by="w")
    await storage.memories.release(ANN, by="w")
    assert not (await storage.memories.claim(ANN, by="w")).is_won
    await grow_stale(storage)
    assert await storage.memories.claim(ANN, by="w") == MemoryClaim(None, is_won=True)


async def test_a_memory_belongs_to_one_person_and_place(storage: Storage) -> None:
    await made(storage, ANN, "m1")
    await storage.memories.claim(BEN, by="w")
    with pytest.raises(StorageConflict):
        await storage.memories.store(BEN, "m1", by="w")
    with pytest.raises(StorageConflict):
        await storage.memories.give(BEN, "m1", by="UADMIN")
    with pytest.raises(StorageConflict):
        await storage.memories.give(MemoryKey("T1", "UANN", "channels"), "m1", by="UADMIN")


async def test_forgetting_takes_that_memory_and_no_newer_one(storage: Storage) -> None:
    await made(storage, ANN, "m1")
    assert not await storage.memories.forget(ANN, "m0")
    assert await storage.memories.forget(ANN, "m1")
    assert await storage.memories.get(ANN) is None
    await made(storage, ANN, "m2")


async def test_a_user_has_a_list_of_their_own(storage: Storage) -> None:
    await made(storage, ANN, "m1")
    await made(storage, BEN, "m2")
    await made(storage, MemoryKey("T1", "UANN", "channels"), "m3")
    await made(storage, MemoryKey("T2", "UANN", "private"), "m4")
    found = await storage.memories.of_user("T1", "UANN")
    assert [each.memory_id for each in found] == ["m3", "m1"]


async def test_naming_one_by_hand_is_audited_and_can_be_undone(storage: Storage) -> None:
    await made(storage, ANN, "m1")
    assert await storage.memories.give(ANN, "m2", by="UADMIN") == Given(former_id="m1")
    assert await storage.memories.give(ANN, "m2", by="UADMIN") is None
    assert await storage.memories.get(ANN) == StoredMemory(ANN, "m2", BY_HAND)
    entry = await storage.audit.last("T1", "workspace")
    assert entry is not None
    assert (entry.before, entry.after) == ({"memory_id": "m1"}, {"memory_id": "m2"})
    await storage.audit.undo("T1", entry.id, by="UADMIN")
    assert (await storage.memories.of_user("T1", "UANN"))[0].memory_id == "m1"
    with pytest.raises(NotUndoable):
        await storage.audit.undo("T1", entry.id, by="UADMIN")


async def test_only_the_last_naming_can_be_undone_though_an_earlier_one_named_the_same(
    storage: Storage,
) -> None:
    for memory_id in ("m1", None, "m1"):
        await storage.memories.give(ANN, memory_id, by="UADMIN")
    last, _, first = await storage.audit.page("T1", scope=None, before_id=None, limit=9)
    with pytest.raises(NotUndoable):
        await storage.audit.undo("T1", first.id, by="UADMIN")
    await storage.audit.undo("T1", last.id, by="UADMIN")
    assert await storage.memories.get(ANN) is None


async def test_taking_one_away_by_hand_leaves_room_for_another(storage: Storage) -> None:
    await made(storage, ANN, "m1")
    assert await storage.memories.give(ANN, None, by="UADMIN")
    assert await storage.memories.get(ANN) is None
    await made(storage, BEN, "m1")
    entry = await storage.audit.last("T1", "workspace")
    assert entry is not None
    with pytest.raises(StorageConflict):
        await storage.audit.undo("T1", entry.id, by="UADMIN")


async def test_what_was_forgotten_since_is_not_brought_back(storage: Storage) -> None:
    await storage.memories.give(ANN, "m1", by="UADMIN")
    entry = await storage.audit.last("T1", "workspace")
    assert entry is not None
    await storage.memories.forget(ANN, "m1")
    with pytest.raises(NotUndoable):
        await storage.audit.undo("T1", entry.id, by="UADMIN")
