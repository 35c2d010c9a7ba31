"""The screen of one command, press or submission: where its answer goes."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import structlog

from bot.core.pacing import POST
from bot.core.reply import Place, Urgency
from bot.core.screens import Caller, Form, Notice, OpenForm
from bot.errors import ChannelClosed, SlackError, SlackRefused, SlackUnavailable
from bot.slack.calls import Calls
from bot.slack.replies import WHISPER
from bot.slack.responses import Hook, Responses
from bot.slack.screens import message_of, view_of
from bot.slack.uploads import SlackUploads, Upload

OPEN_VIEW = "views.open"
UPDATE_VIEW = "views.update"
FORMS_KEPT = 1_000
"""Forms whose way back is remembered; the oldest is forgotten."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ways:
    """Every way to a reader.

    Attributes:
        calls: The Web API.
        responses: Response URLs.
        uploads: Files.
    """

    calls: Calls
    responses: Responses
    uploads: SlackUploads


class Interaction:
    """One command's, press's or submission's `core.screens.Screen`.

    Args:
        caller: Who did it, and where.
        ways: How the caller is reached.
        hook: The response URL that came with it.
        trigger_id: What opens a form within three seconds; empty when none came.
        forms: Remembers where a form was opened from.
    """

    def __init__(
        self, caller: Caller, *, ways: Ways, hook: Hook, trigger_id: str, forms: "Forms"
    ) -> None:
        self._caller = caller
        self._ways = ways
        self._hook = hook
        self._trigger_id = trigger_id
        self._forms = forms

    async def show(self, notice: Notice, *, replace: bool = False) -> None:
        """Show a notice to the caller alone.

        Through the response URL while it lasts, which needs no membership; else as an ephemeral
        message in the channel, and where the bot is not in it, as a direct message.

        Args:
            notice: What to show.
            replace: Put it in the place of the notice before, where Slack lets it.

        Raises:
            SlackError: Every way failed; in the last one's form.
        """
        message = message_of(notice)
        if self._hook.is_open and await self._responded(message, replace=replace):
            return
        try:
            await self._whisper(message)
        except (ChannelClosed, SlackRefused) as error:
            log.info("notice.rerouted", method=error.method, code=error.code)
            await self._write(message)

    async def _responded(self, message: Mapping[str, Any], *, replace: bool) -> bool:
        body = {"response_type": "ephemeral", "replace_original": replace, **_NO_PREVIEWS}
        try:
            await self._hook.say({**message, **body, **self._thread()})
        except SlackError as error:
            log.info("notice.rerouted", method=error.method, code=error.code)
            return False
        return True

    async def _whisper(self, message: Mapping[str, Any]) -> None:
        caller = self._caller
        if not caller.channel_id:
            raise ChannelClosed(method=WHISPER, code="channel_unknown")
        place = Place(caller.team_id, caller.channel_id, "")
        where = {"channel": caller.channel_id, "user": caller.user_id, **self._thread()}
        body = {**where, **message}
        await self._ways.calls.permit(place, method=WHISPER, urgency=Urgency.FIRST_WORDS)
        await self._ways.calls.send(place, method=WHISPER, body=body)

    def _thread(self) -> Mapping[str, str]:
        """Return what puts a notice into the thread its caller looks at."""
        return {"thread_ts": self._caller.thread_ts} if self._caller.thread_ts else {}

    async def _write(self, message: Mapping[str, Any]) -> None:
        caller = self._caller
        place = Place(caller.team_id, caller.user_id, "")
        body = {"channel": caller.user_id, **_NO_PREVIEWS, **message}
        await self._ways.calls.permit(place, method=POST, urgency=Urgency.FIRST_WORDS)
        await self._ways.calls.send(place, method=POST, body=body)

    async def open(self, form: Form) -> OpenForm:
        """Open a form; only within three seconds of the command or press, and only once.

        It waits for no budget: a trigger that has waited is worth nothing.

        Raises:
            SlackError: In its most specific form; SlackRefused with `expired_trigger_id` when it
                came too late.
        """
        caller = self._caller
        place = Place(caller.team_id, "", "")
        view = view_of(form, origin=caller.channel_id)
        body = {"trigger_id": self._trigger_id, "view": view}
        answer = await self._ways.calls.send(place, method=OPEN_VIEW, body=body)
        view_id = str(cast("dict[str, Any]", answer.get("view") or {}).get("id") or "")
        if not view_id:
            raise SlackUnavailable(method=OPEN_VIEW, code="not_json")
        self._forms.remember(view_id, self._hook)
        return _OpenView(view_id, caller=caller, calls=self._ways.calls)

    async def send_file(self, name: str, content: bytes, *, comment: str, title: str) -> None:
        """Send a file to the caller's direct messages.

        Raises:
            SlackError: In its most specific form; SlackTokenRefused when a scope is missing.
        """
        caller = self._caller
        upload = Upload(name=name, content=content, title=title, comment=comment)
        await self._ways.uploads.send_to_person(caller.team_id, caller.user_id, upload)


# Addresses in what people have stored are shown, not visited.
_NO_PREVIEWS: Mapping[str, Any] = {"unfurl_links": False, "unfurl_media": False}


class _OpenView:
    """A form that somebody looks at."""

    def __init__(self, view_id: str, *, caller: Caller, calls: Calls) -> None:
        self._view_id = view_id
        self._caller = caller
        self._calls = calls

    async def become(self, form: Form) -> None:
        """Show another form in its place; tried twice, for the one there now may only ask to wait.

        Raises:
            SlackError: In its most specific form; SlackRefused with `not_found` when it was closed.
        """
        place = Place(self._caller.team_id, "", "")
        view = view_of(form, origin=self._caller.channel_id)
        body = {"view_id": self._view_id, "view": view}
        try:
            await self._update(place, body)
        except SlackUnavailable:
            await self._update(place, body)

    async def _update(self, place: Place, body: Mapping[str, Any]) -> None:
        await self._calls.permit(place, method=UPDATE_VIEW, urgency=Urgency.FIRST_WORDS)
        await self._calls.send(place, method=UPDATE_VIEW, body=body)


class Forms:
    """Which response URL led to which open form, as long as this process remembers.

    A submission brings none of its own. One that reaches another process, or comes after a restart,
    is answered in the channel or by direct message.
    """

    def __init__(self) -> None:
        self._hooks: OrderedDict[str, Hook] = OrderedDict()

    def remember(self, view_id: str, hook: Hook) -> None:
        """Keep a form's way back."""
        self._hooks[view_id] = hook
        if len(self._hooks) > FORMS_KEPT:
            self._hooks.popitem(last=False)

    def hook(self, view_id: str) -> Hook | None:
        """Return a form's way back."""
        return self._hooks.get(view_id)


class Interactions:
    """Makes the screen of each interaction.

    Args:
        ways: How people are reached.
    """

    def __init__(self, ways: Ways) -> None:
        self._ways = ways
        self._forms = Forms()

    def of_press(self, caller: Caller, *, trigger_id: str, response_url: str) -> Interaction:
        """Return the screen of a command or a press."""
        hook = self._ways.responses.hook(response_url)
        return self._screen(caller, hook=hook, trigger_id=trigger_id)

    def of_form(self, caller: Caller, *, view_id: str) -> Interaction:
        """Return the screen of a submission."""
        hook = self._forms.hook(view_id) or self._ways.responses.hook("")
        return self._screen(caller, hook=hook, trigger_id="")

    def _screen(self, caller: Caller, *, hook: Hook, trigger_id: str) -> Interaction:
        return Interaction(
            caller, ways=self._ways, hook=hook, trigger_id=trigger_id, forms=self._forms
        )
