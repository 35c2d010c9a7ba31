"""Half-finished Markdown -> what Slack may show: mentions dead, citations numbered, tags whole.

Answers go out in `markdown` blocks, which read CommonMark with tables ("markdown block").
"""

import re
from collections.abc import Sequence

from bot.core.answer import Source
from bot.core.citations import mark_citations
from bot.core.mentions import defuse
from bot.core.tail import settled

FENCE_LINE = re.compile(r"^[ >]*(?:`{3,}|~{3,}).*$", re.MULTILINE)
VISIBLE = re.compile(r"[^\s\u200b-\u200f\u2060\ufeff*_~`>#|=:+-]")
HALVES = ("\r", "\ufffd")
"""At the end of a growing text: half a newline, or what stands for half a character."""


def render(text: str, *, sources: Sequence[Source], finished: bool) -> str:
    """Return the Markdown of an answer so far, safe to show in Slack.

    With the same sources, the result for a longer text begins with the result for a shorter one, so
    what readers saw stays. What a text leaves open is closed page by page (see `core.pages`).

    Args:
        text: The answer so far, as `bot.core.answer` gives it; nothing is stripped.
        sources: What the app returned so far; citations of anything else disappear.
        finished: Whether this is all; otherwise an end that may mean something else with the next
            character is held back.
    """
    if not finished and text.endswith(HALVES):
        text = text[:-1]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    markdown = defuse(mark_citations(text, sources=sources, finished=finished))
    return markdown if finished else settled(markdown)


def has_visible_text(rendered: str) -> bool:
    """Whether a reader would see anything: Slack refuses a message of nothing but marks."""
    return VISIBLE.search(FENCE_LINE.sub("", rendered)) is not None
