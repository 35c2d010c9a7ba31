"""Threads and their sessions, on both databases."""

import pytest
import sqlalchemy as sa

from storage.database import Storage
from storage.records import Conversation, SessionUse, TurnStatus
from storage.tables import conversation as conversations_table
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


async def test_idleness_is_counted_since_the_last_answer(storage: Storage) -> None:
    await answer(storage, FIRST)
    await storage.run(age, 3600)
    assert 3600 <= (await found(storage)).idle_s < 3660


async def test_forgetting_tells_whether_there_was_something_to_forget(storage: Storage) -> None:
    await answer(storage, FIRST)
    assert await storage.conversations.forget(*PLACE)
    assert not await storage.conversations.forget(*PLACE)
    assert await storage.conversations.get(*PLACE) is None


async def test_pruning_deletes_what_was_not_used_for_long(storage: Storage) -> None:
    await answer(storage, FIRST)
    assert await storage.conversations.prune(older_than_s=60, limit=5) == 0
    await storage.run(age, 61)
    assert await storage.conversations.prune(older_than_s=60, limit=5) == 1
    assert await storage.conversations.get(*PLACE) is None


def age(conn: sa.Connection, seconds: int) -> None:
    earlier = conversations_table.c.last_used_at_ms - seconds * 1000
    conn.execute(sa.update(conversations_table).values(last_used_at_ms=earlier))
