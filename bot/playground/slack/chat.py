"""The methods `chat.*`: docs pages of the same names."""

from dataclasses import dataclass
from typing import Any

from bot.playground.slack.arguments import Arguments
from bot.playground.slack.backend import Backend, Method
from bot.playground.slack.checks import MARKDOWN_CHARS_MAX, checked_metadata, message_blocks
from bot.playground.slack.directory import Channel, ChannelKind
from bot.playground.slack.message import Draft, Ephemeral, Message
from bot.playground.slack.payload import Json, RefusedError

_POST_TEXT_CHARS_MAX = 40_000  # longer text is cut
_UPDATE_TEXT_CHARS_MAX = 4_000  # longer text is refused


@dataclass(frozen=True, slots=True)
class _Content:
    """What a call wants shown; None is an argument that was not given."""

    text: str
    blocks: tuple[Json, ...] | None


def _content(backend: Backend, args: Arguments, *, text_max: int | None = None) -> _Content:
    """Read text, blocks and markdown_text.

    Raises:
        RefusedError: `markdown_text_conflict`, `msg_too_long`, `invalid_blocks` or
            `msg_blocks_too_long`.
    """
    markdown = args.text("markdown_text")
    if markdown:
        return _markdown(backend, args, markdown)
    text = args.text("text")
    if text_max is not None and len(text) > text_max:
        raise RefusedError("msg_too_long")
    value = args.structure("blocks", error="invalid_blocks")
    blocks = None if value is None else message_blocks(value, limits=backend.limits)
    return _Content(text, blocks)


def _markdown(backend: Backend, args: Arguments, markdown: str) -> _Content:
    if args.text("text") or "blocks" in args:
        raise RefusedError("markdown_text_conflict")
    if len(markdown) > MARKDOWN_CHARS_MAX:
        raise RefusedError("msg_too_long")
    blocks = message_blocks([{"type": "markdown", "text": markdown}], limits=backend.limits)
    return _Content("", blocks)


def _require_words(content: _Content) -> None:
    if not content.text.strip() and not content.blocks:
        raise RefusedError("no_text")


def _metadata(args: Arguments) -> Json | None:
    value = args.structure("metadata", error="invalid_metadata_format")
    return checked_metadata(value)


def _channel_to_post(backend: Backend, args: Arguments) -> Channel:
    """Return the channel of a post; a person's id means the direct messages with them.

    Raises:
        RefusedError: `channel_not_found`, `is_archived` or `not_in_channel`.
    """
    channel_id = args.required("channel")
    if channel_id in backend.workspace.users:
        return _dm(backend, channel_id)
    channel = backend.channel(channel_id)
    if channel.is_archived:
        raise RefusedError("is_archived")
    may_post_anywhere = "chat:write.public" in backend.app.scopes
    if channel.kind is not ChannelKind.PUBLIC or not may_post_anywhere:
        backend.require_membership(channel)
    return channel


def _dm(backend: Backend, user_id: str) -> Channel:
    user = backend.workspace.users[user_id]
    if user.is_bot or user.deleted:
        raise RefusedError("channel_not_found")
    return backend.workspace.dm(backend.app.bot_user_id, user_id)


def _require_root(backend: Backend, channel: Channel, thread_ts: str) -> None:
    """Refuse a thread_ts that is not the root of a thread that still stands.

    Slack lets a reply's own ts pass and loses the message to view; here it is refused.
    """
    if not thread_ts:
        return
    root = backend.workspace.message(channel.channel_id, thread_ts)
    if root is None and not backend.workspace.was_there(channel.channel_id, thread_ts):
        raise RefusedError("thread_not_found")
    if root is None or root.is_tombstone or root.thread_ts:
        raise RefusedError("cannot_reply_to_message")


def post_message(backend: Backend, args: Arguments) -> Json:
    """Post as the app."""
    channel = _channel_to_post(backend, args)
    content = _content(backend, args)
    _require_words(content)
    metadata = _metadata(args)
    thread_ts = args.text("thread_ts")
    _require_root(backend, channel, thread_ts)
    draft = Draft(
        user=backend.app.bot_user_id,
        bot_id=backend.app.bot_id,
        text=content.text[:_POST_TEXT_CHARS_MAX],
        blocks=content.blocks or (),
        thread_ts=thread_ts,
        metadata=metadata,
        is_broadcast=bool(thread_ts) and args.flag("reply_broadcast"),
        link_names=_links_names(args),
    )
    message = backend.workspace.post(channel.channel_id, draft)
    answer: Json = {
        "channel": channel.channel_id,
        "ts": message.ts,
        "message": backend.message_json(message),
    }
    if len(content.text) > _POST_TEXT_CHARS_MAX:
        answer["response_metadata"] = {"warnings": ["message_truncated"]}
    return answer


def _links_names(args: Arguments) -> bool:
    return args.flag("link_names") or args.text("parse") == "full"


def update(backend: Backend, args: Arguments) -> Json:
    """Change a message of the app.

    Text without blocks removes the blocks; neither of them keeps what is shown. Without `metadata`
    the message keeps its metadata.
    """
    channel = backend.channel(args.required("channel"))
    ts = args.required("ts")
    if channel.is_archived:
        raise RefusedError("is_archived")
    backend.require_membership(channel)
    message = backend.message(channel, ts)
    if message.draft.bot_id != backend.app.bot_id:
        raise RefusedError("cant_update_message")
    _require_open_window(backend, message)
    content = _content(backend, args, text_max=_UPDATE_TEXT_CHARS_MAX)
    changes: dict[str, Any] = {"link_names": _links_names(args)}
    if "metadata" in args:
        changes["metadata"] = _metadata(args)
    if content.text or content.blocks is not None:
        _require_words(content)
        changes |= {"text": content.text, "blocks": content.blocks or ()}
    elif "metadata" not in args:
        raise RefusedError("no_text")
    after = backend.workspace.edit(message, labelled=not _keeps_blocks(message, changes), **changes)
    shown = backend.message_json(after)
    return {"channel": channel.channel_id, "ts": ts, "text": after.text, "message": shown}


def _keeps_blocks(message: Message, changes: dict[str, Any]) -> bool:
    return bool(changes.get("blocks", message.blocks))


def _require_open_window(backend: Backend, message: Message) -> None:
    window_s = backend.limits.edit_window_s
    if window_s is None:
        return
    if backend.clock() - backend.workspace.posted_at(message) > window_s:
        raise RefusedError("edit_window_closed")


def delete(backend: Backend, args: Arguments) -> Json:
    """Delete a message of the app."""
    channel = backend.channel(args.required("channel"))
    message = backend.message(channel, args.required("ts"))
    if message.draft.bot_id != backend.app.bot_id:
        raise RefusedError("cant_delete_message")
    backend.workspace.delete(message)
    return {"channel": channel.channel_id, "ts": message.ts}


def post_ephemeral(backend: Backend, args: Arguments) -> Json:
    """Show one member of a channel a message nobody else sees."""
    channel = _channel_to_post(backend, args)
    user = args.required("user")
    if user not in channel.members:
        raise RefusedError("user_not_in_channel")
    content = _content(backend, args)
    _require_words(content)
    ts = backend.workspace.next_ts(channel.channel_id)
    blocks, thread_ts = content.blocks or (), args.text("thread_ts")
    backend.workspace.whisper(
        Ephemeral(channel.channel_id, user, ts, content.text, blocks, thread_ts)
    )
    return {"message_ts": ts}


def get_permalink(backend: Backend, args: Arguments) -> Json:
    """Return the address of a message."""
    channel = backend.channel(args.required("channel"))
    message = backend.message(channel, args.required("message_ts"))
    archive = f"https://{backend.workspace.domain}.slack.com/archives/{channel.channel_id}"
    link = f"{archive}/p{message.ts.replace('.', '')}"
    if message.thread_ts:
        link += f"?thread_ts={message.thread_ts}&cid={channel.channel_id}"
    return {"channel": channel.channel_id, "permalink": link}


CHAT_METHODS = {
    "chat.delete": Method(delete, ("chat:write",)),
    "chat.getPermalink": Method(get_permalink),
    "chat.postEphemeral": Method(post_ephemeral, ("chat:write",)),
    "chat.postMessage": Method(post_message, ("chat:write",)),
    "chat.update": Method(update, ("chat:write",)),
}
