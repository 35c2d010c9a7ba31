"""A reply brings what Slack shows to what is wanted, whatever Slack does."""

import asyncio
from collections.abc import Sequence

import pytest
from edges import ZH, Book, Failure, Slack, a_turn

from bot.core.reply import Content, Urgency
from bot.core.texts import MOVED
from bot.errors import (
    ChannelClosed,
    MessageTooLong,
    SlackRefused,
    SlackThrottled,
    SlackTokenRefused,
    SlackUnavailable,
)
from bot.turns.reply import PAUSES_S, SMALLEST_PAGE_BYTES, THROTTLED_LIMIT, Reply, Wanted
from storage.errors import LeaseLost, StorageUnavailable
from storage.records import Turn

UNAVAILABLE = SlackUnavailable(method="any")


def showing(*texts: str) -> Wanted:
    return lambda _page_bytes: [Content(text) for text in texts]


def a_reply(slack: Slack, book: Book, *, turn: Turn | None = None, slept: list[float]) -> Reply:
    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    return Reply(turn or a_turn(), replies=slack, book=book, guard=lambda: None, sleep=sleep)


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def reply(slack: Slack, book: Book, slept: list[float]) -> Reply:
    return a_reply(slack, book, slept=slept)


async def test_what_is_wanted_is_posted_and_recorded(
    reply: Reply, slack: Slack, book: Book
) -> None:
    await reply.settle(showing("one", "two"))
    assert slack.visible() == ["one|", "two|"]
    assert book.log == ["posting", "posted", "posting", "posted"]
    assert book.reply == [message.ts for message in reply.shown]


async def test_a_change_is_an_edit_of_the_same_message(reply: Reply, slack: Slack) -> None:
    await reply.settle(showing("one"))
    await reply.settle(showing("one and more"))
    assert slack.visible() == ["one and more|"]
    assert slack.calls == ["post", "edit"]


async def test_a_message_too_many_is_deleted_and_its_mark_never_used_again(
    reply: Reply, slack: Slack, book: Book
) -> None:
    await reply.settle(showing("one", "two"))
    await reply.settle(showing("one"))
    await reply.settle(showing("one", "three"))
    assert slack.visible() == ["one|", "three|"]
    assert [mark.page for mark in slack.marks] == [0, 1, 2]
    assert book.reply[1] == ""


async def test_the_newest_text_goes_not_that_of_when_the_wait_began(
    reply: Reply, slack: Slack
) -> None:
    current = "old"

    async def meanwhile() -> None:
        nonlocal current
        current = "new"

    slack.permit_gate = meanwhile
    await reply.advance(lambda _bytes: [Content(current)], urgency=Urgency.FIRST_WORDS)
    assert slack.visible() == ["new|"]


async def test_a_final_call_waits_a_429_out(reply: Reply, slack: Slack, slept: list[float]) -> None:
    slack.failures = [Failure("post", SlackThrottled(method="chat.postMessage", retry_after_s=3))]
    await reply.settle(showing("text"))
    assert slack.visible() == ["text|"]
    assert (reply.waits, slept) == (1, [3])


async def test_a_final_call_does_not_wait_for_ever(reply: Reply, slack: Slack) -> None:
    throttled = SlackThrottled(method="chat.postMessage", retry_after_s=1)
    slack.failures = [Failure("post", throttled) for _ in range(THROTTLED_LIMIT + 1)]
    with pytest.raises(SlackThrottled):
        await reply.settle(showing("text"))


@pytest.mark.parametrize("happened", [False, True])
async def test_an_edit_that_failed_is_repeated(
    reply: Reply, slack: Slack, happened: bool, slept: list[float]
) -> None:
    await reply.settle(showing("one"))
    slack.failures = [Failure("edit", UNAVAILABLE, happened) for _ in range(3)]
    await reply.settle(showing("two"))
    assert slack.visible() == ["two|"]
    assert slept == list(PAUSES_S[:3])


@pytest.mark.parametrize("happened", [False, True])
async def test_a_post_whose_answer_was_lost_is_looked_for_before_it_is_repeated(
    reply: Reply, slack: Slack, happened: bool
) -> None:
    slack.failures = [Failure("post", UNAVAILABLE, happened)]
    await reply.settle(showing("only once"))
    assert slack.visible() == ["only once|"]
    assert "find" in slack.calls


async def test_a_post_that_was_refused_did_not_happen_and_is_not_looked_for(
    reply: Reply, slack: Slack
) -> None:
    slack.failures = [Failure("post", SlackThrottled(method="chat.postMessage", retry_after_s=1))]
    await reply.settle(showing("text"))
    assert "find" not in slack.calls


async def test_slack_that_stays_away_is_given_up_after_every_pause(
    reply: Reply, slack: Slack, slept: list[float]
) -> None:
    slack.failures = [Failure("post", UNAVAILABLE) for _ in range(len(PAUSES_S) + 1)]
    with pytest.raises(SlackUnavailable):
        await reply.settle(showing("text"))
    assert slept == list(PAUSES_S)


async def test_a_message_somebody_deleted_is_posted_anew(
    reply: Reply, slack: Slack, book: Book
) -> None:
    await reply.settle(showing("one", "two"))
    del slack.messages["C1", reply.shown[0].ts]
    await reply.settle(showing("one more", "two"))
    assert slack.visible() == ["one more|", "two|"]
    assert book.reply[0] == ""
    assert len(book.reply) == 3


async def test_a_page_slack_finds_too_long_is_made_smaller_until_it_fits(
    reply: Reply, slack: Slack
) -> None:
    sizes: list[int] = []

    def wanted(page_bytes: int) -> Sequence[Content]:
        sizes.append(page_bytes)
        return [Content("text")]

    slack.failures = [Failure("post", MessageTooLong(method="chat.postMessage"))] * 2
    await reply.settle(wanted)
    assert sorted(set(sizes), reverse=True) == [9_000, 6_000, 4_000]


async def test_a_page_that_is_too_long_at_any_size_is_given_up(reply: Reply, slack: Slack) -> None:
    slack.failures = [Failure("post", MessageTooLong(method="chat.postMessage"))] * 20
    sizes: list[int] = []

    def wanted(page_bytes: int) -> Sequence[Content]:
        sizes.append(page_bytes)
        return [Content("text")]

    with pytest.raises(MessageTooLong):
        await reply.settle(wanted)
    assert sizes[-1] == SMALLEST_PAGE_BYTES


async def test_when_the_channel_closes_the_answer_goes_to_the_asker(
    reply: Reply, slack: Slack, book: Book
) -> None:
    await reply.settle(showing("growing"))
    slack.failures = [Failure("edit", ChannelClosed(method="chat.update", code="is_archived"))]
    await reply.settle(showing("page one", "page two"))
    assert slack.visible("D1") == ["page one|", f"page two|{MOVED.en}"]
    assert len(book.reply) == 1, "messages elsewhere are not recorded as the thread's"


async def test_why_an_answer_is_elsewhere_is_said_in_the_readers_language(
    reply: Reply, slack: Slack
) -> None:
    slack.failures = [Failure("post", ChannelClosed(method="chat.postMessage"))]
    await reply.settle(showing("answer"), language=ZH)
    assert slack.visible("D1") == [f"answer|{MOVED.zh}"]


async def test_when_there_is_nothing_to_say_a_closed_channel_is_left_as_it_is(
    slack: Slack, book: Book, slept: list[float]
) -> None:
    slack.messages["C1", "90.0"] = Content("", note="growing")
    slack.failures = [Failure("delete", ChannelClosed(method="chat.delete"))]
    await a_reply(slack, book, turn=a_turn(reply=("90.0",)), slept=slept).settle(showing())
    assert slack.visible("D1") == []


async def test_an_answer_that_moved_is_found_again_instead_of_posted_twice(
    slack: Slack, book: Book, slept: list[float]
) -> None:
    closed = ChannelClosed(method="chat.update", code="is_archived")
    turn = a_turn(reply=("90.0",))
    slack.messages["C1", "90.0"] = Content("growing")
    for _ in range(2):
        slack.failures = [Failure("edit", closed)]
        await a_reply(slack, book, turn=turn, slept=slept).settle(showing("one", "two"))
    assert slack.visible("D1") == ["one|", f"two|{MOVED.en}"]
    assert book.log == [], "messages elsewhere are not announced as the thread's"


async def test_when_direct_messages_are_closed_too_it_is_said_so(
    reply: Reply, slack: Slack
) -> None:
    slack.failures = [Failure("post", ChannelClosed(method="m")) for _ in range(2)]
    with pytest.raises(ChannelClosed):
        await reply.settle(showing("text"))


@pytest.mark.parametrize("error", [SlackRefused(method="m"), SlackTokenRefused(method="m")])
async def test_other_refusals_are_the_callers(
    reply: Reply, slack: Slack, error: SlackRefused
) -> None:
    slack.failures = [Failure("post", error)]
    with pytest.raises(type(error)):
        await reply.settle(showing("text"))


async def test_a_later_process_goes_on_in_the_recorded_messages(
    slack: Slack, book: Book, slept: list[float]
) -> None:
    slack.messages["C1", "90.0"] = Content("half an ans")
    reply = a_reply(slack, book, turn=a_turn(reply=("90.0",)), slept=slept)
    await reply.settle(showing("the whole answer"))
    assert slack.visible() == ["the whole answer|"]
    assert slack.calls == ["edit"]


async def test_a_later_process_finds_the_message_posted_just_before_the_crash(
    slack: Slack, book: Book, slept: list[float]
) -> None:
    slack.failures = [Failure("post", UNAVAILABLE, happened=True)]
    first = a_reply(slack, book, slept=slept)
    with pytest.raises(SlackUnavailable):
        await first.advance(showing("Thinking"), urgency=Urgency.FIRST_WORDS)
    second = a_reply(slack, book, turn=a_turn(posting=True), slept=slept)
    await second.settle(showing("answer"))
    assert slack.visible() == ["answer|"]
    assert slack.calls.count("post") == 1


async def test_a_message_the_database_did_not_hear_of_is_not_posted_again(
    slack: Slack, slept: list[float]
) -> None:
    class Away(Book):
        """A database that goes away between the post and its record."""

        async def posted(self, turn: Turn, reply: Sequence[str]) -> None:
            if "posted" not in self.log:
                self.log.append("posted")
                raise StorageUnavailable("away")
            await super().posted(turn, reply)

    book = Away()
    reply = a_reply(slack, book, slept=slept)
    await reply.settle(showing("answer"))
    assert slack.visible() == ["answer|"]
    assert book.reply == [reply.shown[0].ts]


async def test_a_message_is_recorded_before_it_is_edited(slack: Slack, slept: list[float]) -> None:
    class Away(Book):
        """A database that does not take the list of messages for a while."""

        is_away = True

        async def posted(self, turn: Turn, reply: Sequence[str]) -> None:
            if self.is_away:
                raise StorageUnavailable("away")
            await super().posted(turn, reply)

    book = Away()
    reply = a_reply(slack, book, slept=slept)
    for text in ("one", "two", "three"):
        with pytest.raises(StorageUnavailable):
            await reply.advance(showing(text), urgency=Urgency.INTERIM)
    assert slack.calls == ["post"]
    book.is_away = False
    await reply.settle(showing("three"))
    assert slack.calls == ["post", "edit"]
    assert book.reply == [reply.shown[0].ts]


async def test_without_the_lease_nothing_is_called(slack: Slack, book: Book) -> None:
    def lost() -> None:
        raise LeaseLost

    reply = Reply(a_turn(), replies=slack, book=book, guard=lost)
    with pytest.raises(LeaseLost):
        await reply.settle(showing("text"))
    assert slack.calls == []


async def until(condition: object) -> None:
    async with asyncio.timeout(60):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0)


async def test_keeping_up_follows_the_text_and_stops_between_calls(
    reply: Reply, slack: Slack
) -> None:
    text, changed = "first", asyncio.Event()
    task = asyncio.create_task(
        reply.keep_up(lambda _bytes: [Content(text)], changed=changed, tick_s=60)
    )
    await until(lambda: slack.visible() == ["first|"])
    text = "first and second"
    changed.set()
    await until(lambda: slack.visible() == ["first and second|"])
    async with reply.calling:
        task.cancel()
    await asyncio.wait({task})
    assert slack.permits == [Urgency.FIRST_WORDS, Urgency.INTERIM]
    assert reply.first_words_at is not None


async def test_in_a_crowd_a_reply_begins_with_words(reply: Reply, slack: Slack) -> None:
    slack.crowded = True
    shown, changed = Content("", note="Thinking"), asyncio.Event()
    task = asyncio.create_task(reply.keep_up(lambda _bytes: [shown], changed=changed, tick_s=60))
    await asyncio.sleep(0)
    shown = Content("", note="Searching")
    changed.set()
    await asyncio.sleep(0.01)
    assert slack.permits == []
    shown = Content("words")
    changed.set()
    await until(lambda: slack.visible() == ["words|"])
    task.cancel()
    await asyncio.wait({task})
    assert slack.calls == ["post"]


async def test_in_a_crowd_a_reply_without_words_shows_its_note_after_a_while(
    reply: Reply, slack: Slack
) -> None:
    slack.crowded = True
    thinking = [Content("", note="Thinking")]
    task = asyncio.create_task(
        reply.keep_up(lambda _bytes: thinking, changed=asyncio.Event(), tick_s=0.001)
    )
    await until(lambda: slack.visible() == ["|Thinking"])
    task.cancel()
    await asyncio.wait({task})


async def test_keeping_up_survives_429s_and_failures(
    reply: Reply, slack: Slack, book: Book
) -> None:
    slack.failures = [
        Failure("post", SlackThrottled(method="chat.postMessage", retry_after_s=1)),
        Failure("post", UNAVAILABLE, happened=True),
    ]
    book.failures = [StorageUnavailable("away")]
    task = asyncio.create_task(reply.keep_up(showing("text"), changed=asyncio.Event(), tick_s=60))
    await until(lambda: reply.shown and slack.visible() == ["text|"])
    task.cancel()
    await asyncio.wait({task})
    assert (reply.waits, reply.retries) == (1, 2)


async def test_keeping_up_leaves_a_closed_channel_to_the_final_text(
    reply: Reply, slack: Slack
) -> None:
    slack.failures = [Failure("post", ChannelClosed(method="m"))]
    await reply.keep_up(showing("text"), changed=asyncio.Event(), tick_s=60)
    assert slack.visible() == []


async def test_keeping_up_looks_again_after_a_while_even_when_nothing_changed(
    reply: Reply, slack: Slack
) -> None:
    notes = iter(["Thinking", "Thinking", "Still", "Still", *["Still"] * 100])
    task = asyncio.create_task(
        reply.keep_up(
            lambda _bytes: [Content("", note=next(notes))], changed=asyncio.Event(), tick_s=0.001
        )
    )
    await until(lambda: slack.visible() == ["|Still"])
    task.cancel()
    await asyncio.wait({task})
