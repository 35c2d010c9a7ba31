"""Links to files: who may make them, how long they work, what they give."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from hypothesis import given
from hypothesis import strategies as st
from shelf import TOKEN, Shelf, downloads_from, shelf_at
from structlog.testing import capture_logs

from bot.core.attachments import BYTES_MOST
from bot.core.files import FORMATS, Family
from bot.playground.slack import BOT_TOKEN, SlackServer, Workspace
from bot.playground.slack.directory import File
from bot.slack.downloads import SlackDownloads
from bot.slack.file_links import FileLinks, Grant, LinkKeys, LinkRules

KEYS = LinkKeys(["correct horse battery staple and more"])
GRANT = Grant("T1", "F1", expires_at=1_790_000_000, nonce="n" * 22, ending="png")
PICTURE = b"\x89PNG" * 10
TOLD = {
    "id": "F1",
    "name": "../../evil\r\nX: y.png",
    "mimetype": "image/png",
    "size": len(PICTURE),
    "mode": "hosted",
}


@dataclass
class Clock:
    now: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Bot:
    """One replica that serves links."""

    links: FileLinks
    url: str

    def link(self, *, file_id: str = "F1", ending: str = "png") -> str:
        return self.here(self.links.link("T1", file_id, ending=ending))

    def here(self, link: str) -> str:
        """Return any replica's link as this one is reached."""
        return self.url + link[link.index("/files/") :]


@asynccontextmanager
async def bot_at(
    downloads: SlackDownloads,
    clock: Clock,
    *,
    keys: LinkKeys = KEYS,
    rules: LinkRules | None = None,
) -> AsyncGenerator[Bot]:
    links = FileLinks(
        keys=keys,
        public_url="https://bot.example/",
        downloads=downloads,
        rules=rules or LinkRules(),
        clock=clock,
    )
    app = web.Application()
    app.add_routes(links.routes())
    async with TestServer(app, host="127.0.0.1") as server:
        yield Bot(links, str(server.make_url("")).rstrip("/"))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def slack() -> AsyncIterator[Shelf]:
    async with shelf_at() as shelf:
        url = shelf.puts("/files/F1", PICTURE, content_type="image/png")
        shelf.keeps({**TOLD, "url_private": url})
        yield shelf


@pytest.fixture
async def downloads(slack: Shelf) -> AsyncIterator[SlackDownloads]:
    async with downloads_from(slack.api_url) as downloads:
        yield downloads


@pytest.fixture
async def bot(downloads: SlackDownloads, clock: Clock) -> AsyncIterator[Bot]:
    async with bot_at(downloads, clock) as bot:
        yield bot


@dataclass(frozen=True)
class Got:
    status: int
    body: bytes
    headers: dict[str, str]


async def ask(url: str, *, verb: str = "GET", **headers: str) -> Got:
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session,
        session.request(verb, url, headers=headers) as response,
    ):
        return Got(response.status, await response.read(), dict(response.headers))


async def test_a_link_gives_the_file_and_nothing_of_its_owners_words(
    bot: Bot, slack: Shelf
) -> None:
    link = bot.link()
    assert link.startswith(f"{bot.url}/files/T1.F1.")
    assert link.endswith(".png")
    got = await ask(link)
    assert (got.status, got.body) == (200, PICTURE)
    assert got.headers["Content-Type"] == "image/png"
    assert got.headers["Content-Disposition"] == 'attachment; filename="image.png"'
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Cache-Control"] == "private, no-store"
    assert "X" not in got.headers
    assert "evil" not in str(got.headers)
    assert slack.tokens[-1] == f"Bearer {TOKEN}"
    assert TOKEN not in str(got.headers)


async def test_head_tells_the_size_and_gives_no_bytes(bot: Bot) -> None:
    got = await ask(bot.link(), verb="HEAD")
    assert (got.status, got.body) == (200, b"")
    assert got.headers["Content-Length"] == str(len(PICTURE))


@pytest.mark.parametrize("verb", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_refused(bot: Bot, slack: Shelf, verb: str) -> None:
    assert (await ask(bot.link(), verb=verb)).status == 405
    assert slack.asked == []


async def test_a_wish_for_a_part_gets_the_whole(bot: Bot) -> None:
    got = await ask(bot.link(), Range="bytes=0-3")
    assert (got.status, got.body) == (200, PICTURE)
    assert got.headers["Accept-Ranges"] == "none"


async def test_a_link_works_until_its_window_is_over(bot: Bot, clock: Clock, slack: Shelf) -> None:
    link = bot.link()
    clock.now += 599
    assert (await ask(link)).status == 200
    clock.now += 1
    asked = len(slack.asked)
    got = await ask(link)
    assert (got.status, got.body) == (404, b"")
    assert len(slack.asked) == asked


async def test_a_link_works_so_many_times(downloads: SlackDownloads, clock: Clock) -> None:
    async with bot_at(downloads, clock, rules=LinkRules(uses=2)) as bot:
        link, other = bot.link(), bot.link()
        statuses = [(await ask(link)).status, (await ask(link, verb="HEAD")).status]
        assert [*statuses, (await ask(link)).status] == [200, 200, 404]
        assert (await ask(other)).status == 200


async def test_another_replica_and_a_restarted_one_serve_a_link(
    downloads: SlackDownloads, clock: Clock
) -> None:
    async with bot_at(downloads, clock) as bot:
        link = bot.link()
    async with bot_at(downloads, clock) as restarted:
        assert (await ask(restarted.here(link))).body == PICTURE
    stranger = LinkKeys(["another secret than the first one"])
    async with bot_at(downloads, clock, keys=stranger) as foreign:
        assert (await ask(foreign.here(link))).status == 404


@pytest.mark.parametrize(
    "path",
    ["x", "..%2F..%2Fetc%2Fpasswd", "T1.F1.1790000600.n.s.png", "%00", "a" * 5000, "F1.png", "%2e"],
)
async def test_what_is_no_link_is_not_found_and_costs_nothing(
    bot: Bot, slack: Shelf, path: str
) -> None:
    got = await ask(f"{bot.url}/files/{path}")
    assert (got.status, got.body) in {(404, b""), (404, b"404: Not Found")}
    assert slack.asked == []


@pytest.mark.parametrize(
    ("status", "content_type", "shown"),
    [
        (404, "text/plain", 404),
        (403, "text/plain", 404),
        (200, "text/html", 404),
        (500, "text/plain", 503),
        (429, "text/plain", 503),
    ],
)
async def test_what_slack_does_not_give_shows_nothing_of_slack(
    bot: Bot, slack: Shelf, status: int, content_type: str, shown: int
) -> None:
    slack.puts("/files/F1", b"secret words", status=status, content_type=content_type)
    with capture_logs() as logs:
        got = await ask(bot.link())
    assert (got.status, got.body) == (shown, b"")
    (line,) = logs
    assert line["event"] == "file.not_served"
    assert not {"secret", TOKEN, "evil"} & set(str(line).split())


async def test_a_file_slack_does_not_know_is_not_found(bot: Bot) -> None:
    assert (await ask(bot.link(file_id="F2"))).status == 404


async def test_a_file_that_grew_beyond_its_bound_is_not_served(bot: Bot, slack: Shelf) -> None:
    slack.puts("/files/F1", b"x" * (BYTES_MOST[Family.IMAGE] + 1))
    assert (await ask(bot.link())).status == 404
    assert (await ask(bot.link(ending="pdf"))).status == 200


async def test_a_file_that_breaks_off_does_not_pass_for_whole(clock: Clock, slack: Shelf) -> None:
    async with (
        downloads_from(slack.api_url, idle_s=0.3) as downloads,
        bot_at(downloads, clock) as bot,
    ):
        slack.pours("/files/F1", b"x" * 1000, ends=False)
        with pytest.raises(aiohttp.ClientError):
            await ask(bot.link())
        slack.lies("/files/F1", b"x" * 1000, announced=5000)
        with pytest.raises(aiohttp.ClientError):
            await ask(bot.link())


async def test_a_reader_who_stops_reading_is_left(
    downloads: SlackDownloads, clock: Clock, slack: Shelf
) -> None:
    slack.puts("/files/F1", b"x" * BYTES_MOST[Family.IMAGE])
    async with bot_at(downloads, clock, rules=LinkRules(serve_s=0.3)) as bot:
        link = bot.link()
        host, _, port = bot.url.removeprefix("http://").partition(":")
        _, writer = await asyncio.open_connection(host, int(port), limit=1)
        writer.write(f"GET {link.removeprefix(bot.url)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        with capture_logs() as logs:
            async with asyncio.timeout(60):
                while not logs:
                    await asyncio.sleep(0.02)
        assert logs[0]["error"] == "TimeoutError"
        writer.close()


async def test_a_reader_who_leaves_is_forgotten_quietly(
    bot: Bot, slack: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    slack.pours("/files/F1", *[b"x" * 50_000] * 40, pause_s=0.01)
    with capture_logs() as logs:
        async with aiohttp.ClientSession() as session, session.get(bot.link()) as response:
            await response.content.readany()
        async with asyncio.timeout(60):
            assert (await ask(bot.link())).status == 200
    assert logs == []
    assert caplog.records == []


async def test_the_playgrounds_file_is_read_through_the_bot(clock: Clock) -> None:
    workspace = Workspace()
    workspace.add_file(File("F0PLAY", name="a.pdf", content=b"%PDF", mimetype="application/pdf"))
    async with (
        SlackServer(workspace) as server,
        downloads_from(server.api_url, token=BOT_TOKEN) as downloads,
        bot_at(downloads, clock) as bot,
    ):
        got = await ask(bot.link(file_id="F0PLAY", ending="pdf"))
    assert got.body == b"%PDF"
    assert got.headers["Content-Disposition"] == 'attachment; filename="document.pdf"'


IDS = st.text("ABCxyz019_-", min_size=1, max_size=64)
GRANTS = st.builds(
    Grant,
    team_id=IDS,
    file_id=IDS,
    expires_at=st.integers(0, 10**12 - 1),
    nonce=st.text("ABCxyz019_-", min_size=22, max_size=22),
    ending=st.sampled_from(sorted(FORMATS)),
)


@given(GRANTS)
def test_what_was_signed_is_read_back(grant: Grant) -> None:
    assert KEYS.read(KEYS.token(grant)) == grant


@given(GRANTS, st.data())
def test_no_token_can_be_changed(grant: Grant, data: st.DataObject) -> None:
    token = KEYS.token(grant)
    at = data.draw(st.integers(0, len(token) - 1))
    char = data.draw(st.characters().filter(lambda char: char != token[at]))
    cut = data.draw(st.integers(0, 3))
    assert KEYS.read(token[:at] + char + token[at + 1 :]) is None
    assert KEYS.read(token[:at] + char + token[at:]) is None
    assert KEYS.read(token[:at] + token[at + 1 + cut :]) is None


@given(GRANTS, GRANTS)
def test_no_token_can_be_made_from_others(one: Grant, other: Grant) -> None:
    if one == other:
        return
    ours, theirs = KEYS.token(one).split("."), KEYS.token(other).split(".")
    forged = [*ours[:4], theirs[4], ours[5]]
    assert KEYS.read(".".join(forged)) is None
    assert KEYS.read(KEYS.token(replace(one, ending="png"))[:-3] + "pdf") is None


@given(st.text())
def test_no_text_breaks_the_reading_of_tokens(text: str) -> None:
    assert KEYS.read(text) is None


@given(GRANTS)
def test_a_retired_key_still_reads_and_a_strange_one_never(grant: Grant) -> None:
    rotated = LinkKeys(
        ["the new key of the operator here", "correct horse battery staple and more"]
    )
    assert rotated.read(KEYS.token(grant)) == grant
    assert KEYS.read(rotated.token(grant)) is None


@pytest.mark.parametrize("keys", [[], [""], ["a key", ""]])
def test_without_a_key_nothing_is_signed(keys: list[str]) -> None:
    with pytest.raises(ValueError, match="key"):
        LinkKeys(keys)


def test_the_key_is_not_what_the_operator_typed() -> None:
    assert all(b"correct horse" not in key for key in KEYS._keys)


def test_two_links_to_one_file_are_two(bot_links: FileLinks) -> None:
    first, second = (bot_links.link("T1", "F1", ending="png") for _ in range(2))
    assert first != second


@pytest.fixture
def bot_links(clock: Clock) -> FileLinks:
    unused: Any = None
    return FileLinks(keys=KEYS, public_url="https://bot/base/", downloads=unused, clock=clock)


def test_links_stand_under_the_public_address(bot_links: FileLinks) -> None:
    assert bot_links.link("T1", "F1", ending="md").startswith("https://bot/base/files/T1.F1.")
