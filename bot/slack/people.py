"""Who is who in a workspace, asked once and remembered for a while."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

import structlog

from bot.core.policy import Person
from bot.core.reply import Place, Urgency
from bot.errors import SlackError, SlackThrottled, SlackTokenRefused, SlackUnavailable
from bot.slack.calls import Calls

METHOD = "users.info"
MISSING_SCOPE = "missing_scope"
"""The error of a token that may not ask ("users.info", errors)."""
KNOWN_S = 3_600.0
"""How long a profile is believed."""
UNKNOWN_S = 60.0
"""How long a failed look-up is not repeated."""
SCOPELESS_S = 60.0
"""How long a workspace is not asked at all after the token lacked the scope."""
PEOPLE_KEPT = 10_000
LANES = 4
"""Look-ups at once. A person always has the same lane, so that nobody is asked for twice."""
NAMES_TIMEOUT_S = 3.0
"""An answer is there to be given: whoever is not known by then is left out."""
FRESH_TIMEOUT_S = 1.5
"""Of the three seconds in which Slack wants an answer to a command or a form."""
RESTS_S = 1.0
"""A longer rest after a 429 is not waited out: questions and forms go on without."""
NAMES_MOST = 50
"""People looked up for one answer."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Remembered:
    """What is known of a person.

    Attributes:
        person: What Slack told, or had told before it fell silent; None when it told nothing.
        until: How long that holds (monotonic seconds).
        silence: Why Slack did not say now; None when it did, or refuses to for good.
    """

    person: Person | None
    until: float
    silence: SlackError | None = None


class SlackPeople:
    """Looks people up with `users.info`; needs the scope `users:read`, and does without.

    Args:
        calls: How Slack is called.
        clock: Monotonic seconds.
        names_timeout_s: An answer does not wait longer for names.
        fresh_timeout_s: Nor does whoever must know somebody now.
    """

    def __init__(
        self,
        *,
        calls: Calls,
        clock: Callable[[], float] = time.monotonic,
        names_timeout_s: float = NAMES_TIMEOUT_S,
        fresh_timeout_s: float = FRESH_TIMEOUT_S,
    ) -> None:
        self._calls = calls
        self._clock = clock
        self._names_timeout_s = names_timeout_s
        self._fresh_timeout_s = fresh_timeout_s
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

    async def profile(self, team_id: str, user_id: str) -> Person | None:
        """Return what Slack tells of a person; never raises SlackError.

        While Slack does not answer, what it told last; None when it never told anything.
        """
        return (await self._known((team_id, user_id))).person

    async def asker(self, team_id: str, user_id: str) -> Person | None:
        """Return what Slack tells of a person; None when it refuses to, for good.

        A guest must not pass for a member because Slack has a bad minute, so that it said nothing
        a moment ago will not do here: it is asked again.

        Raises:
            SlackError: It does not say now, and has told nothing before: it is not to be asked,
                did not answer, or takes no call with this token.
        """
        known = await self._known((team_id, user_id), silence_will_do=False)
        if known.person is None and known.silence is not None:
            raise known.silence
        return known.person

    async def _known(self, key: tuple[str, str], *, silence_will_do: bool = True) -> _Remembered:
        """Return what is known of a person, once asked for however many want to know."""
        remembered = self._recall(key, silence_will_do=silence_will_do)
        if remembered is not None:
            return remembered
        async with self._lanes[hash(key) % LANES]:
            # Somebody else may have asked meanwhile.
            remembered = self._recall(key, silence_will_do=silence_will_do)
            return remembered or await self._look_up(key)

    async def person(self, team_id: str, user_id: str, *, fresh: bool) -> Person | None:
        """Return what Slack tells of a person.

        Args:
            team_id: The workspace.
            user_id: The person.
            fresh: Ask Slack now, whatever is remembered: rights may have changed since.

        Returns:
            None when Slack tells nothing; never when `fresh`.

        Raises:
            SlackError: Only when `fresh`: Slack did not tell in time, or refused.
        """
        if not fresh:
            return await self.profile(team_id, user_id)
        try:
            async with asyncio.timeout(self._fresh_timeout_s):
                person = await self._ask(team_id, user_id)
        except TimeoutError:
            raise SlackUnavailable(method=METHOD, code="timeout") from None
        self._remember((team_id, user_id), person, holds_s=KNOWN_S)
        self._scopeless_until.pop(team_id, None)
        return person

    def _recall(self, key: tuple[str, str], *, silence_will_do: bool) -> _Remembered | None:
        remembered = self._remembered.get(key)
        if remembered is None or remembered.until <= self._clock():
            return None
        says_nothing = remembered.person is None and remembered.silence is not None
        return None if says_nothing and not silence_will_do else remembered

    def _remember(
        self,
        key: tuple[str, str],
        person: Person | None,
        *,
        holds_s: float,
        silence: SlackError | None = None,
    ) -> _Remembered:
        remembered = _Remembered(person, self._clock() + holds_s, silence)
        self._remembered[key] = remembered
        self._remembered.move_to_end(key)
        if len(self._remembered) > PEOPLE_KEPT:
            self._remembered.popitem(last=False)
        return remembered

    async def _look_up(self, key: tuple[str, str]) -> _Remembered:
        """Ask; while Slack does not say, whoever was known is who they were."""
        try:
            person = await self._ask_gently(*key)
        except (SlackThrottled, SlackUnavailable, SlackTokenRefused) as error:
            former = self._remembered.get(key)
            person = former.person if former else None
            log.info("person.untold", user_id=key[1], error=type(error).__name__, code=error.code)
            return self._remember(key, person, holds_s=UNKNOWN_S, silence=error)
        return self._remember(key, person, holds_s=UNKNOWN_S if person is None else KNOWN_S)

    async def _ask_gently(self, team_id: str, user_id: str) -> Person | None:
        """Ask, unless the token lacked the scope a while ago; None for what Slack never tells.

        Raises:
            SlackThrottled: Slack is not to be asked now.
            SlackUnavailable: It did not say.
            SlackTokenRefused: It takes no call with this token.
        """
        if self._scopeless_until.get(team_id, 0.0) > self._clock():
            return None
        try:
            return await self._ask(team_id, user_id)
        except SlackTokenRefused as error:
            if error.code != MISSING_SCOPE:
                raise
            self._scopeless_until[team_id] = self._clock() + SCOPELESS_S
            log.warning("people.refused", team_id=team_id, code=error.code)
        except (SlackThrottled, SlackUnavailable):
            raise
        except SlackError as error:
            log.info("person.unknown", user_id=user_id, code=error.code)
        return None

    async def _ask(self, team_id: str, user_id: str) -> Person:
        place = Place(team_id, "", "")
        query = {"user": user_id, "include_locale": True}
        self._calls.refuse_rest(place, method=METHOD, longer_than_s=RESTS_S)
        await self._calls.permit(place, method=METHOD, urgency=Urgency.FIRST_WORDS)
        answer = await self._calls.read(place, method=METHOD, query=query)
        person = _parse(answer.get("user"), team_id=team_id, user_id=user_id)
        if person is None:
            raise SlackUnavailable(method=METHOD, code="not_json")
        return person


def _parse(user: object, *, team_id: str, user_id: str) -> Person | None:
    if not isinstance(user, dict):
        return None
    known = cast("dict[str, Any]", user)
    home = str(known.get("team_id") or "")
    is_admin = known.get("is_admin") or known.get("is_owner")
    return Person(
        user_id=user_id,
        team_id=home,
        name=_name(known),
        locale=str(known.get("locale") or ""),
        # In a channel shared with another workspace its admins are nobody's here.
        is_admin=bool(is_admin) and home in {"", team_id},
        is_bot=bool(known.get("is_bot")),
        is_guest=bool(known.get("is_restricted") or known.get("is_ultra_restricted")),
        is_deactivated=bool(known.get("deleted")),
    )


def _name(user: dict[str, Any]) -> str:
    inner = user.get("profile")
    shown = cast("dict[str, Any]", inner) if isinstance(inner, dict) else {}
    candidates = (shown.get("display_name"), shown.get("real_name"), user.get("real_name"))
    return str(next((name for name in (*candidates, user.get("name")) if name), ""))
