"""The first words with Slack: who the bot is there, and what it may not do."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from bot.errors import SlackThrottled, SlackUnavailable
from bot.slack.identity import Identity

log = structlog.stdlib.get_logger(__name__)

PAUSES_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Pauses between tries to reach Slack at start-up."""


async def greet(ask: Callable[[], Awaitable[Identity]]) -> Identity:
    """Return who the bot is, and log each feature that is off for want of a scope.

    The process is not ready until Slack answers.

    Args:
        ask: Asks Slack once.

    Raises:
        SlackError: Slack answered, and refused; or it stayed away after every pause.
    """
    identity = await _until_reachable(ask)
    for scope, loss in identity.missing_scopes.items():
        log.warning("scope.missing", missing=scope, feature=loss)
    return identity


async def _until_reachable(ask: Callable[[], Awaitable[Identity]]) -> Identity:
    for pause_s in PAUSES_S:
        try:
            return await ask()
        except (SlackUnavailable, SlackThrottled) as error:
            log.warning("slack.unreachable", error=type(error).__name__, delay_s=pause_s)
            await asyncio.sleep(pause_s)
    return await ask()
