"""The methods `conversations.*`: docs pages of the same names."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from bot.playground.slack.arguments import Arguments
from bot.playground.slack.backend import Backend, Method
from bot.playground.slack.directory import Channel, ChannelKind, channel_json
from bot.playground.slack.limits import ONE_PER_MIN_PAGE
from bot.playground.slack.message import Message
from bot.playground.slack.payload import Json, RefusedError

_DEFAULT_PAGE = 100
_HISTORY_PAGE_MAX = 999
_REPLIES_PAGE_MAX = 1_000
_LIST_PAGE_MAX = 1_000
_GROUP_DM_MEMBERS_MAX = 9  # the app is the one that makes it 9, docs page of conversations.open

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a longer list.

    Attributes:
        start: Where it begins.
        size: How many items it takes.
        total: How many there are.
    """

    start: int
    size: int
    total: int

    @property
    def has_more(self) -> bool:
        """Another page follows."""
        return self.start + self.size < self.total

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return this page's items."""
        return items[self.start : self.start + self.size]

    @property
    def cursor(self) -> Json:
        """The `response_metadata` that leads on."""
        after = f"next:{self.start + self.size}" if self.has_more else ""
        return {"next_cursor": base64.b64encode(after.encode()).decode()}


def page_of(args: Arguments, *, total: int, default: int, maximum: int) -> Page:
    """Read limit and cursor.

    Raises:
        RefusedError: `invalid_limit` or `invalid_cursor`.
    """
    size = args.number("limit", default=default, maximum=maximum)
    return Page(_start(args.text("cursor")), size, total)


def _start(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, start = base64.b64decode(cursor, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise RefusedError("invalid_cursor") from None
    if word != "next" or not start.isdecimal():
        raise RefusedError("invalid_cursor")
    return int(start)


def _shown(backend: Backend, channel: Channel) -> Json:
    viewer = backend.app.bot_user_id
    return channel_json(channel, team_id=backend.workspace.team_id, viewer=viewer)


def info(backend: Backend, args: Arguments) -> Json:
    """Describe a channel."""
    channel = backend.channel(args.required("channel"), scope="read")
    body = _shown(backend, channel)
    if args.flag("include_num_members"):
        body["num_members"] = len(channel.members)
    if args.flag("include_locale"):
        body["locale"] = "en-US"
    return {"channel": body}


def list_(backend: Backend, args: Arguments) -> Json:
    """List the channels the app may know of."""
    types = set((args.text("types") or "public_channel").split(","))
    if not types <= {kind.listing for kind in ChannelKind}:
        raise RefusedError("invalid_types")
    channels = [
        channel
        for channel in backend.workspace.channels.values()
        if channel.kind.listing in types
        and (channel.kind is ChannelKind.PUBLIC or backend.is_member(channel))
        and not (channel.is_archived and args.flag("exclude_archived"))
    ]
    page = page_of(args, total=len(channels), default=_DEFAULT_PAGE, maximum=_LIST_PAGE_MAX)
    shown = [_shown(backend, channel) for channel in page.of(channels)]
    return {"channels": shown, "response_metadata": page.cursor}


def members(backend: Backend, args: Arguments) -> Json:
    """List a channel's members."""
    channel = backend.channel(args.required("channel"), scope="read")
    everybody = sorted(channel.members)
    page = page_of(args, total=len(everybody), default=_DEFAULT_PAGE, maximum=_LIST_PAGE_MAX)
    return {"members": list(page.of(everybody)), "response_metadata": page.cursor}


def open_(backend: Backend, args: Arguments) -> Json:
    """Open direct messages."""
    if channel_id := args.text("channel"):
        channel = backend.channel(channel_id)
    else:
        channel = _opened(backend, [u.strip() for u in args.text("users").split(",") if u.strip()])
    full = args.flag("return_im")
    return {"channel": _shown(backend, channel) if full else {"id": channel.channel_id}}


def _opened(backend: Backend, user_ids: list[str]) -> Channel:
    if not user_ids:
        raise RefusedError("users_list_not_supplied")
    if len(user_ids) > _GROUP_DM_MEMBERS_MAX - 1:
        raise RefusedError("too_many_users")
    users = [backend.workspace.users.get(user_id) for user_id in user_ids]
    for user in users:
        if user is None:
            raise RefusedError("user_not_found")
        if user.is_bot:
            raise RefusedError("cannot_dm_bot")
        if user.deleted:
            raise RefusedError("user_disabled")
    return backend.workspace.dm(backend.app.bot_user_id, *user_ids)


def join(backend: Backend, args: Arguments) -> Json:
    """Join a public channel."""
    channel = backend.channel(args.required("channel"))
    if channel.kind is not ChannelKind.PUBLIC:
        raise RefusedError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise RefusedError("is_archived")
    warning = {"warning": "already_in_channel"} if backend.is_member(channel) else {}
    backend.workspace.join(channel.channel_id, backend.app.bot_user_id)
    return {"channel": _shown(backend, backend.channel(channel.channel_id)), **warning}


@dataclass(frozen=True, slots=True)
class _Span:
    """The part of a channel's life a call asks for; both ends are open unless `inclusive`."""

    oldest: str
    latest: str
    inclusive: bool

    def __contains__(self, ts: str) -> bool:
        if self.inclusive and ts in {self.oldest, self.latest}:
            return True
        return (not self.oldest or _moment(ts) > _moment(self.oldest)) and (
            not self.latest or _moment(ts) < _moment(self.latest)
        )


def _moment(ts: str) -> tuple[int, int]:
    """Return a ts in a form that compares exactly."""
    seconds, _, fraction = ts.partition(".")
    if not seconds.isdecimal() or not (fraction or "0").isdecimal():
        raise RefusedError("invalid_ts_oldest")
    return int(seconds), int((fraction or "0").ljust(6, "0")[:6])


def _span(args: Arguments) -> _Span:
    latest = args.text("latest")
    return _Span(args.text("oldest"), "" if latest == "now" else latest, args.flag("inclusive"))


def _readable(backend: Backend, args: Arguments) -> Channel:
    channel = backend.channel(args.required("channel"), scope="history")
    backend.require_membership(channel)
    return channel


def _reading_page(backend: Backend, args: Arguments, *, total: int, maximum: int) -> Page:
    if backend.limits.is_reading_scarce:
        page = page_of(args, total=total, default=ONE_PER_MIN_PAGE, maximum=maximum)
        return Page(page.start, min(page.size, ONE_PER_MIN_PAGE), total)
    default = maximum if maximum == _REPLIES_PAGE_MAX else _DEFAULT_PAGE
    return page_of(args, total=total, default=default, maximum=maximum)


def history(backend: Backend, args: Arguments) -> Json:
    """Return a channel's messages outside threads, newest first."""
    channel = _readable(backend, args)
    span = _span(args)
    found = [
        message
        for message in reversed(backend.workspace.messages(channel.channel_id))
        if (not message.thread_ts or message.draft.is_broadcast) and message.ts in span
    ]
    page = _reading_page(backend, args, total=len(found), maximum=_HISTORY_PAGE_MAX)
    return _messages(backend, args, page=page, found=page.of(found))


def replies(backend: Backend, args: Arguments) -> Json:
    """Return a thread, oldest first.

    The root leads every page whatever the span. On the first page it counts against the limit. The
    ts of a reply returns that reply alone.
    """
    channel = _readable(backend, args)
    ts = args.required("ts")
    first = backend.workspace.message(channel.channel_id, ts)
    if first is None:
        raise RefusedError("thread_not_found")
    span = _span(args)
    rest = backend.workspace.replies(channel.channel_id, ts)
    thread = [first, *(message for message in rest if message.ts in span)]
    page = _reading_page(backend, args, total=len(thread), maximum=_REPLIES_PAGE_MAX)
    found = page.of(thread) if page.start == 0 else [first, *page.of(thread)]
    return _messages(backend, args, page=page, found=found)


def _messages(backend: Backend, args: Arguments, *, page: Page, found: Sequence[Message]) -> Json:
    with_metadata = args.flag("include_all_metadata")
    answer: Json = {
        "messages": [backend.message_json(m, with_metadata=with_metadata) for m in found],
        "has_more": page.has_more,
    }
    return answer | ({"response_metadata": page.cursor} if page.has_more else {})


_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")

CONVERSATIONS_METHODS = {
    "conversations.history": Method(history, _HISTORY),
    "conversations.info": Method(info, _READ),
    "conversations.join": Method(join, ("channels:join",)),
    "conversations.list": Method(list_, _READ),
    "conversations.members": Method(members, _READ),
    "conversations.open": Method(
        open_, ("channels:manage", "groups:write", "im:write", "mpim:write")
    ),
    "conversations.replies": Method(replies, _HISTORY),
}
