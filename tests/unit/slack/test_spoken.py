"""What was said in a message, as Slack returns it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.history import Said
from bot.core.reply import Mark
from bot.slack.message import EVENT_TYPE, metadata
from bot.slack.spoken import TEXTLESS_CHARS, blocked_question, said

REPLY: dict[str, Any] = {
    "user": "UBOT",
    "text": "short fallback",
    "metadata": metadata(Mark(7, 0)),
}


def section(*texts: str) -> dict[str, Any]:
    elements = [{"type": "text", "text": text} for text in texts]
    return {"type": "rich_text_section", "elements": elements}


RICH = {
    "type": "rich_text",
    "elements": [
        section("Two ", "things:"),
        {"type": "rich_text_list", "elements": [section("one"), section("two")]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "a = 1\nb = 2"}]},
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "link", "url": "https://a.b", "text": "here"},
                {"type": "text", "text": " or "},
                {"type": "link", "url": "https://c.d"},
            ],
        },
    ],
}
TABLE = {
    "type": "table",
    "rows": [
        [{"type": "raw_text", "text": "a"}, {"type": "raw_text", "text": "b"}],
        [{"type": "rich_text", "elements": [section("c")]}, {"type": "raw_text", "text": "d"}],
    ],
}


def test_a_sentence_of_the_bots_own_is_no_answer() -> None:
    blocks = [{"type": "markdown", "text": "Too many questions at once."}]
    assert said({**REPLY, "blocks": blocks}) is not None
    own = metadata(Mark(7, 0), is_answer=False)
    assert said({**REPLY, "blocks": blocks, "metadata": own}) is None


@pytest.mark.parametrize(
    ("marked", "ts"),
    [
        (metadata(Mark(7, 0), is_answer=False, blocked_ts="1.5"), "1.5"),
        (metadata(Mark(7, 0), is_answer=False), None),
        ({"event_type": "another", "event_payload": {"turn_id": 7, "blocked_ts": "1.5"}}, None),
        ({"event_type": EVENT_TYPE, "event_payload": {"turn_id": 7, "blocked_ts": 1.5}}, None),
        (None, None),
    ],
)
def test_only_the_bots_own_reply_says_which_question_was_blocked(
    marked: dict[str, Any] | None, ts: str | None
) -> None:
    assert blocked_question({**REPLY, "metadata": marked}) == ts


@pytest.mark.parametrize(
    ("blocks", "text"),
    [
        ([{"type": "markdown", "text": "**Hi**"}, {"type": "context", "elements": []}], "**Hi**"),
        ([RICH], "Two things:\none\ntwo\na = 1\nb = 2\nhere or https://c.d"),
        ([section("not a block of its own"), TABLE], "a | b\nc | d"),
        ([{"type": "markdown", "text": "one"}, RICH["elements"], TABLE], "one\n\na | b\nc | d"),
    ],
)
def test_an_answer_is_read_from_its_blocks_however_slack_returns_them(
    blocks: list[Any], text: str
) -> None:
    assert said({**REPLY, "blocks": blocks}) == Said("UBOT", text, 7)


@pytest.mark.parametrize("blocks", [None, [], [{"type": "actions"}], [{"type": "markdown"}]])
def test_a_reply_without_an_answer_says_nothing(blocks: Any) -> None:
    assert said({**REPLY, "blocks": blocks}) is None


@pytest.mark.parametrize(
    "changed",
    [{"metadata": None}, {"metadata": {**metadata(Mark(7, 0)), "event_type": "another"}}],
)
def test_only_the_own_mark_makes_a_reply(changed: dict[str, Any]) -> None:
    assert said({**REPLY, **changed}) == Said("UBOT", "short fallback")


@pytest.mark.parametrize("subtype", ["channel_join", "tombstone", "message_changed", 7])
def test_a_notice_says_nothing(subtype: Any) -> None:
    assert said({"user": "U1", "text": "hello", "subtype": subtype}) is None


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


ALERT = [
    {"type": "header", "text": {"type": "plain_text", "text": "Disk <full>"}},
    {"type": "section", "text": mrkdwn("*db-7* &amp; <@U1>"), "fields": [mrkdwn("a"), mrkdwn("b")]},
    {"type": "context", "elements": [{"type": "image", "image_url": "x"}, mrkdwn("since noon")]},
    {"type": "markdown", "text": "**a & b**"},
    {"type": "actions", "elements": [{"type": "button", "text": mrkdwn("Silence")}]},
]
PAGED: dict[str, Any] = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "user", "user_id": "U2"},
                {"type": "text", "text": " a < b "},
                {"type": "emoji", "name": "fire"},
            ],
        }
    ],
}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            {"blocks": ALERT},
            "Disk &lt;full&gt;\n*db-7* &amp; <@U1>\na\nb\nsince noon\n**a &amp; b**",
        ),
        ({"blocks": [PAGED, TABLE]}, "<@U2> a &lt; b :fire:\na | b\nc | d"),
        (
            {"attachments": [{"pretext": "one", "title": "two", "text": "three", "fallback": "x"}]},
            "one\ntwo\nthree",
        ),
        ({"attachments": [{"fallback": "[no preview]"}, {"blocks": ALERT[:1]}]}, None),
        (
            {"blocks": ALERT[3:4], "attachments": [{"text": "passed on"}]},
            "**a &amp; b**\npassed on",
        ),
    ],
)
def test_what_has_no_text_is_read_from_its_blocks_and_attachments(
    message: dict[str, Any], text: str | None
) -> None:
    read = said({"bot_id": "B2", "subtype": "bot_message", "text": "", **message})
    assert read == Said("", text or "[no preview]\nDisk &lt;full&gt;")


def test_a_message_with_text_is_that_text_whatever_is_attached() -> None:
    message = {"user": "U1", "text": "look", "blocks": ALERT, "attachments": [{"text": "a page"}]}
    assert said(message) == Said("U1", "look")


def test_of_a_message_without_text_the_beginning_is_read() -> None:
    read = said({"attachments": [{"text": "x" * 2 * TEXTLESS_CHARS}]})
    assert read == Said("", "x" * TEXTLESS_CHARS)


def test_attachments_are_not_followed_for_ever() -> None:
    deep: dict[str, Any] = {"text": "deep down"}
    for _ in range(5_000):
        deep = {"attachments": [deep]}
    assert said(deep) is None


TYPES = ["rich_text", "table", "section", "context", "user", "mrkdwn", "x"]
KEYS = ["type", "elements", "rows", "text", "fields", "blocks", "fallback"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(TYPES),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.fixed_dictionaries({}, optional={"user": JSON, "text": JSON, "subtype": JSON}), JSON)
def test_no_message_makes_it_raise(message: dict[str, Any], blocks: Any) -> None:
    without_text = {"blocks": blocks, "attachments": blocks}
    for found in (
        said(message),
        said(without_text),
        said({**REPLY, **message, "blocks": blocks}),
    ):
        assert found is None or found.text.strip()


def test_blocks_are_not_followed_for_ever() -> None:
    deep: dict[str, Any] = {"type": "text", "text": "deep down"}
    for _ in range(5_000):
        deep = {"type": "rich_text", "elements": [deep]}
    assert said({**REPLY, "blocks": [deep]}) is None


def test_files_are_named_harmlessly_and_say_something_without_words() -> None:
    files = [{"id": "F1", "name": "../a [b].pdf"}, {"id": "F2", "title": "<!channel>"}, "odd"]
    message = {"user": "U1", "text": "", "subtype": "file_share", "files": files}
    assert said(message) == Said("U1", "", None, ("a b .pdf", "!channel"))


def test_words_passed_on_without_a_comment_are_nobodys_and_those_with_one_are_the_authors() -> None:
    passed_on = {"user": "U1", "ts": "1.0", "attachments": [{"text": "I am allergic to nuts."}]}
    assert said({**passed_on, "text": ""}) == Said("", "I am allergic to nuts.")
    assert said({**passed_on, "text": "see this"}) == Said("U1", "see this")
