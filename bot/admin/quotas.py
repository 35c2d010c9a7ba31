"""How much of quotas is used."""

from collections.abc import Iterable, Sequence

from bot.admin.office import Office
from bot.core.quota import Used, counted
from bot.core.resolution import Quota
from bot.core.screens import Caller


async def used_today(
    quotas: Iterable[Quota], *, caller: Caller, office: Office
) -> Sequence[tuple[Quota, int]]:
    """Return a caller's quotas with what was used of each this UTC day, in its own unit.

    Raises:
        StorageError: The database did not answer.
    """
    return [(quota, await _used(quota, caller=caller, office=office)) for quota in quotas]


async def _used(quota: Quota, *, caller: Caller, office: Office) -> int:
    rows = await office.storage.usage.report(
        caller.team_id,
        since=office.today,
        until=office.today,
        by="day",
        channel_id=caller.channel_id if quota.across == "channel" else None,
        user_id=caller.user_id if quota.per == "user" else None,
    )
    tokens = sum(row.input_tokens + row.output_tokens for row in rows)
    return counted(quota, Used(turns=sum(row.turns for row in rows), tokens=tokens))
