from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from bot.playground.slack import (
    BOT_TOKEN,
    Channel,
    File,
    Limits,
    SlackServer,
    Workspace,
)
from tests.unit.playground.slack.calls import MARK, Connect, Slack, posted, refusal


async def test_a_thread_is_read_page_by_page_with_its_root_on_each(
    server: SlackServer, slack: Slack
) -> None:
    root = await server.say("U0ANN", "C0GENERAL", "root")
    for n in range(5):
        await server.say("U0BOB", "C0GENERAL", f"r{n}", thread_ts=root)
    pages: list[list[str]] = []
    answer: Any = {"response_metadata": {"next_cursor": ""}}
    while "response_metadata" in answer:
        cursor = answer["response_metadata"]["next_cursor"]
        answer = (
            await slack.conversations_replies(channel="C0GENERAL", ts=root, limit=2, cursor=cursor)
        ).data
        pages.append([m["text"] for m in answer["messages"]])
    assert pages == [["root", "r0"], ["root", "r1", "r2"], ["root", "r3", "r4"]]
    assert answer["messages"][0]["reply_count"] == 5


async def test_oldest_is_left_out_unless_inclusive(server: SlackServer, slack: Slack) -> None:
    root = await server.say("U0ANN", "C0GENERAL", "root")
    replies = [await server.say("U0BOB", "C0GENERAL", t, thread_ts=root) for t in "abc"]

    async def read(**span: Any) -> list[str]:
        answer = await slack.conversations_replies(channel="C0GENERAL", ts=root, **span)
        return [m["text"] for m in answer["messages"]]

    assert await read(oldest=replies[1]) == ["root", "c"]
    assert await read(oldest=replies[1], inclusive=True) == ["root", "b", "c"]
    assert await read(latest=replies[1]) == ["root", "a"]


async def test_metadata_is_shown_only_when_asked_for(slack: Slack) -> None:
    ts = await posted(slack, metadata=MARK)
    read = {"channel": "C0GENERAL", "ts": ts}
    bare = await slack.conversations_replies(**read)
    full = await slack.conversations_replies(**read, include_all_metadata=True)
    assert "metadata" not in bare["messages"][0]
    assert full["messages"][0]["metadata"] == MARK


async def test_history_is_newest_first_and_without_replies(
    server: SlackServer, slack: Slack
) -> None:
    first = await server.say("U0ANN", "C0GENERAL", "first")
    await server.say("U0ANN", "C0GENERAL", "reply", thread_ts=first)
    await server.say("U0ANN", "C0GENERAL", "second")
    answer = await slack.conversations_history(channel="C0GENERAL", limit=10)
    assert [m["text"] for m in answer["messages"]] == ["second", "first"]


async def test_scarce_reading_is_once_a_minute_and_15_at_a_time(
    workspace: Workspace, connect: Connect
) -> None:
    async with (
        SlackServer(workspace, limits=Limits(is_reading_scarce=True)) as server,
        connect(server) as slack,
    ):
        root = await server.say("U0ANN", "C0GENERAL", "root")
        for n in range(20):
            await server.say("U0ANN", "C0GENERAL", f"{n}", thread_ts=root)
        read = {"channel": "C0GENERAL", "ts": root, "limit": 100}
        answer = await slack.conversations_replies(**read)
        assert (len(answer["messages"]), answer["has_more"]) == (15, True)
        assert await refusal(slack.conversations_replies(**read)) == "ratelimited"


async def test_the_smaller_methods_answer_and_refuse(server: SlackServer, slack: Slack) -> None:
    user = (await slack.users_info(user="U0ANN", include_locale=True))["user"]
    assert (user["real_name"], user["locale"], user["is_owner"]) == ("Ann Li", "zh-CN", True)
    assert await refusal(slack.users_info(user="U0NOBODY")) == "user_not_found"
    assert len((await slack.users_list())["members"]) == 3
    assert (await slack.team_info())["team"]["id"] == "T0PLAY"
    assert (await slack.bots_info(bot="B0PLAY"))["bot"]["app_id"] == "A0PLAY"
    assert await refusal(slack.bots_info(bot="B0NONE")) == "bot_not_found"
    assert await refusal(slack.files_info(file="F0NONE")) == "file_not_found"
    assert (await slack.conversations_info(channel="C0GENERAL"))["channel"]["is_member"]
    assert "U0ANN" in (await slack.conversations_members(channel="C0GENERAL"))["members"]
    listed = await slack.conversations_list(types="public_channel,private_channel")
    assert {c["id"] for c in listed["channels"]} == {"C0GENERAL", "C0OTHER", "C0TEAM", "C0OLD"}
    opened = (await slack.conversations_open(users="U0ANN"))["channel"]["id"]
    assert (await slack.conversations_open(users="U0ANN"))["channel"]["id"] == opened
    assert (await slack.api_test())["ok"]
    ts = await posted(slack)
    link = await slack.chat_getPermalink(channel="C0GENERAL", message_ts=ts)
    assert link["permalink"].endswith("p" + ts.replace(".", ""))


async def test_joining_makes_the_app_a_member_once(server: SlackServer, slack: Slack) -> None:
    await slack.conversations_join(channel="C0OTHER")
    again = await slack.conversations_join(channel="C0OTHER")
    assert again["warning"] == "already_in_channel"
    joined = [m for m in server.workspace.messages("C0OTHER") if m.draft.subtype == "channel_join"]
    assert len(joined) == 1


async def test_a_reaction_is_put_on_once_and_taken_off_once(slack: Slack) -> None:
    where = {"channel": "C0GENERAL", "timestamp": await posted(slack), "name": "eyes"}
    await slack.reactions_add(**where)
    assert await refusal(slack.reactions_add(**where)) == "already_reacted"
    await slack.reactions_remove(**where)
    assert await refusal(slack.reactions_remove(**where)) == "no_reaction"


async def test_a_file_needs_the_token_else_it_is_a_login_page(server: SlackServer) -> None:
    file = File("F0A", "a.txt", b"content", user_id="U0ANN")
    await server.say("U0ANN", "C0GENERAL", "look", files=[file])
    async with aiohttp.ClientSession() as session:
        for token, wanted in ((BOT_TOKEN, "text/plain"), ("xoxb-other", "text/html")):
            headers = {"Authorization": f"Bearer {token}"}
            url = f"{server.url}/files/F0A/download"
            async with session.get(url, headers=headers) as response:
                assert (response.status, response.content_type) == (200, wanted)
                assert (await response.read() == b"content") is (token == BOT_TOKEN)


async def test_a_stranger_of_a_shared_channel_is_marked_as_such(
    server: SlackServer, slack: Slack
) -> None:
    stranger = replace(server.workspace.users["U0BOB"], user_id="U0EXT", team_id="T0OTHER")
    server.workspace.add_user(stranger)
    server.workspace.add_channel(
        Channel("C0SHARED", "shared", members=frozenset({"U0EXT", "U0BOT"}), is_ext_shared=True)
    )
    user = (await slack.users_info(user="U0EXT"))["user"]
    assert (user["team_id"], user["is_stranger"]) == ("T0OTHER", True)
    assert (await slack.conversations_info(channel="C0SHARED"))["channel"]["is_ext_shared"]


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("conversations.info", {"channel": "C0SECRET"}, "channel_not_found"),
        ("conversations.history", {"channel": "C0OTHER"}, "not_in_channel"),
        ("conversations.history", {"channel": "C0GENERAL", "limit": 0}, "invalid_limit"),
        ("conversations.history", {"channel": "C0GENERAL", "cursor": "?"}, "invalid_cursor"),
        ("conversations.history", {"channel": "C0GENERAL", "cursor": "Zm9v"}, "invalid_cursor"),
        ("conversations.replies", {"channel": "C0GENERAL", "ts": "1.000001"}, "thread_not_found"),
        ("conversations.list", {"types": "secret"}, "invalid_types"),
        ("conversations.join", {"channel": "C0TEAM"}, "method_not_supported_for_channel_type"),
        ("conversations.join", {"channel": "C0OLD"}, "is_archived"),
        ("conversations.open", {}, "users_list_not_supplied"),
        ("conversations.open", {"users": "U0NOBODY"}, "user_not_found"),
        ("conversations.open", {"users": "U0BOT"}, "cannot_dm_bot"),
        ("conversations.open", {"users": ",".join("ABCDEFGHI")}, "too_many_users"),
        ("views.update", {"view_id": "V0NONE"}, "not_found"),
        ("views.open", {"trigger_id": "1", "view": "oops"}, "invalid_arguments"),
        ("views.publish", {"user_id": "U0NOBODY"}, "invalid_arguments"),
        ("reactions.add", {"channel": "C0GENERAL", "name": "A B"}, "invalid_name"),
        ("reactions.add", {"channel": "C0OLD", "name": "eyes"}, "is_archived"),
        ("api.test", {"error": "my_error"}, "my_error"),
    ],
)
async def test_a_call_slack_would_refuse_is_refused(
    slack: Slack, method: str, arguments: dict[str, Any], error: str
) -> None:
    assert await refusal(slack.api_call(method, json=arguments)) == error
