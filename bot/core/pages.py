"""A long answer -> Slack messages within Slack's limits.

Every page can be read alone: fences are closed and opened again, tables repeat their header, lists
go on with their numbers. While an answer grows, only its last page changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.answer import Source
from bot.core.blocks import Line, scan
from bot.core.citations import list_sources
from bot.core.cuts import next_cut
from bot.core.frame import Cut, ending, line_before, opening
from bot.core.markdown import has_visible_text, render
from bot.core.tail import closing

PAGE_BYTES = 9_000
"""UTF-8 bytes of one page's text.

Slack takes 12,000 characters over all `markdown` blocks of a message ("markdown block"), was seen
to refuse messages from 11,341 on (slackapi/bolt-js#2509), and appears to count bytes in places,
where a Chinese character is three. The rest is room for a note and buttons.
"""

LEAST_BYTES = 200
"""Smaller pages could not hold what they repeat."""

SOURCES_RULE = "\n\n---\n\n"


@dataclass(frozen=True, slots=True)
class Page:
    """One Slack message's worth of Markdown.

    Attributes:
        text: What goes to Slack, whole by itself.
        body: Its slice of the whole; the slices of all pages join to the whole.
    """

    text: str
    body: str


def pages(
    text: str, *, sources: Sequence[Source], finished: bool, limit_bytes: int = PAGE_BYTES
) -> tuple[str, ...]:
    """Return what Slack shows of an answer so far, one text for each message.

    No text is empty to the eye; before the first visible word there are none. With the same
    sources, a page that has another one behind it never changes while the answer grows. A finished
    answer ends with the list of its sources.

    Args:
        text: The answer so far, as the app wrote it.
        sources: What the app returned so far.
        finished: Whether this is all; if not, what is open at the end is closed for display.
        limit_bytes: At least LEAST_BYTES.
    """
    markdown = render(text, sources=sources, finished=finished)
    texts = [page.text for page in split(markdown, limit_bytes=limit_bytes)]
    shown = [page for page in texts[:-1] if has_visible_text(page)]
    if not finished:
        last = _closed(texts[-1], limit_bytes=limit_bytes)
        return (*shown, *filter(has_visible_text, [last]))
    shown += filter(has_visible_text, texts[-1:])
    listed = list_sources(text, sources=sources)
    if not shown or not listed:
        return tuple(shown)
    return (*shown[:-1], *_with_sources(shown[-1], listed=listed, limit_bytes=limit_bytes))


def _closed(last: str, *, limit_bytes: int) -> str:
    """Return a growing page with its emphasis closed; on a full page its last characters wait."""
    whole = last.rstrip()
    marks = closing(whole)
    if not marks:
        return last
    if len(whole.encode()) + len(marks) > limit_bytes:
        whole = whole[: -len(marks)].rstrip("*_~`\\ ")
    return whole + closing(whole)


def _with_sources(last: str, *, listed: str, limit_bytes: int) -> tuple[str, ...]:
    joined = f"{last}{SOURCES_RULE}{listed}"
    if len(joined.encode()) <= limit_bytes:
        return (joined,)
    return (last, *(page.text for page in split(listed, limit_bytes=limit_bytes)))


def split(markdown: str, *, limit_bytes: int = PAGE_BYTES) -> tuple[Page, ...]:
    """Return Markdown as pages; at least one, and one only when it fits.

    Pages end between paragraphs if they can, else before another block, between lines, sentences,
    words; a heading or a table's header never ends one. For a text that grows, the pages before the
    last stay as they are.

    Args:
        markdown: As `render` made it: no lone surrogates, no newline but line feeds.
        limit_bytes: UTF-8 bytes of a page's text, at least LEAST_BYTES.

    Raises:
        ValueError: The limit is too small.
    """
    if limit_bytes < LEAST_BYTES:
        raise ValueError(f"limit_bytes={limit_bytes} is under {LEAST_BYTES}")
    if not markdown:
        return (Page("", ""),)
    lines = scan(markdown)
    cut, made = Cut(0, 0), list[Page]()
    while cut.offset < len(markdown):
        page, cut = _page_at(markdown, lines=lines, cut=cut, limit_bytes=limit_bytes)
        made.append(page)
    return tuple(made)


def _page_at(
    markdown: str, *, lines: Sequence[Line], cut: Cut, limit_bytes: int
) -> tuple[Page, Cut]:
    """Return the page that begins at a cut, and where the next one begins."""
    opened, skip = opening(lines, text=markdown, cut=cut, limit_bytes=limit_bytes)
    room_bytes = limit_bytes - len(opened.encode())
    end = next_cut(markdown, lines=lines, start=cut, skip=skip, room_bytes=room_bytes)
    if end is None:
        end = Cut(len(markdown), len(lines))
    body = markdown[cut.offset : end.offset]
    text = f"{opened}{body[skip:]}".rstrip("\n")
    return Page(text + ending(line_before(lines, cut=end)), body), end
