import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.blocks import DELIMITER, MAX_DEPTH, Item, Kind, scan
from tests.unit.core.documents import PARSER, documents

NOISE = st.text(alphabet="ab1.) \n\t`~*_|-#>=:", max_size=200)


def kinds(text: str) -> list[Kind]:
    return [line.kind for line in scan(text)]


@given(NOISE)
def test_lines_join_to_the_text(text: str) -> None:
    assert "".join(text[line.start : line.end] for line in scan(text)) == text


@given(NOISE)
def test_whole_lines_are_read_without_looking_ahead(text: str) -> None:
    lines = scan(text)
    for index, line in enumerate(lines):
        assert scan(text[: line.end]) == lines[: index + 1]


@settings(deadline=None)
@given(documents())
def test_code_and_tables_are_where_a_whole_parser_finds_them(text: str) -> None:
    code: set[int] = set()
    tables: set[int] = set()
    for token in PARSER.parse(text):
        if token.map is not None and token.type == "fence":
            code |= set(range(*token.map))
        if token.map is not None and token.type == "tbody_open":
            tables |= set(range(*token.map))
    fenced = {Kind.FENCE, Kind.CODE, Kind.FENCE_END}
    lines = list(enumerate(scan(text)))
    assert {index for index, line in lines if line.kind in fenced} == code
    assert {index for index, line in lines if line.kind is Kind.ROW} == tables


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb", [Kind.TEXT, Kind.TEXT]),
        ("> a\nb", [Kind.TEXT, Kind.LAZY]),
        ("> a\n# b", [Kind.TEXT, Kind.HEADING]),
        ("a\n===", [Kind.TEXT, Kind.UNDERLINE]),
        ("\n---", [Kind.BLANK, Kind.RULE]),
        ("- - -", [Kind.RULE]),
        ("    a", [Kind.INDENTED]),
        ("a\n    b", [Kind.TEXT, Kind.TEXT]),
        ("-     a", [Kind.INDENTED]),
        ("- a\n\n  b\nc", [Kind.TEXT, Kind.BLANK, Kind.TEXT, Kind.LAZY]),
        ("```\n    ```\n```", [Kind.FENCE, Kind.CODE, Kind.FENCE_END]),
        ("````\n```\n````", [Kind.FENCE, Kind.CODE, Kind.FENCE_END]),
        ("``` a`b", [Kind.TEXT]),
        ("> ```\na", [Kind.FENCE, Kind.TEXT]),
        (
            "| a |\n|---|\n| b |\nc\n\nd",
            [*([Kind.TEXT, Kind.DELIMITER] + [Kind.ROW] * 2), *([Kind.BLANK, Kind.TEXT])],
        ),
        ("| a |\n|---|---|", [Kind.TEXT, Kind.TEXT]),
        ("a \\| b | c\n---|---", [Kind.TEXT, Kind.DELIMITER]),
        ("-", [Kind.BLANK]),
        ("*a", [Kind.TEXT]),
    ],
)
def test_kinds_of_lines(text: str, expected: list[Kind]) -> None:
    assert kinds(text) == expected


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1. a\n1. b\n1. c", [1, 2, 3]),
        ("7. a\n9. b", [7, 8]),
        ("1. a\n\npara\n\n1. b", [1, 1]),
        ("1. a\n1) b", [1, 1]),
        ("1. a\n   1. x\n1. b\n   1. y", [1, 1, 2, 1]),
        ("a\n2. b", []),
        ("a\n1. b", [1]),
        ("a\n1.", []),
        ("- a\n1. b", [None, 1]),
        ("> a\n- 2. b", [None, 2]),
    ],
)
def test_numbers_are_those_a_reader_sees(text: str, numbers: list[int | None]) -> None:
    opened = [line.containers[line.kept :] for line in scan(text)]
    items = [item for containers in opened for item in containers if isinstance(item, Item)]
    assert [item.number for item in items] == numbers


def test_nesting_has_a_bound() -> None:
    (line,) = scan("> " * 100)
    assert len(line.containers) == MAX_DEPTH


def test_lines_touch() -> None:
    assert all(one.end == other.start for one, other in pairwise(scan("a\n\nb\n")))


def test_the_line_under_a_tables_head_is_read_in_one_go() -> None:
    """Going back over the spaces at its end would take hours."""
    for space in ("\t", " "):
        assert DELIMITER.match("-" + space * 1_000_000 + "x") is None
        assert DELIMITER.match("-|" + space * 1_000_000) is not None


@given(st.text(alphabet=" |-:x", max_size=12))
def test_the_line_under_a_tables_head_has_dashes_between_bars(line: str) -> None:
    cells = line.strip(" ").removeprefix("|").removesuffix("|").split("|")
    dashes = [cell.strip(" ") for cell in cells]
    assert bool(DELIMITER.match(line)) == all(re.fullmatch(":?-+:?", cell) for cell in dashes)
