"""People who attach files, and what a test asks about them."""

import socket
from collections.abc import Sequence

from rig import ANN, BOT, PUBLIC, Rig, words

from bot.playground.dashscope.journal import Entry
from bot.playground.slack.directory import File

PNG = b"\x89PNG\r\n\x1a\nheliotrope"
PDF = b"%PDF-1.7 periwinkle"


def image(file_id: str = "F0IMAGE", *, name: str = "cat.png", content: bytes = PNG) -> File:
    """Return a picture of Ann's."""
    return File(file_id, name=name, content=content, mimetype="image/png", user_id=ANN)


def document(file_id: str = "F0PAPER", *, name: str = "plan.pdf", content: bytes = PDF) -> File:
    """Return a document of Ann's."""
    return File(file_id, name=name, content=content, mimetype="application/pdf", user_id=ANN)


def text(file_id: str = "F0TEXT", *, name: str = "notes.txt", content: str = "buy milk") -> File:
    """Return a text of Ann's."""
    return File(file_id, name=name, content=content.encode(), user_id=ANN)


def free_port() -> int:
    """Return a port nobody listens at just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def give_address(rig: Rig) -> str:
    """Let the bot be reached under an address of its own, and return that."""
    port = free_port()
    rig.changes |= {"port": port, "public_url": f"http://127.0.0.1:{port}"}
    return str(rig.changes["public_url"])


async def attach(
    rig: Rig, *files: File, said: str = "Look!", channel: str = PUBLIC, user: str = ANN
) -> str:
    """Let somebody mention the bot with files; return the message's ts."""
    return await rig.slack.say(user, channel, f"<@{BOT}> {said}", files=files)


async def answered(rig: Rig, *files: File, said: str = "Look!", turns: int = 1) -> str:
    """Let Ann mention the bot with files, and return what the reply shows in the end."""
    thread = await attach(rig, *files, said=said)
    await rig.finished(turns)
    return words(rig.reply(thread))


def asked_once(rig: Rig) -> Entry:
    """Return the only request."""
    (entry,) = rig.asked()
    return entry


def images_of(entry: Entry) -> Sequence[str]:
    """Return the links to images in a request to an agent."""
    return entry.body["input"].get("image_list", [])


def documents_of(entry: Entry) -> Sequence[str]:
    """Return the links to documents in a request."""
    return entry.body["input"].get("file_list", [])


def contents_of(entry: Entry) -> Sequence[bytes]:
    """Return what the service found behind the links of a request."""
    return [file.content for file in entry.fetched]
