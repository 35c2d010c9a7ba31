"""Markdown text -> its lines, each with the blocks it stands in.

A forward scan in CommonMark's terms (containers, then one leaf), with tables as GitHub has them. It
never looks ahead: the lines of a prefix are described exactly as the lines of the whole, save the
last one when it is still growing. HTML blocks and link definitions are read as plain text.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

QUOTE = re.compile(r" {0,3}> ?")
ITEM = re.compile(r"( {0,3})([-+*]|(\d{1,9})([.)]))( +|$)")
FENCE = re.compile(r"( {0,3})(?:(`{3,32})([^`]*)|(~{3,32})(?!~)(.*))$")
"""Longer marks are read as text: a page must have room to repeat them."""

HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
DELIMITER = re.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*(?:\|[ \t]*)?$")
PIPE = re.compile(r"(?<!\\)\|")

OPENERS = frozenset("-+*>0123456789")
LEAF_MARKS = frozenset("`~#=-*_")

MAX_DEPTH = 8
"""Quotes and items within each other; deeper ones are read as text."""

CODE_INDENT = 4
"""Spaces that make a line code (CommonMark, "Indented code blocks")."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A block quote."""


@dataclass(frozen=True, slots=True)
class Item:
    """A list item.

    Attributes:
        lead: Spaces before its marker, within the container around it.
        bullet: The marker without its number: `-`, `*`, `+`, `.` or `)`.
        width: Columns from the container around it to its content, as written.
        number: What a reader sees, counted on from the first of the list; None for a bullet.
        pad: Spaces between marker and content.
    """

    lead: int
    bullet: str
    width: int
    number: int | None
    pad: int

    @property
    def marker(self) -> str:
        """The marker with the number a reader sees."""
        return self.bullet if self.number is None else f"{self.number}{self.bullet}"


Container = Quote | Item


@dataclass(frozen=True, slots=True)
class Fence:
    """An open code fence.

    Attributes:
        lead: Spaces before the mark, within its containers.
        mark: Its run of backticks or tildes.
        info: What follows the mark, such as a language.
    """

    lead: int
    mark: str
    info: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose header and delimiter row were read.

    Attributes:
        header: The header row, without its containers and newline.
        delimiter: The delimiter row, likewise.
    """

    header: str
    delimiter: str


class Kind(Enum):
    """What a line is, within its containers."""

    BLANK = auto()
    TEXT = auto()
    LAZY = auto()
    """Text that goes on with a paragraph without repeating its containers."""
    HEADING = auto()
    UNDERLINE = auto()
    """The second line of a heading."""
    RULE = auto()
    FENCE = auto()
    CODE = auto()
    FENCE_END = auto()
    INDENTED = auto()
    DELIMITER = auto()
    ROW = auto()


PARAGRAPH = frozenset({Kind.TEXT, Kind.LAZY})
VERBATIM = frozenset({Kind.FENCE, Kind.CODE, Kind.FENCE_END, Kind.INDENTED})


@dataclass(frozen=True, slots=True)
class Line:
    """One line and where it stands.

    Attributes:
        start: Offset of its first character.
        end: Offset after its newline, or the text's end.
        kind: What it is.
        containers: What it stands in, outermost first; those it opens are the last ones.
        kept: How many of the containers were open before it.
        content: The line without containers and newline, tabs as spaces.
        fence: The fence that is open after this line.
        table: The table it belongs to, from the delimiter row on.
    """

    start: int
    end: int
    kind: Kind
    containers: tuple[Container, ...] = ()
    kept: int = 0
    content: str = ""
    fence: Fence | None = None
    table: Table | None = None


BEFORE_ALL = Line(start=0, end=0, kind=Kind.BLANK)
"""What stands before the first line of a text."""


def scan(text: str) -> tuple[Line, ...]:
    """Return the lines of a text; their slices join to the text. Only a line feed ends a line."""
    lines: list[Line] = []
    last = BEFORE_ALL
    while last.end < len(text):
        newline = text.find("\n", last.end)
        last = line_after(last, text=text, end=len(text) if newline < 0 else newline + 1)
        lines.append(last)
    return tuple(lines)


def line_after(last: Line, *, text: str, end: int) -> Line:
    """Return the line of a text that follows another and is seen up to `end`."""
    raw = text[last.end : end].rstrip("\n").expandtabs(CODE_INDENT)
    kept, content = _keep(last.containers, raw=raw)
    line = Line(last.end, end, Kind.BLANK, last.containers[:kept], kept, content)
    if last.fence is not None and kept == len(last.containers):
        return _in_fence(line, fence=last.fence)
    line = _open(line, last=last)
    if not line.content.strip():
        return line
    line = _leaf(line, last=last)
    goes_on = line.kind is Kind.TEXT and last.kind in PARAGRAPH and len(line.containers) == kept
    if goes_on and kept < len(last.containers):
        lazy = Kind.LAZY
        return Line(line.start, end, lazy, last.containers, len(last.containers), line.content)
    return line


def _keep(containers: tuple[Container, ...], *, raw: str) -> tuple[int, str]:
    """Return how many open containers a line goes on with, and the line without them."""
    for depth, container in enumerate(containers):
        if isinstance(container, Quote):
            mark = QUOTE.match(raw)
            if mark is None:
                return depth, raw
            raw = raw[mark.end() :]
        elif raw.strip() and indent_of(raw) < container.width:
            return depth, raw
        else:
            raw = raw[container.width :]
    return len(containers), raw


def indent_of(content: str) -> int:
    """Return how many spaces a line begins with."""
    return len(content) - len(content.lstrip(" "))


def _described(
    line: Line, kind: Kind, *, fence: Fence | None = None, table: Table | None = None
) -> Line:
    """Return a line with its kind; four times as fast as `dataclasses.replace`."""
    containers, kept, content = line.containers, line.kept, line.content
    return Line(line.start, line.end, kind, containers, kept, content, fence, table)


def _in_fence(line: Line, *, fence: Fence) -> Line:
    mark = line.content.strip()
    closes = indent_of(line.content) < CODE_INDENT and mark == fence.mark[0] * len(mark)
    if closes and len(mark) >= len(fence.mark):
        return _described(line, Kind.FENCE_END)
    return _described(line, Kind.CODE, fence=fence)


def _open(line: Line, *, last: Line) -> Line:
    """Return the line within the containers that it opens itself."""
    for _ in range(MAX_DEPTH - line.kept):
        if line.content.lstrip(" ")[:1] not in OPENERS:
            break
        quote = QUOTE.match(line.content)
        item = None if RULE.match(line.content) else ITEM.match(line.content)
        if quote is not None:
            content, container = line.content[quote.end() :], Quote()
        elif item is not None and _begins(item, line=line, last=last):
            content, container = _entered(item, line=line, last=last)
        else:
            break
        containers = (*line.containers, container)
        line = Line(line.start, line.end, Kind.BLANK, containers, line.kept, content)
    return line


def _begins(item: re.Match[str], *, line: Line, last: Line) -> bool:
    """Whether a marker begins an item: only an item 1 with content may cut a paragraph short."""
    if last.kind not in PARAGRAPH or len(line.containers) != len(last.containers):
        return True
    if len(line.containers) > line.kept:
        return True
    return item[3] in {None, "1"} and item.end() < len(line.content)


def _entered(item: re.Match[str], *, line: Line, last: Line) -> tuple[str, Item]:
    """Return the content of a line that begins an item, and the item."""
    spaces = len(item[5])
    has_content = item.end() < len(line.content)
    pad = spaces if has_content and spaces <= CODE_INDENT else 1
    bullet = item[4] or item[2]
    number = None if item[3] is None else int(item[3])
    depth = len(line.containers)
    before = last.containers[depth] if depth == line.kept < len(last.containers) else None
    if number is not None and isinstance(before, Item) and before.bullet == bullet:
        number = number if before.number is None else before.number + 1
    width = item.end(2) + pad
    return line.content[width:], Item(len(item[1]), bullet, width, number, pad)


def _leaf(line: Line, *, last: Line) -> Line:
    """Return the line described as the block it begins or goes on with."""
    content = line.content
    if indent_of(content) >= CODE_INDENT:
        in_text = last.kind in PARAGRAPH and line.kept == len(line.containers)
        return _described(line, Kind.TEXT if in_text else Kind.INDENTED)
    follows = line.kept == len(line.containers) == len(last.containers)
    if content.lstrip(" ")[0] in LEAF_MARKS:
        fence = FENCE.match(content)
        if fence is not None:
            info = (fence[3] or fence[5] or "").strip()
            return _described(
                line, Kind.FENCE, fence=Fence(len(fence[1]), fence[2] or fence[4], info)
            )
        kind = _marked(content, under_text=follows and last.kind in PARAGRAPH)
        if kind is not None:
            return _described(line, kind)
    return _row_or_text(line, last=last, follows=follows)


def _marked(content: str, *, under_text: bool) -> Kind | None:
    if HEADING.match(content):
        return Kind.HEADING
    if under_text and UNDERLINE.match(content):
        return Kind.UNDERLINE
    return Kind.RULE if RULE.match(content) else None


def _row_or_text(line: Line, *, last: Line, follows: bool) -> Line:
    if follows and last.table is not None:
        return _described(line, Kind.ROW, table=last.table)
    if follows and last.kind is Kind.TEXT and delimits(line.content, header=last.content):
        return _described(line, Kind.DELIMITER, table=Table(last.content, line.content))
    return _described(line, Kind.TEXT)


def delimits(content: str, *, header: str) -> bool:
    """Whether a line under a line of text makes that one the header of a table."""
    if "|" not in content or "|" not in header or DELIMITER.match(content) is None:
        return False
    return cells(content) == cells(header)


def cells(row: str) -> int:
    """Return how many cells a table row has."""
    return len(PIPE.findall(row.strip().removeprefix("|").removesuffix("|"))) + 1
