"""What people wrote does nothing in the bot's Markdown."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from bot.admin import marks
from bot.core.mentions import TOKEN_IN_CODE

TEXTS = st.one_of(
    st.text(),
    st.lists(st.sampled_from(["`", "<!here>", "<@U1>", "|", "\n", "a", " "])).map("".join),
)


@given(TEXTS)
def test_a_code_span_is_one_line_and_ends_where_it_should(text: str) -> None:
    shown = marks.code(text, most_chars=40)
    assert shown.startswith("`")
    assert shown.endswith("`")
    assert shown.count("`") == 2
    assert len(shown.splitlines()) == 1
    assert TOKEN_IN_CODE.search(shown) is None


def test_a_long_value_is_cut() -> None:
    assert marks.code("x" * 50, most_chars=10) == f"`{'x' * 9}…`"


@given(TEXTS)
def test_a_cell_never_ends_its_column(text: str) -> None:
    assert "|" not in marks.cell(text).replace("\\|", "")


def test_only_ids_become_mentions() -> None:
    assert marks.user("U1") == "<@U1>"
    assert marks.user("!here") == "`!here`"
    assert marks.channel("C1") == "<#C1>"
    assert marks.channel("C1> <!here") == "`C1> &lt;!here`"


def test_instants_are_told_in_utc() -> None:
    at = datetime(2026, 11, 21, 8, 30, tzinfo=timezone(timedelta(hours=8)))
    assert marks.moment(at) == marks.moment(at.astimezone(UTC)) == "2026-11-21 00:30 UTC"


@given(st.lists(st.text(alphabet="ab", max_size=9)).map("\n".join), st.integers(5, 60))
def test_a_cut_text_keeps_whole_lines_and_says_so(text: str, most: int) -> None:
    shown = marks.cut(text, most_chars=most, ending="…")
    assert len(shown) <= most
    if shown != text:
        kept, _, ending = shown.rpartition("\n")
        assert ending == "…"
        assert kept == "" or text.startswith(f"{kept}\n")
