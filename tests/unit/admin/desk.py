"""What the admin commands work with, in one process: a database of their own and small edges."""

from dataclasses import dataclass, field, replace

from bot.admin.access import Access
from bot.admin.choices import Choices
from bot.admin.door import Door
from bot.admin.office import Office
from bot.admin.ports import Bot, Health, Visit
from bot.core.language import Language
from bot.core.policy import ChannelInfo, Person
from bot.core.question import AppKind, AppProfile
from bot.core.screens import Caller, Form, Notice, OpenForm
from bot.errors import DashScopeError, SlackUnavailable
from storage.database import Storage
from storage.records import AuditEntry, StoredApp

TEAM = "T1"
CHANNEL = "C1"
DIRECT = "D1"
ADMIN = "UADMIN"
MEMBER = "UMEMBER"
CREATOR = "UCREATOR"
MANAGER = "UMANAGER"
NAMED = "UNAMED"
"""Named by the operator."""
BOT = "UBOT"

DEFAULT = AppProfile(
    name="default",
    app_id="APP0",
    kind=AppKind.AGENT,
    base_url="https://dashscope-intl.aliyuncs.com/api/v1",
    api_key="sk-default",
    takes_tokens=True,
)


def caller(user_id: str = ADMIN, *, channel_id: str = CHANNEL) -> Caller:
    return Caller(team_id=TEAM, channel_id=channel_id, user_id=user_id)


def person(user_id: str, *, is_admin: bool = False, locale: str = "en-US") -> Person:
    return Person(
        user_id=user_id,
        team_id=TEAM,
        name=user_id.title(),
        locale=locale,
        is_admin=is_admin,
        is_bot=False,
        is_guest=False,
        is_deactivated=False,
    )


def channel(channel_id: str = CHANNEL, *, is_member: bool = True) -> ChannelInfo:
    return ChannelInfo(
        channel_id=channel_id,
        name="general",
        is_member=is_member,
        is_private=False,
        is_direct=False,
        is_shared=False,
        creator=CREATOR,
        is_archived=False,
    )


def stored_app(name: str, **changes: object) -> StoredApp:
    app = StoredApp(
        name=name,
        app_id=f"{name}-id",
        kind="agent",
        base_url=DEFAULT.base_url,
        workspace="",
        secret_name=None,
        options={},
        is_open=False,
    )
    return replace(app, **changes)  # type: ignore[arg-type]


def everybody() -> dict[str, Person | None]:
    people: dict[str, Person | None] = {
        user_id: person(user_id) for user_id in (MEMBER, CREATOR, MANAGER, NAMED)
    }
    return people | {ADMIN: person(ADMIN, is_admin=True)}


@dataclass
class Town:
    """Who is there, and what Slack says about them: a Directory."""

    people: dict[str, Person | None] = field(default_factory=everybody)
    channels: dict[str, ChannelInfo | None] = field(default_factory=lambda: {CHANNEL: channel()})
    is_away: bool = False
    asked_fresh: list[str] = field(default_factory=list[str])

    async def person(self, team_id: str, user_id: str, *, fresh: bool) -> Person | None:
        if fresh:
            self.asked_fresh.append(user_id)
        if fresh and self.is_away:
            raise SlackUnavailable(method="users.info")
        return self.people.get(user_id)

    async def channel(self, team_id: str, channel_id: str) -> ChannelInfo | None:
        return self.channels.get(channel_id)


@dataclass
class Neighbours:
    """Both vendors, as well as they are said to be."""

    slack_health: Health = field(default_factory=lambda: Health(is_well=True, elapsed_ms=12))
    dashscope_health: Health = field(default_factory=lambda: Health(is_well=True))

    async def slack(self, team_id: str) -> Health:
        return self.slack_health

    async def dashscope(self, app: AppProfile) -> Health:
        return self.dashscope_health


@dataclass
class Trial:
    """A Prober."""

    error: DashScopeError | None = None
    tells_of_nodes: bool = False

    async def probe(self, profile: AppProfile) -> bool:
        if self.error is not None:
            raise self.error
        return self.tells_of_nodes


@dataclass
class Shown:
    """A form somebody looks at."""

    forms: list[Form]

    async def become(self, form: Form) -> None:
        self.forms.append(form)


@dataclass
class Wall:
    """A Screen that keeps what it was shown."""

    notices: list[Notice] = field(default_factory=list[Notice])
    forms: list[Form] = field(default_factory=list[Form])
    files: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])

    async def show(self, notice: Notice, *, replace: bool = False) -> None:
        self.notices.append(notice)

    async def open(self, form: Form) -> OpenForm:
        self.forms.append(form)
        return Shown(self.forms)

    async def send_file(self, name: str, content: bytes, *, comment: str, title: str) -> None:
        self.files.append((name, content))


@dataclass
class OneBot:
    """The same bot in every workspace."""

    bot: Bot = field(default_factory=lambda: Bot(BOT))

    async def in_team(self, team_id: str) -> Bot:
        del team_id  # the same in all
        return self.bot


def office_of(
    storage: Storage, town: Town, *, admins: frozenset[str] = frozenset({NAMED})
) -> Office:
    choices = Choices(storage, DEFAULT, directory=town, admins=admins)
    return Office(
        storage=storage,
        choices=choices,
        access=Access(directory=town, choices=choices, admins=admins),
        directory=town,
        vendors=Neighbours(),
        prober=Trial(),
        bots=OneBot(),
        version="1.2.3",
    )


def visit(
    user_id: str = ADMIN, *, channel_id: str = CHANNEL, language: Language = Language.EN
) -> Visit:
    return Visit(caller=caller(user_id, channel_id=channel_id), language=language, screen=Wall())


async def typed(door: Door, text: str, *, by: str = ADMIN, channel_id: str = CHANNEL) -> Notice:
    """Return the one notice that answers a command."""
    wall = Wall()
    await door.command(caller(by, channel_id=channel_id), text, screen=wall)
    [notice] = wall.notices
    return notice


async def pressed(
    door: Door, notice: Notice, *, by: str = ADMIN, channel_id: str = CHANNEL, button: int = 0
) -> Notice:
    """Return the one notice that answers the press of a notice's button."""
    wall, chosen = Wall(), notice.buttons[button]
    await door.pressed(caller(by, channel_id=channel_id), chosen.action, chosen.value, screen=wall)
    [answer] = wall.notices
    return answer


async def values(office: Office, scope: str) -> dict[str, object]:
    """Return what is set at a scope."""
    stored = await office.storage.settings.get(TEAM, scope)
    return dict(stored[scope].values)


async def trail(office: Office) -> list[AuditEntry]:
    """Return every change, newest first."""
    page = await office.storage.audit.page(TEAM, scope=None, before_id=None, limit=10_000)
    return list(page)


async def put_app(office: Office, name: str, **changes: object) -> StoredApp:
    """Register an app."""
    app = stored_app(name, **changes)
    return await office.storage.apps.put(TEAM, app, expected_version=0, by=ADMIN)
