from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.answer import Source
from bot.core.pages import PAGE_BYTES, pages, split
from tests.unit.core.documents import documents, long_document, reading, shown

SOURCES = (Source("1", "Guide", "https://example.com/guide"), Source("2", "手册.pdf"))
NOISE = st.text(alphabet="ab中 \n\n`~*_|-#>[]()<!@.1+é👩‍🇩\u0301", max_size=900)

thorough = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
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


LIVE = ("<!here>", "<!channel|x>", "<!subteam^S1>", "<@U12>", "<#C12|c>", "```\n", "`", "word ")


@settings(thorough, max_examples=60)
@given(st.lists(st.sampled_from(LIVE), max_size=120).map("".join), st.booleans())
def test_no_mention_is_live_on_any_page_or_across_two(text: str, finished: bool) -> None:
    made = pages(text, sources=SOURCES, finished=finished, limit_bytes=200)
    assert not {token for token in LIVE[:5] if token in "".join(made)}


def prefixes(text: str) -> list[str]:
    return [text[:end] for end in range(len(text) + 1)]


@settings(thorough, max_examples=25)
@given(st.one_of(documents(most=6), NOISE), st.integers(200, 400))
def test_pages_before_the_last_never_change_while_a_text_grows(text: str, limit_bytes: int) -> None:
    made = [split(prefix, limit_bytes=limit_bytes) for prefix in prefixes(text)]
    for shorter, longer in pairwise(made):
        assert longer[: len(shorter) - 1] == shorter[:-1]
        assert longer[len(shorter) - 1].body.startswith(shorter[-1].body[:0])


def test_a_fence_that_begins_on_a_full_page_does_not_move_the_page_before_it() -> None:
    text = f"{'p' * 90} end.\n\n{'q' * 99}.\n\n```python\nx = 1\n```\n"  # 199 before the fence
    made = [split(prefix, limit_bytes=200) for prefix in prefixes(text)]
    for shorter, longer in pairwise(made):
        assert longer[: len(shorter) - 1] == shorter[:-1]


@pytest.mark.parametrize("chars", range(80, 90))
def test_a_second_fence_on_a_full_page_does_not_move_the_page_before_it(chars: int) -> None:
    text = f"```\nx = 1\n```\n\n{'p' * 90}.\n\n{'q' * chars}.\n\n```\ny = 2\n```\n"
    made = [split(prefix, limit_bytes=200) for prefix in prefixes(text)]
    for shorter, longer in pairwise(made):
        assert longer[: len(shorter) - 1] == shorter[:-1]


@pytest.mark.parametrize("before", ["short\n", "> quoted\n> ", f"# {'h' * 191}\n"])
def test_a_fences_first_line_that_fills_a_page_moves_nothing_while_it_grows(before: str) -> None:
    text = f"{before}   ~~~~~~~~~~{'py ' * 60}{'字' * 30}\nx = 1\n"
    made = [split(prefix, limit_bytes=200) for prefix in prefixes(text)]
    for shorter, longer in pairwise(made):
        assert longer[: len(shorter) - 1] == shorter[:-1]
        assert all(len(page.text.encode()) <= 200 for page in longer)


def test_a_page_that_must_end_within_a_fences_first_line_has_room_to_close_it() -> None:
    text = f"# {'h' * 90}\n```{'py ' * 60}\nx = 1\n```\n"
    assert all(len(page.text.encode()) <= 200 for page in split(text, limit_bytes=200))


@pytest.mark.parametrize("indent", [" ", "  ", "   "])
def test_a_page_that_is_full_within_a_fences_indent_leaves_the_fence_to_the_next(
    indent: str,
) -> None:
    text = f"{'q' * 198}\n{indent}```\nx = 1\n{indent}```\n"
    assert texts(text, limit_bytes=200) == ["q" * 198, f"{indent}```\nx = 1\n{indent}```"]


def test_a_page_that_is_full_within_a_fences_mark_leaves_the_fence_to_the_next() -> None:
    text = f"|{'字' * 53} {'字' * 57}aaa字\n - \n-\n\n\n  字aaaaaa\n~~~\nx = 1\n~~~\n"
    for prefix in prefixes(text):
        assert all(len(page.text.encode()) <= 200 for page in split(prefix, limit_bytes=200))


def test_what_cannot_be_cut_goes_to_the_next_page_however_short_the_one_before() -> None:
    link = f"[{'x' * 120}](https://example.com/{'y' * 60})"
    assert texts(f"short\n{link}\n", limit_bytes=210) == ["short", link]


@settings(thorough, max_examples=25)
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


@settings(thorough, max_examples=25)
@given(documents(most=3), st.integers(200, 400))
def test_every_moment_of_an_answer_shows_whole_blocks(text: str, limit_bytes: int) -> None:
    for prefix in prefixes(text)[::7]:
        for page in pages(prefix, sources=(), finished=False, limit_bytes=limit_bytes):
            assert len(page.encode()) <= limit_bytes
            assert shown(f"{page}\n\nend", headers=set())[-3:] == [(char, ()) for char in "end"]
            seen = "".join(char for char, path in shown(page, headers=set()) if "code" not in path)
            assert not {mark for mark in ("**", "](", "~~", "|-") if mark in seen}


def test_half_a_page_of_bold_is_closed_within_the_limit() -> None:
    text = f"{'word ' * 38}**abcdefghijkl"
    for end in range(192, len(text) + 1):
        (page,) = pages(text[:end], sources=(), finished=False, limit_bytes=204)
        assert len(page.encode()) <= 204
        assert page.count("**") in {0, 2}


@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_thousand_characters_stay_whole(seed: int) -> None:
    document = long_document(seed)
    made = split(document)
    assert len(document) >= 100_000
    assert len(made) >= 11
    assert all(len(page.text.encode()) <= PAGE_BYTES for page in made)
    assert reading([page.text for page in made]) == reading([document])


def test_pages_end_between_paragraphs_when_they_can() -> None:
    text = "\n\n".join(["word " * 14 + "end."] * 6)
    assert texts(text, limit_bytes=200) == ["\n\n".join(["word " * 14 + "end."] * 2)] * 3


def test_pages_end_after_sentences_before_words() -> None:
    made = texts("One two three four five. " * 20, limit_bytes=200)
    assert all(page.rstrip().endswith("five.") for page in made)
    made = texts("天地玄黄，宇宙洪荒。" * 20, limit_bytes=200)
    assert all(page.endswith("。") for page in made)


def test_pages_end_between_words_rather_than_within() -> None:
    made = texts("abcdefg " * 60, limit_bytes=200)
    assert {word for page in made for word in page.split()} == {"abcdefg"}


@pytest.mark.parametrize("heading", ["## Heading", "Heading\n---"])
def test_a_heading_never_ends_a_page(heading: str) -> None:
    text = f"{'word ' * 30}\n\n{heading}\n\n{'more ' * 30}"
    first, second = texts(text, limit_bytes=200)
    assert first.split() == ["word"] * 30
    assert second.startswith(heading)


def test_a_tables_header_stays_with_its_first_row() -> None:
    table = "| head | er |\n|---|---|\n" + "| cell | cell |\n" * 5
    first, second = texts(f"{'word ' * 30}\n\n{table}", limit_bytes=200)
    assert "|" not in first
    assert second == table.rstrip()


def test_a_code_fence_that_fits_a_page_is_not_parted() -> None:
    block = "```py\n" + "x = 1\n" * 12 + "```"
    assert texts(f"{'word ' * 26}\n\n{block}\n", limit_bytes=200)[1] == block


def test_a_row_longer_than_a_page_keeps_its_columns() -> None:
    words = [f"long{index}" for index in range(100)]
    table = f"| a | b | c |\n|---|---|---|\n| x | {' '.join(words)} | z |\n"
    made = texts(table, limit_bytes=200)
    rows = [[cell.strip() for cell in page.split("\n")[2].split("|")] for page in made]
    assert {page.split("\n")[1] for page in made} == {"|---|---|---|"}
    assert [row[1] for row in rows] == ["x"] + [""] * (len(rows) - 1)
    assert " ".join(row[2] for row in rows).split() == words
    assert rows[-1][3] == "z"


def test_a_code_line_longer_than_a_page_is_cut_without_loss() -> None:
    line = "".join(f"{index}," for index in range(400))
    made = texts(f"> ```json\n> {line}\n> ```\n", limit_bytes=200)
    assert all(page.startswith("> ```json\n> ") and page.endswith("> ```") for page in made)
    assert "".join(page.split("\n")[1].removeprefix("> ") for page in made) == line


def test_indented_code_longer_than_a_page_stays_code() -> None:
    made = texts("    " + "word " * 100, limit_bytes=200)
    assert all(page.startswith("    word") for page in made)


def test_an_item_longer_than_a_page_goes_on_under_its_number() -> None:
    text = f"7. {'word ' * 60}\n\n   {'more ' * 30}\n8. next"
    made = texts(text, limit_bytes=200)
    assert made[0].startswith("7. word")
    assert all(page.startswith("7. …") for page in made[1:])
    assert made[-1].endswith("\n8. next")


def test_numbers_go_on_where_every_item_was_written_as_one() -> None:
    made = texts("1. some words here\n" * 30, limit_bytes=200)
    assert [int(page.split(".")[0]) for page in made] == [1, 11, 21]


def test_a_language_is_repeated_but_a_long_info_string_is_not() -> None:
    rows = "x = 1\n" * 60
    assert texts(f"```py\n{rows}```", limit_bytes=200)[1].startswith("```py\nx")
    assert texts(f"```{'py' * 30}\n{rows}```", limit_bytes=200)[1].startswith("```\nx")


def test_a_header_of_half_a_page_is_not_repeated() -> None:
    header = f"| {'h' * 90} |\n|---|\n"
    made = texts(header + "| cell |\n" * 40, limit_bytes=200)
    assert made[0].startswith(header)
    assert made[1].startswith("| cell |\n| cell |")


@pytest.mark.parametrize(
    "cluster",
    [
        "👩‍👩‍👧‍👦",
        "🇩🇪",
        "e\u0301\u0302",
        "👍🏽",
        "\u1100\u1161\u11a8",
        "🏴\U000e0067\U000e0062\U000e007f",
    ],
)
def test_no_character_is_broken_where_nothing_else_can_be_cut(cluster: str) -> None:
    for shift in range(4):
        text = "a" * shift + cluster * 80
        made = split(text, limit_bytes=200)
        assert all(page.body.removeprefix("a" * shift).replace(cluster, "") == "" for page in made)


@pytest.mark.parametrize(
    "whole",
    ["&lt;", "[a b](https://example.com/x)", "**bold words**", "`a b c`", "<https://a.b/c>"],
)
def test_nothing_that_belongs_together_is_cut(whole: str) -> None:
    for shift in range(1, len(whole) + 8):
        text = "x" * shift + f" {whole}" * 60
        for page in split(text, limit_bytes=200):
            assert page.body.replace(whole, "").strip("x ") == ""


@pytest.mark.parametrize(
    "text",
    [
        "-" * 999,
        "`" * 999,
        "```" + "x" * 999,
        "[" * 999,
        "a\n" + "=" * 999,
        "> " * 999,
        "```\n" + "`" * 999,
        "| a |\n|" + "-" * 999 + "|",
        "\n" * 999,
        " " * 999,
        "👩‍" * 300,
        "# " * 400,
        "`" * 230 + "\n" + "x\n" * 200,
    ],
)
def test_even_odd_texts_are_cut_without_loss_and_within_the_limit(text: str) -> None:
    made = split(text, limit_bytes=200)
    assert "".join(page.body for page in made) == text
    assert all(len(page.text.encode()) <= 200 for page in made)


def test_a_limit_too_small_for_what_pages_repeat_is_refused() -> None:
    with pytest.raises(ValueError, match="limit_bytes=199"):
        split("text", limit_bytes=199)


def test_nothing_is_one_empty_page() -> None:
    assert [page.text for page in split("")] == [""]


@pytest.mark.parametrize("finished", [True, False])
@pytest.mark.parametrize("text", ["", " \n", "**", "```\n"])
def test_an_answer_without_words_has_no_message(text: str, finished: bool) -> None:
    assert pages(text, sources=SOURCES, finished=finished) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Some **bo", "Some **bo**"),
        ("Some **bold *slant", "Some **bold *slant***"),
        ("Some ***both** one", "Some ***both** one*"),
        ("Some ~~no", "Some ~~no~~"),
        ("Some `co", "Some `co`"),
        ("**a `b* c", "**a `b* c`**"),
        ("# Head **bo", "# Head **bo**"),
        ("- a\n- **b\n  c", "- a\n- **b\n  c**"),
        ("**a\n\nb", "**a\n\nb"),
        ("snake_case and 2 * 3", "snake_case and 2 * 3"),
        (r"\*\*a `b` c", r"\*\*a `b` c"),
        ("**a* b** c", "**a* b** c"),
        ("_a *b_ c", "_a *b_ c"),
        ("```\n**x", "```\n**x\n```"),
        ("- ```py\n  x = 1", "- ```py\n  x = 1\n  ```"),
        ("> ~~~\n> x", "> ~~~\n> x\n> ~~~"),
        ("a\n\n---\n", "a\n\n---"),
    ],
)
def test_what_is_open_is_closed_for_display(text: str, expected: str) -> None:
    assert pages(text, sources=(), finished=False) == (expected,)


def test_sources_end_a_finished_answer() -> None:
    made = pages("Yes<ref>[1]</ref>", sources=SOURCES, finished=True)
    assert made == ("Yes[1]\n\n---\n\n- [1] [Guide](https://example.com/guide)",)


def test_sources_are_not_listed_while_an_answer_grows() -> None:
    assert pages("Yes<ref>[1]</ref> a", sources=SOURCES, finished=False) == ("Yes[1] a",)


def test_an_open_fence_does_not_swallow_the_sources() -> None:
    (page,) = pages("```\nx", sources=SOURCES, finished=True)
    assert page.startswith("```\nx\n```\n\n---\n\n- [1]")


def test_sources_that_do_not_fit_get_a_further_page() -> None:
    text = "word " * 30
    first, second = pages(text, sources=SOURCES, finished=True, limit_bytes=200)
    assert first == text
    assert second == "- [1] [Guide](https://example.com/guide)\n- [2] 手册.pdf"
