"""Promises of a turn under the worst timing: kills, repeats, slow calls, two take-ups at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from edges import Apps, Book, Failure, Slack, Stream, a_turn, a_world, saying

from bot.core.reply import Content, Mark, Place, Urgency
from bot.errors import MessageGone, SlackTokenRefused
from bot.metrics import Metrics
from bot.turns.dispatcher import ATTEMPTS, Capacity, Dispatcher, RunTurn
from bot.turns.reply import Reply
from bot.turns.run import TurnRun
from bot.turns.world import Grip, World
from storage import schema
from storage.database import Storage
from storage.errors import LeaseLost, StorageUnavailable
from storage.records import NewTurn, Turn, TurnStatus, Wish
from storage.tables import turn as turns_table

WITHIN_S = 60.0


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    await schema.upgrade(url)
    async with Storage(url) as storage:
        yield storage


async def claim(storage: Storage, ts: str = "1.0", *, thread_ts: str = "") -> int:
    new = NewTurn("T1", "C1", thread_ts or ts, ts, "U1", {"text": "hello", "files": 0})
    turn_id = await storage.turns.claim(new)
    assert turn_id is not None
    return turn_id


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():
            await asyncio.sleep(0.005)


async def status_of(storage: Storage, turn_id: int) -> TurnStatus:
    found = await storage.turns.find(turn_id)
    assert found is not None
    return found.status


class TakeUps:
    """Runs each take-up until told to stop, and then lingers until let go."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.called: list[int] = []
        self.linger = asyncio.Event()

    async def run(self, turn: Turn, grip: Grip) -> None:
        self.turns.append(turn)
        try:
            await grip.called.wait()
            self.called.append(turn.fence)
        finally:
            await self.linger.wait()


def nothing() -> None:
    """Do nothing."""


def dispatcher(
    storage: Storage, run: RunTurn, *, waiting_seen: Callable[[], None] = nothing
) -> Dispatcher:
    return Dispatcher(
        storage,
        run=run,
        metrics=Metrics(),
        capacity=Capacity(at_once=8, grace_s=0),
        waiting_seen=waiting_seen,
    )


async def test_a_take_up_that_still_winds_down_does_not_hide_the_next_one_of_its_turn(
    storage: Storage,
) -> None:
    work = TakeUps()
    async with dispatcher(storage, work.run) as running:
        turn_id = await claim(storage)
        await until(lambda: len(work.turns) == 1)
        # The lease ran out: others gave the turn back, and this process takes it up again.
        storage.signals.lost()
        await storage.turns.release(work.turns)
        await until(lambda: len(work.turns) == 2)
        first, second = work.turns
        assert second.fence > first.fence
        work.linger.set()
        await asyncio.sleep(0.05)
        assert running.running == {turn_id}
        await storage.turns.request_stop(turn_id=turn_id, by="U1")
        await until(lambda: work.called == [second.fence])


async def test_a_surprise_while_looking_for_turns_does_not_end_the_looking(
    storage: Storage,
) -> None:
    surprises = [ValueError("a bug")]
    seen: list[int] = []

    def waiting_seen() -> None:
        if surprises:
            raise surprises.pop()

    async def run(turn: Turn, _grip: Grip) -> None:
        seen.append(turn.id)
        await until(lambda: not surprises)
        await storage.turns.finish(turn, status=TurnStatus.DONE, session=None, outcome="answered")

    first = await claim(storage)
    second = await claim(storage, "2.0", thread_ts="1.0")
    async with dispatcher(storage, run, waiting_seen=waiting_seen):
        await until(lambda: seen == [first, second])


async def test_a_turn_that_fails_for_ever_does_not_hold_its_thread_for_ever(
    storage: Storage,
) -> None:
    async def run(_turn: Turn, _grip: Grip) -> None:
        raise ValueError("a bug")

    turn_id = await claim(storage)
    before = sa.update(turns_table).values(attempts=ATTEMPTS - 1)
    await storage.run(lambda conn: conn.execute(before))
    async with dispatcher(storage, run), asyncio.timeout(WITHIN_S):
        while await status_of(storage, turn_id) is not TurnStatus.FAILED:
            await asyncio.sleep(0.01)


class SlowSlack(Slack):
    """A Slack in which finding, or posting, takes until it is let go."""

    def __init__(self, *, slow: str) -> None:
        super().__init__()
        self._slow = slow
        self.reached = asyncio.Event()
        self.gate = asyncio.Event()

    async def find(self, place: Place, *, mark: Mark, after_ts: str) -> str | None:
        await self._pass("find")
        return await super().find(place, mark=mark, after_ts=after_ts)

    async def post(self, place: Place, content: Content, *, mark: Mark) -> str:
        ts = await super().post(place, content, mark=mark)
        await self._pass("post")
        return ts

    async def _pass(self, call: str) -> None:
        if call == self._slow:
            self.reached.set()
            await self.gate.wait()


def hello(_page_bytes: int) -> list[Content]:
    return [Content("Hello")]


def a_reply(
    slack: Slack, book: Book, *, turn: Turn | None = None, guard: Callable[[], None] = nothing
) -> Reply:
    return Reply(turn or a_turn(posting=True), replies=slack, book=book, guard=guard)


async def test_a_reader_who_stops_does_not_wait_for_the_search_for_a_lost_message(
    book: Book,
) -> None:
    slack = SlowSlack(slow="find")
    reply = a_reply(slack, book)
    showing = asyncio.create_task(reply.advance(hello, urgency=Urgency.INTERIM))
    await slack.reached.wait()
    async with asyncio.timeout(WITHIN_S), reply.calling:
        showing.cancel()
    await asyncio.wait({showing})
    assert slack.messages == {}


async def test_a_lease_that_runs_out_during_the_search_for_a_lost_message_ends_the_posting(
    book: Book,
) -> None:
    slack = SlowSlack(slow="find")
    lost: list[LeaseLost] = []

    def guard() -> None:
        for error in lost:
            raise error

    reply = a_reply(slack, book, guard=guard)
    showing = asyncio.create_task(reply.settle(hello))
    await slack.reached.wait()
    lost.append(LeaseLost())
    slack.gate.set()
    with pytest.raises(LeaseLost):
        await showing
    assert slack.messages == {}


async def test_a_post_under_way_is_recorded_although_the_process_is_asked_to_end(
    book: Book,
) -> None:
    slack = SlowSlack(slow="post")
    reply = a_reply(slack, book, turn=a_turn())
    showing = asyncio.create_task(reply.settle(hello))
    await slack.reached.wait()
    showing.cancel()
    await asyncio.sleep(0.01)
    slack.gate.set()
    await asyncio.wait({showing})
    assert showing.cancelled()
    assert book.reply == ["101.0"]


async def test_without_the_scope_to_search_a_lost_message_is_posted_anew(
    slack: Slack, book: Book
) -> None:
    slack.failures = [Failure("find", SlackTokenRefused(method="m", code="missing_scope"))]
    await a_reply(slack, book).settle(hello)
    assert slack.visible() == ["Hello|"]


async def test_a_post_that_meets_a_message_that_is_gone_is_a_failure_like_any_other(
    slack: Slack, book: Book
) -> None:
    slack.failures = [Failure("post", MessageGone(method="m", code="message_not_found"))]
    with pytest.raises(MessageGone):
        await a_reply(slack, book, turn=a_turn()).settle(hello)


class FlakyBook(Book):
    """A record whose endings cannot be stored for a while, and that is edited meanwhile."""

    def __init__(self, *, outages: int = 0, edited_at_the_end: bool = False) -> None:
        super().__init__()
        self._outages = outages
        self._edited = edited_at_the_end

    async def store_ending(self, turn: Turn, ending: dict[str, Any]) -> None:
        if self._outages:
            self._outages -= 1
            raise StorageUnavailable("away")
        await super().store_ending(turn, ending)
        if self._edited:
            self.wish = Wish(None, turn.revision + 1, {"text": "new", "edited_ts": "5.5"})


def world(slack: Slack, book: Book, *streams: Stream) -> World:
    return a_world(slack, book, Apps(list(streams)))


def grip() -> Grip:
    return Grip(guard=nothing, called=asyncio.Event())


async def test_an_answer_is_not_asked_again_because_the_database_was_away_at_its_end(
    slack: Slack,
) -> None:
    book = FlakyBook(outages=1)
    await TurnRun(a_turn(), world=world(slack, book, saying("Hello")), grip=grip()).run()
    assert slack.visible() == ["Hello|"]
    assert book.log[-2:] == ["ending", "finish:answered"]


async def test_a_lease_lost_while_the_database_is_away_ends_the_wait(slack: Slack) -> None:
    def guard() -> None:
        if slack.visible() == ["Hello|"]:
            raise LeaseLost

    book = FlakyBook(outages=99)
    hold = Grip(guard=guard, called=asyncio.Event())
    with pytest.raises(LeaseLost):
        await TurnRun(a_turn(), world=world(slack, book, saying("Hello")), grip=hold).run()
    assert book.ending is None


async def test_an_edit_that_comes_after_the_ending_is_offered_to_be_answered(slack: Slack) -> None:
    book = FlakyBook(edited_at_the_end=True)
    await TurnRun(a_turn(), world=world(slack, book, saying("Hello")), grip=grip()).run()
    assert slack.offers == [("U1", 7, "5.5")]


async def test_a_withdrawn_question_of_which_only_the_waiting_line_was_seen_leaves_nothing(
    slack: Slack, book: Book
) -> None:
    turn = a_turn(stop_requested_by="deletion", notice="50.0")
    await TurnRun(turn, world=world(slack, book), grip=grip()).run()
    assert slack.calls == []
    assert book.status is TurnStatus.CANCELLED
