"""Files on their way to an app on loopback."""

import hashlib

import pytest

from bot.playground.bailian.files import FILES_LIMIT, FileRoom, Lease
from bot.playground.bailian.refusals import Refusal

CONTENT = b"some words"
ARGUMENTS = {
    "FileName": "a.md",
    "SizeInBytes": str(len(CONTENT)),
    "Md5": hashlib.md5(CONTENT, usedforsecurity=False).hexdigest(),
}


def bring(
    room: FileRoom, lease: Lease, *, content: bytes = CONTENT, headers: dict[str, str] | None = None
) -> Refusal | None:
    sent = {name.lower(): value for name, value in lease.headers.items()} | (headers or {})
    return room.bring(lease.lease_id, headers=sent, content=content)


def test_a_file_becomes_ready_by_being_looked_at() -> None:
    room = FileRoom()
    lease = room.lease(ARGUMENTS)
    assert bring(room, lease) is None
    file = room.add(lease.lease_id)
    assert not isinstance(file, Refusal)
    states = [room.look(file.file_id) for _ in range(6)]
    assert [one[1] for one in states if not isinstance(one, Refusal)] == [
        *room.states,
        "FILE_IS_READY",
    ]


def test_a_place_takes_what_was_leased_and_nothing_else() -> None:
    room = FileRoom()
    lease = room.lease(ARGUMENTS)
    for refusal in (
        bring(room, lease, content=b"some word"),
        bring(room, lease, content=b"other word"),
        bring(room, lease, headers={"content-type": "text/plain"}),
        bring(room, lease, headers={"x-bailian-extra": ""}),
    ):
        assert isinstance(refusal, Refusal)
    assert bring(room, lease) is None
    assert isinstance(bring(room, lease), Refusal)


def test_a_lease_is_good_for_one_file_that_was_brought() -> None:
    room = FileRoom()
    lease = room.lease(ARGUMENTS)
    assert isinstance(room.add(lease.lease_id), Refusal)
    assert isinstance(room.add("unknown"), Refusal)
    bring(room, lease)
    assert not isinstance(room.add(lease.lease_id), Refusal)
    assert isinstance(room.add(lease.lease_id), Refusal)
    assert len(room.files) == 1


def test_a_file_nobody_added_cannot_be_looked_at() -> None:
    assert isinstance(FileRoom().look("file_session_0"), Refusal)


@pytest.mark.parametrize("more", [0, 1])
def test_the_oldest_lease_is_forgotten_when_there_are_too_many(more: int) -> None:
    room = FileRoom()
    first = room.lease(ARGUMENTS)
    for _ in range(FILES_LIMIT - 1 + more):
        room.lease(ARGUMENTS)
    assert (bring(room, first) is None) == (more == 0)
