"""What was said in a thread -> the messages a model reads before and with the question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from bot.core.messages import mentioned_users, plain_name, prompt

MOST_MESSAGES = 20
"""Of a thread, the question included; what was said long before rarely matters to it."""
MOST_CHARS = 20_000
"""Of what was said before the question: a model reads all of it for each answer."""
MESSAGE_CHARS = 16_000
"""Of one message, so that beside a long answer there is room for what it answers."""

_LEFT_OUT = "\n[…] "
"""What comes after it stands in its line, where it can begin with nobody's name."""
_GOES_ON = "\n  "

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
        files: What was attached, by harmless names; what is in it nobody is told again.
    """

    user_id: str
    text: str = field(repr=False)
    turn_id: int | None = None
    files: tuple[str, ...] = field(default=(), repr=False)


def speakers(said: Sequence[Said], *, bot_user_id: str) -> frozenset[str]:
    """Return the ids of everybody who speaks or is mentioned, the bot left out."""
    people = frozenset(message.user_id for message in said)
    return people.union(*(mentioned_users(message.text) for message in said)) - {bot_user_id, ""}


def conversation(
    said: Sequence[Said], *, question: Said, bot_user_id: str, names: Mapping[str, str]
) -> tuple[Entry, ...]:
    """Return what a model should read: user and assistant by turns, the question at the end.

    When several people talk, what each of them says begins with their name, and its further lines
    are indented, so that nobody can speak in another's name. The most recent
    messages count, MOST_MESSAGES of them and MOST_CHARS characters at most; one that is too long
    loses its middle. The question is always there, and whole.

    Args:
        said: The thread before the question, in order of time.
        question: What is asked.
        bot_user_id: Whose messages are the assistant's, and whose mentions go.
        names: Display names by user id, as far as known.
    """
    people = {message.user_id for message in (*said, question) if not is_own(message, bot_user_id)}

    def spoken(message: Said) -> str:
        text = words(message, bot_user_id=bot_user_id, names=names)
        if len(people) == 1 or not text:
            return text
        name = plain_name(names.get(message.user_id, ""))
        return f"{name}: {_GOES_ON.join(text.splitlines())}"

    entries = [
        (ASSISTANT, _reply(pages)) if by_bot else (USER, spoken(pages[0]))
        for by_bot, pages in replies_joined(said, bot_user_id)
    ]
    recent = _recent([entry for entry in entries if entry[1]])
    return _by_turns([*recent, (USER, spoken(question))])


def words(message: Said, *, bot_user_id: str, names: Mapping[str, str]) -> str:
    """Return what a model reads of a message: its words, and what was attached by name.

    Args:
        message: The bot's own is Markdown already, without Slack's tokens.
        bot_user_id: Whose mentions go.
        names: Display names by user id, as far as known.
    """
    if is_own(message, bot_user_id):
        return message.text
    text = prompt(message.text, bot_user_id=bot_user_id, names=names)
    return "\n".join(part for part in (text, *map(_attached, message.files)) if part)


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


def _attached(name: str) -> str:
    return f"[attached: {name}]"


def _recent(entries: Sequence[Entry]) -> Sequence[Entry]:
    """Keep the end that fits, from something a person said on."""
    recent: list[Entry] = []
    left = MOST_CHARS
    for role, text in reversed(entries[-(MOST_MESSAGES - 1) :]):
        if left <= len(_LEFT_OUT):
            break
        recent.append((role, _shortened(text, most=min(left, MESSAGE_CHARS))))
        left -= len(recent[-1][1])
    while recent and recent[-1][0] == ASSISTANT:
        recent.pop()
    return recent[::-1]


def _shortened(text: str, *, most: int) -> str:
    """Take out the middle of what is too long: a follow-up is about its beginning or its end."""
    if len(text) <= most:
        return text
    head, odd = divmod(most - len(_LEFT_OUT), 2)
    return f"{text[: head + odd]}{_LEFT_OUT}{text[len(text) - head :]}"


def _by_turns(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(
        (role, BETWEEN.join(content for _, content in group))
        for role, group in groupby(entries, key=lambda entry: entry[0])
    )
