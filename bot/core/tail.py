"""The end of an answer that still grows: what of it may be shown already, and what closes it."""

import re

from bot.core.blocks import PARAGRAPH, Kind, Line, scan
from bot.core.inline import closers

ROW_CHARS = 1000
"""A table row, or a header with its delimiter row, that grows longer is shown as it is."""

BARE_CHARS = 80
"""The same for a line of nothing but marks, and for the line that opens a code fence."""

LINK_CHARS = 400
"""The same for a link, which waits for its address."""

HELD_CHARS = ROW_CHARS + LINK_CHARS
"""More is never held back."""

BEGUN_LINK = re.compile(
    r"(?:\[[^\]\n]{0,200}(?:\](?:\([^)\s]{0,190})?)?|<(?:(?!&lt;)[^\s<>]){0,80})\Z"
)
BEGUN_TOKEN = re.compile(r"<(?:![A-Za-z]{0,8}|[@#][A-Z]?)?\Z")
"""In code: what may become a token of Slack's."""

BEGUN_MARK = re.compile(r"[*_~`\\]{1,8}\Z")
BARE = re.compile(r"(?:[\s>#*+=_~`|:-]|\d{1,9}[.)]\s)*(?:\d{1,9}[.)]?)?\Z")
"""A line that may still become a list item, a heading, a rule, a fence or part of a table."""


def settled(text: str) -> str:
    """Return growing Markdown without the end whose meaning later text decides.

    Held back are: half a link, marks of emphasis or code at the very end, a list bullet or heading
    mark without words, the line that opens or closes a fence until its newline, a table row until
    its newline, a table's header until its delimiter row is there. For a growing text the result
    only grows, and lags at most HELD_CHARS behind.
    """
    lines = scan(text)
    if not lines:
        return text
    last, before = lines[-1], lines[-2:-1]
    if text.endswith("\n"):
        return text[: last.start] if _may_be_header(last, text=text) else text
    end = _settled_end(text, last=last)
    if end == last.start and before and _may_be_header(before[0], text=text):
        return text[: before[0].start]
    return text[:end]


def _may_be_header(line: Line, *, text: str) -> bool:
    """Whether a whole line waits for a delimiter row."""
    row = line.kind is Kind.TEXT and line.content.lstrip().startswith("|")
    return row and len(text) - line.start <= ROW_CHARS


def _settled_end(text: str, *, last: Line) -> int:
    """Return how far a text whose last line has no newline yet may be shown."""
    size = len(text) - last.start
    match last.kind:
        case Kind.FENCE | Kind.FENCE_END if size <= BARE_CHARS:
            return last.start
        case Kind.CODE if last.fence is not None:
            mark = last.content.strip()
            if not mark.strip(last.fence.mark[0]) and size <= BARE_CHARS:
                return last.start
            return _before(BEGUN_TOKEN, text=text, start=last.start)
        case Kind.INDENTED:
            return _before(BEGUN_TOKEN, text=text, start=last.start)
        case _ if _is_row(last) and size <= ROW_CHARS:
            return last.start
        case _:
            return _settled_words(text, start=last.start)


def _is_row(line: Line) -> bool:
    return line.kind in {Kind.ROW, Kind.DELIMITER} or line.content.lstrip().startswith("|")


def _settled_words(text: str, *, start: int) -> int:
    end = _before(BEGUN_LINK, text=text, start=max(start, len(text) - LINK_CHARS))
    end = _before(BEGUN_MARK, text=text[:end], start=start)
    if end - start <= BARE_CHARS and BARE.match(text[:end], start):
        return start
    return end


def _before(begun: re.Pattern[str], *, text: str, start: int) -> int:
    """Return where something that has only begun begins; the text's end when there is none."""
    match = begun.search(text, start)
    return len(text) if match is None else match.start()


def closing(page: str) -> str:
    """Return what closes the emphasis and code span that a page's last paragraph leaves open."""
    lines = scan(page)
    if not lines or lines[-1].kind not in {*PARAGRAPH, Kind.HEADING, Kind.ROW}:
        return ""
    first = len(lines) - 1
    while lines[first].kind in PARAGRAPH and _goes_on(lines[first], lines[first - 1 : first]):
        first -= 1
    return closers(page[lines[first].start :])


def _goes_on(line: Line, before: tuple[Line, ...]) -> bool:
    """Whether a line belongs to the paragraph of the line before it."""
    return line.kept == len(line.containers) and any(last.kind in PARAGRAPH for last in before)
