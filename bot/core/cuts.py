"""Where a page may end.

A cut is decided by what fits on the page and nothing after it: more text never moves it.
"""

import re
from collections.abc import Iterator, Sequence

from bot.core.blocks import BEFORE_ALL, PARAGRAPH, VERBATIM, Kind, Line, line_after
from bot.core.frame import Cut, ending
from bot.core.inline import is_boundary, whole_spans

AHEAD_CHARS = 12
"""Characters of the page's room that a cut within a line leaves, to see how the rest begins."""

FENCE_CHARS = 3
"""Of a fence's mark at least (CommonMark, "Fenced code blocks")."""

BACK_CHARS = 64
"""How far back a cut is sought that breaks no character; no emoji is built of so many."""

SENTENCE_END = re.compile(r"[.!?…][)\]\"'”’]*\s+|[。！？][）」』”’]*\s*")
SPACES = re.compile(r"\s+")
BLOCK_START = re.compile(
    r"\s|[>|]|[-+*](?:\s|$)|#{1,6}(?:\s|$)|`{3}|~{3}|([-*_])[ \t]*\1[ \t]*\1|\d{1,9}[.)](?:\s|$)"
)
"""What the rest of a cut line must not begin with: it would be another block."""

MAY_UNDERLINE = re.compile(r"[\s>|:=-]*")
"""A line that makes the one above a heading or a table's header, or the beginning of one."""

MAY_OPEN_FENCE = re.compile(r"\s*(?:`{0,2}|~{0,2})")

BEGINS_BLOCK = frozenset({Kind.HEADING, Kind.RULE, Kind.FENCE})
STICKS_TO_NEXT = frozenset({Kind.HEADING, Kind.UNDERLINE, Kind.DELIMITER, Kind.FENCE})


def next_cut(
    text: str, *, lines: Sequence[Line], start: Cut, skip: int, room_bytes: int
) -> Cut | None:
    """Return where the page that begins at `start` ends; None when the rest fits on it.

    Args:
        text: The whole Markdown.
        lines: Its lines.
        start: Where the page begins.
        skip: Characters of the text that the page's opening replaces.
        room_bytes: What is left for the text and the closing of its fence.
    """
    full = _full(
        text, lines=lines, start=Cut(start.offset + skip, start.line), room_bytes=room_bytes
    )
    if full is None:
        return None
    end = max(full.offset, start.offset + 1)
    seen = tuple(lines[: full.line])
    if end > lines[full.line].start:
        before = lines[full.line - 1] if full.line else BEFORE_ALL
        seen = (*seen, line_after(before, text=text, end=end))
    return _best(text, seen=seen, start=start, end=end)


def _full(text: str, *, lines: Sequence[Line], start: Cut, room_bytes: int) -> Cut | None:
    """Return the first place where the page is full; None when it never is."""
    reserve = 0
    for index in range(start.line, len(lines)):
        line = lines[index]
        begin = max(line.start, start.offset)
        needed = max(reserve, len(ending(line).encode()))
        taken = text[begin : line.end].encode()
        if len(taken) + needed > room_bytes:
            fits = room_bytes - needed
            if index > start.line and line.kind is Kind.FENCE:
                # A mark that grows into a fence must not move the place where the page is full.
                fits = max(fits, min(room_bytes - reserve, _mark_end(line, text=text) - begin))
            fitting = taken[: max(fits, 0)].decode(errors="ignore")
            return Cut(begin + len(fitting), index)
        reserve = needed
        room_bytes -= len(taken)
    return None


def _mark_end(line: Line, *, text: str) -> int:
    """Return where the line that opens a fence is known to do so; ASCII alone is before it."""
    return text.index(line.content.lstrip()[:FENCE_CHARS], line.start) + FENCE_CHARS


def _best(text: str, *, seen: Sequence[Line], start: Cut, end: int) -> Cut:
    """Return the best place to end a page that is full at `end`, nothing behind it looked at.

    Between lines on a page well filled; else within its last line; else between lines, however
    short the page; else wherever no character breaks.
    """
    half = (start.offset + end + 1) // 2
    between = list(_between_lines(text[:end], seen=seen, start=start))
    filled = [rated for rated in between if rated[1].offset >= half]
    if filled:
        return _latest_of_best(filled)
    last = len(seen) - 1
    begin = max(seen[last].start, start.offset)
    if _may_open_fence(seen[last]) and begin > start.offset:
        return Cut(begin, last)  # it closes on its own page
    within = _within_line(text[begin:end], line=seen[last], least=half - begin)
    if within:
        return Cut(begin + within, last)
    if between:
        return _latest_of_best(between)
    return _anywhere(text, line=last, begin=begin, end=end)


def _may_open_fence(line: Line) -> bool:
    """Whether a line opens a fence, or may be the beginning of one that does."""
    begun = line.fence is None and MAY_OPEN_FENCE.fullmatch(line.content) is not None
    return begun or line.kind is Kind.FENCE


def _latest_of_best(rated: Sequence[tuple[int, Cut]]) -> Cut:
    return min(rated, key=lambda pair: (pair[0], -pair[1].offset))[1]


def _between_lines(text: str, *, seen: Sequence[Line], start: Cut) -> Iterator[tuple[int, Cut]]:
    """Yield the places where a line may begin the next page, each with its rank, 0 the best."""
    worded = start.line
    for index in range(start.line + 1, len(seen)):
        line, before = seen[index], seen[index - 1]
        if before.kind is not Kind.BLANK:
            worded = index - 1
        if _parts(before, line=line, text=text) and seen[worded].kind not in STICKS_TO_NEXT:
            yield _rank(before, line=line), Cut(line.start, index)


def _parts(before: Line, *, line: Line, text: str) -> bool:
    """Whether a page may end between two lines."""
    if line.kind in {Kind.BLANK, Kind.LAZY, Kind.FENCE_END, Kind.DELIMITER, Kind.UNDERLINE}:
        return False
    if line.kind is Kind.CODE and line.fence is not None and not text.endswith("\n"):
        mark = line.content.strip()
        return bool(mark.strip(line.fence.mark[0])) or line.end < len(text)
    return before.kind not in PARAGRAPH or MAY_UNDERLINE.fullmatch(line.content) is None


def _rank(before: Line, *, line: Line) -> int:
    """Return how bad it is to part two lines: paragraphs 0, blocks 1, inner items 2, others 3."""
    outermost = line.kept == 0
    if before.kind is Kind.BLANK and outermost and not line.content.startswith(" "):
        return 0
    begins = line.kind in BEGINS_BLOCK or len(line.containers) > line.kept
    if begins or before.kind in {Kind.BLANK, Kind.FENCE_END}:
        return 1 if outermost else 2
    return 3


def _within_line(seen: str, *, line: Line, least: int) -> int | None:
    """Return where a line that fills the page may be cut, at `least` or later; None for nowhere.

    After a sentence, else after a space, else between characters; outside links, emphasis and code
    spans, and never so that the rest would begin a block of its own.
    """
    verbatim = line.kind in VERBATIM
    spans = [] if verbatim else whole_spans(seen)
    places = [match.end() for match in SPACES.finditer(seen)]
    choices = [places, range(max(least, len(seen) - BACK_CHARS), len(seen))]
    if not verbatim:
        choices.insert(0, [match.end() for match in SENTENCE_END.finditer(seen)])
    ahead = 1 if verbatim else AHEAD_CHARS
    for offsets in choices:
        for offset in reversed(offsets):
            if not max(least, 1) <= offset <= len(seen) - ahead:
                continue
            inside = any(begin < offset < end for begin, end in spans)
            if not inside and not BLOCK_START.match(seen, offset) and is_boundary(seen, offset):
                return offset
    return None


def _anywhere(text: str, *, line: int, begin: int, end: int) -> Cut:
    """Return the last place before `end` where no character breaks, if there is one nearby."""
    for offset in range(end - 1, max(begin, end - BACK_CHARS), -1):
        if is_boundary(text, offset):
            return Cut(offset, line)
    return Cut(end, line)
