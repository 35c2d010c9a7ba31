"""Response URLs: the way to answer a command or a press in a channel the bot is not in.

Five uses within thirty minutes, about one a second (docs.slack.dev, "Handling user interaction",
"Rate limits").
"""

import asyncio
import json
import math
import re
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self, cast

import aiohttp

from bot.errors import SlackRefused, SlackThrottled, SlackUnavailable
from bot.slack.failures import web_api_errors
from bot.slack.uploads import is_slacks
from bot.slack.web_api import proxy_for

RESPOND = "response_url"
"""Stands for the method in errors and logs."""
USES_MOST = 5
LIFETIME_S = 1_740.0
"""A minute less than Slack's thirty, for the way of the command to us."""
GAP_S = 1.0
CALL_TIMEOUT_S = 5.0
RETRY_AFTER_S = 1.0
"""When a 429 does not say."""
PATIENCE_S = 5.0
"""A longer wait than this is not waited out: there are other ways to the reader."""
ANSWER_BYTES_MOST = 1_024
"""Slack answers with a word; nobody else's page is read to its end."""

_CODE = re.compile(r"[a-z_]{3,40}")


class Responses:
    """Posts to response URLs; open it with `async with`, inside the loop that uses it.

    Args:
        api_url: Where the Web API is; its host may have response URLs besides Slack's own.
        clock: Monotonic seconds.
        timeout_s: The longest one post may take.
        gap_s: Between two uses of one URL.
    """

    def __init__(
        self,
        *,
        api_url: str,
        clock: Callable[[], float] = time.monotonic,
        timeout_s: float = CALL_TIMEOUT_S,
        gap_s: float = GAP_S,
    ) -> None:
        self._api_url = api_url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None
        self.clock = clock
        self.gap_s = gap_s

    async def __aenter__(self) -> Self:
        """Open the session. It knows neither tokens nor cookies."""
        self._session = aiohttp.ClientSession(
            timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the session."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def hook(self, url: str) -> "Hook":
        """Return a response URL that came just now; one that is not Slack's is never called."""
        return Hook(self, url if is_slacks(url, api_url=self._api_url) else "")

    async def post(self, url: str, body: Mapping[str, Any]) -> None:
        """Post once, without following redirects.

        Raises:
            SlackError: In its most specific form.
            RuntimeError: The session is not open.
        """
        if self._session is None:
            raise RuntimeError("Responses is not open")
        with web_api_errors(RESPOND):
            async with self._session.post(
                url, json=body, allow_redirects=False, proxy=proxy_for(url)
            ) as response:
                words = await response.content.read(ANSWER_BYTES_MOST)
        _judge(response, words=words.decode(errors="replace"))


def _judge(response: aiohttp.ClientResponse, *, words: str) -> None:
    """Raise what an answer other than 200 means."""
    status = response.status
    code = _code(words)
    if status == 429:
        asked = response.headers.get("Retry-After", "")
        retry_after_s = float(asked) if asked.isdecimal() else RETRY_AFTER_S
        raise SlackThrottled(method=RESPOND, retry_after_s=retry_after_s, code=code, status=status)
    if status >= 500:
        raise SlackUnavailable(method=RESPOND, code=code, status=status)
    if status != 200:
        raise SlackRefused(method=RESPOND, code=code, status=status)


def _code(words: str) -> str:
    """Return the error code, which comes alone or in JSON; empty when neither."""
    try:
        body = json.loads(words)
    except ValueError:
        body = words.strip()
    code = cast("dict[str, object]", body).get("error") if isinstance(body, dict) else body
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


class Hook:
    """One response URL: whether it can still be used, and its uses one after another.

    Args:
        responses: Posts.
        url: The address; empty for none.
    """

    def __init__(self, responses: Responses, url: str) -> None:
        self._responses = responses
        self._url = url
        self._uses = 0
        self._expires_at = responses.clock() + LIFETIME_S
        self._next_at = -math.inf
        self._turn = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether another use is left."""
        is_fresh = self._responses.clock() < self._expires_at
        return bool(self._url) and self._uses < USES_MOST and is_fresh

    async def say(self, body: Mapping[str, Any]) -> None:
        """Use it up once, when its turn comes; after a 429 with a short wait once more.

        Raises:
            SlackError: In its most specific form; SlackRefused when no use is left.
        """
        async with self._turn:
            try:
                await self._use(body)
            except SlackThrottled as error:
                if error.retry_after_s > PATIENCE_S:
                    raise
                self._next_at = self._responses.clock() + error.retry_after_s
                await self._use(body)

    async def _use(self, body: Mapping[str, Any]) -> None:
        if not self.is_open:
            raise SlackRefused(method=RESPOND, code="used_up")
        await asyncio.sleep(max(0.0, self._next_at - self._responses.clock()))
        self._uses += 1  # also when it fails: nobody knows whether Slack counted it
        self._next_at = self._responses.clock() + self._responses.gap_s
        await self._responses.post(self._url, body)
