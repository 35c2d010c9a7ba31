"""What every admin command works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from bot.admin.access import Access
from bot.admin.choices import Choices
from bot.admin.ports import Bots, Homes, Notebook, Prober, Vendors
from bot.core.memory import NotMade
from bot.core.screens import Directory
from bot.core.studio_workspace import StudioWorkspace
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
        workspace: Where memories are made; None without access keys.
        not_made: Returns what went wrong when a memory was last made; None when nothing did.
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
    workspace: StudioWorkspace | None = None
    not_made: Callable[[], NotMade | None] = lambda: None
    homes: Homes | None = None

    @property
    def today(self) -> date:
        """The UTC day it is."""
        return self.clock().date()
