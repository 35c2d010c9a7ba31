"""Who may see and change what: asked anew at every command, press and submission."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from bot.admin import replies, scopes
from bot.admin.choices import Choices
from bot.admin.ports import Visit
from bot.admin.replies import MayNotChange, Refused
from bot.core.language import Language, Phrase, of_locale
from bot.core.policy import Person, may_ask, may_configure_channel, may_configure_workspace
from bot.core.resolution import resolve
from bot.core.screens import Caller, Directory
from bot.core.setting import SETTINGS
from bot.errors import SlackError

QUOTAS = frozenset(key for key in SETTINGS if key.startswith("quota_"))
ADMINS_OWN = QUOTAS | {"managers", "who"}
"""Settings of a channel that only admins change: whoever manages it must neither appoint managers
nor let guests and other companies in, nor lift what the workspace's admins let it cost."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How somebody stands to a scope.

    Attributes:
        is_admin: They may change what holds for the whole workspace.
        may_change: They may change this scope.
        is_known: Slack tells who they are.
    """

    is_admin: bool
    may_change: bool
    is_known: bool


class Access:
    """Answers whether somebody may.

    `fresh` asks Slack anew, as every change must, and whatever shows what others did or used;
    without it an answer may be an hour old, which is enough for showing settings to an admin.
    Nobody is refused for what they were an hour ago.

    Args:
        directory: Knows people and channels.
        choices: Knows whom a channel's settings name.
        admins: User ids that are admins besides the workspace's own.
    """

    def __init__(self, *, directory: Directory, choices: Choices, admins: frozenset[str]) -> None:
        self._directory = directory
        self._choices = choices
        self._admins = admins

    async def language(self, caller: Caller, *, within_s: float) -> Language:
        """Return what the caller reads; English when nobody can say in time. Never raises."""
        try:
            async with asyncio.timeout(within_s):
                person = await self._directory.person(caller.team_id, caller.user_id, fresh=False)
        except TimeoutError:
            return Language.EN
        return of_locale(person.locale if person else "")

    async def is_admin(self, caller: Caller, *, fresh: bool) -> bool:
        """Whether the caller may change what holds for the whole workspace.

        Raises:
            SlackError: When `fresh`: Slack did not say who they are.
        """
        return self._is_admin(await self._person(caller, fresh=fresh), caller=caller)

    async def standing(self, caller: Caller, scope: str, *, fresh: bool) -> Standing:
        """Return what the caller may, with one look at who they are.

        Raises:
            SlackError: When `fresh`: Slack did not say who they are.
            StorageError: The database did not say whom the channel's settings name.
        """
        person = await self._person(caller, fresh=fresh)
        is_admin, is_known = self._is_admin(person, caller=caller), person is not None
        channel_id, user_id = scopes.channel_of(scope), scopes.user_of(scope)
        if user_id is not None:
            is_gone = person is not None and (person.is_deactivated or person.is_bot)
            may_change = user_id == caller.user_id and not is_gone
        elif channel_id is None or is_admin:
            may_change = is_admin
        else:
            may_change = await self._is_delegate(caller, person, channel_id=channel_id)
        return Standing(is_admin, may_change=may_change, is_known=is_known)

    async def need_admin(self, visit: Visit, *, fresh: bool = True) -> None:
        """Go on only for somebody who may change what holds for the whole workspace.

        Raises:
            Refused: They may not.
            SlackError: When `fresh`: Slack did not say who they are.
        """
        why = await self.why_not_admin(visit.caller, fresh=fresh)
        if why is not None:
            raise Refused(why.say(visit.language))

    async def why_not_admin(self, caller: Caller, *, fresh: bool) -> Phrase | None:
        """Return why the caller may not change what holds for the whole workspace; None if so.

        Raises:
            SlackError: When `fresh`: Slack did not say who they are.
        """
        person = await self._person(caller, fresh=fresh)
        if self._is_admin(person, caller=caller):
            return None
        return replies.WHO_UNSEEN if person is None else replies.ONLY_ADMINS

    async def need_change(self, visit: Visit, scope: str) -> Standing:
        """Return how somebody who may change a scope stands to it, asked of Slack anew.

        Raises:
            MayNotChange: They may not.
            SlackError: Slack did not say who they are.
            StorageError: The database did not say whom the channel's settings name.
        """
        standing = await self.standing(visit.caller, scope, fresh=True)
        if not standing.may_change:
            is_known = standing.is_known
            why = replies.may_not_change(scope, is_known=is_known, language=visit.language)
            raise MayNotChange(why)
        return standing

    async def why_not_ask(self, caller: Caller, *, who: frozenset[str]) -> Phrase | None:
        """Return why the caller may not ask questions; None when they may.

        Args:
            caller: Who, and where.
            who: The groups that may ask there.

        Raises:
            SlackError: Slack did not say who they are.
        """
        return may_ask(
            await self._person(caller, fresh=True),
            user_id=caller.user_id,
            team_id=caller.team_id,
            user_team_id=caller.user_team_id,
            who=who,
            admins=self._admins,
        )

    async def _person(self, caller: Caller, *, fresh: bool) -> Person | None:
        if fresh:
            return await self._directory.person(caller.team_id, caller.user_id, fresh=True)
        known = await self._directory.person(caller.team_id, caller.user_id, fresh=False)
        if self._is_admin(known, caller=caller):
            return known
        try:
            return await self._directory.person(caller.team_id, caller.user_id, fresh=True)
        except SlackError:
            return known

    def _is_admin(self, person: Person | None, *, caller: Caller) -> bool:
        if person is None:
            # Slack's signature vouches for the id; only what else they are is unknown.
            return caller.user_id in self._admins
        if self._is_foreign(person, caller=caller):
            return False
        return may_configure_workspace(person, admins=self._admins)

    async def _is_delegate(self, caller: Caller, person: Person | None, *, channel_id: str) -> bool:
        if person is None or self._is_foreign(person, caller=caller):
            return False
        layers = await self._choices.layers(caller.team_id, scopes.of_channel(channel_id))
        return may_configure_channel(
            person,
            admins=self._admins,
            channel=await self._directory.channel(caller.team_id, channel_id),
            # Whom the settings name does not depend on the app, which may be gone.
            effective=resolve(layers, app=self._choices.default_app),
        )

    def _is_foreign(self, person: Person, *, caller: Caller) -> bool:
        """Whether another workspace answers for them, whose admins are none here.

        The operator's own list goes by ids, which are unique across workspaces.
        """
        homes = {person.team_id, caller.user_team_id} - {""}
        return caller.user_id not in self._admins and bool(homes - {caller.team_id})


def changes_admins_own(before: Mapping[str, object], after: Mapping[str, object]) -> bool:
    """Whether two states of a scope differ in what only admins change."""
    return any(before.get(key) != after.get(key) for key in ADMINS_OWN)
