"""What is said of files that are left out."""

from hypothesis import given
from hypothesis import strategies as st

from bot.core.file_refusals import NAMES_MOST, NO_IMAGES, NO_WAY, TOO_LARGE, refusal, sentences
from bot.core.files import NAME_CHARS_MOST, FileNote
from bot.core.language import Language, Phrase

PHRASES = st.sampled_from([NO_IMAGES, NO_WAY, TOO_LARGE])


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
