"""A file an agent app may read during one session: what it may be, and how far it is.

Names, sizes and kinds are those of "ApplyFileUploadLease" in Model Studio's API reference; the
states those of its file services' state list.
"""

from enum import Enum
from pathlib import PurePosixPath

SESSION_FILE_PREFIX = "file_session_"
"""Ids of session files begin so ("session files" in the agents' calling guide)."""

_MIN_NAME_CHARS = 4
_MAX_NAME_CHARS = 128

_MB = 1_000_000  # the page does not say which; the smaller one is safe
_MAX_DOCUMENT_BYTES = 100 * _MB
_MAX_IMAGE_BYTES = 20 * _MB
_MAX_MEDIA_BYTES = 512 * _MB

_DOCUMENTS = frozenset(
    {"doc", "docx", "wps", "ppt", "pptx", "xls", "xlsx", "md", "txt", "pdf"}
)  # fmt: skip
_IMAGES = frozenset({"png", "jpg", "jpeg", "bmp", "gif"})


class Readiness(Enum):
    """How far the service is with a file."""

    WAITING = "being read"
    READY = "an app may be asked about it"
    UNSAFE = "content safety refused it"
    FAILED = "it could not be read, or it has expired"


def readiness(state: str) -> Readiness:
    """Return what a state means; unknown ones are waited on, within the caller's bound."""
    match state:
        case "FILE_IS_READY":
            return Readiness.READY
        case "SAFE_CHECK_FAILED":
            return Readiness.UNSAFE
        case _ if state.endswith(("_FAILED", "_EXPIRED", "_DELETED")):
            return Readiness.FAILED
        case _:
            return Readiness.WAITING


def file_problem(name: str, *, size_bytes: int) -> str | None:
    """Say, for the log, why a file will not be taken; None when it will.

    Kinds the page does not name are let pass as media: the service knows best.

    Args:
        name: With its suffix, without directories.
        size_bytes: As it will be sent.
    """
    suffix = PurePosixPath(name).suffix[1:].lower()
    if not _MIN_NAME_CHARS <= len(name) <= _MAX_NAME_CHARS or not suffix or "/" in name:
        return f"a name has {_MIN_NAME_CHARS} to {_MAX_NAME_CHARS} characters and a suffix"
    if not 1 <= size_bytes <= _limit_bytes(suffix):
        return f"a .{suffix} has 1 to {_limit_bytes(suffix)} bytes"
    return None


def _limit_bytes(suffix: str) -> int:
    if suffix in _DOCUMENTS:
        return _MAX_DOCUMENT_BYTES
    return _MAX_IMAGE_BYTES if suffix in _IMAGES else _MAX_MEDIA_BYTES
