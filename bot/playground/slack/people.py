"""What people do in the workspace, each with the events and payloads the app gets for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import uuid4

from bot.playground.slack.arguments import Arguments
from bot.playground.slack.backend import Backend
from bot.playground.slack.blocks import Control, controls
from bot.playground.slack.delivery import Delivery, Parcel, ParcelKind
from bot.playground.slack.directory import File
from bot.playground.slack.filling import Given, filled
from bot.playground.slack.interactions import Interactions, pressed
from bot.playground.slack.message import Draft, Message
from bot.playground.slack.payload import Json, RefusedError
from bot.playground.slack.typed import typed_blocks, typed_text
from bot.playground.slack.views import View, check_errors, checked_view


class Post(Protocol):
    """Takes parcels to the app."""

    async def deliver(self, parcel: Parcel) -> Delivery:
        """Deliver and wait for the end of it."""
        ...

    def deliver_event(self, event: Json) -> None:
        """Deliver an event beside everything else."""
        ...


@dataclass(frozen=True, slots=True)
class People:
    """Acts for the people of a workspace.

    Messages, edits and reactions change the workspace, which tells the app by itself; presses,
    submissions and commands wait for the app's answer.

    Attributes:
        backend: The workspace and its views.
        interactions: Builds payloads.
        post: Takes them to the app.
    """

    backend: Backend
    interactions: Interactions
    post: Post

    def say(
        self,
        user: str,
        channel: str,
        text: str,
        *,
        thread_ts: str | None = None,
        files: Sequence[File] | None = None,
    ) -> str:
        """Write a message and return its ts.

        Args:
            user: Who writes.
            channel: Where; the writer must be a member.
            text: As typed; mentions are written as tokens such as `<@U0BOT>`.
            thread_ts: The root of the thread.
            files: What is attached.

        Raises:
            ValueError: Slack would not let this person write there.
        """
        self._require_member(user, channel)
        workspace = self.backend.workspace
        if thread_ts and not workspace.was_there(channel, thread_ts):
            raise ValueError(f"no thread {thread_ts} in {channel}")
        for file in files or ():
            workspace.add_file(file)
        draft = Draft(
            user,
            text=typed_text(text),
            blocks=typed_blocks(text) if text else (),
            thread_ts=thread_ts or "",
            files=tuple(files or ()),
            client_msg_id=str(uuid4()),
        )
        return workspace.post(channel, draft).ts

    def edit(self, user: str, channel: str, ts: str, text: str) -> None:
        """Change one's own message.

        Raises:
            ValueError: It is not one's own, or not there.
        """
        message = self._own(user, channel, ts)
        self.backend.workspace.edit(message, text=typed_text(text), blocks=typed_blocks(text))

    def delete(self, user: str, channel: str, ts: str) -> None:
        """Delete one's own message.

        Raises:
            ValueError: It is not one's own, or not there.
        """
        self.backend.workspace.delete(self._own(user, channel, ts))

    def react(self, user: str, channel: str, ts: str, name: str) -> None:
        """Put an emoji on a message.

        Raises:
            ValueError: The message is not there.
        """
        message = self._message(channel, ts)
        self.backend.workspace.react(message, user=user, name=name, is_added=True)

    def system_message(self, user: str, channel: str, *, subtype: str, text: str = "") -> str:
        """Let Slack write a line such as `channel_topic` and return its ts."""
        return self.backend.workspace.post(channel, Draft(user, text, subtype=subtype)).ts

    def open_home(self, user: str, *, tab: str = "home") -> None:
        """Open the app's Home or Messages tab."""
        workspace = self.backend.workspace
        channel = workspace.dm(workspace.app.bot_user_id, user).channel_id
        if "app_home_opened" not in workspace.app.events:
            return
        ts = workspace.next_ts(channel)
        event: Json = {
            "type": "app_home_opened",
            "user": user,
            "channel": channel,
            "tab": tab,
            "event_ts": ts,
        }
        self.post.deliver_event(event)

    async def click(
        self, user: str, channel: str, ts: str, action_id: str, *, choice: str | None = None
    ) -> Delivery:
        """Press a button, or choose in a menu, under a message or an ephemeral message.

        Args:
            user: Who presses.
            channel: Where.
            ts: The message.
            action_id: The button.
            choice: A menu's option, or `positive` or `negative` for feedback buttons.

        Raises:
            ValueError: There is no such message, button or choice.
        """
        ephemeral = self.backend.workspace.ephemeral(channel, ts)
        if ephemeral and ephemeral.user != user:
            raise ValueError(f"{user} does not see {ts}")
        message = ephemeral or self._message(channel, ts)
        self._require_member(user, channel)
        control = _control(message.blocks, action_id=action_id)
        action_ts = self.backend.workspace.next_ts(channel)
        action = pressed(control, choice=choice, action_ts=action_ts)
        payload = self.interactions.message_press(user, on=message, action=action)
        return await self._interact(payload)

    async def click_view(
        self, view: View, action_id: str, *, choice: str | None = None
    ) -> Delivery:
        """Press a button, or choose in a menu, in a modal or a Home tab.

        Raises:
            ValueError: There is no such button or choice.
        """
        control = _control(view.blocks, action_id=action_id)
        action_ts = self.backend.workspace.next_ts("views")
        action = pressed(control, choice=choice, action_ts=action_ts)
        return await self._interact(self.interactions.view_press(view, action=action))

    async def submit(self, view: View, given: Given) -> Delivery:
        """Fill in a modal, press its submit button, and do what the app answers.

        Args:
            view: The modal.
            given: What is entered, by action_id; the rest stays as it stands.

        Raises:
            ValueError: Slack's client would not let it be entered or sent.
            RefusedError: Slack would not do what the app answered; the modal stays.
        """
        if view.view_id not in self.backend.views or "submit" not in view.payload:
            raise ValueError("it was closed, or has no button to send it")
        people = self.backend.workspace.users
        state = filled(view, given, people=people)
        delivery = await self._interact(self.interactions.submission(view, state=state))
        if delivery.is_delivered:
            self._follow(view, delivery.answer, entered=state)
        return delivery

    def _follow(self, view: View, answer: Json, *, entered: Json) -> None:
        """Do what the app answered to a submission.

        Raises:
            RefusedError: Slack would not.
        """
        views = self.backend.views
        match answer.get("response_action"):
            case "errors":
                check_errors(view, answer.get("errors"))  # the modal stays, with them in it
            case "clear":
                views.clear(view.user)
            case "update":
                shown = checked_view(answer.get("view"), kind="modal")
                views.update(view, shown, entered=entered)
            case "push":
                views.push(view, checked_view(answer.get("view"), kind="modal"))
            case None:
                views.close(view)
            case _:
                raise RefusedError("invalid_response_action")

    async def close_view(self, view: View) -> Delivery | None:
        """Close a modal; the app hears of it only if it asked to."""
        self.backend.views.close(view)
        if view.payload.get("notify_on_close") is not True:
            return None
        return await self._interact(self.interactions.closing(view))

    async def shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> Delivery:
        """Choose a message shortcut.

        Raises:
            ValueError: There is no such message.
        """
        message = self._message(channel, ts)
        payload = self.interactions.message_shortcut(user, message=message, callback_id=callback_id)
        return await self._interact(payload)

    async def command(
        self, user: str, channel: str, text: str, *, command: str = "/dashscope"
    ) -> Delivery:
        """Type a slash command and show what the app answers at once.

        Raises:
            RefusedError: Slack would not show the answer.
        """
        hook = self.interactions.hooks.mint(channel, user=user)
        payload = self.interactions.command(user, hook=hook, command=command, text=text)
        delivery = await self.post.deliver(Parcel(ParcelKind.COMMAND, payload))
        body = delivery.attempts[-1].body
        if delivery.is_delivered and body not in {"", "{}"}:
            shown = delivery.answer or {"text": body}
            self.interactions.hooks.answer(hook, Arguments(shown))
        return delivery

    async def _interact(self, payload: Json) -> Delivery:
        return await self.post.deliver(Parcel(ParcelKind.INTERACTION, payload))

    def _require_member(self, user: str, channel: str) -> None:
        found = self.backend.workspace.channels.get(channel)
        if found is None or user not in found.members or found.is_archived:
            raise ValueError(f"{user} cannot act in {channel}")

    def _message(self, channel: str, ts: str) -> Message:
        message = self.backend.workspace.message(channel, ts)
        if message is None or message.is_tombstone:
            raise ValueError(f"no message {ts} in {channel}")
        return message

    def _own(self, user: str, channel: str, ts: str) -> Message:
        message = self._message(channel, ts)
        if message.user != user:
            raise ValueError(f"{ts} is not {user}'s")
        return message


def _control(blocks: tuple[Json, ...], *, action_id: str) -> Control:
    for control in controls(blocks):
        if control.action_id == action_id:
            return control
    raise ValueError(f"no such button: {action_id}")
