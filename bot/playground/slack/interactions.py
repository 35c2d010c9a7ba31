"""What an app is sent when somebody presses, submits or types a command.

Shapes from the docs pages "block_actions payload", "view interactions payload", "shortcuts
payload" and "slash commands".
"""

from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.slack.backend import Backend
from bot.playground.slack.blocks import Control
from bot.playground.slack.directory import ChannelKind
from bot.playground.slack.filling import FIELD, chosen, state_of
from bot.playground.slack.hooks import Hook, Hooks
from bot.playground.slack.message import Ephemeral, Message
from bot.playground.slack.payload import Json, as_object, as_text
from bot.playground.slack.typed import command_text
from bot.playground.slack.views import View, view_json


def pressed(control: Control, *, choice: str | None, action_ts: str) -> Json:
    """Return the `actions` entry of a press.

    Args:
        control: What was pressed.
        choice: The option chosen; for feedback buttons `positive` or `negative`; None for buttons.
        action_ts: When.

    Raises:
        ValueError: The element offers no such choice.
    """
    element = control.element
    kind = as_text(element.get("type"))
    action: Json = {
        "type": kind,
        "action_id": control.action_id,
        "block_id": control.block_id,
        "action_ts": action_ts,
    }
    if kind == "feedback_buttons":
        side = as_object(element.get(f"{choice}_button"))
        if not side:
            raise ValueError(f"no such feedback button: {choice}")
        return {**action, "text": side["text"], "value": as_text(side.get("value"))}
    if choice is not None:
        return {**action, FIELD.get(kind, "value"): chosen(element, choice=choice)}
    kept = ("text", "value", "style", "icon")
    return action | {name: element[name] for name in kept if name in element}


@dataclass(frozen=True, slots=True)
class Interactions:
    """Builds the payloads.

    Attributes:
        backend: The workspace around them.
        hooks: Mints response URLs.
        url: Returns the server's address, without a trailing slash.
    """

    backend: Backend
    hooks: Hooks
    url: Callable[[], str]

    def message_press(self, user: str, *, on: Message | Ephemeral, action: Json) -> Json:
        """Return `block_actions` of a press under a message."""
        hook = self.hooks.mint(on.channel_id, user=user, ts=on.ts, thread_ts=on.thread_ts)
        container: Json = {
            "type": "message",
            "message_ts": on.ts,
            "channel_id": on.channel_id,
            "is_ephemeral": isinstance(on, Ephemeral),
        }
        if on.thread_ts:
            container["thread_ts"] = on.thread_ts
        payload: Json = {
            **self._common("block_actions", user=user, can_open=True),
            "container": container,
            "channel": {"id": on.channel_id, "name": self._channel_name(on.channel_id)},
            "state": {"values": {}},
            "response_url": self._address(hook),
            "actions": [action],
        }
        # An ephemeral message is not stored, so Slack cannot send it back.
        if isinstance(on, Message):
            payload["message"] = self.backend.message_json(on)
        return payload

    def view_press(self, view: View, *, action: Json) -> Json:
        """Return `block_actions` of a press in a modal or a Home tab."""
        return {
            **self._common("block_actions", user=view.user, can_open=True),
            "container": {"type": "view", "view_id": view.view_id},
            "view": self._view(view, state=state_of(view)),
            "actions": [action],
        }

    def submission(self, view: View, *, state: Json) -> Json:
        """Return `view_submission`."""
        common = self._common("view_submission", user=view.user, can_open=True)
        return {**common, "view": self._view(view, state=state), "response_urls": []}

    def closing(self, view: View) -> Json:
        """Return `view_closed`."""
        common = self._common("view_closed", user=view.user, can_open=False)
        return {**common, "view": self._view(view, state={}), "is_cleared": False}

    def message_shortcut(self, user: str, *, message: Message, callback_id: str) -> Json:
        """Return `message_action`."""
        hook = self.hooks.mint(
            message.channel_id, user=user, ts=message.ts, thread_ts=message.thread_ts
        )
        name = self._channel_name(message.channel_id)
        return {
            **self._common("message_action", user=user, can_open=True),
            "callback_id": callback_id,
            "channel": {"id": message.channel_id, "name": name},
            "message_ts": message.ts,
            "message": self.backend.message_json(message),
            "response_url": self._address(hook),
        }

    def command(self, user: str, *, hook: Hook, command: str, text: str) -> Json:
        """Return the form of a slash command, `text` as it was typed."""
        workspace = self.backend.workspace
        channels = {channel.channel_id: channel.name for channel in workspace.channels.values()}
        names = channels | {person.user_id: person.name for person in workspace.users.values()}
        return {
            "token": "verification",
            "team_id": workspace.team_id,
            "team_domain": workspace.domain,
            "channel_id": hook.channel_id,
            "channel_name": self._channel_name(hook.channel_id),
            "user_id": user,
            "user_name": workspace.users[user].name,
            "command": command,
            "text": command_text(text, names=names),
            "api_app_id": workspace.app.app_id,
            "is_enterprise_install": "false",
            "response_url": self._address(hook),
            "trigger_id": self.backend.triggers.mint(user),
        }

    def _common(self, kind: str, *, user: str, can_open: bool) -> Json:
        workspace = self.backend.workspace
        person = workspace.users[user]
        team_id = person.team_id or workspace.team_id
        trigger = {"trigger_id": self.backend.triggers.mint(user)} if can_open else {}
        return {
            "type": kind,
            "token": "verification",
            "team": {"id": workspace.team_id, "domain": workspace.domain},
            "user": {"id": user, "username": person.name, "name": person.name, "team_id": team_id},
            "api_app_id": workspace.app.app_id,
            "enterprise": None,
            "is_enterprise_install": False,
            **trigger,
        }

    def _view(self, view: View, *, state: Json) -> Json:
        workspace = self.backend.workspace
        app_id, team_id = workspace.app.app_id, workspace.team_id
        return view_json(view, app_id=app_id, team_id=team_id, state=state)

    def _address(self, hook: Hook) -> str:
        return f"{self.url()}/response/{hook.hook_id}"

    def _channel_name(self, channel_id: str) -> str:
        channel = self.backend.workspace.channels[channel_id]
        match channel.kind:
            case ChannelKind.DM:
                return "directmessage"
            case ChannelKind.PRIVATE:
                return "privategroup"
            case ChannelKind.PUBLIC | ChannelKind.GROUP_DM:
                return channel.name
