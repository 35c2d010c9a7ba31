import asyncio
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.playground.slack import (
    APP_TOKEN,
    BOT_TOKEN,
    App,
    Fault,
    FaultKind,
    Limits,
    SlackServer,
    Workspace,
)
from tests.unit.playground.slack.calls import Connect, Slack, posted, refusal


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
        server.until(lambda: server.workspace.messages("C0GENERAL"), timeout_s=60)
    )
    ts = await posted(slack)
    assert [m.ts for m in await waiting] == [ts]
    with pytest.raises(TimeoutError):
        await server.until(lambda: False, timeout_s=0.01)
