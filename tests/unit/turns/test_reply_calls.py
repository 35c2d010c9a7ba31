"""Which calls a reply makes, in which order, and what it makes of an earlier take-up's messages."""

from collections.abc import Callable

import pytest
from edges import Book, Failure, Slack, a_turn

from bot.core.reply import Content, Urgency
from bot.errors import ChannelClosed, MessageGone, SlackError, SlackThrottled, SlackUnavailable
from bot.turns.reply import PAUSES_S, THROTTLED_LIMIT, Reply, Wanted
from storage.errors import LeaseLost
from storage.records import Turn

UNAVAILABLE = SlackUnavailable(method="chat.update")
THROTTLED = SlackThrottled(method="chat.update", retry_after_s=1)


def showing(*texts: str) -> Wanted:
    return lambda _page_bytes: [Content(text) for text in texts]


async def at_once(_seconds: float) -> None:
    """Let no time pass."""


def a_reply(
    slack: Slack,
    book: Book,
    *,
    turn: Turn | None = None,
    guard: Callable[[], None] = lambda: None,
) -> Reply:
    return Reply(turn or a_turn(), replies=slack, book=book, guard=guard, sleep=at_once)


async def test_every_call_of_a_final_text_has_the_rank_of_a_final(slack: Slack, book: Book) -> None:
    reply = a_reply(slack, book)
    await reply.settle(showing("one", "two"))
    await reply.settle(showing("uno"))
    assert slack.calls == ["post", "post", "edit", "delete"]
    assert slack.permits == [Urgency.FINAL] * 4


async def test_a_permit_to_edit_is_no_permit_to_post(slack: Slack, book: Book) -> None:
    reply = a_reply(slack, book)
    await reply.settle(showing("one"))
    texts = ["one, changed"]

    async def another_page_comes() -> None:
        texts[:] = ["one", "two"]

    slack.permit_gate = another_page_comes
    await reply.advance(lambda _bytes: [Content(text) for text in texts], urgency=Urgency.INTERIM)
    assert slack.calls == ["post"]
    await reply.settle(showing("one", "two"))
    assert slack.visible() == ["one|", "two|"]


async def test_a_lease_that_runs_out_while_a_post_is_announced_ends_the_posting(
    slack: Slack,
) -> None:
    lost: list[LeaseLost] = []

    class Slow(Book):
        """A database that takes longer than the lease holds."""

        async def posting(self, turn: Turn) -> None:
            await super().posting(turn)
            lost.append(LeaseLost())

    def guard() -> None:
        for error in lost:
            raise error

    with pytest.raises(LeaseLost):
        await a_reply(slack, Slow(), guard=guard).settle(showing("text"))
    assert slack.calls == []


@pytest.mark.parametrize("error", [UNAVAILABLE, THROTTLED])
async def test_a_long_answer_is_shown_though_every_page_meets_a_failure(
    book: Book, error: SlackError
) -> None:
    pages = max(len(PAUSES_S), THROTTLED_LIMIT) + 2

    class Hiccups(Slack):
        """A Slack that fails every call once."""

        async def edit(self, *args: object, **kwargs: object) -> None:
            if len(self.calls) % 2 == 0:
                self.failures = [Failure("edit", error)]
            await super().edit(*args, **kwargs)  # type: ignore[arg-type]

    stored = tuple(f"{100 + page}.0" for page in range(pages))
    slack = Hiccups({("C1", ts): Content("old") for ts in stored})
    texts = [f"page {page}" for page in range(pages)]
    await a_reply(slack, book, turn=a_turn(reply=stored)).settle(showing(*texts))
    assert slack.visible() == [f"{text}|" for text in texts]


async def test_a_message_that_cannot_be_edited_any_more_does_not_stay_beside_its_successor(
    slack: Slack, book: Book
) -> None:
    slack.messages["C1", "90.0"] = Content("half an ans")
    slack.failures = [Failure("edit", MessageGone(method="m", code="edit_window_closed"))]
    await a_reply(slack, book, turn=a_turn(reply=("90.0",))).settle(showing("the answer"))
    assert slack.visible() == ["the answer|"]


async def test_messages_that_moved_are_never_taken_for_those_of_the_thread(
    slack: Slack, book: Book
) -> None:
    reply = a_reply(slack, book)
    await reply.settle(showing("growing"))
    slack.failures = [Failure("edit", ChannelClosed(method="m", code="is_archived"))]
    await reply.settle(showing("answer"))
    assert slack.calls == ["post", "edit", "direct", "find", "post"]
    assert len(slack.marks) == 2


async def test_a_message_deleted_in_an_earlier_take_up_is_neither_edited_nor_its_mark_used_again(
    slack: Slack, book: Book
) -> None:
    slack.messages["C1", "090.0"] = Content("half an ans")
    turn = a_turn(reply=("", "090.0"))
    await a_reply(slack, book, turn=turn).settle(showing("the answer", "and more"))
    assert slack.calls == ["edit", "post"]
    assert slack.visible() == ["the answer|", "and more|"]
    assert [mark.page for mark in slack.marks] == [2]


async def test_what_an_earlier_take_up_left_counts_as_no_words_of_this_answer(
    slack: Slack, book: Book
) -> None:
    assert not a_reply(slack, book, turn=a_turn(reply=("90.0",))).has_words
