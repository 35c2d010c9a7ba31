"""Who can be named a channel's manager."""

import asyncio
from collections.abc import Sequence

from bot.admin.office import Office
from bot.core.json_value import Json
from bot.core.language import Phrase

TOLD_WITHIN_S = 1.0
"""Slack wants an answer to a form within three seconds."""

UNFIT = Phrase(
    "Only people of this workspace can, whose account is open and whom Slack tells me of; no bots.",
    "只能是本工作区中账号未停用、且 Slack 能向我确认的人，不能是机器人。",
)


async def unfit(
    office: Office, team_id: str, value: Json, *, within_s: float = TOLD_WITHIN_S
) -> Sequence[str]:
    """Return who cannot manage a channel, as people call them; never raises SlackError.

    Args:
        office: Knows people.
        team_id: The channel's workspace.
        value: Of the setting `managers`, checked already.
        within_s: Who is not told of by then cannot.
    """
    ids = map(str, value) if isinstance(value, list | tuple) else ()
    found = await asyncio.gather(
        *(_unfit(office, team_id, user_id, within_s=within_s) for user_id in ids)
    )
    return [name for name in found if name]


async def _unfit(office: Office, team_id: str, user_id: str, *, within_s: float) -> str:
    """Return what somebody is called who cannot manage a channel, empty for who can."""
    try:
        async with asyncio.timeout(within_s):
            person = await office.directory.person(team_id, user_id, fresh=False)
    except TimeoutError:
        return user_id
    if person is None:
        return user_id
    is_ours = person.team_id in {"", team_id}
    if is_ours and not (person.is_bot or person.is_deactivated):
        return ""
    return f"@{person.name}" if person.name else user_id
