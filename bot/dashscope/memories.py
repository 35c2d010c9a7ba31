"""Long-term memories and the facts in them.

The app itself writes facts while it is asked with a memory's id; this is for making memories, and
for people to see, correct and delete what is remembered. The pages are those of Model Studio's API
reference ("CreateMemory" and its neighbours, filed under "long-term memory (legacy)"); they are
documented for Beijing, and whether Singapore's endpoint has them is UNVERIFIED.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.core.acs3 import path_of
from bot.core.language import Phrase
from bot.core.loose_json import count_at, objects_at, text_at
from bot.core.memory import Memory, MemoryNode, content_problem, description_problem
from bot.dashscope.openapi import ApiCall, OpenApi
from bot.errors import BadValue, MemoryGone, UpstreamGarbled

_GAP_S = 1.1
"""The page asks for a second between calls ("CreateMemory", throttling); a tenth more, since two
clocks measure it."""
_FACTS = "ListMemoryNodes"
"""Whoever opens a Home tab has facts read, and many may at once; no answer waits for these."""
_PAGE = 50  # "ListMemoryNodes", maxResults
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
"""Ids on record are 32 hexadecimal digits; one set by hand may be anything."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """The facts of a memory, as many as were asked for.

    Attributes:
        nodes: In the order the service lists them.
        total: How many there are, by the service's count; may be 0 when it did not say.
        is_complete: Whether these are all.
    """

    nodes: Sequence[MemoryNode]
    total: int
    is_complete: bool


@dataclass(frozen=True, slots=True)
class _Listed:
    """A list that was read page by page."""

    items: Sequence[Mapping[str, object]]
    total: int
    is_complete: bool


class Memories:
    """The memories of one workspace.

    Every method raises `bot.errors.DashScopeError` in its most specific form: MemoryGone when what
    it names does not exist, Throttled when the service wants a rest, Misconfigured when the key,
    its rights or the workspace are wrong. Those that take text raise BadValue, before anything is
    sent, when the text will not be taken.

    Args:
        api: Open while this is used; not closed here.
    """

    def __init__(self, api: OpenApi) -> None:
        self._api = api

    async def create(self, description: str) -> str:
        """Make a memory and return its id.

        Not idempotent and never tried twice: keep the id before using it, and let one task at a
        time make the memory of a person.

        Args:
            description: See `bot.core.memory.describe`.
        """
        _check(description_problem(description))
        made = await self._call(
            "CreateMemory", "POST", "/memories", query={"description": description}
        )
        return _id_in(made, "memoryId")

    async def list(self, *, limit: int = 200) -> Sequence[Memory]:
        """Return up to `limit` memories of the workspace, whoever made them."""
        listed = await self._pages("ListMemories", "/memories", key="memories", limit=limit)
        return tuple(
            Memory(memory_id=text_at(item, "memoryId"), description=text_at(item, "description"))
            for item in listed.items
        )

    async def get(self, memory_id: str) -> Memory:
        """Return one memory."""
        found = await self._call("GetMemory", "GET", _path(memory_id))
        return Memory(memory_id=memory_id, description=text_at(found, "description"))

    async def update(self, memory_id: str, *, description: str) -> None:
        """Replace a memory's description. Idempotent."""
        _check(description_problem(description))
        path = _path(memory_id)
        await self._call("UpdateMemory", "PUT", path, query={"description": description})

    async def delete(self, memory_id: str) -> None:
        """Delete a memory with everything in it."""
        await self._call("DeleteMemory", "DELETE", _path(memory_id))

    async def nodes(self, memory_id: str, *, limit: int = 200) -> Nodes:
        """Return up to `limit` facts; each page of 50 takes about a second."""
        path = f"{_path(memory_id)}/memoryNodes"
        listed = await self._pages(_FACTS, path, key="memoryNodes", limit=limit)
        return Nodes(
            nodes=tuple(_node(item) for item in listed.items),
            total=listed.total,
            is_complete=listed.is_complete,
        )

    async def node(self, memory_id: str, node_id: str) -> MemoryNode:
        """Return one fact of this memory; MemoryGone when it is another one's."""
        found = await self._call("GetMemoryNode", "GET", _path(memory_id, node_id))
        if text_at(found, "memoryId") not in {"", memory_id}:
            raise MemoryGone("the fact is not of this memory")
        return MemoryNode(node_id=node_id, content=text_at(found, "content"))

    async def add_node(self, memory_id: str, *, content: str) -> str:
        """Remember a fact and return its id. Not idempotent and never tried twice."""
        _check(content_problem(content))
        path = f"{_path(memory_id)}/memoryNodes"
        made = await self._call("CreateMemoryNode", "POST", path, query={"content": content})
        return _id_in(made, "memoryNodeId")

    async def update_node(self, memory_id: str, node_id: str, *, content: str) -> None:
        """Replace a fact's words. Idempotent."""
        _check(content_problem(content))
        path = _path(memory_id, node_id)
        await self._call("UpdateMemoryNode", "PUT", path, query={"content": content})

    async def delete_node(self, memory_id: str, node_id: str) -> None:
        """Forget a fact."""
        await self._call("DeleteMemoryNode", "DELETE", _path(memory_id, node_id))

    async def _pages(self, action: str, path: str, *, key: str, limit: int) -> _Listed:
        """Read a list page by page: at most as many pages as `limit` fills."""
        items: list[Mapping[str, object]] = []
        token, total = "", 0
        for _ in range(-(-limit // _PAGE)):
            query = {"maxResults": str(min(_PAGE, limit))} | ({"nextToken": token} if token else {})
            page = await self._call(action, "GET", path, query=query)
            items += objects_at(page, key)
            token, total = text_at(page, "nextToken"), count_at(page, "totalCount")
            if not token:
                break
        return _Listed(items[:limit], total, is_complete=not token and len(items) <= limit)

    async def _call(
        self, action: str, method: str, path: str, *, query: Mapping[str, str] | None = None
    ) -> Mapping[str, object]:
        call = ApiCall(
            action,
            method,
            path,
            gap_s=_GAP_S,
            query=query or {},
            absent=MemoryGone,
            gives_way=action == _FACTS,
        )
        return await self._api.call(call)


def _path(memory_id: str, node_id: str | None = None) -> str:
    """Return where a memory or one of its facts is.

    Raises:
        MemoryGone: No memory can have such an id, so there is nothing to call.
    """
    ids = [memory_id] if node_id is None else [memory_id, node_id]
    if not all(_ID.fullmatch(each) for each in ids):
        raise MemoryGone("no memory has such an id")
    path = path_of("memories", memory_id)
    return path if node_id is None else path + path_of("memoryNodes", node_id)


def _node(item: Mapping[str, object]) -> MemoryNode:
    return MemoryNode(node_id=text_at(item, "memoryNodeId"), content=text_at(item, "content"))


def _id_in(answer: Mapping[str, object], key: str) -> str:
    """Return the id of what was made.

    Raises:
        UpstreamGarbled: There is none.
    """
    if made := text_at(answer, key):
        return made
    raise UpstreamGarbled(f"no {key} in the answer", request_id=text_at(answer, "requestId"))


def _check(problem: Phrase | None) -> None:
    if problem is not None:
        raise BadValue(problem)
