"""What was asked of the server, for tests and for people who watch."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.playground.bell import Bell
from bot.playground.dashscope.fetching import Fetched

ENTRIES_LIMIT = 10_000

Predicate = Callable[[Sequence["Entry"]], bool]


@dataclass(slots=True)
class Entry:
    """One request.

    Attributes:
        request_id: What the response carries.
        app_id: The id in the URL; empty when the URL names no app.
        headers: Of the request, names in lower case, without the key.
        body: The JSON of the request; None when it was none. It holds what people wrote.
        at: When it came, by the server's clock.
        status: The response's HTTP status; None before it and when there was none.
        session_id: The session it was answered in.
        events_sent: Events handed to the connection, an error event included.
        fetched: What was behind the links in the request.
        aborted: The client went away before the end.
        finished: Nothing more happens to this request.
    """

    request_id: str
    app_id: str
    headers: Mapping[str, str]
    at: float
    body: Any = field(default=None, repr=False)
    status: int | None = None
    session_id: str | None = None
    events_sent: int = 0
    fetched: tuple[Fetched, ...] = ()
    aborted: bool = False
    finished: bool = False


class Journal:
    """Every request, oldest first; beyond 10,000 the oldest are forgotten."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=ENTRIES_LIMIT)
        self._bell = Bell()

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The requests so far."""
        return tuple(self._entries)

    def add(self, entry: Entry) -> None:
        """Note a request."""
        self._entries.append(entry)
        self.changed()

    def changed(self) -> None:
        """Wake those who wait, after an entry was altered."""
        self._bell.ring()

    async def until(self, predicate: Predicate, *, timeout_s: float) -> tuple[Entry, ...]:
        """Wait until the entries satisfy `predicate`, and return them.

        Raises:
            TimeoutError: They did not within `timeout_s`.
        """
        await self._bell.until(lambda: predicate(self.entries), timeout_s=timeout_s)
        return self.entries
