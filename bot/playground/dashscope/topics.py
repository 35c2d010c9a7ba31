"""What a question is about, earlier questions of its session included."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot.playground.dashscope.answers import Round
from bot.playground.dashscope.words import count_words

NEW_WORD_WEIGHT = 2.0  # in "and on PostgreSQL?" the new word matters more than the old topic
FOLLOW_UP_CHARS = 60  # longer questions stand by themselves
LOOK_BACK = 10  # follow-ups of follow-ups, at most

_MORE = re.compile(
    r"^\W*(?:(?:tell me|say|show me|know) more|more|go on|continue|what else|anything else"
    r"|and\b\W*$|why|how so|really|still|details?|elaborate|for example"
    r"|还有吗?|继续|详细一?点|多说一?点|为什么|然后呢?|举个?例子?)",
    re.IGNORECASE,
)
_FOLLOW_UP = re.compile(
    r"^\W*(?:and|or|but|so|then|also|what about|how about|what if|is it|does it|can it|will it"
    r"|那么?|如果|换成|关于|它)|\b(?:it|they|them|those)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Topic:
    """What to look for.

    Attributes:
        question: The question that named the topic, as it was asked.
        words: Weights for `Library.search`.
        depth: How often more of the same was asked for: so many answers are already told.
        resumed: Whether the topic comes from an earlier question.
    """

    question: str
    words: Mapping[str, float]
    depth: int = 0
    resumed: bool = False


def find_topic(prompt: str, *, history: Sequence[Round]) -> Topic:
    """Return what `prompt` is about.

    A short follow-up ("and on PostgreSQL?", "why?", "tell me more") inherits the topic of the
    question it follows; its own words weigh double.
    """
    asked = [one.question for one in history]
    earlier = [one for one in asked if count_words(one) or _MORE.match(one)][-LOOK_BACK:]
    chain = [prompt]
    while earlier and _follows(chain[0]):
        chain.insert(0, earlier.pop())
    words: Mapping[str, float] = {}
    depth = 0
    for question in chain:
        is_more = len(chain) > 1 and _MORE.match(question) is not None
        depth = depth + 1 if is_more else 0
        if not is_more:
            words = _add(words, count_words(question))
    return Topic(chain[0], words=words, depth=depth, resumed=len(chain) > 1)


def _follows(question: str) -> bool:
    if _MORE.match(question):
        return len(count_words(question)) <= 1
    if len(question) > FOLLOW_UP_CHARS:
        return False
    return _FOLLOW_UP.search(question) is not None


def _add(old: Mapping[str, float], new: Iterable[str]) -> Mapping[str, float]:
    weight = NEW_WORD_WEIGHT if old else 1.0
    return {**old, **dict.fromkeys(new, weight)}
