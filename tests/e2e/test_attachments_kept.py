"""Files outlive stops, edits and crashes; links live as long as they should."""

import re
import time
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
from attached import (
    PNG,
    answered,
    asked_once,
    attach,
    contents_of,
    free_port,
    give_address,
    image,
    images_of,
    text,
)
from given import UNLIMITED
from rig import ANN, BOT, PUBLIC, WITHIN_S, Rig, is_growing, words
from workers import a_fleet

from bot.core import texts
from bot.playground.dashscope.faults import Hold, SlowStart
from bot.playground.slack.blocks import controls
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import Message
from bot.slack.file_links import Grant, LinkKeys


@pytest.fixture
def limits() -> Limits:
    """Nobody waits for Slack."""
    return UNLIMITED


async def reading(rig: Rig, thread: str) -> Message:
    """Wait until a reply says that files are being read."""

    def found() -> Message | None:
        shown = (m for m in rig.reply(thread) if texts.READING_FILES.en in words([m]))
        return next(shown, None)

    return await rig.slack.until(found, timeout_s=WITHIN_S)


async def got(url: str) -> tuple[int, bytes]:
    """Fetch an address as anybody could; return status and body."""
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.read()


async def test_stop_works_while_files_are_read(any_rig: Rig) -> None:
    any_rig.slack.counter.is_open.clear()
    async with any_rig.bot():
        thread = await attach(any_rig, text())
        seen = await reading(any_rig, thread)
        assert is_growing(seen)
        await any_rig.slack.click(ANN, PUBLIC, seen.ts, "turn:stop")
        await any_rig.finished()
    assert any_rig.asked() == ()
    assert words(any_rig.reply(thread)) == texts.STOPPED.en
    any_rig.slack.counter.is_open.set()


async def test_an_edited_question_keeps_its_files(rig: Rig) -> None:
    give_address(rig)
    rig.dashscope.faults.add(SlowStart(600))
    async with rig.bot():
        thread = await attach(rig, image(), text(), said="the wrong words")
        await rig.dashscope.until(lambda entries: len(entries) == 1, timeout_s=WITHIN_S)
        await rig.slack.edit(ANN, PUBLIC, thread, f"<@{BOT}> the right words")
        await rig.finished()
    first, second = rig.asked()
    assert second.body["input"]["prompt"].startswith("the right words\n\nnotes.txt:")
    assert images_of(second) == images_of(first)
    assert contents_of(second) == [PNG]


async def test_a_question_edited_while_it_waits_keeps_its_files(rig: Rig) -> None:
    first = Hold()
    rig.dashscope.faults.add(first)
    async with rig.bot():
        thread = await rig.ask("first")
        await rig.dashscope.until(lambda entries: len(entries) == 1, timeout_s=WITHIN_S)
        waiting = await rig.slack.say(
            ANN, PUBLIC, f"<@{BOT}> second", thread_ts=thread, files=[text()]
        )
        await rig.slack.edit(ANN, PUBLIC, waiting, f"<@{BOT}> better second")
        await rig.heard()
        first.released.set()
        await rig.finished(2)
    prompt = rig.asked()[-1].body["input"]["prompt"]
    assert prompt.startswith("better second\n\nnotes.txt:")


async def test_a_question_answered_again_is_asked_with_its_files(rig: Rig) -> None:
    give_address(rig)
    async with rig.bot():
        thread = await attach(rig, image(), text(), said="old words")
        await rig.finished(1)
        await rig.slack.edit(ANN, PUBLIC, thread, f"<@{BOT}> new words")
        offers = rig.slack.workspace.ephemerals
        await rig.slack.until(lambda: offers, timeout_s=WITHIN_S)
        (button,) = controls(offers[-1].blocks)
        await rig.slack.click(ANN, PUBLIC, offers[-1].ts, button.action_id)
        await rig.finished(2)
    first, second = rig.asked()
    assert second.body["input"]["prompt"].startswith("new words\n\nnotes.txt:")
    assert contents_of(second) == [PNG]
    assert images_of(second) != images_of(first)


async def test_files_are_gone_from_the_database_when_the_turn_ended(rig: Rig) -> None:
    path = Path(rig.database_url.partition(":///")[2])

    def stored() -> bytes:
        return b"".join(each.read_bytes() for each in path.parent.iterdir() if each.is_file())

    rig.slack.counter.is_open.clear()
    async with rig.bot():
        thread = await attach(rig, text(name="periwinkle.txt"))
        await reading(rig, thread)
        assert b"periwinkle" in stored()
        rig.slack.counter.is_open.set()
        await rig.finished()
    assert b"periwinkle" not in stored()


async def test_a_link_works_for_a_while_and_a_few_times(rig: Rig) -> None:
    address = give_address(rig)
    async with rig.bot():
        await answered(rig, image())
        (link,) = images_of(asked_once(rig))
        assert [(await got(link))[0] for _ in range(5)] == [*[200] * 4, 404]  # one was the app's
        assert (await got(link.replace(".png", ".pdf")))[0] == 404
        keys = LinkKeys([rig.slack.signing_secret])
        now = int(time.time())
        valid = Grant(rig.slack.workspace.team_id, "F0IMAGE", now + 60, "n" * 22, "png")
        expired = replace(valid, expires_at=now)
        assert await got(f"{address}/files/{keys.token(valid)}") == (200, PNG)
        assert await got(f"{address}/files/{keys.token(expired)}") == (404, b"")


@pytest.mark.parametrize("database", ["postgresql"])
async def test_any_replica_serves_the_links_of_any_other(rig: Rig, tmp_path: Path) -> None:
    port = free_port()
    rig.changes |= {"public_url": f"http://127.0.0.1:{port}", "port": port}
    async with a_fleet(rig, tmp_path) as fleet:
        (first,) = await fleet.start()
        rig.changes["port"] = 0
        (second,) = await fleet.start()
        fleet.route(second)
        thread = await attach(rig, image())
        await rig.slack.until(lambda: words(rig.reply(thread)) == "Look!", timeout_s=WITHIN_S)
        (link,) = images_of(asked_once(rig))
        assert contents_of(asked_once(rig)) == [PNG]
        for worker in (first, second):
            base = worker.url.removesuffix("/slack/events")
            assert await got(re.sub(r"^http://[^/]+", base, link)) == (200, PNG)


async def test_a_process_killed_while_reading_is_followed_by_one_that_reads_anew(
    rig: Rig, tmp_path: Path
) -> None:
    give_address(rig)
    rig.slack.counter.is_open.clear()
    async with a_fleet(rig, tmp_path) as fleet:
        (worker,) = await fleet.start()
        thread = await attach(rig, text(), image())
        seen = await reading(rig, thread)
        await worker.kill()
        rig.slack.counter.is_open.set()
        await worker.start()
        await rig.slack.until(
            lambda: "buy milk" in words(rig.reply(thread)) and not is_growing(rig.reply(thread)[0]),
            timeout_s=WITHIN_S,
        )
    (reply,) = rig.reply(thread)
    assert reply.ts == seen.ts
    assert contents_of(asked_once(rig)) == [PNG]


async def test_a_process_killed_after_it_asked_makes_its_links_anew(
    rig: Rig, tmp_path: Path
) -> None:
    give_address(rig)
    rig.dashscope.faults.add(SlowStart(600))
    async with a_fleet(rig, tmp_path) as fleet:
        (worker,) = await fleet.start()
        thread = await attach(rig, image())
        await rig.dashscope.until(
            lambda entries: len(entries) == 1 and bool(entries[0].fetched),
            timeout_s=WITHIN_S,
        )
        await worker.kill()
        await worker.start()
        await rig.slack.until(lambda: words(rig.reply(thread)) == "Look!", timeout_s=WITHIN_S)
    first, second = rig.asked()
    assert images_of(first) != images_of(second)
    assert contents_of(second) == [PNG]
