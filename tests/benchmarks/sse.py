"""How fast a stream is decoded, and what is lost on the way."""

import json
import re
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

from bot.core.loose_json import parse_object
from tests.benchmarks.decoders import CONTESTANTS, Chunks, Contestant
from tests.benchmarks.report import Sheet, say

CAPTURES = Path(__file__).parents[1] / "fixtures" / "dashscope"
WELL_FORMED = (
    "agent_stream_full",
    "agent_stream_incremental",
    "agent_stream_incremental_string_true",
    "workflow_full_thoughts",
    "workflow_full_thoughts_nodename",
    "workflow_full_thoughts_node_js",
)
LONG_BYTES = 3_000_000
BYTEWISE_BYTES = 200_000
ROUNDS = 3
CHUNKINGS = ("1 byte", "1 KiB", "16 KiB", "one event")
_END_OF_EVENT = re.compile(rb"(?<=\n\n)")


async def sheets() -> AsyncGenerator[Sheet]:
    """Yield what was lost, and the speeds."""
    yield _losses()
    captures = b"".join(_capture(name) for name in WELL_FORMED)
    yield _speeds(
        "Decoding alone: all well-formed captures, over and over",
        make=lambda size: captures * (size // len(captures) + 1),
        work=lambda contestant: contestant.events,
    )
    yield _speeds(
        "Decoding, parsing and merging: one agent's answer, in deltas",
        make=_one_answer,
        work=lambda contestant: contestant.text,
    )


def _capture(name: str) -> bytes:
    return (CAPTURES / f"{name}.sse").read_bytes().rstrip(b"\n") + b"\n\n"


def _one_answer(size: int) -> bytes:
    """Return the deltas of a capture again and again, then its last event."""
    *deltas, last = _END_OF_EVENT.split(_capture("agent_stream_incremental").strip(b"\n"))
    once = b"".join(deltas)
    return once * (size // len(once) + 1) + last + b"\n\n"


def _cut(stream: bytes, how: str) -> Chunks:
    if how == "one event":
        return [event for event in _END_OF_EVENT.split(stream) if event]
    size = {"1 byte": 1, "1 KiB": 1024, "16 KiB": 16 * 1024}[how]
    return [stream[start : start + size] for start in range(0, len(stream), size)]


def _speeds(
    title: str,
    *,
    make: Callable[[int], bytes],
    work: Callable[[Contestant], Callable[[Chunks], object]],
) -> Sheet:
    rows: list[list[str]] = []
    for how in CHUNKINGS:
        say(f"sse, chunks of {how}")
        stream = make(BYTEWISE_BYTES if how == "1 byte" else LONG_BYTES)
        chunks, events = _cut(stream, how), stream.count(b"\ndata:")
        took_s = _best_s([work(contestant) for contestant in CONTESTANTS], chunks)
        rows.append([how, *_speed_cells(took_s, megabytes=len(stream) / 1e6, events=events)])
    columns = ["chunks", "ours MB/s", "ours events/s"]
    for contestant in CONTESTANTS[1:]:
        columns += [f"{contestant.name} MB/s", "× ours"]
    note = (
        f"{LONG_BYTES / 1e6:.0f} MB ({BYTEWISE_BYTES / 1e6:.1f} MB in single bytes), the best of "
        f"{ROUNDS} rounds, taking turns. × ours: speed as a multiple of ours."
    )
    return Sheet(title, columns, rows, note)


def _speed_cells(took_s: list[float], *, megabytes: float, events: int) -> list[str]:
    ours_s, *others_s = took_s
    cells = [f"{megabytes / ours_s:.1f}", f"{events / ours_s:,.0f}"]
    for other_s in others_s:
        cells += [f"{megabytes / other_s:.1f}", f"{ours_s / other_s:.2f}"]
    return cells


def _best_s(works: list[Callable[[Chunks], object]], chunks: Chunks) -> list[float]:
    """Return the least seconds of each; they take turns, so that a noisy moment hits all."""
    best = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for number, work in enumerate(works):
            started_at = time.perf_counter()
            work(chunks)
            best[number] = min(best[number], time.perf_counter() - started_at)
    return best


@dataclass(slots=True)
class _Loss:
    """What one way of reading made of all captures."""

    events: int = 0
    broken: int = 0
    wrong_texts: int = 0
    missing_chars: int = 0
    surplus_chars: int = 0


def _losses() -> Sheet:
    """Read every capture and trap; what they hold is written beside them."""
    rows: list[list[str]] = []
    streams = sorted(CAPTURES.glob("**/*.sse"))
    agents = [path for path in streams if _is_delta_stream(path)]
    promised = sum(_promised(path) for path in streams)
    for contestant in CONTESTANTS:
        loss = _Loss()
        for path in streams:
            _take_events(loss, contestant, path=path)
        for path in agents:
            _take_text(loss, contestant, path=path)
        rows.append(
            [
                contestant.name,
                f"{loss.events} of {promised}",
                str(loss.broken),
                f"{len(agents) - loss.wrong_texts} of {len(agents)}",
                str(loss.missing_chars),
                str(loss.surplus_chars),
            ]
        )
    columns = ["", "whole events", "broken events", "right answers", "chars lost", "chars too many"]
    note = (
        f"{len(streams)} streams, each cut after every byte; the {len(agents)} of agents that "
        "answer in deltas are merged, too, by adding `output.text` where the library does not."
    )
    return Sheet("What is lost", columns, rows, note)


def _expected(path: Path) -> dict[str, object]:
    return json.loads(path.with_suffix(".expected.json").read_text())


def _promised(path: Path) -> int:
    expected = _expected(path)
    reasons = expected["finish_reasons"]
    assert isinstance(reasons, list)
    return len(reasons) + (expected["error"] is not None)


def _is_delta_stream(path: Path) -> bool:
    return _expected(path)["text_mode"] == "incremental"


def _take_events(loss: _Loss, contestant: Contestant, *, path: Path) -> None:
    found = contestant.events(_cut(path.read_bytes(), "1 byte"))
    whole = sum(parse_object(data) is not None for data in found)
    loss.events += whole
    loss.broken += len(found) - whole


def _take_text(loss: _Loss, contestant: Contestant, *, path: Path) -> None:
    wanted = str(_expected(path)["final_text"])
    try:
        got = contestant.text(_cut(path.read_bytes(), "1 byte"))
    except (ValueError, KeyError):
        got = ""
    loss.wrong_texts += got != wanted
    loss.missing_chars += max(0, len(wanted) - len(got))
    loss.surplus_chars += max(0, len(got) - len(wanted))
