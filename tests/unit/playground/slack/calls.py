"""Slack's own client, as these tests use it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import pytest
from slack_sdk.errors import SlackApiError

# Slack's client types every field of an answer as optional; here they are looked at as they are.
Slack: TypeAlias = Any
Connect: TypeAlias = Callable[..., AbstractAsyncContextManager[Slack]]
MARKDOWN = [{"type": "markdown", "text": "**hi**"}]
MARK = {"event_type": "turn", "event_payload": {"turn_id": 7}}


async def refusal(call: Any) -> str:
    """Return the error code of a call that is refused."""
    with pytest.raises(SlackApiError) as refused:
        await call
    return refused.value.response["error"]


async def posted(slack: Slack, text: str = "hello", **fields: Any) -> str:
    """Post in a channel the app is in, and return the ts."""
    answer = await slack.chat_postMessage(channel="C0GENERAL", text=text, **fields)
    return answer["ts"]
