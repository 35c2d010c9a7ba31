import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.admin import exports
from bot.admin.csv_files import CsvFile
from bot.admin.exports import AUDIT_COLUMNS, AUDIT_PAGE, ROWS_MOST, USAGE_COLUMNS, USAGE_PAGE
from bot.core.usage_request import Extent
from storage.audit import Audit
from storage.records import AuditEntry
from storage.usage import UsageBook
from storage.usage_records import UsageLine

SINCE = date(2026, 11, 1)


@dataclass
class Lines:
    """A book of lines, in the order of their keys."""

    lines: list[UsageLine]
    reads: int = 0

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
        assert team_id == "T1"
        self.reads += 1
        found = [
            line
            for line in self.lines
            if line.day == day
            and channel_id in {None, line.channel_id}
            and user_id in {None, line.user_id}
        ]
        start = 0 if after is None else found.index(after) + 1
        return found[start : start + limit]


@dataclass
class Entries:
    """A trail of so many entries, of which every value is made when it is read."""

    count: int
    note: str = "x"
    limits: list[int] = field(default_factory=list)

    async def page(
        self, team_id: str, *, scope: str | None, before_id: int | None, limit: int
    ) -> Sequence[AuditEntry]:
        assert (team_id, scope) == ("T1", None)
        self.limits.append(limit)
        newest = self.count if before_id is None else before_id - 1
        return [self.entry(number) for number in range(newest, max(0, newest - limit), -1)]

    def entry(self, number: int) -> AuditEntry:
        return AuditEntry(
            id=number,
            at=datetime(2026, 11, 21, 8, 30, tzinfo=UTC),
            user_id="U1",
            action="settings.changed",
            scope="channel:C1",
            subject="settings",
            before=None,
            after={"app": self.note, "who": ["members"]},
            undoes=None if number % 2 else 1,
        )


def table(file: CsvFile) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"), newline="")))


def line(number: int, *, day: date = SINCE, user_id: str = "U1") -> UsageLine:
    return UsageLine(day, "C1", user_id, "default", f"m{number:06}", 1, 20, 3)


def test_storage_is_what_the_files_are_made_of() -> None:
    book: type[exports.UsageLines] = UsageBook
    trail: type[exports.Trail] = Audit
    assert book
    assert trail


async def test_a_usage_file_has_a_row_for_each_line() -> None:
    lines = [line(1), line(2, day=SINCE + timedelta(days=2))]
    file = await exports.usage_csv(Lines(lines), "T1", Extent(SINCE, SINCE + timedelta(days=2)))
    head, *rows = table(file)
    assert tuple(head) == USAGE_COLUMNS
    assert rows == [
        ["2026-11-01", "C1", "U1", "default", "m000001", "1", "20", "3"],
        ["2026-11-03", "C1", "U1", "default", "m000002", "1", "20", "3"],
    ]


async def test_a_usage_file_does_not_say_which_direct_messages_were_used() -> None:
    lines = [replace(line(1), channel_id="D0BEN")]
    file = await exports.usage_csv(Lines(lines), "T1", Extent(SINCE, SINCE))
    assert [row[1] for row in table(file)[1:]] == ["direct"]


@given(
    st.lists(st.sampled_from(["U1", "U2"]), max_size=30),
    st.lists(st.sampled_from(["C1", "C2"]), max_size=30),
    st.sampled_from([None, "U1"]),
    st.sampled_from([None, "C1"]),
)
async def test_a_usage_file_holds_its_extent_and_nothing_else(
    users: list[str], channels: list[str], user_id: str | None, channel_id: str | None
) -> None:
    lines = [
        UsageLine(SINCE, channel, user, "default", f"m{number:06}", 1, 1, 1)
        for number, (user, channel) in enumerate(zip(users, channels, strict=False))
    ]
    extent = Extent(SINCE, SINCE, channel_id, user_id)
    file = await exports.usage_csv(Lines(lines), "T1", extent)
    wanted = [
        entry.model_id
        for entry in lines
        if user_id in {None, entry.user_id} and channel_id in {None, entry.channel_id}
    ]
    assert [row[4] for row in table(file)[1:]] == wanted


@pytest.mark.parametrize("count", [USAGE_PAGE - 1, USAGE_PAGE, 2 * USAGE_PAGE + 1])
async def test_a_day_of_many_lines_is_read_page_by_page(count: int) -> None:
    book = Lines([line(number) for number in range(count)])
    file = await exports.usage_csv(book, "T1", Extent(SINCE, SINCE))
    assert [row[4] for row in table(file)[1:]] == [entry.model_id for entry in book.lines]
    assert book.reads == count // USAGE_PAGE + 1
    assert not file.is_cut


async def test_a_full_file_reads_no_further() -> None:
    class Endless(Lines):
        async def rows(self, team_id: str, *, limit: int, **_rest: object) -> Sequence[UsageLine]:
            self.reads += 1
            return [line(1)] * limit

    book = Endless([])
    file = await exports.usage_csv(book, "T1", Extent(SINCE, SINCE + timedelta(days=99)))
    assert (file.rows, file.is_cut) == (ROWS_MOST, True)
    assert book.reads <= ROWS_MOST // USAGE_PAGE + 1


async def test_an_audit_file_has_a_row_for_each_change_the_newest_first() -> None:
    file = await exports.audit_csv(Entries(2, note="通义"), "T1")
    head, *rows = table(file)
    assert tuple(head) == AUDIT_COLUMNS
    assert [row[0] for row in rows] == ["2", "1"]
    newest = dict(zip(head, rows[0], strict=True))
    assert newest["at"] == "2026-11-21T08:30:00+00:00"
    assert (newest["before"], newest["undoes"]) == ("", "1")
    assert json.loads(newest["after"]) == {"app": "通义", "who": ["members"]}
    assert "通义" in newest["after"]


@pytest.mark.parametrize("count", [0, AUDIT_PAGE, AUDIT_PAGE + 1, 3 * AUDIT_PAGE - 1])
async def test_an_audit_file_misses_and_doubles_nothing(count: int) -> None:
    file = await exports.audit_csv(Entries(count), "T1")
    assert [int(row[0]) for row in table(file)[1:]] == list(range(count, 0, -1))
    assert not file.is_cut


@pytest.mark.parametrize(("count", "is_cut"), [(ROWS_MOST, False), (ROWS_MOST + 1, True)])
async def test_an_audit_file_of_too_many_changes_says_that_it_is_cut(
    count: int, *, is_cut: bool
) -> None:
    trail = Entries(count)
    file = await exports.audit_csv(trail, "T1")
    assert (file.rows, file.is_cut) == (ROWS_MOST, is_cut)
    assert set(trail.limits) == {AUDIT_PAGE}


async def test_an_audit_file_stays_below_what_can_be_uploaded() -> None:
    file = await exports.audit_csv(Entries(30_000, note="x" * 1_000), "T1")
    assert file.is_cut
    assert len(file.content) <= exports.BYTES_MOST
