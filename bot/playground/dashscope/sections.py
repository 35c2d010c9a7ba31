"""A Markdown document -> sections that can be quoted."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from markdown_it import MarkdownIt
from markdown_it.token import Token

_IMAGE = re.compile(r"\[?!\[[^\]]*\]\([^)]*\)(?:\]\([^)]*\))?")
_LOCAL_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)

TRANSCRIPT = "transcript"
"""The language of a fence that shows the bot talking; quoting it would be an echo."""


class Form(Enum):
    """What a block looks like; the values are markdown-it's names."""

    HEADING = "heading_open"
    PROSE = "paragraph_open"
    BULLETS = "bullet_list_open"
    STEPS = "ordered_list_open"
    TABLE = "table_open"
    CODE = "fence"
    OTHER = ""


_FORMS = {form.value: form for form in Form}


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, a list, a table or a fence, as it was written."""

    form: Form
    text: str

    @property
    def is_list(self) -> bool:
        """Whether it is a list of either kind."""
        return self.form in {Form.BULLETS, Form.STEPS}


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it, up to the next heading.

    Attributes:
        doc_name: The document's path, such as `docs/operations.md`.
        title: The heading without its marks; the document's name before the first heading.
        blocks: What stands under it, in order.
    """

    doc_name: str
    title: str
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """Everything under the heading."""
        return "\n\n".join(block.text for block in self.blocks)


def split(doc_name: str, markdown: str) -> list[Section]:
    """Return the sections of a document that have something under their heading.

    Images, comments and transcripts of the bot's own answers are left out, and links within the
    project become plain text: they lead nowhere from a chat.
    """
    clean = _LOCAL_LINK.sub(r"\1", _IMAGE.sub("", _COMMENT.sub("", markdown)))
    sections: list[Section] = []
    title = doc_name
    blocks: list[Block] = []
    for block in [*_blocks(clean), Block(Form.HEADING, "")]:
        if block.form is not Form.HEADING:
            blocks.append(block)
            continue
        if blocks:
            sections.append(Section(doc_name, title=title, blocks=tuple(blocks)))
        title, blocks = block.text.strip("#= \n-"), []
    return sections


def _blocks(markdown: str) -> Iterator[Block]:
    lines = markdown.splitlines()
    parser = MarkdownIt("commonmark").enable("table")
    for token in parser.parse(markdown):
        if token.level == 0 and token.map is not None and token.info != TRANSCRIPT:
            yield Block(_FORMS.get(token.type, Form.OTHER), text=_source(token, lines))


def _source(token: Token, lines: list[str]) -> str:
    start, end = token.map or (0, 0)
    return "\n".join(lines[start:end]).strip("\n")
