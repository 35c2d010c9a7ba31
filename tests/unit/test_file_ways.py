"""Which ways files may take, by the settings."""

from typing import Any, cast

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.core.files import FileNote
from bot.core.prepared import Prepared
from bot.core.question import AppKind, AppProfile
from bot.dashscope.openapi import OpenApi
from bot.file_ways import FileWays, file_ways
from bot.settings import Settings
from bot.slack.calls import Calls
from bot.slack.file_links import LinkKeys

BEIJING = "https://dashscope.aliyuncs.com/api/v1"
SINGAPORE = "https://dashscope-intl.aliyuncs.com/api/v1"
IMAGE = FileNote("F1", name="a.png", mimetype="image/png", size_bytes=9, mode="hosted")
SIGNING: dict[str, Any] = {"slack_signing_secret": SecretStr("signing-secret")}
SOCKET = {"slack_app_token": SecretStr("xapp-token")}
SEALING = {"encryption_keys": (SecretStr("a-key-of-at-least-32-characters-in-all"),)}


def ways(*, openapi: OpenApi | None = None, **changes: Any) -> FileWays:
    async def token_for(_team_id: str) -> str:
        return "xoxb-x"

    settings = Settings.model_construct().model_copy(update=changes)
    calls = cast("Calls", None)  # no file here has to be looked up
    return file_ways(settings, calls=calls, token_for=token_for, openapi=openapi)


async def prepared(ways: FileWays, *, base_url: str = BEIJING, workspace: str = "") -> Prepared:
    app = AppProfile("app", "APP", AppKind.AGENT, base_url, api_key="sk-x", workspace=workspace)
    return await ways.attachments.prepare("T1", [IMAGE], app=app, options={})


@pytest.mark.parametrize(
    ("secrets", "key"),
    [
        (SIGNING, "signing-secret"),
        (SOCKET, "xapp-token"),
        ({**SIGNING, **SOCKET}, "signing-secret"),
        ({**SIGNING, **SEALING}, "a-key-of-at-least-32-characters-in-all"),
    ],
)
async def test_links_are_signed_with_what_all_replicas_share(
    secrets: dict[str, Any], key: str
) -> None:
    opened = ways(public_url="https://bot.example", **secrets)
    opened.served.set()
    (link,) = (await prepared(opened)).images
    assert link.startswith("https://bot.example/files/")
    assert LinkKeys([key]).read(link.rpartition("/")[2]) is not None
    assert len(opened.routes) == 1


async def test_without_a_public_address_there_are_no_links_and_one_line_says_so() -> None:
    with capture_logs() as logs:
        closed = ways(**SIGNING)
    assert closed.routes == []
    assert (await prepared(closed)).images == ()
    assert [line["event"] for line in logs] == ["links.off"]


@pytest.mark.parametrize(
    ("place", "is_possible"),
    [
        ({"base_url": BEIJING}, True),
        ({"base_url": BEIJING, "workspace": "llm-1"}, True),
        ({"base_url": BEIJING, "workspace": "llm-2"}, False),
        ({"base_url": SINGAPORE}, False),
    ],
)
async def test_files_are_uploaded_only_where_the_app_can_read_them(
    place: dict[str, str], is_possible: bool
) -> None:
    openapi = cast("OpenApi", object())  # never called: the token is refused before
    opened = ways(openapi=openapi, bailian_workspace_id="llm-1", **SIGNING)
    (refusal,) = (await prepared(opened, **place)).refusals
    is_tried = "PUBLIC_URL" not in refusal.phrase.en
    assert is_tried == is_possible
