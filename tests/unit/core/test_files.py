"""What a file is and what it may be called."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.files import (
    EXTERNAL,
    FORMATS,
    NAME_CHARS_MOST,
    Family,
    FileNote,
    decoded,
    format_of,
    note_of,
    plain_name,
)

TOLD: dict[str, Any] = {
    "id": "F1",
    "name": "a.png",
    "title": "Holidays",
    "mimetype": "image/png",
    "filetype": "png",
    "size": 1234,
    "mode": "hosted",
    "is_external": False,
    "url_private": "https://files.slack.com/F1",
    "url_private_download": "https://files.slack.com/F1/download",
}
NOTE = FileNote("F1", mode="hosted")
PARTS = st.one_of(
    st.text(),
    st.sampled_from(
        ["../", "..\\", "/", "\n", "\u202e", "\u200f", ".", "<!here>", "```", "[x](y)"]
    ),
)
NAMES = st.lists(PARTS).map("".join)


@given(NAMES)
def test_a_plain_name_is_one_short_harmless_line(name: str) -> None:
    plain = plain_name(name)
    assert 0 < len(plain) <= NAME_CHARS_MOST
    assert plain.isprintable()
    assert plain == plain.strip()
    assert not plain.startswith(".")
    assert not plain.endswith(".")
    assert not set('/\\<>[]`"|*~') & set(plain)


@given(NAMES)
def test_a_plain_name_is_plain_already(name: str) -> None:
    plain = plain_name(name)
    assert plain_name(plain) == plain


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("report (1).pdf", "report (1).pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\plan.docx", "plan.docx"),
        ("two\nlines\r\n.txt", "two lines .txt"),
        ("gpj\u202e.exe", "gpj .exe"),
        ("..", "file"),
        ("/", "file"),
        ("", "file"),
        (".env", "env"),
        ("<!channel>.md", "!channel .md"),
        ("季度报告.xlsx", "季度报告.xlsx"),
        ("x" * 200 + ".pdf", "x" * 76 + ".pdf"),
        ("x" * 200 + "." + "y" * 200, "x" * 80),
        ("x" * 79 + "." + "y" * 200, "x" * 79),
    ],
)
def test_what_remains_of_a_name(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_slacks_words_for_a_file_are_read() -> None:
    assert note_of(TOLD) == FileNote(
        file_id="F1",
        name="a.png",
        mimetype="image/png",
        filetype="png",
        size_bytes=1234,
        mode="hosted",
        url="https://files.slack.com/F1/download",
    )


def test_a_file_of_which_an_event_tells_the_id_alone_must_be_looked_up() -> None:
    note = note_of({"id": "F1", "mode": "file_access", "file_access": "check_file_info"})
    assert note is not None
    assert note.must_be_looked_up
    assert FileNote("F1").must_be_looked_up
    assert not NOTE.must_be_looked_up


def test_a_file_kept_elsewhere_is_told_by_its_mode() -> None:
    note = note_of({**TOLD, "is_external": True})
    assert note is not None
    assert note.mode == EXTERNAL


@given(
    st.dictionaries(
        st.sampled_from([*TOLD]),
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text())),
    )
)
def test_no_description_breaks_the_reading(told: dict[str, Any]) -> None:
    note = note_of({**TOLD, **told})
    assert note is None or note.size_bytes is None or note.size_bytes >= 0
    assert note is None or format_of(note) is None or note.file_id


@pytest.mark.parametrize("entry", [None, "F1", [], {}, {"id": ""}, {"id": "../F1"}, {"id": 7}])
def test_what_has_no_id_is_no_file(entry: object) -> None:
    assert note_of(entry) is None


@pytest.mark.parametrize(
    ("mimetype", "name", "ending"),
    [
        ("image/png", "holiday", "png"),
        ("image/jpeg", "x.JPEG", "jpg"),
        ("", "x.JPEG", "jpg"),
        ("application/pdf", "x.png", "pdf"),
        ("application/octet-stream", "plan.docx", "docx"),
        ("text/plain", "notes.pdf", "txt"),
        ("text/markdown", "notes.markdown", "md"),
        ("text/csv", "table.csv", "txt"),
        ("application/json", "x", "txt"),
        ("application/ld+json", "x", "txt"),
        ("image/svg+xml", "x.svg", "txt"),
        ("application/octet-stream", "main.rs", "txt"),
        ("video/mp4", "x.png", None),
        ("application/zip", "x.zip", None),
        ("application/octet-stream", "x.exe", None),
        ("image/gif", "x.gif", None),
        ("", "", None),
    ],
)
def test_the_kind_is_what_slack_says_and_else_what_the_name_says(
    mimetype: str, name: str, ending: str | None
) -> None:
    found = format_of(replace(NOTE, mimetype=mimetype, name=name))
    assert (found and found.ending) == ending


def test_without_an_ending_slacks_word_counts() -> None:
    found = format_of(replace(NOTE, name="Untitled", filetype="python"))
    assert found is not None
    assert found.family is Family.TEXT


def test_nothing_is_served_as_something_a_browser_would_run() -> None:
    runs = ("html", "xml", "svg", "script", "xhtml")
    assert not [each for each in FORMATS.values() if each.mimetype.endswith(runs)]


@pytest.mark.parametrize(
    ("mimetype", "name", "is_html"),
    [
        ("text/html", "a", True),
        ("text/plain", "a.html", True),
        ("", "a.htm", True),
        ("image/png", "a.html", False),
        ("text/plain", "a.txt", False),
    ],
)
def test_only_a_web_page_may_come_as_one(mimetype: str, name: str, is_html: bool) -> None:
    assert replace(NOTE, mimetype=mimetype, name=name).is_html is is_html


LINES = st.text(st.characters(codec="gb18030", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf"]))


@given(LINES, st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_text_is_read_in_the_ways_it_is_written(line: str, encoding: str) -> None:
    assert decoded(line.encode(encoding)) == line


def test_a_chinese_spreadsheet_is_read() -> None:
    assert decoded("姓名,数量\r\n张三,3\r\n".encode("gb18030")) == "姓名,数量\n张三,3"


@given(st.binary())
def test_no_bytes_break_the_reading_and_no_control_character_gets_through(content: bytes) -> None:
    text = decoded(content)
    assert text is None or not set(text) & set(map(chr, [*range(9), *range(14, 27)]))


def test_a_picture_is_no_text() -> None:
    assert decoded(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR") is None
