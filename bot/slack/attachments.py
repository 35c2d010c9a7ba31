"""The files of one message, made ready for the app that is asked."""

import asyncio
from collections.abc import AsyncIterable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Any, Protocol, TypeVar, assert_never

import structlog

from bot.core.attachments import (
    LOOKED_AT_MOST,
    TOO_MANY_FILES,
    Decision,
    Means,
    Passed,
    Way,
    decide,
    quoted,
    too_large,
)
from bot.core.file_refusals import (
    NO_WAY,
    NOT_FETCHED,
    NOT_PERMITTED,
    NOT_TAKEN,
    NOT_THERE,
    TOO_SLOW,
    Refusal,
    refusal,
)
from bot.core.files import FileNote
from bot.core.json_value import Json
from bot.core.prepared import Prepared
from bot.core.question import AppProfile
from bot.errors import BotError, SlackError, SlackRefused, SlackTokenRefused
from bot.slack.downloads import FETCH, LOOK_UP, TOO_LARGE, Download, SlackDownloads
from bot.slack.file_links import FileLinks

READY_WITHIN_S = 30.0
"""All the files of a message together: somebody waits for an answer meanwhile."""
T = TypeVar("T")

log = structlog.get_logger(__name__)


class SessionFiles(Protocol):
    """Where files are uploaded for one conversation with an agent."""

    async def upload(self, name: str, chunks: AsyncIterable[bytes], *, size_bytes: int) -> str:
        """Upload a file of so many bytes and return its id once an app may read it.

        Raises:
            DashScopeError: It was not taken.
        """
        ...


class Attachments:
    """Makes files ready: links, uploads, or their words.

    Args:
        downloads: Where files come from.
        links: Makes links; None when the bot cannot be reached from outside.
        session_files: Takes uploads; None without keys for them.
        sees_uploads: Whether an app can read what is uploaded there.
        ready_within_s: How long all files of a message may take; those not ready then are left out.
    """

    def __init__(
        self,
        *,
        downloads: SlackDownloads,
        links: FileLinks | None = None,
        session_files: SessionFiles | None = None,
        sees_uploads: Callable[[AppProfile], bool] = lambda _app: True,
        ready_within_s: float = READY_WITHIN_S,
    ) -> None:
        self._downloads = downloads
        self._links = links
        self._session_files = session_files
        self._sees_uploads = sees_uploads
        self._ready_within_s = ready_within_s

    async def prepare(
        self,
        team_id: str,
        files: Sequence[FileNote],
        *,
        app: AppProfile,
        options: Mapping[str, Json],
    ) -> Prepared:
        """Return what the app is given of a message's files, and a sentence for each it is not.

        What a file does wrong concerns that file alone: nothing a vendor answers is raised. All
        files are worked on at once, and cancelling leaves none of them behind.

        Args:
            team_id: The workspace whose token opens them.
            files: In the order of the message; an id alone is enough, Slack is asked for the rest.
            app: Who is asked.
            options: What it is asked with; they tell whether a workflow takes images.
        """
        means = Means.of(
            app.kind,
            options,
            has_links=self._links is not None,
            has_session_files=self._session_files is not None and self._sees_uploads(app),
        )
        due_at = asyncio.get_running_loop().time() + self._ready_within_s
        found = await _all(
            self._look_at(team_id, note, due_at=due_at) for note in files[:LOOKED_AT_MOST]
        )
        decisions = decide(found, means=means)
        outcomes = await _all(self._outcome(team_id, each, due_at=due_at) for each in decisions)
        if len(files) > LOOKED_AT_MOST:
            outcomes.append(TOO_MANY_FILES)
        return Prepared.of(outcomes)

    async def _look_at(self, team_id: str, note: FileNote, *, due_at: float) -> FileNote | Refusal:
        if not note.must_be_looked_up:
            return note
        try:
            async with asyncio.timeout_at(due_at):
                return await self._downloads.look_up(team_id, note.file_id)
        except (BotError, TimeoutError) as error:
            return _refused(error, note, team_id=team_id)

    async def _outcome(
        self, team_id: str, decision: Decision, *, due_at: float
    ) -> tuple[Way, str] | Refusal:
        if isinstance(decision, Refusal):
            return decision
        try:
            async with asyncio.timeout_at(due_at):
                given = await self._given(team_id, decision)
        except (BotError, TimeoutError) as error:
            if isinstance(error, SlackRefused) and error.code == TOO_LARGE:
                return too_large(decision)
            return _refused(error, decision.note, team_id=team_id)
        return given if isinstance(given, Refusal) else (decision.way, given)

    async def _given(self, team_id: str, passed: Passed) -> str | Refusal:
        match passed.way:
            case Way.IMAGE_LINK | Way.DOCUMENT_LINK:
                return await self._link(team_id, passed)
            case Way.SESSION_FILE:
                return await self._upload(team_id, passed)
            case Way.TEXT:
                return await self._read(team_id, passed)
            case _:
                assert_never(passed.way)

    async def _link(self, team_id: str, passed: Passed) -> str | Refusal:
        if self._links is None:
            return refusal(NO_WAY, passed.note)
        await self._links.until_served()
        return self._links.link(team_id, passed.note.file_id, ending=passed.format.ending)

    async def _upload(self, team_id: str, passed: Passed) -> str | Refusal:
        if self._session_files is None:
            return refusal(NO_WAY, passed.note)
        async with self._opened(team_id, passed) as download:
            size = download.size_bytes or passed.note.size_bytes
            if size is None:
                raise SlackRefused(method=FETCH, code="no_size")
            async with aclosing(download.chunks()) as chunks:
                return await self._session_files.upload(passed.name, chunks, size_bytes=size)

    async def _read(self, team_id: str, passed: Passed) -> str | Refusal:
        async with (
            self._opened(team_id, passed) as download,
            aclosing(download.chunks()) as chunks,
        ):
            content = b"".join([chunk async for chunk in chunks])
        return quoted(passed.note, content)

    def _opened(self, team_id: str, passed: Passed) -> AbstractAsyncContextManager[Download]:
        return self._downloads.open(team_id, passed.note, bytes_most=passed.bytes_most)


async def _all(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Do everything at once; the first failure ends the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in works]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def _refused(error: BotError | TimeoutError, note: FileNote, *, team_id: str) -> Refusal:
    """Return what the asker is told of a failure, and log the rest."""
    log.warning(
        "file.not_passed_on",
        team_id=team_id,
        error=type(error).__name__,
        method=getattr(error, "method", ""),
        code=getattr(error, "code", ""),
    )
    match error:
        case SlackTokenRefused():
            return Refusal(NOT_PERMITTED)
        case SlackRefused() if error.method == LOOK_UP:
            return refusal(NOT_THERE, note)
        case SlackError():
            return refusal(NOT_FETCHED, note)
        case TimeoutError():
            return refusal(TOO_SLOW, note)
        case _:
            return refusal(NOT_TAKEN, note)
