"""Edits, repeats, deletions and waiting lines of turns, on both databases."""

import asyncio

import pytest

from storage.database import Storage
from storage.records import Turn, TurnStatus
from tests.storage.sample import SECRET, claimed, lease_of, new_turn, taken

MESSAGE = {"team_id": "T1", "channel_id": "C1", "message_ts": "1700000000.000100"}


async def edit(storage: Storage, text: str, *, edited_ts: str) -> TurnStatus | None:
    return await storage.turns.amend(**MESSAGE, payload={"text": text, "edited_ts": edited_ts})


async def answered(storage: Storage, *, outcome: str = "answered") -> int:
    """Bring the one turn to its end, and return its id."""
    turn = await taken(storage)
    await storage.turns.posted(turn, ["1700000001.000000"])
    await storage.turns.finish(turn, status=TurnStatus.DONE, session=None, outcome=outcome)
    return turn.id


async def test_an_edit_that_is_delivered_again_changes_nothing(storage: Storage) -> None:
    await claimed(storage)
    for _ in range(3):
        assert await edit(storage, "new", edited_ts="5.0") is TurnStatus.QUEUED
    async with lease_of(storage):
        turn = await taken(storage)
    assert (turn.payload["text"], turn.revision) == ("new", 1)


async def test_an_older_edit_that_comes_late_does_not_undo_a_newer_one(storage: Storage) -> None:
    await claimed(storage)
    await edit(storage, "newest", edited_ts="10.0")
    await edit(storage, "older", edited_ts="9.0")
    async with lease_of(storage):
        turn = await taken(storage)
    assert (turn.payload["text"], turn.revision) == ("newest", 1)


async def test_an_edit_while_a_question_is_answered_again_reaches_that_answer(
    storage: Storage,
) -> None:
    await claimed(storage)
    async with lease_of(storage):
        first = await answered(storage)
        again = await storage.turns.repeat(turn_id=first, edited_ts="5.0")
        turn = await taken(storage)
        assert turn.id == again
        assert await edit(storage, "known", edited_ts="5.0") is TurnStatus.RUNNING
        assert (await storage.turns.look(turn)).revision == 0
        assert await edit(storage, "newest", edited_ts="6.0") is TurnStatus.RUNNING
        wish = await storage.turns.look(turn)
    assert (wish.revision, wish.payload["text"]) == (1, "newest")


async def test_two_who_ask_for_another_answer_at_once_get_one(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        first = await answered(storage)
        asked = (storage.turns.repeat(turn_id=first, edited_ts=f"{n}.0") for n in range(5, 15))
        new_ids = await asyncio.gather(*asked)
    assert len([new_id for new_id in new_ids if new_id is not None]) == 1


async def test_a_question_is_completed_once_however_often_that_is_sent(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        first = await answered(storage)
        sent = [
            storage.turns.complete(turn_id=first, payload={"variables": {"city": str(n)}})
            for n in range(5)
        ]
        [again] = [new_id for new_id in await asyncio.gather(*sent) if new_id is not None]
        turn = await taken(storage)
        assert (turn.id, turn.reply) == (again, ("1700000001.000000",))
        await storage.turns.finish(turn, status=TurnStatus.DONE, session=None, outcome="answered")
        assert await storage.turns.complete(turn_id=first, payload={}) is None
        second = await storage.turns.complete(turn_id=again, payload={"variables": {}})
        assert (await taken(storage)).id == second


@pytest.mark.parametrize("way", ["completed", "edited"])
async def test_a_question_can_be_asked_again_as_often_as_that_was_refused(
    storage: Storage, way: str
) -> None:
    await claimed(storage)

    async def again() -> int | None:
        if way == "edited":
            return await storage.turns.repeat(turn_id=first, edited_ts="5.0")
        return await storage.turns.complete(turn_id=first, payload={"variables": {}})

    async with lease_of(storage):
        first = await answered(storage, outcome="hinted")
        for outcome in ("refused", "refused", "answered"):
            new_id = await again()
            assert new_id is not None
            assert await again() is None
            assert await answered(storage, outcome=outcome) == new_id
        assert await again() is None


async def test_what_completes_a_question_stays_when_its_words_are_edited(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        first = await answered(storage)
        await storage.turns.complete(turn_id=first, payload={"variables": {"city": "x"}})
        await edit(storage, "new", edited_ts="5.0")
        turn = await taken(storage)
    assert turn.payload == {"variables": {"city": "x"}, "text": "new", "edited_ts": "5.0"}


async def test_a_stopped_turn_whose_line_is_seen_is_taken_up_to_take_it_away(
    storage: Storage,
) -> None:
    turn_id = await claimed(storage)
    (waiting,) = await storage.turns.to_announce(older_than_s=0, limit=9)
    assert await storage.turns.announced(turn_id=waiting.id, notice_ts="1700000001.000000")
    assert await storage.turns.request_stop(turn_id=turn_id, by="U2") is TurnStatus.QUEUED
    async with lease_of(storage):
        turn = await taken(storage)
    assert (turn.stop_requested_by, turn.notice) == ("U2", "1700000001.000000")


async def test_a_repeat_runs_after_what_waits_in_its_thread(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        first = await answered(storage)
        second = await claimed(storage, new_turn(message_ts="1700000009.000000"))
        again = await storage.turns.repeat(turn_id=first, edited_ts="5.0")
        assert await answered(storage) == second
        assert await answered(storage) == again


@pytest.mark.parametrize("elsewhere", [{"team_id": "T2"}, {"channel_id": "C2"}])
async def test_a_message_of_another_place_with_the_same_ts_is_another_message(
    storage: Storage, elsewhere: dict[str, str]
) -> None:
    await claimed(storage)
    other = {**MESSAGE, **elsewhere}
    changed = await storage.turns.amend(**other, payload={"text": "theirs", "edited_ts": "5.0"})
    assert changed is None
    assert await storage.turns.find_by_message(*other.values()) is None
    async with lease_of(storage):
        turn = await taken(storage)
    assert (turn.payload["text"], turn.revision) == (SECRET, 0)


async def test_a_message_is_found_by_its_last_answer_and_only_that_one_is_repeated(
    storage: Storage,
) -> None:
    await claimed(storage)
    async with lease_of(storage):
        first = await answered(storage)
        second = await storage.turns.repeat(turn_id=first, edited_ts="5.0")
        assert await answered(storage) == second
        found = await storage.turns.find_by_message(*MESSAGE.values())
        assert found is not None
        assert found.id == second
        assert second is not None
        assert await storage.turns.repeat(turn_id=first, edited_ts="6.0") is None
        assert await storage.turns.repeat(turn_id=second, edited_ts="6.0") is not None


async def waited(storage: Storage) -> Turn:
    """Claim two messages of a thread, take the first, and let the second have waited long."""
    await claimed(storage)
    second = await claimed(storage, new_turn(message_ts="1700000009.000000"))
    first = await taken(storage)
    found = await storage.turns.to_announce(older_than_s=0, limit=9)
    assert [(waiting.id, waiting.ahead) for waiting in found] == [(second, 1)]
    return first


async def test_a_turn_that_waits_is_announced_to_one_caller_once(storage: Storage) -> None:
    async with lease_of(storage):
        await waited(storage)
        assert await storage.turns.to_announce(older_than_s=0, limit=9) == []


async def test_a_turn_that_has_waited_briefly_is_left_alone(storage: Storage) -> None:
    await claimed(storage)
    assert await storage.turns.to_announce(older_than_s=60, limit=9) == []


async def test_turns_are_announced_only_while_there_is_room_for_their_lines(
    storage: Storage,
) -> None:
    for number in range(4):
        ts = f"170000000{number}.000000"
        await claimed(storage, new_turn(message_ts=ts, thread_ts=ts))
    first, second = await storage.turns.to_announce(older_than_s=0, limit=2)
    assert await storage.turns.to_announce(older_than_s=0, limit=2) == []
    await storage.turns.line_gone(first.id)
    await storage.turns.line_gone(second.id)
    async with lease_of(storage):
        await storage.turns.take(limit=2)
        assert len(await storage.turns.to_announce(older_than_s=0, limit=2)) == 2


async def test_a_line_is_left_from_when_its_turn_was_taken_up_until_it_is_gone(
    storage: Storage,
) -> None:
    async with lease_of(storage):
        first = await waited(storage)
        assert await storage.turns.left_lines(older_than_s=0, limit=9) == []
        await storage.turns.finish(first, status=TurnStatus.DONE, session=None, outcome="answered")
        second = await taken(storage)
        assert second.notice == ""
        assert await storage.turns.left_lines(older_than_s=60, limit=9) == []
        (line,) = await storage.turns.left_lines(older_than_s=0, limit=9)
        assert (line.turn_id, line.ts) == (second.id, "")
        await storage.turns.finish(second, status=TurnStatus.DONE, session=None, outcome="answered")
        assert await storage.turns.left_lines(older_than_s=0, limit=9) == [line]
        await storage.turns.line_gone(second.id)
        assert await storage.turns.left_lines(older_than_s=0, limit=9) == []
