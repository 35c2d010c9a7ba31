"""How much of a quota is used."""

from datetime import date

from bot.admin.office import Office
from bot.core.quota import Used, counted
from bot.core.resolution import Quota
from bot.core.screens import Caller


async def used_on(day: date, quota: Quota, *, caller: Caller, office: Office) -> int:
    """Return what was used of a caller's quota on a UTC day, in the quota's unit.

    Raises:
        StorageError: The database did not answer.
    """
    rows = await office.storage.usage.report(
        caller.team_id,
        since=day,
        until=day,
        by="day",
        channel_id=caller.channel_id if quota.across == "channel" else None,
        user_id=caller.user_id if quota.per == "user" else None,
    )
    tokens = sum(row.input_tokens + row.output_tokens for row in rows)
    return counted(quota, Used(turns=sum(row.turns for row in rows), tokens=tokens))
