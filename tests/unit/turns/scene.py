"""A turn on its stage."""

import asyncio
from dataclasses import replace
from typing import Any

from edges import PROFILE, Apps, Book, Chosen, Memory, Slack, Stream, a_turn, a_world

from bot.core.resolution import Effective
from bot.turns.run import TurnRun
from bot.turns.world import Grip
from storage.records import Conversation, Turn


class Scene:
    """A turn with its edges."""

    def __init__(self, *streams: Stream | Exception, known: Conversation | None = None) -> None:
        self.slack = Slack()
        self.book = Book()
        self.apps = Apps(list(streams))
        self.grip = Grip(guard=lambda: None, called=asyncio.Event())
        self.world = a_world(self.slack, self.book, self.apps, memory=Memory(known))

    async def run(self, turn: Turn | None = None) -> list[str]:
        await TurnRun(turn or a_turn(), world=self.world, grip=self.grip).run()
        return self.slack.visible()

    def given(self, **settings: Any) -> "Scene":
        """Let these settings hold."""
        values: dict[str, Any] = {"app": PROFILE, **settings}
        return self.amid(choices=Chosen(Effective(**values)))

    def amid(self, **edges: Any) -> "Scene":
        """Let the world be another one in part."""
        self.world = replace(self.world, **edges)
        return self
