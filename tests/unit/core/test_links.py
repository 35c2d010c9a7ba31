"""Links say where they lead."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.answer import Source
from bot.core.citations import list_sources
from bot.core.links import lying_host, tell_hosts
from bot.core.markdown import render
from tests.unit.core.documents import PARSER

HOSTS = ["bank.com", "www.bank.com", "evil.com", "login.bank.com", "bank.com.evil.com"]
PIECES = [
    "[",
    "]",
    "(",
    ")",
    "](https://evil.com/x",
    "bank.com",
    "https://bank.com",
    " ",
    '"',
    "<",
    ">",
]


@given(st.sampled_from(HOSTS), st.sampled_from(HOSTS), st.sampled_from(["", "https://"]))
def test_a_link_tells_its_host_exactly_when_its_words_name_another(
    said: str, real: str, scheme: str
) -> None:
    link = f"[{scheme}{said}](https://{real}/x)"
    bare, name = real.removeprefix("www."), said.removeprefix("www.")
    leads_there = bare == name or bare.endswith(f".{name}")
    assert tell_hosts(link) == (link if leads_there else f"{link} → {bare}")


@pytest.mark.parametrize(
    "link",
    [
        "[see https://bank.com now](https://evil.com)",
        "[[https://bank.com]](https://evil.com)",
        r"[https://bank.com \[x](https://evil.com)",
        "[https://bank.com](<https://evil.com>)",
        "[https://bank.com](https://bank.com@evil.com)",
        "[https://bank.com](HTTPS://www.evil.com:443?bank.com)",
        "[https://bank.com](<https://evil.com/a)b c>)",
        '[https://bank.com](https://evil.com "bank \\" (x)")',
        "[**bank.com**](https://evil.com)",
        "[ok](https://ok.example) [bank.com](https://evil.com)",
        "](https://evil.com)",
    ],
)
def test_however_a_link_is_written_it_does_not_lie(link: str) -> None:
    assert tell_hosts(link) == f"{link} → evil.com"


@pytest.mark.parametrize("end", ["/a_(b))", " (a title))"])
def test_a_lying_link_with_parentheses_is_no_link_any_more(end: str) -> None:
    told = tell_hosts(f"[https://bank.com](https://evil.com{end}")
    assert told.endswith(") → evil.com)")
    assert "<a" not in PARSER.render(told)


@pytest.mark.parametrize(
    "link",
    [
        "[the guide](https://example.com/guide)",
        "[README.md](https://example.com/README.md)",
        "[https://example.com/a](https://example.com/b)",
        "[example.com](https://docs.example.com)",
        "bank.com and [more](https://example.com)",
        "[a](/path) [b](mailto:a@b.com) https://a.com",
    ],
)
def test_an_honest_link_stays_as_it_is(link: str) -> None:
    assert tell_hosts(link) == link


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_a_link_is_told_of_without_changing_what_was_shown(line: str) -> None:
    moments = [tell_hosts(line[:end]) for end in range(len(line) + 1)]
    assert all(longer.startswith(shorter) for shorter, longer in pairwise(moments))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a ` <https://evil.com|bank>", "a ` <https://evil.com> (bank)"),
        ("a ` [bank.com](https://evil.com)", "a ` [bank.com](https://evil.com) → evil.com"),
    ],
)
def test_a_lone_backtick_hides_no_lie(text: str, shown: str) -> None:
    assert render(text, sources=(), finished=True) == shown


def test_the_title_of_a_source_does_not_lie() -> None:
    source = Source("1", "https://bank.com/login", "https://evil.com/x")
    entry = "- [1] [https://bank.com/login](https://evil.com/x) → evil.com"
    assert list_sources("", sources=(source,)) == entry


def test_an_address_without_a_host_is_no_lie() -> None:
    assert lying_host("bank.com", url="https:///x") == ""
