"""The inbox, on both databases."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from storage.clock import now_ms
from storage.database import Storage
from storage.errors import LeaseLost, StorageUnavailable
from storage.lease import Lease
from storage.records import SessionUse, TurnStatus
from storage.tables import turn as turns_table
from tests.storage.crew import connected
from tests.storage.sample import SECRET, claimed, ignore, lease_of, new_turn, taken

DAY_S = 24 * 60 * 60.0


async def test_four_deliveries_of_a_message_are_one_claim(storage: Storage) -> None:
    assert await storage.turns.claim(new_turn()) is not None
    assert await storage.turns.claim(new_turn()) is None
    async with lease_of(storage):
        running = await taken(storage)
        assert await storage.turns.claim(new_turn()) is None
        await storage.turns.finish(running, status=TurnStatus.DONE, session=None, outcome="done")
        assert await storage.turns.claim(new_turn()) is None
        assert await storage.turns.take(limit=5) == []


async def test_of_concurrent_claims_of_a_message_one_wins(storage: Storage) -> None:
    claims = await asyncio.gather(*(storage.turns.claim(new_turn()) for _ in range(20)))
    assert len([claim for claim in claims if claim is not None]) == 1


async def test_a_message_of_another_channel_or_team_is_another_turn(storage: Storage) -> None:
    assert await storage.turns.claim(new_turn()) is not None
    assert await storage.turns.claim(new_turn(channel_id="C2")) is not None
    assert await storage.turns.claim(new_turn(team_id="T2")) is not None


async def test_a_claim_the_database_is_slow_with_fails_while_slack_still_waits(
    pair: tuple[Storage, Storage],
) -> None:
    held, free = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with connected(pair[1]) as conn:
            await conn.execute(sa.text("LOCK TABLE turn IN ACCESS EXCLUSIVE MODE"))
            held.set()
            await free.wait()

    holding = asyncio.create_task(hold())
    await held.wait()
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    with pytest.raises(StorageUnavailable):
        await pair[0].turns.claim(new_turn())
    took_s = loop.time() - began_at
    free.set()
    await holding
    assert took_s < 4.0  # two seconds and the slowness of a busy machine


async def test_a_claim_whose_ts_is_no_number_stores_nothing(storage: Storage) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        await storage.turns.claim(new_turn(message_ts="soon"))
    assert (await storage.turns.counts()).queued == 0


async def test_a_taken_turn_is_what_was_claimed(storage: Storage) -> None:
    new = new_turn(payload={"text": "嗨 \u0000 😀", "files": [1, None]})
    turn_id = await claimed(storage, new)
    async with lease_of(storage):
        found = await taken(storage)
    assert (found.id, found.payload, found.user_id) == (turn_id, new.payload, new.user_id)
    assert (found.team_id, found.channel_id) == (new.team_id, new.channel_id)
    assert (found.thread_ts, found.message_ts) == (new.thread_ts, new.message_ts)
    assert (found.attempts, found.crashes, found.fence) == (1, 0, 1)
    assert (found.reply, found.posting, found.ending) == ((), False, None)
    assert found.stop_requested_by is None
    now = await storage.read(lambda conn: conn.scalar(sa.select(now_ms())) or 0)
    assert abs(now / 1000 - found.created_at.timestamp()) < 60


async def test_turns_of_a_thread_run_in_the_order_of_their_messages(storage: Storage) -> None:
    for arrival in (0, 3, 1, 2):
        await claimed(storage, new_turn(message_ts=f"1700000000.00000{arrival}"))
    started: list[str] = []
    async with lease_of(storage):
        for _ in range(4):
            running = await taken(storage)
            started.append(running.message_ts[-1])
            assert await storage.turns.take(limit=9) == []
            await storage.turns.finish(
                running, status=TurnStatus.DONE, session=None, outcome="done"
            )
    assert started == ["0", "1", "2", "3"]


async def test_turns_of_other_threads_run_beside_each_other(storage: Storage) -> None:
    for number in range(5):
        await claimed(storage, new_turn(message_ts=f"17.00000{number}", thread_ts=f"{number}.0"))
    async with lease_of(storage):
        assert len(await storage.turns.take(limit=3)) == 3
        assert len(await storage.turns.take(limit=3)) == 2


async def test_a_late_message_of_a_thread_that_runs_waits_for_it(storage: Storage) -> None:
    await claimed(storage, new_turn(message_ts="20.0"))
    async with lease_of(storage):
        await taken(storage)
        late = await claimed(storage, new_turn(message_ts="10.0"))
        elsewhere = await claimed(storage, new_turn(message_ts="30.0", thread_ts="30.0"))
        assert (await taken(storage)).id == elsewhere
        assert await storage.turns.waiting(late) == 1


async def test_waiting_counts_the_live_turns_ahead(storage: Storage) -> None:
    ids = [await claimed(storage, new_turn(message_ts=f"{n}.0")) for n in range(1, 5)]
    await claimed(storage, new_turn(message_ts="0.5", thread_ts="99.0"))
    assert [await storage.turns.waiting(turn_id) for turn_id in ids] == [0, 1, 2, 3]
    async with lease_of(storage):
        first = next(turn for turn in await storage.turns.take(limit=9) if turn.id == ids[0])
        await storage.turns.finish(first, status=TurnStatus.DONE, session=None, outcome="done")
    assert [await storage.turns.waiting(turn_id) for turn_id in ids[1:]] == [0, 1, 2]


async def test_every_write_and_look_of_an_overtaken_turn_is_refused(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        stale = await taken(storage)
        await storage.turns.release([stale])
        fresh = await taken(storage)
        assert fresh.fence > stale.fence
        session = SessionUse(app_key="a", session_id="s")
        writes = [
            storage.turns.posting(stale),
            storage.turns.posted(stale, ["1.0"]),
            storage.turns.store_ending(stale, {"text": "x"}),
            storage.turns.look(stale),
            storage.turns.postpone(stale, delay_s=0, reason="busy"),
            storage.turns.finish(stale, status=TurnStatus.DONE, session=session, outcome="done"),
        ]
        for refused in writes:
            with pytest.raises(LeaseLost):
                await refused
        assert await storage.turns.release([stale]) == 0
        assert await storage.conversations.get("T1", "C1", "1700000000.000100") is None
        await storage.turns.posting(fresh)


async def test_a_turn_is_finished_once(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        running = await taken(storage)
        await storage.turns.finish(running, status=TurnStatus.DONE, session=None, outcome="done")
        with pytest.raises(LeaseLost):
            await storage.turns.finish(
                running, status=TurnStatus.FAILED, session=None, outcome="late"
            )


async def test_a_turn_that_is_taken_again_knows_its_reply_and_its_ending(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        first = await taken(storage)
        await storage.turns.posting(first)
        await storage.turns.release([first])
        second = await taken(storage)
        assert (second.posting, second.reply, second.attempts) == (True, (), 1)
        await storage.turns.posted(second, ["5.1", "5.2"])
        await storage.turns.store_ending(second, {"text": "the end"})
        await storage.turns.release([second])
        third = await taken(storage)
    assert (third.posting, third.reply, third.ending) == (
        False,
        ("5.1", "5.2"),
        {"text": "the end"},
    )


async def test_a_postponed_turn_waits_and_its_thread_waits_with_it(storage: Storage) -> None:
    await claimed(storage, new_turn(message_ts="1.0"))
    await claimed(storage, new_turn(message_ts="2.0"))
    async with lease_of(storage):
        first = await taken(storage)
        await storage.turns.postpone(first, delay_s=3600, reason="throttled")
        assert await storage.turns.take(limit=9) == []
        await storage.run(make_due)
        again = await taken(storage)
    assert (again.id, again.attempts, again.crashes) == (first.id, 2, 0)


async def test_a_released_turn_is_taken_as_if_for_the_first_time(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        first = await taken(storage)
        assert await storage.turns.release([first]) == 1
        again = await taken(storage)
    assert (again.id, again.attempts, again.crashes) == (first.id, 1, 0)


async def test_releasing_nothing_changes_nothing(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        await taken(storage)
        assert await storage.turns.release([]) == 0
        assert (await storage.turns.counts()).running == 1


async def test_no_column_holds_the_text_of_an_ended_turn(storage: Storage) -> None:
    await claimed(storage)
    async with lease_of(storage):
        running = await taken(storage)
        await storage.turns.store_ending(running, {"text": SECRET})
        assert SECRET in await everything_stored(storage)
        await storage.turns.finish(
            running,
            status=TurnStatus.DONE,
            session=SessionUse(app_key="a", session_id="s"),
            outcome="done",
        )
    assert SECRET not in await everything_stored(storage)


async def test_no_column_holds_the_text_of_a_turn_stopped_while_it_waited(storage: Storage) -> None:
    turn_id = await claimed(storage)
    assert await storage.turns.request_stop(turn_id=turn_id, by="U2") is TurnStatus.CANCELLED
    assert SECRET not in await everything_stored(storage)


async def test_the_sqlite_file_does_not_hold_erased_text(
    sqlite_database: str, tmp_path: Path
) -> None:
    async with Storage(sqlite_database) as storage:
        await claimed(storage, new_turn(payload={"text": SECRET * 500}))
        async with lease_of(storage):
            running = await taken(storage)
            await storage.turns.finish(running, status=TurnStatus.DONE, session=None, outcome="x")
    assert files_holding(tmp_path, SECRET) == []


async def test_a_running_turn_is_stopped_by_telling_its_worker(storage: Storage) -> None:
    turn_id = await claimed(storage)
    stops: asyncio.Queue[int] = asyncio.Queue()
    async with Lease(storage, wake=ignore, stop=stops.put_nowait, lost=ignore):
        await taken(storage)
        assert await storage.turns.request_stop(turn_id=turn_id, by="U2") is TurnStatus.RUNNING
        async with asyncio.timeout(60):
            assert await stops.get() == turn_id


async def test_the_first_to_ask_for_a_stop_is_remembered(storage: Storage) -> None:
    turn_id = await claimed(storage)
    async with lease_of(storage):
        running = await taken(storage)
        await storage.turns.request_stop(turn_id=turn_id, by="U2")
        await storage.turns.request_stop(turn_id=turn_id, by="U3")
        await storage.turns.release([running])
        assert (await taken(storage)).stop_requested_by == "U2"


async def test_a_waiting_turn_that_was_shown_is_taken_up_to_be_stopped(storage: Storage) -> None:
    turn_id = await claimed(storage)
    async with lease_of(storage):
        first = await taken(storage)
        await storage.turns.posted(first, ["5.1"])
        await storage.turns.postpone(first, delay_s=3600, reason="throttled")
        assert await storage.turns.request_stop(turn_id=turn_id, by="U2") is TurnStatus.QUEUED
        again = await taken(storage)
    assert (again.stop_requested_by, again.reply) == ("U2", ("5.1",))


async def test_a_waiting_turn_whose_post_may_have_arrived_is_taken_up_to_be_stopped(
    storage: Storage,
) -> None:
    turn_id = await claimed(storage)
    async with lease_of(storage):
        first = await taken(storage)
        await storage.turns.posting(first)
        await storage.turns.postpone(first, delay_s=3600, reason="throttled")
        assert await storage.turns.request_stop(turn_id=turn_id, by="U2") is TurnStatus.QUEUED
        again = await taken(storage)
    assert (again.stop_requested_by, again.posting) == ("U2", True)


async def test_stopping_what_ended_or_never_was_changes_nothing(storage: Storage) -> None:
    turn_id = await claimed(storage)
    async with lease_of(storage):
        running = await taken(storage)
        await storage.turns.finish(running, status=TurnStatus.FAILED, session=None, outcome="x")
    assert await storage.turns.request_stop(turn_id=turn_id, by="U2") is TurnStatus.FAILED
    assert await storage.turns.request_stop(turn_id=turn_id + 1, by="U2") is None


async def test_a_turn_stopped_while_it_waited_lets_its_thread_go_on(storage: Storage) -> None:
    first = await claimed(storage, new_turn(message_ts="1.0"))
    second = await claimed(storage, new_turn(message_ts="2.0"))
    await storage.turns.request_stop(turn_id=first, by="U2")
    async with lease_of(storage):
        assert (await taken(storage)).id == second


async def test_a_turn_is_found_by_its_message_and_by_any_message_of_its_reply(
    storage: Storage,
) -> None:
    turn_id = await claimed(storage, new_turn(message_ts="100.5"))
    async with lease_of(storage):
        running = await taken(storage)
        await storage.turns.posted(running, ["101.000001", "102.000001"])
    turns = storage.turns
    for found in (
        await turns.find(turn_id),
        await turns.find_by_message("T1", "C1", "100.5"),
        await turns.find_by_reply("T1", "C1", "101.000001"),
        await turns.find_by_reply("T1", "C1", "102.000001"),
    ):
        assert found is not None
        assert (found.id, found.status) == (turn_id, TurnStatus.QUEUED)
        assert (found.team_id, found.channel_id, found.user_id) == ("T1", "C1", "U1")
    assert await turns.find(turn_id + 1) is None
    assert await turns.find_by_message("T1", "C2", "100.5") is None
    assert await turns.find_by_reply("T1", "C2", "101.000001") is None
    assert await turns.find_by_reply("T1", "C1", "101.00000") is None


async def test_counts_tell_what_waits_what_runs_and_for_how_long(storage: Storage) -> None:
    empty = await storage.turns.counts()
    assert (empty.queued, empty.running, empty.oldest_queued_s) == (0, 0, 0)
    await claimed(storage, new_turn(message_ts="1.0"))
    async with lease_of(storage):
        await taken(storage)
        await claimed(storage, new_turn(message_ts="2.0"))
        await storage.run(age_all, 90)
        counts = await storage.turns.counts()
    assert (counts.queued, counts.running) == (1, 1)
    assert 90 <= counts.oldest_queued_s < 150


async def test_pruning_keeps_the_last_day_and_what_has_not_ended(storage: Storage) -> None:
    async with lease_of(storage):
        for number in range(1, 4):
            await claimed(storage, new_turn(message_ts=f"{number}.0"))
            running = await taken(storage)
            await storage.turns.finish(running, status=TurnStatus.DONE, session=None, outcome="x")
    live = await claimed(storage, new_turn(message_ts="9.0"))
    assert await storage.turns.prune(older_than_s=0, limit=10) == 0
    await storage.run(age_all, 2 * DAY_S)
    assert await storage.turns.prune(older_than_s=3 * DAY_S, limit=10) == 0
    assert await storage.turns.prune(older_than_s=0, limit=2) == 2
    assert await storage.turns.prune(older_than_s=0, limit=2) == 1
    assert await storage.turns.find_by_message("T1", "C1", "9.0") is not None
    assert (await storage.turns.waiting(live)) == 0


async def test_the_id_of_a_deleted_turn_is_not_used_again(storage: Storage) -> None:
    turn_id = await claimed(storage)
    await storage.turns.request_stop(turn_id=turn_id, by="U1")
    await storage.run(age_all, 2 * DAY_S)
    assert await storage.turns.prune(older_than_s=0, limit=10) == 1
    assert await claimed(storage) > turn_id


async def test_two_turns_of_a_thread_cannot_run_whatever_is_written(storage: Storage) -> None:
    for number in (1, 2):
        await claimed(storage, new_turn(message_ts=f"{number}.0"))
    with pytest.raises(Exception, match=r"(?i)unique"):
        await storage.run(
            lambda conn: conn.execute(sa.update(turns_table).values(status="running"))
        )


def files_holding(folder: Path, text: str) -> list[Path]:
    return [path for path in folder.iterdir() if text.encode() in path.read_bytes()]


async def everything_stored(storage: Storage) -> str:
    def read(conn: sa.Connection) -> str:
        tables = sa.inspect(conn).get_table_names()
        rows: list[Any] = []
        for name in tables:
            rows += conn.exec_driver_sql(f'SELECT * FROM "{name}"').all()  # noqa: S608 - own tables
        return repr(rows)

    return await storage.read(read)


def make_due(conn: sa.Connection) -> None:
    conn.execute(sa.update(turns_table).values(available_at_ms=now_ms()))


def age_all(conn: sa.Connection, seconds: float) -> None:
    ms = int(seconds * 1000)
    conn.execute(
        sa.update(turns_table).values(
            created_at_ms=turns_table.c.created_at_ms - ms,
            finished_at_ms=turns_table.c.finished_at_ms - ms,
        )
    )
