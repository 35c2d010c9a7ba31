import re
import time
import unicodedata
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.core.answer import Source
from bot.core.pages import PAGE_BYTES, Page, pages, split
from tests.unit.core.documents import documents, reading, shown

LIVE = re.compile(r"<[!@#]")
SOURCES = (Source("1", "Guide", "https://example.com/guide"), Source("2", "手册.pdf"))
NOISE = st.text(alphabet="ab中 \n\n`~*_|-#>[]()<!@.1+é👩‍🇩\u0301", max_size=900)

thorough = settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def texts(markdown: str, *, limit_bytes: int = PAGE_BYTES) -> list[str]:
    return [page.text for page in split(markdown, limit_bytes=limit_bytes)]


@thorough
@given(documents(), st.integers(300, 1500))
def test_readers_of_all_pages_see_exactly_the_whole(document: str, limit_bytes: int) -> None:
    assert reading(texts(document, limit_bytes=limit_bytes)) == reading([document])


@thorough
@given(st.one_of(documents(), NOISE), st.integers(200, 1500))
def test_bodies_join_to_the_text_and_pages_keep_the_limit(markdown: str, limit_bytes: int) -> None:
    made = split(markdown, limit_bytes=limit_bytes)
    assert "".join(page.body for page in made) == markdown
    assert all(len(page.text.encode()) <= limit_bytes for page in made)
    assert all(page.body for page in made) or not markdown


@thorough
@given(st.one_of(documents(), NOISE), st.integers(200, 600))
def test_nothing_a_page_opens_is_left_open(markdown: str, limit_bytes: int) -> None:
    for page in texts(markdown, limit_bytes=limit_bytes):
        assert shown(f"{page}\n\nend", headers=set())[-3:] == [(char, ()) for char in "end"]


def prefixes(text: str) -> list[str]:
    return [text[:end] for end in range(len(text) + 1)]


@settings(thorough, max_examples=40)
@given(st.one_of(documents(most=6), NOISE), st.integers(200, 400))
def test_pages_before_the_last_never_change_while_a_text_grows(text: str, limit_bytes: int) -> None:
    made = [split(prefix, limit_bytes=limit_bytes) for prefix in prefixes(text)]
    for shorter, longer in pairwise(made):
        assert longer[: len(shorter) - 1] == shorter[:-1]
        assert longer[len(shorter) - 1].body.startswith(shorter[-1].body[:0])


@settings(thorough, max_examples=40)
@given(st.one_of(documents(most=5), NOISE), st.integers(200, 400))
def test_messages_before_the_last_never_change_while_an_answer_grows(
    text: str, limit_bytes: int
) -> None:
    made = [
        pages(prefix, sources=SOURCES, finished=False, limit_bytes=limit_bytes)
        for prefix in prefixes(text)
    ]
    for shorter, longer in pairwise(made):
        assert longer[: len(shorter) - 1] == shorter[:-1]
        assert len(longer) >= len(shorter)
        assert all(len(page.encode()) <= limit_bytes for page in longer)


@settings(thorough, max_examples=40)
@given(documents(most=4), st.integers(200, 400))
def test_every_moment_of_an_answer_shows_whole_blocks(text: str, limit_bytes: int) -> None:
    for prefix in prefixes(text)[::3]:
        for page in pages(prefix, sources=(), finished=False, limit_bytes=limit_bytes):
            assert shown(f"{page}\n\nend", headers=set())[-3:] == [(char, ()) for char in "end"]
            seen = "".join(char for char, path in shown(page, headers=set()) if "code" not in str(path))
            assert "**" not in seen
            assert "](" not in seen
            assert "|-" not in seen
