"""What most public samples do, to compare with: Bolt, a stream, an edit every so many characters.

A listener answers inside Bolt; each edit is awaited and left out when it fails; posts and the last
edit are repeated twice after a 429, by the SDK's own retry handler; a text too long for one message
is cut.
Started as `python -m tests.benchmarks.naive` with the variables of `replies.Setting`.
"""

import json
import os
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import aconnect_sse
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

EDIT_CHARS = 80
MESSAGE_CHARS = 3_900
CURSOR = " ▌"
FINISHED = "reply.ended"


async def ask(prompt: str) -> AsyncGenerator[str]:
    """Yield the answer's deltas."""
    url = f"{os.environ['DASHSCOPE_BASE_URL']}/apps/{os.environ['DASHSCOPE_APP_ID']}/completion"
    headers = {
        "Authorization": f"Bearer {os.environ['DASHSCOPE_API_KEY']}",
        "X-DashScope-SSE": "enable",
    }
    body = {"input": {"prompt": prompt}, "parameters": {"incremental_output": True}}
    async with (
        httpx.AsyncClient(timeout=600) as client,
        aconnect_sse(client, "POST", url, headers=headers, json=body) as source,
    ):
        async for event in source.aiter_sse():
            yield json.loads(event.data)["output"]["text"]


@dataclass(frozen=True, slots=True)
class Clients:
    """Two clients of the Web API.

    Attributes:
        plain: Takes a 429 for an answer.
        patient: Waits and repeats.
    """

    plain: AsyncWebClient
    patient: AsyncWebClient

    @classmethod
    def of_environment(cls) -> "Clients":
        """Make them."""
        token, base_url = os.environ["SLACK_BOT_TOKEN"], os.environ["SLACK_API_URL"]
        patience = [AsyncRateLimitErrorRetryHandler(max_retry_count=2)]
        return cls(
            AsyncWebClient(token=token, base_url=base_url),
            AsyncWebClient(token=token, base_url=base_url, retry_handlers=list(patience)),
        )


async def answer(event: dict[str, Any], clients: Clients) -> None:
    """Answer one mention."""
    channel, thread_ts = event["channel"], event["ts"]
    posted = await clients.patient.chat_postMessage(
        channel=channel, thread_ts=thread_ts, text="_Thinking…_"
    )
    ts = str(posted["ts"])
    text, shown_chars = "", 0
    async for delta in ask(event["text"]):
        text += delta
        if len(text) - shown_chars >= EDIT_CHARS:
            shown_chars = len(text)
            await _edit(clients.plain, channel, ts, text + CURSOR)
    await _edit(clients.patient, channel, ts, text[:MESSAGE_CHARS])
    for start in range(MESSAGE_CHARS, len(text), MESSAGE_CHARS):
        rest = text[start : start + MESSAGE_CHARS]
        await clients.patient.chat_postMessage(channel=channel, thread_ts=thread_ts, text=rest)


async def _edit(client: AsyncWebClient, channel: str, ts: str, text: str) -> None:
    try:
        await client.chat_update(channel=channel, ts=ts, text=text)
    except SlackApiError as error:
        print("edit.failed", error.response["error"], flush=True)


def main() -> None:
    """Serve until ended."""
    clients = Clients.of_environment()
    bolt = AsyncApp(client=clients.patient, signing_secret=os.environ["SLACK_SIGNING_SECRET"])

    @bolt.event("app_mention")
    async def mentioned(event: dict[str, Any]) -> None:
        try:
            await answer(event, clients)
        finally:
            print(FINISHED, flush=True)

    @bolt.event("message")
    async def written() -> None:
        """Leave messages without a mention alone."""

    assert mentioned
    assert written
    bolt.start(port=int(os.environ["PORT"]), host="127.0.0.1")


if __name__ == "__main__":
    main()
