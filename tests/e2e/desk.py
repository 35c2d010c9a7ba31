"""Somebody at a keyboard in the playground's workspace, who configures the bot."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from logbook import Logbook, logged
from pydantic import SecretStr
from rig import ANN, BEN, BOT, GROUP_DM, PRIVATE, PUBLIC, WITHIN_S, Rig

from bot.playground.slack.blocks import controls
from bot.playground.slack.change import Change, Whispered
from bot.playground.slack.delivery import Delivery, Parcel, ParcelKind
from bot.playground.slack.directory import Channel, ChannelKind, User
from bot.playground.slack.filling import Given, filled
from bot.playground.slack.message import Ephemeral, Message, visible_text
from bot.playground.slack.payload import Json
from bot.playground.slack.views import View
from storage.database import Storage
from storage.records import AuditEntry, StoredApp

TEAM = "T0PLAY"
ADA = "U0ADA"
"""An admin who reads English; Ann and Ben are members, and Ann made #channel."""
LIN = "U0LIN"
"""An admin who reads Chinese."""
GUS = "U0GUS"
"""A guest."""
ALONE = "C0ALONE"
"""A public channel the bot is not in."""
HIDDEN = "C0HIDDEN"
"""A private channel the bot is not in."""
HERE = f"channel:{PUBLIC}"
"""Where the settings of #channel are filed."""
ENCRYPTION_KEY = "heliotrope-key-at-rest-0123456789abcdef"


@dataclass
class Desk:
    """What people do about the bot's settings, and what they see of it.

    Every act checks what holds for all of them: Slack got its empty acknowledgement at once, and
    no word stands where others can read it.

    Attributes:
        rig: The servers.
        storage: What the bot stored.
        log: What the bot logged.
        heard: Every notice anybody was shown, the replaced ones too.
        due: How many there should have been.
    """

    rig: Rig
    storage: Storage
    log: Logbook
    heard: list[Ephemeral] = field(default_factory=list[Ephemeral])
    due: int = 0

    # commands

    async def type(self, text: str, *, by: str = ADA, channel: str = PUBLIC) -> Ephemeral:
        """Type a command and return the notice that answers it."""
        return await self._answered(by, lambda: self._command(text, by=by, channel=channel))

    async def say(self, text: str, *, by: str = ADA, channel: str = PUBLIC) -> str:
        """Type a command and return the words of its answer."""
        return visible_text(await self.type(text, by=by, channel=channel))

    async def press(self, notice: Ephemeral, label: str) -> Ephemeral:
        """Press a button under a notice, by what stands on it; return the notice that answers."""
        return await self._answered(notice.user, lambda: self._click(notice, label))

    # forms

    async def open(self, text: str, *, by: str = ADA, channel: str = PUBLIC) -> View:
        """Type a command that opens a form; return the form when it is filled."""
        return await self._opened(by, lambda: self._command(text, by=by, channel=channel))

    async def press_open(self, notice: Ephemeral, label: str) -> View:
        """Press a button that opens a form; return the form when it is filled."""
        return await self._opened(notice.user, lambda: self._click(notice, label))

    async def save(self, view: View, given: Given) -> str:
        """Send a form that is taken; return the words of the notice that follows."""

        async def send() -> None:
            assert await self.send(view, given) == {}
            assert self.modal(view.user) is None

        return visible_text(await self._answered(view.user, send))

    async def refused(self, view: View, given: Given) -> Mapping[str, str]:
        """Send a form that is refused; return what stands under which input."""
        answer = await self.send(view, given)
        assert answer["response_action"] == "errors", answer
        assert view.view_id in self.rig.slack.people.backend.views  # it stays
        keys = {block["block_id"]: key for block, key in _asked(view)}
        return {keys[block_id]: said for block_id, said in answer["errors"].items()}

    async def replaced(self, view: View, given: Given) -> View:
        """Send a form that another one takes the place of; return that one."""
        answer = await self.send(view, given)
        assert answer["response_action"] == "update", answer
        return self.rig.slack.people.backend.views[view.view_id]

    async def send(self, view: View, given: Given) -> Json:
        """Fill in a form, send it, and return what the bot answered."""
        delivery = await self.rig.slack.people.submit(view, given)
        assert_in_time(delivery)
        return delivery.answer

    def modal(self, user: str) -> View | None:
        """Return the form on somebody's screen."""
        return self.rig.slack.people.backend.views.modal(user)

    # what nobody's client would send

    async def forge_form(
        self, view: View, given: Given, *, tamper: Callable[[Json], None], by: str = ""
    ) -> Json:
        """Send a form after `tamper` changed its `view`; return what the bot answered."""
        slack = self.rig.slack
        state = filled(view, given, people=slack.workspace.users)
        sent = replace(view, user=by or view.user)
        payload = slack.people.interactions.submission(sent, state=state)
        tamper(payload["view"])
        delivery = await slack.deliver(Parcel(ParcelKind.INTERACTION, payload))
        assert_in_time(delivery)
        return delivery.answer

    async def forge_press(self, notice: Ephemeral, action: str, value: str) -> Ephemeral:
        """Press a button that a notice never had; return the notice that answers."""
        slack = self.rig.slack
        ts = slack.workspace.next_ts(notice.channel_id)
        pressed: Json = {"type": "button", "action_id": action, "value": value, "action_ts": ts}
        payload = slack.people.interactions.message_press(notice.user, on=notice, action=pressed)

        async def press() -> None:
            assert_acked(await slack.deliver(Parcel(ParcelKind.INTERACTION, payload)))

        return await self._answered(notice.user, press)

    # people

    def change(self, user: str, **changes: Any) -> None:
        """Change who somebody is in the workspace, such as `is_admin=False`."""
        self.rig.slack.workspace.change_user(user, **changes)

    # what is stored

    async def values(self, scope: str = HERE) -> Mapping[str, Any]:
        """Return what is set at a scope."""
        return (await self.storage.settings.get(TEAM, scope))[scope].values

    async def trail(self) -> Sequence[AuditEntry]:
        """Return every change, the newest first."""
        return await self.storage.audit.page(TEAM, scope=None, before_id=None, limit=1_000)

    async def app(self, name: str) -> StoredApp:
        """Return a registered app."""
        app = await self.storage.apps.get(TEAM, name)
        assert app is not None
        return app

    # files

    async def files_of(self, user: str, *, count: int) -> Sequence[str]:
        """Wait until the bot sent somebody so many files; return their names."""

        def names() -> Sequence[str] | None:
            found = [file.name for m in self._direct(user) for file in m.draft.files]
            return found if len(found) >= count else None

        return await self.rig.slack.until(names, timeout_s=WITHIN_S)

    def file_of(self, user: str, name: str) -> bytes:
        """Return a file the bot sent somebody."""
        files = [file for m in self._direct(user) for file in m.draft.files]
        return next(file.content for file in files if file.name == name)

    def _direct(self, user: str) -> Sequence[Message]:
        workspace = self.rig.slack.workspace
        return workspace.messages(workspace.dm(user, BOT).channel_id)

    # the rest

    async def _command(self, text: str, *, by: str, channel: str) -> None:
        assert_acked(await self.rig.slack.command(by, channel, text))

    async def _click(self, notice: Ephemeral, label: str) -> None:
        action_id = next(c.action_id for c in controls(notice.blocks) if c.label == label)
        slack = self.rig.slack
        assert_acked(await slack.click(notice.user, notice.channel_id, notice.ts, action_id))

    async def _answered(self, by: str, act: Callable[[], Awaitable[None]]) -> Ephemeral:
        known, spoken = len(self.heard), self._spoken()
        self.due += 1
        await act()

        def answer() -> Ephemeral | None:
            return next((notice for notice in self.heard[known:] if notice.user == by), None)

        notice = await self.rig.slack.until(answer, timeout_s=WITHIN_S)
        assert self._spoken() == spoken, "others can read it"
        return notice

    async def _opened(self, by: str, act: Callable[[], Awaitable[None]]) -> View:
        journal = self.rig.slack.journal
        opened, updated = journal.count("views.open", "ok"), journal.count("views.update", "ok")
        await act()
        await self.rig.slack.until(
            lambda: journal.count("views.update", "ok") > updated, timeout_s=WITHIN_S
        )
        assert journal.count("views.open", "ok") == opened + 1
        view = self.modal(by)
        assert view is not None
        return view

    def _spoken(self) -> int:
        """Return how many messages of the bot everybody can read."""
        workspace = self.rig.slack.workspace
        places = (PUBLIC, PRIVATE, GROUP_DM, ALONE, HIDDEN)
        return sum(m.user == BOT for place in places for m in workspace.messages(place))

    def hear(self, change: Change) -> None:
        """Keep the notices among the changes of the workspace."""
        if isinstance(change, Whispered):
            self.heard.append(change.ephemeral)


@asynccontextmanager
async def a_desk(rig: Rig, **settings: object) -> AsyncGenerator[Desk]:
    """Run a bot, with people about who may configure it.

    Afterwards every act had its one answer, and nothing broke that the log would tell of.

    Args:
        rig: The servers.
        settings: Further settings of the bot.
    """
    rig.changes |= {"encryption_keys": (SecretStr(ENCRYPTION_KEY),), **settings}
    # On how busy a machine this runs is no matter: that the bot is done within the three seconds
    # that Slack waits is shown by what it leaves for later, and by the bounds of what it does not.
    dispatcher = rig.slack.dispatcher
    dispatcher.rules = replace(dispatcher.rules, ack_timeout_s=WITHIN_S)
    _fill(rig)
    with logged("DEBUG") as log:
        async with rig.bot():
            storage = Storage(rig.database_url, exclusive=False, keys=(ENCRYPTION_KEY,))
            async with storage:
                desk = Desk(rig, storage, log)
                rig.slack.workspace.watch(desk.hear)
                yield desk
    rig.slack.workspace.unwatch(desk.hear)
    assert len(desk.heard) == desk.due, "an act had no answer, or two"
    broken = [line for line in log.lines if _is_breakage(line)]
    assert not broken


def _is_breakage(line: Mapping[str, Any]) -> bool:
    """Tell whether a log line is of something of ours that broke, not of what vendors refused."""
    is_of_command = str(line["event"]).startswith(("command.", "notice.", "library."))
    return line["level"] in {"error", "critical"} and (is_of_command or "where" in line)


def _fill(rig: Rig) -> None:
    workspace = rig.slack.workspace
    for user in (
        User(ADA, name="ada", real_name="Ada", is_admin=True),
        User(LIN, name="lin", real_name="Lin", is_admin=True, locale="zh-CN"),
        User(GUS, name="gus", real_name="Gus", is_restricted=True),
    ):
        workspace.add_user(user)
    people = frozenset({ADA, LIN, GUS, ANN, BEN})
    for place in (PUBLIC, PRIVATE, GROUP_DM):
        channel = workspace.channels[place]
        workspace.add_channel(replace(channel, members=channel.members | people, creator=ANN))
    for place, kind in ((ALONE, ChannelKind.PUBLIC), (HIDDEN, ChannelKind.PRIVATE)):
        workspace.add_channel(Channel(place, name=place.lower(), kind=kind, members=people))


def assert_in_time(delivery: Delivery) -> None:
    """The app took it, at the first try, before Slack gave it up."""
    [attempt] = delivery.attempts
    assert delivery.is_delivered, attempt


def assert_acked(delivery: Delivery) -> None:
    """The app took it in time and said nothing yet: whatever it says there Slack shows."""
    assert_in_time(delivery)
    assert delivery.attempts[-1].body in {"", "{}"}


def labels(notice: Ephemeral) -> tuple[str, ...]:
    """Return what stands on the buttons under a notice."""
    return tuple(control.label for control in controls(notice.blocks))


def words_of(view: View) -> str:
    """Return all that a form tells beside its inputs."""
    sections = (block["text"]["text"] for block in view.blocks if block["type"] == "section")
    return "\n".join(sections)


def inputs(view: View) -> Mapping[str, Json]:
    """Return the inputs of a form by their keys."""
    return {key: block["element"] for block, key in _asked(view)}


def _asked(view: View) -> Sequence[tuple[Json, str]]:
    """Return each block of a form that asks for something, with its key."""
    blocks = (block for block in view.blocks if block["type"] == "input")
    return [(block, block["element"]["action_id"]) for block in blocks]


def offers(view: View, key: str) -> Mapping[str, str]:
    """Return what stands on the choices of an input, by their values."""
    return {option["value"]: option["text"]["text"] for option in inputs(view)[key]["options"]}


def suggests(view: View, key: str) -> str:
    """Return what stands in an empty input."""
    return inputs(view)[key]["placeholder"]["text"]


def holds(view: View, key: str) -> object:
    """Return what an input of a form holds at first; a choice as its value."""
    control = inputs(view)[key]
    if "initial_option" in control:
        return control["initial_option"]["value"]
    if "initial_options" in control:
        return tuple(option["value"] for option in control["initial_options"])
    return control.get("initial_value", "")


def today() -> str:
    """Return the UTC day as reports name it."""
    return time.strftime("%Y-%m-%d", time.gmtime())
