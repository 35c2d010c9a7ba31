"""Files of sessions: leased a place, brought there, added, and read until an app may be asked."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from bot.playground.bailian.refusals import NO_SUCH_FILE, Refusal, invalid

STATES = ("INIT", "PARSING", "SAFE_CHECKING", "INDEX_BUILDING", "FILE_IS_READY")
"""One for each look at the file; the last one stays."""
CONTENT_TYPE = "application/octet-stream"
FILES_LIMIT = 1000
"""Leases and files beyond that are forgotten, the oldest first."""


@dataclass(slots=True)
class Lease:
    """A place a file may be brought to.

    Attributes:
        lease_id: What AddFile names it by.
        arguments: What was asked for.
        headers: What must come with the file, exactly.
        content: The file, once it was brought.
        is_used: Whether it was added: a lease is good for one file.
    """

    lease_id: str
    arguments: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes | None = field(default=None, repr=False)
    is_used: bool = False


@dataclass(slots=True)
class File:
    """A file that was added.

    Attributes:
        file_id: `file_session_…`.
        name: As it was leased.
        content: Its bytes.
        looks: How often somebody asked for its state.
    """

    file_id: str
    name: str
    content: bytes = field(repr=False)
    looks: int = 0


class FileRoom:
    """Every lease and every file.

    Attributes:
        states: What a file's state is at each look; may be replaced at any time.
    """

    def __init__(self) -> None:
        self.states: Sequence[str] = STATES
        self._leases: dict[str, Lease] = {}
        self._files: dict[str, File] = {}

    @property
    def files(self) -> tuple[File, ...]:
        """All that were added, oldest first."""
        return tuple(self._files.values())

    def lease(self, arguments: Mapping[str, str]) -> Lease:
        """Give out a place."""
        lease_id = uuid4().hex
        headers = {"X-bailian-extra": uuid4().hex, "Content-Type": CONTENT_TYPE}
        lease = self._leases[lease_id] = Lease(lease_id, arguments, headers)
        _forget(self._leases)
        return lease

    def bring(self, lease_id: str, *, headers: Mapping[str, str], content: bytes) -> Refusal | None:
        """Take a file at its place.

        Args:
            lease_id: Of the place.
            headers: Of the request, names in lower case.
            content: The file.
        """
        lease = self._leases.get(lease_id)
        if lease is None or lease.content is not None:
            return NO_SUCH_FILE
        if any(headers.get(name.lower()) != value for name, value in lease.headers.items()):
            return Refusal(403, "SignatureDoesNotMatch", "The headers are not those of the lease.")
        if str(len(content)) != lease.arguments["SizeInBytes"]:
            return invalid("SizeInBytes", "is not the size of the file.")
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != lease.arguments["Md5"]:
            return invalid("Md5", "is not the one of the file.")
        lease.content = content
        return None

    def add(self, lease_id: str) -> File | Refusal:
        """Make a file of what was brought."""
        lease = self._leases.get(lease_id)
        if lease is None or lease.content is None or lease.is_used:
            return invalid("LeaseId", "is unknown, empty or used up.")
        lease.is_used = True
        file = File(f"file_session_{uuid4().hex}", lease.arguments["FileName"], lease.content)
        self._files[file.file_id] = file
        _forget(self._files)
        return file

    def is_ready(self, file_id: str) -> bool:
        """Whether a file is there and was last seen ready for an app; this is no look."""
        file = self._files.get(file_id)
        return file is not None and file.looks > 0 and self._state(file.looks - 1) == STATES[-1]

    def look(self, file_id: str) -> tuple[File, str] | Refusal:
        """Return a file and its state; looking brings it on."""
        file = self._files.get(file_id)
        if file is None:
            return NO_SUCH_FILE
        state = self._state(file.looks)
        file.looks += 1
        return file, state

    def _state(self, look: int) -> str:
        return self.states[min(look, len(self.states) - 1)]


def _forget(things: dict[str, Lease] | dict[str, File]) -> None:
    if len(things) > FILES_LIMIT:
        del things[next(iter(things))]
