import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.answer import Source
from bot.core.citations import TITLE_CHARS, list_sources
from tests.unit.core.documents import PARSER

GUIDE = Source("1", "Guide", "https://example.com/guide")
MANUAL = Source("2", "Manual")


def listed(text: str, *sources: Source) -> list[str]:
    return list_sources(text, sources=sources).split("\n")


def test_only_cited_sources_are_listed() -> None:
    assert listed("Yes<ref>[2]</ref>", GUIDE, MANUAL) == ["- [2] Manual"]


def test_all_sources_are_listed_when_none_is_cited() -> None:
    assert listed("Yes", GUIDE, MANUAL) == [
        "- [1] [Guide](https://example.com/guide)",
        "- [2] Manual",
    ]


def test_without_sources_nothing_is_listed() -> None:
    assert list_sources("Yes<ref>[1]</ref>", sources=()) == ""


def test_one_document_under_two_numbers_is_one_entry() -> None:
    again = Source("3", "Guide", "https://example.com/guide")
    assert listed("", GUIDE, MANUAL, again, GUIDE) == [
        "- [1] [3] [Guide](https://example.com/guide)",
        "- [2] Manual",
    ]


@pytest.mark.parametrize(
    ("url", "entry"),
    [
        ("javascript:alert(1)", "Guide"),
        ("file:///etc/passwd", "Guide"),
        ("https://", "Guide"),
        ("https://a.b/" + "c" * 2000, "Guide"),
        (" HTTP://a.b/c d ", "[Guide](HTTP://a.b/c%20d)"),
        ("https://a.b/(c)<d>|e", "[Guide](https://a.b/%28c%29%3Cd%3E%7Ce)"),
        ("https://a.b/%28?q=1&r=中", "[Guide](https://a.b/%28?q=1&r=%E4%B8%AD)"),
    ],
)
def test_only_web_addresses_are_linked(url: str, entry: str) -> None:
    assert listed("", Source("1", "Guide", url)) == [f"- [1] {entry}"]


def test_a_source_without_title_shows_its_address() -> None:
    assert listed("", Source("1", " ", "https://a.b/c")) == ["- [1] [https://a.b/c](https://a.b/c)"]


def test_a_long_title_is_cut() -> None:
    assert listed("", Source("1", "x" * 999)) == [f"- [1] {'x' * TITLE_CHARS}…"]


@given(st.text(alphabet="ab <>[]()`*_~\\|!@#&\n\r\t中", max_size=60))
def test_no_title_breaks_out_of_its_link(title: str) -> None:
    (entry,) = listed("", Source("1", f"x{title}x", "https://a.b/c"))
    html = PARSER.render(entry)
    assert html.count("<a href=") == 1
    assert '[1] <a href="https://a.b/c">x' in html
    assert html.count("<li>") == 1
    assert "x</a></li>" in html
    assert "<!" not in entry
