"""Who is who and what is where, for whoever administers the bot."""

from bot.core.policy import ChannelInfo, Person
from bot.errors import SlackTokenRefused
from bot.slack.channels import SlackChannels
from bot.slack.people import MISSING_SCOPE, SlackPeople


class SlackDirectory:
    """`core.screens.Directory` from what Slack says.

    Args:
        people: Looks people up.
        channels: Looks channels up.
    """

    def __init__(self, *, people: SlackPeople, channels: SlackChannels) -> None:
        self._people = people
        self._channels = channels

    async def person(self, team_id: str, user_id: str, *, fresh: bool) -> Person | None:
        """Return who a user is; None when that cannot be known for lack of a scope.

        Raises:
            SlackError: Only when `fresh`: Slack could not say in time.
        """
        try:
            return await self._people.person(team_id, user_id, fresh=fresh)
        except SlackTokenRefused as error:
            if error.code != MISSING_SCOPE:
                raise
            return None

    async def channel(self, team_id: str, channel_id: str) -> ChannelInfo | None:
        """Return what a channel is; None when the bot cannot see it."""
        return await self._channels.channel(team_id, channel_id)

    def heard(self, team_id: str, channel_id: str, name: str) -> None:
        """Note what a command called its channel."""
        self._channels.heard(team_id, channel_id, name)
