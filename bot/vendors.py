"""How Slack and DashScope are, for `/dashscope status`: cheap looks that spend no tokens."""

import time
from collections.abc import Awaitable, Callable

from bot.admin.ports import Health
from bot.core.question import AppProfile
from bot.core.reply import Place
from bot.dashscope.client import DashScope
from bot.errors import DashScopeError, SlackError
from bot.slack.calls import Calls

GREETING = "auth.test"


class VendorChecks:
    """Looks at both vendors once; nothing is remembered.

    Args:
        calls: Slack.
        apps: DashScope.
        clock: Monotonic seconds.
    """

    def __init__(
        self, *, calls: Calls, apps: DashScope, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._calls = calls
        self._apps = apps
        self._clock = clock

    async def slack(self, team_id: str) -> Health:
        """Return how Slack's Web API is, by the bot's own identity. Never raises."""
        return await self._timed(
            self._calls.read(Place(team_id, "", ""), method=GREETING, query={})
        )

    async def dashscope(self, app: AppProfile) -> Health:
        """Return whether an app's host answers; only `apps test` says whether the app does."""
        return await self._timed(self._apps.reach(app))

    async def _timed(self, look: Awaitable[object]) -> Health:
        started_at = self._clock()
        try:
            await look
        except (SlackError, DashScopeError) as error:
            return Health(is_well=False, reason=error.code)
        return Health(is_well=True, elapsed_ms=round((self._clock() - started_at) * 1000))
