"""Which payloads ask something of the bot, and what the model reads of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.files import FileNote
from bot.core.messages import (
    MAX_NAME_CHARS,
    ChannelKind,
    Ignored,
    Reason,
    UserMessage,
    mentioned_users,
    parse,
    prompt,
)

BOT = "UBOT"
MENTION: dict[str, Any] = {
    "type": "app_mention",
    "user": "U1",
    "team": "T1",
    "text": "<@UBOT> hello",
    "ts": "1790000000.000100",
    "channel": "C1",
    "event_ts": "1790000000.000100",
}
MESSAGE: dict[str, Any] = {**MENTION, "type": "message", "channel_type": "channel"}
DIRECT: dict[str, Any] = {**MESSAGE, "channel": "D1", "channel_type": "im", "text": "hi"}


def parsed(event: dict[str, Any]) -> UserMessage | Ignored:
    return parse(event, team_id="T1", bot_user_id=BOT, own_app_id="A1", own_bot_id="B1")


def accepted(event: dict[str, Any]) -> UserMessage:
    message = parsed(event)
    assert isinstance(message, UserMessage), message
    return message


def read(text: str, **names: str) -> str:
    return prompt(text, bot_user_id=BOT, names=names)


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def test_a_mention_is_a_message_to_the_bot() -> None:
    assert parsed(MENTION) == UserMessage(
        team_id="T1",
        channel_id="C1",
        channel_kind=ChannelKind.UNKNOWN,
        ts="1790000000.000100",
        thread_ts="1790000000.000100",
        user_id="U1",
        user_team_id="T1",
        text="<@UBOT> hello",
        files=(),
        is_blank=False,
    )


@pytest.mark.parametrize("kind", ["channel", "group", "mpim"])
@pytest.mark.parametrize("text", ["<@UBOT> hi", "hi <@UBOT|bot>"])
def test_a_message_that_mentions_the_bot_claims_what_its_app_mention_claims(
    kind: str, text: str
) -> None:
    message = accepted({**MESSAGE, "channel_type": kind, "text": text})
    mention = accepted({**MENTION, "text": text})
    assert (message.team_id, message.channel_id, message.ts, message.thread_ts) == (
        mention.team_id,
        mention.channel_id,
        mention.ts,
        mention.thread_ts,
    )
    assert message.channel_kind is ChannelKind(kind)
    assert not message.is_direct


def test_a_direct_message_needs_no_mention() -> None:
    message = accepted(DIRECT)
    assert message.is_direct
    assert message.is_root


def test_a_direct_message_is_known_by_its_channel_when_slack_does_not_say() -> None:
    assert accepted({**DIRECT, "channel_type": "app_home"}).is_direct


def test_a_message_in_a_thread_keeps_the_threads_root() -> None:
    message = accepted({**DIRECT, "thread_ts": "1780000000.000001"})
    assert message.thread_ts == "1780000000.000001"
    assert not message.is_root


@pytest.mark.parametrize("subtype", ["file_share", "thread_broadcast"])
def test_messages_with_files_and_replies_sent_to_the_channel_are_read(subtype: str) -> None:
    assert accepted({**DIRECT, "subtype": subtype}).text == "hi"


THREADED: dict[str, Any] = {**MESSAGE, "thread_ts": "1780000000.000001", "text": "and then?"}


def test_what_is_said_to_all_in_a_thread_is_overheard() -> None:
    message = accepted(THREADED)
    assert not message.is_addressed
    assert (message.text, message.thread_ts) == ("and then?", "1780000000.000001")
    assert all(accepted(event).is_addressed for event in (MENTION, MESSAGE, DIRECT))
    assert accepted({**THREADED, "text": "<@UBOT> and then?"}).is_addressed
    assert accepted({**THREADED, "type": "app_mention"}).is_addressed


@pytest.mark.parametrize(
    "text",
    ["look at <https://a.b|this> in <#C2>", "&lt;@U2&gt; by hand", "<!date^1^{date}|then>"],
)
def test_links_channels_and_dates_are_said_to_nobody(text: str) -> None:
    assert not accepted({**THREADED, "text": text}).is_addressed


@pytest.mark.parametrize(
    "changed",
    [
        *(
            {"text": f"well, {token}"}
            for token in ("<@U2>", "<@W2|w>", "<!subteam^S1|@team>", "<!here>", "<!channel>")
        ),
        {"text": "<!everyone>"},
        {"text": "  "},
        {"text": ""},
        {"thread_ts": MESSAGE["ts"]},
        {"thread_ts": None},
        {"bot_id": "B2"},
        {"subtype": "channel_join"},
    ],
)
def test_what_is_said_to_somebody_else_or_starts_a_thread_is_not_overheard(
    changed: dict[str, Any],
) -> None:
    assert isinstance(parsed({**THREADED, **changed}), Ignored)


@given(st.text(st.sampled_from("<@UBOT>!here ok\n"), max_size=24), st.booleans())
def test_a_message_is_overheard_only_where_nobody_is_mentioned(text: str, threaded: bool) -> None:
    message = parsed({**(THREADED if threaded else MESSAGE), "text": text})
    if isinstance(message, UserMessage) and not message.is_addressed:
        assert threaded
        assert text.strip()
        assert not mentioned_users(text)
    elif isinstance(message, UserMessage):
        assert BOT in mentioned_users(text)


def test_files_are_known_by_their_ids() -> None:
    files = [{"id": "F1"}, {"id": "F2", "mode": "file_access"}, {"name": "x"}, "F3", {"id": 4}]
    message = accepted({**DIRECT, "subtype": "file_share", "text": "", "files": files})
    assert message.files == (FileNote("F1"), FileNote("F2", mode="file_access"))
    assert not message.is_blank


@pytest.mark.parametrize("text", ["<@UBOT>", " <@UBOT|bot> ", "", None])
def test_a_mention_and_nothing_else_is_answered_and_marked(text: str | None) -> None:
    assert accepted({**MENTION, "text": text}).is_blank


def test_over_slack_connect_the_writers_workspace_is_told_apart() -> None:
    message = accepted({**MENTION, "team": "T1", "user_team": "T2"})
    assert (message.team_id, message.user_team_id) == ("T1", "T2")


def test_the_text_of_a_message_is_not_in_its_repr() -> None:
    assert "hello" not in repr(accepted(MENTION))


@pytest.mark.parametrize(
    ("reason", "changed"),
    [
        (Reason.OTHER_EVENT, {"type": "reaction_added"}),
        (Reason.OTHER_EVENT, {"type": ["message"]}),
        (Reason.EDITED, {"subtype": "message_changed", "hidden": True}),
        (Reason.DELETED, {"subtype": "message_deleted"}),
        (Reason.DELETED, {"subtype": "tombstone"}),
        (Reason.CHANNEL_NOTICE, {"subtype": "channel_join"}),
        (Reason.CHANNEL_NOTICE, {"subtype": "group_topic"}),
        (Reason.OTHER_SUBTYPE, {"subtype": "huddle_thread"}),
        (Reason.OTHER_SUBTYPE, {"subtype": "assistant_app_thread"}),
        (Reason.OWN_MESSAGE, {"user": "UBOT"}),
        (Reason.OWN_MESSAGE, {"bot_id": "B1"}),
        (Reason.OWN_MESSAGE, {"bot_id": "B1", "subtype": "bot_message"}),
        (Reason.OWN_MESSAGE, {"app_id": "A1"}),
        (Reason.OTHER_BOT, {"bot_id": "B2"}),
        (Reason.OTHER_BOT, {"bot_profile": {"id": "B2"}}),
        (Reason.OTHER_BOT, {"subtype": "bot_message"}),
        (Reason.OTHER_BOT, {"user": "USLACKBOT"}),
        (Reason.NOT_ADDRESSED, {"text": "hello <@U2>"}),
        (Reason.NOT_ADDRESSED, {"text": "&lt;@UBOT&gt; typed by hand"}),
        (Reason.NOT_ADDRESSED, {"text": "<@UBOTTOM>"}),
        (Reason.MALFORMED, {"subtype": 7}),
        (Reason.MALFORMED, {"user": None}),
        (Reason.MALFORMED, {"channel": "C1 OR 1=1"}),
        (Reason.MALFORMED, {"ts": "1790000000"}),
        (Reason.MALFORMED, {"thread_ts": "yesterday"}),
        (Reason.MALFORMED, {"text": ["<@UBOT>"]}),
    ],
)
def test_what_is_no_question_is_ignored_with_its_reason(
    reason: Reason, changed: dict[str, Any]
) -> None:
    assert parsed({**MESSAGE, **changed}) == Ignored(reason)


def test_unknown_own_ids_make_nothing_an_own_message() -> None:
    message = parse(DIRECT, team_id="T1", bot_user_id=BOT, own_app_id=None, own_bot_id=None)
    assert isinstance(message, UserMessage)


WORDS = st.text(st.sampled_from("<@UBOT>|1.0 &\n人"), max_size=12)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*DIRECT, "subtype", "files", "thread_ts"]), ANYTHING))
def test_no_payload_makes_it_raise(changed: dict[str, Any]) -> None:
    assert isinstance(parsed({**DIRECT, **changed}), UserMessage | Ignored)
    assert isinstance(parsed(changed), UserMessage | Ignored)


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("<@UBOT> what is new?", "what is new?"),
        ("hey <@UBOT|bot> you", "hey you"),
        ("<@UBOT>\nline one\nline two", "line one\nline two"),
        ("ask <@U1> or <@U9>", "ask @Ann Lee or @user"),
        ("in <#C1|general> and <#C2>", "in #general and #channel"),
        ("<!here> <!channel> <!everyone|@everyone>", "@here @channel @everyone"),
        ("<!subteam^S1|@team> <!subteam^S2>", "@team @group"),
        ("<!date^1392734382^{date}^https://a.b|18 Feb 2014>", "18 Feb 2014"),
        ("<https://a.b/?x=1&amp;y=2|the page>", "the page (https://a.b/?x=1&y=2)"),
        ("<https://a.b/c>", "https://a.b/c"),
        ("<http://a.b|a.b>", "http://a.b"),
        ("<https://a.b|https://a.b>", "https://a.b"),
        ("<mailto:x@a.b|x@a.b>", "x@a.b"),
        ("<mailto:x@a.b>", "x@a.b"),
        ("&amp;lt; stays", "&lt; stays"),
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("```\n  if a &lt; b:\n    <http://a.b>\n```", "```\n  if a < b:\n    http://a.b\n```"),
        ("an open < stays", "an open < stays"),
        ("<> stays", "<> stays"),
        ("<|a label alone>", "a label alone"),
        ("<@|nobody> <#> <!>", "@user #channel @"),
    ],
)
def test_the_model_reads_what_a_reader_sees(raw: str, shown: str) -> None:
    assert read(raw, U1="Ann Lee") == shown


@given(st.text(st.sampled_from("&;<>ltgamp@U1| \n人")))
def test_entities_are_unescaped_exactly_once(text: str) -> None:
    assert read(escaped(text)) == text.strip()


@given(name=st.text(st.sampled_from("<>!@#|& \n\u2028abc&lt;"), max_size=200))
def test_a_name_cannot_smuggle_markup_or_lines(name: str) -> None:
    shown = read("hi <@U1>, bye", U1=name)
    said = shown.removeprefix("hi @").removesuffix(", bye")
    assert not set(said) & set("<>\n\u2028")
    assert 0 < len(said) <= MAX_NAME_CHARS
    assert said in ("user", " ".join(name.replace("<", " ").replace(">", " ").split())[: len(said)])


def test_taking_the_bot_out_makes_no_new_mention() -> None:
    assert read("<<@UBOT>@U1>", U1="Ann") == "<@U1>"


@given(st.text(st.sampled_from("<>@!#|^:/ U1BOT&;lt\n"), max_size=60))
def test_no_text_makes_the_prompt_raise(text: str) -> None:
    read(text)
    mentioned_users(text)


def test_everybody_mentioned_is_found_once() -> None:
    assert mentioned_users("<@U1> <@W2|w> <@U1> <#C1> &lt;@U3&gt; <!here>") == {"U1", "W2"}
