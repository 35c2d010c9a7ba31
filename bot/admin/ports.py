"""What the admin commands need of the world, as small protocols, and what they know of the bot.

`Directory`, `Screen` and `OpenForm` stand beside the screens they show, in `bot.core.screens`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.core.home import Home
from bot.core.language import Language
from bot.core.memory import MemoryNode
from bot.core.question import AppProfile
from bot.core.screens import Caller, Screen


@dataclass(frozen=True, slots=True)
class Visit:
    """One command or press: who came, what they read, where the answer goes.

    Attributes:
        caller: Who and where.
        language: What they read.
        screen: Takes the answer.
    """

    caller: Caller
    language: Language
    screen: Screen

    @property
    def is_at_home(self) -> bool:
        """Whether it came from the caller's Home tab, which is in no channel."""
        return not self.caller.channel_id


class Reader(Protocol):
    """Somebody who is told something: whoever made a visit or sent a form."""

    @property
    def caller(self) -> Caller:
        """Who and where."""
        ...

    @property
    def language(self) -> Language:
        """What they read."""
        ...


@dataclass(frozen=True, slots=True)
class Press:
    """A press of a button; anybody may forge it.

    Attributes:
        action: What stands after `admin:` in its action id.
        value: The button's value.
    """

    action: str
    value: str


@dataclass(frozen=True, slots=True)
class Health:
    """How a vendor is, in a word.

    Attributes:
        is_well: Whether it answered as it should; None when nobody knows.
        reason: The vendor's code for what went wrong; empty when nothing did, or nobody said what.
        elapsed_ms: How long the answer took; None when none was waited for.
    """

    is_well: bool | None
    reason: str = ""
    elapsed_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Bot:
    """Who the bot is in a workspace.

    Attributes:
        user_id: As it is mentioned and invited, `U…`; empty when it is not there.
        missing_scopes: Each Slack scope its token lacks, with what is off without it.
    """

    user_id: str
    missing_scopes: Mapping[str, str] = field(default_factory=dict[str, str])


class Bots(Protocol):
    """The bot in every workspace it is in."""

    async def in_team(self, team_id: str) -> Bot:
        """Return who the bot is in a workspace.

        Raises:
            StorageError: The database did not answer.
        """
        ...


class Vendors(Protocol):
    """How both vendors are; each check is cheap, spends no tokens, and never raises."""

    async def slack(self, team_id: str) -> Health:
        """Return how Slack's Web API is, within 2 s."""
        ...

    async def dashscope(self, app: AppProfile) -> Health:
        """Return how an app's host is, within 2 s."""
        ...


class Entries(Protocol):
    """What a memory holds, as far as it was read."""

    @property
    def nodes(self) -> Sequence[MemoryNode]:
        """The entries, in the service's order."""
        ...

    @property
    def total(self) -> int:
        """How many there are altogether; 0 when the service did not say."""
        ...


class Notebook(Protocol):
    """What is in memories. Every method raises `bot.errors.DashScopeError`; a call takes a second.

    `MemoryGone` when the memory, or an entry of this memory, does not exist.
    """

    async def nodes(self, memory_id: str, *, limit: int = ...) -> Entries:
        """Return the first `limit` entries."""
        ...

    async def node(self, memory_id: str, node_id: str) -> MemoryNode:
        """Return one entry of this memory."""
        ...

    async def update_node(self, memory_id: str, node_id: str, *, content: str) -> None:
        """Replace an entry's words."""
        ...

    async def delete_node(self, memory_id: str, node_id: str) -> None:
        """Delete an entry."""
        ...

    async def delete(self, memory_id: str) -> None:
        """Delete a memory with everything in it."""
        ...


class Homes(Protocol):
    """The Home tabs of people."""

    async def publish(self, team_id: str, user_id: str, home: Home) -> None:
        """Show somebody a Home, which nobody else sees.

        Raises:
            SlackError: Slack did not take it.
        """
        ...


class Prober(Protocol):
    """Asks an app the smallest question."""

    async def probe(self, profile: AppProfile) -> bool:
        """Return when the app answers as it should; costs a few tokens.

        Returns:
            Whether it told of nodes, which only workflows and orchestrations have.

        Raises:
            DashScopeError: It does not.
        """
        ...
