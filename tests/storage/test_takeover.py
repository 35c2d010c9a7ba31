"""Many workers: nobody takes what another has, and somebody takes what the dead had."""

import asyncio
import dataclasses
import inspect
import signal

import pytest
import sqlalchemy as sa

from storage import schema, workers
from storage.database import Storage
from storage.errors import DatabaseBusy, StorageUnavailable
from storage.heartbeat import SECOND_LOOK, boot_clock
from storage.lease import Lease
from storage.postgres import single_engine
from storage.records import Turn, TurnStatus
from storage.tables import turn as turns_table
from tests.postgres import TempPostgres
from tests.storage.crew import (
    PATIENCE_S,
    Ears,
    connected,
    cut_off,
    first_said_after,
    line_of,
    look_around,
    next_turn,
    process,
    until_somebody_waits,
    worker_ids,
)
from tests.storage.sample import claimed, lease_of, new_turn, taken


async def test_two_workers_never_take_the_same_turn(pair: tuple[Storage, Storage]) -> None:
    for number in range(200):
        thread_ts = f"{number % 120}.0"
        await claimed(pair[0], new_turn(message_ts=f"17.{number:06}", thread_ts=thread_ts))
    order: list[Turn] = []

    async def work(storage: Storage) -> int:
        count = 0
        while (await storage.turns.counts()).queued:
            turns = await storage.turns.take(limit=7)
            order.extend(turns)
            count += len(turns)
            for turn in turns:
                await storage.turns.finish(turn, status=TurnStatus.DONE, session=None, outcome="x")
        return count

    async with lease_of(pair[0]), lease_of(pair[1]), asyncio.timeout(PATIENCE_S):
        shares = await asyncio.gather(work(pair[0]), work(pair[1]))
    assert sum(shares) == 200
    assert min(shares) > 0
    assert len({turn.id for turn in order}) == 200
    for thread in {turn.thread_ts for turn in order}:
        of_thread = [turn.message_ts for turn in order if turn.thread_ts == thread]
        assert of_thread == sorted(of_thread)


async def test_a_turn_another_worker_is_just_taking_holds_nobody_up(
    pair: tuple[Storage, Storage],
) -> None:
    first = await claimed(pair[0], new_turn(message_ts="1.0", thread_ts="1.0"))
    second = await claimed(pair[0], new_turn(message_ts="2.0", thread_ts="2.0"))
    async with lease_of(pair[0]), connected(pair[1]) as other:
        await other.execute(
            sa.select(turns_table).where(turns_table.c.id == first).with_for_update()
        )
        async with asyncio.timeout(PATIENCE_S):
            assert (await taken(pair[0])).id == second


async def test_a_lost_race_for_one_thread_leaves_the_other_threads_turns(
    pair: tuple[Storage, Storage],
) -> None:
    running = await claimed(pair[0], new_turn(message_ts="20.0"))
    async with lease_of(pair[0]), connected(pair[1]) as other:
        # A later message is being taken while an earlier one of its thread arrives.
        take_it = sa.update(turns_table).where(turns_table.c.id == running)
        await other.execute(take_it.values(status=TurnStatus.RUNNING, worker_id=pair[0].worker))
        await claimed(pair[0], new_turn(message_ts="10.0"))
        elsewhere = await claimed(pair[0], new_turn(message_ts="30.0", thread_ts="30.0"))
        taking = asyncio.create_task(pair[0].turns.take(limit=9))
        await until_somebody_waits(pair[1])
        await other.commit()
        assert [turn.id for turn in await taking] == [elsewhere]


def test_a_dead_worker_is_looked_at_twice_within_three_seconds() -> None:
    beat_s = inspect.signature(Lease).parameters["beat_s"].default
    assert beat_s * (1 + SECOND_LOOK) < 3


async def test_a_killed_workers_turn_runs_elsewhere_long_before_its_lease_ends(
    postgres_database: str,
) -> None:
    ears = Ears()
    async with Storage(postgres_database) as storage:
        turn_id = await claimed(storage)
        async with (
            process(postgres_database, lease_s=2 * PATIENCE_S, beat_s=2.0) as victim,
            ears.lease(storage, lease_s=2 * PATIENCE_S, beat_s=2.0),
        ):
            victim.kill()
            turn = await next_turn(storage, ears)
    assert (turn.id, turn.crashes, turn.attempts) == (turn_id, 1, 2)


async def test_a_frozen_worker_may_show_nothing_after_it_was_taken_over(
    postgres_database: str,
) -> None:
    ears = Ears()
    async with Storage(postgres_database) as storage:
        turn_id = await claimed(storage)
        async with (
            process(postgres_database, lease_s=4.0, beat_s=0.2) as victim,
            ears.lease(storage),
        ):
            assert (await line_of(victim)).startswith("ok ")
            victim.send_signal(signal.SIGSTOP)
            turn = await next_turn(storage, ears)
            thawed_at = boot_clock()
            victim.send_signal(signal.SIGCONT)
            assert await first_said_after(victim, moment=thawed_at) == "lost"
    assert (turn.id, turn.crashes) == (turn_id, 1)


async def test_a_worker_that_loses_its_connection_for_a_moment_keeps_its_turns(
    pair: tuple[Storage, Storage],
) -> None:
    ears = Ears()
    await claimed(pair[0])
    # The other one looks again after a quarter of a beat: that long there is to come back.
    async with ears.lease(pair[0], lease_s=60.0), lease_of(pair[1], beat_s=12.0) as other:
        running = await taken(pair[0])
        async with asyncio.timeout(PATIENCE_S):
            ears.forget()
            await pair[1].run(cut_off, pair[0].worker)
            await look_around(other)
            await ears.wakes.get()  # it is back
            await look_around(other)
        await pair[0].turns.posting(running)
        assert ears.losses.empty()


async def test_a_suspect_that_gives_a_sign_of_life_is_left_alone(
    pair: tuple[Storage, Storage],
) -> None:
    one = workers.Identity(worker_id="one", lock_no=1, lease_ms=10_000)
    two = workers.Identity(worker_id="two", lock_no=2, lease_ms=10_000)
    for identity in (one, two):
        await pair[0].run(workers.beat, identity)
    engine = single_engine(pair[0].url)
    async with engine.connect() as holder:
        assert await holder.run_sync(workers.try_lock, 2)
        found = await pair[0].run(workers.suspects, "me")
        assert [suspect.worker_id for suspect in found] == ["one"]
        longer = dataclasses.replace(one, lease_ms=20_000)
        await pair[0].run(workers.beat, longer)
        await pair[0].run(workers.reap_suspects, found)
        assert await pair[0].read(worker_ids) == {"one", "two"}
        await pair[0].run(workers.reap_suspects, await pair[0].run(workers.suspects, "me"))
        assert await pair[0].read(worker_ids) == {"two"}
    await engine.dispose()


async def test_after_a_restart_of_the_database_workers_hear_again_and_keep_their_turns() -> None:
    ears = Ears()
    with TempPostgres() as server:
        url = server.url("postgres")
        await schema.upgrade(url)
        async with Storage(url) as one, Storage(url) as other:
            await claimed(one)
            # Leases outlive the restart, however long that takes here.
            async with ears.lease(one, lease_s=100.0) as lease, lease_of(other, lease_s=100.0):
                running = await taken(one)
                await asyncio.to_thread(server.stop)
                with pytest.raises(StorageUnavailable):
                    await other.turns.claim(new_turn(message_ts="2.0"))
                ears.forget()
                await asyncio.to_thread(server.start)
                async with asyncio.timeout(PATIENCE_S):
                    await ears.wakes.get()
                    ears.forget()
                    await other.turns.claim(new_turn(message_ts="3.0"))
                    await ears.wakes.get()
                lease.guard()
                await one.turns.posting(running)
                assert ears.losses.empty()


async def test_what_a_dead_process_ran_on_sqlite_is_taken_up_at_the_next_start(
    sqlite_database: str,
) -> None:
    async with Storage(sqlite_database) as storage:
        turn_id = await claimed(storage)
    async with process(sqlite_database, lease_s=10.0, beat_s=2.0) as victim:
        victim.kill()
        await victim.wait()
    async with Storage(sqlite_database) as storage, lease_of(storage):
        turn = await taken(storage)
    assert (turn.id, turn.crashes, turn.attempts) == (turn_id, 1, 2)


async def test_a_second_process_cannot_run_on_a_sqlite_file(sqlite_database: str) -> None:
    async with process(sqlite_database, lease_s=10.0, beat_s=2.0):
        with pytest.raises(DatabaseBusy, match="PostgreSQL"):
            await Storage(sqlite_database).__aenter__()
        async with Storage(sqlite_database, exclusive=False) as storage:
            assert (await storage.turns.counts()).running == 0
    async with Storage(sqlite_database):
        pass
