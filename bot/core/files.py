"""A file somebody attached: what Slack tells of it, what kind it is, what it may be called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, cast

from bot.core.slack_ids import matching_id

NAME_CHARS_MOST = 80
"""Of a shown name; its ending is kept."""

# docs.slack.dev, "File object": `mode`. The bytes of these alone are what was attached; a `post`, a
# canvas or an e-mail is a page of Slack's own.
KEPT_MODES = frozenset({"hosted", "snippet"})
EXTERNAL = "external"
ASK_FIRST = frozenset({"", "file_access"})
"""Nothing is known yet; over Slack Connect an event says only whom to ask (`file_access`)."""


class Family(Enum):
    """What an app can do with a file."""

    IMAGE = "image"
    DOCUMENT = "document"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file, as it is passed on.

    Attributes:
        ending: Of the name it is passed on under, without the dot.
        mimetype: The type it is served as; never one a browser would run.
        family: What an app can do with it.
    """

    ending: str
    mimetype: str
    family: Family


_ENDING_CHARS_MOST = 12
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_NEVER_IN_TEXT = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# What would begin a mention, a link, a fence or a quotation where the name is shown.
_MARKUP = re.compile(r"[<>\[\]`\"|*~]")
_WEB_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_SAYS_NOTHING = frozenset({"", "application/octet-stream", "binary/octet-stream"})

_OFFICE = "application/vnd.openxmlformats-officedocument"
FORMATS: Mapping[str, Format] = {
    ending: Format(ending, mimetype, family)
    for family, mimetypes in {
        # Model Studio, "Visual understanding (Qwen-VL)": supported images.
        Family.IMAGE: {
            "bmp": "image/bmp",
            "heic": "image/heic",
            "jpg": "image/jpeg",
            "png": "image/png",
            "tiff": "image/tiff",
            "webp": "image/webp",
        },
        # Model Studio, "ApplyFileUploadLease": documents for a session.
        Family.DOCUMENT: {
            "doc": "application/msword",
            "docx": f"{_OFFICE}.wordprocessingml.document",
            "pdf": "application/pdf",
            "ppt": "application/vnd.ms-powerpoint",
            "pptx": f"{_OFFICE}.presentationml.presentation",
            "xls": "application/vnd.ms-excel",
            "xlsx": f"{_OFFICE}.spreadsheetml.sheet",
        },
        Family.TEXT: {"md": "text/markdown", "txt": "text/plain"},
    }.items()
    for ending, mimetype in mimetypes.items()
}
"""By the ending a file is passed on under; any other text goes as `txt`."""

_SAME_ENDING: Mapping[str, str] = {
    "heif": "heic", "jpe": "jpg", "jpeg": "jpg", "markdown": "md", "tif": "tiff",
}  # fmt: skip
_BY_MIMETYPE: Mapping[str, Format] = {
    **{each.mimetype: each for each in FORMATS.values() if each.family is not Family.TEXT},
    "image/heif": FORMATS["heic"],
    "image/jpg": FORMATS["jpg"],
    "image/x-ms-bmp": FORMATS["bmp"],
}
_TEXT_TYPES = frozenset(
    {
        "application/javascript", "application/json", "application/sql", "application/toml",
        "application/x-httpd-php", "application/x-ndjson", "application/x-python",
        "application/x-sh", "application/x-yaml", "application/xml", "application/yaml",
    }
)  # fmt: skip
_TEXT_ENDINGS = frozenset(
    {
        "bash", "bat", "c", "cc", "cfg", "clj", "conf", "cpp", "cs", "css", "csv", "dart",
        "diff", "ex", "go", "gradle", "graphql", "h", "hpp", "htm", "html", "ini", "java",
        "javascript", "js", "json", "jsonl", "jsx", "kt", "less", "log", "lua", "m", "md",
        "ndjson", "patch", "php", "pl", "properties", "proto", "ps1", "py", "python", "r", "rb",
        "rs", "rst", "ruby", "rust", "scala", "scss", "sh", "shell", "sql", "srt", "svg",
        "swift", "tex", "text", "tf", "toml", "ts", "tsv", "tsx", "txt", "typescript", "vtt",
        "vue", "xml", "yaml", "yml",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FileNote:
    """What is known of a file; with its id alone, Slack must be asked for the rest.

    Attributes:
        file_id: `F…`.
        name: As its owner called it: any text at all. `plain_name` makes it harmless.
        mimetype: Slack's opinion.
        filetype: Slack's short word for its kind, such as `png` or `python`.
        size_bytes: As Slack says; None when it does not.
        mode: Where Slack keeps it.
        url: Where its bytes are, for the bot's token alone.
    """

    file_id: str
    name: str = field(default="", repr=False)
    mimetype: str = ""
    filetype: str = ""
    size_bytes: int | None = None
    mode: str = ""
    url: str = field(default="", repr=False)

    @property
    def must_be_looked_up(self) -> bool:
        """Whether Slack has to be asked what it is."""
        return self.mode in ASK_FIRST

    @property
    def ending(self) -> str:
        """What stands after the name's last dot, else Slack's word for the kind; in lower case."""
        _, dot, ending = self.name.rpartition(".")
        return (ending if dot else self.filetype).strip().lower()

    @property
    def is_html(self) -> bool:
        """Whether it is a web page itself; any other file that comes as one is a login page."""
        is_vague = self.mimetype in _SAYS_NOTHING or self.mimetype == "text/plain"
        return self.mimetype in _WEB_PAGES or (is_vague and self.ending in {"htm", "html"})


def note_of(entry: object) -> FileNote | None:
    """Read one of an event's `files`, or the `file` of `files.info`; None when it has no id.

    Whatever else is missing or malformed counts as not told.
    """
    if not isinstance(entry, Mapping):
        return None
    told = cast("Mapping[str, Any]", entry)
    file_id = matching_id(told.get("id"))
    if file_id is None:
        return None
    return FileNote(
        file_id=file_id,
        name=_text(told.get("name")) or _text(told.get("title")),
        mimetype=_text(told.get("mimetype")).partition(";")[0].strip().lower(),
        filetype=_text(told.get("filetype")),
        size_bytes=_size(told.get("size")),
        mode=EXTERNAL if told.get("is_external") is True else _text(told.get("mode")),
        url=_text(told.get("url_private_download")) or _text(told.get("url_private")),
    )


def notes_of(entries: object) -> tuple[FileNote, ...]:
    """Read a message's `files`; what has no id is left out."""
    if not isinstance(entries, list):
        return ()
    notes = (note_of(entry) for entry in cast("list[object]", entries))
    return tuple(note for note in notes if note is not None)


def format_of(note: FileNote) -> Format | None:
    """Return what kind of file it is; None when no app could read it.

    Slack's mimetype decides, and where it says nothing, the ending.
    """
    if note.mimetype in _BY_MIMETYPE:
        return _BY_MIMETYPE[note.mimetype]
    if note.mimetype not in _SAYS_NOTHING:
        return _text_format(note) if _is_text_type(note.mimetype) else None
    ending = _SAME_ENDING.get(note.ending, note.ending)
    if ending in FORMATS:
        return FORMATS[ending]
    return _text_format(note) if ending in _TEXT_ENDINGS else None


def plain_name(name: str) -> str:
    """Make a file's name one short line that is no path, no markup and no control character.

    It never has a slash, begins with no dot and is never empty.
    """
    last = re.split(r"[/\\]", name)[-1]
    visible = "".join(char if char.isprintable() else " " for char in last)
    words = " ".join(_MARKUP.sub(" ", visible).split()).strip(". ")
    if len(words) > NAME_CHARS_MOST:
        stem, dot, ending = words.rpartition(".")
        tail = dot + ending if dot and len(ending) <= _ENDING_CHARS_MOST else ""
        words = (stem if tail else words)[: NAME_CHARS_MOST - len(tail)].rstrip(". ") + tail
    return words or "file"


def decoded(content: bytes) -> str | None:
    """Return what a text file says, with plain line breaks; None when it is no text.

    UTF-8 first, then UTF-16 where its byte order mark stands, then GB 18030, in which spreadsheets
    of Chinese systems are saved.
    """
    encodings = ("utf-16",) if content.startswith(_UTF_16_MARKS) else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if _NEVER_IN_TEXT.search(text) else "\n".join(text.splitlines())
    return None


def _is_text_type(mimetype: str) -> bool:
    is_readable = mimetype.startswith("text/") or mimetype.endswith(("+json", "+xml"))
    return is_readable or mimetype in _TEXT_TYPES


def _text_format(note: FileNote) -> Format:
    ending = _SAME_ENDING.get(note.ending, note.ending)
    found = FORMATS.get(ending, FORMATS["txt"])
    return found if found.family is Family.TEXT else FORMATS["txt"]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _size(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if value >= 0 else None
