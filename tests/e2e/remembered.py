"""Servers whose agent remembers people, and what was asked with whose memory."""

import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from desk import TEAM, Desk, a_desk
from pydantic import SecretStr
from rig import ANN, BOT, PUBLIC, WITHIN_S, Rig, words
from workers import until

from bot.admin import memory_texts
from bot.playground.bailian import (
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    WORKSPACE_ID,
    BailianServer,
)
from bot.playground.dashscope.answers import Inquiry, Said
from bot.playground.dashscope.journal import Entry
from bot.playground.slack.blocks import controls
from bot.playground.slack.views import View
from storage.memories import MemoryKey

NAME = "My name is Ann."
KNOWS_NOTHING = "I know nothing of you."
DESCRIPTION = re.compile(r"slack:T0PLAY:(?P<user>\w+):(?P<scope>.+)")


def diary(inquiry: Inquiry) -> Said:
    """Say all that is known of whoever asks."""
    return Said(" ".join(inquiry.facts) or "I know nothing of you.")


@asynccontextmanager
async def remembering(rig: Rig, **changes: object) -> AsyncGenerator[BailianServer]:
    """Give the rig's bot a Bailian, which its agent shares."""
    async with BailianServer() as bailian:
        rig.dashscope.gateway.bank = bailian.bank
        rig.changes |= {
            "alibaba_cloud_access_key_id": SecretStr(ACCESS_KEY_ID),
            "alibaba_cloud_access_key_secret": SecretStr(ACCESS_KEY_SECRET),
            "bailian_workspace_id": WORKSPACE_ID,
            "bailian_endpoint": bailian.endpoint,
            **changes,
        }
        yield bailian


def memory_of(entry: Entry) -> str | None:
    """Return the memory a request named."""
    return entry.body["input"].get("memory_id")


def made(bailian: BailianServer) -> Mapping[tuple[str, str], list[str]]:
    """Return the memories there are, by whose they are and where they count."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for kept in bailian.bank.memories:
        named = DESCRIPTION.fullmatch(kept.description)
        assert named is not None, kept.description
        found[named["user"], named["scope"]].append(kept.memory_id)
    return found


async def seen(predicate: Callable[[], object]) -> None:
    """Wait until something nobody tells of is so."""
    await until(predicate, within_s=WITHIN_S)


@dataclass
class Home:
    """Everything a test of memory needs."""

    desk: Desk
    bailian: BailianServer

    @property
    def rig(self) -> Rig:
        return self.desk.rig

    def direct(self, user: str = ANN) -> str:
        return self.rig.slack.workspace.dm(user, BOT).channel_id

    async def ask(self, text: str, *, user: str = ANN, channel: str = PUBLIC) -> str:
        """Ask in a new thread; return the answer."""
        before = len(self.rig.asked())
        ts = await self.rig.slack.say(user, channel, f"<@{BOT}> {text}")
        await self.rig.slack.until(
            lambda: any(
                reply.blocks and not any(b["type"] == "actions" for b in reply.blocks)
                for reply in self.rig.reply(ts, channel=channel)
            ),
            timeout_s=WITHIN_S,
        )
        assert len(self.rig.asked()) > before
        return words(self.rig.reply(ts, channel=channel))

    async def open_home(self, user: str = ANN) -> View:
        """Open somebody's Home and return it when it is whole."""
        self.rig.slack.people.open_home(user)
        return await self.home_saying("", user=user)

    async def home_saying(self, text: str, *, user: str = ANN) -> View:
        """Wait until a Home is whole and says something."""

        def found() -> View | None:
            view = self.rig.slack.people.backend.views.home(user)
            is_whole = view is not None and memory_texts.ONE_MOMENT.en not in shown(view)
            return view if view is not None and is_whole and text in shown(view) else None

        return await self.rig.slack.until(found, timeout_s=WITHIN_S)

    async def press_home(self, view: View, label: str) -> None:
        """Press a button of a Home by what stands on it."""
        action = next(c.action_id for c in controls(view.blocks) if c.label == label)
        delivery = await self.rig.slack.people.click_view(view, action)
        assert delivery.is_delivered


def shown(view: View) -> str:
    """Return all the words of a view."""
    return "\n".join(block["text"]["text"] for block in view.blocks if "text" in block)


@asynccontextmanager
async def at_home(rig: Rig, **changes: Any) -> AsyncGenerator[Home]:
    async with remembering(rig, **changes) as bailian, a_desk(rig) as desk:
        yield Home(desk, bailian)


def memory_key(user: str, scope: str) -> MemoryKey:
    return MemoryKey(TEAM, user, scope)
