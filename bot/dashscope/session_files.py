"""Session files: given to an agent app to read, gone when the session is.

A lease names the file, its size and its MD5, and answers with an address; the file goes there; then
it is added, and read by the service until its state is FILE_IS_READY. (Source:
"ApplyFileUploadLease", "AddFile" and "DescribeFile" of Model Studio's API reference; the arguments
travel as a form, as the vendor's SDK sends them.) UNVERIFIED: the whole way against the live
service, outside Beijing above all; how long reading takes; which states a session file is in.
"""

import asyncio
import hashlib
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.core.acs3 import path_of
from bot.core.endpoints import is_protected
from bot.core.loose_json import object_at, text_at
from bot.core.session_file import SESSION_FILE_PREFIX, Readiness, file_problem, readiness
from bot.dashscope.openapi import ApiCall, Delivery, OpenApi
from bot.errors import ContentBlocked, FileRefused, UpstreamGarbled, UpstreamTimeout

_GAP_S = 0.11
"""Ten calls a second ("ApplyFileUploadLease", throttling), and a tenth more."""
_CATEGORY = {"CategoryType": "SESSION_FILE"}
_CATEGORY_ID = "default"  # "ApplyFileUploadLease", CategoryId for files of a session
_PARSER = "AUTO_SELECT"  # "AddFile": session files are parsed in one way only
_METHODS = frozenset({"PUT", "POST"})
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""Headers that belong to the connection and not to whoever hands out the address."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an upload may take.

    The MD5 goes before the file does, so a file is held in memory while it is sent: `max_bytes`
    times `at_once` is the most that can be.

    Attributes:
        max_bytes: Larger files are refused.
        at_once: More uploads wait.
        poll_s: Between two looks at a file's state, in seconds.
        ready_within_s: How long the service may take to read a file, in seconds.
    """

    max_bytes: int = 20_000_000
    at_once: int = 2
    poll_s: float = 2.0
    ready_within_s: float = 120.0


class SessionFiles:
    """Uploads files of sessions.

    Args:
        api: Open while this is used; not closed here.
        bounds: What an upload may take.
        sleep: Waits between looks.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        api: OpenApi,
        *,
        bounds: Bounds | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._bounds = bounds or Bounds()
        self._room = asyncio.Semaphore(self._bounds.at_once)
        self._sleep = sleep
        self._clock = clock

    async def upload(self, name: str, chunks: AsyncIterable[bytes], *, size_bytes: int) -> str:
        """Upload a file and return its id once an app may be asked about it.

        Not idempotent: tried twice, there are two files, which expire by themselves (after 7 days
        at most). Cancelled, the file may have arrived and expires as well.

        Args:
            name: 4 to 128 characters with a suffix, without directories.
            chunks: The file; read once.
            size_bytes: How long `chunks` is.

        Raises:
            FileRefused: The name or the size will not do, `chunks` is of another size, or the
                service could not read the file.
            ContentBlocked: Content safety refused the file.
            UpstreamTimeout: The service took too long, in sending or in reading it.
            DashScopeError: In its most specific form.
        """
        if problem := file_problem(name, size_bytes=size_bytes):
            raise FileRefused(problem)
        if size_bytes > self._bounds.max_bytes:
            raise FileRefused(f"at most {self._bounds.max_bytes} bytes are uploaded")
        async with self._room:
            content = await _gathered(chunks, size_bytes=size_bytes)
            lease_id = await self._send(name, content)
        file_id = await self._add(lease_id)
        await self._until_ready(file_id)
        return file_id

    async def _send(self, name: str, content: bytes) -> str:
        """Bring the bytes to where a lease says, and return the lease's id."""
        lease = await self._form(
            "ApplyFileUploadLease",
            "POST",
            path_of("datacenter", "category", _CATEGORY_ID),
            FileName=name,
            # Not for security: the page asks for this hash of the file.
            Md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
            SizeInBytes=str(len(content)),
        )
        await self._api.deliver(_delivery(object_at(lease, "param"), content=content))
        return _text(lease, "fileUploadLeaseId")

    async def _add(self, lease_id: str) -> str:
        added = await self._form(
            "AddFile",
            "PUT",
            path_of("datacenter", "file"),
            LeaseId=lease_id,
            Parser=_PARSER,
            CategoryId=_CATEGORY_ID,
        )
        file_id = _text(added, "fileId")
        if not file_id.startswith(SESSION_FILE_PREFIX):
            raise UpstreamGarbled("the file added is no session file")
        return file_id

    async def _until_ready(self, file_id: str) -> None:
        path = path_of("datacenter", "file", file_id) + "/"
        look = ApiCall("DescribeFile", "GET", path, gap_s=_GAP_S, absent=FileRefused)
        deadline = self._clock() + self._bounds.ready_within_s
        while self._clock() < deadline:
            state = text_at(object_at(await self._api.call(look), "data"), "status")
            match readiness(state):
                case Readiness.READY:
                    return
                case Readiness.UNSAFE:
                    raise ContentBlocked(code=state)
                case Readiness.FAILED:
                    raise FileRefused(code=state)
                case Readiness.WAITING:
                    await self._sleep(self._bounds.poll_s)
        raise UpstreamTimeout("the file is still being read")

    async def _form(
        self, action: str, method: str, path: str, **arguments: str
    ) -> Mapping[str, object]:
        """Make a call whose arguments are a form, and return its `data`."""
        form = arguments | _CATEGORY
        call = ApiCall(action, method, path, gap_s=_GAP_S, form=form, absent=FileRefused)
        return object_at(await self._api.call(call), "data")


def _delivery(param: Mapping[str, object], *, content: bytes) -> Delivery:
    """Return how a lease wants the file to be sent.

    Raises:
        UpstreamGarbled: It does not say, or it names a way others could read along.
    """
    method, url = text_at(param, "method") or "PUT", text_at(param, "url")
    if method not in _METHODS or not is_protected(url):
        raise UpstreamGarbled("a lease without an address to send to")
    headers = object_at(param, "headers")
    return Delivery(
        method=method,
        url=url,
        headers={
            name: value
            for name, value in headers.items()
            if isinstance(value, str) and name.lower() not in _OURS
        },
        content=content,
    )


async def _gathered(chunks: AsyncIterable[bytes], *, size_bytes: int) -> bytes:
    """Return the whole file.

    Raises:
        FileRefused: It is longer or shorter than it was said to be.
    """
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > size_bytes:
            break
    if len(content) != size_bytes:
        raise FileRefused("the file is not of the size it was said to be")
    return bytes(content)


def _text(answer: Mapping[str, object], key: str) -> str:
    """Return a text that must be there.

    Raises:
        UpstreamGarbled: It is not.
    """
    if found := text_at(answer, key):
        return found
    raise UpstreamGarbled(f"no {key} in the answer")
