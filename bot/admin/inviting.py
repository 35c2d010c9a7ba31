"""How the bot gets into a channel that it is not in."""

from bot.admin import replies, scopes
from bot.admin.office import Office
from bot.admin.ports import Reader


async def invitation(office: Office, reader: Reader, *, scope: str) -> str:
    """Return how the bot gets into a scope's channel; empty when it is there, or in no channel.

    Raises:
        StorageError: The database did not answer.
    """
    channel_id, team_id = scopes.channel_of(scope), reader.caller.team_id
    if channel_id is None:
        return ""
    channel = await office.directory.channel(team_id, channel_id)
    if channel is not None and channel.is_member:
        return ""
    bot = (await office.bots.in_team(team_id)).user_id
    name = f"<@{bot}>" if bot else replies.ME.say(reader.language)
    phrase = replies.INVITE_UNSEEN if channel is None else replies.INVITE
    return phrase.say(reader.language, bot=name)
