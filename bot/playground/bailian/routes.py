"""The paths of the API, what may be said at each, and how often.

Paths, methods and arguments are those of Model Studio's API reference (2023-12-29).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.playground.bailian.refusals import NO_SUCH_API, Refusal, invalid, missing

Check = Callable[[str], str | None]

_MEMORY = r"/memories/(?P<memory_id>[^/]+)"
_NODE = _MEMORY + r"/memoryNodes/(?P<node_id>[^/]+)"
_SIGNS = frozenset("0123456789:_.-")
_FORM = "application/x-www-form-urlencoded"


def _description(value: str) -> str | None:
    if not 1 <= len(value) <= 50:
        return "must have 1 to 50 characters."
    letters = all(unicodedata.category(sign)[0] == "L" for sign in value if sign not in _SIGNS)
    return None if letters else "may hold letters, digits and : _ . - only."


def _content(value: str) -> str | None:
    return None if 1 <= len(value) <= 200 and value.strip() else "must have 1 to 200 characters."


def _max_results(value: str) -> str | None:
    is_number = value.isascii() and value.isdigit()
    return None if is_number and 1 <= int(value) <= 50 else "must be a number from 1 to 50."


def _file_name(value: str) -> str | None:
    fits = 4 <= len(value) <= 128 and "." in value[:-1]
    return None if fits else "must have 4 to 128 characters and a suffix."


def _md5(value: str) -> str | None:
    return None if re.fullmatch(r"[0-9a-f]{32}", value) else "must be an MD5 in hexadecimal."


def _size(value: str) -> str | None:
    return None if re.fullmatch(r"[1-9][0-9]{0,8}", value) else "must be a number of bytes."


def _one_of(*allowed: str) -> Check:
    def check(value: str) -> str | None:
        return None if value in allowed else f"must be one of {', '.join(allowed)}."

    return check


def _any(value: str) -> str | None:
    return None if value else "must not be empty."


@dataclass(frozen=True, slots=True)
class Family:
    """Operations that share one pace.

    Attributes:
        name: Tells families apart.
        gap_s: Seconds that must lie between two calls.
    """

    name: str
    gap_s: float


MEMORY = Family("memory", gap_s=1.0)  # "CreateMemory", throttling
FILE = Family("file", gap_s=0.1)  # "ApplyFileUploadLease", throttling: ten calls a second


@dataclass(frozen=True, slots=True)
class Route:
    """One operation.

    Attributes:
        action: Its name, which the header must repeat.
        method: Of the request.
        path: A pattern for the path behind the workspace.
        family: Whose pace it keeps.
        needed: Checks of the arguments that must be there.
        optional: Checks of those that may be.
        is_form: Whether arguments travel in the body; otherwise in the query, and there is no body.
    """

    action: str
    method: str
    path: str
    family: Family = MEMORY
    needed: Mapping[str, Check] = field(default_factory=dict[str, Check])
    optional: Mapping[str, Check] = field(default_factory=dict[str, Check])
    is_form: bool = False

    def problem(self, arguments: Mapping[str, str]) -> Refusal | None:
        """Say what is wrong with the arguments; None when nothing is."""
        for name in self.needed:
            if name not in arguments:
                return missing(name)
        checks = {**self.optional, **self.needed}
        for name, value in arguments.items():
            if name not in checks:
                return invalid(name, "is not known here.")
            if wrong := checks[name](value):
                return invalid(name, wrong)
        return None

    def media_problem(self, *, content_type: str, body: bytes) -> Refusal | None:
        """Say what is wrong with the kind of the body; None when nothing is."""
        if self.is_form:
            right = content_type.partition(";")[0] == _FORM
            return None if right else invalid("Content-Type", f"must be {_FORM}.")
        return invalid("body", "must be empty.") if body else None


_PAGED = {"maxResults": _max_results, "nextToken": _any}
_SESSION_FILE = _one_of("SESSION_FILE")

ROUTES = (
    Route("CreateMemory", "POST", r"/memories", optional={"description": _description}),
    Route("ListMemories", "GET", r"/memories", optional=_PAGED),
    Route("GetMemory", "GET", _MEMORY),
    Route("UpdateMemory", "PUT", _MEMORY, needed={"description": _description}),
    Route("DeleteMemory", "DELETE", _MEMORY),
    Route("CreateMemoryNode", "POST", _MEMORY + r"/memoryNodes", needed={"content": _content}),
    Route("ListMemoryNodes", "GET", _MEMORY + r"/memoryNodes", optional=_PAGED),
    Route("GetMemoryNode", "GET", _NODE),
    Route("UpdateMemoryNode", "PUT", _NODE, needed={"content": _content}),
    Route("DeleteMemoryNode", "DELETE", _NODE),
    Route(
        "ApplyFileUploadLease",
        "POST",
        r"/datacenter/category/default",
        FILE,
        needed={
            "FileName": _file_name,
            "Md5": _md5,
            "SizeInBytes": _size,
            "CategoryType": _SESSION_FILE,
        },
        is_form=True,
    ),
    Route(
        "AddFile",
        "PUT",
        r"/datacenter/file",
        FILE,
        needed={
            "LeaseId": _any,
            "Parser": _any,
            "CategoryId": _one_of("default"),
            "CategoryType": _SESSION_FILE,
        },
        is_form=True,
    ),
    Route("DescribeFile", "GET", r"/datacenter/file/(?P<file_id>[^/]+)/", FILE),
)


def find_route(method: str, path: str) -> tuple[Route, Mapping[str, str]] | Refusal:
    """Return the operation at a path, and the ids in it.

    Args:
        method: In capitals.
        path: Behind the workspace.
    """
    for route in ROUTES:
        found = re.fullmatch(route.path, path)
        if found is not None and route.method == method:
            return route, found.groupdict()
    return NO_SUCH_API
