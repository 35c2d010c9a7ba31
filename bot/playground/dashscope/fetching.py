"""Files a request links to: fetched before anything is answered, as the service would.

The vendor's pages do not say how it fetches, so `Approach` names several ways; none follows
redirects. Only this very machine is asked: what a playground is given may not make it call on
strangers.
"""

import asyncio
import mimetypes
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from ipaddress import ip_address
from typing import Any, Literal, assert_never
from urllib.parse import urlsplit

import aiohttp

from bot.playground.dashscope.fields import is_object, is_texts
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


class Approach(Enum):
    """How files are fetched."""

    ONCE = "one GET"
    EAGER = "one GET, before anything else about the request is looked at"
    LOOKING = "a HEAD, then a GET"
    TWICE = "two GETs"
    IN_PARTS = "a GET of the first byte, then one of the rest"


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


async def fetch(body: object, *, approach: Approach = Approach.ONCE) -> tuple[Fetched, ...]:
    """Fetch everything on this machine that a request links to, in its order.

    Args:
        body: The request's JSON; what is no link in it is passed over.
        approach: How.
    """
    links = [link for link in _links(body) if _is_here(link.url)]
    if not links:
        return ()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN_S)) as session:
        fetching = (_fetched(session, link, approach) for link in links)
        return tuple(await asyncio.gather(*fetching))


def _links(body: object) -> Iterator[Link]:
    asked = _object(body, "input")
    variables = _object(asked, "biz_params")
    for images in (asked.get("image_list"), variables.get("imageList")):
        yield from _to(images, bytes_most=IMAGE_BYTES_MOST)
    yield from _to(asked.get("file_list"), bytes_most=DOCUMENT_BYTES_MOST)


def _object(holder: object, name: str) -> Mapping[str, Any]:
    found = holder.get(name) if is_object(holder) else None
    return found if is_object(found) else {}


def _to(urls: object, *, bytes_most: int) -> Iterable[Link]:
    return [Link(url, bytes_most) for url in urls] if is_texts(urls) else []


def _is_here(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


async def _fetched(session: aiohttp.ClientSession, link: Link, approach: Approach) -> Fetched:
    try:
        match approach:
            case Approach.ONCE | Approach.EAGER:
                return await _asked(session, link)
            case Approach.LOOKING:
                looked = await _asked(session, link, method="HEAD")
                return await _asked(session, link) if looked.status == 200 else looked
            case Approach.TWICE:
                await _asked(session, link)
                return await _asked(session, link)
            case Approach.IN_PARTS:
                return await _in_parts(session, link)
        assert_never(approach)
    except (aiohttp.ClientError, TimeoutError):
        return Fetched(link.url, 0)


async def _in_parts(session: aiohttp.ClientSession, link: Link) -> Fetched:
    """Fetch two ranges and join them; a server may answer the first with everything."""
    first = await _asked(session, link, part="bytes=0-0")
    if first.status != 206:
        return first
    rest = await _asked(session, link, part="bytes=1-")
    return replace(first, status=200, content=first.content + rest.content)


async def _asked(
    session: aiohttp.ClientSession,
    link: Link,
    *,
    method: Literal["GET", "HEAD"] = "GET",
    part: str = "",
) -> Fetched:
    headers = {"Range": part} if part else {}
    async with session.request(
        method, link.url, headers=headers, allow_redirects=False
    ) as response:
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > link.bytes_most:
                return Fetched(link.url, response.status, response.content_type)
        return Fetched(link.url, response.status, response.content_type, bytes(content))
