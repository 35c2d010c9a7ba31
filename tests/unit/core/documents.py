"""Markdown as models write it, for hypothesis, and a reader that says what a page shows."""

from collections.abc import Iterator
from itertools import count

from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
PARSER.disable(["reference", "html_block", "html_inline"])

SENTENCES = (
    "Plain words stand here, w{n}.",
    "This is **bold w{n}** and *slanted w{n}* text.",
    "Call `run(w{n})` first, then ~~stop~~.",
    "See [the page w{n}](https://example.com/a_b?w={n}) for more!",
    "第{n}句话很长，需要分页。",
    "请看**重点{n}**吧。",
    "👩‍👩‍👧‍👦 🇩🇪 é {n}.",
    "A & B cost 1.5 x w{n}?",
)
CODE = ("x = {n}", "    if x > {n}:", "", "# w{n}", "- w{n}", "| w{n} |", "1. w{n}", "**w{n}", "``")
FENCES = (("```", "python"), ("~~~", "sh"), ("````", ""), ("```", ""), ("~~~~~", "c++"))


@st.composite
def sentences(draw: st.DrawFn, numbers: Iterator[int], *, most: int = 6) -> str:
    chosen = draw(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=most))
    return " ".join(sentence.format(n=next(numbers)) for sentence in chosen)


def indented(block: str, prefix: str, *, first: str | None = None) -> str:
    rows = block.split("\n")
    head = prefix if first is None else first
    return "\n".join([head + rows[0], *((prefix + row).rstrip() for row in rows[1:])])


@st.composite
def fences(draw: st.DrawFn, numbers: Iterator[int]) -> str:
    mark, info = draw(st.sampled_from(FENCES))
    rows = draw(st.lists(st.sampled_from(CODE), min_size=1, max_size=14))
    return "\n".join([mark + info, *(row.format(n=next(numbers)) for row in rows), mark])


@st.composite
def tables(draw: st.DrawFn, numbers: Iterator[int]) -> str:
    columns = draw(st.integers(1, 3))
    rows = ["| " + " | ".join(f"h{next(numbers)}" for _ in range(columns)) + " |"]
    rows.append("|" + "---|" * columns)
    for _ in range(draw(st.integers(1, 12))):
        cells = (draw(st.sampled_from(("c{n}", "**c{n}**", "表{n}格", "`c{n}`"))) for _ in "x" * columns)
        rows.append("| " + " | ".join(cell.format(n=next(numbers)) for cell in cells) + " |")
    return "\n".join(rows)


@st.composite
def lists(draw: st.DrawFn, numbers: Iterator[int], *, depth: int = 0) -> str:
    number = draw(st.sampled_from((None, 1, 1, 7, 98)))
    lazy = number == 1 and draw(st.booleans())
    loose = draw(st.booleans())
    items: list[str] = []
    for index in range(draw(st.integers(1, 6))):
        marker = "- " if number is None else f"{number + (0 if lazy else index)}. "
        content = draw(sentences(numbers, most=3))
        if depth < 2 and draw(st.integers(0, 2)) == 0:
            inner = draw(st.sampled_from((lists, fences, tables)))
            nested = draw(lists(numbers, depth=depth + 1) if inner is lists else inner(numbers))
            content += "\n\n" + nested
        items.append(indented(content, " " * len(marker), first=marker))
    return ("\n\n" if loose else "\n").join(items)


@st.composite
def blocks(draw: st.DrawFn, numbers: Iterator[int], *, quoted: bool = False) -> str:
    kind = draw(st.integers(0, 6 if quoted else 7))
    match kind:
        case 0:
            return "#" * draw(st.integers(1, 4)) + f" Heading {next(numbers)}"
        case 1:
            return draw(lists(numbers))
        case 2:
            return draw(fences(numbers))
        case 3:
            return draw(tables(numbers))
        case 4:
            return f"Title {next(numbers)}\n" + draw(st.sampled_from(("===", "---")))
        case 5 | 6:
            rows = [draw(sentences(numbers)) for _ in range(draw(st.integers(1, 3)))]
            return "\n".join(rows)
        case _:
            return indented(draw(blocks(numbers, quoted=True)), "> ")


@st.composite
def documents(draw: st.DrawFn, *, most: int = 12) -> str:
    """Headings, nested lists, code, tables, quotes and paragraphs; every text in it is unique.

    Rules keep lists apart that would be one.
    """
    numbers = count(100)
    made: list[str] = []
    for _ in range(draw(st.integers(1, most))):
        block = draw(blocks(numbers))
        if made and "---" != made[-1] and block[:1].isdigit():
            made.append("---")
        made.append(block)
    return "\n\n".join(made) + "\n"


Shown = tuple[str, tuple[str, ...]]
"""A character that is seen, and the blocks around it."""

WORDLESS = ("paragraph", "thead", "tbody", "tr", "table")


def shown(page: str, *, headers: set[str]) -> list[Shown]:
    """Return what a reader sees of a page, without what it repeats from the page before.

    List items are seen by their number or bullet. `headers` are those of tables already seen.
    """
    seen: list[Shown] = []
    around: list[str] = []
    numbers: list[int] = []
    waiting: list[str] = []
    tokens = PARSER.parse(page)
    for token in tokens:
        name = token.type.removesuffix("_open").removesuffix("_close")
        if token.type == "ordered_list_open":
            numbers.append(int(token.attrGet("start") or 1) - 1)
        if token.type == "list_item_open" and around[-1] == "ordered_list":
            numbers[-1] += 1
        if token.nesting == 1 and name not in WORDLESS:
            around.append(name)
            if name == "list_item":
                waiting.append(str(numbers[-1]) if around[-2] == "ordered_list" else "•")
        elif token.nesting == -1 and name not in WORDLESS:
            around.pop()
            if name == "ordered_list":
                numbers.pop()
        path = tuple(around)
        content = characters(token)
        if content and path[-1:] == ("th",):
            content = "" if content in headers else content
            headers.add(characters(token))
        if content.startswith("…"):
            waiting.clear()
            content = content.removeprefix("…")
        if content:
            seen += [(mark, path) for mark in waiting]
            waiting.clear()
        seen += [(char, (*path, *code(token))) for char in content]
    return seen


def code(token: Token) -> tuple[str, ...]:
    return (f"code {token.info}",) if token.type in {"fence", "code_block"} else ()


def characters(token: Token) -> str:
    """Return what is seen of one token, without white space."""
    if token.type == "inline":
        raw = "".join(child.content for child in token.children or ())
    else:
        raw = token.content if token.type in {"fence", "code_block"} else ""
    return "".join(raw.split())


def reading(pages: list[str]) -> list[Shown]:
    """Return what a reader sees of several pages, one after the other."""
    headers: set[str] = set()
    return [char for page in pages for char in shown(page, headers=headers)]
