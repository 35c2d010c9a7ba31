"""Who may ask the bot, and who may configure it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from bot.core import texts
from bot.core.language import Phrase
from bot.core.resolution import Effective


@dataclass(frozen=True, slots=True)
class Person:
    """What the workspace says about a person.

    Attributes:
        user_id: `U…` or `W…`.
        team_id: Their home workspace, which another workspace's member brings along.
        name: What people see; empty when Slack tells none.
        locale: Such as `zh-CN`; empty when unknown.
        is_admin: Owner or admin of the workspace that was asked about them.
        is_bot: An app, not a person.
        is_guest: A guest with access to some channels only.
        is_deactivated: The account was closed.
    """

    user_id: str
    team_id: str
    name: str
    locale: str
    is_admin: bool
    is_bot: bool
    is_guest: bool
    is_deactivated: bool


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """What the workspace says about a channel.

    Attributes:
        channel_id: `C…`, `G…` or `D…`.
        name: Without the `#`; empty for direct messages.
        is_member: The bot is in it.
        is_private: Only its members see it.
        is_direct: A conversation of two or a few people.
        is_shared: Shared with another workspace, or nobody tells that it is not.
        creator: Who made it, `U…`; empty when unknown.
        is_archived: Nothing can be written there any more.
    """

    channel_id: str
    name: str
    is_member: bool
    is_private: bool
    is_direct: bool
    is_shared: bool
    creator: str
    is_archived: bool


class Circle(Enum):
    """How near somebody stands to the workspace that installed the bot."""

    WORKSPACE = "its own people"
    GUESTS = "its guests"
    OUTSIDE = "people of other workspaces"


def circle_of(person: Person | None, *, team_id: str, user_team_id: str) -> Circle:
    """Return where somebody stands.

    The workspaces of one organization (Enterprise Grid) are other workspaces to each other: each
    installs the bot for itself.

    Args:
        person: Who; None when Slack does not tell, and then the workspace they write from decides.
        team_id: The workspace that installed the bot.
        user_team_id: The workspace they write from; empty when unknown.
    """
    homes = {user_team_id, person.team_id if person is not None else ""} - {""}
    if homes - {team_id}:
        return Circle.OUTSIDE
    return Circle.GUESTS if person is not None and person.is_guest else Circle.WORKSPACE


def may_ask(
    person: Person | None,
    *,
    user_id: str,
    team_id: str,
    user_team_id: str,
    who: frozenset[str],
    admins: frozenset[str],
) -> Phrase | None:
    """Return None for somebody who may ask, else the sentence to refuse them with.

    Admins may always ask; bots and closed accounts never. Somebody unknown may be a guest or not,
    and asks only where both may, unless the operator named them.

    Args:
        person: The asker; None when Slack does not tell, and never will.
        user_id: The asker.
        team_id: The workspace that installed the bot.
        user_team_id: The workspace the asker writes from; empty when unknown.
        who: The setting: `admins`, or any of `members`, `guests` and `external`.
        admins: Users the operator named.
    """
    if person is not None and (person.is_deactivated or person.is_bot):
        return texts.MAY_NOT_ASK
    if user_id in admins:
        return None
    if circle_of(person, team_id=team_id, user_team_id=user_team_id) is Circle.OUTSIDE:
        return None if "external" in who else texts.MAY_NOT_ASK_EXTERNAL
    return None if who >= {"members", "guests"} else _refusal_inside(person, who=who)


def _refusal_inside(person: Person | None, *, who: frozenset[str]) -> Phrase | None:
    """Judge somebody of the workspace, where not both its members and its guests may ask."""
    if person is None:
        return texts.MAY_BE_GUEST
    if person.is_guest:
        return None if "guests" in who else texts.MAY_NOT_ASK_GUEST
    if "members" in who or person.is_admin:
        return None
    return texts.ONLY_ADMINS_ASK if "admins" in who else texts.MAY_NOT_ASK


def depends_on_person(refusal: Callable[[Person], Phrase | None]) -> bool:
    """Tell whether somebody may ask depends on what Slack would tell of them, if it did.

    Closed accounts and bots are left out: their messages are no questions to begin with.

    Args:
        refusal: `may_ask`, with all but the person.
    """
    return len({refusal(person) is None for person in _KINDS}) > 1


_MEMBER = Person(
    user_id="",
    team_id="",
    name="",
    locale="",
    is_admin=False,
    is_bot=False,
    is_guest=False,
    is_deactivated=False,
)
_KINDS = (_MEMBER, replace(_MEMBER, is_guest=True), replace(_MEMBER, is_admin=True))
"""Everybody whom the workspace they write from does not tell apart."""


def may_configure_workspace(person: Person | None, *, admins: frozenset[str]) -> bool:
    """Tell whether somebody may change what holds for the whole workspace.

    Args:
        person: Who wants to; an unknown person may not.
        admins: Users the operator named, besides the workspace's owners and admins.
    """
    if person is None or person.is_deactivated or person.is_bot:
        return False
    return person.is_admin or person.user_id in admins


def may_configure_channel(
    person: Person | None,
    *,
    admins: frozenset[str],
    channel: ChannelInfo | None,
    effective: Effective,
) -> bool:
    """Tell whether somebody may change what holds in a channel.

    Besides admins, while the workspace delegates: the channel's managers, and whoever made it,
    unless it is shared, for its maker may belong to another workspace then.

    Args:
        person: Who wants to; an unknown person may not.
        admins: Users the operator named.
        channel: The channel; None when Slack does not tell.
        effective: What holds in it.
    """
    if may_configure_workspace(person, admins=admins):
        return True
    if person is None or person.is_deactivated or person.is_bot or not effective.delegate:
        return False
    if person.user_id in effective.managers:
        return True
    return (
        channel is not None
        and not channel.is_shared
        and not person.is_guest
        and person.user_id == channel.creator
    )
