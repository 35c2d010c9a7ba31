"""From a call to an answer or a refusal: every decision, and no I/O."""

import base64
import binascii
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from bot.playground.bailian.bank import MemoryBank, UnknownMemory
from bot.playground.bailian.files import FileRoom
from bot.playground.bailian.refusals import (
    NO_SUCH_MEMORY,
    NO_SUCH_NODE,
    NO_SUCH_VERSION,
    NO_SUCH_WORKSPACE,
    THROTTLED,
    WRONG_ACTION,
    Refusal,
    invalid,
)
from bot.playground.bailian.routes import Route, find_route
from bot.playground.bailian.signature import Call, Doorkeeper, decoded

VERSION = "2023-12-29"
PAGE = 10  # "ListMemories", maxResults when it is left out

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that may be answered.

    Attributes:
        ids: Those in the path.
        arguments: Of the query, or of the form.
    """

    ids: Mapping[str, str]
    arguments: Mapping[str, str] = field(repr=False)

    @property
    def memory_id(self) -> str:
        """The memory in the path."""
        return self.ids["memory_id"]


class Desk:
    """Decides what a call gets.

    Args:
        keys: Secrets by the id of their AccessKey.
        bank: The memories of the only workspace.
        files: The files of sessions.
        upload_url: Returns where a lease's file is brought.

    Attributes:
        bank: The memories.
        files: The files of sessions.
        planned: Refusals for the next calls that would be answered, first come first served.
    """

    def __init__(
        self,
        *,
        keys: Mapping[str, str],
        bank: MemoryBank,
        files: FileRoom,
        upload_url: Callable[[str], str],
    ) -> None:
        self.bank = bank
        self.files = files
        self.planned: deque[Refusal] = deque()
        self._doorkeeper = Doorkeeper(keys)
        self._upload_url = upload_url
        self._last_at: dict[str, datetime] = {}
        self._handlers: Mapping[str, Callable[[Asked], Answer | Refusal]] = {
            "CreateMemory": self._create_memory,
            "ListMemories": self._list_memories,
            "GetMemory": self._get_memory,
            "UpdateMemory": self._update_memory,
            "DeleteMemory": self._delete_memory,
            "CreateMemoryNode": self._create_node,
            "ListMemoryNodes": self._list_nodes,
            "GetMemoryNode": self._get_node,
            "UpdateMemoryNode": self._update_node,
            "DeleteMemoryNode": self._delete_node,
            "ApplyFileUploadLease": self._lease,
            "AddFile": self._add_file,
            "DescribeFile": self._describe_file,
        }

    def receive(self, call: Call, *, now: datetime) -> Answer | Refusal:
        """Return what a call gets.

        Args:
            call: As it came.
            now: Aware.
        """
        workspace_id, _, rest = call.path.removeprefix("/").partition("/")
        found = find_route(call.method, f"/{rest}")
        if isinstance(found, Refusal):
            return found
        route, ids = found
        refusal = self._refuse(call, route=route, workspace_id=workspace_id, now=now)
        if refusal is not None:
            return refusal
        arguments = _arguments(call, route=route)
        if isinstance(arguments, Refusal):
            return arguments
        if self.planned:
            return self.planned.popleft()
        try:
            return self._handlers[route.action](Asked(ids, arguments))
        except UnknownMemory:
            return NO_SUCH_MEMORY

    def _refuse(
        self, call: Call, *, route: Route, workspace_id: str, now: datetime
    ) -> Refusal | None:
        """Say why a call is not even read; None when it is."""
        if call.headers.get("x-acs-version") != VERSION:
            return NO_SUCH_VERSION
        if call.headers.get("x-acs-action") != route.action:
            return WRONG_ACTION
        refusal = self._doorkeeper.check(call, now=now)
        if refusal is not None:
            return refusal
        if workspace_id != self.bank.workspace_id:
            return NO_SUCH_WORKSPACE
        if self._is_too_soon(route, now=now):
            return THROTTLED
        content_type = call.headers.get("content-type", "")
        return route.media_problem(content_type=content_type, body=call.body)

    def _is_too_soon(self, route: Route, *, now: datetime) -> bool:
        """Note a call of this family; a refused one does not count."""
        last_at = self._last_at.get(route.family.name)
        if last_at is not None and now - last_at < timedelta(seconds=route.family.gap_s):
            return True
        self._last_at[route.family.name] = now
        return False

    def _create_memory(self, asked: Asked) -> Answer:
        return {"memoryId": self.bank.create(asked.arguments.get("description", ""))}

    def _list_memories(self, asked: Asked) -> Answer | Refusal:
        return _page(
            [
                {"memoryId": one.memory_id, "description": one.description}
                for one in self.bank.memories
            ],
            key="memories",
            id_key="memoryId",
            arguments=asked.arguments,
        )

    def _get_memory(self, asked: Asked) -> Answer:
        found = self.bank.open(asked.memory_id)
        return {
            "memoryId": found.memory_id,
            "description": found.description,
            "workspaceId": self.bank.workspace_id,
        }

    def _update_memory(self, asked: Asked) -> Answer:
        self.bank.open(asked.memory_id).description = asked.arguments["description"]
        return {}

    def _delete_memory(self, asked: Asked) -> Answer:
        self.bank.delete(asked.memory_id)
        return {}

    def _create_node(self, asked: Asked) -> Answer:
        return {"memoryNodeId": self.bank.add(asked.memory_id, asked.arguments["content"])}

    def _list_nodes(self, asked: Asked) -> Answer | Refusal:
        nodes = self.bank.open(asked.memory_id).nodes
        return _page(
            [{"memoryNodeId": node_id, "content": content} for node_id, content in nodes.items()],
            key="memoryNodes",
            id_key="memoryNodeId",
            arguments=asked.arguments,
        )

    def _get_node(self, asked: Asked) -> Answer | Refusal:
        nodes, node_id = self._nodes(asked)
        if node_id not in nodes:
            return NO_SUCH_NODE
        return {
            "content": nodes[node_id],
            "memoryId": asked.memory_id,
            "memoryNodeId": node_id,
            "workspaceId": self.bank.workspace_id,
        }

    def _update_node(self, asked: Asked) -> Answer | Refusal:
        nodes, node_id = self._nodes(asked)
        if node_id not in nodes:
            return NO_SUCH_NODE
        nodes[node_id] = asked.arguments["content"]
        return {}

    def _delete_node(self, asked: Asked) -> Answer | Refusal:
        nodes, node_id = self._nodes(asked)
        return NO_SUCH_NODE if nodes.pop(node_id, None) is None else {}

    def _nodes(self, asked: Asked) -> tuple[dict[str, str], str]:
        return self.bank.open(asked.memory_id).nodes, asked.ids["node_id"]

    def _lease(self, asked: Asked) -> Answer:
        lease = self.files.lease(asked.arguments)
        param = {
            "Url": self._upload_url(lease.lease_id),
            "Method": "PUT",
            "Headers": dict(lease.headers),
        }
        return _data(FileUploadLeaseId=lease.lease_id, Type="HTTP", Param=param)

    def _add_file(self, asked: Asked) -> Answer | Refusal:
        file = self.files.add(asked.arguments["LeaseId"])
        if isinstance(file, Refusal):
            return file
        return _data(FileId=file.file_id, Parser=asked.arguments["Parser"])

    def _describe_file(self, asked: Asked) -> Answer | Refusal:
        found = self.files.look(asked.ids["file_id"])
        if isinstance(found, Refusal):
            return found
        file, state = found
        return _data(FileId=file.file_id, FileName=file.name, Status=state)


def _data(**data: Any) -> Answer:
    """Return the envelope of the calls about files."""
    return {"Success": True, "Code": "Success", "Status": "200", "Data": data}


def _arguments(call: Call, *, route: Route) -> dict[str, str] | Refusal:
    """Return the names and values of the query or the form; a plus is a space in it."""
    text = call.body.decode() if route.is_form else call.query
    found: dict[str, str] = {}
    for pair in filter(None, text.split("&")):
        name, _, value = (_plain(part) for part in pair.partition("="))
        if name in found:
            return invalid(name, "is there twice.")
        found[name] = value
    return route.problem(found) or found


def _plain(text: str) -> str:
    return decoded(text.replace("+", " ")).decode("utf-8", "replace")


def _page(
    items: Sequence[Mapping[str, str]], *, key: str, id_key: str, arguments: Mapping[str, str]
) -> Answer | Refusal:
    """Return what stands behind the token, and a token for what stands behind that."""
    size = int(arguments.get("maxResults", PAGE))
    start = _start(items, id_key=id_key, token=arguments.get("nextToken", ""))
    if start is None:
        return invalid("nextToken", "is not one of this list.")
    page = list(islice(items, start, start + size))
    answer: Answer = {key: page, "maxResults": size, "totalCount": len(items)}
    if start + size < len(items):
        answer["nextToken"] = base64.b64encode(f"after:{page[-1][id_key]}".encode()).decode()
    return answer


def _start(items: Sequence[Mapping[str, str]], *, id_key: str, token: str) -> int | None:
    """Return where to go on; None when the token says nothing about this list."""
    if not token:
        return 0
    try:
        last = base64.b64decode(token, validate=True).decode().removeprefix("after:")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return next((at + 1 for at, item in enumerate(items) if item[id_key] == last), None)
