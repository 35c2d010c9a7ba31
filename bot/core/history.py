"""What was said in a thread -> the messages a model reads before and with the question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from bot.core.messages import mentioned_users, plain_name, prompt

MOST_MESSAGES = 20
"""Of a thread, the question included; what was said long before rarely matters to it."""
MOST_CHARS = 20_000
"""Of what was said before the question: a model reads all of it for each answer."""

SYSTEM, ASSISTANT, USER = "system", "assistant", "user"
"""Roles of DashScope's `messages`: the system's, if any, is the first, and the last is the user's
("Application calling", `messages`)."""
BETWEEN = "\n\n"

Entry = tuple[str, str]
"""A role, and what was said in it."""


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a thread.

    Attributes:
        user_id: Who wrote it; empty for an app that is nobody.
        text: Of people as Slack sent it, of the bot as Markdown. Never logged.
        turn_id: The turn whose reply it is a page of; None for what is no reply of the bot's.
    """

    user_id: str
    text: str = field(repr=False)
    turn_id: int | None = None


def speakers(said: Sequence[Said], *, bot_user_id: str) -> frozenset[str]:
    """Return the ids of everybody who speaks or is mentioned, the bot left out."""
    people = frozenset(message.user_id for message in said)
    return people.union(*(mentioned_users(message.text) for message in said)) - {bot_user_id, ""}


def conversation(
    said: Sequence[Said], *, question: Said, bot_user_id: str, names: Mapping[str, str]
) -> tuple[Entry, ...]:
    """Return what a model should read: user and assistant by turns, the question at the end.

    When several people talk, what each of them says begins with their name. The most recent
    messages count, MOST_MESSAGES of them and MOST_CHARS characters at most; the question is always
    there, and whole.

    Args:
        said: The thread before the question, in order of time.
        question: What is asked.
        bot_user_id: Whose messages are the assistant's, and whose mentions go.
        names: Display names by user id, as far as known.
    """
    people = {message.user_id for message in (*said, question) if not is_own(message, bot_user_id)}

    def spoken(message: Said) -> str:
        text = prompt(message.text, bot_user_id=bot_user_id, names=names)
        is_one_of_many = len(people) > 1 and text
        return f"{plain_name(names.get(message.user_id, ''))}: {text}" if is_one_of_many else text

    entries = [
        (ASSISTANT, _reply(pages)) if by_bot else (USER, spoken(pages[0]))
        for by_bot, pages in replies_joined(said, bot_user_id)
    ]
    recent = _recent([entry for entry in entries if entry[1]])
    return _by_turns([*recent, (USER, spoken(question))])


def is_own(message: Said, bot_user_id: str) -> bool:
    """Whether the bot wrote a message."""
    return message.turn_id is not None or message.user_id == bot_user_id


def replies_joined(said: Sequence[Said], bot_user_id: str) -> list[tuple[bool, list[Said]]]:
    """Put the pages of one reply together, where nobody spoke between them.

    Returns:
        Each message or reply as its pages, with whether the bot wrote it.
    """

    def whose(place: tuple[int, Said]) -> tuple[bool, int]:
        position, message = place
        is_page = message.turn_id is not None
        return is_page, message.turn_id if message.turn_id is not None else position

    groups = ([message for _, message in group] for _, group in groupby(enumerate(said), key=whose))
    return [(is_own(pages[0], bot_user_id), pages) for pages in groups]


def _reply(pages: Sequence[Said]) -> str:
    return BETWEEN.join(page.text.strip() for page in pages).strip()


def _recent(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Keep the end that fits, from something a person said on."""
    left, start = MOST_CHARS, len(entries)
    while start > 0 and len(entries) - start < MOST_MESSAGES - 1:
        left -= len(entries[start - 1][1])
        if left < 0:
            break
        start -= 1
    while start < len(entries) and entries[start][0] == ASSISTANT:
        start += 1
    return entries[start:]


def _by_turns(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(
        (role, BETWEEN.join(content for _, content in group))
        for role, group in groupby(entries, key=lambda entry: entry[0])
    )
