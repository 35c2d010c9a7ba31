"""People's Home tabs: who opened theirs, and what it shows (docs.slack.dev, "App Home")."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Protocol, Self, assert_never

import structlog

from bot.core.home import Heading, Home, Quote, Row, Words
from bot.core.reply import Place, Urgency
from bot.core.screens import Caller
from bot.errors import SlackError
from bot.slack.calls import Calls
from bot.slack.screens import button_of
from storage.errors import StorageError

HOME_OPENED = "app_home_opened"
PUBLISH_VIEW = "views.publish"
THROTTLE_S = 10.0
"""The event comes at every opening; whoever goes back and forth sees what was there."""
KEPT = 10_000
"""People whose last opening is remembered."""
AT_ONCE = 20
"""Homes that are made at once; whoever comes meanwhile sees the former one."""
WORK_WITHIN_S = 60.0

log = structlog.get_logger(__name__)


class HomeMaker(Protocol):
    """Whoever knows what stands in a Home."""

    async def home(self, caller: Caller, *, is_first: bool) -> None:
        """Publish somebody's Home; `is_first` when there may be none yet."""
        ...


def home_view(home: Home) -> dict[str, Any]:
    """Return a Home as `views.publish` takes it."""
    return {"type": "home", "blocks": list(_blocks(home))}


def _blocks(home: Home) -> Iterator[dict[str, Any]]:
    number = 0
    for part in home.parts:
        match part:
            case Heading(text):
                yield {"type": "header", "text": _text("plain_text", text)}
            case Words(text):
                # Verbatim: Slack looks for no bare names and addresses in it.
                yield {"type": "section", "text": {**_text("mrkdwn", text), "verbatim": True}}
            case Quote(text):
                # Emoji codes in it stay what they are.
                yield {"type": "section", "text": {**_text("plain_text", text), "emoji": False}}
            case Row(buttons):
                numbered = enumerate(buttons, start=number)
                yield {"type": "actions", "elements": [button_of(b, at) for at, b in numbered]}
                number += len(buttons)
            case _:
                assert_never(part)


def _text(kind: str, text: str) -> dict[str, Any]:
    return {"type": kind, "text": text}


class SlackHomes:
    """`admin.ports.Homes` through the Web API.

    Args:
        calls: The Web API.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def publish(self, team_id: str, user_id: str, home: Home) -> None:
        """Show somebody a Home.

        Raises:
            SlackError: In its most specific form.
        """
        place = Place(team_id, "", "")
        await self._calls.permit(place, method=PUBLISH_VIEW, urgency=Urgency.FIRST_WORDS)
        body = {"user_id": user_id, "view": home_view(home)}
        await self._calls.send(place, method=PUBLISH_VIEW, body=body)


class HomeVisits:
    """Owns the work on Homes that were opened; leaving `async with` cancels what is under way.

    Args:
        maker: Does the work.
        clock: Monotonic seconds.
        throttle_s: A Home opened again sooner stays as it is.
    """

    def __init__(
        self,
        maker: HomeMaker,
        *,
        clock: Callable[[], float] = time.monotonic,
        throttle_s: float = THROTTLE_S,
    ) -> None:
        self._maker = maker
        self._clock = clock
        self._throttle_s = throttle_s
        self._opened_at: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._under_way: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Return itself; there is nothing to open."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Cancel what is under way; a Home shows what it showed before."""
        tasks = set(self._under_way)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def opened(self, caller: Caller) -> None:
        """Begin to publish a Home that was opened, unless that was done just now."""
        who, now = (caller.team_id, caller.user_id), self._clock()
        last_at = self._opened_at.get(who)
        is_recent = last_at is not None and now - last_at < self._throttle_s
        if is_recent or len(self._under_way) >= AT_ONCE:
            return
        self._opened_at[who] = now
        self._opened_at.move_to_end(who)
        if len(self._opened_at) > KEPT:
            self._opened_at.popitem(last=False)
        task = asyncio.create_task(self._publish(caller, is_first=last_at is None), name="home")
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("home.broke", exc_info=error)

    async def _publish(self, caller: Caller, *, is_first: bool) -> None:
        try:
            async with asyncio.timeout(WORK_WITHIN_S):
                await self._maker.home(caller, is_first=is_first)
        except (SlackError, StorageError, TimeoutError) as error:
            log.warning("home.not_published", error=type(error).__name__, user_id=caller.user_id)
