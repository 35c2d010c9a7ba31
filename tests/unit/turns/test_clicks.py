"""Buttons under a reply, and changes of the question, on a real database."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from edges import ZH, Chosen, Slack, Threads, english, somebody

from bot.core.changes import Deleted, Edited
from bot.core.files import FileNote
from bot.core.language import Language
from bot.core.messages import ChannelKind, UserMessage
from bot.core.reply import Place
from bot.errors import SlackTokenRefused, TooEarly
from bot.metrics import Metrics
from bot.turns.changes import DELETION, EDITS_KNOWN, OFFERS_AT_ONCE, Changes
from bot.turns.claim import Claims
from bot.turns.clicks import Clicks
from bot.turns.languages import Languages
from storage import schema
from storage.database import Storage
from storage.errors import StorageError
from storage.lease import Lease
from storage.records import NewTurn, TurnStatus

ANN, BEN, BOSS = "U1", "U2", "U3"
FORGED = [
    {"team_id": "T2"},
    {"channel_id": "C2"},
    {"user_id": BEN},
    {"turn_id": 99},
]
EDIT = {"edited_ts": "5.0", "user_team_id": "T2"}


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    await schema.upgrade(url)
    async with Storage(url) as storage, Lease(storage, wake=nothing, stop=nothing, lost=nothing):
        yield storage


def nothing(*_args: object) -> None:
    """Do nothing."""


@pytest.fixture
def clicks(storage: Storage) -> Clicks:
    return Clicks(turns=storage.turns, admins=frozenset({BOSS}))


async def claimed(storage: Storage, ts: str = "1.0", *, thread_ts: str = "1.0") -> int:
    new = NewTurn("T1", "C1", thread_ts, ts, ANN, {"text": "hello", "files": 0})
    turn_id = await storage.turns.claim(new)
    assert turn_id is not None
    return turn_id


async def ended(storage: Storage) -> int:
    turn_id = await claimed(storage)
    (turn,) = await storage.turns.take(limit=1)
    await storage.turns.posted(turn, ["50.0"])
    await storage.turns.finish(turn, status=TurnStatus.DONE, session=None, outcome="answered")
    return turn_id


def click(number: int, **changes: object) -> dict[str, object]:
    usual = {"team_id": "T1", "channel_id": "C1", "user_id": ANN, "turn_id": number}
    return {**usual, **changes}


async def status_of(storage: Storage, turn_id: int) -> TurnStatus:
    found = await storage.turns.find(turn_id)
    assert found is not None
    return found.status


@pytest.mark.parametrize("user", [ANN, BOSS])
async def test_the_asker_and_admins_may_stop(storage: Storage, clicks: Clicks, user: str) -> None:
    turn_id = await claimed(storage)
    await clicks.stop(**click(turn_id, user_id=user))  # type: ignore[arg-type]
    assert await status_of(storage, turn_id) is TurnStatus.CANCELLED


async def test_a_stop_is_known_by_whoever_clicked(storage: Storage, clicks: Clicks) -> None:
    turn_id = await claimed(storage)
    (turn,) = await storage.turns.take(limit=1)
    await clicks.stop(**click(turn_id, user_id=BOSS))  # type: ignore[arg-type]
    assert (await storage.turns.look(turn)).stop_requested_by == BOSS


@pytest.mark.parametrize("changes", FORGED)
async def test_a_stop_from_elsewhere_changes_nothing(
    storage: Storage, clicks: Clicks, changes: dict[str, object]
) -> None:
    turn_id = await claimed(storage)
    await clicks.stop(**click(turn_id, **changes))  # type: ignore[arg-type]
    assert await status_of(storage, turn_id) is TurnStatus.QUEUED


async def test_an_edit_is_answered_again_once_in_the_same_messages(
    storage: Storage, clicks: Clicks
) -> None:
    turn_id = await ended(storage)
    for _ in range(2):
        await clicks.again(**click(turn_id), **EDIT)  # type: ignore[arg-type]
    (again,) = await storage.turns.take(limit=9)
    assert (again.message_ts, again.reply) == ("1.0", ("50.0",))
    assert again.payload == {"edited_ts": "5.0", "user_team": "T2"}


@pytest.mark.parametrize("changes", FORGED)
async def test_an_offer_taken_by_somebody_else_changes_nothing(
    storage: Storage, clicks: Clicks, changes: dict[str, object]
) -> None:
    turn_id = await ended(storage)
    await clicks.again(**click(turn_id, **changes), **EDIT)  # type: ignore[arg-type]
    assert await storage.turns.take(limit=9) == []


async def test_a_question_that_is_being_answered_is_not_repeated(
    storage: Storage, clicks: Clicks
) -> None:
    turn_id = await claimed(storage)
    await clicks.again(**click(turn_id), **EDIT)  # type: ignore[arg-type]
    assert len(await storage.turns.take(limit=9)) == 1


async def test_a_deleted_question_is_stopped_and_any_other_message_is_not_ours(
    storage: Storage,
) -> None:
    turn_id = await claimed(storage)
    async with Changes(turns=storage.turns, replies=Slack(), languages=english()) as changes:
        await changes.take(Deleted("T1", "C1", "9.9"))
        assert await status_of(storage, turn_id) is TurnStatus.QUEUED
        (turn,) = await storage.turns.take(limit=1)
        await changes.take(Deleted("T1", "C1", "1.0"))
    assert (await storage.turns.look(turn)).stop_requested_by == DELETION


async def test_an_edit_of_an_open_question_reaches_it(storage: Storage) -> None:
    await claimed(storage)
    slack = Slack()
    async with Changes(turns=storage.turns, replies=slack, languages=english()) as changes:
        await changes.take(Edited("T1", "C1", "1.0", "new", "2.0"))
    (turn,) = await storage.turns.take(limit=1)
    assert (turn.payload["text"], turn.revision) == ("new", 1)
    assert slack.offers == []


async def test_an_edit_that_is_delivered_three_times_is_offered_once(storage: Storage) -> None:
    await ended(storage)
    slack = Slack()
    async with Changes(turns=storage.turns, replies=slack, languages=english()) as changes:
        for _ in range(3):
            await changes.take(Edited("T1", "C1", "1.0", "new", "2.0"))
        await changes.settled()
    assert len(slack.offers) == 1


async def test_an_edit_that_was_answered_is_not_offered_when_it_is_delivered_again(
    storage: Storage,
) -> None:
    slack = Slack()
    async with Changes(turns=storage.turns, replies=slack, languages=english()) as changes:
        await claimed(storage)
        await changes.take(Edited("T1", "C1", "1.0", "new", "2.0"))
        (turn,) = await storage.turns.take(limit=1)
        await storage.turns.finish(turn, status=TurnStatus.DONE, session=None, outcome="answered")
        await changes.take(Edited("T1", "C1", "1.0", "new", "2.0"))
        await changes.settled()
    assert slack.offers == []


async def test_no_more_edits_are_remembered_than_needed(storage: Storage) -> None:
    await claimed(storage)
    slack = Slack()
    async with Changes(turns=storage.turns, replies=slack, languages=english()) as changes:
        for number in range(EDITS_KNOWN + 2):
            await changes.take(Edited("T1", "C1", "1.0", "new", f"{number + 2}.0"))
        (turn,) = await storage.turns.take(limit=1)
        await storage.turns.finish(turn, status=TurnStatus.DONE, session=None, outcome="answered")
        await changes.take(Edited("T1", "C1", "1.0", "new", "2.0"))
        await changes.settled()
    assert len(slack.offers) == 1


class SlowSlack(Slack):
    """A Slack that takes offers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def offer_again(
        self, place: Place, *, user_id: str, turn_id: int, edited_ts: str, language: Language
    ) -> None:
        await self.gate.wait()
        await super().offer_again(
            place, user_id=user_id, turn_id=turn_id, edited_ts=edited_ts, language=language
        )


async def test_no_more_offers_are_on_their_way_at_once_than_allowed(storage: Storage) -> None:
    await ended(storage)
    slack = SlowSlack()
    async with Changes(turns=storage.turns, replies=slack, languages=english()) as changes:
        for number in range(OFFERS_AT_ONCE + 3):
            await changes.take(Edited("T1", "C1", "1.0", "new", f"{number + 2}.0"))
        slack.gate.set()
        await changes.settled()
    assert len(slack.offers) == OFFERS_AT_ONCE


async def test_a_change_that_overtakes_its_message_waits_for_the_claim(storage: Storage) -> None:
    early = Edited("T1", "C1", "1.0", "new", "2.0", is_expected=True)
    async with Changes(
        turns=storage.turns, replies=Slack(), languages=english(), look_again_s=0.05
    ) as changes:
        taking = asyncio.create_task(changes.take(early))
        await asyncio.sleep(0)
        await claimed(storage)
        await taking
    (turn,) = await storage.turns.take(limit=1)
    assert turn.payload["text"] == "new"


async def test_a_change_whose_message_does_not_come_is_left_to_slack_to_deliver_again(
    storage: Storage,
) -> None:
    async with Changes(
        turns=storage.turns, replies=Slack(), languages=english(), look_again_s=0
    ) as changes:
        with pytest.raises(TooEarly):
            await changes.take(Deleted("T1", "C1", "1.0", is_expected=True))
        await changes.take(Deleted("T1", "C1", "1.0"))


@pytest.mark.parametrize("fails", [False, True])
async def test_an_edit_of_an_answered_question_is_offered_to_be_answered_again(
    storage: Storage, fails: bool
) -> None:
    turn_id = await ended(storage)
    slack = Slack(offer_error=SlackTokenRefused(method="m") if fails else None)
    async with Changes(turns=storage.turns, replies=slack, languages=english()) as changes:
        await changes.take(Edited("T1", "C1", "1.0", "new", "2.0"))
        await changes.take(Edited("T1", "C1", "9.9", "no question of ours", "2.0"))
        await changes.settled()
    assert slack.offers == ([] if fails else [(ANN, turn_id, "2.0")])


def chinese() -> Languages:
    """Return what knows that Ann reads Chinese."""
    people = Slack(persons={ANN: somebody(locale="zh-CN")})
    return Languages(choices=Chosen(), people=people)


async def test_an_offer_is_in_the_askers_language(storage: Storage) -> None:
    await ended(storage)
    slack = Slack()
    async with Changes(turns=storage.turns, replies=slack, languages=chinese()) as changes:
        await changes.take(Edited("T1", "C1", "1.0", "new", "2.0"))
        await changes.settled()
    assert slack.offered_in is ZH


async def test_a_message_is_claimed_once_and_counted(storage: Storage) -> None:
    metrics = Metrics()
    message = UserMessage(
        team_id="T1",
        channel_id="C1",
        channel_kind=ChannelKind.CHANNEL,
        ts="1.0",
        thread_ts="1.0",
        user_id=ANN,
        user_team_id="T1",
        text="hello",
        files=(FileNote("F1", name="a.png", url="https://files.slack.com/F1"),),
        is_blank=False,
    )
    claims = Claims(turns=storage.turns, threads=Threads(), choices=Chosen(), metrics=metrics)
    assert await claims.submit(message)
    assert not await claims.submit(message)
    (turn,) = await storage.turns.take(limit=9)
    assert turn.payload == {
        "text": "hello",
        "files": [{"id": "F1", "name": "a.png"}],
        "user_team": "T1",
    }
    counted = {
        outcome: metrics.registry.get_sample_value(
            "dashscope_slack_messages_total", {"outcome": outcome}
        )
        for outcome in ("claimed", "duplicate")
    }
    assert counted == {"claimed": 1, "duplicate": 1}


async def test_a_claim_that_fails_is_counted_and_passed_on(tmp_path: Path) -> None:
    metrics = Metrics()
    storage = Storage(f"sqlite+aiosqlite:///{tmp_path}/empty.db")
    message = UserMessage(
        "T1", "C1", ChannelKind.IM, "1.0", "1.0", ANN, "T1", "hello", (), is_blank=False
    )
    async with storage:
        with pytest.raises(StorageError):
            await Claims(
                turns=storage.turns, threads=Threads(), choices=Chosen(), metrics=metrics
            ).submit(message)
    failed = {"outcome": "failed"}
    assert metrics.registry.get_sample_value("dashscope_slack_messages_total", failed) == 1
