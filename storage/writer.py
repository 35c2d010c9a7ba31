"""SQLite's only writer: one thread, one connection, many callers per commit.

A commit costs a flush to the disk. Whatever arrives while one is under way shares the next one, so
that a slow disk makes callers wait for two commits at most, not for everybody ahead of them.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from storage.errors import StorageUnavailable

P = ParamSpec("P")
T = TypeVar("T")

MAX_BATCH = 64
"""Callers per commit: enough for any burst, small enough that a batch stays a matter of ms."""

TIDY_AFTER_S = 5.0
"""Without a write for so long, the write-ahead log is emptied."""
EMPTY_LOG = "PRAGMA wal_checkpoint(TRUNCATE)"


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[sa.Connection], Any]
    future: Future[Any]


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


class Writer:
    """Runs functions one after another in write transactions, on a thread of its own.

    Each function has a savepoint: one that raises undoes its own work only. When the commit fails,
    all functions of its batch have failed and each caller is told so. A caller that stops waiting
    before its function began has it skipped; afterwards it is carried through.

    Args:
        engine: Of the file, with one connection.
        tidy_after_s: How long after the last write the write-ahead log is emptied.
    """

    def __init__(self, engine: sa.Engine, *, tidy_after_s: float = TIDY_AFTER_S) -> None:
        self._engine = engine
        self._tidy_after_s = tidy_after_s
        self._written = False
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = Thread(target=self._serve, name="sqlite-writer", daemon=True)
        self._closed = False

    def start(self) -> None:
        """Start the thread; the connection is opened with the first batch."""
        self._thread.start()

    async def run(
        self, fn: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Return what `fn` returned, once it is committed.

        Raises:
            StorageUnavailable: The writer was closed.
            Exception: What `fn` or the commit raised, unchanged.
        """
        if self._closed:
            raise StorageUnavailable("the writer is closed")
        future: Future[T] = Future()
        self._jobs.put(_Job(work=lambda conn: fn(conn, *args, **kwargs), future=future))
        return await asyncio.wrap_future(future)

    async def aclose(self) -> None:
        """Carry out what was handed in, then close the connection; closing twice is harmless."""
        if not self._closed:
            self._closed = True
            self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    def _serve(self) -> None:
        while batch := self._next_batch():
            self._carry_out([job for job in batch if job.future.set_running_or_notify_cancel()])
        if self._written:
            self._tidy()  # closing does so only when no reader is still open
        self._engine.dispose()

    def _next_job(self) -> _Job | None:
        """Wait for a job; tidy up when none has come for a while since the last."""
        while self._written:
            try:
                return self._jobs.get(timeout=self._tidy_after_s)
            except Empty:
                self._tidy()
        return self._jobs.get()

    def _tidy(self) -> None:
        """Empty the write-ahead log: erased text stands in its old pages until then."""
        connection = self._engine.raw_connection()
        try:
            (busy, *_) = connection.cursor().execute(EMPTY_LOG).fetchone()
        except sqlite3.Error:
            busy = 1  # whatever it is, the next write meets it and says so
        finally:
            connection.close()
        self._written = bool(busy)  # a reader is at work: try again later

    def _next_batch(self) -> list[_Job]:
        """Wait for a job and take those behind it along; empty once the writer is closed."""
        job = self._next_job()
        batch: list[_Job] = []
        while job is not None:
            batch.append(job)
            if len(batch) == MAX_BATCH:
                return batch
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return batch
        if batch:
            self._jobs.put(None)  # the end was taken along: leave it for the next round
        return batch

    def _carry_out(self, jobs: Sequence[_Job]) -> None:
        try:
            with self._engine.begin() as conn:
                results = [_attempt(conn, job) for job in jobs]
        except Exception as error:  # noqa: BLE001 - handed to every caller; the thread must live on
            for job in jobs:
                job.future.set_exception(error)
            return
        self._written = True
        for job, result in zip(jobs, results, strict=True):
            _deliver(job.future, result)


def _attempt(conn: sa.Connection, job: _Job) -> Any:
    """Run one job in its savepoint; an error that ends the whole transaction is raised."""
    savepoint = conn.begin_nested()
    try:
        result = job.work(conn)
    except Exception as error:  # noqa: BLE001 - handed to the caller
        try:
            savepoint.rollback()
        except exc.DBAPIError:
            # A full disk may end the whole transaction, and everybody's work with it.
            raise error from None
        return _Failed(error)
    savepoint.commit()
    return result


def _deliver(future: Future[Any], result: Any) -> None:
    if isinstance(result, _Failed):
        future.set_exception(result.error)
    else:
        future.set_result(result)
