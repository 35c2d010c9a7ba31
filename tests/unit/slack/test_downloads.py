"""Files fetched from Slack, and where the bot token goes."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelf import TOKEN, Shelf, downloads_from, fetched, shelf_at

from bot.core.files import FileNote
from bot.errors import (
    SlackError,
    SlackRefused,
    SlackThrottled,
    SlackTokenRefused,
    SlackUnavailable,
)
from bot.playground.slack import BOT_TOKEN, SlackServer, User, Workspace
from bot.playground.slack.directory import App, File
from bot.slack.downloads import (
    FETCH,
    FOREIGN_HOST,
    LOGIN_PAGE,
    LOOK_UP,
    TOO_LARGE,
    Download,
    SlackDownloads,
    keeps_files,
)

NOTE = FileNote("F1", name="a.txt", mimetype="text/plain", size_bytes=5, mode="hosted")
LOGIN = b"<!DOCTYPE html><html>Sign in</html>"


@pytest.fixture
async def slack() -> AsyncIterator[Shelf]:
    async with shelf_at() as shelf:
        yield shelf


@pytest.fixture
async def stranger() -> AsyncIterator[Shelf]:
    async with shelf_at() as shelf:
        shelf.puts("/stolen", b"bytes")
        yield shelf


@pytest.fixture
async def downloads(slack: Shelf) -> AsyncIterator[SlackDownloads]:
    async with downloads_from(slack.api_url) as downloads:
        yield downloads


async def failure(downloads: SlackDownloads, note: FileNote, *, most: int = 10_000) -> SlackError:
    with pytest.raises(SlackError) as failed:
        await fetched(downloads, note, bytes_most=most)
    return failed.value


async def test_a_file_is_fetched_with_the_bot_token_and_nothing_else(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    note = replace(NOTE, url=slack.puts("/files/F1", b"hello"))
    assert await fetched(downloads, note) == b"hello"
    ((_, headers),) = slack.asked
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    assert "Cookie" not in headers


async def test_the_announced_size_is_known_before_the_bytes(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    note = replace(NOTE, url=slack.puts("/files/F1", b"hello"))
    async with downloads.open("T1", note, bytes_most=5) as download:
        assert download.size_bytes == 5


async def test_the_bot_token_never_reaches_another_host(
    slack: Shelf, stranger: Shelf, downloads: SlackDownloads
) -> None:
    direct = replace(NOTE, url=f"{stranger.url}/stolen")
    redirected = replace(NOTE, url=slack.puts("/r", status=302, Location=f"{stranger.url}/stolen"))
    twice = replace(NOTE, url=slack.puts("/rr", status=307, Location="/r"))
    schemeless = f"//{stranger.url.partition('//')[2]}/stolen"
    relative = replace(NOTE, url=slack.puts("/s", status=301, Location=schemeless))
    for note in (direct, redirected, twice, relative):
        error = await failure(downloads, note)
        assert type(error) is SlackRefused
        assert error.code == FOREIGN_HOST
    assert stranger.asked == []


@pytest.mark.parametrize("location", ["", "https://[::1", "file:///etc/passwd", "http://[", "::"])
async def test_a_redirect_to_no_address_is_refused(
    slack: Shelf, downloads: SlackDownloads, location: str
) -> None:
    error = await failure(
        downloads, replace(NOTE, url=slack.puts("/r", status=302, Location=location))
    )
    assert type(error) is SlackRefused


async def test_redirects_within_slack_are_followed_with_the_token_three_times_at_most(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    slack.puts("/0", b"hello")
    for left in range(1, 5):
        slack.puts(f"/{left}", status=302, Location=f"/{left - 1}")
    assert await fetched(downloads, replace(NOTE, url=f"{slack.url}/3")) == b"hello"
    assert slack.tokens == [f"Bearer {TOKEN}"] * 4
    assert type(await failure(downloads, replace(NOTE, url=f"{slack.url}/4"))) is SlackRefused
    assert len(slack.asked) == 8


async def test_a_login_page_is_no_file(slack: Shelf, downloads: SlackDownloads) -> None:
    url = slack.puts("/files/F1", LOGIN, content_type="text/html")
    error = await failure(downloads, replace(NOTE, url=url))
    assert type(error) is SlackTokenRefused
    assert (error.method, error.code) == (FETCH, LOGIN_PAGE)


async def test_a_web_page_is_told_from_a_login_page_by_its_size(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    page = replace(
        NOTE, mimetype="text/html", url=slack.puts("/f", LOGIN, content_type="text/html")
    )
    assert await fetched(downloads, replace(page, size_bytes=len(LOGIN))) == LOGIN
    assert type(await failure(downloads, replace(page, size_bytes=7))) is SlackTokenRefused


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, SlackTokenRefused),
        (403, SlackTokenRefused),
        (404, SlackRefused),
        (206, SlackRefused),
        (429, SlackThrottled),
        (500, SlackUnavailable),
        (503, SlackUnavailable),
    ],
)
async def test_a_refusal_has_its_class(
    slack: Shelf, downloads: SlackDownloads, status: int, kind: type[SlackError]
) -> None:
    error = await failure(downloads, replace(NOTE, url=slack.puts("/f", status=status)))
    assert type(error) is kind
    assert error.status == status


async def test_more_than_is_allowed_is_refused_when_announced(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    note = replace(NOTE, url=slack.puts("/f", b"x" * 11))
    async with downloads.open("T1", note, bytes_most=11):
        pass
    with pytest.raises(SlackRefused) as failed:
        async with downloads.open("T1", note, bytes_most=10):
            pytest.fail("it was opened")
    assert failed.value.code == TOO_LARGE


async def test_more_than_is_allowed_is_refused_while_it_comes_when_nothing_was_announced(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    note = replace(NOTE, url=slack.pours("/f", *[b"x" * 1000] * 100, ends=False))
    seen: list[bytes] = []

    async def read_on(download: Download) -> None:
        async for chunk in download.chunks():
            seen.append(chunk)  # noqa: PERF401 - what came before the failure counts

    async with downloads.open("T1", note, bytes_most=5000) as download:
        assert download.size_bytes is None
        with pytest.raises(SlackRefused) as failed:
            await read_on(download)
    assert failed.value.code == TOO_LARGE
    assert len(b"".join(seen)) <= 5000


async def test_a_size_that_was_a_lie_costs_no_more_than_it_said(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    longer = replace(NOTE, url=slack.lies("/longer", b"x" * 10_000, announced=5))
    with suppress(SlackUnavailable):  # depending on how the bytes were cut on their way
        assert await fetched(downloads, longer, bytes_most=5) == b"x" * 5
    shorter = replace(NOTE, url=slack.lies("/shorter", b"xxx", announced=5))
    assert type(await failure(downloads, shorter)) is SlackUnavailable


async def test_packed_bytes_are_not_unpacked(slack: Shelf, downloads: SlackDownloads) -> None:
    packed = gzip.compress(b"x" * 10**6)
    url = slack.puts("/f", packed, Content_Encoding="gzip")
    assert type(await failure(downloads, replace(NOTE, url=url))) is SlackUnavailable


@pytest.mark.parametrize(("drips", "idle_s", "total_s"), [(1, 0.2, 60.0), (200, 60.0, 0.4)])
async def test_a_body_that_does_not_end_is_given_up(
    slack: Shelf, drips: int, idle_s: float, total_s: float
) -> None:
    note = replace(NOTE, url=slack.pours("/f", *[b"x"] * drips, pause_s=0.05, ends=False))
    async with (
        downloads_from(slack.api_url, idle_s=idle_s, total_s=total_s) as downloads,
        asyncio.timeout(30),
    ):
        assert type(await failure(downloads, note)) is SlackUnavailable


async def test_redirects_do_not_lengthen_the_time_a_file_may_take(slack: Shelf) -> None:
    slack.pours("/f", *[b"x"] * 100, pause_s=0.05)
    note = replace(NOTE, url=slack.puts("/r", status=302, after_s=1.6, Location="/f"))
    async with downloads_from(slack.api_url, idle_s=60.0, total_s=2.0) as downloads:
        assert type(await failure(downloads, note)) is SlackUnavailable
    # In what is left of the two seconds eight pieces come at most, in another two they were forty.
    assert slack.poured < 20


async def test_nobody_at_the_address_is_slack_unavailable() -> None:
    async with shelf_at() as gone:
        api_url, url = gone.api_url, f"{gone.url}/f"
    async with downloads_from(api_url) as downloads:
        assert type(await failure(downloads, replace(NOTE, url=url))) is SlackUnavailable


async def test_a_file_without_an_address_is_refused(downloads: SlackDownloads) -> None:
    assert type(await failure(downloads, NOTE)) is SlackRefused


async def test_slack_is_asked_what_a_file_is(slack: Shelf, downloads: SlackDownloads) -> None:
    slack.keeps({"id": "F1", "name": "a.txt", "mode": "hosted", "size": 5})
    assert await downloads.look_up("T1", "F1") == FileNote(
        "F1", name="a.txt", mode="hosted", size_bytes=5
    )
    with pytest.raises(SlackRefused) as failed:
        await downloads.look_up("T1", "F2")
    assert (failed.value.method, failed.value.code) == (LOOK_UP, "file_not_found")


async def test_an_answer_about_another_file_is_no_answer(
    slack: Shelf, downloads: SlackDownloads
) -> None:
    slack.puts(
        "/api/files.info", b'{"ok": true, "file": {"id": "F9"}}', content_type="application/json"
    )
    with pytest.raises(SlackUnavailable):
        await downloads.look_up("T1", "F1")


async def test_the_playgrounds_files_are_looked_up_and_fetched() -> None:
    workspace = Workspace()
    workspace.add_file(File("F0PLAY", name="a.txt", content=b"hello"))
    async with (
        SlackServer(workspace) as server,
        downloads_from(server.api_url, token=BOT_TOKEN) as downloads,
        downloads_from(server.api_url, token="xoxb-wrong") as thief,
    ):
        note = await downloads.look_up("T1", "F0PLAY")
        assert await fetched(downloads, note) == b"hello"
        assert type(await failure(thief, note)) is SlackTokenRefused
        with pytest.raises(SlackTokenRefused):
            await thief.look_up("T1", "F0PLAY")


async def test_without_the_scope_the_playground_shows_its_login_page() -> None:
    workspace = Workspace(app=App(scopes=App().scopes - {"files:read"}))
    workspace.add_user(User("U0ANN", name="ann"))
    workspace.add_file(File("F0PLAY", name="a.txt", content=b"hello"))
    async with (
        SlackServer(workspace) as server,
        downloads_from(server.api_url, token=BOT_TOKEN) as downloads,
    ):
        note = replace(NOTE, url=f"{server.url}/files/F0PLAY")
        assert type(await failure(downloads, note)) is SlackTokenRefused


SLACK = "https://slack.com/api/"
LOCAL = "http://127.0.0.1:8999/api/"


@pytest.mark.parametrize(
    ("url", "api_url", "may"),
    [
        ("https://files.slack.com/files-pri/T1-F1/a.png", SLACK, True),
        ("https://acme.enterprise.slack.com:443/files/F1", SLACK, True),
        ("https://files.slack-gov.com/F1", "https://slack-gov.com/api/", True),
        ("http://127.0.0.1:8999/files/F1", LOCAL, True),
        ("http://127.0.0.1:9000/files/F1", LOCAL, False),
        ("https://127.0.0.1:8999/files/F1", "https://127.0.0.1:8999/api/", True),
        ("https://files.slack.com:8443/F1", SLACK, False),
        ("http://files.slack.com/F1", SLACK, False),
        ("https://files.slack.com.evil.example/F1", SLACK, False),
        ("https://evil.example/?files.slack.com", SLACK, False),
        ("https://files.slack.com@evil.example/F1", SLACK, False),
        ("http://localhost:8999/files/F1", LOCAL, False),
        ("", SLACK, False),
    ],
)
def test_the_token_goes_to_slacks_servers_alone(url: str, api_url: str, may: bool) -> None:
    assert keeps_files(url, api_url=api_url) is may


@given(st.text())
def test_no_address_breaks_the_check_of_hosts(url: str) -> None:
    assert keeps_files(url, api_url=SLACK) in {True, False}
