"""Turns to try things with."""

from typing import Any

from storage import inbox
from storage.database import Storage
from storage.lease import Lease
from storage.records import NewTurn, StoredApp, Turn

SECRET = "what-nobody-may-keep"


def new_turn(
    *,
    team_id: str = "T1",
    channel_id: str = "C1",
    thread_ts: str = "1700000000.000100",
    message_ts: str = "1700000000.000100",
    payload: dict[str, Any] | None = None,
) -> NewTurn:
    return NewTurn(
        team_id=team_id,
        channel_id=channel_id,
        thread_ts=thread_ts,
        message_ts=message_ts,
        user_id="U1",
        payload={"text": SECRET} if payload is None else payload,
    )


def new_app(name: str = "FAQ") -> StoredApp:
    return StoredApp(
        name=name,
        app_id="a1b2",
        kind="agent",
        base_url="https://dashscope.example/api/v1",
        workspace="llm-1",
        secret_name=None,
        options={"pipeline_ids": ["p1"], "temperature": 0.5},
        is_open=False,
    )


async def claimed(storage: Storage, new: NewTurn | None = None) -> int:
    """Claim a message nobody has claimed, with more patience than Slack leaves the bot."""
    turn_id = await storage.run(inbox.claim, new or new_turn())
    assert turn_id is not None
    return turn_id


async def taken(storage: Storage) -> Turn:
    """Take the one turn that can be taken."""
    (turn,) = await storage.turns.take(limit=9)
    return turn


def ignore(*_arguments: object) -> None:
    """Hear nothing."""


def lease_of(storage: Storage, *, lease_s: float = 10.0, beat_s: float = 2.0) -> Lease:
    """Return a lease whose signals nobody needs."""
    return Lease(storage, wake=ignore, stop=ignore, lost=ignore, lease_s=lease_s, beat_s=beat_s)
