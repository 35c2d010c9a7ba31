"""Recorded answers, served byte by byte as they were."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

SSE = "text/event-stream;charset=UTF-8"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Capture:
    """A recorded response.

    Attributes:
        body: Its bytes.
        content_type: What it is labelled.
        status: Its HTTP status.
        cuts: Offsets at which the bytes are torn into separate writes, in any order.
    """

    body: bytes
    content_type: str = SSE
    status: int = 200
    cuts: tuple[int, ...] = ()

    @classmethod
    def read(cls, path: Path, *, cuts: Sequence[int] = ()) -> "Capture":
        """Read a recording; `.sse` is a stream, anything else JSON. Blocks, so not in a loop."""
        content_type = SSE if path.suffix == ".sse" else JSON
        return cls(path.read_bytes(), content_type=content_type, cuts=tuple(cuts))

    def pieces(self) -> Iterator[bytes]:
        """Yield the bytes between the cuts; none is empty."""
        inside = {offset for offset in self.cuts if 0 < offset < len(self.body)}
        edges = [0, *sorted(inside), len(self.body)]
        for start, end in pairwise(edges):
            yield self.body[start:end]
