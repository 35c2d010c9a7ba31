"""Which installation a request belongs to, without asking Slack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from slack_bolt.authorization import AuthorizeResult
from slack_bolt.authorization.async_authorize import AsyncAuthorize
from slack_bolt.context.async_context import AsyncBoltContext

from bot.errors import SlackTokenRefused
from bot.slack.identity import Identity
from storage.installations import Installations as KeptInstallations
from storage.installations import StoredInstallation


@dataclass(frozen=True, slots=True)
class Installation:
    """The bot in one workspace, or in a whole organisation.

    Attributes:
        identity: Who the token is.
        bot_token: `xoxb-…`; never logged, never shown.
    """

    identity: Identity
    bot_token: str = field(repr=False)


class Installations(Protocol):
    """Where installations are found. Called for every request, so it never asks Slack."""

    async def find(self, *, enterprise_id: str | None, team_id: str | None) -> Installation | None:
        """Return the installation a request came through, or None when there is none.

        Args:
            enterprise_id: The organisation, when the workspace belongs to one.
            team_id: The workspace; None for an organisation-wide installation.
        """
        ...


class Installed:
    """The bot in every workspace it is in.

    An installation that was made through the install page takes the place of `SLACK_BOT_TOKEN` in
    its workspace. Without such a page there is one workspace, and everything is from it: in a
    channel shared over Slack Connect a request may name the other side's. With one, a workspace
    that is unknown is a stranger's, who must not be answered as if they were of the own one.

    Args:
        own: Behind `SLACK_BOT_TOKEN`; None without one.
        kept: What was installed through the install page; None when there is no such page.
    """

    def __init__(self, own: Installation | None, *, kept: KeptInstallations | None = None) -> None:
        self._own = own
        self._kept = kept

    async def find(self, *, enterprise_id: str | None, team_id: str | None) -> Installation | None:
        """Return the installation a request came through, or None when there is none.

        Raises:
            StorageError: The database did not answer, or no key opens the token.
        """
        del enterprise_id  # installations of whole organizations are not taken
        stored = await self._kept.get(team_id) if self._kept is not None and team_id else None
        if stored is not None:
            return _opened(stored)
        return self._own if self._kept is None or self._is_own(team_id) else None

    def _is_own(self, team_id: str | None) -> bool:
        own = self._own.identity if self._own is not None else None
        return own is not None and (own.is_enterprise_install or team_id == own.team_id)

    async def of(self, team_id: str) -> Installation:
        """Return a workspace's installation.

        Raises:
            SlackTokenRefused: There is none any more.
            StorageError: As `find`.
        """
        found = await self.find(enterprise_id=None, team_id=team_id)
        if found is None:
            raise SlackTokenRefused(method="", code="not_installed")
        return found

    async def token_for(self, team_id: str) -> str:
        """Return a workspace's bot token; raises as `of`."""
        return (await self.of(team_id)).bot_token


class InstallationAuthorize(AsyncAuthorize):
    """Bolt's authorization from known installations.

    Bolt's own asks auth.test for every event, and answers 200 when that call fails: the event is
    lost. Here nothing is asked. A request of an unknown workspace gets Bolt's 200 and an error in
    the log, since a redelivery could not be answered either.
    """

    def __init__(self, installations: Installations) -> None:
        super().__init__()
        self._installations = installations

    async def __call__(
        self,
        *,
        context: AsyncBoltContext,
        enterprise_id: str | None,
        team_id: str | None,
        user_id: str | None,
        **_actor: str | None,
    ) -> AuthorizeResult | None:
        """Return the installation's token and identity, or None when it is unknown."""
        del context
        found = await self._installations.find(enterprise_id=enterprise_id, team_id=team_id)
        if found is None:
            return None
        identity = found.identity
        return AuthorizeResult(
            enterprise_id=identity.enterprise_id,
            team_id=team_id if identity.is_enterprise_install else identity.team_id,
            url=identity.url,
            bot_user_id=identity.bot_user_id,
            bot_id=identity.bot_id,
            bot_token=found.bot_token,
            bot_scopes=sorted(identity.scopes),
            user_id=user_id,
        )


def _opened(stored: StoredInstallation) -> Installation:
    identity = Identity(
        team_id=stored.team_id,
        bot_user_id=stored.bot_user_id,
        bot_id=stored.bot_id,
        app_id=stored.app_id,
        scopes=frozenset(stored.scopes),
        url=stored.url,
        team_name=stored.team_name,
    )
    return Installation(identity, bot_token=stored.bot_token)


def team_of(body: Mapping[str, Any], *, context: AsyncBoltContext) -> str:
    """Return the workspace whose installation received a payload.

    In a channel shared over Slack Connect a payload names several workspaces; the installation's
    is the one whose token and budgets serve the answer, and the same for every delivery of a
    message, which the claim depends on. Only an organisation-wide installation has none of its own.
    """
    installed = context.authorize_result
    team_id = installed.team_id if installed is not None else None
    return team_id or context.team_id or str(body.get("team_id") or "")
