import codecs
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.admin.csv_files import SHIELD, CsvFile, shielded

TEXT = st.text(st.characters(exclude_categories=["Cs"])) | st.text(
    st.sampled_from("=+-@\t\r\n'\",; ＝中a"), max_size=8
)
ROWS = st.lists(st.lists(TEXT, min_size=3, max_size=3), max_size=8)


def written(rows: list[list[str]], *, rows_most: int = 1_000, bytes_most: int = 10**6) -> CsvFile:
    file = CsvFile(("a", "b", "c"), rows_most=rows_most, bytes_most=bytes_most)
    for row in rows:
        file.add(row)
    return file


def cells(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))


@given(ROWS)
def test_every_text_comes_back_from_the_file(rows: list[list[str]]) -> None:
    read = cells(written(rows).content)
    assert read[0] == ["a", "b", "c"]
    assert [[cell.removeprefix(SHIELD) for cell in row] for row in read[1:]] == rows


@given(ROWS)
def test_no_cell_is_calculated_by_a_spreadsheet(rows: list[list[str]]) -> None:
    for row in cells(written(rows).content)[1:]:
        for cell in row:
            assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n"}
            assert cell.lstrip()[:1] not in {"=", "+", "-", "@", "＝", "＋", "－", "＠"}


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        (" \u3000+1", "' \u3000+1"),
        ("＝1+1", "'＝1+1"),
        ("'x", "''x"),
        ("qwen-plus", "qwen-plus"),
        ("通义", "通义"),
        ("", ""),
    ],
)
def test_only_what_would_be_calculated_is_shielded(text: str, cell: str) -> None:
    assert shielded(text) == cell


def test_a_file_is_what_excel_takes_for_utf_8() -> None:
    file = written([['say "hi"', "一,二", "line\nline"]])
    expected = '\ufeffa,b,c\r\n"say ""hi""","一,二","line\nline"\r\n'
    assert file.content == expected.encode()
    assert file.content.startswith(codecs.BOM_UTF8)


def test_numbers_stay_numbers() -> None:
    file = CsvFile(("n",), rows_most=1, bytes_most=99)
    file.add((-7,))
    assert cells(file.content) == [["n"], ["-7"]]


def test_half_a_character_is_replaced() -> None:
    assert cells(written([["\ud83d!", "", ""]]).content)[1][0] == "?!"


@given(ROWS, st.integers(0, 10), st.integers(20, 60))
def test_a_file_never_outgrows_its_bounds_and_says_when_it_is_cut(
    rows: list[list[str]], rows_most: int, bytes_most: int
) -> None:
    file = written(rows, rows_most=rows_most, bytes_most=bytes_most)
    assert len(file.content) <= bytes_most
    assert file.rows <= rows_most
    assert file.is_cut == (file.rows < len(rows))
    kept = cells(file.content)[1:]
    assert [[cell.removeprefix(SHIELD) for cell in row] for row in kept] == rows[: file.rows]
