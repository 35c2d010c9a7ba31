"""What belongs before a question, and in which order."""

from hypothesis import given
from hypothesis import strategies as st

from bot.core.history import Said
from bot.core.thread import Past, between_people, in_order

BOT, ANN, BEN = "UBOT", "U1", "U2"


def ask(number: int) -> Said:
    return Said(ANN, f"question {number}")


def answer(number: int, *, turn_id: int | None = None) -> Said:
    return Said(BOT, f"answer {number}", turn_id or number)


def told(found: dict[str, Said], past: Past) -> list[str]:
    return [said.text for said in in_order(found, past)]


@given(st.permutations(["11.000000", "12.000000", "13.000000", "14.000000"]))
def test_replies_stand_behind_what_they_answer_however_late_they_were_posted(
    posted: list[str],
) -> None:
    found = {f"{number}.000000": ask(number) for number in (1, 2, 9, 10)}
    found |= {ts: answer(number) for ts, number in zip(posted, (1, 2, 9, 10), strict=True)}
    past = Past("10.000000", questions={n: f"{n}.000000" for n in (1, 2, 9, 10)})
    assert told(found, past) == [
        f"{word} {number}" for number in (1, 2, 9) for word in ("question", "answer")
    ]


def test_an_answer_given_once_more_stands_where_its_question_does() -> None:
    found = {"1.0": ask(1), "1.5": answer(1, turn_id=7), "2.0": ask(2), "9.0": answer(2, turn_id=8)}
    questions = {1: "1.0", 2: "2.0", 7: "1.0", 8: "2.0"}
    assert told(found, Past("2.0", questions=questions)) == ["question 1", "answer 1"]
    assert told(found, Past("1.0", questions=questions)) == []


def test_the_pages_of_a_reply_keep_their_order_across_what_was_said_between_them() -> None:
    found = {
        "1.0": ask(1),
        "1.000002": Said(BOT, "page 1", 1),
        "1.000003": Said(BEN, "hm"),
        "1.000010": Said(BOT, "page 2", 1),
    }
    past = Past("2.0", questions={1: "1.0"})
    assert told(found, past) == ["question 1", "page 1", "page 2", "hm"]


def test_what_is_forgotten_stays_so_and_so_does_a_reply_that_came_later() -> None:
    found = {"1.0": ask(1), "3.0": Said(BEN, "since then"), "4.0": answer(1)}
    past = Past("5.0", since_ts="2.0", questions={1: "1.0"})
    assert told(found, past) == ["since then"]
    assert told(found, Past("5.0", since_ts="3.0")) == ["answer 1"]  # whose question is not known


def test_a_reply_whose_question_is_not_known_stands_where_it_was_posted() -> None:
    found = {"2.0": answer(1), "1.0": ask(1), "3.0": ask(2), "20.0": answer(2)}
    assert told(found, Past("10.0")) == ["question 1", "answer 1", "question 2"]


def test_what_the_bot_said_or_was_told_is_not_said_between_people() -> None:
    between = [Said(BEN, "to <@U1>"), Said("", "an alert"), Said(BEN, "", files=("a.png",))]
    with_bot = [Said(ANN, "<@UBOT|bot> hello"), Said(BOT, "Hi"), Said("", "page", 3)]
    assert between_people([*with_bot, *between, *with_bot], bot_user_id=BOT) == between
