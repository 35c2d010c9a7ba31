"""Threads that are followed, and left alone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from edges import EN, PROFILE, Chosen, Quotas, Threads, a_turn, saying, somebody
from scene import Scene

from bot.core import texts
from bot.core.messages import ChannelKind, UserMessage
from bot.core.resolution import Effective, Quota
from bot.core.setting import Follow
from bot.errors import UnknownApp
from bot.metrics import Metrics
from bot.turns.claim import Claims, is_overheard, new_turn, user_team
from storage import schema
from storage.database import Storage
from storage.errors import SecretsLocked, SecretUnreadable, StorageUnavailable
from storage.lease import Lease
from storage.records import NewTurn

SAID = UserMessage(
    team_id="T1",
    channel_id="C1",
    channel_kind=ChannelKind.CHANNEL,
    ts="2.0",
    thread_ts="1.0",
    user_id="U1",
    user_team_id="T1",
    text="and then?",
    files=(),
    is_blank=False,
    is_addressed=False,
)
ADDRESSED = replace(SAID, is_addressed=True)
FOLLOWING = Effective(PROFILE, follow=Follow.THREAD)
OVERHEARD = a_turn(
    thread_ts="0.5", payload={"text": "and then?", "files": 0, "user_team": "T1", "overheard": True}
)
MENTIONED = a_turn(thread_ts="0.5")


def nothing(*_args: object) -> None:
    """Do nothing."""


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    await schema.upgrade(url)
    async with Storage(url) as storage, Lease(storage, wake=nothing, stop=nothing, lost=nothing):
        yield storage


class Desk:
    """Claims with what surrounds them."""

    def __init__(
        self, storage: Storage, *, threads: Threads | None = None, chosen: Chosen | None = None
    ) -> None:
        self.metrics = Metrics()
        self.chosen = chosen or Chosen(FOLLOWING)
        self.claims = Claims(
            turns=storage.turns,
            threads=threads or storage.threads,
            choices=self.chosen,
            metrics=self.metrics,
        )

    def counted(self, outcome: str) -> float:
        name = "dashscope_slack_messages_total"
        return self.metrics.registry.get_sample_value(name, {"outcome": outcome}) or 0


async def test_what_is_said_in_a_thread_of_the_bot_is_claimed_where_it_follows(
    storage: Storage,
) -> None:
    desk = Desk(storage)
    assert not await desk.claims.submit(SAID)
    assert await desk.claims.submit(replace(ADDRESSED, ts="1.0"))
    assert await desk.claims.submit(SAID)
    assert not await desk.claims.submit(SAID)
    assert [desk.counted(each) for each in ("ignored", "claimed", "duplicate")] == [1, 2, 1]


async def test_a_claim_tells_whether_it_was_overheard_and_where_its_writer_is_from(
    storage: Storage,
) -> None:
    desk = Desk(storage, threads=Threads())
    assert await desk.claims.submit(replace(SAID, user_team_id="T2"))
    (turn,) = await storage.turns.take(limit=9)
    assert (is_overheard(turn), user_team(turn)) == (True, "T2")
    assert not is_overheard(a_turn(payload=new_turn(ADDRESSED).payload))
    assert user_team(a_turn(payload={"edited_ts": "5.0"})) == ""


async def test_an_edited_message_stays_overheard_and_from_where_it_came(storage: Storage) -> None:
    desk = Desk(storage, threads=Threads())
    assert await desk.claims.submit(replace(SAID, user_team_id="T2"))
    payload = {"text": "new", "files": 0, "edited_ts": "3.0"}
    await storage.turns.amend(team_id="T1", channel_id="C1", message_ts="2.0", payload=payload)
    (turn,) = await storage.turns.take(limit=9)
    assert (turn.payload["text"], is_overheard(turn), user_team(turn)) == ("new", True, "T2")


@pytest.mark.parametrize(
    ("threads", "chosen"),
    [
        (Threads(known=False), Chosen(FOLLOWING)),
        (Threads(is_quiet=True), Chosen(FOLLOWING)),
        (Threads(), Chosen()),
        (Threads(), Chosen(error=UnknownApp("gone"))),
        (Threads(), Chosen(error=SecretsLocked())),
        (Threads(), Chosen(error=SecretUnreadable())),
    ],
)
async def test_what_is_said_elsewhere_is_ignored(
    storage: Storage, threads: Threads, chosen: Chosen
) -> None:
    desk = Desk(storage, threads=threads, chosen=chosen)
    assert not await desk.claims.submit(SAID)
    assert desk.counted("ignored") == 1
    assert await storage.turns.take(limit=9) == []


@pytest.mark.parametrize("threads", [Threads(known=False), Threads(is_quiet=True)])
async def test_settings_are_not_read_for_threads_that_are_none_of_the_bots(
    storage: Storage, threads: Threads
) -> None:
    desk = Desk(storage, threads=threads)
    await desk.claims.submit(SAID)
    assert desk.chosen.asked == 0


async def test_a_word_to_the_bot_is_claimed_without_looking_at_anything(storage: Storage) -> None:
    away = StorageUnavailable("away")
    desk = Desk(storage, threads=Threads(error=away), chosen=Chosen(error=away))
    assert await desk.claims.submit(ADDRESSED)


@pytest.mark.parametrize(
    ("threads", "chosen"),
    [
        (Threads(error=StorageUnavailable("away")), Chosen(FOLLOWING)),
        (Threads(), Chosen(error=StorageUnavailable("away"))),
    ],
)
async def test_when_nobody_knows_whether_a_thread_is_followed_slack_must_ask_again(
    storage: Storage, threads: Threads, chosen: Chosen
) -> None:
    desk = Desk(storage, threads=threads, chosen=chosen)
    with pytest.raises(StorageUnavailable):
        await desk.claims.submit(SAID)
    assert desk.counted("failed") == 1


async def test_what_is_overheard_is_answered() -> None:
    scene = Scene(saying("Then this.")).given(follow=Follow.THREAD)
    assert await scene.run(OVERHEARD) == ["Then this.|"]
    assert scene.apps.questions[0].prompt == "and then?"


async def test_a_spent_quota_is_no_news_to_somebody_who_asked_nobody() -> None:
    quota = Quota("user", "turns", 1, "workspace")
    scene = Scene().given(follow=Follow.THREAD, quotas=(quota,)).amid(usage=Quotas(used=(1,)))
    assert await scene.run(OVERHEARD) == []
    assert scene.apps.questions == []
    assert scene.book.log[-1] == "finish:refused"


@pytest.mark.parametrize("text", ["quiet", "<@UBOT> Mute.", "安静", "<@UBOT> 闭嘴"])
async def test_in_a_followed_thread_a_word_quiets_the_bot(text: str) -> None:
    threads = Threads()
    scene = Scene().given(follow=Follow.THREAD).amid(threads=threads)
    turn = replace(OVERHEARD, payload={**OVERHEARD.payload, "text": text})
    assert await scene.run(turn) == [f"{texts.QUIETED.en}|"]
    assert threads.is_quiet
    assert scene.book.log[-1] == "finish:hinted"


async def test_being_asked_for_quiet_twice_is_fine() -> None:
    threads = Threads(is_quiet=True)
    scene = Scene().given(follow=Follow.THREAD).amid(threads=threads)
    turn = replace(MENTIONED, payload={"text": "<@UBOT> quiet", "files": 0})
    assert await scene.run(turn) == [f"{texts.QUIETED.en}|"]
    assert threads.is_quiet


async def test_a_mention_brings_the_bot_back() -> None:
    threads = Threads(is_quiet=True)
    scene = Scene(saying("Yes?")).given(follow=Follow.THREAD).amid(threads=threads)
    assert await scene.run(MENTIONED) == ["Yes?|"]
    assert not threads.is_quiet


async def test_what_was_overheard_just_before_the_quiet_is_left_alone() -> None:
    threads = Threads(is_quiet=True)
    scene = Scene().given(follow=Follow.THREAD).amid(threads=threads)
    assert await scene.run(OVERHEARD) == []
    assert scene.book.log[-1] == "finish:hinted"
    assert threads.is_quiet


@pytest.mark.parametrize(("follow", "channel_id"), [(Follow.MENTION, "C1"), (Follow.THREAD, "D1")])
async def test_where_no_thread_is_followed_quiet_is_a_question_like_any_other(
    follow: Follow, channel_id: str
) -> None:
    threads = Threads()
    scene = Scene(saying("Sh.")).given(follow=follow).amid(threads=threads)
    turn = a_turn(
        channel_id=channel_id, thread_ts="0.5", payload={"text": "<@UBOT> quiet", "files": 0}
    )
    await scene.run(turn)
    assert scene.slack.visible(channel_id) == ["Sh.|"]
    assert (threads.asked, threads.is_quiet) == (0, False)


async def test_who_may_not_ask_and_did_not_is_not_told_so() -> None:
    scene = Scene().given(follow=Follow.THREAD)
    scene.slack.persons["U1"] = somebody(is_guest=True)
    assert await scene.run(OVERHEARD) == []
    assert scene.book.log[-1] == "finish:refused"
    assert scene.slack.calls == []


async def test_the_state_of_threads_is_kept_in_the_database(storage: Storage) -> None:
    claim = NewTurn("T1", "C1", "0.5", "0.5", "U1", {"text": "hello", "files": 0})
    await storage.turns.claim(claim)
    scene = Scene(saying("Yes?")).given(follow=Follow.THREAD).amid(threads=storage.threads)
    desk = Desk(storage)
    quiet = replace(OVERHEARD, payload={**OVERHEARD.payload, "text": "quiet"})
    await scene.run(quiet)
    heard = replace(SAID, thread_ts="0.5")
    assert not await desk.claims.submit(heard)
    await scene.run(MENTIONED)
    assert await desk.claims.submit(heard)
    assert texts.QUIETED.say(EN) in scene.slack.visible()[0]
