"""What a page adds around its slice of the answer, so that the slice means what it meant."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.blocks import BEFORE_ALL, CODE_INDENT, PIPE, Container, Fence, Item, Kind, Line, Quote

GONE_ON = "…"
"""Stands for the part of a list item that is on the page before."""

INFO_CHARS = 40
"""A fence's longer info string is not repeated; a language is shorter."""

IN_FENCE = frozenset({Kind.FENCE, Kind.CODE, Kind.FENCE_END})
NUMBER = re.compile(r"[ >\t]*(\d{1,9})(?=[.)])")


@dataclass(frozen=True, slots=True)
class Cut:
    """A place between two characters.

    Attributes:
        offset: How many characters are before it.
        line: Index of the line that holds the character after it.
    """

    offset: int
    line: int


def opening(lines: Sequence[Line], *, text: str, cut: Cut, limit_bytes: int) -> tuple[str, int]:
    """Return what stands before a page's slice, and how many characters of the slice it replaces.

    List items and quotes that go on are opened again (the item with its number and GONE_ON), a
    fence with its language, a table with its header; the number of an ordered item is the one a
    reader expects, whatever was written. Context that would fill half a page is left out.
    """
    line = lines[cut.line]
    inside = cut.offset > line.start
    containers = line.containers if inside else line.containers[: line.kept]
    fenced = line if inside else line_before(lines, cut=cut)
    fence = fenced.fence if line.kind in IN_FENCE else None
    context = _context(line, containers=containers, fence=fence, inside=inside)
    if inside:
        context += _rest_of_line(line, before=text[line.start : cut.offset])
    if len(context.encode()) > limit_bytes // 2:
        context = ""
    return (context, 0) if inside else _renumbered(line, text=text, context=context)


def _context(
    line: Line, *, containers: tuple[Container, ...], fence: Fence | None, inside: bool
) -> str:
    indent = _continued(containers)
    above: list[str] = []
    if fence is not None:
        info = fence.info if len(fence.info) <= INFO_CHARS else ""
        above = [f"{indent}{_mark(fence)}{info}"]
    elif line.kind is Kind.ROW and line.table is not None:
        above = [indent + line.table.header, indent + line.table.delimiter]
    opened = "".join(map(_reopened, containers))
    has_item = any(isinstance(container, Item) for container in containers)
    if has_item and (above or not inside):
        above = [opened + GONE_ON, indent.rstrip(), *above]
    elif inside and not above:
        return opened + GONE_ON * has_item
    return "".join(f"{row}\n" for row in above) + indent * inside


def _reopened(container: Container) -> str:
    if isinstance(container, Quote):
        return "> "
    return " " * container.lead + container.marker + " " * container.pad


def _continued(containers: tuple[Container, ...]) -> str:
    """Return what a further line within the containers begins with."""
    return "".join(
        "> " if isinstance(container, Quote) else " " * container.width for container in containers
    )


def _mark(fence: Fence) -> str:
    return " " * fence.lead + fence.mark


def _rest_of_line(line: Line, *, before: str) -> str:
    """Return what the rest of a cut line needs before it."""
    match line.kind:
        case Kind.ROW:
            return "|" + " |" * (len(PIPE.findall(before.lstrip(" >").removeprefix("|"))))
        case Kind.INDENTED:
            return " " * CODE_INDENT
        case _:
            return ""


def _renumbered(line: Line, *, text: str, context: str) -> tuple[str, int]:
    opened = line.containers[line.kept :]
    written = NUMBER.match(text, line.start, line.end)
    if not opened or not isinstance(opened[0], Item) or opened[0].number is None or not written:
        return context, 0
    lead = text[line.start : written.start(1)]
    return f"{context}{lead}{opened[0].number}", written.end() - line.start


def ending(last: Line) -> str:
    """Return what closes the fence that is open after a page's last line; empty without one."""
    if last.fence is None:
        return ""
    return f"\n{_continued(last.containers)}{_mark(last.fence)}"


def line_before(lines: Sequence[Line], *, cut: Cut) -> Line:
    """Return the line that a page cut here ends with."""
    if cut.line < len(lines) and cut.offset > lines[cut.line].start:
        return lines[cut.line]
    return lines[cut.line - 1] if cut.line else BEFORE_ALL
