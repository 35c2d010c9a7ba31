"""What readers see of a workflow while it works, and what stays of it."""

from dataclasses import replace
from pathlib import Path

import pytest
from conversations import servers
from given import store, told
from rig import APP_ID, BOT, Rig, words

from bot.core import texts
from bot.core.language import Language
from bot.core.question import AppKind
from bot.playground.dashscope.answers import Inquiry, Said
from bot.playground.dashscope.apps import App
from bot.playground.dashscope.checks import Rules
from bot.playground.dashscope.faults import Cut
from bot.playground.dashscope.pace import Pace
from bot.playground.slack.change import Change, Edited, Posted
from bot.playground.slack.message import visible_text

ANSWER = " ".join(["Final words."] * 40)
PACE = Pace(chars_per_s=250, first_token_s=0.1)
FLOWS = pytest.mark.parametrize("kind", [AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW])
NODE = "Working: 大模型_b1C…"


def drafting(_inquiry: Inquiry) -> Said:
    """Answer after a draft nobody should see."""
    return Said(ANSWER, drafts=("SECRET draft " * 40,))


def shown_over_time(rig: Rig) -> list[str]:
    """Return a list that grows by what each version of the bot's messages shows."""
    seen: list[str] = []

    def hear(change: Change) -> None:
        match change:
            case Posted(message=message) | Edited(after=message) if message.user == BOT:
                seen.append(visible_text(message))
            case _:
                return

    rig.slack.workspace.watch(hear)
    return seen


@FLOWS
async def test_nodes_are_told_of_while_they_work_and_the_answer_is_seen_growing(
    tmp_path: Path, kind: AppKind
) -> None:
    async with servers(tmp_path, drafting, kind=kind, pace=PACE) as rig:
        seen = shown_over_time(rig)
        async with rig.bot():
            shown = await rig.answer("go")
    assert NODE in seen
    assert any(text.startswith("Final") and len(text) < len(ANSWER) for text in seen)
    assert shown == ANSWER
    assert not any("SECRET" in text for text in seen)


async def test_where_steps_are_not_wanted_no_node_is_told_of(tmp_path: Path) -> None:
    async with servers(tmp_path, drafting, kind=AppKind.WORKFLOW, pace=PACE) as rig:
        await store(rig, "workspace", has_thoughts=False)
        seen = shown_over_time(rig)
        async with rig.bot():
            await rig.answer("go")
    assert not any("大模型" in text for text in seen)
    assert any(text.startswith("Final") and len(text) < len(ANSWER) for text in seen)


@pytest.mark.usefixtures("one_day")
async def test_tokens_of_a_workflow_count(tmp_path: Path) -> None:
    async with servers(tmp_path, drafting, kind=AppKind.WORKFLOW) as rig:
        await store(rig, "workspace", quota_user_tokens=10)
        async with rig.bot():
            assert "is used up" not in await told(rig, "go")
            assert "is used up" in await told(rig, "again")


@FLOWS
async def test_a_host_that_does_not_know_the_newest_mode_answers_all_the_same(
    tmp_path: Path, kind: AppKind
) -> None:
    async with servers(tmp_path, drafting, kind=kind) as rig:
        rig.dashscope.gateway.rules = Rules(refused_modes=frozenset({"message_format_plus"}))
        async with rig.bot():
            assert await told(rig, "go") == ANSWER
            assert await told(rig, "again") == ANSWER
        modes = [entry.body["parameters"]["flow_stream_mode"] for entry in rig.asked()]
    assert modes == ["message_format_plus", "message_format", "message_format"]


@pytest.mark.parametrize("node_type", ["End", "Output", "LLM", "Message"])
async def test_of_a_workflow_cut_short_everything_its_opened_node_said_stays(
    tmp_path: Path, node_type: str
) -> None:
    async with servers(tmp_path, drafting, kind=AppKind.WORKFLOW) as rig:
        app = App(APP_ID, answers=drafting, kind=AppKind.WORKFLOW)
        rig.dashscope.gateway._apps = {APP_ID: replace(app, speaks=node_type)}
        await store(rig, "workspace", flow_stream_mode="message_format")
        rig.dashscope.faults.add(Cut(3))
        async with rig.bot():
            thread = await rig.ask("go")
            await rig.finished()
        shown = words(rig.reply(thread))
    assert shown.startswith("Final")
    assert texts.cut(turn_id=1, language=Language.EN) in shown
