"""`new`, and the shortcut that lets a thread start afresh."""

from dataclasses import replace

import pytest

from bot.admin.afresh import ACTION
from bot.admin.door import Door
from bot.core.screens import Caller
from storage.database import Storage
from storage.lease import Lease
from storage.records import NewTurn, SessionUse, TurnStatus
from tests.unit.admin.desk import CHANNEL, DIRECT, MEMBER, TEAM, Town, Wall, caller, person, typed


def nothing(*_args: object) -> None:
    """Do nothing."""


async def talk(storage: Storage, thread_ts: str, *, channel_id: str) -> None:
    """Let a thread have a session."""
    async with Lease(storage, wake=nothing, stop=nothing, lost=nothing):
        new = NewTurn(TEAM, channel_id, thread_ts, thread_ts, MEMBER, {"text": "x", "files": 0})
        await storage.turns.claim(new)
        (turn,) = await storage.turns.take(limit=1)
        session = SessionUse(app_key="a", session_id="s1")
        await storage.turns.finish(turn, status=TurnStatus.DONE, session=session, outcome="x")


async def session(storage: Storage, thread_ts: str, *, channel_id: str) -> str | None:
    known = await storage.conversations.get(TEAM, channel_id, thread_ts)
    return known and known.session_id


async def choose(door: Door, thread_ts: str, *, by: Caller | None = None) -> str:
    wall = Wall()
    await door.pressed(by or caller(MEMBER), ACTION, thread_ts, screen=wall)
    [notice] = wall.notices
    return notice.text


async def test_in_a_channel_the_command_tells_how_and_changes_nothing(
    door: Door, storage: Storage
) -> None:
    await talk(storage, "1.0", channel_id=CHANNEL)
    assert "Start afresh here" in (await typed(door, "new", by=MEMBER)).text
    assert await session(storage, "1.0", channel_id=CHANNEL) == "s1"


async def test_in_direct_messages_the_command_starts_every_thread_there_afresh(
    door: Door, storage: Storage
) -> None:
    for thread in ("1.0", "2.0"):
        await talk(storage, thread, channel_id=DIRECT)
    await talk(storage, "3.0", channel_id=CHANNEL)
    assert "start afresh" in (await typed(door, "new", by=MEMBER, channel_id=DIRECT)).text
    left = [await session(storage, thread, channel_id=DIRECT) for thread in ("1.0", "2.0")]
    assert left == ["", ""]
    assert await session(storage, "3.0", channel_id=CHANNEL) == "s1"


async def test_the_shortcut_lets_a_thread_start_afresh(door: Door, storage: Storage) -> None:
    await talk(storage, "1.0", channel_id=CHANNEL)
    await talk(storage, "2.0", channel_id=CHANNEL)
    assert "Started afresh" in await choose(door, "1.0")
    assert await session(storage, "1.0", channel_id=CHANNEL) == ""
    assert await session(storage, "2.0", channel_id=CHANNEL) == "s1"


async def test_where_nobody_asked_anything_there_is_nothing_to_let_go_of(
    door: Door, storage: Storage
) -> None:
    assert "nothing to let go" in await choose(door, "1.0")
    assert await storage.conversations.get(TEAM, CHANNEL, "1.0") is None


@pytest.mark.parametrize("thread_ts", ["", "x", "1.0; DROP", "1"])
async def test_what_is_no_thread_is_refused(door: Door, thread_ts: str) -> None:
    assert "does nothing" in await choose(door, thread_ts)


async def test_who_may_not_ask_there_cannot_use_it(
    door: Door, storage: Storage, town: Town
) -> None:
    await talk(storage, "1.0", channel_id=CHANNEL)
    town.people["UGUEST"] = replace(person("UGUEST"), is_guest=True)
    assert "guests" in await choose(door, "1.0", by=caller("UGUEST"))
    outsider = replace(caller(MEMBER), user_team_id="T9")
    assert "workspace I belong to" in await choose(door, "1.0", by=outsider)
    town.is_away = True
    assert "did not say in time who you are" in await choose(door, "1.0")
    assert await session(storage, "1.0", channel_id=CHANNEL) == "s1"
