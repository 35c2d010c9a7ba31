import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.playground.slack import (
    APP_TOKEN,
    BOT_TOKEN,
    App,
    Channel,
    Fault,
    FaultKind,
    File,
    Limits,
    SlackServer,
    Workspace,
    visible_text,
)

# Slack's client types every field of an answer as optional; here they are looked at as they are.
Slack = Any
Connect = Callable[..., AbstractAsyncContextManager[Slack]]
MARKDOWN = [{"type": "markdown", "text": "**hi**"}]
MARK = {"event_type": "turn", "event_payload": {"turn_id": 7}}


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        await call
    return refused.value.response["error"]


async def posted(slack: Slack, text: str = "hello", **fields: Any) -> str:
    answer = await slack.chat_postMessage(channel="C0GENERAL", text=text, **fields)
    return answer["ts"]


# tokens and scopes


async def test_a_good_token_learns_whose_it_is_and_its_scopes(slack: Slack) -> None:
    answer = await slack.auth_test()
    assert (answer["user_id"], answer["bot_id"]) == ("U0BOT", "B0PLAY")
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


@pytest.mark.parametrize(
    ("token", "error"),
    [(None, "not_authed"), ("xoxb-other", "invalid_auth"), (APP_TOKEN, "not_allowed_token_type")],
)
async def test_a_call_without_the_right_token_is_refused(
    server: SlackServer, connect: Connect, token: str | None, error: str
) -> None:
    async with connect(server, token) as client:
        assert await refusal(client.auth_test()) == error


async def test_a_missing_scope_names_what_is_needed_and_what_is_there(connect: Connect) -> None:
    workspace = Workspace(app=App(scopes=frozenset({"chat:write"})))
    async with SlackServer(workspace) as server, connect(server) as client:
        with pytest.raises(SlackApiError) as refused:
            await client.users_info(user="U0BOT")
    body = refused.value.response.data
    assert isinstance(body, dict)
    assert (body["error"], body["needed"], body["provided"]) == (
        "missing_scope",
        "users:read",
        "chat:write",
    )


async def test_private_channels_need_their_own_scope(
    workspace: Workspace, connect: Connect
) -> None:
    workspace.app = App(scopes=frozenset({"channels:read"}))
    async with SlackServer(workspace) as server, connect(server) as client:
        await client.conversations_info(channel="C0GENERAL")
        assert await refusal(client.conversations_info(channel="C0TEAM")) == "missing_scope"


async def test_a_method_that_does_not_exist_is_unknown(slack: Slack) -> None:
    assert await refusal(slack.api_call("chat.shout")) == "unknown_method"


@pytest.mark.parametrize("how", ["json", "form", "query"])
async def test_arguments_may_come_in_every_form(server: SlackServer, how: str) -> None:
    arguments = {"channel": "C0GENERAL", "text": "hi", "token": BOT_TOKEN}
    sent: dict[str, Any] = {{"form": "data", "query": "params"}.get(how, how): arguments}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{server.api_url}chat.postMessage", **sent) as response,
    ):
        assert (await response.json())["ok"] is True
    assert "token" not in server.journal.calls[-1].arguments


# chat


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


# reading


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


# too many calls, and things that go wrong


@pytest.mark.parametrize(("under_200", "status"), [(False, 429), (True, 200)])
async def test_a_call_that_comes_too_early_is_told_when_to_come_back(
    workspace: Workspace, connect: Connect, clock: Any, under_200: bool, status: int
) -> None:
    limits = Limits(is_ratelimited_under_200=under_200)
    async with (
        SlackServer(workspace, limits=limits, clock=clock) as server,
        connect(server) as slack,
    ):
        for _ in range(3):
            await posted(slack)
        with pytest.raises(SlackApiError) as refused:
            await posted(slack)
        response = refused.value.response
        assert (response.status_code, response["error"]) == (status, "ratelimited")
        assert response.headers["Retry-After"] == "1"
        clock.now += 1
        await posted(slack)
    assert server.journal.count("chat.postMessage", "ratelimited") == 1
    assert server.meter.refused == {"chat.postMessage": 1}


async def test_each_answering_fault_answers_in_its_own_way(
    server: SlackServer, slack: Slack
) -> None:
    async def struck(fault: Fault) -> tuple[int, str | None, str | None]:
        server.faults.add(fault)
        headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{server.api_url}auth.test") as response,
        ):
            is_json = response.content_type == "application/json"
            error = (await response.json()).get("error") if is_json else None
            return response.status, error, response.headers.get("Retry-After")

    made = Fault("auth.test", FaultKind.STATUS, status=502)
    assert (await struck(made))[0] == 502
    assert await struck(replace(made, kind=FaultKind.HTML)) == (502, None, None)
    limited = replace(made, kind=FaultKind.RATE_LIMITED, retry_after_s=7)
    assert await struck(limited) == (429, "ratelimited", "7")
    wrong = replace(made, kind=FaultKind.ERROR, error="fatal_error")
    assert await struck(wrong) == (200, "fatal_error", None)
    slow = replace(made, kind=FaultKind.SLOW, delay_s=0.01)
    assert await struck(slow) == (200, None, None)


@pytest.mark.parametrize(
    ("kind", "happened"), [(FaultKind.RESET_BEFORE, False), (FaultKind.RESET_AFTER, True)]
)
async def test_a_reset_loses_the_answer_with_or_without_the_effect(
    server: SlackServer, slack: Slack, kind: FaultKind, happened: bool
) -> None:
    server.faults.add(Fault("chat.postMessage", kind))
    with pytest.raises(aiohttp.ClientConnectionError):
        await posted(slack)
    assert bool(server.workspace.messages("C0GENERAL")) is happened
    assert server.journal.calls[-1].outcome == kind.value


async def test_a_call_that_hangs_never_happens_and_does_not_hold_the_server_up(
    workspace: Workspace, connect: Connect
) -> None:
    async with SlackServer(workspace) as server, connect(server) as slack:
        server.faults.add(Fault("chat.postMessage", FaultKind.HANG))
        call = asyncio.create_task(posted(slack))
        done, _ = await asyncio.wait({call}, timeout=0.05)
        assert not done
    with pytest.raises(aiohttp.ClientConnectionError):
        await call
    assert workspace.messages("C0GENERAL") == ()


async def test_every_call_takes_the_latency(workspace: Workspace, connect: Connect) -> None:
    limits = Limits(latency_s=0.02)
    async with SlackServer(workspace, limits=limits) as server, connect(server) as slack:
        await slack.auth_test()
    assert server.journal.calls[-1].took_s >= 0.02


async def test_waiting_ends_with_the_change_waited_for(server: SlackServer, slack: Slack) -> None:
    waiting = asyncio.create_task(
        server.until(lambda: server.workspace.messages("C0GENERAL"), timeout_s=5)
    )
    ts = await posted(slack)
    assert [m.ts for m in await waiting] == [ts]
    with pytest.raises(TimeoutError):
        await server.until(lambda: False, timeout_s=0.01)


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
