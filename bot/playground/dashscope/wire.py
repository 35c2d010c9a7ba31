"""Payloads -> the bytes of an event stream, in every framing seen on the wire.

DashScope's guides print LF line ends, no space after the colon, one JSON line per event and the
status as a comment, `:HTTP_STATUS/200`. Some captures lack the blank lines; official clients put up
with CRLF, spaces and heartbeats.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

LONGEST_CUT_BYTES = 7


@dataclass(frozen=True, slots=True)
class Framing:
    """How events are written.

    Attributes:
        newline: The line end.
        blank_lines: Whether a blank line ends an event.
        spaced: Whether a space follows the colon of a field.
        heartbeats: Whether a comment line goes before every event.
        cut_seed: Cuts the bytes into pieces of 1 to 7 bytes, the same for the same seed; None does
            not cut.
    """

    newline: Literal["\n", "\r\n"] = "\n"
    blank_lines: bool = True
    spaced: bool = False
    heartbeats: bool = False
    cut_seed: int | None = None


def dump(payload: Mapping[str, Any]) -> bytes:
    """Return JSON as DashScope writes it: compact, and UTF-8 instead of escapes."""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", errors="replace")


def frame(
    payload: Mapping[str, Any],
    *,
    number: int,
    event: Literal["result", "error"] = "result",
    status: int = 200,
    framing: Framing | None = None,
) -> bytes:
    """Return one event; `number` counts from 1."""
    form = framing or Framing()
    space = b" " if form.spaced else b""
    lines = [b": heartbeat"] if form.heartbeats else []
    lines += [
        b"id:%b%d" % (space, number),
        b"event:%b%b" % (space, event.encode()),
        b":HTTP_STATUS/%d" % status,
        b"data:%b%b" % (space, dump(payload)),
    ]
    lines += [b""] if form.blank_lines else []
    newline = form.newline.encode()
    return newline.join(lines) + newline


def cut(data: bytes, *, random: Random) -> Iterator[bytes]:
    """Yield `data` in pieces of 1 to 7 bytes: characters, lines and CRLFs are torn apart."""
    start = 0
    while start < len(data):
        end = start + random.randint(1, LONGEST_CUT_BYTES)
        yield data[start:end]
        start = end
