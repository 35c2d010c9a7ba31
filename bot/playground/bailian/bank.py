"""The memories of a workspace, and what an app remembers of people who talk to it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

NODES_LIMIT = 1000
"""The oldest facts are forgotten beyond that."""
FACT_LIMIT_CHARS = 200  # "CreateMemoryNode", content

_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*")
_ABOUT_ME = re.compile(
    r"\b(?:i am|i'm|i’m|i like|i love|i prefer|i work|i live|i use|i have|i hate|i need|my|call me"
    r"|remember)\b|我|记住",
    re.IGNORECASE,
)
_QUESTION = ("?", "？")


class UnknownMemory(LookupError):
    """There is no memory of this id.

    Attributes:
        memory_id: As it was asked for.
    """

    def __init__(self, memory_id: str) -> None:
        self.memory_id = memory_id
        super().__init__(f"there is no memory {memory_id!r}")


@dataclass(slots=True)
class Kept:
    """One memory.

    Attributes:
        memory_id: 32 hexadecimal digits.
        description: May be empty.
        nodes: Facts by the id of their node, oldest first.
    """

    memory_id: str
    description: str
    nodes: dict[str, str] = field(default_factory=dict[str, str])


class MemoryBank:
    """Every memory of the workspace.

    The OpenAPI's server keeps them here; a DashScope on loopback, given the same bank, remembers
    and recalls by it.

    Args:
        workspace_id: The workspace; its apps alone know the memories.
    """

    def __init__(self, workspace_id: str) -> None:
        self.workspace_id = workspace_id
        self._memories: dict[str, Kept] = {}

    @property
    def memories(self) -> tuple[Kept, ...]:
        """All of them, oldest first."""
        return tuple(self._memories.values())

    def create(self, description: str = "") -> str:
        """Make a memory and return its id."""
        memory_id = uuid4().hex
        self._memories[memory_id] = Kept(memory_id, description)
        return memory_id

    def open(self, memory_id: str) -> Kept:
        """Return a memory.

        Raises:
            UnknownMemory: There is none of this id.
        """
        if memory_id not in self._memories:
            raise UnknownMemory(memory_id)
        return self._memories[memory_id]

    def delete(self, memory_id: str) -> None:
        """Forget a memory with everything in it.

        Raises:
            UnknownMemory: There is none of this id.
        """
        del self._memories[self.open(memory_id).memory_id]

    def add(self, memory_id: str, content: str) -> str:
        """Keep a fact and return its node's id.

        Raises:
            UnknownMemory: There is none of this id.
        """
        nodes = self.open(memory_id).nodes
        node_id = uuid4().hex
        nodes[node_id] = content
        if len(nodes) > NODES_LIMIT:
            del nodes[next(iter(nodes))]
        return node_id

    def remember(self, memory_id: str, text: str) -> None:
        """Keep what a message tells of its writer, as an app with the switch on does.

        Raises:
            UnknownMemory: There is none of this id; an app asked with it must refuse.
        """
        known = set(self.recall(memory_id))
        for fact in facts_in(text):
            if fact not in known:
                known.add(fact)
                self.add(memory_id, fact)

    def recall(self, memory_id: str) -> tuple[str, ...]:
        """Return the facts of a memory, oldest first.

        Raises:
            UnknownMemory: There is none of this id; an app asked with it must refuse.
        """
        return tuple(self.open(memory_id).nodes.values())


def facts_in(text: str) -> Iterator[str]:
    """Yield the sentences in which somebody tells of themselves; a question tells nothing."""
    for sentence in _SENTENCE.findall(text):
        told: str = sentence.strip()
        if _ABOUT_ME.search(told) and not told.endswith(_QUESTION):
            yield told[:FACT_LIMIT_CHARS]
