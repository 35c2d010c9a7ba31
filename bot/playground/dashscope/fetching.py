"""Files a request links to: fetched before anything is answered, as the service would.

The vendor's pages do not say how it fetches; here it is one GET without redirects. Only this very
machine is asked: what a playground is given may not make it call on strangers.
"""

import asyncio
import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.playground.dashscope.fields import as_object, is_texts
from bot.playground.dashscope.refusals import Refusal

WITHIN_S = 10.0
"""All files of a request together."""
IMAGE_BYTES_MOST = 10_000_000  # "Visual understanding (Qwen-VL)": the size of an image
DOCUMENT_BYTES_MOST = 100_000_000  # "session files" in the agents' calling guide
NOT_FETCHED = Refusal(
    400,
    "InvalidParameter.DataInspection",
    "Unable to download the media resource during the data inspection process.",
)
"""The vendor's page "Error codes" about images and documents."""


@dataclass(frozen=True, slots=True)
class Link:
    """An address in a request, and the most that may be behind it."""

    url: str = field(repr=False)
    bytes_most: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was behind an address.

    Attributes:
        url: The address.
        status: Of the answer; 0 when none came.
        content_type: As it was announced.
        content: All of it; empty when it is no good.
    """

    url: str = field(repr=False)
    status: int
    content_type: str = ""
    content: bytes = field(default=b"", repr=False)

    @property
    def is_good(self) -> bool:
        """Whether it is a file of the kind its address ends in."""
        path = urlsplit(self.url).path
        expected = mimetypes.guess_type(path)[0]
        is_expected = expected is None or expected == self.content_type
        return self.status == 200 and is_expected and bool(self.content)


async def fetch(body: Mapping[str, Any]) -> tuple[Fetched, ...]:
    """Fetch everything on this machine that a request without problems links to, in its order."""
    links = [link for link in _links(as_object(body["input"])) if _is_here(link.url)]
    if not links:
        return ()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN_S)) as session:
        return tuple(await asyncio.gather(*(_fetched(session, link) for link in links)))


def _links(asked: Mapping[str, Any]) -> Iterator[Link]:
    variables = as_object(asked.get("biz_params"))
    for images in (asked.get("image_list"), variables.get("imageList")):
        yield from _to(images, bytes_most=IMAGE_BYTES_MOST)
    yield from _to(asked.get("file_list"), bytes_most=DOCUMENT_BYTES_MOST)


def _to(urls: object, *, bytes_most: int) -> Iterable[Link]:
    return [Link(url, bytes_most) for url in urls] if is_texts(urls) else []


def _is_here(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


async def _fetched(session: aiohttp.ClientSession, link: Link) -> Fetched:
    try:
        async with session.get(link.url, allow_redirects=False) as response:
            content = bytearray()
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > link.bytes_most:
                    return Fetched(link.url, response.status, response.content_type)
            return Fetched(link.url, response.status, response.content_type, bytes(content))
    except (aiohttp.ClientError, TimeoutError):
        return Fetched(link.url, 0)
