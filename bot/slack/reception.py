"""Takes commands, presses and forms to the door, and sees to it that everybody gets an answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, assert_never

import structlog
from structlog.contextvars import bound_contextvars

from bot.core.language import Phrase
from bot.core.screens import (
    Caller,
    Closed,
    Errors,
    Notice,
    Replaced,
    Screen,
    Submitted,
    Taken,
    Values,
)
from bot.mishaps import Mishap, outcome_of
from bot.slack.apologies import BUSY, FAILED, RESTARTING, apology_for
from bot.slack.directory import SlackDirectory
from bot.slack.interaction import Interactions
from bot.slack.people import FRESH_TIMEOUT_S
from bot.slack.screens import refusal_of, view_of
from bot.slack.visitor import Visitor

AT_ONCE = 50
"""Commands and presses that are worked on at once."""
AT_ONCE_EACH = 5
"""Of one person: faster than this nobody types."""
WORK_WITHIN_S = 120.0
"""The longest report is done by then; its reader is not there any more."""
SUBMIT_WITHIN_S = 1.8
"""Slack waits three seconds for what becomes of a form (docs.slack.dev, "Modals")."""
NAMED_WITHIN_S = 1.5
"""Of these, until Slack told who is named in a form; what is left is for writing it down."""
SHUTDOWN_GRACE_S = 5.0

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Door(Protocol):
    """Whoever knows what commands, buttons and forms mean, and who may use them.

    The ids and states that come back from buttons and forms can be forged by any client.
    """

    async def command(self, caller: Caller, text: str, *, screen: Screen) -> None:
        """Answer a slash command, `text` as Slack sent it."""
        ...

    async def pressed(self, caller: Caller, action: str, value: str, *, screen: Screen) -> None:
        """Answer a press on a notice's button."""
        ...

    async def submitted(
        self, caller: Caller, callback: str, state: str, values: Values
    ) -> Submitted:
        """Take a form, within SUBMIT_WITHIN_S; it is cancelled then, whatever it has done."""
        ...


@dataclass(frozen=True, slots=True)
class Origin:
    """What came with a command or a press, to answer it with.

    Attributes:
        trigger_id: Opens one form within three seconds.
        response_url: Takes five notices within thirty minutes.
    """

    trigger_id: str
    response_url: str


@dataclass(frozen=True, slots=True)
class Submission:
    """A form that was sent.

    Attributes:
        callback: What it is for.
        state: As it was given with the form.
        values: What was entered; it may hold a secret.
        view: The view it came from; the same.
    """

    callback: str
    state: str
    values: Values = field(repr=False)
    view: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Patience:
    """How much is done at once, and for how long, in seconds.

    Attributes:
        at_once: Commands and presses under way at most.
        at_once_each: The same, of one person.
        work_s: For one of them.
        submit_s: For a form.
        who_s: For Slack to tell who somebody is now; a part of the two.
        named_s: For it to tell who is named in a form, from the form's beginning; a part of
            `submit_s`.
        grace_s: For all that is under way at shutdown.
    """

    at_once: int = AT_ONCE
    at_once_each: int = AT_ONCE_EACH
    work_s: float = WORK_WITHIN_S
    submit_s: float = SUBMIT_WITHIN_S
    who_s: float = FRESH_TIMEOUT_S
    named_s: float = NAMED_WITHIN_S
    grace_s: float = SHUTDOWN_GRACE_S


class Reception:
    """Owns the work on commands and presses; open it with `async with`.

    Leaving lets what is under way end within SHUTDOWN_GRACE_S, then cancels it and tells its
    callers.

    Args:
        door: Does the work.
        interactions: Makes screens.
        directory: Knows callers' languages, and hears what channels are called.
        patience: How much is done at once, and for how long.
    """

    def __init__(
        self,
        door: Door,
        *,
        interactions: Interactions,
        directory: SlackDirectory,
        patience: Patience | None = None,
    ) -> None:
        self._door = door
        self._interactions = interactions
        self._directory = directory
        self._patience = patience or Patience()
        self._under_way: dict[asyncio.Task[None], Visitor] = {}
        self._is_closing = False

    async def __aenter__(self) -> Self:
        """Return itself; there is nothing to open."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Take nothing more, and end what is under way."""
        self._is_closing = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self._patience.grace_s)
        left = dict(self._under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.gather(*(visitor.tell(RESTARTING) for visitor in left.values()))

    async def command(self, caller: Caller, text: str, *, origin: Origin) -> None:
        """Begin to answer a slash command; returns at once."""
        self._directory.heard(caller.team_id, caller.channel_id, caller.channel_name)
        visitor = self._visitor(caller, origin=origin)
        await self._take(visitor, lambda: self._door.command(caller, text, screen=visitor.screen))

    async def press(self, caller: Caller, action: str, value: str, *, origin: Origin) -> None:
        """Begin to answer a press on a notice's button; returns at once."""
        visitor = self._visitor(caller, origin=origin)
        await self._take(
            visitor, lambda: self._door.pressed(caller, action, value, screen=visitor.screen)
        )

    async def submission(self, caller: Caller, sent: Submission) -> dict[str, Any]:
        """Take a form, and return what the acknowledgement tells Slack to do with it.

        Within SUBMIT_WITHIN_S, and a moment more for its sender's language.
        """
        view_id = str(sent.view.get("id") or "")
        screen = self._interactions.of_form(caller, view_id=view_id)
        visitor = Visitor(caller, screen=screen, directory=self._directory)
        submitted = await self._submitted(visitor, sent)
        match submitted:
            case Closed(notice):
                if notice is not None:
                    self._begin(visitor, lambda: visitor.screen.show(notice))
                return {}
            case Taken(finish):
                self._begin(visitor, lambda: finish(visitor.screen))
                return {}
            case Errors() as errors:
                refusal = refusal_of(errors, view=sent.view)
                if refusal:
                    return {"response_action": "errors", "errors": refusal}
                told = Notice(" ".join(errors.by_key.values()))
                self._begin(visitor, lambda: visitor.screen.show(told))
                return {}
            case Replaced(form):
                view = view_of(form, origin=caller.channel_id)
                return {"response_action": "update", "view": view}
            case _:
                assert_never(submitted)

    async def _submitted(self, visitor: Visitor, sent: Submission) -> Submitted:
        caller = visitor.caller

        def work() -> Awaitable[Submitted]:
            return self._door.submitted(caller, sent.callback, sent.state, sent.values)

        done = await self._outcome(visitor, work, within_s=self._patience.submit_s)
        if not isinstance(done, Mishap):
            return done
        phrase = _apology(done.error, visitor) or FAILED
        return Errors({"": await visitor.words(phrase)})

    async def _outcome(
        self, visitor: Visitor, work: Callable[[], Awaitable[T]], *, within_s: float
    ) -> T | Mishap:
        """Return what came of the work; its log lines bear the id a visitor can quote."""

        async def in_time() -> T:
            async with asyncio.timeout(within_s):
                return await work()

        with bound_contextvars(command_id=visitor.id):
            return await outcome_of(in_time())

    def _visitor(self, caller: Caller, *, origin: Origin) -> Visitor:
        screen = self._interactions.of_press(
            caller, trigger_id=origin.trigger_id, response_url=origin.response_url
        )
        return Visitor(caller, screen=screen, directory=self._directory)

    async def _take(self, visitor: Visitor, work: Callable[[], Awaitable[None]]) -> None:
        if self._is_closing or not self._has_room(visitor.caller):
            log.warning("command.refused", reason="busy", user_id=visitor.caller.user_id)
            await visitor.tell(BUSY)
            return
        self._begin(visitor, work)

    def _has_room(self, caller: Caller) -> bool:
        who = caller.team_id, caller.user_id
        others = (visitor.caller for visitor in self._under_way.values())
        own = sum((other.team_id, other.user_id) == who for other in others)
        patience = self._patience
        return len(self._under_way) < patience.at_once and own < patience.at_once_each

    def _begin(self, visitor: Visitor, work: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(self._answer(visitor, work), name="command")
        self._under_way[task] = visitor
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._under_way.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("command.failed", exc_info=error)

    async def _answer(self, visitor: Visitor, work: Callable[[], Awaitable[None]]) -> None:
        done = await self._outcome(visitor, work, within_s=self._patience.work_s)
        if isinstance(done, Mishap) and (phrase := _apology(done.error, visitor)):
            await visitor.tell(phrase)


def _apology(error: Exception, visitor: Visitor) -> Phrase | None:
    return apology_for(error, caller=visitor.caller, command_id=visitor.id)
