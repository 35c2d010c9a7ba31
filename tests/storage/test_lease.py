"""The lease: who may run turns and what it is told."""

import asyncio
import time

import pytest
import sqlalchemy as sa

from storage import schema
from storage.clock import now_ms
from storage.database import Storage, parse_url
from storage.errors import LeaseLost, StorageUnavailable
from storage.heartbeat import GUARDED_SHARE, LISTENER_TIMEOUT_S, Heartbeat, Timing, boot_clock
from storage.lease import Lease
from storage.listener import Listener
from storage.postgres import single_engine
from storage.records import TurnStatus
from storage.signals import Signals
from storage.tables import turn as turns_table
from storage.tables import worker as workers_table
from storage.workers import Pulse
from tests.postgres import TempPostgres
from tests.storage.crew import (
    PATIENCE_S,
    Ears,
    beats,
    cut_off,
    cut_off_lock,
    declare_all_dead,
    lease_until_ms,
    may_go_on,
    next_turn,
    no_heartbeat,
    start_earlier,
    until,
    worker_ids,
)
from tests.storage.sample import claimed, ignore, lease_of, new_turn, taken


async def test_a_listener_whose_connection_ended_does_not_connect_in_silence(
    pair: tuple[Storage, Storage],
) -> None:
    engine = single_engine(pair[0].url)
    async with Listener(engine, on_notice=ignore, timeout_s=PATIENCE_S) as listener:
        await pair[1].run(cut_off_lock, listener.lock_no)
        async with asyncio.timeout(PATIENCE_S):
            await listener.ended.wait()
        for _ in range(2):
            with pytest.raises(StorageUnavailable):
                await listener.run(worker_ids)
    await engine.dispose()


async def test_the_guard_closes_while_the_lease_still_keeps_others_away(
    pair: tuple[Storage, Storage],
) -> None:
    async with lease_of(pair[0], lease_s=3.0, beat_s=0.2) as lease:
        lease.guard()
        async with no_heartbeat(pair[1], pair[0].worker):
            await until(lambda: not may_go_on(lease))
            until_ms = await pair[1].read(lease_until_ms, pair[0].worker)
            left_s = until_ms / 1000 - closed_at(lease)
        assert left_s > 0.5
        await until(lambda: may_go_on(lease))


def closed_at(lease: Lease) -> float:
    """Return when a worker's guard closes by itself, on the clock of the database's machine."""
    assert lease._heartbeat is not None
    return time.time() + lease._heartbeat.good_until - boot_clock()


async def test_a_worker_declared_dead_is_told_and_goes_on_with_a_new_lease(
    pair: tuple[Storage, Storage],
) -> None:
    ears = Ears()
    await claimed(pair[0])
    async with ears.lease(pair[0]) as lease, asyncio.timeout(PATIENCE_S):
        stale = await taken(pair[0])
        assert await pair[1].run(declare_all_dead) == 1
        await ears.losses.get()
        with pytest.raises(LeaseLost):
            await pair[0].turns.posting(stale)
        lease.guard()
        assert (await taken(pair[0])).crashes == 1


async def test_nothing_is_taken_without_a_lease(pair: tuple[Storage, Storage]) -> None:
    await claimed(pair[0])
    async with lease_of(pair[1]):
        assert await pair[0].turns.take(limit=9) == []
        assert len(await pair[1].turns.take(limit=9)) == 1


async def test_a_claim_and_a_finish_wake_the_other_workers(pair: tuple[Storage, Storage]) -> None:
    ears = Ears()
    async with lease_of(pair[0]), ears.lease(pair[1], beat_s=60), asyncio.timeout(PATIENCE_S):
        ears.forget()
        await claimed(pair[0], new_turn(message_ts="1.0"))
        await ears.wakes.get()
        await claimed(pair[0], new_turn(message_ts="2.0"))
        running = await taken(pair[0])
        await ears.wakes.get()
        ears.forget()
        await pair[0].turns.finish(running, status=TurnStatus.DONE, session=None, outcome="x")
        await ears.wakes.get()
        assert (await taken(pair[1])).message_ts == "2.0"


async def test_a_stop_asked_of_one_process_reaches_the_worker_that_runs_the_turn(
    pair: tuple[Storage, Storage],
) -> None:
    ears = Ears()
    turn_id = await claimed(pair[0])
    async with ears.lease(pair[1], beat_s=60), asyncio.timeout(PATIENCE_S):
        await taken(pair[1])
        assert await pair[0].turns.request_stop(turn_id=turn_id, by="U2") is TurnStatus.RUNNING
        assert await ears.stops.get() == turn_id


async def test_a_stop_whose_notice_was_missed_is_heard_with_the_next_beat(
    pair: tuple[Storage, Storage],
) -> None:
    ears = Ears()
    turn_id = await claimed(pair[0])
    async with ears.lease(pair[1]), asyncio.timeout(PATIENCE_S):
        await taken(pair[1])
        silently = sa.update(turns_table).values(stop_requested_by="U2")
        await pair[0].run(lambda conn: conn.execute(silently))
        assert await ears.stops.get() == turn_id


async def test_an_edit_whose_notice_was_missed_is_heard_with_the_next_beat(
    pair: tuple[Storage, Storage],
) -> None:
    ears = Ears()
    turn_id = await claimed(pair[0])
    async with ears.lease(pair[1]), asyncio.timeout(PATIENCE_S):
        await taken(pair[1])
        silently = sa.update(turns_table).values(revision=1)
        await pair[0].run(lambda conn: conn.execute(silently))
        assert await ears.stops.get() == turn_id


async def test_nothing_is_taken_with_a_lease_that_ran_out(pair: tuple[Storage, Storage]) -> None:
    await claimed(pair[0])
    async with lease_of(pair[0], beat_s=60):
        ran_out = sa.update(workers_table).values(lease_until_ms=now_ms() - 1)
        await pair[1].run(lambda conn: conn.execute(ran_out))
        assert await pair[0].turns.take(limit=9) == []


async def test_turns_that_another_worker_runs_are_nobodys_to_give_back(
    pair: tuple[Storage, Storage],
) -> None:
    await claimed(pair[0])
    async with lease_of(pair[0]), lease_of(pair[1]) as other:
        running = await taken(pair[0])
        await pair[0].run(start_earlier, seconds=60)
        assert await other.orphans([]) == 0
        await pair[0].turns.posting(running)


async def test_a_lease_is_good_from_when_its_renewal_was_sent_not_from_when_it_was_answered(
    postgres_database: str,
) -> None:
    class Slow:
        """A connection whose answers take a while."""

        lock_no = 1
        asked_at = 0.0

        async def run(self, *_asked: object) -> Pulse:
            self.asked_at = boot_clock()
            while boot_clock() < self.asked_at + 0.3:
                await asyncio.sleep(0.01)
            return Pulse(renewed=True, stops=[], live_workers=1, turns={})

    heartbeat = Heartbeat(
        parse_url(postgres_database),
        worker_id="one",
        signals=Signals(),
        timing=Timing(lease_s=10.0, beat_s=1.0),
    )
    slow = Slow()
    await heartbeat._beat(slow)  # type: ignore[arg-type]
    assert heartbeat.good_until <= slow.asked_at + GUARDED_SHARE * 10.0


async def test_after_a_reconnection_nobody_is_taken_for_dead_at_once(
    pair: tuple[Storage, Storage],
) -> None:
    ears = Ears()
    late = sa.insert(workers_table).values(
        id="late", lock_no=1, lease_until_ms=now_ms() + 600_000, started_at_ms=now_ms()
    )

    def cut_all_off(conn: sa.Connection) -> None:
        """End the connection of one, and let another one be late in coming back."""
        conn.execute(late)
        cut_off(conn, pair[0].worker)

    async with ears.lease(pair[0], lease_s=100.0, beat_s=0.1), asyncio.timeout(PATIENCE_S):
        await beats(pair[0], more_s=0.1)
        ears.forget()
        await pair[1].run(cut_all_off)
        await ears.wakes.get()  # it is back
        await beats(pair[0], more_s=1.0)
        assert "late" in await pair[1].read(worker_ids)


async def test_live_workers_are_counted(pair: tuple[Storage, Storage]) -> None:
    async with lease_of(pair[0], beat_s=0.1) as lease:
        await until(lambda: lease.live_workers == 1)
        async with lease_of(pair[1], beat_s=0.1):
            await until(lambda: lease.live_workers == 2)
        await until(lambda: lease.live_workers == 1)


async def test_shares_follow_the_turns_of_a_workspace_and_make_one(
    pair: tuple[Storage, Storage],
) -> None:
    for number in range(3):
        await claimed(pair[0], new_turn(message_ts=f"{number}.0", thread_ts=f"{number}.0"))
    async with lease_of(pair[0], beat_s=0.1) as idle:
        async with lease_of(pair[1], beat_s=0.1) as busy:
            await until(lambda: idle.share("T1") == busy.share("T1") == 1 / 2)
            assert len(await pair[1].turns.take(limit=3)) == 3
            await until(lambda: (idle.share("T1"), busy.share("T1")) == (1 / 5, 4 / 5))
            assert idle.share("T2") == busy.share("T2") == 1 / 2
        await until(lambda: idle.share("T1") == 1)


async def test_leaving_gives_turns_back_at_once_as_if_never_taken(
    pair: tuple[Storage, Storage],
) -> None:
    ears = Ears()
    await claimed(pair[0])
    async with ears.lease(pair[1], beat_s=60):
        async with lease_of(pair[0]):
            await taken(pair[0])
        again = await next_turn(pair[1], ears)
    assert (again.attempts, again.crashes) == (1, 0)


async def test_closing_without_a_database_ends_quietly() -> None:
    with TempPostgres() as server:
        url = server.url("postgres")
        await schema.upgrade(url)
        async with Storage(url) as storage, lease_of(storage):
            await asyncio.to_thread(server.stop)


async def test_opening_without_a_database_fails_at_once(postgres: TempPostgres) -> None:
    url = postgres.url("no_such_database")
    async with Storage(url) as storage:
        with pytest.raises(StorageUnavailable):
            await lease_of(storage).__aenter__()


async def test_turns_nobody_runs_any_more_are_given_back(storage: Storage) -> None:
    for number in range(3):
        await claimed(storage, new_turn(message_ts=f"{number}.0", thread_ts=f"{number}.0"))
    async with lease_of(storage, lease_s=10.0) as lease:
        turns = await storage.turns.take(limit=3)
        assert await lease.orphans([]) == 0, "just taken"
        await storage.run(start_earlier, seconds=11)
        assert await lease.orphans({turn.id: turn for turn in turns}.keys()) == 0
        assert await lease.orphans([turns[0].id, turns[2].id]) == 1
        again = await taken(storage)
    assert (again.id, again.crashes) == (turns[1].id, 0)


async def test_the_guard_is_closed_outside_the_lease(storage: Storage) -> None:
    lease = lease_of(storage)
    with pytest.raises(LeaseLost):
        lease.guard()
    async with lease:
        lease.guard()
    with pytest.raises(LeaseLost):
        lease.guard()


async def test_a_lease_wakes_its_process_once_it_is_held(storage: Storage) -> None:
    ears = Ears()
    async with ears.lease(storage) as lease:
        assert ears.wakes.qsize() >= 1
        assert lease.live_workers == lease.share("T1") == 1
        ears.forget()
        await storage.turns.claim(new_turn())
        assert ears.wakes.qsize() >= 1


def test_nobody_is_suspected_after_a_reconnection_while_their_guard_may_be_open() -> None:
    assert Timing(lease_s=10.0, beat_s=2.0).grace_s >= GUARDED_SHARE * 10.0
    assert Timing(lease_s=1.0, beat_s=2.0).grace_s >= 2 * 2.0


async def test_a_worker_begins_though_its_database_hesitates_at_first(
    pair: tuple[Storage, Storage],
) -> None:
    engine = single_engine(pair[0].url)
    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as tasks:
        async with engine.connect() as busy, busy.begin():
            await busy.execute(sa.text('LOCK TABLE "worker"'))
            opening = tasks.create_task(begun(pair[0]))
            await asyncio.sleep(LISTENER_TIMEOUT_S + 0.2)
            assert not opening.done()
        assert await opening
    await engine.dispose()


async def begun(storage: Storage) -> bool:
    """Open a lease and tell whether it may be gone on with."""
    async with lease_of(storage) as lease:
        return may_go_on(lease)


async def test_a_connection_that_ends_while_it_begins_to_listen_counts_as_unavailable(
    postgres_database: str,
) -> None:
    url = sa.make_url(postgres_database)

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (data := await reader.read(65536)) and b"LISTEN" not in data:
            writer.write(data)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        above = await asyncio.open_connection(url.host, url.port)
        async with asyncio.TaskGroup() as ways:
            ways.create_task(forward(reader, above[1]))
            ways.create_task(forward(above[0], writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as proxy:
        engine = single_engine(url.set(port=proxy.sockets[0].getsockname()[1]))
        with pytest.raises(StorageUnavailable):
            async with Listener(engine, on_notice=ignore, timeout_s=5.0):
                pass
        await engine.dispose()
