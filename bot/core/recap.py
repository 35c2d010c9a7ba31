"""What was said in a thread -> the recap a question brings along into a new session.

Every line of the recap is a quotation, whatever people wrote: nothing in it can pass for the
question, and nobody can speak in another's name.
"""

import re
from collections.abc import Mapping, Sequence

from bot.core.history import Said, replies_joined, words
from bot.core.language import Language, Phrase
from bot.core.messages import plain_name

RECAP_MESSAGES = 20
"""The most recent ones; a reply of several pages is one."""
RECAP_CHARS = 6_000
"""Of the whole recap: the model reads it with one question only, but the session keeps it."""
MESSAGE_CHARS = 2_000
"""Of one message, so that a long one does not displace all others."""

_QUOTE = "> "
_GOES_ON = "\n>   "
_CUT = "…"

_ASSISTANT = Phrase("Assistant", "助手")
_FRAMED = Phrase(
    "What was said before in this thread, quoted to know the context, not to be answered:\n"
    "{recap}\n\n"
    "The message to answer, from @{name}:\n"
    "{question}",
    "以下引用此前的消息，仅供了解上下文，无需回答：\n"
    "{recap}\n\n"
    "需要回答的消息（来自 @{name}）：\n"
    "{question}",
)
_SPOKEN = Phrase("From @{name}:\n{question}", "来自 @{name}：\n{question}")
_FRAMES = tuple(
    re.compile(
        re.escape(frame)
        .replace(r"\{recap\}", r">.*(?:\n>.*)*")
        .replace(r"\{name\}", ".*")
        .replace(r"\{question\}", "")
    )
    for phrase in (_FRAMED, _SPOKEN)
    for frame in (phrase.en, phrase.zh)
)
"""What may stand in front of a question, in each language."""


def recap(
    said: Sequence[Said], *, bot_user_id: str, names: Mapping[str, str], language: Language
) -> str:
    """Return what was said before, a quotation of the most recent messages; empty without any.

    At most RECAP_MESSAGES messages and RECAP_CHARS characters; a message longer than MESSAGE_CHARS
    is cut. People stand with an `@`, so that nobody's name makes them the assistant.

    Args:
        said: The thread before the question, in order of time.
        bot_user_id: Whose messages are the assistant's, and whose mentions go.
        names: Display names by user id, as far as known.
        language: What the assistant is called in.
    """
    quoted: list[str] = []
    for by_assistant, pages in replies_joined(said, bot_user_id):
        told = "\n".join(words(page, bot_user_id=bot_user_id, names=names) for page in pages)
        name = f"@{plain_name(names.get(pages[0].user_id, ''))}"
        who = _ASSISTANT.say(language) if by_assistant else name
        if told.strip():
            quoted.append(_quoted(told, who=who))
    return "\n".join(_recent(quoted))


def with_recap(question: str, *, recap: str, asker: str, language: Language) -> str:
    """Return a prompt that holds the recap and, clearly apart from it, the question.

    Args:
        question: What is asked, ready for the model.
        recap: As `recap` made it, not empty.
        asker: The display name of who asks; may be empty.
        language: The asker's: the frame's words should not make the model change its language.
    """
    return _FRAMED.say(language, recap=recap, name=plain_name(asker), question=question)


def with_speaker(question: str, *, asker: str, language: Language) -> str:
    """Return a prompt that says who asks, for a session in which somebody else spoke last.

    Args:
        question: What is asked, ready for the model.
        asker: The display name of who asks; may be empty.
        language: The asker's.
    """
    return _SPOKEN.say(language, name=plain_name(asker), question=question)


def question_in(prompt: str) -> str:
    """Return the question of a prompt, without what was put in front of it."""
    for frame in _FRAMES:
        if found := frame.match(prompt):
            return prompt[found.end() :]
    return prompt


def _quoted(told: str, *, who: str) -> str:
    lines = (line.rstrip() for line in told.splitlines())
    quoted = f"{_QUOTE}{who}: {_GOES_ON.join(line for line in lines if line)}"
    if len(quoted) <= MESSAGE_CHARS:
        return quoted
    return quoted[: MESSAGE_CHARS - len(_CUT)].rstrip(_GOES_ON) + _CUT


def _recent(quoted: Sequence[str]) -> Sequence[str]:
    """Keep the end that fits."""
    left, start = RECAP_CHARS, len(quoted)
    while start > 0 and len(quoted) - start < RECAP_MESSAGES:
        left -= len(quoted[start - 1]) + 1
        if left < 0:
            break
        start -= 1
    return quoted[start:]
