"""What every admin command works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from bot.admin.access import Access
from bot.admin.choices import Choices
from bot.admin.ports import Bots, Homes, Notebook, Prober, Vendors
from bot.core.screens import Directory
from storage.database import Storage


def utc_now() -> datetime:
    """Return the time it is."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Office:
    """The services behind the door; it owns none of them.

    Attributes:
        storage: Settings, apps, their audit, usage.
        choices: What holds where.
        access: Who may.
        directory: Who is who and what is where.
        vendors: How Slack and DashScope are.
        prober: Tries an app out.
        bots: Who the bot is in each workspace.
        version: The release that runs.
        clock: Tells the time, in UTC.
        notebook: What is in memories; None without access keys.
        endpoint: Where memories are made; None without access keys.
        homes: People's Home tabs; None when the bot has none.
    """

    storage: Storage
    choices: Choices
    access: Access
    directory: Directory
    vendors: Vendors
    prober: Prober
    bots: Bots
    version: str
    clock: Callable[[], datetime] = utc_now
    notebook: Notebook | None = None
    endpoint: str | None = None
    homes: Homes | None = None

    @property
    def today(self) -> date:
        """The UTC day it is."""
        return self.clock().date()
