"""The line under a message that waits: posted once, and gone when nobody waits any more."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest
from edges import EN, ZH, Chosen, Failure, Slack, english, somebody

from bot.core import texts
from bot.core.reply import Content, Mark, Place
from bot.errors import ChannelClosed, SlackError, SlackThrottled, SlackUnavailable
from bot.turns.languages import Languages
from bot.turns.waiting import AT_MOST, MARK, WaitingLines
from storage import schema
from storage.database import Storage
from storage.lease import Lease
from storage.records import NewTurn, Turn, TurnStatus
from storage.turns import Turns

ANN = "U1"
WITHIN_S = 60.0
LINE = f"|{texts.waiting(1, language=EN)}"
NEVER_S = 600.0


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    await schema.upgrade(url)
    async with Storage(url) as storage, Lease(storage, wake=nothing, stop=nothing, lost=nothing):
        yield storage


@pytest.fixture
def slack() -> Slack:
    return Slack()


def nothing(*_args: object) -> None:
    """Do nothing."""


async def claimed(storage: Storage, ts: str, *, thread_ts: str = "1.0") -> int:
    turn_id = await storage.turns.claim(
        NewTurn("T1", "C1", thread_ts, ts, ANN, {"text": "hello", "files": 0})
    )
    assert turn_id is not None
    return turn_id


async def two_of_a_thread(storage: Storage) -> Turn:
    """Claim two messages of a thread, take the first, and return its turn."""
    await claimed(storage, "1.0")
    await claimed(storage, "2.0")
    (first,) = await storage.turns.take(limit=9)
    return first


async def next_of(storage: Storage, first: Turn) -> Turn:
    """End a turn, and take the next of its thread."""
    await storage.turns.finish(first, status=TurnStatus.DONE, session=None, outcome="answered")
    (second,) = await storage.turns.take(limit=9)
    return second


def lines_of(
    storage: Storage,
    slack: Slack,
    *,
    languages: Languages | None = None,
    again_after_s: float = NEVER_S,
    turns: Turns | None = None,
) -> WaitingLines:
    return WaitingLines(
        turns=turns or storage.turns,
        replies=slack,
        languages=languages or english(),
        patience_s=0,
        again_after_s=again_after_s,
    )


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not condition():
            await asyncio.sleep(0.005)


async def until_noted(storage: Storage) -> None:
    """Wait until nobody knows of any line."""
    async with asyncio.timeout(WITHIN_S):
        while await storage.turns.left_lines(older_than_s=0, limit=9):
            await asyncio.sleep(0.005)


@dataclass
class Watched:
    """An inbox that keeps what was found left, look by look."""

    turns: Turns
    looks: list[Sequence[Any]] = field(default_factory=list[Sequence[Any]])

    def __getattr__(self, name: str) -> Any:
        """Do everything else as the inbox does."""
        return getattr(self.turns, name)

    async def left_lines(self, **bounds: Any) -> Sequence[Any]:
        found = await self.turns.left_lines(**bounds)
        self.looks.append(found)
        return found

    async def looked_again(self) -> None:
        """Wait until somebody looked back, and once more: what the first look began has begun."""
        count = len(self.looks) + 2
        await until(lambda: len(self.looks) >= count)


class SlowSlack(Slack):
    """A Slack that takes a post, and says so when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.gate = asyncio.Event(), asyncio.Event()

    async def post(self, place: Place, content: Content, *, mark: Mark) -> str:
        ts = await super().post(place, content, mark=mark)
        self.reached.set()
        await self.gate.wait()
        return ts


async def test_the_line_is_posted_while_a_message_waits_and_taken_away_when_its_turn_came(
    storage: Storage, slack: Slack
) -> None:
    first = await two_of_a_thread(storage)
    async with lines_of(storage, slack) as lines:
        lines.look()
        await until(slack.visible)
        assert slack.visible() == [LINE]
        second = await next_of(storage, first)
        lines.end_wait(second)
        await until_noted(storage)
    assert slack.visible() == []


async def test_a_line_is_in_the_language_of_whoever_waits(storage: Storage, slack: Slack) -> None:
    people = Slack(persons={ANN: somebody(locale="zh-CN")})
    chinese = Languages(choices=Chosen(), people=people)
    await two_of_a_thread(storage)
    async with lines_of(storage, slack, languages=chinese) as lines:
        lines.look()
        await until(slack.visible)
    assert slack.visible() == [f"|{texts.waiting(1, language=ZH)}"]


async def test_a_turn_without_a_line_needs_nothing(storage: Storage, slack: Slack) -> None:
    first, watched = await two_of_a_thread(storage), Watched(storage.turns)
    turns = cast("Turns", watched)
    async with lines_of(storage, slack, again_after_s=0.01, turns=turns) as lines:
        lines.end_wait(first)
        lines.end_wait(await next_of(storage, first))
        await watched.looked_again()
    assert slack.calls == []


@pytest.mark.parametrize(
    "error", [ChannelClosed(method="m"), SlackUnavailable(method="m")], ids=["refused", "failed"]
)
async def test_a_line_that_cannot_be_posted_does_not_cost_the_others_theirs(
    storage: Storage, slack: Slack, error: SlackError
) -> None:
    for ts in ("1.0", "2.0", "3.0"):
        await claimed(storage, ts, thread_ts=ts)
    slack.failures = [Failure("post", error)]
    async with lines_of(storage, slack) as lines:
        lines.look()
        await until(lambda: len(slack.messages) == 2)


async def test_there_are_only_so_many_lines_at_a_time(storage: Storage, slack: Slack) -> None:
    for number in range(AT_MOST + 5):
        await claimed(storage, f"{number + 1}.0", thread_ts=f"{number + 1}.0")
    async with lines_of(storage, slack) as lines:
        lines.look()
        await until(lambda: len(slack.messages) == AT_MOST)
        turns = await storage.turns.take(limit=3)
        for turn in turns:
            lines.end_wait(turn)
        await until(lambda: len(slack.messages) == AT_MOST - 3)
        await until_noted(storage)
        lines.look()
        await until(lambda: len(slack.messages) == AT_MOST)
        lines.look()
        await until(lambda: slack.calls.count("post") == AT_MOST + 3)
    assert len(slack.messages) == AT_MOST


async def test_a_line_whose_turn_began_while_it_was_being_posted_is_taken_away_again(
    storage: Storage,
) -> None:
    slack = SlowSlack()
    await claimed(storage, "1.0")
    async with lines_of(storage, slack) as lines:
        lines.look()
        await slack.reached.wait()
        assert slack.visible() == [f"|{texts.waiting(0, language=EN)}"]
        (turn,) = await storage.turns.take(limit=1)
        lines.end_wait(turn)
        slack.gate.set()
        await until_noted(storage)
    assert slack.visible() == []


async def test_a_line_whose_turn_began_while_it_waited_to_be_posted_is_left_out(
    storage: Storage, slack: Slack
) -> None:
    turn_id = await claimed(storage, "1.0")
    permits = asyncio.Event()
    slack.permit_gate = permits.wait
    async with lines_of(storage, slack) as lines:
        lines.look()
        await until(lambda: slack.permits)
        (turn,) = await storage.turns.take(limit=1)
        permits.set()
        await claimed(storage, "2.0", thread_ts="2.0")
        lines.look()
        await until(lambda: slack.messages)
    assert turn.id == turn_id
    assert [mark.turn_id for mark in slack.marks] != [turn_id]
    assert slack.calls == ["post"]
    assert await storage.turns.left_lines(older_than_s=0, limit=9) == []


@pytest.mark.parametrize("known", [True, False], ids=["noted", "only posted"])
async def test_a_line_that_a_dead_process_left_is_found_and_taken_away(
    storage: Storage, slack: Slack, known: bool
) -> None:
    first = await two_of_a_thread(storage)
    (waiting,) = await storage.turns.to_announce(older_than_s=0, limit=9)
    slack.messages["C1", "60.0"] = Content("", note=texts.waiting(1, language=EN))
    slack.marks[Mark(waiting.id, MARK)] = "60.0"
    if known:
        assert await storage.turns.announced(turn_id=waiting.id, notice_ts="60.0")
    await next_of(storage, first)
    async with lines_of(storage, slack, again_after_s=0.01):
        await until_noted(storage)
    assert slack.visible() == []


async def test_a_line_that_was_never_posted_is_looked_for_once(
    storage: Storage, slack: Slack
) -> None:
    first, watched = await two_of_a_thread(storage), Watched(storage.turns)
    await storage.turns.to_announce(older_than_s=0, limit=9)
    await next_of(storage, first)
    async with lines_of(storage, slack, again_after_s=0.01, turns=cast("Turns", watched)):
        await until_noted(storage)
        await watched.looked_again()
    assert slack.calls == ["find"]


async def test_a_line_that_went_while_somebody_looked_back_is_not_taken_away_again(
    storage: Storage,
) -> None:
    is_looked_for, found, told = (asyncio.Event() for _ in range(3))

    class Slow(Slack):
        """A Slack that finds a message when it is let."""

        async def find(self, place: Place, *, mark: Mark, after_ts: str) -> str | None:
            is_looked_for.set()
            await found.wait()
            return await super().find(place, mark=mark, after_ts=after_ts)

    class Late(Watched):
        """An inbox that tells late what its second look found."""

        async def left_lines(self, **bounds: Any) -> Sequence[Any]:
            left = await super().left_lines(**bounds)
            if len(self.looks) == 2:
                await told.wait()
            return left

    slack, late = Slow(), Late(storage.turns)
    first = await two_of_a_thread(storage)
    await storage.turns.to_announce(older_than_s=0, limit=9)
    await next_of(storage, first)
    async with lines_of(storage, slack, again_after_s=0.01, turns=cast("Turns", late)):
        await is_looked_for.wait()
        await until(lambda: len(late.looks) == 2)
        found.set()
        await until_noted(storage)
        told.set()
        await late.looked_again()
    assert late.looks[1]
    assert slack.calls == ["find"]


@pytest.mark.parametrize(
    "error",
    [SlackUnavailable(method="m"), SlackThrottled(method="m", retry_after_s=0.01)],
    ids=["failed", "throttled"],
)
async def test_a_line_slack_does_not_delete_for_now_is_taken_away_later(
    storage: Storage, slack: Slack, error: SlackError
) -> None:
    first = await two_of_a_thread(storage)
    slack.failures = [Failure("delete", error) for _ in range(3)]
    async with lines_of(storage, slack, again_after_s=0.01) as lines:
        lines.look()
        await until(slack.visible)
        lines.end_wait(await next_of(storage, first))
        await until_noted(storage)
    assert slack.visible() == []
    assert slack.calls.count("delete") == 4


async def test_a_line_slack_never_deletes_is_let_be(storage: Storage, slack: Slack) -> None:
    first = await two_of_a_thread(storage)
    slack.failures = [Failure("delete", ChannelClosed(method="chat.delete"))]
    async with lines_of(storage, slack) as lines:
        lines.look()
        await until(slack.visible)
        lines.end_wait(await next_of(storage, first))
        await until_noted(storage)
    watched = Watched(storage.turns)
    async with lines_of(storage, slack, again_after_s=0.01, turns=cast("Turns", watched)):
        await watched.looked_again()
    assert slack.calls == ["post", "delete"]
