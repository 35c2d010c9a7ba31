"""Parcels over HTTP: signed posts to the app's request URL."""

import hashlib
import hmac
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

import aiohttp

from bot.playground.slack.delivery import Attempt, DeliveryRules, Hop, Parcel, ParcelKind


def signed_headers(body: bytes, *, secret: str, now: float) -> dict[str, str]:
    """Return the headers that prove a request comes from Slack.

    The docs page "verifying requests from Slack": HMAC-SHA256 over version, time and body.

    Args:
        body: The body as sent.
        secret: The app's signing secret.
        now: Seconds since the epoch.
    """
    stamp = str(int(now))
    signed = b":".join((b"v0", stamp.encode(), body))
    signature = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={signature}"}


def http_body(parcel: Parcel) -> tuple[bytes, str]:
    """Return a parcel as an HTTP body and its content type."""
    match parcel.kind:
        case ParcelKind.EVENT:
            return json.dumps(parcel.payload).encode(), "application/json"
        case ParcelKind.COMMAND:
            return urlencode(parcel.payload).encode(), "application/x-www-form-urlencoded"
        case ParcelKind.INTERACTION:
            form = urlencode({"payload": json.dumps(parcel.payload)})
            return form.encode(), "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class _Outcome:
    status: int | None = None
    failure: str = ""
    body: str = ""
    is_last: bool = False


class HttpCarrier:
    """Posts parcels to the app's request URL.

    Several URLs stand for replicas behind a load balancer. The HTTP session is opened and closed
    with `async with`.

    Args:
        signing_secret: Signs every request.
        clock: Monotonic, in seconds.
        seed: Of the dice that choose a URL at random.
        wall: Seconds since the epoch.

    Attributes:
        urls: Where parcels go.
    """

    def __init__(
        self,
        *,
        signing_secret: str,
        clock: Callable[[], float],
        seed: int,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.urls: list[str] = []
        self._secret = signing_secret
        self._clock = clock
        self._wall = wall
        self._turn = 0
        self._dice = random.Random(seed)
        self._client: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the HTTP session."""
        self._client = aiohttp.ClientSession()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Close the HTTP session."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    @property
    def is_open(self) -> bool:
        """There is an address."""
        return bool(self.urls) and self._client is not None

    async def carry(self, parcel: Parcel, *, hop: Hop, rules: DeliveryRules) -> Attempt:
        """Post once."""
        url, at = self._next_url(is_random=rules.is_route_random), self._clock()
        body, content_type = http_body(parcel)
        headers = signed_headers(body, secret=self._secret, now=self._wall())
        headers |= {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (playground)"}
        if hop.retry_num:
            headers["X-Slack-Retry-Num"] = str(hop.retry_num)
            headers["X-Slack-Retry-Reason"] = hop.reason
        try:
            outcome = await self._post(url, body, headers=headers, timeout_s=rules.ack_timeout_s)
        except TimeoutError:
            outcome = _Outcome(failure="http_timeout")
        except (aiohttp.ClientError, OSError):
            outcome = _Outcome(failure="connection_failed")
        took_s = self._clock() - at
        status, failure = outcome.status, outcome.failure
        return Attempt(
            at, took_s, url, hop.retry_num, status, failure, outcome.body, outcome.is_last
        )

    def _next_url(self, *, is_random: bool) -> str:
        if is_random:
            return self._dice.choice(self.urls)
        self._turn += 1
        return self.urls[(self._turn - 1) % len(self.urls)]

    async def _post(
        self, url: str, body: bytes, *, headers: Mapping[str, str], timeout_s: float
    ) -> _Outcome:
        if self._client is None:
            return _Outcome(failure="connection_failed")
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with self._client.post(
            url, data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            text = await response.text(errors="replace")
            if 200 <= response.status < 300:
                return _Outcome(response.status, body=text)
            is_last = response.headers.get("X-Slack-No-Retry") == "1"
            return _Outcome(response.status, "http_error", text, is_last)
