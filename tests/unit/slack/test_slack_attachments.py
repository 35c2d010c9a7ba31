"""A message's files made ready: each in its way, or one sentence why not."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from shelf import TOKEN, Shelf, downloads_from, shelf_at
from structlog.testing import capture_logs

from bot.core.attachments import FILES_MOST, LOOKED_AT_MOST, TEXT_BYTES_MOST
from bot.core.file_refusals import (
    NO_WAY,
    NOT_FETCHED,
    NOT_PERMITTED,
    NOT_TAKEN,
    NOT_THERE,
    TOO_LARGE,
    TOO_MANY,
    TOO_SLOW,
    UNKNOWN_KIND,
    sentences,
)
from bot.core.files import FileNote
from bot.core.language import Language
from bot.core.prepared import Prepared
from bot.core.question import AppKind, AppProfile
from bot.errors import DashScopeError, FileRefused, UpstreamTimeout
from bot.playground.slack import BOT_TOKEN, SlackServer, User, Workspace
from bot.playground.slack.directory import File
from bot.slack.attachments import Attachments
from bot.slack.calls import Calls
from bot.slack.downloads import SlackDownloads
from bot.slack.file_links import FileLinks, LinkKeys

APP = AppProfile("app", "APP", AppKind.AGENT, "http://127.0.0.1/api/v1", api_key="sk-x")
KEYS = LinkKeys(["correct horse battery staple and more"])
IMAGE = FileNote("F1", name="a.png", mimetype="image/png", size_bytes=9, mode="hosted")
PAPER = FileNote("F2", name="b.pdf", mimetype="application/pdf", size_bytes=4, mode="hosted")
WORDS = FileNote("F3", name="c.txt", mimetype="text/plain", size_bytes=5, mode="snippet")


@dataclass
class Uploads:
    """Takes uploads as Model Studio would."""

    error: DashScopeError | None = None
    is_slow: bool = False
    taken: list[tuple[str, bytes, int]] = field(default_factory=list)

    async def upload(self, name: str, chunks: AsyncIterable[bytes], *, size_bytes: int) -> str:
        if self.error:
            raise self.error
        if self.is_slow:
            await asyncio.Event().wait()
        content = b"".join([chunk async for chunk in chunks])
        self.taken.append((name, content, size_bytes))
        return f"file_session_{len(self.taken)}"


@pytest.fixture
async def slack() -> AsyncIterator[Shelf]:
    async with shelf_at() as shelf:
        yield shelf


@pytest.fixture
async def downloads(slack: Shelf) -> AsyncIterator[SlackDownloads]:
    async with downloads_from(slack.api_url) as downloads:
        yield downloads


@pytest.fixture
def links(downloads: SlackDownloads) -> FileLinks:
    return FileLinks(keys=KEYS, public_url="https://bot.example", downloads=downloads)


async def prepared(
    attachments: Attachments, *files: FileNote, kind: AppKind = AppKind.AGENT
) -> Prepared:
    app = replace(APP, kind=kind)
    return await attachments.prepare("T1", files, app=app, options={})


def reasons(prepared: Prepared) -> list[object]:
    return [refusal.phrase for refusal in prepared.refusals]


async def test_every_file_goes_its_way_in_order(
    slack: Shelf, downloads: SlackDownloads, links: FileLinks
) -> None:
    attachments = Attachments(downloads=downloads, links=links, session_files=Uploads())
    words = replace(WORDS, url=slack.puts("/files/F3", b"hello", content_type="text/plain"))
    more = replace(words, name="d.txt", url=slack.puts("/files/F4", b"world"))
    ready = await prepared(attachments, IMAGE, words, PAPER, replace(IMAGE, file_id="F9"), more)
    assert [link.split("/")[-1].split(".")[1] for link in ready.images] == ["F1", "F9"]
    assert [link.rpartition(".")[2] for link in (*ready.images, *ready.documents)] == [
        "png",
        "png",
        "pdf",
    ]
    assert ready.texts == ("c.txt:\n```txt\nhello\n```", "d.txt:\n```txt\nworld\n```")
    assert ready.refusals == ()


async def test_without_a_public_address_files_are_uploaded(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    uploads = Uploads()
    attachments = Attachments(downloads=downloads, session_files=uploads)
    url = slack.puts("/files/F2", b"%PDF")
    ready = await prepared(attachments, replace(PAPER, name="../../b\n.pdf", url=url))
    assert ready.session_files == ("file_session_1",)
    assert uploads.taken == [("b .pdf", b"%PDF", 4)]


async def test_without_any_means_images_and_documents_are_refused_and_texts_are_read(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    words = replace(WORDS, url=slack.puts("/files/F3", b"hello"))
    ready = await prepared(Attachments(downloads=downloads), IMAGE, words, PAPER)
    assert reasons(ready) == [NO_WAY, NO_WAY]
    assert len(ready.texts) == 1
    assert [path for path, _ in slack.asked] == ["/files/F3"]


async def test_a_file_known_by_its_id_alone_is_looked_up(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    url = slack.puts("/files/F3", b"hello")
    told = {"id": "F3", "name": "c.txt", "mimetype": "text/plain", "size": 5, "mode": "hosted"}
    slack.keeps({**told, "url_private": url})
    shared = FileNote("F3", mode="file_access")
    ready = await prepared(Attachments(downloads=downloads), shared, FileNote("F8"))
    assert ready.texts == ("c.txt:\n```txt\nhello\n```",)
    assert reasons(ready) == [NOT_THERE]


async def test_of_many_files_the_first_ones_are_read(
    downloads: SlackDownloads, links: FileLinks
) -> None:
    images = [replace(IMAGE, file_id=f"F{number}") for number in range(FILES_MOST + 2)]
    ready = await prepared(Attachments(downloads=downloads, links=links), *images)
    assert len(ready.images) == FILES_MOST
    assert reasons(ready) == [TOO_MANY]
    assert "10" in sentences(ready.refusals, language=Language.ZH)[0]


async def test_a_file_that_cannot_be_read_takes_no_others_place(
    slack: Shelf, downloads: SlackDownloads, links: FileLinks
) -> None:
    slack.keeps({"id": "F0"})
    films = [
        FileNote(f"F{number}", name="a.mp4", mimetype="video/mp4", mode="hosted")
        for number in range(3)
    ]
    unknown = FileNote("F8")
    images = [replace(IMAGE, file_id=f"F1{number}") for number in range(FILES_MOST)]
    attachments = Attachments(downloads=downloads, links=links)
    ready = await prepared(attachments, *films, unknown, *images)
    assert len(ready.images) == FILES_MOST
    assert reasons(ready) == [UNKNOWN_KIND, UNKNOWN_KIND, UNKNOWN_KIND, NOT_THERE]
    ready = await prepared(attachments, *films, *images, IMAGE, *films)
    assert len(ready.images) == FILES_MOST
    assert reasons(ready) == [UNKNOWN_KIND, UNKNOWN_KIND, UNKNOWN_KIND, TOO_MANY]


async def test_beyond_a_bound_no_file_is_looked_at(slack: Shelf, downloads: SlackDownloads) -> None:
    slack.keeps({"id": "F0"})
    unknown = [FileNote(f"F{number}") for number in range(1, LOOKED_AT_MOST + 2)]
    ready = await prepared(Attachments(downloads=downloads), *unknown)
    assert reasons(ready) == [NOT_THERE] * LOOKED_AT_MOST + [TOO_MANY]
    assert len(slack.asked) == LOOKED_AT_MOST


async def test_a_file_larger_than_slack_said_is_refused_as_too_large(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    url = slack.pours("/files/F3", b"x" * (TEXT_BYTES_MOST + 1))
    ready = await prepared(Attachments(downloads=downloads), replace(WORDS, url=url))
    assert reasons(ready) == [TOO_LARGE]
    (sentence,) = sentences(ready.refusals, language=Language.EN)
    assert sentence == "I left out “c.txt”: of a file like this I read at most 100 KB."


@pytest.mark.parametrize(
    ("status", "content_type", "reason"),
    [
        (200, "text/html", NOT_PERMITTED),
        (403, "text/plain", NOT_PERMITTED),
        (404, "text/plain", NOT_FETCHED),
        (503, "text/plain", NOT_FETCHED),
    ],
)
async def test_what_slack_does_not_give_is_one_sentence_and_one_log_line(
    slack: Shelf, downloads: SlackDownloads, status: int, content_type: str, reason: object
) -> None:
    url = slack.puts("/f", b"secret", status=status, content_type=content_type)
    broken = replace(WORDS, name="salary.txt", url=url)
    good = replace(WORDS, url=slack.puts("/g", b"hello"))
    with capture_logs() as logs:
        ready = await prepared(Attachments(downloads=downloads), broken, good)
    assert reasons(ready) == [reason]
    assert len(ready.texts) == 1
    (line,) = logs
    assert line["event"] == "file.not_passed_on"
    assert not [word for word in ("salary", "secret", TOKEN, slack.url) if word in str(line)]


async def test_one_missing_permission_is_said_once(slack: Shelf, downloads: SlackDownloads) -> None:
    url = slack.puts("/f", b"x", content_type="text/html")
    ready = await prepared(Attachments(downloads=downloads), *[replace(WORDS, url=url)] * 3)
    assert sentences(ready.refusals, language=Language.EN) == (NOT_PERMITTED.en,)


@pytest.mark.parametrize("error", [FileRefused("too odd"), UpstreamTimeout()])
async def test_an_upload_that_fails_is_one_sentence(
    slack: Shelf, downloads: SlackDownloads, error: DashScopeError
) -> None:
    attachments = Attachments(downloads=downloads, session_files=Uploads(error=error))
    ready = await prepared(attachments, replace(PAPER, url=slack.puts("/f", b"%PDF")))
    assert reasons(ready) == [NOT_TAKEN]


async def test_an_upload_of_unknown_size_is_not_begun(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    uploads = Uploads()
    paper = replace(PAPER, size_bytes=None, url=slack.pours("/f", b"%PDF"))
    ready = await prepared(Attachments(downloads=downloads, session_files=uploads), paper)
    assert reasons(ready) == [NOT_FETCHED]
    assert uploads.taken == []


async def test_a_file_that_takes_too_long_is_given_up_alone(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    attachments = Attachments(
        downloads=downloads, session_files=Uploads(is_slow=True), ready_within_s=2.0
    )
    paper = replace(PAPER, url=slack.puts("/f", b"%PDF"))
    words = replace(WORDS, url=slack.puts("/g", b"hello"))
    ready = await prepared(attachments, paper, words)
    assert reasons(ready) == [TOO_SLOW]
    assert len(ready.texts) == 1


async def test_what_slack_does_not_tell_of_a_file_in_time_is_not_waited_for(
    scripted_slack: Any, calls: Calls
) -> None:
    async def token_for(_team_id: str) -> str:
        return BOT_TOKEN

    scripted_slack.says("files.info", scripted_slack.stays_silent)
    downloads = SlackDownloads(calls=calls, token_for=token_for, api_url=scripted_slack.url)
    attachments = Attachments(downloads=downloads, ready_within_s=0.05)
    async with asyncio.timeout(30):
        assert reasons(await prepared(attachments, FileNote("F9"))) == [TOO_SLOW]


async def test_links_are_made_while_they_lead_somewhere(downloads: SlackDownloads) -> None:
    served = asyncio.Event()
    links = FileLinks(keys=KEYS, public_url="https://bot", downloads=downloads, served=served)
    attachments = Attachments(downloads=downloads, links=links)
    preparing = asyncio.create_task(prepared(attachments, IMAGE))
    done, _ = await asyncio.wait({preparing}, timeout=0.05)
    assert not done
    served.set()
    assert len((await preparing).images) == 1
    served.clear()
    impatient = Attachments(downloads=downloads, links=links, ready_within_s=0.05)
    assert reasons(await prepared(impatient, IMAGE)) == [TOO_SLOW]


async def test_files_are_uploaded_only_for_apps_that_see_them(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    attachments = Attachments(
        downloads=downloads,
        session_files=Uploads(),
        sees_uploads=lambda app: app.workspace == "llm-1",
    )
    paper = replace(PAPER, url=slack.puts("/f", b"%PDF"))
    near, far = replace(APP, workspace="llm-1"), replace(APP, workspace="llm-2")
    ready = await attachments.prepare("T1", [paper], app=near, options={})
    assert len(ready.session_files) == 1
    ready = await attachments.prepare("T1", [paper], app=far, options={})
    assert reasons(ready) == [NO_WAY]


@pytest.mark.usefixtures("no_task_left")
async def test_cancelling_leaves_nothing_behind(slack: Shelf, downloads: SlackDownloads) -> None:
    attachments = Attachments(downloads=downloads, session_files=Uploads(is_slow=True))
    paper = replace(PAPER, url=slack.puts("/f", b"%PDF"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await prepared(attachments, *[paper] * 3)


async def test_a_failure_that_is_no_vendors_is_raised_as_it_is(slack: Shelf) -> None:
    async def locked(_: str) -> str:
        raise KeyError("storage")

    async with downloads_from(slack.api_url, token_for=locked) as downloads:
        words = replace(WORDS, url=slack.puts("/g", b"hello"))
        with pytest.raises(KeyError):
            await prepared(Attachments(downloads=downloads), words, words)


async def test_no_files_cost_nothing(slack: Shelf, downloads: SlackDownloads) -> None:
    assert await prepared(Attachments(downloads=downloads)) == Prepared()
    assert slack.asked == []


async def test_the_playgrounds_files_are_made_ready() -> None:
    workspace = Workspace()
    workspace.add_user(User("U0ANN", name="ann"))
    workspace.add_file(File("F0A", name="plan.md", content="计划".encode()))
    workspace.add_file(File("F0B", name="x.png", content=b"\x89PNG", mimetype="image/png"))
    async with (
        SlackServer(workspace) as server,
        downloads_from(server.api_url, token=BOT_TOKEN) as downloads,
    ):
        links = FileLinks(keys=KEYS, public_url="https://bot.example", downloads=downloads)
        attachments = Attachments(downloads=downloads, links=links)
        ready = await prepared(attachments, FileNote("F0A"), FileNote("F0B"), FileNote("F0C"))
    assert ready.texts == ("plan.md:\n```md\n计划\n```",)
    assert len(ready.images) == 1
    assert sentences(ready.refusals, language=Language.EN) == (
        "I left out “file”: not there any more, or not for me to see.",
    )
