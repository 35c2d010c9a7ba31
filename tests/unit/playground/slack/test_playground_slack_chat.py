from typing import Any

import pytest

from bot.playground.slack import (
    Limits,
    SlackServer,
    Workspace,
    visible_text,
)
from tests.unit.playground.slack.calls import MARK, MARKDOWN, Connect, Slack, posted, refusal


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C0NONE", "text": "x"}, "channel_not_found"),
        ({"channel": "C0SECRET", "text": "x"}, "channel_not_found"),
        ({"channel": "C0OTHER", "text": "x"}, "not_in_channel"),
        ({"channel": "C0OLD", "text": "x"}, "is_archived"),
        ({"channel": "C0GENERAL"}, "no_text"),
        ({"channel": "C0GENERAL", "text": " \n"}, "no_text"),
        ({"channel": "C0GENERAL", "text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ({"channel": "C0GENERAL", "markdown_text": "y" * 12_001}, "msg_too_long"),
        ({"channel": "C0GENERAL", "blocks": [{"type": "markdown", "text": ""}]}, "invalid_blocks"),
        ({"channel": "C0GENERAL", "blocks": "[oops"}, "invalid_blocks"),
        (
            {"channel": "C0GENERAL", "blocks": [{"type": "markdown", "text": "x" * 11_341}]},
            "msg_blocks_too_long",
        ),
        ({"channel": "C0GENERAL", "text": "x", "metadata": {"a": 1}}, "invalid_metadata_format"),
        ({"channel": "C0GENERAL", "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
        ({"text": "x"}, "invalid_arguments"),
    ],
)
async def test_a_post_slack_would_refuse_is_refused_and_posts_nothing(
    server: SlackServer, slack: Slack, arguments: dict[str, Any], error: str
) -> None:
    assert await refusal(slack.api_call("chat.postMessage", json=arguments)) == error
    assert server.workspace.versions == []


async def test_a_post_appears_as_the_apps_own_and_ids_it_again(
    server: SlackServer, slack: Slack
) -> None:
    answer = await slack.chat_postMessage(channel="C0GENERAL", text="note", blocks=MARKDOWN)
    message = server.workspace.message("C0GENERAL", answer["ts"])
    assert message is not None
    assert visible_text(message) == "**hi**"
    shown = answer["message"]
    assert (shown["bot_id"], shown["app_id"], shown["user"]) == ("B0PLAY", "A0PLAY", "U0BOT")


async def test_text_beyond_40_000_characters_is_cut(slack: Slack) -> None:
    answer = await slack.chat_postMessage(channel="C0GENERAL", text="x" * 40_001)
    assert len(answer["message"]["text"]) == 40_000


async def test_a_post_to_a_person_goes_to_their_direct_messages(
    server: SlackServer, slack: Slack
) -> None:
    answer = await slack.chat_postMessage(channel="U0ANN", text="hi")
    assert server.workspace.channels[answer["channel"]].members == {"U0ANN", "U0BOT"}


async def test_nobody_can_answer_a_deleted_root_or_a_reply(slack: Slack, clock: Any) -> None:
    root = await posted(slack)
    reply = await posted(slack, thread_ts=root)
    assert await refusal(posted(slack, thread_ts=reply)) == "cannot_reply_to_message"
    await slack.chat_delete(channel="C0GENERAL", ts=root)
    clock.now += 60
    assert await refusal(posted(slack, thread_ts=root)) == "cannot_reply_to_message"


async def test_text_without_blocks_removes_the_blocks_and_shows_the_edited_label(
    server: SlackServer, slack: Slack
) -> None:
    ts = await posted(slack, blocks=MARKDOWN)
    await slack.chat_update(channel="C0GENERAL", ts=ts, text="new", blocks=MARKDOWN)
    with_blocks = server.workspace.message("C0GENERAL", ts)
    await slack.chat_update(channel="C0GENERAL", ts=ts, text="bare")
    without = server.workspace.message("C0GENERAL", ts)
    assert with_blocks is not None
    assert without is not None
    assert (with_blocks.edited_ts, bool(without.edited_ts)) == ("", True)
    assert (without.blocks, visible_text(without)) == ((), "bare")


async def test_an_update_keeps_the_metadata_it_does_not_name(
    server: SlackServer, slack: Slack
) -> None:
    ts = await posted(slack, metadata=MARK)
    await slack.chat_update(channel="C0GENERAL", ts=ts, text="new")
    message = server.workspace.message("C0GENERAL", ts)
    assert message is not None
    assert message.draft.metadata == MARK


async def test_updates_slack_would_refuse_are_refused(server: SlackServer, slack: Slack) -> None:
    ts, foreign = await posted(slack), await server.say("U0ANN", "C0GENERAL", "mine")

    async def update(ts: str, **fields: Any) -> str:
        arguments = {"channel": "C0GENERAL", "ts": ts, **fields}
        return await refusal(slack.api_call("chat.update", json=arguments))

    assert await update(ts, text="x" * 4_001) == "msg_too_long"
    assert await update(ts, text="") == "no_text"
    assert await update("1.000001", text="x") == "message_not_found"
    assert await update(foreign, text="x") == "cant_update_message"
    server.workspace.archive("C0GENERAL")
    assert await update(ts, text="x") == "is_archived"


async def test_the_edit_window_may_close(
    workspace: Workspace, connect: Connect, clock: Any
) -> None:
    limits = Limits(edit_window_s=60)
    async with (
        SlackServer(workspace, limits=limits, clock=clock) as server,
        connect(server) as slack,
    ):
        ts = await posted(slack)
        clock.now += 60
        await slack.chat_update(channel="C0GENERAL", ts=ts, text="in time")
        clock.now += 1
        late = slack.chat_update(channel="C0GENERAL", ts=ts, text="late")
        assert await refusal(late) == "edit_window_closed"


async def test_only_own_messages_can_be_deleted_and_only_once(
    server: SlackServer, slack: Slack
) -> None:
    foreign, own = await server.say("U0ANN", "C0GENERAL", "mine"), await posted(slack)

    async def delete(ts: str) -> str:
        return await refusal(slack.chat_delete(channel="C0GENERAL", ts=ts))

    assert await delete(foreign) == "cant_delete_message"
    await slack.chat_delete(channel="C0GENERAL", ts=own)
    assert await delete(own) == "message_not_found"


async def test_an_ephemeral_message_is_for_a_member_and_can_never_be_updated(
    server: SlackServer, slack: Slack
) -> None:
    answer = await slack.chat_postEphemeral(channel="C0GENERAL", user="U0ANN", text="psst")
    assert [(e.user, e.text) for e in server.workspace.ephemerals] == [("U0ANN", "psst")]
    outsider = slack.chat_postEphemeral(channel="C0GENERAL", user="U0NOBODY", text="psst")
    assert await refusal(outsider) == "user_not_in_channel"
    update = slack.chat_update(channel="C0GENERAL", ts=answer["message_ts"], text="x")
    assert await refusal(update) == "message_not_found"
