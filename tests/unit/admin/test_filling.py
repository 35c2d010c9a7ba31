"""The form in which an asker gives what a question lacked."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.admin.door import Door
from bot.admin.filling import ACTION, CALLBACK, Wanted, fill_form
from bot.core.language import Language
from bot.core.screens import Closed, Errors, Submitted, Values
from bot.core.variables import FILLED_IN, MAX_VALUE_CHARS
from storage.database import Storage
from storage.lease import Lease
from storage.records import NewTurn, TurnStatus
from tests.unit.admin.bounds import assert_fits, inputs_of
from tests.unit.admin.desk import ADMIN, CHANNEL, MEMBER, TEAM, Wall, caller


def nothing(*_args: object) -> None:
    """Do nothing."""


@pytest.fixture(autouse=True)
async def lease(storage: Storage) -> AsyncIterator[None]:
    async with Lease(storage, wake=nothing, stop=nothing, lost=nothing):
        yield


async def asked(storage: Storage, *, team_id: str = TEAM) -> int:
    """Return a question that was answered with what it lacks."""
    new = NewTurn(team_id, CHANNEL, "1.0", "1.0", MEMBER, {"text": "What?", "files": 0})
    turn_id = await storage.turns.claim(new)
    (turn,) = await storage.turns.take(limit=1)
    await storage.turns.finish(turn, status=TurnStatus.DONE, session=None, outcome="hinted")
    assert turn_id is not None
    return turn_id


async def press(door: Door, value: str, *, by: str = MEMBER, channel_id: str = CHANNEL) -> Wall:
    wall = Wall()
    await door.pressed(caller(by, channel_id=channel_id), ACTION, value, screen=wall)
    return wall


async def send(door: Door, state: str, values: Values, *, by: str = MEMBER) -> Submitted:
    return await door.submitted(caller(by), CALLBACK, state, values)


async def test_whoever_asked_gets_a_form_with_what_is_missing(door: Door, storage: Storage) -> None:
    turn_id = await asked(storage)
    wall = await press(door, f"{turn_id}:city,days")
    [form] = wall.forms
    assert not wall.notices
    assert list(inputs_of(form)) == ["city", "days"]
    assert form.state == f"{turn_id}:city,days"


@pytest.mark.parametrize(
    ("by", "channel_id", "words"),
    [
        (ADMIN, CHANNEL, "Only the person who asked"),
        (MEMBER, "C2", "not known any more"),
    ],
)
async def test_nobody_else_and_nowhere_else_gets_the_form(
    door: Door, storage: Storage, by: str, channel_id: str, words: str
) -> None:
    turn_id = await asked(storage)
    wall = await press(door, f"{turn_id}:city", by=by, channel_id=channel_id)
    assert not wall.forms
    assert words in wall.notices[0].text


@pytest.mark.parametrize("value", ["", "1", "1:", "x:city", "1:a b", "99:city", "1:" + "a," * 11])
async def test_a_forged_button_opens_nothing(door: Door, storage: Storage, value: str) -> None:
    await asked(storage, team_id="T2")
    wall = await press(door, value)
    assert not wall.forms
    assert len(wall.notices) == 1


async def test_what_is_sent_is_stored_with_the_question_before_anything_else(
    door: Door, storage: Storage
) -> None:
    turn_id = await asked(storage)
    state = f"{turn_id}:city,days"
    sent = await send(door, state, {"city": " Hangzhou ", "days": "3", "more": "forged"})
    assert sent == Closed(None)
    (turn,) = await storage.turns.take(limit=9)
    assert turn.payload[FILLED_IN] == {"city": "Hangzhou", "days": "3"}
    assert (turn.message_ts, turn.user_id) == ("1.0", MEMBER)


async def test_a_form_that_is_sent_twice_asks_once(door: Door, storage: Storage) -> None:
    turn_id = await asked(storage)
    for number in range(2):
        sent = await send(door, f"{turn_id}:city", {"city": str(number)})
        assert isinstance(sent, Closed)
        assert (sent.notice is None) == (number == 0)
    (turn,) = await storage.turns.take(limit=9)
    assert turn.payload[FILLED_IN] == {"city": "0"}


@pytest.mark.parametrize("value", ["", " ", "x" * (MAX_VALUE_CHARS + 1), "two\nlines"])
async def test_a_value_that_cannot_be_is_refused_at_its_field(
    door: Door, storage: Storage, value: str
) -> None:
    turn_id = await asked(storage)
    refused = await send(door, f"{turn_id}:city,days", {"city": value, "days": "3"})
    assert isinstance(refused, Errors)
    assert list(refused.by_key) == ["city"]
    assert await storage.turns.take(limit=9) == []


@pytest.mark.parametrize(
    ("state", "by"), [("{turn_id}:city", ADMIN), ("99:city", MEMBER), ("junk", MEMBER)]
)
async def test_a_forged_form_asks_nothing(
    door: Door, storage: Storage, state: str, by: str
) -> None:
    turn_id = await asked(storage)
    refused = await send(door, state.format(turn_id=turn_id), {"city": "x"}, by=by)
    assert isinstance(refused, Errors)
    assert await storage.turns.take(limit=9) == []


NAMES = st.lists(st.from_regex(r"[\w.-]{1,64}", fullmatch=True), min_size=1, max_size=10)


@given(st.integers(0, 10**18 - 1), NAMES)
def test_what_is_wanted_is_read_back_from_the_button_and_fits_a_form(
    turn_id: int, names: list[str]
) -> None:
    wanted = Wanted(turn_id, tuple(dict.fromkeys(names)))
    assert Wanted.read(wanted.text()) == wanted
    for language in Language:
        assert_fits(fill_form(wanted, language=language))
