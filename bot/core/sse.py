"""bytes -> server-sent events.

More forgiving than the HTML standard, as DashScope's streams need it: the true status of an error
stands in a comment (`:HTTP_STATUS/429`), some gateways leave out the blank line between events, and
the last event may lack its end. Lines end at LF alone: U+2028 and U+0085 are ordinary text inside
JSON. (Wire format: Model Studio's "Application calling" guide, streaming output.)
"""

import re
from dataclasses import dataclass

from bot.core.loose_json import parse_object
from bot.errors import UpstreamGarbled

MAX_HELD_BYTES = 8 * 1024 * 1024
"""What may be held of one unfinished event; our own bound, far above any answer."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_STATUS = re.compile(r"(?:HTTP_STATUS/)?(\d{3})", re.ASCII)
_LINE_COST_BYTES = 64
"""What an empty line costs in memory; without it, empty lines could be held without end."""
_PATIENCE = 2
"""Times that data which is no JSON survives a new `id` or `event` before it is let go."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event.

    Attributes:
        event: Its type; `message` when none was named.
        data: Its data lines, joined by LF; never empty.
        id: This event's own id; unlike in browsers it is not inherited.
        status: The number of a `:HTTP_STATUS/nnn` comment or a `status:` line.
    """

    event: str
    data: str
    id: str | None = None
    status: int | None = None


class SseDecoder:
    """Cuts one stream of bytes into events, wherever the network cut it before.

    The work is linear in the bytes, also when they come one by one.
    """

    def __init__(self) -> None:
        self._rest = bytearray()
        self._at_start = True
        self._forget()

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Take the next bytes and return the events they complete.

        Raises:
            UpstreamGarbled: An event grew beyond `MAX_HELD_BYTES`.
        """
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            self._hold(chunk)
            return []
        lines = bytes(self._rest) + chunk[:cut]
        self._rest.clear()
        events = self._read(lines)
        self._hold(chunk[cut:])
        return events

    def finish(self) -> list[ServerSentEvent]:
        """Return what the end of the stream completes; an event cut inside its JSON is dropped.

        Raises:
            UpstreamGarbled: An event grew beyond `MAX_HELD_BYTES`.
        """
        events = self._read(bytes(self._rest) + b"\n") if self._rest else []
        self._rest.clear()
        last = self._dispatch() if self._data_is_json() else None
        self._forget()
        return events if last is None else [*events, last]

    def _hold(self, rest: bytes) -> None:
        self._rest += rest
        self._check_size(len(self._rest))

    def _check_size(self, more: int) -> None:
        if self._data_size + more > MAX_HELD_BYTES:
            raise UpstreamGarbled(f"an event of more than {MAX_HELD_BYTES} bytes")

    def _read(self, block: bytes) -> list[ServerSentEvent]:
        """Read whole lines; only here bytes become text, so no character is ever cut."""
        if self._at_start:
            block = block.removeprefix(_BYTE_ORDER_MARK)
            self._at_start = False
        lines = block.decode("utf-8", "replace").split("\n")
        lines.pop()
        events = (self._take(line.removesuffix("\r")) for line in lines)
        return [event for event in events if event is not None]

    def _take(self, line: str) -> ServerSentEvent | None:
        """Take one line; returns the event it ends."""
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
                self._data_size += len(value) + _LINE_COST_BYTES
                self._check_size(0)
            case "id" | "event":
                return self._begin(name, value)
            case "" | "status":
                status = _STATUS.match(value)
                self._status = int(status[1]) if status else self._status
            case _:
                pass
        return None

    def _begin(self, name: str, value: str) -> ServerSentEvent | None:
        """Take an `id` or `event` line, which ends the event before it if the blank line lacks."""
        ended = self._dispatch() if self._data and self._data_is_whole() else None
        if name == "id":
            self._id = value
        else:
            self._event = value
        return ended

    def _data_is_whole(self) -> bool:
        if self._data_is_json():
            return True
        self._doubts += 1
        return self._doubts > _PATIENCE

    def _data_is_json(self) -> bool:
        return bool(self._data) and parse_object("\n".join(self._data)) is not None

    def _dispatch(self) -> ServerSentEvent | None:
        data = "\n".join(self._data)
        event = None
        if data:
            event = ServerSentEvent(self._event or "message", data, self._id, self._status)
        self._forget()
        return event

    def _forget(self) -> None:
        self._data: list[str] = []
        self._data_size = 0
        self._doubts = 0
        self._event = ""
        self._id: str | None = None
        self._status: int | None = None
