"""(shown, wanted) -> the smallest list of posts, edits and deletions.

Every message keeps its place: its mark in Slack names its page, and an edit cannot change that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from bot.core.reply import Content, Shown


@dataclass(frozen=True, slots=True)
class Post:
    """Post a new message at the end of the reply.

    Attributes:
        content: What it shows.
        page: Its place in the reply, from 0.
    """

    content: Content
    page: int


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace what a message shows.

    Attributes:
        ts: The message.
        content: What it shows then.
        page: Its place in the reply, from 0.
    """

    ts: str
    content: Content
    page: int


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the last message of the reply.

    Attributes:
        ts: The message.
        page: Its place in the reply, from 0.
    """

    ts: str
    page: int


Operation = Post | Edit | Delete


def plan(shown: Sequence[Shown], wanted: Sequence[Content]) -> tuple[Operation, ...]:
    """Return what must be done, in order, so that a reply shows what is wanted.

    Edits go first, from the top; then come posts in reading order, or deletions from the end.
    """
    edits = [
        Edit(message.ts, content, page)
        for page, (message, content) in enumerate(zip(shown, wanted, strict=False))
        if message.content != content
    ]
    posts = [Post(wanted[page], page) for page in range(len(shown), len(wanted))]
    surplus = reversed(range(len(wanted), len(shown)))
    return (*edits, *posts, *(Delete(shown[page].ts, page) for page in surplus))


def applied(shown: Sequence[Shown], operation: Operation, ts: str) -> tuple[Shown, ...]:
    """Return what a reply shows after Slack confirmed one operation of its plan.

    Args:
        shown: What it showed before.
        operation: What was done; operations are confirmed in the plan's order.
        ts: The message that Slack named: the new one of a post, else the operation's own.
    """
    match operation:
        case Post(content=content) | Edit(content=content):
            changed = (Shown(ts, content),)
        case Delete():
            changed = ()
        case _:
            assert_never(operation)
    return (*shown[: operation.page], *changed, *shown[operation.page + 1 :])
