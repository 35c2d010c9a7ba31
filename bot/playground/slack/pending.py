"""Files that were announced and not yet shared."""

import itertools
from dataclasses import dataclass, replace

from bot.playground.slack.payload import RefusedError


@dataclass(frozen=True, slots=True)
class Pending:
    """A file on its way.

    Attributes:
        file_id: `F…`.
        ticket: The last part of the address its bytes go to.
        name: With its ending.
        length: Its size as announced, in bytes.
        content: Its bytes; None until they came.
    """

    file_id: str
    ticket: str
    name: str
    length: int
    content: bytes | None = None


class PendingFiles:
    """Files between their announcement and their completion."""

    def __init__(self) -> None:
        self._serial = itertools.count(1)
        self._files: dict[str, Pending] = {}

    def announce(self, name: str, *, length: int) -> Pending:
        """Return a new file that awaits its bytes."""
        number = next(self._serial)
        pending = Pending(f"F0UP{number:05d}", f"ticket-{number}", name, length)
        self._files[pending.file_id] = pending
        return pending

    def awaiting(self, ticket: str) -> Pending | None:
        """Return the file whose bytes go to this address; None when there is none, or no more."""
        return next((p for p in self._files.values() if p.ticket == ticket), None)

    def fill(self, pending: Pending, content: bytes) -> None:
        """Take a file's bytes; later ones replace them."""
        self._files[pending.file_id] = replace(pending, content=content)

    def require(self, file_id: str) -> Pending:
        """Return a file that may be completed.

        Raises:
            RefusedError: `file_not_found`: nobody announced it, its bytes never came, or it is
                completed already.
        """
        pending = self._files.get(file_id)
        if pending is None or pending.content is None:
            raise RefusedError("file_not_found")
        return pending

    def forget(self, file_id: str) -> None:
        """Let go of a completed file."""
        self._files.pop(file_id, None)
