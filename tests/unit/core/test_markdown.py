import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.core.answer import Source
from bot.core.markdown import has_visible_text, render
from bot.core.tail import HELD_CHARS
from tests.unit.core.documents import PARSER, documents

SOURCES = (Source("1", "Guide", "https://example.com"), Source("2", "Manual"))
LIVE = re.compile(
    r"<(?:!(?i:here|channel|everyone|group)|!(?i:subteam|date)\^|@[UWB][A-Z0-9]|#[CGD][A-Z0-9])"
)
TAG = re.compile(r"</?ref\s*>", re.IGNORECASE)
PIECES = (
    *("<!here>", "<!channel>", "<!everyone|x>", "<!subteam^S1>", "<!date^1^{date}|x>", "<@U12>"),
    *("<@W1|bob>", "<#C12|general>", "<https://evil.example|bank>", "<https://a.example>"),
    *(
        "<ref>[1]</ref>",
        "<ref> [1][2] </ref>",
        "<REF>[9]</REF>",
        "<ref>[1",
        "</ref>",
        "<r",
        "<ref>",
    ),
    *("`", "``", "```\n", "~~~\n", "\n", "\n\n", "    ", "> ", "- ", "1. ", "## ", "---\n"),
    *("| a | b |\n", "|---|---|\n", "| 1 | 2 |\n", "**", "*", "_", "~~", "[x](", "[x](http://y)"),
    *("[https://bank.com](https://evil.com/a_(b))", "[bank.com", "](https://evil.com", ")"),
    *("[1]", "(", ":", "word ", "中文，", "。", "<", ">", "!", "\\", "é", "\r\n", "\r", "\ufffd"),
)
soups = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)


def shown(text: str, *, sources: tuple[Source, ...] = SOURCES, finished: bool = True) -> str:
    return render(text, sources=sources, finished=finished)


@settings(deadline=None, max_examples=120)
@given(soups)
@example("<<ref>[9]</ref>!here>")
@example("<r<ref>[9]</ref>ef>[1]</ref> ")
@example("`<!here>` and <!he")
def test_no_mention_is_live_and_no_tag_is_seen_at_any_moment(text: str) -> None:
    for end in range(len(text) + 1):
        for finished in (False, True):
            rendered = shown(text[:end], finished=finished)
            assert LIVE.search(rendered) is None
            assert TAG.search(rendered) is None


@settings(deadline=None, max_examples=120)
@given(st.one_of(soups, documents(most=1)))
def test_what_was_shown_stays_while_the_text_grows(text: str) -> None:
    moments = [shown(text[:end], finished=False) for end in range(len(text) + 1)]
    for shorter, longer in pairwise([*moments, shown(text)]):
        assert longer.startswith(shorter)


@settings(deadline=None)
@given(st.text(alphabet="ab|-*[(<`#.1 \n", max_size=3000))
def test_no_more_is_held_back_than_promised(text: str) -> None:
    assert len(shown(text)) - len(shown(text, finished=False)) <= HELD_CHARS


@settings(deadline=None)
@given(documents())
def test_plain_documents_are_shown_as_they_are(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes<ref>[1]</ref>.", "Yes[1]."),
        ("Yes<ref>[1][2]</ref>.", "Yes[1] [2]."),
        ("Yes< ref", "Yes< ref"),
        ("Yes<REF >\n[ 2 ] </Ref>.", "Yes[2]."),
        ("Yes<ref>[7]</ref>.", "Yes."),
        ("Yes<ref>[7][1]</ref>.", "Yes[1]."),
        ("Yes<ref>nonsense</ref>.", "Yes."),
        ("Yes<ref>[1]</ref>(why)", "Yes[1] (why)"),
        ("Yes<ref>[1]</ref>[why](http://a.b)", "Yes[1] [why](http://a.b)"),
        ("Yes<ref>[1, 2]</ref>.", "Yes[1] [2]."),
        ("Yes<ref>[1，2、9]</ref>。", "Yes[1] [2]。"),
        ("Yes<ref>1</ref>.", "Yes[1]."),
        ("Yes<ref>[1][1]</ref><ref>[1]</ref>!", "Yes[1][1]!"),
        ("Yes<ref>[12]</ref>.", "Yes."),
        ("Red<ref>[1]</ref>: it is", "Red[1]\u2060: it is"),
        ("<ref>[1]</ref>: it is", "[1]\u2060: it is"),
        ("[1]: https://a.b/c", "[1]\u2060: https://a.b/c"),
        ("cut<ref>[1", "cut"),
        ("cut<ref>[1]</re", "cut"),
        ("cut<re", "cut"),
        ("2 <", "2 <"),
        ("2 </", "2 </"),
    ],
)
def test_citations_of_a_finished_answer(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize("end", range(1, len("<ref>[1]</ref>")))
def test_a_begun_citation_waits(end: int) -> None:
    assert shown("Yes" + "<ref>[1]</ref>"[:end], finished=False) == "Yes"


def test_without_sources_no_number_is_shown() -> None:
    assert shown("Yes<ref>[1]</ref>. No", sources=(), finished=False) == "Yes. No"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hi <!here>", "hi &lt;!here>"),
        ("a && b < c > d", "a && b < c > d"),
        ("`<!here>` `<!DOCTYPE html>`", "`&lt;!here>` `<!DOCTYPE html>`"),
        ("```\n<@U1> <!-- x -->\n```", "```\n&lt;@U1> <!-- x -->\n```"),
        ("    <#C1>", "    &lt;#C1>"),
        ("<https://evil.example|bank>", "<https://evil.example> (bank)"),
        ("<https://evil.example|ba", "<https://evil.example> (ba"),
        ("<https://fine.example>", "<https://fine.example>"),
        ("**注意：**下一步", "**注意：**\u200a下一步"),
        ("是**“它”**的", "是\u200a**“它”**\u200a的"),
        ("`**注意：**下` **好**的 **开：", "`**注意：**下` **好**的 **开："),
        ("a\r\nb\rc", "a\nb\nc"),
    ],
)
def test_tokens_and_emphasis_of_a_finished_answer(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize("text", ["**注意：**下一步", "是**“它”**的", "**你好。**world"])
def test_loosened_emphasis_is_bold(text: str) -> None:
    assert "<strong>" not in PARSER.render(text)
    assert "<strong>" in PARSER.render(shown(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Some **bo", "Some **bo"),
        ("Some **", "Some "),
        ("Some [te", "Some "),
        ("Some [text](http://exa", "Some "),
        ("Some [text](http://example.com)", "Some [text](http://example.com)"),
        ("Some <https://exa", "Some "),
        ("a\n- ", "a\n"),
        ("a\n- b\n  12.", "a\n- b\n"),
        ("a\n- [ ", "a\n"),
        ("a\n##", "a\n"),
        ("a\n``", "a\n"),
        ("a\n```pyth", "a\n"),
        ("a\n```python\nx\n``", "a\n```python\nx\n"),
        ("a\n```python\nx\n```", "a\n```python\nx\n"),
        ("a\n```python\nx\n```\n", "a\n```python\nx\n```\n"),
        ("```\nif a <!h", "```\nif a "),
        ("    if a <", "    if a "),
        ("a\n\n| x | y |\n", "a\n\n"),
        ("a\n\n| x | y |\n|--", "a\n\n"),
        ("a\n\n| x | y |\n|---|---|\n", "a\n\n| x | y |\n|---|---|\n"),
        ("| x | y |\n|---|---|\n| 1 | 2", "| x | y |\n|---|---|\n"),
        ("x | y\n---|---\n1 | 2", "x | y\n---|---\n"),
        ("| x | y |\nno table", "| x | y |\nno table"),
        ("a\n---", "a\n"),
        ("half\ufffd", "half"),
        ("half\r", "half"),
        ("", ""),
    ],
)
def test_what_has_only_begun_waits(text: str, expected: str) -> None:
    assert shown(text, finished=False) == expected


def test_a_construct_that_does_not_end_is_shown_after_a_while() -> None:
    for begun in ("[", "```", "| ", "```\n```", "- " * 50, "<"):
        text = begun + "x" * HELD_CHARS
        assert shown(text, finished=False) == text


@pytest.mark.parametrize("text", ["a", "中", "```\nx\n```", "- 1", "| a |\n|---|", "👍"])
def test_words_are_visible(text: str) -> None:
    assert has_visible_text(text)


@pytest.mark.parametrize("text", ["", " \n\u200b", "**", "```python\n```", "> ~~~", "---\n", "- "])
def test_marks_alone_are_not_visible(text: str) -> None:
    assert not has_visible_text(text)
