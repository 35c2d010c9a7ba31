import io
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from bot.playground.slack import BOT_TOKEN, SlackServer
from tests.unit.playground.slack.calls import Slack, posted, refusal

CONTENT = b"day,tokens\r\n2026-11-21,7\r\n"


async def announced(slack: Slack, *, length: int = len(CONTENT)) -> tuple[str, str]:
    answer = await slack.files_getUploadURLExternal(filename="usage.csv", length=length)
    return answer["file_id"], answer["upload_url"]


async def carried(url: str, content: bytes = CONTENT) -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, data=io.BytesIO(content)) as response,
    ):
        return response.status


async def uploaded(slack: Slack) -> str:
    file_id, url = await announced(slack)
    assert await carried(url) == 200
    return file_id


async def test_slacks_own_client_uploads_a_file_that_can_be_read_and_downloaded(
    server: SlackServer, slack: Slack
) -> None:
    await slack.files_upload_v2(
        channel="C0GENERAL",
        filename="usage.csv",
        content=CONTENT,
        title="Usage",
        initial_comment="look",
    )
    (message,) = (await slack.conversations_history(channel="C0GENERAL"))["messages"]
    (file,) = message["files"]
    assert (message["text"], message["user"]) == ("look", server.workspace.app.bot_user_id)
    assert (file["name"], file["title"], file["mimetype"]) == ("usage.csv", "Usage", "text/csv")
    headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(file["url_private"]) as response,
    ):
        assert await response.read() == CONTENT
    (seen,) = server.workspace.messages("C0GENERAL")
    assert [attached.content for attached in seen.draft.files] == [CONTENT]


async def test_a_file_goes_into_a_thread(server: SlackServer, slack: Slack) -> None:
    root = await posted(slack)
    await slack.files_completeUploadExternal(
        files=[{"id": await uploaded(slack)}], channel_id="C0GENERAL", thread_ts=root
    )
    (reply,) = server.workspace.replies("C0GENERAL", root)
    assert [file.name for file in reply.draft.files] == ["usage.csv"]


async def test_a_file_without_a_channel_is_seen_by_nobody(
    server: SlackServer, slack: Slack
) -> None:
    file_id = await uploaded(slack)
    answer = await slack.files_completeUploadExternal(files=[{"id": file_id}])
    assert [file["id"] for file in answer["files"]] == [file_id]
    assert file_id in server.workspace.files
    assert not server.workspace.messages("C0GENERAL")


async def test_an_upload_takes_an_announced_address_and_the_announced_length(
    server: SlackServer, slack: Slack
) -> None:
    _, url = await announced(slack)
    assert await carried(url, CONTENT + b"x") == 400
    assert await carried(url, CONTENT[:-1]) == 400
    assert await carried(url) == 200
    assert await carried(f"{server.url}/files/upload/made-up") == 404


async def test_an_upload_may_be_larger_than_a_call(slack: Slack) -> None:
    content = b"x" * (5 * 2**20)
    _, url = await announced(slack, length=len(content))
    assert await carried(url, content) == 200


@pytest.mark.parametrize("length", ["0", "-1", "many", ""])
async def test_a_length_is_a_positive_number(slack: Slack, length: str) -> None:
    call = slack.files_getUploadURLExternal(filename="usage.csv", length=length)
    assert await refusal(call) == "invalid_arguments"


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ({"channel_id": "C0NOWHERE"}, "channel_not_found"),
        ({"channel_id": "U0ANN"}, "channel_not_found"),
        ({"channel_id": "C0SECRET"}, "channel_not_found"),
        ({"channel_id": "C0OTHER"}, "not_in_channel"),
        ({"channel_id": "C0OLD"}, "is_archived"),
        ({"channel_id": "C0GENERAL", "thread_ts": "1.000001"}, "thread_not_found"),
    ],
)
async def test_a_file_refused_in_one_place_can_still_go_to_another(
    slack: Slack, place: dict[str, Any], error: str
) -> None:
    files = [{"id": await uploaded(slack)}]
    assert await refusal(slack.files_completeUploadExternal(files=files, **place)) == error
    await slack.files_completeUploadExternal(files=files, channel_id="C0GENERAL")


async def test_only_a_file_whose_bytes_came_is_completed_and_only_once(slack: Slack) -> None:
    done, (empty, _) = await uploaded(slack), await announced(slack)
    await slack.files_completeUploadExternal(files=[{"id": done}])
    for file_id in (done, empty, "F0UNKNOWN", ""):
        call = slack.files_completeUploadExternal(files=[{"id": file_id}])
        assert await refusal(call) == "file_not_found"
    assert await refusal(slack.files_completeUploadExternal(files=[])) == "invalid_arguments"


async def test_uploading_takes_its_scope(server: SlackServer, slack: Slack) -> None:
    app = server.workspace.app
    server.workspace.app = replace(app, scopes=app.scopes - {"files:write"})
    call = slack.files_getUploadURLExternal(filename="usage.csv", length=7)
    assert await refusal(call) == "missing_scope"
    call = slack.files_completeUploadExternal(files=[{"id": "F0UNKNOWN"}])
    assert await refusal(call) == "missing_scope"


async def test_files_announced_too_often_are_throttled(slack: Slack) -> None:
    for _ in range(40):
        await announced(slack)
    call = slack.files_getUploadURLExternal(filename="usage.csv", length=7)
    assert await refusal(call) == "ratelimited"
