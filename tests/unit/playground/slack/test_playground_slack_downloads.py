"""Files are handed out to whoever shows the token, and to nobody else."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import aiohttp
import pytest

from bot.playground.slack import SlackServer, User, Workspace
from bot.playground.slack.directory import File, attached_json, file_json
from bot.playground.slack.downloads import Download

WITHIN_S = 60.0


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    workspace = Workspace()
    workspace.add_user(User("U0ANN", name="ann"))
    workspace.add_file(File("F1", name="a.txt", content=b"hello"))
    async with SlackServer(workspace) as server:
        yield server


async def got(server: SlackServer, file_id: str = "F1", *, token: str = "") -> tuple[int, str, str]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = f"{server.url}/files/{file_id}/download"
    async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as response:
        return response.status, response.content_type, await response.text()


async def test_the_token_opens_a_file(server: SlackServer) -> None:
    assert await got(server, token=server.bot_token) == (200, "text/plain", "hello")
    assert (await got(server, "F2", token=server.bot_token))[0] == 404
    assert server.counter.downloads == [Download("F1", is_allowed=True)]


@pytest.mark.parametrize("why", ["no token", "another token", "no scope", "knows nobody"])
async def test_everybody_else_sees_the_login_page(server: SlackServer, why: str) -> None:
    app = server.workspace.app
    if why == "no scope":
        server.workspace.app = replace(app, scopes=app.scopes - {"files:read"})
    server.counter.knows_nobody = why == "knows nobody"
    token = {"no token": "", "another token": "xoxb-other"}.get(why, server.bot_token)
    status, content_type, body = await got(server, token=token)
    assert (status, content_type) == (200, "text/html")
    assert "hello" not in body
    assert server.counter.downloads == [Download("F1", is_allowed=False)]


async def test_while_the_counter_is_closed_everybody_waits(server: SlackServer) -> None:
    server.counter.is_open.clear()
    waiting = asyncio.create_task(got(server, token=server.bot_token))
    await server.until(lambda: server.counter.downloads, timeout_s=WITHIN_S)
    assert not waiting.done()
    server.counter.is_open.set()
    assert (await waiting)[2] == "hello"


def test_of_a_file_from_another_workspace_a_message_tells_the_id_alone() -> None:
    file = File("F1", name="secret.txt", content=b"x", is_foreign=True)
    told = attached_json(file, files_url="http://f")
    assert (told["id"], told["file_access"]) == ("F1", "check_file_info")
    assert "secret" not in str(told)
    assert file_json(file, files_url="http://f")["name"] == "secret.txt"


def test_a_file_kept_elsewhere_says_so() -> None:
    told = file_json(File("F1", name="a", content=b"", mode="external"), files_url="http://f")
    assert (told["mode"], told["is_external"]) == ("external", True)
