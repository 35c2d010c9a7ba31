"""What the methods of the Web API work on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from bot.playground.slack.arguments import Arguments
from bot.playground.slack.directory import App, Channel, ChannelKind
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import Message, Scenery, message_json
from bot.playground.slack.payload import Json, RefusedError
from bot.playground.slack.pending import PendingFiles
from bot.playground.slack.triggers import Triggers
from bot.playground.slack.views import Views
from bot.playground.slack.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Backend:
    """The workspace and what else a method needs.

    Attributes:
        workspace: The state.
        limits: How much it takes.
        clock: Monotonic, in seconds.
        triggers: Open trigger ids.
        views: Modals and Home tabs.
        pending: Files on their way.
        socket_url: Returns a fresh address for Socket Mode.
        files_url: Returns where files are served.
    """

    workspace: Workspace
    limits: Limits
    clock: Callable[[], float]
    triggers: Triggers
    socket_url: Callable[[], str]
    files_url: Callable[[], str]
    views: Views = field(default_factory=Views)
    pending: PendingFiles = field(default_factory=PendingFiles)

    @property
    def app(self) -> App:
        """The installed app."""
        return self.workspace.app

    @property
    def scenery(self) -> Scenery:
        """What a message's JSON needs."""
        return Scenery(self.app, self.workspace.team_id, self.files_url())

    def channel(self, channel_id: str, *, scope: str = "") -> Channel:
        """Return a channel the app may know of.

        Args:
            channel_id: Its id.
            scope: The second half of the scope the app needs for a channel of that kind, such as
                `history`; empty when any app may.

        Raises:
            RefusedError: `channel_not_found` or `missing_scope`.
        """
        channel = self.workspace.channels.get(channel_id)
        if channel is None:
            raise RefusedError("channel_not_found")
        if channel.kind is not ChannelKind.PUBLIC and not self.is_member(channel):
            raise RefusedError("channel_not_found")
        if scope:
            require_scope(self.app, f"{channel.kind.scope_stem}:{scope}")
        return channel

    def is_member(self, channel: Channel) -> bool:
        """Tell whether the app's bot user is in a channel."""
        return self.app.bot_user_id in channel.members

    def require_membership(self, channel: Channel) -> None:
        """Refuse an app that is not in the channel.

        Raises:
            RefusedError: `not_in_channel`.
        """
        if not self.is_member(channel):
            raise RefusedError("not_in_channel")

    def message(self, channel: Channel, ts: str) -> Message:
        """Return a message that still stands.

        Raises:
            RefusedError: `message_not_found`.
        """
        message = self.workspace.message(channel.channel_id, ts)
        if message is None or message.is_tombstone:
            raise RefusedError("message_not_found")
        return message

    def message_json(self, message: Message, *, with_metadata: bool = False) -> Json:
        """Return a message as the Web API shows it."""
        thread = self.workspace.thread_of(message)
        body = message_json(message, scenery=self.scenery, thread=thread)
        if with_metadata and message.draft.metadata is not None:
            body["metadata"] = message.draft.metadata
        return body


def require_scope(app: App, *scopes: str) -> None:
    """Refuse an app that has none of the scopes.

    Raises:
        RefusedError: `missing_scope`, with `needed` and `provided`.
    """
    if scopes and not app.scopes.intersection(scopes):
        provided = ",".join(sorted(app.scopes))
        raise RefusedError("missing_scope", needed=",".join(scopes), provided=provided)


class TokenKind(Enum):
    """Which token a method wants."""

    NONE = "none"
    BOT = "bot"
    APP = "app"


Handler: TypeAlias = Callable[[Backend, Arguments], Json]


@dataclass(frozen=True, slots=True)
class Method:
    """One method of the Web API.

    Attributes:
        handle: Returns the answer without `ok`, or raises RefusedError.
        scopes: The token needs one of them.
        token: The kind of token it wants.
    """

    handle: Handler
    scopes: tuple[str, ...] = ()
    token: TokenKind = TokenKind.BOT
