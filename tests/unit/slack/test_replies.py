"""The bot's messages, over a real socket."""

import asyncio
from typing import Any

import pytest

from bot.core import texts
from bot.core.files import FileNote
from bot.core.history import Said
from bot.core.language import Language
from bot.core.messages import Written
from bot.core.reply import Content, Control, Mark, Place, Urgency
from bot.errors import ChannelClosed, MessageGone, SlackRefused, SlackThrottled, SlackUnavailable
from bot.metrics import Metrics
from bot.slack.calls import Calls
from bot.slack.message import blocks, metadata
from bot.slack.replies import PAGES, SAID_MOST, THREAD_PAGES, SlackReplies
from bot.turns.ports import Replies, ThreadHistory

PLACE = Place("T1", "C1", "1.0")
OUTSIDE = Place("T1", "C1", "")
MARK = Mark(turn_id=7, page=0)
HELLO = Content("Hello **you**", note="writing", controls=(Control.STOP,))


@pytest.fixture
def replies(calls: Calls) -> SlackReplies:
    return SlackReplies(calls=calls)


def test_the_port_is_satisfied(replies: SlackReplies) -> None:
    port: Replies = replies
    history: ThreadHistory = replies
    assert port is history


async def test_a_post_goes_into_its_thread_without_unfurling(
    scripted_slack: Any, replies: SlackReplies
) -> None:
    assert await replies.post(PLACE, HELLO, mark=MARK) == "1790000000.000200"
    (body,) = scripted_slack.calls("chat.postMessage")
    assert body.pop("blocks")[0] == {"type": "markdown", "text": "Hello **you**"}
    assert body == {
        "channel": "C1",
        "thread_ts": "1.0",
        "text": "Hello you",
        "parse": "none",
        "unfurl_links": False,
        "unfurl_media": False,
        "metadata": metadata(MARK),
    }


async def test_a_post_outside_any_thread_names_none(
    scripted_slack: Any, replies: SlackReplies
) -> None:
    await replies.post(OUTSIDE, HELLO, mark=MARK)
    assert "thread_ts" not in scripted_slack.calls("chat.postMessage")[0]


async def test_a_post_without_a_ts_may_have_happened(
    scripted_slack: Any, replies: SlackReplies
) -> None:
    scripted_slack.says("chat.postMessage", scripted_slack.ok())
    with pytest.raises(SlackUnavailable):
        await replies.post(PLACE, HELLO, mark=MARK)


async def test_an_edit_replaces_text_and_blocks_and_keeps_the_mark(
    scripted_slack: Any, replies: SlackReplies
) -> None:
    await replies.edit(PLACE, "2.0", Content("New"), mark=MARK)
    (body,) = scripted_slack.calls("chat.update")
    assert body == {
        "channel": "C1",
        "ts": "2.0",
        "text": "New",
        "parse": "none",
        "blocks": [{"type": "markdown", "text": "New"}],
        "metadata": metadata(MARK),
    }


async def test_deleting_what_is_gone_is_fine(scripted_slack: Any, replies: SlackReplies) -> None:
    slack = scripted_slack
    slack.says("chat.delete", slack.ok(), slack.refuses("message_not_found"))
    slack.says("chat.delete", slack.refuses("cant_delete_message"), slack.refuses("is_archived"))
    await replies.delete(PLACE, "2.0")
    await replies.delete(PLACE, "2.0")
    with pytest.raises(MessageGone):
        await replies.delete(PLACE, "2.0")
    with pytest.raises(ChannelClosed):
        await replies.delete(PLACE, "2.0")
    assert slack.calls("chat.delete") == [{"channel": "C1", "ts": "2.0"}] * 4


def found(ts: str, mark: Mark | None) -> dict[str, Any]:
    return {"ts": ts, "text": "x"} | ({"metadata": metadata(mark)} if mark else {})


@pytest.mark.parametrize(
    ("place", "method"), [(PLACE, "conversations.replies"), (OUTSIDE, "conversations.history")]
)
async def test_a_lost_message_is_found_on_a_later_page(
    scripted_slack: Any, replies: SlackReplies, place: Place, method: str
) -> None:
    slack = scripted_slack
    more = {"next_cursor": "c2"}
    slack.says(method, slack.ok(messages=[found("1.0", None)], response_metadata=more))
    slack.says(method, slack.ok(messages=[found("3.0", Mark(7, 1)), found("4.0", MARK)]))
    assert await replies.find(place, mark=MARK, after_ts="1.5") == "4.0"
    first, second = slack.calls(method)
    assert (first["oldest"], first["include_all_metadata"]) == ("1.5", "1")
    assert ("ts" in first) == bool(place.thread_ts)
    assert second["cursor"] == "c2"


async def test_a_message_that_was_never_posted_is_not_found(
    scripted_slack: Any, replies: SlackReplies
) -> None:
    slack = scripted_slack
    slack.says("conversations.replies", slack.ok(messages=[found("1.0", None)]))
    assert await replies.find(PLACE, mark=MARK, after_ts="1.5") is None


async def test_looking_for_a_message_ends(scripted_slack: Any, replies: SlackReplies) -> None:
    slack = scripted_slack
    page = slack.ok(messages=[found("1.0", None)], response_metadata={"next_cursor": "c"})
    slack.says("conversations.replies", *[page] * 50)
    assert await replies.find(PLACE, mark=MARK, after_ts="1.5") is None
    assert len(slack.heard) == PAGES


def typed(ts: str, text: str, **changes: Any) -> dict[str, Any]:
    return {"type": "message", "user": "U1", "ts": ts, "text": text, **changes}


def shown(ts: str, content: Content, mark: Mark) -> dict[str, Any]:
    """Return a reply's message as Slack would return it."""
    return typed(
        ts, "fallback", user="UBOT", blocks=blocks(content, mark=mark), metadata=metadata(mark)
    )


async def test_a_thread_is_read_up_to_the_question_without_what_is_no_answer(
    scripted_slack: Any, replies: SlackReplies
) -> None:
    slack = scripted_slack
    more = {"next_cursor": "c2"}
    root = typed("1.0", "<@UBOT> hello")
    slack.says(
        "conversations.replies",
        slack.ok(
            messages=[
                root,
                shown("2.0", Content("**Hi**", note="a note"), Mark(1, 0)),
                shown("3.0", Content("", note="Thinking…", controls=(Control.STOP,)), Mark(2, 0)),
            ],
            response_metadata=more,
        ),
        slack.ok(
            messages=[
                root,
                typed("4.0", "", subtype="channel_join"),
                typed("5.0", "an alert", user=None, bot_id="B2", subtype="bot_message"),
                typed("10.0", "and?"),
                typed("20.0", "the question"),
                typed("21.0", "later"),
            ]
        ),
    )
    assert await replies.thread(PLACE, before_ts="20.0", after_ts="") == [
        Said("U1", "<@UBOT> hello"),
        Said("UBOT", "**Hi**", 1),
        Said("", "an alert"),
        Said("U1", "and?"),
    ]
    first, second = slack.calls("conversations.replies")
    assert (first["ts"], first["latest"], first["limit"]) == ("1.0", "20.0", "1000")
    assert first["include_all_metadata"] == "1"
    assert second["cursor"] == "c2"


async def test_of_a_thread_only_what_is_between_the_two_moments_is_read(
    scripted_slack: Any, replies: SlackReplies
) -> None:
    messages = [typed(f"{number}.5", str(number)) for number in (1, 2, 3, 10, 11)]
    scripted_slack.says("conversations.replies", scripted_slack.ok(messages=messages))
    read = await replies.thread(PLACE, before_ts="11.5", after_ts="2.5")
    assert [said.text for said in read] == ["3", "10"]
    (asked,) = scripted_slack.calls("conversations.replies")
    assert (asked["oldest"], asked["latest"]) == ("2.5", "11.5")


async def test_a_thread_is_not_waited_for_while_slack_lets_nobody_read_for_long(
    scripted_slack: Any, replies: SlackReplies
) -> None:
    slack = scripted_slack
    slack.says("conversations.replies", slack.refuses("ratelimited", status=429, retry_after="60"))
    for _ in range(2):
        async with asyncio.timeout(20):
            with pytest.raises(SlackThrottled):
                await replies.thread(PLACE, before_ts="9.0", after_ts="")
    assert len(slack.heard) == 1


async def test_a_thread_too_long_to_reach_its_end_is_not_read_by_halves(
    scripted_slack: Any, replies: SlackReplies
) -> None:
    slack = scripted_slack
    page = slack.ok(messages=[typed("1.0", "hello")], response_metadata={"next_cursor": "c"})
    slack.says("conversations.replies", *[page] * 5)
    with pytest.raises(SlackRefused) as caught:
        await replies.thread(PLACE, before_ts="9.0", after_ts="")
    assert caught.value.code == "thread_too_long"
    assert len(slack.heard) == THREAD_PAGES


async def test_of_a_long_thread_what_was_said_last_is_read(
    scripted_slack: Any, replies: SlackReplies
) -> None:
    messages = [typed(f"{number}.0", str(number)) for number in range(1, 2 * SAID_MOST)]
    scripted_slack.says("conversations.replies", scripted_slack.ok(messages=messages))
    read = await replies.thread(PLACE, before_ts="9000.0", after_ts="")
    assert [said.text for said in read] == [each["text"] for each in messages[-SAID_MOST:]]


@pytest.mark.parametrize(
    ("messages", "written"),
    [
        ([typed("1.0", "root"), typed("2.0", "new words")], Written("new words")),
        (
            [typed("2.0", "", files=[{"id": "F1", "name": "a.png"}])],
            Written("", (FileNote("F1", name="a.png"),)),
        ),
        ([typed("1.0", "root")], None),
        ([typed("2.0", "This message was deleted.", subtype="tombstone")], None),
    ],
)
async def test_a_question_is_read_as_slack_holds_it_now(
    scripted_slack: Any,
    replies: SlackReplies,
    messages: list[dict[str, Any]],
    written: Written | None,
) -> None:
    scripted_slack.says("conversations.replies", scripted_slack.ok(messages=messages))
    assert await replies.question(PLACE, "2.0") == written


async def test_an_offer_is_seen_by_the_asker_alone_in_their_language(
    scripted_slack: Any, replies: SlackReplies
) -> None:
    await replies.offer_again(PLACE, user_id="U1", turn_id=7, edited_ts="5.5", language=Language.ZH)
    (body,) = scripted_slack.calls("chat.postEphemeral")
    assert (body["channel"], body["thread_ts"], body["user"]) == ("C1", "1.0", "U1")
    assert body["text"] == texts.EDITED_LATE.zh


async def test_what_is_told_to_one_reader_is_plain_and_seen_by_nobody_else(
    scripted_slack: Any, replies: SlackReplies
) -> None:
    await replies.tell(PLACE, user_id="U1", text="Used <!channel> up.")
    (body,) = scripted_slack.calls("chat.postEphemeral")
    assert (body["channel"], body["thread_ts"], body["user"]) == ("C1", "1.0", "U1")
    assert body["text"] == "Used &lt;!channel&gt; up."
    assert body["blocks"][0]["elements"][0]["type"] == "plain_text"


async def test_direct_messages_are_opened_by_the_users_id(
    scripted_slack: Any, replies: SlackReplies
) -> None:
    slack = scripted_slack
    slack.says("conversations.open", *[slack.ok(channel={"id": "D9"})] * 2)
    assert await replies.direct("T1", "U1") == Place("T1", "D9", "")
    await replies.edit(Place("T1", "U1", ""), "2.0", HELLO, mark=MARK)
    assert slack.calls("conversations.open") == [{"users": "U1"}] * 2
    assert slack.calls("chat.update")[0]["channel"] == "D9"


async def test_a_refused_edit_is_remembered_and_waits_are_measured(
    scripted_slack: Any, replies: SlackReplies, metrics: Metrics
) -> None:
    slack = scripted_slack
    await replies.permit_post(PLACE, urgency=Urgency.FIRST_WORDS)
    await replies.permit_edit(PLACE, urgency=Urgency.FIRST_WORDS)
    slack.says("chat.update", slack.refuses("ratelimited", status=429, retry_after="60"))
    for _ in range(3):
        with pytest.raises(SlackThrottled):
            await replies.edit(PLACE, "2.0", HELLO, mark=MARK)
    assert len(slack.heard) == 1
    for method in ("chat.postMessage", "chat.update"):
        name = "dashscope_slack_web_api_wait_seconds_count"
        assert metrics.registry.get_sample_value(name, {"method": method}) == 1
