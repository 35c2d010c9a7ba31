"""Commands, presses under notices and submitted forms, out of Slack's payloads.

Who and where come from what Slack signed, never from what somebody filled in (docs.slack.dev,
"Slash commands", "block_actions payload", "View interactions payload").
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bot.core.screens import Caller
from bot.slack.authorize import team_of
from bot.slack.message import FILL_ACTION
from bot.slack.reception import Origin, Reception, Submission
from bot.slack.screens import ADMIN_PREFIX, action_of, origin_of, values_of

SHORTCUTS = frozenset({"start_afresh"})
"""Callback ids of the message shortcuts in the manifest."""
_ANY_COMMAND = re.compile("")
"""The operator may call the command as they like."""
_ADMIN = re.compile(f"^{ADMIN_PREFIX}")


class CommandListeners:
    """Listeners for everything about the bot's settings.

    Args:
        reception: Takes what came.
    """

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    def register(self, bolt: AsyncApp) -> None:
        """Add the listeners."""
        untyped = cast("Any", bolt)  # the decorators' types are full of unknowns
        untyped.command(_ANY_COMMAND)(self.take_command)
        untyped.action(_ADMIN)(self.take_press)
        untyped.action(FILL_ACTION)(self.take_press)
        for callback_id in SHORTCUTS:
            untyped.message_shortcut(callback_id)(self.take_shortcut)
        untyped.view(_ADMIN)(self.take_form)  # a form that was only closed is nobody's business

    async def take_command(
        self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext
    ) -> None:
        """Acknowledge a slash command with nothing, and have it answered."""
        await ack()
        caller = Caller(
            team_id=team_of(body, context=context),
            channel_id=_text(body, "channel_id"),
            user_id=_text(body, "user_id"),
            user_team_id=_text(body, "team_id"),
            channel_name=_text(body, "channel_name"),
        )
        await self._reception.command(caller, _text(body, "text"), origin=_origin(body))

    async def take_press(
        self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext
    ) -> None:
        """Acknowledge a press under a notice or a reply, and have it answered."""
        await ack()
        channel = _object(body, "channel")
        thread_ts = _text(_object(body, "container"), "thread_ts")
        caller = _caller(body, context=context, channel_id=_text(channel, "id"))
        caller = replace(caller, thread_ts=thread_ts)
        pressed: Mapping[str, Any] = body["actions"][0]
        await self._reception.press(
            caller,
            action_of(_text(pressed, "action_id")),
            _text(pressed, "value"),
            origin=_origin(body),
        )

    async def take_shortcut(
        self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext
    ) -> None:
        """Acknowledge a message shortcut, and have it answered like a press that names a thread."""
        await ack()
        message = _object(body, "message")
        thread_ts = _text(message, "thread_ts")
        channel_id = _text(_object(body, "channel"), "id")
        caller = _caller(body, context=context, channel_id=channel_id)
        await self._reception.press(
            replace(caller, thread_ts=thread_ts),
            _text(body, "callback_id"),
            thread_ts or _text(message, "ts"),
            origin=_origin(body),
        )

    async def take_form(
        self, ack: AsyncAck, body: dict[str, Any], context: AsyncBoltContext
    ) -> None:
        """Acknowledge a form with what becomes of it."""
        view = _object(body, "view")
        channel_id, state = origin_of(_text(view, "private_metadata"))
        sent = Submission(
            callback=_text(view, "callback_id").removeprefix(ADMIN_PREFIX),
            state=state,
            values=values_of(_object(view, "state").get("values")),
            view=view,
        )
        caller = _caller(body, context=context, channel_id=channel_id)
        await ack(**await self._reception.submission(caller, sent))


def _caller(body: Mapping[str, Any], *, context: AsyncBoltContext, channel_id: str) -> Caller:
    user = _object(body, "user")
    return Caller(
        team_id=team_of(body, context=context),
        channel_id=channel_id,
        user_id=_text(user, "id"),
        user_team_id=_text(user, "team_id"),
        channel_name=_text(_object(body, "channel"), "name"),
    )


def _origin(body: Mapping[str, Any]) -> Origin:
    return Origin(trigger_id=_text(body, "trigger_id"), response_url=_text(body, "response_url"))


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return cast("Mapping[str, Any]", found) if isinstance(found, dict) else {}


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""
