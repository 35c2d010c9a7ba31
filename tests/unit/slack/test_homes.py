"""Home tabs: what they are on the wire, and how often they are made."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from slack_bolt.context.async_context import AsyncBoltContext
from structlog.testing import capture_logs

from bot.core.home import MAX_ROW_BUTTONS, Heading, Home, Quote, Row, Words
from bot.core.screens import Button, Caller
from bot.errors import SlackRefused
from bot.playground.slack.views import checked_view
from bot.slack.calls import Calls
from bot.slack.home import AT_ONCE, THROTTLE_S, HomeVisits, SlackHomes, home_view
from bot.slack.listeners import HomeListener
from bot.slack.screens import action_of

HOME = Home(
    (
        Heading("Memory"),
        Words("*Hello*"),
        Quote("1. <!channel> *bold* <@U1> :smile:"),
        Row((Button("memory.edit", "Edit 1", "private n1"), Button("memory.edit", "Edit 2", "x"))),
        Row((Button("memory.edit", "Edit 3", "y"),)),
    )
)
ANN = Caller("T1", "", "UANN")
BEN = Caller("T1", "", "UBEN")


@dataclass
class Clock:
    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Maker:
    """Notes whose Home is made."""

    made: list[tuple[str, bool]] = field(default_factory=list[tuple[str, bool]])
    error: Exception | None = None
    gate: asyncio.Event | None = None

    async def home(self, caller: Caller, *, is_first: bool) -> None:
        self.made.append((caller.user_id, is_first))
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def maker() -> Maker:
    return Maker()


@pytest.fixture
async def visits(maker: Maker, clock: Clock, no_task_left: None) -> AsyncIterator[HomeVisits]:
    async with HomeVisits(maker, clock=clock) as opened:
        yield opened


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_slack_takes_a_home() -> None:
    assert checked_view(home_view(HOME), kind="home")


def test_what_somebody_wrote_does_nothing_there() -> None:
    quote = home_view(HOME)["blocks"][2]["text"]
    assert (quote["type"], quote["emoji"]) == ("plain_text", False)
    assert home_view(HOME)["blocks"][1]["text"]["verbatim"] is True


def test_every_button_has_an_id_of_its_own_that_tells_what_it_does() -> None:
    rows = [block for block in home_view(HOME)["blocks"] if block["type"] == "actions"]
    found = [button["action_id"] for row in rows for button in row["elements"]]
    assert len(set(found)) == 3
    assert {action_of(each) for each in found} == {"memory.edit"}


def test_a_thousand_buttons_of_a_home_are_told_apart() -> None:
    row = Row((Button("memory.forget_all", "Forget", "private"),) * MAX_ROW_BUTTONS)
    rows = home_view(Home((row,) * (1_000 // MAX_ROW_BUTTONS)))["blocks"]
    found = [button["action_id"] for block in rows for button in block["elements"]]
    assert len(set(found)) == 1_000
    assert {action_of(each) for each in found} == {"memory.forget_all"}


async def test_a_home_is_published_for_its_owner(scripted_slack: Any, calls: Calls) -> None:
    await SlackHomes(calls).publish("T1", "UANN", HOME)
    (sent,) = scripted_slack.calls("views.publish")
    assert sent == {"user_id": "UANN", "view": home_view(HOME)}


async def test_a_home_opened_again_within_ten_seconds_is_left_as_it_is(
    visits: HomeVisits, maker: Maker, clock: Clock
) -> None:
    for _ in range(3):
        visits.opened(ANN)
    visits.opened(BEN)
    clock.now += THROTTLE_S
    visits.opened(ANN)
    await turn()
    assert maker.made == [("UANN", True), ("UBEN", True), ("UANN", False)]


async def test_only_so_many_are_made_at_once(visits: HomeVisits, maker: Maker) -> None:
    maker.gate = asyncio.Event()
    for number in range(AT_ONCE + 5):
        visits.opened(Caller("T1", "", f"U{number}"))
    await turn()
    assert len(maker.made) == AT_ONCE


@pytest.mark.parametrize(
    ("error", "event"),
    [
        (SlackRefused(method="views.publish", code="x"), "home.not_published"),
        (KeyError(), "home.broke"),
    ],
)
async def test_a_home_that_fails_is_one_line_in_the_log(
    visits: HomeVisits, maker: Maker, error: Exception, event: str
) -> None:
    maker.error = error
    with capture_logs() as lines:
        visits.opened(ANN)
        await turn()
    assert [line["event"] for line in lines] == [event]


async def test_closing_ends_what_is_under_way(maker: Maker, no_task_left: None) -> None:
    maker.gate = asyncio.Event()
    async with HomeVisits(maker) as visits:
        visits.opened(ANN)
        await turn()


@pytest.mark.parametrize(("tab", "made"), [("home", ["UANN"]), ("messages", [])])
async def test_opening_the_messages_publishes_no_home(tab: str, made: list[str]) -> None:
    maker = Maker()
    async with HomeVisits(maker) as homes:
        listener = HomeListener(homes)
        event = {"tab": tab, "user": "UANN"}
        await listener.take_opening(event, {"team_id": "T1"}, AsyncBoltContext({}))
        await asyncio.sleep(0)
    assert [user_id for user_id, _ in maker.made] == made
