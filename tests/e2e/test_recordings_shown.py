"""Every recorded answer of DashScope is shown in Slack as a reader should see it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from rig import Rig

from bot.core import texts
from bot.core.language import Language
from bot.errors import AccountProblem, ContentBlocked, DashScopeError, Misconfigured, UpstreamFailed
from bot.playground.dashscope.captures import JSON, SSE, Capture

RECORDINGS = Path(__file__).parent.parent / "fixtures" / "dashscope"
ONLY_OUTPUT = {"knowledge_base_references", "rag_sdk_output_null_refs"}
"""Recorded by the vendor's SDK, which keeps only the `output` of a body."""
SHOWN = {
    "trap_ref_split": (
        "It is light[1]. Battery 4000 mAh[1] [2].\n\n---\n\n- [1] Doc 1\n- [2] Doc 2"
    ),
}
"""What is shown where that differs from the text the app wrote."""


@dataclass(frozen=True)
class Stream:
    """A recorded stream and what a correct client ends with."""

    name: str
    capture: Capture
    expected: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> "Stream":
        expected = json.loads(path.with_suffix(".expected.json").read_text(encoding="utf-8"))
        return cls(path.stem, Capture.read(path), expected)

    @property
    def text(self) -> str:
        return SHOWN.get(self.name) or str(self.expected["final_text"])


def named(case: Any) -> str:
    return str(case.name)


# The bot asks for deltas, so nobody sends it wholes.
STREAMS = [
    stream
    for stream in map(Stream.read, sorted(RECORDINGS.rglob("*.sse")))
    if stream.expected["text_mode"] != "cumulative"
]
WHOLE = [stream for stream in STREAMS if stream.expected["complete"]]
CUT = [s for s in STREAMS if not s.expected["complete"] and s.expected["error"] is None]
BROKEN = [s for s in STREAMS if s.expected["error"] and s.expected["final_text"]]


def body_of(path: Path) -> tuple[bytes, str]:
    """Return a recorded body, whole, and the start of the text it holds."""
    raw = path.read_bytes()
    held = json.loads(raw)
    if path.stem in ONLY_OUTPUT:
        return json.dumps({"output": held, "request_id": "r"}).encode(), held["text"]
    return raw, held["output"].get("text") or ""


BODIES = sorted(
    path
    for path in RECORDINGS.glob("*.json")
    if ".expected" not in path.name and not path.name.startswith(("error_", "workflow_event"))
)
REFUSALS: dict[str, tuple[Capture, DashScopeError]] = {
    "a key that is none": (
        Capture((RECORDINGS / "error_invalid_key.json").read_bytes(), JSON, 401),
        Misconfigured(),
    ),
    "an event instead of JSON": (
        Capture(
            (RECORDINGS / "secondary/error_pre_stream_http400_body.txt").read_bytes(), SSE, 400
        ),
        AccountProblem(),
    ),
    "an event that is labelled JSON": (
        Capture(
            (RECORDINGS / "secondary/error_pre_stream_http400_body.txt").read_bytes(), JSON, 400
        ),
        AccountProblem(),
    ),
    "an error inside an error": (
        Capture(
            (RECORDINGS / "secondary/error_nested_openai_http404.json").read_bytes(), JSON, 404
        ),
        Misconfigured(),
    ),
    "a node of a workflow": (
        Capture(
            (RECORDINGS / "secondary/error_workflow_node_http500.json").read_bytes(), JSON, 500
        ),
        UpstreamFailed(),
    ),
}


def test_there_are_recordings() -> None:
    assert len(WHOLE) >= 14
    assert len(CUT) >= 1
    assert len(BROKEN) >= 2
    assert len(BODIES) >= 16


@pytest.mark.parametrize("stream", WHOLE, ids=named)
async def test_a_recorded_stream_is_shown_as_it_ended(rig: Rig, stream: Stream) -> None:
    rig.dashscope.replay(stream.capture)
    async with rig.bot():
        shown = await rig.answer("question")
    assert shown == stream.text
    assert len(rig.asked()) == 1


async def test_the_longest_recorded_stream_torn_at_every_third_byte_is_shown_the_same(
    rig: Rig,
) -> None:
    stream = max(WHOLE, key=lambda stream: len(stream.capture.body))
    cuts = range(1, len(stream.capture.body), 3)
    rig.dashscope.replay(stream.capture.body, cuts=cuts)
    async with rig.bot():
        assert await rig.answer("question") == stream.text


@pytest.mark.parametrize("stream", CUT, ids=named)
async def test_a_recorded_stream_without_its_end_stays_and_is_marked_as_cut(
    rig: Rig, stream: Stream
) -> None:
    rig.dashscope.replay(stream.capture)
    async with rig.bot():
        shown = await rig.answer("question")
    assert shown == f"{stream.text}\n{texts.cut(turn_id=1, language=Language.EN)}"
    assert len(rig.asked()) == 1


@pytest.mark.parametrize("stream", BROKEN, ids=named)
async def test_a_recorded_error_in_the_middle_is_told_in_our_own_words(
    rig: Rig, stream: Stream
) -> None:
    rig.dashscope.replay(stream.capture)
    async with rig.bot():
        shown = await rig.answer("question")
    error = stream.expected["error"]
    if error["code"] == "DataInspectionFailed":
        assert shown == texts.failure(ContentBlocked(), turn_id=1, language=Language.EN)
    else:
        assert shown.startswith(f"{stream.text}\nThe answer was cut off here. ")
    assert not any(error[part] in shown for part in ("code", "message", "request_id"))
    assert len(rig.asked()) == 1


@pytest.mark.parametrize("path", BODIES, ids=lambda path: path.stem)
async def test_a_recorded_body_that_did_not_stream_is_shown_all_the_same(
    rig: Rig, path: Path
) -> None:
    body, text = body_of(path)
    rig.dashscope.replay(Capture(body, JSON))
    async with rig.bot():
        shown = await rig.answer("question")
    assert "<ref>" not in shown
    assert shown.startswith(text.split("<ref>", maxsplit=1)[0].split("\n", maxsplit=1)[0])
    assert len(rig.asked()) == 1


@pytest.mark.parametrize(("capture", "error"), REFUSALS.values(), ids=REFUSALS)
async def test_a_recorded_refusal_is_one_sentence(
    rig: Rig, capture: Capture, error: DashScopeError
) -> None:
    rig.dashscope.faults.add(capture, times=None)
    async with rig.bot():
        shown = await rig.answer("question")
    assert shown == texts.failure(error, turn_id=1, language=Language.EN)
