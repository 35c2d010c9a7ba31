"""Words that are none, and the known ones they look like."""

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import takewhile

from bot.core.pasted_keys import holds_key
from bot.core.typed_text import unescape

MAX_SUGGESTIONS = 4
MAX_TYPED_CHARS = 80
"""Of unknown text, this much is worth repeating."""
CLOSE_ENOUGH = 0.6
"""Below, two words have little in common (difflib's own measure and default)."""

_MAX_WORDS = 8
"""More words than any command has; a slip further on is in a value."""


def alike(word: str, *, known: Sequence[str]) -> str:
    """Return the known word that looks most like another; empty when none does."""
    close = difflib.get_close_matches(brief(word), known, n=1, cutoff=CLOSE_ENOUGH)
    return close[0] if close else ""


def mended(
    text: str,
    *,
    known: Sequence[str],
    reads: Callable[[str], bool],
    meant_by: Mapping[str, str],
) -> str:
    """Return text with one of its words replaced by a known one, so that it can be read.

    Args:
        text: What cannot be read.
        known: The words that can stand in it, in lower case.
        reads: Whether a text can be read.
        meant_by: Other words in lower case, and the known one each means.

    Returns:
        Empty when no such word helps, or when something in the text looks like a key.
    """
    if holds_key(text):
        return ""
    words = text.split()
    for at, word in enumerate(words[:_MAX_WORDS]):
        close = meant_by.get(word.casefold()) or alike(word.casefold(), known=known)
        meant = " ".join([*words[:at], close, *words[at + 1 :]])
        if close and reads(meant):
            return meant
    return ""


def closest(words: Sequence[str], *, commands: Sequence[str]) -> tuple[str, ...]:
    """Return commands that begin as the words do, or else look like them, with what followed."""
    begun = [command for command in commands if command.split()[0] == words[0]]
    return tuple(begun[:MAX_SUGGESTIONS]) or tuple(
        brief(found) for found in _alike(words, commands=commands)
    )


def brief(text: str) -> str:
    """Return what Slack made of typed text on one line, short, and only up to what may be a key."""
    words = unescape(text, keep_users=False).split()
    shown = list(takewhile(lambda word: not holds_key(word), words))
    line = " ".join(shown if len(shown) == len(words) else [*shown, "…"])
    return line if len(line) <= MAX_TYPED_CHARS else f"{line[: MAX_TYPED_CHARS - 1]}…"


def _alike(words: Sequence[str], *, commands: Sequence[str]) -> Iterator[str]:
    """Yield the closest commands of as many words as were typed or fewer, longest first."""
    longest = max(len(command.split()) for command in commands)
    for count in range(min(longest, len(words)), 0, -1):
        sized = [command for command in commands if len(command.split()) == count]
        found = alike(" ".join(words[:count]), known=sized)
        if found:
            yield " ".join([found, *words[count:]])
