"""Parcels over HTTP: signed posts to the app's request URL."""

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
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


class HttpCarrier:
    """Posts parcels to the app's request URL.

    Several URLs stand for replicas behind a load balancer. The HTTP session is opened and closed
    with `async with`.

    Args:
        signing_secret: Signs every request.
        clock: Monotonic, in seconds.

    Attributes:
        urls: Where parcels go.
    """

    def __init__(self, *, signing_secret: str, clock: Callable[[], float]) -> None:
        self.urls: list[str] = []
        self._secret = signing_secret
        self._clock = clock
        self._turn = itertools.count()
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
        url = self.urls[next(self._turn) % len(self.urls)]
        begun = Attempt(self._clock(), 0.0, url, hop.retry_num)
        body, content_type = http_body(parcel)
        headers = signed_headers(body, secret=self._secret, now=time.time())
        headers |= {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (playground)"}
        if hop.retry_num:
            headers["X-Slack-Retry-Num"] = str(hop.retry_num)
            headers["X-Slack-Retry-Reason"] = hop.reason
        try:
            attempt = await self._post(begun, body, headers=headers, timeout_s=rules.ack_timeout_s)
        except TimeoutError:
            attempt = replace(begun, failure="http_timeout")
        except (aiohttp.ClientError, OSError):
            attempt = replace(begun, failure="connection_failed")
        return replace(attempt, took_s=self._clock() - begun.at)

    async def _post(
        self, begun: Attempt, body: bytes, *, headers: Mapping[str, str], timeout_s: float
    ) -> Attempt:
        if self._client is None:
            return replace(begun, failure="connection_failed")
        timeout = aiohttp.ClientTimeout(total=timeout_s)
        async with self._client.post(
            begun.target, data=body, headers=headers, timeout=timeout, allow_redirects=False
        ) as response:
            text = await response.text(errors="replace")
            answered = replace(begun, status=response.status, body=text)
            if 200 <= response.status < 300:
                return answered
            is_last = response.headers.get("X-Slack-No-Retry") == "1"
            return replace(answered, failure="http_error", is_last=is_last)
