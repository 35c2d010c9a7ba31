"""Streams as DashScope sends them, and what may become of them on the way."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

FIXTURES = Path(__file__).parents[2] / "fixtures" / "dashscope"
RECORDED = {path.stem: path.read_bytes() for path in sorted(FIXTURES.rglob("*.sse"))}

Body = Mapping[str, Any]

HOSTILE = (
    *("null", "true", "0", "-1", "1" + "0" * 400, "9" * 5000, "1e999", "NaN", "-Infinity"),
    *('""', '"x"', '"\\ud83d"', '"\\u0000"', '"\\u2028"', '"null"', '"stop"', '"{}"', '"[1]"'),
    *("[]", "[[]]", "[null]", "{}", '{"a":{}}', "[" * 900 + "]" * 900, "[" * 90_000),
    "[" + "{}," * 500 + "{}]",
)
"""Values as JSON text: wrong types, huge numbers, what no encoder would write, depth without end.
The deepest is no JSON at all, and neither is the event around it."""


def frame(number: int, data: str, *, event: str = "result", status: int = 200) -> bytes:
    """Return one event as it travels."""
    return f"id:{number}\nevent:{event}\n:HTTP_STATUS/{status}\ndata:{data}\n\n".encode()


def framed(bodies: Sequence[Body]) -> list[bytes]:
    """Return events as they travel."""
    return [frame(number, json.dumps(body)) for number, body in enumerate(bodies, 1)]


def said(*, reason: str = "null", **output: Any) -> Body:
    """Return the body of an event."""
    return {"output": {"session_id": "s", "finish_reason": reason} | output, "request_id": "r"}


def _agent() -> Iterator[Body]:
    """Thinking is written in r, what was found in o, the answer in t."""
    found = {"action_type": "agentRag", "action_name": "KB", "observation": "o" * 9}
    for _ in range(3):
        thought = {"action_type": "reasoning", "thought": "rrr", "response": "rrr"}
        yield said(text="", thoughts=[found, thought])
    for _ in range(4):
        quiet = {"action_type": "reasoning", "thought": "", "response": ""}
        yield said(text="ttt", thoughts=[found, quiet])
    yield said(text="", reason="stop")


def _node(node_id: str, kind: str, result: str, *, done: bool = False) -> Body:
    node = {"nodeId": node_id, "nodeType": kind, "nodeName": "n", "nodeResult": f"{result}"}
    node["nodeResult"] = json.dumps({"result": result})
    node["nodeStatus"] = "success" if done else "executing"
    return {"response": json.dumps(node)}


def _listed() -> Iterator[Body]:
    """The Start node's words are s, a model's r, an Output node's l, the End node's e."""
    start = _node("S", "Start", "sss", done=True)
    yield said()
    for _ in range(3):
        yield said(thoughts=[start, _node("L", "LLM", "rrr"), _node("O", "Output", "lll")])
    yield said(thoughts=[start, _node("L", "LLM", "rrr", done=True), _node("E", "End", "e" * 20)])
    yield said(text="t" * 30, reason="stop")


def _message(node_id: str, kind: str, content: str, *, done: bool = False) -> Body:
    message = {"node_id": node_id, "node_type": kind, "node_is_completed": done}
    return said(workflow_message=message | {"message": {"role": "assistant", "content": content}})


def _streamed() -> Iterator[Body]:
    """The Start node's words are s, a model's r, those of nodes that answer m."""
    yield _message("S", "Start", "sss", done=True)
    for _ in range(2):
        yield _message("L", "LLM", "rrr")
        yield _message("O", "Output", "mmm")
        yield _message("E", "End", "mm")
    yield _message("O", "Output", "", done=True)
    yield _message("E", "End", "", done=True)
    yield said(text="t" * 30, reason="stop")


FAMILIES = tuple(tuple(family()) for family in (_agent, _listed, _streamed))
UNSEEN = frozenset("rso")
"""Letters that are no part of any answer."""
RANK = {"l": 1, "e": 2, "m": 3, "t": 4}
"""Whose words count more: those of listed nodes, of the End node, of streamed ones, the app's."""


def rank_of(body: Body) -> int:
    """Return how much the words in a body count; those of streamed nodes may come too late."""
    told = json.dumps(body)
    return max((rank for mark, rank in RANK.items() if mark * 3 in told and mark != "m"), default=0)


@st.composite
def shuffled(draw: st.DrawFn) -> list[Body]:
    """Return the events of a stream, or of two in one, with some lost, doubled or out of order."""
    bodies = list(draw(st.sampled_from(FAMILIES)))
    if draw(st.booleans()):
        bodies = [*bodies[:-1], *draw(st.sampled_from(FAMILIES))]
    for _ in range(draw(st.integers(0, 6))):
        at, to = (draw(st.integers(0, len(bodies) - 1)) for _ in range(2))
        match draw(st.sampled_from(("drop", "double", "swap"))):
            case "drop" if len(bodies) > 1:
                del bodies[at]
            case "double":
                bodies.insert(to, bodies[at])
            case _:
                bodies[at], bodies[to] = bodies[to], bodies[at]
    return bodies


def _streams() -> st.SearchStrategy[bytes]:
    return st.one_of(
        st.sampled_from(list(RECORDED.values())),
        shuffled().map(lambda bodies: b"".join(framed(bodies))),
    )


DAMAGE = st.one_of(
    st.binary(max_size=6),
    st.sampled_from(
        [
            *(b"\n", b"\n\n", b"\r\n", b"data:", b"id:9\n", b"event:error\n", b"{", b"}", b'"'),
            *(b":HTTP_STATUS/429\n", b'{"code":"Throttling"}', b"\xff", b"\xe4\xbd", b"\x00"),
        ]
    ),
    st.sampled_from(HOSTILE).map(str.encode),
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a stream with bytes lost, added, replaced, or cut off at its end."""
    stream = draw(_streams())
    for _ in range(draw(st.integers(0, 5))):
        at, to = sorted(draw(st.integers(0, len(stream))) for _ in range(2))
        match draw(st.sampled_from(("cut", "insert", "replace", "repeat", "value"))):
            case "cut":
                stream = stream[:to]
            case "insert":
                stream = stream[:at] + draw(DAMAGE) + stream[at:]
            case "replace":
                stream = stream[:at] + draw(DAMAGE) + stream[min(to, at + 8) :]
            case "repeat":
                stream = stream[:to] + stream[at : at + 400] + stream[to:]
            case _:
                stream = _with_value(stream, at=at, value=draw(st.sampled_from(HOSTILE)))
    return stream


def _with_value(stream: bytes, *, at: int, value: str) -> bytes:
    """Return a stream with the first value after a place replaced."""
    found = re.compile(rb'(?<=":)(?:"[^"]*"|[-\w.]+|\{\}|\[\])').search(stream, at)
    if found is None:
        return stream
    return stream[: found.start()] + value.encode() + stream[found.end() :]


def fields_replaced(body: Any) -> Iterator[tuple[str, list[str]]]:
    """Yield each field of a body by its path, and the body's JSON with each hostile value there."""
    for path in _paths(body):
        spoilt = json.dumps(_with(body, path, "@@@"))
        yield ".".join(map(str, path)), [spoilt.replace('"@@@"', value) for value in HOSTILE]


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    parts: Sequence[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        parts = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))[:1]
    for key, part in parts:
        yield from _paths(part, (*path, key))


def _with(value: Any, path: tuple[str | int, ...], new: str) -> Any:
    if not path:
        return new
    key, *rest = path
    changed: Any = dict(value) if isinstance(value, dict) else list(value)
    changed[key] = _with(value[key], tuple(rest), new)
    return changed
