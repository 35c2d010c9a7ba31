"""Who can be named a channel's manager."""

import asyncio

from bot.admin.appointing import unfit
from bot.core.policy import Person
from storage.database import Storage
from tests.unit.admin.desk import MANAGER, MEMBER, TEAM, Town, office_of


async def test_whom_slack_does_not_tell_of_in_time_cannot_be_a_manager(storage: Storage) -> None:
    class Slow(Town):
        async def person(self, team_id: str, user_id: str, *, fresh: bool) -> Person | None:
            if user_id == MEMBER:
                await asyncio.Event().wait()
            return self.people[user_id]

    office = office_of(storage, Slow())
    assert await unfit(office, TEAM, [MANAGER, MEMBER], within_s=0.01) == [MEMBER]
    assert await unfit(office, TEAM, None) == []
