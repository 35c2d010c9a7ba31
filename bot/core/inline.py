"""What runs within a line: code spans, links, emphasis; where to cut it and how to close it."""

import re
import unicodedata
from itertools import pairwise

CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)|`+.*", re.DOTALL)
"""A code span; one that is not closed runs to the end."""

SPAN_CHARS = 400
"""Longer emphasis and links may be cut: a page must end somewhere."""

WHOLE = re.compile(
    r"(?<!`)(`+)(?!`).{1,SIZE}?(?:(?<!`)\1(?!`)|\Z)"
    r"|!?\[[^\]\n]{0,SIZE}(?:\Z|\](?:\Z|\([^)\s]*(?:\Z|\))))"
    r"|<[^\s<>]{1,SIZE}(?:\Z|>)"
    r"|https?://[!-;=?-{}~]+"
    r"|&#?\w{1,31}(?:\Z|;)"
    r"|\\(?:\Z|.)"
    r"|(\*{1,3}|~~|(?<!\w)_{1,3})(?=[^\s*~_]).{1,SIZE}?(?:\2|\Z)".replace("SIZE", str(SPAN_CHARS)),
    re.DOTALL,
)
"""Stretches that lose their meaning when cut; at the end of what is seen, also their beginnings."""

TOKEN = re.compile(r"\\.|`+|\*+|_+|~~", re.DOTALL)
CODE_OR_STRONG = re.compile(rf"{CODE_SPAN.pattern}|(?<!\*)\*\*(?!\*)", re.DOTALL)

HAIR_SPACE = "\u200a"
"""The narrowest space CommonMark takes for one."""

EXTENDERS = (range(0x1F3FB, 0x1F400), range(0xE0020, 0xE0080), range(0x1160, 0x1200))
"""Skin tones, the letters of subdivision flags, Hangul's later jamo: parts of what is before."""

REGIONAL = range(0x1F1E6, 0x1F200)
JOINER = "\u200d"


def whole_spans(text: str) -> list[tuple[int, int]]:
    """Return the stretches (from, to) of a line or paragraph that should not be cut."""
    return [match.span() for match in WHOLE.finditer(text)]


def is_boundary(text: str, offset: int) -> bool:
    """Whether a text may be cut at an offset (0 < offset < length) without breaking a character.

    Keeps together the grapheme clusters that occur in answers: combining marks, joined emoji,
    skin tones, flags, Hangul jamo.
    """
    before, after = text[offset - 1], text[offset]
    if JOINER in {before, after} or unicodedata.category(after).startswith("M"):
        return False
    if any(ord(after) in extenders for extenders in EXTENDERS):
        return False
    return ord(after) not in REGIONAL or _regionals_before(text, offset) % 2 == 0


def _regionals_before(text: str, offset: int) -> int:
    start = offset
    while start > 0 and ord(text[start - 1]) in REGIONAL:
        start -= 1
    return offset - start


def closers(paragraph: str) -> str:
    """Return what closes the code span and emphasis a paragraph leaves open, innermost first."""
    opened: list[str] = []
    offset = 0
    while (token := TOKEN.search(paragraph, offset)) is not None:
        mark, offset = token[0], token.end()
        if mark[0] == "`":
            closing = re.compile(rf"(?<!`){mark}(?!`)").search(paragraph, offset)
            if closing is None:
                return "".join([mark, *reversed(opened)])
            offset = closing.end()
        elif mark[0] != "\\":
            _toggle(opened, mark=mark, opens=_opens(token), closes=_closes(token))
    return "".join(reversed(opened))


def _toggle(opened: list[str], *, mark: str, opens: bool, closes: bool) -> None:
    """Close what a run of marks can close, then open with the rest of it what it can open."""
    while closes and mark and any(run[0] == mark[0] for run in opened):
        while opened[-1][0] != mark[0]:
            opened.pop()
        run = opened.pop()
        shared = min(len(run), len(mark))
        mark = mark[shared:]
        if len(run) > shared:
            opened.append(run[shared:])
    if opens and mark:
        opened.append(mark)


def _opens(run: re.Match[str]) -> bool:
    """Whether a run of marks may open emphasis (CommonMark, "left-flanking delimiter run")."""
    before, after = _neighbours(run)
    flanking = not after.isspace() and (not _is_punctuation(after) or not _is_plain(before))
    return flanking and (run[0][0] != "_" or not _is_plain(before))


def _closes(run: re.Match[str]) -> bool:
    """Whether a run of marks may close emphasis (CommonMark, "right-flanking delimiter run")."""
    before, after = _neighbours(run)
    flanking = not before.isspace() and (not _is_punctuation(before) or not _is_plain(after))
    return flanking and (run[0][0] != "_" or not _is_plain(after))


def _neighbours(run: re.Match[str]) -> tuple[str, str]:
    """Return the characters around a match; spaces beyond the text's ends."""
    before = run.string[run.start() - 1] if run.start() > 0 else " "
    after = run.string[run.end()] if run.end() < len(run.string) else " "
    return before, after


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char)[0] in "PS"


def _is_plain(char: str) -> bool:
    return not char.isspace() and not _is_punctuation(char)


def loosen_emphasis(line: str) -> str:
    """Return a line whose bold parts are bold also beside Chinese text.

    In `**注意：**下一步` CommonMark sees no bold: a closing mark between punctuation and a letter
    does not count. A hair space beside the mark makes it count, and hardly shows. Code is left
    alone.
    """
    marks = [match for match in CODE_OR_STRONG.finditer(line) if match[0] == "**"]
    cuts = [0]
    for index, mark in enumerate(marks):
        before, after = _neighbours(mark)
        if index % 2 == 0 and _is_plain(before) and _is_punctuation(after):
            cuts.append(mark.start())
        elif index % 2 == 1 and _is_punctuation(before) and _is_plain(after):
            cuts.append(mark.end())
    cuts.append(len(line))
    return HAIR_SPACE.join(line[start:end] for start, end in pairwise(cuts))
