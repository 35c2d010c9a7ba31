"""Uploading files: docs pages "files.getUploadURLExternal" and "files.completeUploadExternal".

A file is announced, its bytes are posted to an address of their own without a token, and completing
shares it, once. Slack does not say what it answers when the bytes never came; here it is
`file_not_found`, as for a file nobody announced.
"""

from collections.abc import Sequence
from types import MappingProxyType

from aiohttp import web

from bot.playground.slack.arguments import Arguments, refuse_arguments
from bot.playground.slack.backend import Backend, Method
from bot.playground.slack.directory import Channel, File, file_json
from bot.playground.slack.message import Draft
from bot.playground.slack.payload import Json, RefusedError, as_text, objects
from bot.playground.slack.pending import Pending

UPLOAD_PATH = "/files/upload/{ticket}"
_LENGTH_MAX = 2**30  # 1 GB, docs page "Working with files"
_MIMETYPES = MappingProxyType(
    {"csv": "text/csv", "json": "application/json", "png": "image/png", "txt": "text/plain"}
)


def get_upload_url(backend: Backend, args: Arguments) -> Json:
    """Announce a file."""
    name, length = args.required("filename"), args.required("length")
    if not length.isdecimal() or not 0 < int(length) <= _LENGTH_MAX:
        refuse_arguments("length must be the file's size in bytes")
    pending = backend.pending.announce(name, length=int(length))
    upload_url = f"{backend.files_url()}/upload/{pending.ticket}"
    return {"upload_url": upload_url, "file_id": pending.file_id}


async def take_bytes(backend: Backend, request: web.Request) -> web.Response:
    """Answer a POST of raw bytes to a file's address; it must be as long as was announced."""
    pending = backend.pending.awaiting(request.match_info["ticket"])
    if pending is None:
        return web.Response(status=404)
    content = bytearray()
    async for chunk in request.content.iter_any():
        content += chunk
        if len(content) > pending.length:
            break
    if len(content) != pending.length:
        return web.Response(status=400, text="not the announced length")
    backend.pending.fill(pending, bytes(content))
    return web.Response(text=f"OK - {pending.length}")


def complete_upload(backend: Backend, args: Arguments) -> Json:
    """Share files whose bytes are there; without a channel they stay the app's own."""
    wanted = list(objects(args.structure("files", error="invalid_arguments")))
    if not wanted:
        refuse_arguments("missing required field: files")
    arrived = [
        (backend.pending.require(as_text(entry.get("id"))), as_text(entry.get("title")))
        for entry in wanted
    ]
    channel = _channel(backend, args)
    files = [_file(backend, pending, title=title) for pending, title in arrived]
    for file in files:
        backend.pending.forget(file.file_id)
        backend.workspace.add_file(file)
    if channel is not None:
        _share(backend, channel, args, files=files)
    return {"files": [file_json(file, files_url=backend.files_url()) for file in files]}


def _channel(backend: Backend, args: Arguments) -> Channel | None:
    """Return where to share.

    Raises:
        RefusedError: `channel_not_found` (a person's id is no channel here), `is_archived`,
            `not_in_channel` or `thread_not_found`.
    """
    channel_id, thread_ts = args.text("channel_id"), args.text("thread_ts")
    if not channel_id:
        return None
    channel = backend.channel(channel_id)
    if channel.is_archived:
        raise RefusedError("is_archived")
    backend.require_membership(channel)
    if thread_ts and backend.workspace.message(channel_id, thread_ts) is None:
        raise RefusedError("thread_not_found")
    return channel


def _file(backend: Backend, pending: Pending, *, title: str) -> File:
    ending = pending.name.rpartition(".")[2].lower()
    return File(
        pending.file_id,
        name=pending.name,
        content=pending.content or b"",
        mimetype=_MIMETYPES.get(ending, "application/octet-stream"),
        user_id=backend.app.bot_user_id,
        title=title,
    )


def _share(backend: Backend, channel: Channel, args: Arguments, *, files: Sequence[File]) -> None:
    draft = Draft(
        user=backend.app.bot_user_id,
        bot_id=backend.app.bot_id,
        text=args.text("initial_comment"),
        thread_ts=args.text("thread_ts"),
        files=tuple(files),
    )
    backend.workspace.post(channel.channel_id, draft)


UPLOAD_METHODS = {
    "files.completeUploadExternal": Method(complete_upload, ("files:write",)),
    "files.getUploadURLExternal": Method(get_upload_url, ("files:write",)),
}
