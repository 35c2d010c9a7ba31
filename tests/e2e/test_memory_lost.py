"""A memory that is gone costs at most one answer, however DashScope says that it is gone."""

from pathlib import Path

import pytest
from conversations import alter_conversation, servers, talk
from logbook import logged
from remembered import diary, made, memory_of, remembering
from rig import ANN, words

from bot.playground.dashscope.answers import Inquiry, Said
from bot.playground.dashscope.refusals import LOST_MEMORIES, UNTOLD, Refusal

NAME, WHO = "My name is Ann.", "Who am I?"
KNOWS_NOTHING = "I know nothing of you."


@pytest.mark.parametrize("lost", LOST_MEMORIES.values(), ids=LOST_MEMORIES)
async def test_a_memory_that_is_gone_costs_one_more_request_and_nothing_but_the_memory(
    tmp_path: Path, lost: Refusal
) -> None:
    async with servers(tmp_path, diary) as rig, remembering(rig) as bailian:
        rig.dashscope.gateway.lost_memories = lost
        with logged() as log:
            async with rig.bot():
                await rig.answer(NAME)
                (old,) = made(bailian)[ANN, "channels"]
                bailian.bank.delete(old)
                assert await rig.answer(WHO, turns=2) == KNOWS_NOTHING
                await log.until("memory.dropped")
                await rig.answer(NAME, turns=3)
                assert await rig.answer(WHO, turns=4) == NAME
        assert [memory_of(entry) for entry in rig.asked()[:3]] == [old, old, None]


@pytest.mark.parametrize("lost", UNTOLD.values(), ids=UNTOLD)
async def test_a_memory_that_is_gone_untold_costs_one_answer_and_not_those_after_it(
    tmp_path: Path, lost: Refusal
) -> None:
    async with servers(tmp_path, diary) as rig, remembering(rig) as bailian:
        rig.dashscope.gateway.lost_memories = lost
        with logged() as log:
            async with rig.bot():
                await rig.answer(NAME)
                bailian.bank.delete(made(bailian)[ANN, "channels"][0])
                assert "(id T" in await rig.answer(WHO, turns=2)
                await log.until("memory.dropped")
                await rig.answer(NAME, turns=3)
                assert await rig.answer(WHO, turns=4) == NAME


async def test_what_the_bot_said_never_becomes_what_is_remembered_of_somebody(
    tmp_path: Path,
) -> None:
    def talkative(inquiry: Inquiry) -> Said:
        return Said(f"My name is HAL. {diary(inquiry).text}")

    async with servers(tmp_path, talkative) as rig, remembering(rig) as bailian:
        async with rig.bot():
            thread = await talk(rig, "Who is the boss?")
            alter_conversation(rig, rounds="45")
            await talk(rig, "thanks", NAME, thread=thread, turns=1)
        (memory_id,) = made(bailian)[ANN, "channels"]
        assert list(bailian.bank.open(memory_id).nodes.values()) == [NAME]
        assert [memory_of(entry) for entry in rig.asked()] == [memory_id, None, memory_id]
        assert "HAL" in words(rig.reply(thread))
