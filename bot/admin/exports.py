"""Usage and the audit trail as CSV files, read from the database page by page.

Their columns have English names in every language: programs read them.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Protocol

from bot.admin import scopes
from bot.admin.csv_files import CsvFile
from bot.core.usage_request import Extent
from storage.records import AuditEntry
from storage.usage_records import UsageLine

_DIRECT = "direct"
"""Stands for every direct message: its id says no more than whose it is."""
ROWS_MOST = 100_000
BYTES_MOST = 18 * 2**20
"""Below what the Slack edge uploads."""
USAGE_PAGE = 2_000
USAGE_PAGES_MOST = 100
"""Of one day: more people than any workspace has."""
AUDIT_PAGE = 500

USAGE_COLUMNS = (
    "day", "channel_id", "user_id", "app", "model", "turns", "input_tokens", "output_tokens",
)  # fmt: skip
AUDIT_COLUMNS = (
    "id", "at", "user_id", "action", "scope", "subject", "before", "after", "undoes",
)  # fmt: skip


class UsageLines(Protocol):
    """The usage in its smallest parts; `storage.usage.UsageBook` is one."""

    async def rows(
        self,
        team_id: str,
        *,
        day: date,
        after: UsageLine | None,
        limit: int,
        channel_id: str | None,
        user_id: str | None,
    ) -> Sequence[UsageLine]:
        """Return the next lines of a day."""
        ...


class Trail(Protocol):
    """What was changed; `storage.audit.Audit` is one."""

    async def page(
        self, team_id: str, *, scope: str | None, before_id: int | None, limit: int
    ) -> Sequence[AuditEntry]:
        """Return the next entries, the newest first."""
        ...


async def usage_csv(book: UsageLines, team_id: str, extent: Extent) -> CsvFile:
    """Return what was used, day by day.

    Raises:
        StorageError: The database did not answer.
    """
    file = CsvFile(USAGE_COLUMNS, rows_most=ROWS_MOST, bytes_most=BYTES_MOST)
    for day in extent.days:
        if not file.is_cut:
            await _add_day(file, book, team_id=team_id, day=day, extent=extent)
    return file


async def _add_day(
    file: CsvFile, book: UsageLines, *, team_id: str, day: date, extent: Extent
) -> None:
    after = None
    for _ in range(USAGE_PAGES_MOST):
        page = await book.rows(
            team_id,
            day=day,
            after=after,
            limit=USAGE_PAGE,
            channel_id=extent.channel_id,
            user_id=extent.user_id,
        )
        if not all(file.add(_usage_row(line)) for line in page) or len(page) < USAGE_PAGE:
            return
        after = page[-1]


def _usage_row(line: UsageLine) -> tuple[str | int, ...]:
    return (
        line.day.isoformat(),
        _DIRECT if scopes.is_direct(line.channel_id) else line.channel_id,
        line.user_id,
        line.app,
        line.model_id,
        line.turns,
        line.input_tokens,
        line.output_tokens,
    )


async def audit_csv(trail: Trail, team_id: str) -> CsvFile:
    """Return everything that was ever changed, the newest first.

    Raises:
        StorageError: The database did not answer.
    """
    file = CsvFile(AUDIT_COLUMNS, rows_most=ROWS_MOST, bytes_most=BYTES_MOST)
    before_id = None
    # One page more than fits, so that a full file knows whether it is cut.
    for _ in range(ROWS_MOST // AUDIT_PAGE + 1):
        page = await trail.page(team_id, scope=None, before_id=before_id, limit=AUDIT_PAGE)
        if not all(file.add(_audit_row(entry)) for entry in page) or len(page) < AUDIT_PAGE:
            break
        before_id = page[-1].id
    return file


def _audit_row(entry: AuditEntry) -> tuple[str | int, ...]:
    return (
        entry.id,
        entry.at.isoformat(),
        entry.user_id,
        entry.action,
        entry.scope,
        entry.subject,
        _json(entry.before),
        _json(entry.after),
        "" if entry.undoes is None else entry.undoes,
    )


def _json(values: Mapping[str, Any] | None) -> str:
    """Return values as one line; empty when there were none at all."""
    return "" if values is None else json.dumps(dict(values), ensure_ascii=False, sort_keys=True)
