"""Many people ask at once in shared threads, and nobody's token goes along with another's."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from edges import PROFILE, Apps, Book, Chosen, Slack, Stream, a_world, saying

from bot.admin.plugin_tokens import PluginTokens
from bot.core.question import Question
from bot.core.resolution import Effective
from bot.metrics import Metrics
from bot.turns.dispatcher import Capacity, Dispatcher
from bot.turns.run import TurnRun
from bot.turns.world import Grip
from storage import schema
from storage.database import Storage
from storage.records import NewTurn, Turn

PEOPLE = [f"U{number}" for number in range(8)]
TOOLS = ("crm", "mail", "docs")
QUESTIONS = 150


@dataclass
class Recorder:
    """Answers everything after a moment, and keeps what it was asked."""

    questions: list[Question] = field(default_factory=list[Question])

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncGenerator[Stream]:
        self.questions.append(question)
        await asyncio.sleep(0.001)
        yield saying("Hello")


@pytest.fixture
async def storage(tmp_path: Path) -> AsyncIterator[Storage]:
    url = f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    await schema.upgrade(url)
    async with Storage(url, keys=["a key at rest that is quite long enough"]) as storage:
        yield storage


def nothing() -> None:
    """Do nothing."""


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_question_of_one_carries_a_token_of_another(storage: Storage, seed: int) -> None:
    dice, tokens, recorder = random.Random(seed), PluginTokens(storage.secrets), Recorder()
    world = replace(
        a_world(Slack(), Book(), Apps([])),
        apps=recorder,
        book=storage.turns,
        memory=storage.conversations,
        tokens=tokens,
        choices=Chosen(Effective(PROFILE, plugins=TOOLS)),
    )

    async def run(turn: Turn, grip: Grip) -> None:
        await TurnRun(turn, world=world, grip=grip).run()

    async with Dispatcher(
        storage,
        run=run,
        metrics=Metrics(),
        capacity=Capacity(at_once=20, grace_s=5),
        waiting_seen=nothing,
    ):
        for number in range(QUESTIONS):
            await act(dice, tokens)
            user, thread = dice.choice(PEOPLE), f"{dice.randrange(12)}.000000"
            payload = {"text": f"{user} asks", "files": 0}
            new = NewTurn("T1", "C1", thread, f"100.{number:06}", user, payload)
            await storage.turns.claim(new)
        async with asyncio.timeout(60):
            while (await storage.turns.counts()).queued or (await storage.turns.counts()).running:
                await asyncio.sleep(0.01)
    assert len(recorder.questions) == QUESTIONS
    for question in recorder.questions:
        owner = question.prompt.partition(" ")[0]
        assert all(token.startswith(f"{owner}:{tool}:") for tool, token in question.tokens.items())
    assert any(question.tokens for question in recorder.questions)


async def act(dice: random.Random, tokens: PluginTokens) -> None:
    """Let somebody give, replace or remove a token."""
    user, tool = dice.choice(PEOPLE), dice.choice(TOOLS)
    if dice.random() < 0.7:
        await tokens.put("T1", user, tool, token=f"{user}:{tool}:{dice.random()}")
    else:
        await tokens.remove("T1", user, tool)
