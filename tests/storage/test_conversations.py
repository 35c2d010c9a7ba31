"""Threads and their sessions, on both databases."""

import time

import pytest
import sqlalchemy as sa

from storage.database import Storage
from storage.records import Conversation, SessionUse, TurnStatus
from storage.tables import conversation as conversations_table
from storage.tables import turn as turns_table
from tests.storage.sample import claimed, lease_of, new_turn, taken

PLACE = ("T1", "C1", "1.0")
FIRST = SessionUse(app_key="app", session_id="s1")


async def answer(storage: Storage, *sessions: SessionUse | None) -> None:
    """Finish one turn of the thread with each of the sessions."""
    async with lease_of(storage):
        for number, session in enumerate(sessions, start=1):
            await claimed(storage, new_turn(thread_ts="1.0", message_ts=f"1.{number}"))
            turn = await taken(storage)
            await storage.turns.finish(turn, status=TurnStatus.DONE, session=session, outcome="x")


async def later(storage: Storage, session: SessionUse, *, ts: str) -> None:
    """Finish one more turn of the thread."""
    async with lease_of(storage):
        await claimed(storage, new_turn(thread_ts="1.0", message_ts=ts))
        turn = await taken(storage)
        await storage.turns.finish(turn, status=TurnStatus.DONE, session=session, outcome="x")


async def found(storage: Storage) -> Conversation:
    conversation = await storage.conversations.get(*PLACE)
    assert conversation is not None
    return conversation


async def test_a_thread_has_no_conversation_until_a_turn_leaves_one(storage: Storage) -> None:
    await answer(storage, None)
    assert await storage.conversations.get(*PLACE) is None


async def test_each_answer_in_a_session_is_one_more_round(storage: Storage) -> None:
    await answer(storage, FIRST, FIRST, FIRST)
    conversation = await found(storage)
    assert (conversation.app_key, conversation.session_id) == ("app", "s1")
    assert conversation.rounds == 3
    assert 0 <= conversation.idle_s < 60


@pytest.mark.parametrize(
    "other",
    [SessionUse(app_key="app", session_id="s2"), SessionUse(app_key="other", session_id="s1")],
)
async def test_another_session_or_app_counts_from_one(storage: Storage, other: SessionUse) -> None:
    await answer(storage, FIRST, FIRST, other)
    conversation = await found(storage)
    assert (conversation.app_key, conversation.session_id) == (other.app_key, other.session_id)
    assert conversation.rounds == 1


async def test_a_turn_without_a_session_leaves_the_conversation_alone(storage: Storage) -> None:
    await answer(storage, FIRST, None)
    assert (await found(storage)).rounds == 1


@pytest.mark.parametrize("app_key", ["app", "other"])
async def test_an_answer_outside_any_session_leaves_the_one_there_was(
    storage: Storage, app_key: str
) -> None:
    outside = SessionUse(app_key=app_key, session_id="")
    await answer(storage, outside)
    assert await storage.conversations.get(*PLACE) is None
    await storage.conversations.forget(*PLACE, up_to_ts="0.5")
    await later(storage, outside, ts="1.4")
    conversation = await found(storage)
    assert (conversation.app_key, conversation.since_ts) == ("", "0.500000")
    await later(storage, FIRST, ts="1.5")
    await later(storage, outside, ts="1.6")
    conversation = await found(storage)
    assert (conversation.app_key, conversation.session_id) == ("app", "")


async def test_idleness_is_counted_since_the_last_question_and_not_since_its_answer(
    storage: Storage,
) -> None:
    async with lease_of(storage):
        await claimed(storage, new_turn(thread_ts="1.0", message_ts="1.1"))
        await storage.run(wait, 3600)
        turn = await taken(storage)
        await storage.turns.finish(turn, status=TurnStatus.DONE, session=FIRST, outcome="x")
    assert 3600 <= (await found(storage)).idle_s < 3660


async def test_a_thread_that_is_started_afresh_has_no_session_and_knows_since_when(
    storage: Storage,
) -> None:
    await answer(storage, FIRST)
    for had_session in (True, False):
        assert await storage.conversations.forget(*PLACE, up_to_ts="1.500001") is had_session
        fresh = await found(storage)
        assert (fresh.app_key, fresh.session_id, fresh.rounds) == ("", "", 0)
        assert fresh.since_ts == "1.500001"
        assert fresh.idle_s < 60


async def test_a_thread_is_forgotten_up_to_now_unless_told_otherwise(storage: Storage) -> None:
    assert not await storage.conversations.forget(*PLACE)
    assert abs(float((await found(storage)).since_ts) - time.time()) < 60


async def test_what_was_forgotten_once_is_not_remembered_again(storage: Storage) -> None:
    await storage.conversations.forget(*PLACE, up_to_ts="9.5")
    await storage.conversations.forget(*PLACE, up_to_ts="2.5")
    assert (await found(storage)).since_ts == "9.500000"
    await storage.conversations.forget(*PLACE)
    assert float((await found(storage)).since_ts) > 10


async def test_what_follows_a_fresh_start_is_a_session_of_its_own_that_keeps_the_moment(
    storage: Storage,
) -> None:
    await answer(storage, FIRST, FIRST)
    await storage.conversations.forget(*PLACE, up_to_ts="1.25")
    await later(storage, FIRST, ts="1.4")
    await later(storage, FIRST, ts="1.5")
    conversation = await found(storage)
    assert (conversation.session_id, conversation.rounds) == ("s1", 2)
    assert conversation.since_ts == "1.250000"


@pytest.mark.parametrize("up_to_ts", ["1.6", "1.500000"])
async def test_an_answer_that_was_asked_for_before_a_fresh_start_does_not_bring_its_session_back(
    storage: Storage, up_to_ts: str
) -> None:
    async with lease_of(storage):
        await claimed(storage, new_turn(thread_ts="1.0", message_ts="1.5"))
        turn = await taken(storage)
        await storage.conversations.forget(*PLACE, up_to_ts=up_to_ts)
        await storage.turns.finish(turn, status=TurnStatus.DONE, session=FIRST, outcome="x")
    assert (await found(storage)).session_id == ""


async def test_all_threads_of_one_channel_can_be_started_afresh(storage: Storage) -> None:
    async with lease_of(storage):
        for channel, ts in (("D1", "1.1"), ("D1", "1.2"), ("D12", "1.3"), ("D_", "1.4")):
            new = new_turn(channel_id=channel, thread_ts=ts, message_ts=ts)
            await claimed(storage, new)
            turn = await taken(storage)
            await storage.turns.finish(turn, status=TurnStatus.DONE, session=FIRST, outcome="x")
    assert await storage.conversations.forget_all("T1", "D1") == 2
    assert await storage.conversations.forget_all("T1", "C9") == 0
    left = [
        await storage.conversations.get("T1", *place) for place in (("D1", "1.1"), ("D12", "1.3"))
    ]
    assert [each.session_id for each in left if each is not None] == ["", "s1"]


async def test_threads_that_only_have_turns_are_started_afresh_with_the_others(
    storage: Storage,
) -> None:
    await answer(storage, None, None)
    await claimed(storage, new_turn(thread_ts="7.0", message_ts="7.0"))
    assert await storage.conversations.forget_all("T1", "C1") == 2
    for place in (PLACE, ("T1", "C1", "7.0")):
        fresh = await storage.conversations.get(*place)
        assert fresh is not None
        assert (fresh.app_key, fresh.session_id, fresh.rounds) == ("", "", 0)
        assert abs(float(fresh.since_ts) - time.time()) < 60


async def test_pruning_deletes_what_was_not_used_for_long(storage: Storage) -> None:
    await answer(storage, FIRST)
    assert await storage.conversations.prune(older_than_s=60, limit=5) == 0
    await storage.run(age, 61)
    assert await storage.conversations.prune(older_than_s=60, limit=5) == 1
    assert await storage.conversations.get(*PLACE) is None


def wait(conn: sa.Connection, seconds: int) -> None:
    earlier = turns_table.c.created_at_ms - seconds * 1000
    conn.execute(sa.update(turns_table).values(created_at_ms=earlier))


def age(conn: sa.Connection, seconds: int) -> None:
    earlier = conversations_table.c.last_used_at_ms - seconds * 1000
    conn.execute(sa.update(conversations_table).values(last_used_at_ms=earlier))
