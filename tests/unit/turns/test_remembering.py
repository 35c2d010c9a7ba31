"""Which memory a question is asked with, and how one is made exactly once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from edges import PROFILE, Stream, a_turn, said, saying
from memory_maker import (
    AGENT,
    DIRECT,
    QUICK,
    Maker,
    Town,
    grow_stale,
    idle,
    remembering,
)
from scene import Scene

from bot.core.answer import Answer
from bot.core.question import AppKind
from bot.core.resolution import Effective
from bot.core.setting import MemoryUse
from bot.errors import (
    MemoryGone,
    Misconfigured,
    RequestRefused,
    SessionLost,
    Throttled,
    UpstreamFailed,
    UpstreamUnreachable,
)
from bot.turns.ports import Recalled
from storage import schema
from storage.database import Storage
from storage.memories import MemoryKey


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    await schema.upgrade(url)
    async with Storage(url) as opened:
        yield opened


async def test_the_first_question_makes_a_memory_and_the_next_has_it_too(storage: Storage) -> None:
    maker = Maker()
    async with remembering(storage, maker) as memories:
        first = await memories.recall(DIRECT, AGENT)
        assert first == await memories.recall(DIRECT, AGENT)
    assert first == Recalled(MemoryKey("T1", "U1", "private"), "m0")
    assert [each.description for each in maker.made] == ["slack:T1:U1:private"]


async def test_twenty_questions_at_once_make_one_memory(storage: Storage) -> None:
    maker = Maker()
    async with remembering(storage, maker) as memories:
        found = await asyncio.gather(*(memories.recall(DIRECT, AGENT) for _ in range(20)))
    assert {each.memory_id if each else "" for each in found} == {"m0"}
    assert maker.calls == ["create"]


@pytest.mark.parametrize(
    ("channel_id", "use", "scope"),
    [
        ("D1", MemoryUse.ON, "private"),
        ("D1", MemoryUse.SEPARATE, "private"),
        ("C1", MemoryUse.ON, "channels"),
        ("C1", MemoryUse.SEPARATE, "channel:C1"),
        ("C0HIDDEN", MemoryUse.ON, "channel:C0HIDDEN"),
        ("C0HIDDEN", MemoryUse.SHARED, "channels"),
        ("C0SHARED", MemoryUse.ON, "connect:C0SHARED"),
        ("C0SHARED", MemoryUse.SHARED, "connect:C0SHARED"),
        ("C0UNKNOWN", MemoryUse.ON, "untold:C0UNKNOWN"),
    ],
)
async def test_a_place_has_its_own_memory(
    storage: Storage, channel_id: str, use: MemoryUse, scope: str
) -> None:
    async with remembering(storage, Maker()) as memories:
        turn = a_turn(channel_id=channel_id)
        found = await memories.recall(turn, replace(AGENT, memory=use))
    assert found is not None
    assert found.key.scope == scope


@pytest.mark.parametrize(
    "effective",
    [
        replace(AGENT, memory=MemoryUse.OFF),
        *(Effective(replace(PROFILE, kind=kind)) for kind in AppKind if kind is not AppKind.AGENT),
        Effective(replace(PROFILE, base_url="https://dashscope-intl.aliyuncs.com/api/v1")),
        Effective(replace(PROFILE, workspace="llm-2")),
    ],
    ids=[
        "off",
        "workflow",
        "dialog workflow",
        "orchestration",
        "another region",
        "another workspace",
    ],
)
async def test_where_memory_has_no_place_none_is_made(
    storage: Storage, effective: Effective
) -> None:
    maker = Maker()
    async with remembering(storage, maker) as memories:
        assert await memories.recall(DIRECT, effective) is None
    assert maker.calls == []


async def test_whoever_switched_it_off_is_remembered_nowhere(storage: Storage) -> None:
    await storage.memories.give(MemoryKey("T1", "U1", "private"), "m9", by="UADMIN")
    values = {"memory": "off"}
    await storage.settings.change("T1", "user:U1", values=values, expected_version=0, by="U1")
    maker = Maker()
    async with remembering(storage, maker) as memories:
        for turn in (DIRECT, a_turn()):
            assert await memories.recall(turn, AGENT) is None
    assert maker.calls == []


async def test_a_memory_switched_off_while_it_is_made_is_not_used(storage: Storage) -> None:
    maker = Maker(gate=asyncio.Event())
    assert maker.gate is not None
    async with remembering(storage, maker) as memories:
        recalling = asyncio.create_task(memories.recall(DIRECT, AGENT))

        async def is_being_made() -> bool:
            return bool(maker.made)

        await idle(is_being_made)
        await storage.settings.change(
            "T1", "user:U1", values={"memory": "off"}, expected_version=0, by="U1"
        )
        maker.gate.set()
        assert await recalling is None


async def test_without_keys_only_a_memory_named_by_hand_counts(storage: Storage) -> None:
    await storage.memories.give(MemoryKey("T1", "U1", "private"), "m9", by="UADMIN")
    async with remembering(storage, None) as memories:
        found = await memories.recall(DIRECT, AGENT)
        assert await memories.recall(a_turn(), AGENT) is None
    assert found is not None
    assert found.memory_id == "m9"


async def test_without_keys_slack_is_asked_about_channels_only_for_who_has_a_memory(
    storage: Storage,
) -> None:
    town = Town()
    async with remembering(storage, None, town=town) as memories:
        await memories.recall(a_turn(), AGENT)
        assert town.asked == []
        await storage.memories.give(MemoryKey("T1", "U1", "channels"), "m9", by="UADMIN")
        assert await memories.recall(a_turn(), AGENT) is not None
    assert town.asked == ["C1"]


async def test_an_answer_does_not_wait_for_a_slow_one_which_serves_the_next(
    storage: Storage,
) -> None:
    maker = Maker(gate=asyncio.Event())
    assert maker.gate is not None
    async with remembering(storage, maker, replace(QUICK, answer_s=0.05)) as memories:
        assert await memories.recall(DIRECT, AGENT) is None
        maker.gate.set()

        async def is_there() -> bool:
            return await memories.recall(DIRECT, AGENT) is not None

        await idle(is_there)
    assert maker.calls == ["create"]


async def test_throttling_is_waited_out(storage: Storage) -> None:
    maker = Maker(failures=[Throttled(), Throttled()])
    async with remembering(storage, maker) as memories:
        assert await memories.recall(DIRECT, AGENT) is not None
    assert len(maker.made) == 1


async def test_what_cannot_be_made_is_not_tried_again_at_once(storage: Storage) -> None:
    maker = Maker(failures=[Misconfigured()])
    async with remembering(storage, maker) as memories:
        for _ in range(3):
            assert await memories.recall(DIRECT, AGENT) is None
        assert maker.calls == ["create"]
        await grow_stale(storage)
        assert await memories.recall(DIRECT, AGENT) is not None
    assert maker.calls == ["create", "create"]  # nobody looks for what was never made


async def test_why_none_could_be_made_is_known_until_one_is(storage: Storage) -> None:
    maker = Maker(failures=[Misconfigured(code="SignatureDoesNotMatch"), UpstreamUnreachable()])
    reasons: list[str] = []
    async with remembering(storage, maker) as memories:
        for _ in range(3):
            reasons.append(found.reason if (found := memories.not_made()) else "")
            await memories.recall(DIRECT, AGENT)
            await grow_stale(storage)
        assert memories.not_made() is None
    assert reasons == ["", "SignatureDoesNotMatch", "UpstreamUnreachable"]


async def test_a_service_that_is_away_is_left_alone_for_a_while(storage: Storage) -> None:
    maker = Maker(failures=[UpstreamUnreachable()])
    async with remembering(storage, maker, replace(QUICK, rest_s=60.0)) as memories:
        assert await memories.recall(DIRECT, AGENT) is None
        assert await memories.recall(a_turn(user_id="U2"), AGENT) is None
    assert maker.calls == ["create"]


async def test_a_memory_whose_maker_never_heard_of_it_is_found_again(storage: Storage) -> None:
    maker = Maker(keeps_quiet=True)
    async with remembering(storage, maker) as memories:
        assert await memories.recall(DIRECT, AGENT) is None
        assert await memories.recall(DIRECT, AGENT) is None  # the claim may still be alive
        maker.keeps_quiet = False
        await grow_stale(storage)
        found = await memories.recall(DIRECT, AGENT)
    assert found is not None
    assert found.memory_id == "m0"
    assert maker.calls == ["create", "list"]


async def test_a_search_that_failed_does_not_lead_to_a_second_memory(storage: Storage) -> None:
    maker = Maker(keeps_quiet=True)
    async with remembering(storage, maker) as memories:
        await memories.recall(DIRECT, AGENT)
        maker.keeps_quiet = False
        await grow_stale(storage)
        maker.failures.append(Misconfigured())
        assert await memories.recall(DIRECT, AGENT) is None
        await grow_stale(storage)
        assert await memories.recall(DIRECT, AGENT) is not None
    assert len(maker.made) == 1


async def test_a_memory_that_is_gone_is_dropped_and_one_that_is_there_stays(
    storage: Storage,
) -> None:
    maker = Maker()
    async with remembering(storage, maker) as memories:
        recalled = await memories.recall(DIRECT, AGENT)
        assert recalled is not None

        async def is_dropped() -> bool:
            return await storage.memories.get(recalled.key) is None

        memories.lost(recalled)
        await asyncio.gather(*memories._checking)
        assert maker.calls == ["create", "get"]
        assert not await is_dropped()
        maker.made.clear()
        memories.lost(recalled)
        await idle(is_dropped)


async def test_a_doubted_memory_is_dropped_only_when_it_is_known_to_be_gone(
    storage: Storage,
) -> None:
    key, maker = MemoryKey("T1", "U1", "private"), Maker()
    async with remembering(storage, maker) as memories:
        recalled = await memories.recall(DIRECT, AGENT)
        assert recalled is not None
        maker.made.clear()
        for _ in range(5):
            memories.doubt(recalled)

        async def is_dropped() -> bool:
            return await storage.memories.get(key) is None

        await idle(is_dropped)
    assert maker.calls.count("get") == 1
    await storage.memories.give(key, "m9", by="U2")
    async with remembering(storage, None) as memories:
        memories.doubt(Recalled(key, "m9"))
        await asyncio.sleep(0.05)
        assert not await is_dropped()


async def test_closing_leaves_what_is_being_made_to_others(storage: Storage) -> None:
    maker = Maker(gate=asyncio.Event())
    async with remembering(storage, maker, replace(QUICK, answer_s=0.05)) as memories:
        assert await memories.recall(DIRECT, AGENT) is None
    assert (await storage.memories.claim(MemoryKey("T1", "U1", "private"), by="x")).is_won is False


# asking

RECALLED = Recalled(MemoryKey("T1", "U1", "channels"), "m1")


def sent(scene: Scene) -> list[str | None]:
    return [question.memory_id for question in scene.apps.questions]


async def test_a_question_carries_the_memory() -> None:
    scene = Scene(saying("hi"))
    scene.world.remembering.recalled = RECALLED  # type: ignore[attr-defined]
    assert await scene.run() == ["hi|"]
    assert sent(scene) == ["m1"]


async def test_a_memory_the_app_does_not_know_is_dropped_and_the_question_asked_without() -> None:
    scene = Scene(MemoryGone(), saying("hi"))
    scene.world.remembering.recalled = RECALLED  # type: ignore[attr-defined]
    assert await scene.run() == ["hi|"]
    assert sent(scene) == ["m1", None]
    assert scene.world.remembering.dropped == [RECALLED]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("script", "doubted"),
    [
        ([RequestRefused(status=400)], [RECALLED]),
        ([UpstreamFailed(status=500)], [RECALLED]),
        ([SessionLost(status=400)], []),
        ([Throttled(status=429)], []),
        ([UpstreamUnreachable()], []),
        ([Answer(text="Hel", session_id="s1"), UpstreamFailed(status=500)], []),
    ],
)
async def test_a_memory_a_question_failed_with_for_no_reason_told_is_looked_at(
    script: list[Answer | Exception], doubted: list[Recalled]
) -> None:
    scene = Scene(Stream(script))
    scene.world.remembering.recalled = RECALLED  # type: ignore[attr-defined]
    await scene.run()
    assert sent(scene) == ["m1"]
    assert scene.world.remembering.doubted == doubted  # type: ignore[attr-defined]
    assert scene.world.remembering.dropped == []  # type: ignore[attr-defined]


async def test_after_its_first_words_a_question_is_not_asked_again() -> None:
    begun = Answer(text="Hel", session_id="s1", request_id="r1")
    scene = Scene(Stream([begun, MemoryGone()]), Stream([said("other")]))
    scene.world.remembering.recalled = RECALLED  # type: ignore[attr-defined]
    await scene.run()
    assert sent(scene) == ["m1"]
