"""Whoever takes what Slack delivers, and remembers it."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bot.core.changes import Deleted, Edited
from bot.core.screens import Caller, Closed, Screen, Submitted, Values
from bot.metrics import Metrics
from bot.slack.budgets import Budgets
from bot.slack.calls import Calls
from bot.slack.channels import SlackChannels
from bot.slack.directory import SlackDirectory
from bot.slack.interaction import Interactions, Ways
from bot.slack.listeners import Receivers, Submit
from bot.slack.people import SlackPeople
from bot.slack.reception import Door, Patience, Reception
from bot.slack.responses import Responses
from bot.slack.uploads import SlackUploads
from bot.slack.web_api import WebApi

NOWHERE = "http://127.0.0.1:9/api/"
"""Nothing listens there."""


@dataclass
class Desk:
    """Takes clicks and changes."""

    stops: list[tuple[str, str, str, int]] = field(default_factory=list[tuple[str, str, str, int]])
    repeats: list[tuple[str, str, str, str, int, str]] = field(
        default_factory=list[tuple[str, str, str, str, int, str]]
    )
    changes: list[Edited | Deleted] = field(default_factory=list[Edited | Deleted])

    async def stop(self, *, team_id: str, channel_id: str, user_id: str, turn_id: int) -> None:
        self.stops.append((team_id, channel_id, user_id, turn_id))

    async def again(
        self,
        *,
        team_id: str,
        channel_id: str,
        user_id: str,
        user_team_id: str,
        turn_id: int,
        edited_ts: str,
    ) -> None:
        self.repeats.append((team_id, channel_id, user_id, user_team_id, turn_id, edited_ts))

    async def change(self, change: Edited | Deleted) -> None:
        self.changes.append(change)


Work = Callable[[Screen], Awaitable[None]]


async def nothing(_screen: Screen) -> None:
    """Show nothing."""


async def closes() -> Submitted:
    """Take a form and say nothing."""
    return Closed(None)


@dataclass
class ScriptedDoor:
    """A door that does what a test wants, and remembers what came through."""

    work: Work = nothing
    submission: Callable[[], Awaitable[Submitted]] = closes
    commands: list[tuple[Caller, str]] = field(default_factory=list[tuple[Caller, str]])
    presses: list[tuple[Caller, str, str]] = field(default_factory=list[tuple[Caller, str, str]])
    forms: list[tuple[Caller, str, str, Values]] = field(
        default_factory=list[tuple[Caller, str, str, Values]]
    )

    async def command(self, caller: Caller, text: str, *, screen: Screen) -> None:
        self.commands.append((caller, text))
        await self.work(screen)

    async def pressed(self, caller: Caller, action: str, value: str, *, screen: Screen) -> None:
        self.presses.append((caller, action, value))
        await self.work(screen)

    async def submitted(
        self, caller: Caller, callback: str, state: str, values: Values
    ) -> Submitted:
        self.forms.append((caller, callback, state, values))
        return await self.submission()


@asynccontextmanager
async def ways_to(api_url: str) -> AsyncGenerator[Ways]:
    """Open every way to a reader of the Slack at `api_url`."""
    metrics = Metrics()

    async def token_for(team_id: str) -> str:
        del team_id
        return "xoxb-playground"

    async with (
        WebApi(base_url=api_url, call_timeout_s=60) as api,
        Budgets(metrics=metrics) as budgets,
        Responses(api_url=api_url, gap_s=0) as responses,
    ):
        calls = Calls(api=api, budgets=budgets, metrics=metrics, token_for=token_for)
        yield Ways(calls, responses, SlackUploads(calls=calls, api_url=api_url))


def directory_of(calls: Calls) -> SlackDirectory:
    """Return who is who and what is where."""
    return SlackDirectory(people=SlackPeople(calls=calls), channels=SlackChannels(calls=calls))


def reception_for(door: Door, *, ways: Ways, patience: Patience | None = None) -> Reception:
    """Return a reception; whoever needs its end opens it."""
    return Reception(
        door,
        interactions=Interactions(ways),
        directory=directory_of(ways.calls),
        patience=patience,
    )


def closed_ways() -> Ways:
    """Return ways that lead nowhere, for what is answered without any."""
    metrics = Metrics()

    async def token_for(team_id: str) -> str:
        del team_id
        return "xoxb-playground"

    calls = Calls(
        api=WebApi(base_url=NOWHERE),
        budgets=Budgets(metrics=metrics),
        metrics=metrics,
        token_for=token_for,
    )
    return Ways(calls, Responses(api_url=NOWHERE), SlackUploads(calls=calls, api_url=NOWHERE))


def receiving(
    submit: Submit, *, desk: Desk | None = None, reception: Reception | None = None
) -> Receivers:
    """Return receivers that submit as told and leave the rest with `desk` and `reception`."""
    desk = desk or Desk()
    return Receivers(
        submit=submit,
        change=desk.change,
        clicks=desk,
        reception=reception or reception_for(ScriptedDoor(), ways=closed_ways()),
    )
