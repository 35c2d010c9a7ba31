"""What Slack delivers, handed on: questions, edits, clicks, commands; the rest acknowledged.

HTTP and the socket come through here alike. A listener that returns means 200; one that fails
means 500 (on the socket: no acknowledgement), and Slack delivers again (docs: "The Events API",
"Using Socket Mode").
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import aiohttp
import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext, AsyncRespond
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.changes import Deleted, Edited, parse_change
from bot.core.messages import Ignored, UserMessage, parse
from bot.core.reply import Control
from bot.core.screens import Caller
from bot.metrics import Metrics
from bot.slack.authorize import InstallationAuthorize, team_of
from bot.slack.commands import CommandListeners
from bot.slack.departures import REVOKED, UNINSTALLED, DepartureListener
from bot.slack.home import HOME_OPENED, HomeVisits
from bot.slack.message import AGAIN_ACTION
from bot.slack.reception import Reception
from storage.installations import Installations

# Slack waits three seconds (docs: "The Events API"); one is left for the way there and back.
HANDLING_TIMEOUT_S = 2.0
HANDLED_EVENTS = ("app_mention", "message")
STOP_ACTION = f"turn:{Control.STOP.value}"
NO_TOKEN = "not in use"  # noqa: S105 - the word for having none

OFFER_GOES_WITHIN_S = 1.0
_TURN_ID = re.compile(r"[0-9]{1,18}")
_EDIT = re.compile(r"([0-9]{1,18}):([0-9]{1,16}\.[0-9]{1,16})")

log = structlog.get_logger(__name__)

Submit = Callable[[UserMessage], Awaitable[bool]]
"""Claims a message: True when it is new, False when it was claimed before; raises when neither."""


Change = Callable[[Edited | Deleted], Awaitable[None]]
"""Takes a message that was edited or deleted; raises when Slack should deliver it again."""


class Clicks(Protocol):
    """Takes clicks on buttons; whether this user may is for it to decide.

    The ids come from a button, which any client can forge.
    """

    async def stop(self, *, team_id: str, channel_id: str, user_id: str, turn_id: int) -> None:
        """Ask for the end of a turn."""
        ...

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
        """Ask for another answer to a question that was edited.

        `user_team_id` is the workspace of whoever clicked; empty when Slack does not tell.
        """
        ...


@dataclass(frozen=True, slots=True)
class Receivers:
    """Whoever takes what Slack delivers.

    Attributes:
        submit: Takes questions.
        change: Takes edits and deletions.
        clicks: Takes clicks under replies.
        reception: Takes commands, and presses and forms about settings; open already.
        homes: Takes openings of Home tabs; open already. Without, nobody listens for them.
        kept: Where installations are forgotten that came through the install page.
    """

    submit: Submit
    change: Change
    clicks: Clicks
    reception: Reception
    homes: HomeVisits | None = None
    kept: Installations | None = None


def build_bolt(
    *,
    client: AsyncWebClient,
    signing_secret: str,
    authorize: InstallationAuthorize,
    receivers: Receivers,
    metrics: Metrics,
) -> AsyncApp:
    """Build the Bolt app for either transport; it owns nothing that must be closed.

    Nothing is taken from the environment. Bolt reads some variables whatever it is given; what it
    makes of them is overruled here or never reached (its OAuth flow lives in its own web server).

    Args:
        client: Carries the API's address and the HTTP session; its token is replaced per request.
        signing_secret: Checks requests over HTTP; unused on the socket.
        authorize: Knows the installations.
        receivers: Take what is for the bot, each within HANDLING_TIMEOUT_S.
        metrics: Counts ignored messages; `receivers.submit` counts the others.
    """
    bolt = AsyncApp(
        name="dashscope-slack",
        logger=_bolt_logger(),
        # The acknowledgement waits for the claim: a question is in the database, or Slack keeps it.
        process_before_response=True,
        raise_error_for_unhandled_request=True,
        signing_secret=signing_secret,
        client=client,
        before_authorize=_take_rate_limit_notice,
        authorize=cast("Any", authorize),  # Bolt takes None for an answer; its types do not say so
        # Bolt refuses the ssl_check whose token equals this one, so it must be nobody's.
        verification_token=NO_TOKEN,
        # `core.messages.parse` knows the bot's own messages, and counts them.
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    listeners = _Listeners(receivers, metrics=metrics)
    untyped = cast("Any", bolt)  # the decorators' types are full of unknowns
    for event_type in HANDLED_EVENTS:
        untyped.event(event_type)(listeners.take_message)
    untyped.action(STOP_ACTION)(listeners.take_stop)
    untyped.action(AGAIN_ACTION)(listeners.take_again)
    CommandListeners(receivers.reception).register(bolt)
    if receivers.homes is not None:
        untyped.event(HOME_OPENED)(HomeListener(receivers.homes).take_opening)
    departures = DepartureListener(receivers.kept)
    untyped.event(UNINSTALLED)(departures.take_uninstalled)
    untyped.event(REVOKED)(departures.take_revoked)
    bolt.error(_settle_failure)
    return bolt


def _bolt_logger() -> logging.Logger:
    """Return the logger Bolt derives all of its own from.

    At INFO Bolt logs the body of a request whose signature is wrong, and at WARNING it explains at
    every start which token it skips.
    """
    logger = logging.getLogger("slack_bolt.dashscope_slack")
    logger.setLevel(logging.ERROR)
    return logger


class _Listeners:
    """The listeners that hand something on."""

    def __init__(self, receivers: Receivers, *, metrics: Metrics) -> None:
        self._submit = receivers.submit
        self._change = receivers.change
        self._clicks = receivers.clicks
        self._metrics = metrics

    async def take_message(
        self, event: dict[str, Any], body: dict[str, Any], context: AsyncBoltContext
    ) -> None:
        """Submit a message that is, or may be, for the bot.

        Raises:
            TimeoutError: Submitting took too long and was cancelled, claimed or not.
        """
        team_id = team_of(body, context=context)
        change = parse_change(event, team_id=team_id, bot_user_id=context.bot_user_id or "")
        if change is not None:
            async with asyncio.timeout(HANDLING_TIMEOUT_S):
                await self._change(change)
        message = parse(
            event,
            team_id=team_id,
            bot_user_id=context.bot_user_id or "",
            own_app_id=body.get("api_app_id"),
            own_bot_id=context.bot_id,
        )
        if isinstance(message, Ignored):
            self._metrics.messages.labels("ignored").inc()
            log.debug("message.ignored", reason=message.reason.value)
            return
        async with asyncio.timeout(HANDLING_TIMEOUT_S):
            await self._submit(message)

    async def take_stop(
        self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext
    ) -> None:
        """Hand a click on Stop on; a payload that names no turn is only acknowledged."""
        await ack()
        turn_id = str(body["actions"][0].get("value"))
        if not _TURN_ID.fullmatch(turn_id):
            return
        async with asyncio.timeout(HANDLING_TIMEOUT_S):
            await self._clicks.stop(**_whose(body, context=context), turn_id=int(turn_id))

    async def take_again(
        self,
        ack: AsyncAck,
        body: dict[str, Any],
        context: AsyncBoltContext,
        respond: AsyncRespond,
    ) -> None:
        """Hand a click on the offer for an edited question on, and take the offer away."""
        await ack()
        found = _EDIT.fullmatch(str(body["actions"][0].get("value")))
        if found is None:
            return
        async with asyncio.timeout(HANDLING_TIMEOUT_S):
            await self._clicks.again(
                **_whose(body, context=context),
                user_team_id=str(body.get("user", {}).get("team_id") or ""),
                turn_id=int(found[1]),
                edited_ts=found[2],
            )
        # Slack forgets the offer by itself when the reader reloads.
        with contextlib.suppress(TimeoutError, OSError, ValueError, aiohttp.ClientError):
            async with asyncio.timeout(OFFER_GOES_WITHIN_S):
                await respond(delete_original=True)


class HomeListener:
    """Hears of Home tabs that are opened.

    Args:
        homes: Takes them.
    """

    def __init__(self, homes: HomeVisits) -> None:
        self._homes = homes

    async def take_opening(
        self, event: dict[str, Any], body: dict[str, Any], context: AsyncBoltContext
    ) -> None:
        """Have a Home published; opening the Messages tab says the same event."""
        user_id = event.get("user")
        if event.get("tab") == "home" and isinstance(user_id, str):
            self._homes.opened(
                Caller(team_id=team_of(body, context=context), channel_id="", user_id=user_id)
            )


def _whose(body: Mapping[str, Any], *, context: AsyncBoltContext) -> dict[str, str]:
    """Return where a click happened and who clicked."""
    return {
        "team_id": team_of(body, context=context),
        "channel_id": context.channel_id or "",
        "user_id": context.user_id or "",
    }


async def _take_rate_limit_notice(
    body: dict[str, Any], next_: Callable[[], Awaitable[Any]]
) -> BoltResponse | None:
    """Log that Slack holds events back; Bolt has no listener for this (docs: "The Events API")."""
    if body.get("type") == "app_rate_limited":
        log.warning("events.rate_limited", team_id=body.get("team_id"))
        return BoltResponse(status=200)
    await next_()
    return None


async def _settle_failure(error: Exception, body: dict[str, Any]) -> BoltResponse | None:
    """Answer 200 to what nobody listens to, and leave Bolt's 500 to everything that broke.

    An unknown payload is no failure: a 404 would make Slack deliver it three times more.
    """
    if isinstance(error, BoltUnhandledRequestError):
        log.debug("delivery.ignored", reason=str(body.get("type")))
        return BoltResponse(status=200)
    log.error("delivery.failed", exc_info=error)
    return None
