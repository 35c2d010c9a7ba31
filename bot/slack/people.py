"""Who is who in a workspace, asked once and remembered for a while."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

import structlog

from bot.core.reply import Place, Urgency
from bot.errors import SlackError, SlackTokenRefused
from bot.slack.calls import Calls

METHOD = "users.info"
KNOWN_S = 3_600.0
"""How long a profile is believed."""
UNKNOWN_S = 60.0
"""How long a failed look-up is not repeated."""
SCOPELESS_S = 600.0
"""How long a workspace is not asked at all after it refused the token."""
PEOPLE_KEPT = 10_000
LANES = 4
"""Look-ups at once. A person always has the same lane, so that nobody is asked for twice."""
NAMES_TIMEOUT_S = 3.0
"""An answer is there to be given: whoever is not known by then is left out."""
NAMES_MOST = 50
"""People looked up for one answer."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Profile:
    """What the workspace says about a person.

    Attributes:
        user_id: `U…` or `W…`.
        team_id: Their home workspace, which another workspace's guest brings along.
        name: What people see; empty when Slack tells none.
        locale: Such as `zh-CN`; empty when unknown.
        is_admin: Owner or admin of the workspace.
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
class _Remembered:
    """An answer, or that there was none, and how long it holds (monotonic seconds)."""

    profile: Profile | None
    until: float


class SlackPeople:
    """Looks people up with `users.info`; needs the scope `users:read`, and does without.

    Args:
        calls: How Slack is called.
        clock: Monotonic seconds.
        names_timeout_s: An answer does not wait longer for names.
    """

    def __init__(
        self,
        *,
        calls: Calls,
        clock: Callable[[], float] = time.monotonic,
        names_timeout_s: float = NAMES_TIMEOUT_S,
    ) -> None:
        self._calls = calls
        self._clock = clock
        self._names_timeout_s = names_timeout_s
        self._remembered: OrderedDict[tuple[str, str], _Remembered] = OrderedDict()
        self._scopeless_until: dict[str, float] = {}
        self._lanes = tuple(asyncio.Lock() for _ in range(LANES))

    async def display_names(self, team_id: str, user_ids: Collection[str]) -> Mapping[str, str]:
        """Return a name for each id that could be looked up soon enough; never raises SlackError.

        Args:
            team_id: The workspace.
            user_ids: Looked up in their order, NAMES_MOST of them at most.
        """
        wanted = tuple(dict.fromkeys(user_ids))[:NAMES_MOST]
        names: dict[str, str] = {}

        async def look_up(user_id: str) -> None:
            profile = await self.profile(team_id, user_id)
            if profile is not None and profile.name:
                names[user_id] = profile.name

        try:
            async with asyncio.timeout(self._names_timeout_s), asyncio.TaskGroup() as group:
                for user_id in wanted:
                    group.create_task(look_up(user_id))
        except TimeoutError:
            log.info("names.timed_out", missing=len(wanted) - len(names))
        return names

    async def profile(self, team_id: str, user_id: str) -> Profile | None:
        """Return what Slack tells of a person, None when nothing; never raises SlackError."""
        key = team_id, user_id
        remembered = self._recall(key)
        if remembered is not None:
            return remembered.profile
        async with self._lanes[hash(key) % LANES]:
            remembered = self._recall(key)  # somebody else may have asked meanwhile
            if remembered is None:
                remembered = self._remember(key, await self._ask(team_id, user_id))
        return remembered.profile

    def _recall(self, key: tuple[str, str]) -> _Remembered | None:
        remembered = self._remembered.get(key)
        return remembered if remembered and remembered.until > self._clock() else None

    def _remember(self, key: tuple[str, str], profile: Profile | None) -> _Remembered:
        holds_s = UNKNOWN_S if profile is None else KNOWN_S
        remembered = _Remembered(profile, self._clock() + holds_s)
        self._remembered[key] = remembered
        self._remembered.move_to_end(key)
        if len(self._remembered) > PEOPLE_KEPT:
            self._remembered.popitem(last=False)
        return remembered

    async def _ask(self, team_id: str, user_id: str) -> Profile | None:
        if self._scopeless_until.get(team_id, 0.0) > self._clock():
            return None
        place = Place(team_id, "", "")
        query = {"user": user_id, "include_locale": True}
        try:
            await self._calls.permit(place, method=METHOD, urgency=Urgency.FIRST_WORDS)
            answer = await self._calls.read(place, method=METHOD, query=query)
        except SlackTokenRefused as error:
            self._scopeless_until[team_id] = self._clock() + SCOPELESS_S
            log.warning("people.refused", team_id=team_id, code=error.code)
            return None
        except SlackError:
            return None
        return _parse(answer.get("user"), user_id)


def _parse(user: object, user_id: str) -> Profile | None:
    if not isinstance(user, dict):
        return None
    known = cast("dict[str, Any]", user)
    return Profile(
        user_id=user_id,
        team_id=str(known.get("team_id") or ""),
        name=_name(known),
        locale=str(known.get("locale") or ""),
        is_admin=bool(known.get("is_admin") or known.get("is_owner")),
        is_bot=bool(known.get("is_bot")),
        is_guest=bool(known.get("is_restricted") or known.get("is_ultra_restricted")),
        is_deactivated=bool(known.get("deleted")),
    )


def _name(user: dict[str, Any]) -> str:
    inner = user.get("profile")
    shown = cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}
    candidates = (shown.get("display_name"), shown.get("real_name"), user.get("real_name"))
    return str(next((name for name in (*candidates, user.get("name")) if name), ""))
