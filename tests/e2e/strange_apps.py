"""Apps at a host of their own, whose door one key opens."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from bot.playground.dashscope.apps import App, echo_app
from bot.playground.dashscope.server import DashScopeServer
from bot.playground.slack.filling import Given

CANARY = "sk-periwinkle0815canary4711"
"""The key that opens it; it must not be seen anywhere."""
OTHER_KEY = "sk-vermilion2342canary1234"
"""A key that does not; nor must this one."""
NOWHERE = "http://127.0.0.1:9/api/v1"
"""Where nobody listens."""


@asynccontextmanager
async def a_strange_host() -> AsyncGenerator[DashScopeServer]:
    """Open it: apps that say every prompt again, one unpublished, one in a sub-workspace."""
    said = echo_app("shop").answers
    apps = [
        App("shop", said),
        App("draft", said, published=False),
        App("tucked", said, workspace="llm-inner"),
    ]
    async with DashScopeServer(apps, api_keys=[CANARY]) as server:
        yield server


def shop(base_url: str, **changes: str) -> Given:
    """Return what is entered to register the app of the shop."""
    entered = {
        "name": "Shop",
        "app_id": "shop",
        "region": "other",
        "base_url": base_url,
        "api_key": CANARY,
    }
    return entered | changes
