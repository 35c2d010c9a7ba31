"""What an app did on its way to the answer: thinking, retrievals, tools and workflow nodes.

A workflow tells of its nodes in two dialects: `thoughts` (full_thoughts), where every event lists
all nodes so far and each entry is JSON inside JSON, and `workflow_message` (message_format and
message_format_plus), one node per event. Both may say things that are no answer: the first model
node's text feeds the second, the Start node echoes the question, thinking is nobody's business.
So only nodes of an answering type are heard, and the others are steps with a name and a status.
In message_format alone every node is heard: its author opened it for streaming to the user.
Showing the last running model node instead would have to be taken back whenever another follows.
(Field tables: Model Studio's "Call a workflow application" and "Application API reference".)
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bot.core.growing_text import GrowingText
from bot.core.loose_json import as_object, as_text, delta_at, object_at, parse_object, text_at

_END = "end"
_ANSWERING = frozenset({_END, "output"})
"""Types of node that speak to the user, in lower case."""
_START = "start"
"""The type that repeats the question; with those that answer, it is no step either."""
_RUNNING = frozenset({"", "executing"})
_ENTRY_CHARS = 100
"""What one more step or node counts for, besides its words: as good as these in memory."""

Kind = Literal["reasoning", "retrieval", "tool", "node"]


@dataclass(frozen=True, slots=True)
class Step:
    """Something the app did on its way.

    Attributes:
        key: The same for the same step in every event; a node keeps it when its name changes.
        kind: Thinking, a search in the knowledge base, a plugin or MCP tool, or a workflow node.
        title: What the app's author called it.
        status: Whether it is still at work.
    """

    key: str
    kind: Kind
    title: str
    status: Literal["running", "done"]


@dataclass(frozen=True, slots=True)
class _Node:
    """One report about one workflow node, in either dialect."""

    id: str
    type: str
    name: str
    done: bool
    text: str


class Trail:
    """Collects steps, and the text of the nodes that answer.

    Args:
        incremental: Whether `thoughts` bring deltas; `workflow_message` always does.
        every_node_speaks: Whether all nodes told of in `workflow_message` do.
    """

    def __init__(self, *, incremental: bool, every_node_speaks: bool) -> None:
        self._every_node_speaks = every_node_speaks
        self.tells_of_nodes = False
        """Whether any node was told of, be it a step or not; agents have none."""
        self._steps: dict[str, Step] = {}
        self._steps_chars = 0
        self._listed = _Voices(incremental=incremental)
        self._endings = _Voices(incremental=incremental)
        self._streamed = _Voices(incremental=True)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every step, in the order they began."""
        return tuple(self._steps.values())

    @property
    def text(self) -> str:
        """What the answering nodes said; in `thoughts` the End node repeats the others."""
        return self._streamed.text or self._endings.text or self._listed.text

    @property
    def chars(self) -> int:
        """How long the longest thing in it is: the steps, or what nodes said in one dialect."""
        said = (voices.chars for voices in (self._listed, self._endings, self._streamed))
        return max(self._steps_chars, *said)

    def take_thought(self, thought: Mapping[str, object]) -> None:
        """Take one entry of `thoughts`: a workflow node, or a step of an agent."""
        node = parse_object(text_at(thought, "response"))
        if node is not None and text_at(node, "nodeId"):
            report = _listed_node(node)
            voices = self._endings if report.type.lower() == _END else self._listed
            self._take_node(report, heard_by=voices, speaks=report.type.lower() in _ANSWERING)
        else:
            self._take_action(thought)

    def take_message(self, message: Mapping[str, object]) -> None:
        """Take a `workflow_message`; an empty one is nothing."""
        if message:
            report = _streamed_node(message)
            speaks = self._every_node_speaks or report.type.lower() in _ANSWERING
            self._take_node(report, heard_by=self._streamed, speaks=speaks)

    def end_thinking(self) -> None:
        """Note that there are words of the answer: whatever was thought, led to them."""
        self._end("reasoning")

    def end_actions(self) -> None:
        """Note that an agent speaks, and so has done what it did, unless it tells otherwise."""
        self._end("reasoning", "retrieval", "tool")

    def end(self) -> None:
        """Note that the answer ended, and every step with it."""
        self._end("reasoning", "retrieval", "tool", "node")

    def _end(self, *kinds: Kind) -> None:
        for step in self.steps:
            if step.kind in kinds:
                self._steps[step.key] = replace(step, status="done")

    def _take_node(self, node: _Node, *, heard_by: "_Voices", speaks: bool) -> None:
        self.tells_of_nodes = True
        if node.type.lower() == _START:
            return
        if speaks:
            heard_by.hear(node)
        else:
            title = node.name or node.type or node.id
            status = "done" if node.done else "running"
            self._note(Step(node.id, "node", title, status))

    def _take_action(self, thought: Mapping[str, object]) -> None:
        """Take an agent's entry; only the name of what it does is kept, never its words."""
        kind = _kind_of(text_at(thought, "action_type").lower())
        if kind is None:
            return
        title = text_at(thought, "action_name") or text_at(thought, "action") or kind
        over = (
            _thinking_is_over(thought) if kind == "reasoning" else bool(thought.get("observation"))
        )
        key = f"{kind} {title}"
        self._note(Step(key, kind, title, "done" if over else "running"))

    def _note(self, step: Step) -> None:
        former = self._steps.get(step.key)
        self._steps_chars += _size(step) - (_size(former) if former else 0)
        self._steps[step.key] = step


class _Voices:
    """The text of each answering node, by id: parallel nodes take turns."""

    def __init__(self, *, incremental: bool) -> None:
        self._incremental = incremental
        self._texts: dict[str, GrowingText] = {}
        self._closed: set[str] = set()
        self.chars = 0
        """How long it is by now, all nodes together."""

    def hear(self, node: _Node) -> None:
        """Take what a node says; a finished one is only listed again."""
        if node.id in self._closed:
            return
        text = self._texts.get(node.id)
        if text is None:
            text = self._texts[node.id] = GrowingText(incremental=self._incremental)
            self.chars += len(node.id) + _ENTRY_CHARS
        self.chars -= text.chars
        text.add(node.text, last=node.done)
        self.chars += text.chars
        if node.done:
            self._closed.add(node.id)

    @property
    def text(self) -> str:
        """Every node's text, in the order they began to speak."""
        return "".join(text.value for text in self._texts.values())


def _size(step: Step) -> int:
    return len(step.key) + len(step.title) + _ENTRY_CHARS


def _listed_node(node: Mapping[str, object]) -> _Node:
    return _Node(
        id=text_at(node, "nodeId"),
        type=text_at(node, "nodeType"),
        name=text_at(node, "nodeName"),
        done=text_at(node, "nodeStatus").lower() not in _RUNNING,
        text=_node_result(node.get("nodeResult")),
    )


def _streamed_node(message: Mapping[str, object]) -> _Node:
    status = text_at(message, "node_status").lower()
    return _Node(
        id=text_at(message, "node_id"),
        type=text_at(message, "node_type"),
        name=text_at(message, "node_name"),
        done=status not in _RUNNING or message.get("node_is_completed") is True,
        text=delta_at(object_at(message, "message"), "content"),
    )


def _node_result(result: object) -> str:
    """Return the text of `nodeResult`: JSON text with one key, whose value may be any JSON."""
    holder = parse_object(result) if isinstance(result, str) else as_object(result)
    if holder is None:
        return result if isinstance(result, str) else ""
    return as_text(holder.get("result"))


def _kind_of(action_type: str) -> Literal["reasoning", "retrieval", "tool"] | None:
    match action_type:
        case "" | "response":
            return None
        case "reasoning":
            return "reasoning"
        case "agentrag":
            return "retrieval"
        case _:
            return "tool"


def _thinking_is_over(thought: Mapping[str, object]) -> bool:
    """Thoughts are deltas too, and an empty one comes with each delta of the answer itself."""
    return not (thought.get("thought") or thought.get("response"))
