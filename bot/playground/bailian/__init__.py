"""Model Studio's OpenAPI on loopback: long-term memories and files of sessions.

`server.BailianServer` is the door; what it decides lives in modules without any I/O, and
`bank.MemoryBank` and `files.FileRoom` are what a DashScope on loopback shares with it.
"""

from bot.playground.bailian.bank import MemoryBank, UnknownMemory
from bot.playground.bailian.files import FileRoom
from bot.playground.bailian.refusals import Refusal
from bot.playground.bailian.server import (
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    WORKSPACE_ID,
    BailianServer,
)

__all__ = [
    "ACCESS_KEY_ID",
    "ACCESS_KEY_SECRET",
    "WORKSPACE_ID",
    "BailianServer",
    "FileRoom",
    "MemoryBank",
    "Refusal",
    "UnknownMemory",
]
