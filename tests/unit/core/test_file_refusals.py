"""What is said of files that are left out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import file_refusals
from bot.core.file_refusals import (
    NAMES_MOST,
    NO_IMAGES,
    TOO_LARGE,
    UNKNOWN_KIND,
    refusal,
    sentences,
)
from bot.core.files import FORMATS, NAME_CHARS_MOST, Family, FileNote
from bot.core.language import Language, Phrase

PHRASES = st.sampled_from(
    [
        each
        for name, each in vars(file_refusals).items()
        if isinstance(each, Phrase) and name.isupper() and not name.startswith("_")
    ]
)


def test_files_left_out_for_one_reason_are_named_in_one_sentence() -> None:
    left_out = [
        refusal(NO_IMAGES, FileNote("F1", name="a.png")),
        refusal(TOO_LARGE, FileNote("F2", name="b.pdf"), bound="1 MB"),
        refusal(NO_IMAGES, FileNote("F3", name="c.png")),
        refusal(TOO_LARGE, FileNote("F4", name="d.pdf"), bound="2 MB"),
    ]
    assert sentences(left_out, language=Language.EN) == (
        "I left out “a.png”, “c.png”: the app here takes no images.",
        "I left out “b.pdf”: of a file like this I read at most 1 MB.",
        "I left out “d.pdf”: of a file like this I read at most 2 MB.",
    )
    assert sentences(left_out, language=Language.ZH)[0] == (
        "已忽略“a.png”、“c.png”：此处的应用不接受图片。"
    )


def test_of_many_files_a_few_are_named_and_the_others_counted() -> None:
    left_out = [refusal(NO_IMAGES, FileNote(f"F{n}", name=f"{n}.png")) for n in range(5)]
    (sentence,) = sentences(left_out, language=Language.EN)
    assert "“0.png”, “1.png”, “2.png” and 2 more:" in sentence
    (sentence,) = sentences(left_out, language=Language.ZH)
    assert "“2.png”等另外 2 个文件" in sentence


@pytest.mark.parametrize("language", Language)
def test_the_sentence_on_what_cannot_be_read_names_every_format_that_can(
    language: Language,
) -> None:
    (said,) = sentences([refusal(UNKNOWN_KIND, FileNote("F1", name="a.gif"))], language=language)
    named = {ending for ending, each in FORMATS.items() if each.family is not Family.TEXT}
    assert {each.lower() for each in re.findall("[A-Z]{3,}", said)} == named


def test_nothing_left_out_is_nothing_said() -> None:
    assert sentences([], language=Language.EN) == ()


@given(st.lists(st.tuples(PHRASES, st.text()), max_size=30), st.sampled_from(Language))
def test_whatever_files_are_called_a_sentence_is_one_short_line(
    files: list[tuple[Phrase, str]], language: Language
) -> None:
    left_out = [refusal(phrase, FileNote("F1", name=name)) for phrase, name in files]
    said = sentences(left_out, language=language)
    assert len(said) == len({phrase for phrase, _ in files})
    for sentence in said:
        assert len(sentence.splitlines()) == 1
        assert len(sentence) <= 150 + NAMES_MOST * NAME_CHARS_MOST
        assert not {"<", ">", "`", "*"} & set(sentence)
