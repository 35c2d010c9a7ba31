"""`/dashscope usage` and `audit csv`, on a real database."""

import asyncio
import csv
import io
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import cast

import pytest
from blockbuster import blockbuster_ctx

from bot.admin.access import Access
from bot.admin.choices import Choices
from bot.admin.office import Office
from bot.admin.ports import Bots, Prober, Vendors, Visit
from bot.admin.usage import UsageDesk
from bot.core.language import Language
from bot.core.policy import ChannelInfo, Person
from bot.core.question import AppKind, AppProfile
from bot.core.screens import Caller, Directory, Form, Notice, OpenForm, Screen
from bot.core.usage_request import Extent
from bot.errors import SlackError, SlackThrottled, SlackTokenRefused, SlackUnavailable
from storage import schema
from storage.database import Storage
from storage.usage import keep_usage
from storage.usage_records import ModelUse

TODAY = date(2026, 11, 21)
YESTERDAY = TODAY - timedelta(days=1)
APP = AppProfile(
    name="default",
    app_id="app",
    kind=AppKind.AGENT,
    base_url="https://dashscope.example/api/v1",
    api_key="sk-invented",
)
ADMIN, MEMBER = "U0ADMIN", "U0MEMBER"


@dataclass
class Phone(Screen):
    """What one person sees, and what they are sent."""

    notices: list[Notice] = field(default_factory=list)
    files: list[tuple[str, bytes, str, str]] = field(default_factory=list)
    refusal: SlackError | None = None

    async def show(self, notice: Notice, *, replace: bool = False) -> None:
        self.notices.append(notice)

    async def open(self, form: Form) -> OpenForm:
        raise AssertionError(form)

    async def send_file(self, name: str, content: bytes, *, comment: str, title: str) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.files.append((name, content, comment, title))

    @property
    def text(self) -> str:
        (notice,) = self.notices
        return notice.text

    @property
    def rows(self) -> list[list[str]]:
        ((_, content, _, _),) = self.files
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


@dataclass
class Register(Directory):
    """Knows one admin, unless it does not answer."""

    is_away: bool = False

    async def person(self, team_id: str, user_id: str, *, fresh: bool) -> Person | None:
        if self.is_away:
            if fresh:
                raise SlackUnavailable(method="users.info")
            return None
        return Person(
            user_id=user_id,
            team_id=team_id,
            name="",
            locale="",
            is_admin=user_id == ADMIN,
            is_bot=False,
            is_guest=False,
            is_deactivated=False,
        )

    async def channel(self, team_id: str, channel_id: str) -> ChannelInfo | None:
        return None


@dataclass
class Seat:
    """A desk, and the database behind it."""

    desk: UsageDesk
    storage: Storage
    register: Register
    turns: int = 0

    async def use(
        self,
        user_id: str,
        *,
        channel_id: str = "C1",
        day: date = TODAY,
        models: dict[str, int] | None = None,
    ) -> None:
        self.turns += 1
        await self.storage.usage.admit(
            self.turns,
            team_id="T1",
            channel_id=channel_id,
            user_id=user_id,
            app="default",
            limits=[],
            day=day,
        )
        uses = [ModelUse(name, tokens, 1) for name, tokens in (models or {"qwen": 10}).items()]
        await self.storage.run(keep_usage, self.turns, uses)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("usage") / "bot.db"
    asyncio.run(schema.upgrade(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
async def seat(migrated: Path, tmp_path: Path) -> AsyncIterator[Seat]:
    shutil.copy(migrated, tmp_path / "bot.db")
    async with Storage(f"sqlite+aiosqlite:///{tmp_path}/bot.db") as storage:
        register, choices = Register(), Choices(storage, APP)
        office = Office(
            storage=storage,
            choices=choices,
            access=Access(directory=register, choices=choices, admins=frozenset()),
            directory=register,
            vendors=cast("Vendors", None),
            prober=cast("Prober", None),
            bots=cast("Bots", None),
            version="0",
            clock=lambda: datetime.combine(TODAY, time(), UTC),
        )
        yield Seat(UsageDesk(office), storage, register)


def visit(user_id: str, phone: Phone, *, language: Language = Language.EN) -> Visit:
    caller = Caller(team_id="T1", channel_id="C1", user_id=user_id)
    return Visit(caller=caller, language=language, screen=phone)


async def test_a_member_sees_what_they_used_and_nothing_of_others(seat: Seat) -> None:
    await seat.use(MEMBER, models={"mine": 100})
    await seat.use("U0OTHER", channel_id="C2", models={"theirs": 900})
    for rest in ("", "all", "channel", "me"):
        phone = Phone()
        await seat.desk.usage(visit(MEMBER, phone), rest)
        assert "Questions: 1. Input tokens: 100. Output tokens: 1." in phone.text
        assert not [word for word in ("theirs", "U0OTHER", "C2") if word in phone.text]
        assert ("Only admins" in phone.text) == (rest in {"all", "channel"})


async def test_an_admin_sees_everybody_unless_they_ask_for_less(seat: Seat) -> None:
    await seat.use(MEMBER, models={"one": 100})
    await seat.use("U0OTHER", channel_id="C2", models={"two": 900, "three": 1})
    shown: dict[str, str] = {}
    for rest in ("", "channel", "me"):
        phone = Phone()
        await seat.desk.usage(visit(ADMIN, phone), rest)
        shown[rest] = phone.text
    assert "Questions: 2. Input tokens: 1,001. Output tokens: 3." in shown[""]
    assert {"<@U0OTHER>", "<@U0MEMBER>", "<#C2>", "`three`"} <= set(shown[""].split())
    assert "Questions: 1. Input tokens: 100. Output tokens: 1." in shown["channel"]
    assert "U0OTHER" not in shown["channel"]
    assert "Nothing was used." in shown["me"]


async def test_only_the_days_asked_for_count(seat: Seat) -> None:
    await seat.use(MEMBER, day=TODAY - timedelta(days=7), models={"old": 5})
    await seat.use(MEMBER, day=TODAY - timedelta(days=6), models={"week": 7})
    phone = Phone()
    await seat.desk.usage(visit(MEMBER, phone), "7 days")
    assert "2026-11-15 to 2026-11-21" in phone.text
    assert "`week`" in phone.text
    assert "`old`" not in phone.text


async def test_a_picture_of_every_day_comes_to_direct_messages(seat: Seat) -> None:
    await seat.use(MEMBER, day=YESTERDAY, models={"通义 <!here>": 10})
    await seat.use(MEMBER, models={"通义 <!here>": 20, "qwen": 90})
    phone = Phone()
    with blockbuster_ctx():
        await seat.desk.usage(visit(MEMBER, phone), "7")
    ((name, content, comment, title),) = phone.files
    assert name == "usage-2026-11-15-to-2026-11-21.png"
    assert content.startswith(b"\x89PNG")
    assert title == "Your usage, 2026-11-15 to 2026-11-21 (UTC)"
    assert comment == f"{title}\nmodel 2: 通义 <!here>"


async def test_a_picture_has_each_models_tokens_of_each_day(seat: Seat) -> None:
    await seat.use(MEMBER, day=YESTERDAY, models={"a": 10, "b": 7})
    await seat.use(MEMBER, models={"b": 20})
    await seat.use(MEMBER, models={"b": 1})
    await seat.use("U0OTHER", models={"b": 500})
    extent = Extent(YESTERDAY, TODAY, user_id=MEMBER)
    report = await seat.desk._report(visit(MEMBER, Phone()), extent)
    picture = await seat.desk._picture("T1", report)
    assert picture.days == (YESTERDAY, TODAY)
    assert {series.name: series.tokens for series in picture.series} == {
        "a": (11, 0),
        "b": (8, 23),
    }
    assert picture.turns == (1, 2)


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [
        (SlackTokenRefused(method="x", code="missing_scope"), "`files:write` or `im:write`"),
        (SlackUnavailable(method="x"), "try again in a minute"),
        (SlackThrottled(method="x", retry_after_s=9), "try again in a minute"),
    ],
)
@pytest.mark.parametrize(("rest", "notices"), [("", 2), ("csv", 1)])
async def test_a_file_that_cannot_be_sent_costs_one_sentence(
    seat: Seat, refusal: SlackError, sentence: str, rest: str, notices: int
) -> None:
    await seat.use(MEMBER)
    phone = Phone(refusal=refusal)
    await seat.desk.usage(visit(MEMBER, phone), rest)
    assert len(phone.notices) == notices
    assert sentence in phone.notices[-1].text


async def test_a_file_of_usage_is_sent_and_announced(seat: Seat) -> None:
    await seat.use(MEMBER, day=YESTERDAY, models={"=1+1": 10})
    await seat.use("U0OTHER")
    phone = Phone()
    await seat.desk.usage(visit(MEMBER, phone), "7 csv")
    assert phone.rows[1:] == [
        ["2026-11-20", "C1", MEMBER, "default", "'=1+1", "1", "10", "1"],
    ]
    assert phone.text.startswith("usage-2026-11-15-to-2026-11-21.csv is in your direct messages")
    assert "rows: 1" in phone.text


async def test_an_admins_file_has_everybody(seat: Seat) -> None:
    await seat.use(MEMBER)
    await seat.use("U0OTHER", channel_id="C2")
    phone = Phone()
    await seat.desk.usage(visit(ADMIN, phone), "csv all today")
    assert {row[2] for row in phone.rows[1:]} == {MEMBER, "U0OTHER"}


@pytest.mark.parametrize("rest", ["csv", "all", "7 days"])
async def test_where_nothing_was_used_no_file_is_sent(seat: Seat, rest: str) -> None:
    phone = Phone()
    await seat.desk.usage(visit(ADMIN, phone), rest)
    assert "Nothing was used." in phone.text
    assert phone.files == []


async def test_words_that_are_not_understood_are_answered_with_how_it_is_done(seat: Seat) -> None:
    phone = Phone()
    await seat.desk.usage(visit(ADMIN, phone, language=Language.ZH), "last month")
    assert phone.text.startswith("输入 `usage`")


async def test_todays_quotas_are_shown_with_what_is_used_of_them(seat: Seat) -> None:
    await seat.storage.settings.change(
        "T1",
        "workspace",
        values={"quota_user_turns": 20, "quota_channel_tokens": 1_000},
        expected_version=0,
        by=ADMIN,
    )
    await seat.storage.settings.change(
        "T1", "channel:C1", values={"quota_user_tokens": 300}, expected_version=0, by=ADMIN
    )
    await seat.use(MEMBER, models={"m": 99})
    await seat.use(MEMBER, channel_id="C2", models={"m": 99})
    await seat.use("U0OTHER", models={"m": 49})
    await seat.use(MEMBER, day=YESTERDAY, models={"m": 5_000})
    phone = Phone()
    await seat.desk.usage(visit(MEMBER, phone), "")
    lines = phone.text.splitlines()
    assert "| yours, questions | 2 | 20 |" in lines
    assert "| yours in this channel, tokens | 100 | 300 |" in lines
    assert "| this channel's, tokens | 150 | 1,000 |" in lines


async def test_an_admin_gets_every_change_as_a_file(seat: Seat) -> None:
    for number in (1, 2):
        await seat.storage.settings.change(
            "T1",
            f"channel:C{number}",
            values={"follow": "thread"},
            expected_version=0,
            by=ADMIN,
        )
    phone = Phone()
    await seat.desk.audit_csv(visit(ADMIN, phone))
    ((name, _, _, _),) = phone.files
    assert name == "audit-2026-11-21.csv"
    assert [row[4] for row in phone.rows[1:]] == ["channel:C2", "channel:C1"]
    assert "rows: 2" in phone.text


async def test_the_trail_is_for_admins_whom_slack_knows_now(seat: Seat) -> None:
    phone = Phone()
    await seat.desk.audit_csv(visit(MEMBER, phone))
    assert phone.text.startswith("Only admins")
    await seat.desk.audit_csv(visit(ADMIN, phone))
    assert phone.notices[-1].text == "Nothing was changed yet."
    seat.register.is_away = True
    with pytest.raises(SlackUnavailable):
        await seat.desk.audit_csv(visit(ADMIN, phone))
    assert phone.files == []
