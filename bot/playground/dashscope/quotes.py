"""A section -> the part of it that answers."""

import re
from collections.abc import Mapping, Sequence

from bot.playground.dashscope.sections import Block, Form, Section
from bot.playground.dashscope.words import count_words

PROSE_CHARS = 600
ROWS_LIMIT = 5  # of bullet lists and tables
STEPS_LIMIT = 10
CODE_LINES = 30

_SENTENCE = re.compile(r".+?(?:[.!?](?=\s|$)|[\u3002\uff01\uff1f]|$)\s*", re.DOTALL)
_ITEM = re.compile(r"^(?:[-*+]|\d+[.)])\s")
_NESTED_ITEM = re.compile(r"^\s+(?:[-*+]|\d+[.)])\s")
_END = re.compile(r"([.!?:\u3002\uff01\uff1f\uff1a]?)$")


def quote(section: Section, *, words: Mapping[str, float], number: int, titled: bool) -> str:
    """Return the best part of a section, marked as coming from source `number`.

    A list, a table or a fence comes with the paragraph that leads to it, and such a paragraph with
    what it leads to. The mark stands in prose or behind the last item of a list, never in a fence
    or a table; where there is neither, the section's title carries it.

    Args:
        section: What to quote; it has at least one block.
        words: What is looked for, each word with its weight.
        number: The mark's, from 1.
        titled: Put the section's title above in any case.
    """
    chosen = [_trim(block, words=words) for block in _best(section, words=words)]
    mark = f"<ref>[{number}]</ref>"
    title = [f"**{section.title}**"] if titled else []
    place = _place_of_mark(chosen)
    if place is None:
        title = [f"**{section.title}**{mark}"]
    else:
        text = _END.sub(rf"{mark}\1", chosen[place].text, count=1)
        chosen[place] = Block(chosen[place].form, text=text)
    return "\n\n".join([*title, *(block.text for block in chosen)])


def _place_of_mark(blocks: Sequence[Block]) -> int | None:
    for index, block in enumerate(blocks):
        if block.form is Form.PROSE or (block.is_list and index == len(blocks) - 1):
            return index
    return None


def _best(section: Section, *, words: Mapping[str, float]) -> list[Block]:
    """Return the block that fits best, with its other half if it has one."""
    blocks = section.blocks
    scores = [_fit(block.text, words=words) for block in blocks]
    best = scores.index(max(scores))
    if blocks[best].form is Form.PROSE:
        leads_on = blocks[best].text.endswith((":", "\uff1a")) and best + 1 < len(blocks)
        return list(blocks[best : best + 2] if leads_on else blocks[best : best + 1])
    has_lead = best > 0 and blocks[best - 1].form is Form.PROSE
    return list(blocks[best - 1 : best + 1] if has_lead else blocks[best : best + 1])


def _fit(text: str, *, words: Mapping[str, float]) -> float:
    held = count_words(text)
    return sum(weight for word, weight in words.items() if word in held)


def _trim(block: Block, *, words: Mapping[str, float]) -> Block:
    """Return what is worth quoting of a block."""
    lines = block.text.splitlines()
    match block.form:
        case Form.BULLETS:
            return Block(block.form, text="\n".join(_best_of(_items(lines), words=words)))
        case Form.STEPS:
            return Block(block.form, text="\n".join(_items(lines)[:STEPS_LIMIT]))
        case Form.TABLE:
            rows = _best_of(lines[2:], words=words)
            return Block(block.form, text="\n".join([*lines[:2], *rows]))
        case Form.CODE if len(lines) > CODE_LINES:
            return Block(block.form, text="\n".join([*lines[: CODE_LINES - 1], lines[-1]]))
        case Form.PROSE:
            return Block(block.form, text=_best_sentences(block.text, words=words))
        case _:
            return block


def _items(lines: Sequence[str]) -> list[str]:
    """Return the items of a list, nested ones and fences within theirs."""
    items: list[list[str]] = []
    for line in lines:
        if _ITEM.match(line) or not items:
            items.append([line])
        else:
            items[-1].append(line)
    return [_unwrapped(item).rstrip() for item in items]


def _unwrapped(lines: Sequence[str]) -> str:
    """Join the broken lines of an item, unless it holds a fence, where line ends matter."""
    if any(line.lstrip().startswith(("```", "~~~")) for line in lines):
        return "\n".join(lines)
    joined, *rest = lines
    for line in rest:
        joined += f"\n{line}" if _NESTED_ITEM.match(line) else f" {line.strip()}"
    return joined


def _best_of(rows: Sequence[str], *, words: Mapping[str, float]) -> list[str]:
    """Return the best rows of a list or a table, in their old order."""
    fits = [_fit(row, words=words) for row in rows]
    least = max(fits, default=0.0) / 2
    good = [row for row, fit in zip(rows, fits, strict=True) if fit >= least]
    return good[:ROWS_LIMIT]


def _best_sentences(text: str, *, words: Mapping[str, float]) -> str:
    """Return a whole paragraph, or as much of a long one as fits from its best sentence on."""
    joined = " ".join(text.split("\n"))
    if len(joined) <= PROSE_CHARS:
        return joined
    sentences: list[str] = _SENTENCE.findall(joined)
    fits = [_fit(sentence, words=words) for sentence in sentences]
    best = fits.index(max(fits))
    taken = sentences[best]
    for sentence in sentences[best + 1 :]:
        if len(taken) + len(sentence) > PROSE_CHARS:
            break
        taken += sentence
    return taken.strip()
