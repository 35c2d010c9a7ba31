"""The messages of a thread -> what was said in it before a question, in the order of the turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.core.history import Said, is_own
from bot.core.messages import mentioned_users

Moment = tuple[int, int]
"""Seconds and microseconds."""


@dataclass(frozen=True, slots=True)
class Past:
    """The part of a thread that lies before a question.

    Attributes:
        question_ts: The question; neither it nor what follows it is part.
        since_ts: Neither this moment nor what was before it is part; empty for all of the thread.
        questions: The ts of the question each turn answers, by the turn's id, as far as known.
    """

    question_ts: str
    since_ts: str = ""
    questions: Mapping[int, str] = field(default_factory=dict[int, str])


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a thread.

    Attributes:
        said: In the order of the turns.
        reaches_end: Nothing is missing between what was said last in it and the question.
    """

    said: Sequence[Said]
    reaches_end: bool = True


def moment(ts: str) -> Moment:
    """Return what messages are ordered by."""
    seconds, _, micros = ts.partition(".")
    return int(seconds), int(micros or 0)


def in_order(found: Mapping[str, Said], past: Past) -> list[Said]:
    """Return what was said in the past, each reply behind the question it answers.

    A reply belongs to the moment of its question: it may be posted when the next question stands
    there already, and answered once more long after.

    Args:
        found: Messages by ts, in any order.
        past: What is wanted of them.
    """
    first, end = moment(past.since_ts or "0"), moment(past.question_ts)

    def place(ts: str) -> tuple[Moment, bool, Moment]:
        turn_id = found[ts].turn_id
        question_ts = None if turn_id is None else past.questions.get(turn_id)
        return moment(question_ts or ts), question_ts is not None, moment(ts)

    placed = sorted((place(ts), ts) for ts in found)
    return [found[ts] for (at, _, _), ts in placed if first < at < end]


def between_people(said: Sequence[Said], *, bot_user_id: str) -> list[Said]:
    """Return what was not said by the bot, nor to it."""
    return [
        one
        for one in said
        if not is_own(one, bot_user_id) and bot_user_id not in mentioned_users(one.text)
    ]
