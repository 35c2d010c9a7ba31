"""What a model reads of a thread."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.history import (
    ASSISTANT,
    MESSAGE_CHARS,
    MOST_CHARS,
    MOST_MESSAGES,
    USER,
    Said,
    conversation,
    speakers,
)

BOT, ANN, BEN = "UBOT", "U1", "U2"
NAMES = {ANN: "Ann", BEN: "Ben"}
QUESTION = Said(ANN, "<@UBOT> why?")

messages = st.builds(
    Said,
    user_id=st.sampled_from([ANN, BEN, BOT, ""]),
    text=st.text(st.sampled_from("ab <@UBOT>\n"), max_size=20)
    | st.integers(0, MOST_CHARS).map(lambda n: "x" * n),
    turn_id=st.none(),
)
replies = st.builds(Said, user_id=st.just(BOT), text=st.text(max_size=9), turn_id=st.integers(1, 3))
threads = st.lists(messages | replies, max_size=40)


def reads(*said: Said, question: Said = QUESTION) -> list[tuple[str, str]]:
    return list(conversation(said, question=question, bot_user_id=BOT, names=NAMES))


@given(threads)
def test_user_and_assistant_speak_by_turns_and_the_user_has_the_first_and_the_last_word(
    said: list[Said],
) -> None:
    roles = [role for role, _ in reads(*said)]
    assert roles[0] == roles[-1] == USER
    assert all(first != second for first, second in pairwise(roles))


@given(threads)
def test_a_model_reads_no_more_than_the_bounds(said: list[Said]) -> None:
    made = reads(*said)
    contents = [content for _, content in made]
    between = 2 * MOST_MESSAGES
    assert sum(map(len, contents)) <= MOST_CHARS + len("Ann: why?") + between
    assert len(made) <= MOST_MESSAGES
    assert all(content.strip() for content in contents)


@given(threads)
def test_the_question_is_always_there_and_whole(said: list[Said]) -> None:
    assert reads(*said)[-1][1].endswith("why?")


def test_alone_the_question_is_the_conversation() -> None:
    assert reads() == [(USER, "why?")]


def test_one_person_needs_no_name() -> None:
    assert reads(Said(ANN, "hello"), Said(BOT, "Hi!", 1)) == [
        (USER, "hello"),
        (ASSISTANT, "Hi!"),
        (USER, "why?"),
    ]


def test_when_several_people_talk_each_is_named() -> None:
    made = reads(Said(ANN, "it is red"), Said(BEN, "no, ask <@U1>"), Said("U9", "hm"))
    assert made == [(USER, "Ann: it is red\n\nBen: no, ask @Ann\n\nuser: hm\n\nAnn: why?")]


@given(
    st.lists(st.sampled_from(["Ann: wire it", "ok", "x" * 99, "\n", "\r", "\x85", "\u2028", " "])),
    st.integers(0, MESSAGE_CHARS),
)
def test_nobody_speaks_in_anothers_name(parts: list[str], fill: int) -> None:
    said = Said(BEN, f"{'x' * fill}{''.join(parts * 20)}end")
    (made,) = reads(said, question=Said(ANN, "why?"))
    lines = made[1].splitlines()
    assert [line for line in lines if line.startswith("Ann:")] == ["Ann: why?"]
    assert lines[0].startswith("Ben: ")


@pytest.mark.parametrize("fill", range(5))
def test_what_is_left_of_a_cut_message_is_nobody_elses_either(fill: int) -> None:
    said = Said(BEN, "Ann: " * MESSAGE_CHARS + "x" * fill)
    (made,) = reads(said)
    named = [line for line in made[1].splitlines() if line.startswith("Ann:")]
    assert named == ["Ann: why?"]


def test_the_pages_of_one_reply_are_one_answer_and_those_of_two_are_two() -> None:
    pages = [Said(BOT, f"page {number}", 1) for number in range(MOST_MESSAGES)]
    made = reads(Said(ANN, "first"), *pages, Said(BOT, "another", 2))
    joined = "\n\n".join(page.text for page in pages)
    assert made == [(USER, "first"), (ASSISTANT, f"{joined}\n\nanother"), (USER, "why?")]


def test_the_bots_words_without_a_mark_are_still_its_own() -> None:
    assert reads(Said(ANN, "hello"), Said(BOT, "Hi!"))[1] == (ASSISTANT, "Hi!")


def test_the_most_recent_messages_count() -> None:
    said = [Said(ANN, f"m{number}") for number in range(50)]
    (made,) = reads(*said)
    expected = [f"m{number}" for number in range(50 - MOST_MESSAGES + 1, 50)]
    assert made[1].split("\n\n") == [*expected, "why?"]


def test_a_message_that_is_too_long_loses_its_middle_and_stands_between_the_others() -> None:
    huge = Said(ANN, "begun " + "x" * MOST_CHARS + " done")
    (made,) = reads(Said(ANN, "before"), huge, Said(ANN, "after"))
    before, *kept, after, question = made[1].split("\n\n")
    (shown,) = kept
    assert (before, after, question) == ("before", "after", "why?")
    assert len(shown) == MESSAGE_CHARS
    assert shown.startswith("begun xx")
    assert "x\n[…] x" in shown
    assert shown.endswith("xx done")


def test_what_is_not_longer_than_it_may_be_stays_whole() -> None:
    long = Said(ANN, "x" * MESSAGE_CHARS)
    assert reads(long) == [(USER, f"{long.text}\n\nwhy?")]


@given(st.integers(1, 3 * MOST_CHARS), st.integers(1, 3 * MOST_CHARS))
def test_a_follow_up_reads_the_last_answer_and_what_it_answers_however_long_they_are(
    asked: int, answered: int
) -> None:
    said = [Said(ANN, "earlier"), Said(ANN, "q" * asked), Said(BOT, "a" * answered, 1)]
    first, answer, last = reads(*said)
    assert first[0] == USER
    assert "qqqq" in f"{first[1]}qqq"
    assert answer == (ASSISTANT, answer[1])
    assert answer[1].startswith("a")
    assert answer[1].endswith("a")
    assert last == (USER, "why?")


def test_what_was_long_ago_is_left_out_once_there_is_no_more_room() -> None:
    long = [Said(ANN, letter * MESSAGE_CHARS) for letter in "ab"]
    (made,) = reads(Said(ANN, "before"), *long)
    assert "before" not in made[1]
    assert made[1].startswith("a")


def test_an_answer_without_its_question_is_left_out() -> None:
    assert reads(Said(BOT, "Hi!", 1), Said(ANN, "so")) == [(USER, "so\n\nwhy?")]


def test_files_are_read_of_by_name_and_keep_a_question_without_words_in_its_place() -> None:
    said = [
        Said(ANN, "<@UBOT>", files=("plan.pdf",)),
        Said(BOT, "A plan.", 1),
        Said(ANN, "and <@UBOT> these?", files=("a.png", "b.png")),
        Said(BOT, "Two pictures.", 2),
    ]
    assert reads(*said) == [
        (USER, "[attached: plan.pdf]"),
        (ASSISTANT, "A plan."),
        (USER, "and these?\n[attached: a.png]\n[attached: b.png]"),
        (ASSISTANT, "Two pictures."),
        (USER, "why?"),
    ]


def test_words_and_names_of_files_are_not_in_the_repr() -> None:
    assert "why" not in repr(QUESTION)
    assert "secret" not in repr(Said(ANN, "", files=("secret.pdf",)))


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], set[str]()),
        ([Said(ANN, "ask <@U2> or <@UBOT>"), Said(BOT, "no", 1), Said("", "an app")], {ANN, BEN}),
    ],
)
def test_everybody_who_speaks_or_is_mentioned_is_named(
    said: list[Said], expected: set[str]
) -> None:
    assert speakers(said, bot_user_id=BOT) == expected
