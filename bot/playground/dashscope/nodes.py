"""A workflow's answer -> what its events say, in each of the four stream modes.

"flow_stream_mode" in the vendor's workflow calling guide. A workflow here has a Start node, one LLM
node for each draft and one for the answer, and an End node. message_format tells of the nodes that
were opened for streaming, whatever their type; here that is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from bot.playground.dashscope.answers import Said
from bot.playground.dashscope.ask import Ask
from bot.playground.dashscope.fields import FlowStreamMode
from bot.playground.dashscope.moments import JsonObject, Moment, pieces
from bot.playground.dashscope.wire import dump


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a workflow.

    Attributes:
        node_id: Never changes during a run.
        node_type: `Start`, `LLM`, `End` or another.
        name: What it is called once it has said something.
        first_name: What the full trace calls it until then.
    """

    node_id: str
    node_type: str
    name: str
    first_name: str

    def traced(self, result: str | None, *, done: bool, named: bool = True) -> JsonObject:
        """Return its entry in `thoughts`: JSON text, and the result is JSON text in it again."""
        response: JsonObject = {"nodeName": self.name if named else self.first_name}
        if result is not None:
            response["nodeResult"] = dump({"result": result}).decode()
        response["nodeType"] = self.node_type
        response["nodeStatus"] = "success" if done else "executing"
        response["nodeId"] = self.node_id
        if done:
            response["nodeExecTime"] = "0ms" if result is None else f"{len(result) + 1}ms"
        return {"response": dump(response).decode()}

    def message(self, content: str, *, number: int, done: bool = False) -> JsonObject:
        """Return its `workflow_message`; `number` counts the node's messages from 1."""
        message = {
            "node_status": "success" if done else "executing",
            "node_type": self.node_type,
            "node_msg_seq_id": number,
            "node_name": self.name,
            "message": {"content": content, "role": "assistant"},
            "node_is_completed": done,
            "node_id": self.node_id,
        }
        return {"workflow_message": message}


START = Node("Start_bQ7e", node_type="Start", name="开始", first_name="开始")
END = Node("End_Dk2m", node_type="End", name="结束", first_name="结束")


def llm_nodes(said: Said) -> list[tuple[Node, str]]:
    """Return the LLM nodes and what each of them says; the last one says the answer."""
    texts = [*said.drafts, said.text]
    return [
        (Node(f"LLM_x{n}Yz", node_type="LLM", name=f"大模型_b{n}C", first_name=f"LLM_x{n}Yz"), text)
        for n, text in enumerate(texts, 1)
    ]


def speaker(node_type: str) -> Node:
    """Return the node that speaks to the user, of a type."""
    if node_type == END.node_type:
        return END
    return Node(f"{node_type}_s4Pk", node_type=node_type, name="回答", first_name="回答")


def flow_moments(
    said: Said, ask: Ask, *, streams: bool, piece_chars: int, speaking: Node = END
) -> Iterator[Moment]:
    """Yield the events of a workflow.

    Args:
        said: What it says.
        ask: Which mode is wanted. Without one, and without `has_thoughts`, the whole answer comes
            in one late event.
        streams: The console switch of the node that speaks to the user; off, the node modes show
            its text all at once.
        piece_chars: Characters one event adds.
        speaking: Which node that is.
    """
    mode = ask.flow_stream_mode or FlowStreamMode.FULL_THOUGHTS
    match mode:
        case FlowStreamMode.FULL_THOUGHTS if ask.has_thoughts:
            return _full_thoughts(said, ask, piece_chars=piece_chars)
        case FlowStreamMode.FULL_THOUGHTS:
            return iter([_stop(said)])
        case FlowStreamMode.MESSAGE_FORMAT:
            return _message_format(said, speaking, streams=streams, piece_chars=piece_chars)
        case FlowStreamMode.MESSAGE_FORMAT_PLUS:
            return _message_format_plus(said, ask, streams=streams, piece_chars=piece_chars)
        case FlowStreamMode.AGENT_FORMAT:
            return _agent_format(said, ask, streams=streams, piece_chars=piece_chars)
    assert_never(mode)


def _work(said: Said) -> int:
    """Return the characters all LLM nodes generate."""
    return sum(len(text) for _, text in llm_nodes(said))


def _stop(said: Said, *, usage: bool = False) -> Moment:
    return Moment(_work(said), output={"text": said.text}, usage=usage, last=True)


def _full_thoughts(said: Said, ask: Ask, *, piece_chars: int) -> Iterator[Moment]:
    """Every event lists all nodes so far; the last LLM node, the End node and the stop are one."""
    yield Moment(0)
    done = [START.traced(None, done=True)]
    chars = 0
    nodes = llm_nodes(said)
    final, _ = nodes[-1]
    for node, text in nodes:
        for end, entry, finished in _traces(node, text, ask, piece_chars=piece_chars):
            thoughts = [*done, entry]
            if finished and node == final:
                output = {"thoughts": [*thoughts, END.traced(said.text, done=True)]}
                yield Moment(chars + end, output=output | {"text": said.text}, last=True)
            else:
                yield Moment(chars + end, output={"thoughts": thoughts})
        done.append(node.traced("" if ask.incremental else text, done=True))
        chars += len(text)


def _traces(
    node: Node, text: str, ask: Ask, *, piece_chars: int
) -> Iterator[tuple[int, JsonObject, bool]]:
    """Yield the characters so far, the node's entry, and whether it is finished."""
    yield 0, node.traced("", done=False, named=False), False
    for end, result in pieces(text, size=piece_chars, incremental=ask.incremental):
        finished = end == len(text)
        yield end, node.traced(result, done=finished), finished


def _message_format(
    said: Said, speaking: Node, *, streams: bool, piece_chars: int
) -> Iterator[Moment]:
    """Only one node speaks, in deltas whatever `incremental_output` says, and ends empty."""
    before = _work(said) - len(said.text)
    if not streams:
        yield Moment(_work(said), output=speaking.message(said.text, number=1, done=True))
        yield _stop(said)
        return
    number = 0
    for end, delta in pieces(said.text, size=piece_chars, incremental=True):
        number += 1
        yield Moment(before + end, output=speaking.message(delta, number=number))
    yield Moment(_work(said), output=speaking.message("", number=number + 1, done=True))
    yield _stop(said)


def _message_format_plus(
    said: Said, ask: Ask, *, streams: bool, piece_chars: int
) -> Iterator[Moment]:
    """Every node speaks: Start repeats the input, LLM nodes wrap their deltas in JSON text.

    An End node that streams speaks beside the last LLM node; the guide's sample shows one that does
    not, and says everything after it.
    """
    echoed = dump({"user": dict(ask.variables)}).decode()
    yield Moment(0, output=START.message(echoed, number=1, done=True))
    chars = ended = 0
    nodes = llm_nodes(said)
    final, _ = nodes[-1]
    for node, text in nodes:
        usage = node != nodes[0][0]
        number = 0
        for end, delta in pieces(text, size=piece_chars, incremental=True):
            number += 1
            content = dump({"result": delta, "reasoningContent": ""}).decode()
            yield Moment(chars + end, output=node.message(content, number=number), usage=usage)
            if node == final and streams:
                ended = number
                yield Moment(chars + end, output=END.message(delta, number=number), usage=usage)
        chars += len(text)
        yield Moment(chars, output=node.message("", number=number + 1, done=True), usage=True)
    if not streams:
        ended = 1
        yield Moment(chars, output=END.message(said.text, number=1), usage=True)
    yield Moment(chars, output=END.message("", number=ended + 1, done=True), usage=True)
    yield _stop(said, usage=True)


def _agent_format(said: Said, ask: Ask, *, streams: bool, piece_chars: int) -> Iterator[Moment]:
    """The answer stands in `text`, as an agent's does."""
    before = _work(said) - len(said.text)
    shown = pieces(said.text, size=piece_chars, incremental=ask.incremental) if streams else ()
    for end, text in shown:
        yield Moment(before + end, output={"text": text})
    text = "" if ask.incremental and streams else said.text
    yield Moment(_work(said), output={"text": text}, last=True)
