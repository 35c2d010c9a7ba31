"""Markdown as models write it, for hypothesis, and a reader that says what a page shows."""

import re
from collections.abc import Iterator
from itertools import count
from random import Random

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
        cells = (
            draw(st.sampled_from(("c{n}", "**c{n}**", "表{n}格", "`c{n}`"))) for _ in "x" * columns
        )
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
def headings(draw: st.DrawFn, numbers: Iterator[int]) -> str:
    underline = draw(st.sampled_from(("", "===", "---")))
    if underline:
        return f"Title {next(numbers)}\n{underline}"
    return "#" * draw(st.integers(1, 4)) + f" Heading {next(numbers)}"


@st.composite
def paragraphs(draw: st.DrawFn, numbers: Iterator[int]) -> str:
    return "\n".join(draw(sentences(numbers)) for _ in range(draw(st.integers(1, 3))))


@st.composite
def quotes(draw: st.DrawFn, numbers: Iterator[int]) -> str:
    quoted = draw(st.sampled_from((paragraphs, lists, fences, tables, headings)))
    return indented(draw(quoted(numbers)), "> ")


BLOCKS = (paragraphs, lists, fences, tables, headings, quotes)


@st.composite
def documents(draw: st.DrawFn, *, most: int = 12) -> str:
    """Headings, nested lists, code, tables, quotes and paragraphs; every text in it is unique.

    Rules keep lists apart that would be one.
    """
    numbers = count(100)
    made: list[str] = []
    for _ in range(draw(st.integers(1, most))):
        block = draw(draw(st.sampled_from(BLOCKS))(numbers))
        if made and made[-1] != "---" and block[:1].isdigit():
            made.append("---")
        made.append(block)
    return "\n\n".join(made) + "\n"


CHAPTERS = (
    "## Chapter @\n\nIt says **bold @** and `code @`, see [page @](https://example.com/@).",
    "1. First @.\n2. Second @:\n   - inner @\n   - inner @\n\n     deeper @\n3. Third @.",
    "~~~python\ndef f@():\n    return @\n\n\n# @\n~~~",
    "````\n```\n@ inside\n```\n````",
    "| Head @ | Other @ |\n|:--|--:|\n| cell @ | **cell @** |\n| cell @ | 表@格 |",
    "> Quoted @ text\n> goes on @.\n>\n> - and lists @\n> - too @",
    "第@章说明：这里有很多中文句子。每一句都不短，读者需要分页。👩‍👩‍👧‍👦 @",
    "- [x] done @\n- [ ] open @\n\n---",
)


def long_document(seed: int) -> str:
    """Return a document of at least 100,000 characters, every text in it unique."""
    chosen = Random(seed)
    numbers = count(1000)
    made: list[str] = []
    while sum(map(len, made)) < 100_000:
        chapter = "\n\n".join(chosen.sample(CHAPTERS, len(CHAPTERS)))
        made.append(re.sub("@", lambda _: str(next(numbers)), chapter))
    return "\n\n".join(made)


Shown = tuple[str, tuple[str, ...]]
"""A character that is seen, and the blocks around it."""

WORDLESS = ("paragraph", "thead", "tbody", "tr", "table")


class Reader:
    """Reads one page token by token; list items are seen by their number or bullet."""

    def __init__(self, headers: set[str]) -> None:
        self.headers = headers
        self.seen: list[Shown] = []
        self.around: list[str] = []
        self.numbers: list[int] = []
        self.markers: list[str] = []

    def read(self, token: Token) -> None:
        name = token.type.removesuffix("_open").removesuffix("_close")
        if token.nesting == 1 and name not in WORDLESS:
            self.enter(name, start=int(token.attrGet("start") or 1))
        elif token.nesting == -1 and name not in WORDLESS:
            self.around.pop()
            if name == "ordered_list":
                self.numbers.pop()
        else:
            self.see(token)

    def enter(self, name: str, *, start: int) -> None:
        if name == "ordered_list":
            self.numbers.append(start - 1)
        elif name == "list_item" and self.around[-1] == "ordered_list":
            self.numbers[-1] += 1
            self.markers.append(str(self.numbers[-1]))
        elif name == "list_item":
            self.markers.append("•")
        self.around.append(name)

    def see(self, token: Token) -> None:
        content = characters(token)
        if self.around[-1:] == ["th"]:
            is_new = content not in self.headers
            self.headers.add(content)
            content = content if is_new else ""
        if content.startswith("…"):
            self.markers.clear()
            content = content.removeprefix("…")
        if content:
            self.seen += [(mark, tuple(self.around)) for mark in self.markers]
            self.markers.clear()
        self.seen += [(char, (*self.around, *code(token))) for char in content]


def shown(page: str, *, headers: set[str]) -> list[Shown]:
    """Return what a reader sees of a page, without what it repeats from the page before.

    `headers` are those of the tables seen already; those of this page are added.
    """
    reader = Reader(headers)
    for token in PARSER.parse(page):
        reader.read(token)
    return reader.seen


def code(token: Token) -> tuple[str, ...]:
    return ("code", token.info) if token.type in {"fence", "code_block"} else ()


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
