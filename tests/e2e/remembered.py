"""Servers whose agent remembers people, and what was asked with whose memory."""

import re
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager

from pydantic import SecretStr
from rig import WITHIN_S, Rig
from workers import until

from bot.playground.bailian import (
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    WORKSPACE_ID,
    BailianServer,
)
from bot.playground.dashscope.answers import Inquiry, Said
from bot.playground.dashscope.journal import Entry

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
