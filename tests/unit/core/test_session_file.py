"""Files of sessions: names, sizes, states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.session_file import Readiness, file_problem, readiness


@pytest.mark.parametrize(
    ("name", "size_bytes"),
    [
        ("a.md", 1),
        ("report.PDF", 100_000_000),
        ("photo.jpeg", 20_000_000),
        ("talk.mp4", 512_000_000),
        ("说明.docx", 10),
        ("a" * 124 + ".txt", 10),
    ],
)
def test_a_named_file_within_its_kinds_size_is_taken(name: str, size_bytes: int) -> None:
    assert file_problem(name, size_bytes=size_bytes) is None


@pytest.mark.parametrize(
    ("name", "size_bytes"),
    [
        ("a.c", 1),
        ("readme", 1),
        (".env", 1),
        ("a" * 125 + ".txt", 1),
        ("../etc/passwd.txt", 1),
        ("a.md", 0),
        ("report.pdf", 100_000_001),
        ("photo.png", 20_000_001),
        ("talk.mp4", 512_000_001),
    ],
)
def test_every_other_file_is_refused(name: str, size_bytes: int) -> None:
    assert file_problem(name, size_bytes=size_bytes) is not None


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("FILE_IS_READY", Readiness.READY),
        ("SAFE_CHECK_FAILED", Readiness.UNSAFE),
        ("PARSE_FAILED", Readiness.FAILED),
        ("INDEX_BUILDING_FAILED", Readiness.FAILED),
        ("INDEX_DELETED", Readiness.FAILED),
        ("FILE_EXPIRED", Readiness.FAILED),
        ("INIT", Readiness.WAITING),
        ("PARSE_SUCCESS", Readiness.WAITING),
        ("", Readiness.WAITING),
    ],
)
def test_a_state_says_whether_to_ask_to_wait_or_to_give_up(state: str, expected: Readiness) -> None:
    assert readiness(state) is expected


@given(st.text(), st.integers())
def test_no_name_makes_it_fail(name: str, size_bytes: int) -> None:
    file_problem(name, size_bytes=size_bytes)
