"""Attached files -> what an app may be given of each, or one sentence why not.

Which request field takes what is Model Studio's "Application API reference" and its calling guides:
agents take images, documents and session files; workflows take images alone, as a variable their
author named; every kind takes words.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Self, TypeAlias, assert_never

from bot.core.api_fields import MAX_SESSION_FILES
from bot.core.file_refusals import (
    EMPTY,
    KEPT_ELSEWHERE,
    NO_DOCUMENTS,
    NO_IMAGES,
    NO_PLACE,
    NO_TEXT,
    NO_WAY,
    NOT_THERE,
    TOO_LARGE,
    TOO_MANY,
    TOO_MUCH_TEXT,
    UNKNOWN_KIND,
    Refusal,
    refusal,
)
from bot.core.files import (
    EXTERNAL,
    KEPT_MODES,
    Family,
    FileNote,
    Format,
    decoded,
    format_of,
    plain_name,
)
from bot.core.json_value import Json
from bot.core.language import Phrase
from bot.core.question import AppKind

FILES_MOST = 10
"""Of one message go so many; an agent may be given as many session files (its calling guide)."""
LOOKED_AT_MOST = 20
"""Of one message so many are asked for, to find FILES_MOST that can go; our own bound."""
TEXT_BYTES_MOST = 100_000
"""Of one text inside a prompt; our own bound, DashScope documents none."""
TEXTS_BYTES_MOST = 200_000
"""Of all texts inside one prompt."""
BYTES_MOST: Mapping[Family, int] = {
    Family.IMAGE: 10_000_000,  # "Visual understanding (Qwen-VL)": the size of an image
    Family.DOCUMENT: 100_000_000,  # "session files" in the agents' calling guide
    Family.TEXT: 100_000_000,  # too long for a prompt, so it goes as a document
}
SESSION_FILE_BYTES_MOST = 20_000_000
"""Of an upload, which is held in memory; our own bound, below Model Studio's."""

IMAGE_VARIABLE = "imageList"
"""What a workflow's model node calls its images (agents' and workflows' calling guides)."""

_TAKE_IMAGE_VARIABLES = frozenset({AppKind.WORKFLOW, AppKind.DIALOG_WORKFLOW})

_FENCE = re.compile(r"`{3,}")
_TAG = re.compile(r"[a-z0-9]{1,12}")


class Way(Enum):
    """How an app gets a file."""

    IMAGE_LINK = "image_link"
    DOCUMENT_LINK = "document_link"
    SESSION_FILE = "session_file"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Passed:
    """A file that is passed on.

    Attributes:
        note: The file.
        format: What kind it is.
        way: How it goes.
    """

    note: FileNote
    format: Format
    way: Way

    @property
    def bytes_most(self) -> int:
        """How many bytes of it may travel."""
        most = BYTES_MOST[self.format.family]
        match self.way:
            case Way.TEXT:
                return TEXT_BYTES_MOST
            case Way.SESSION_FILE:
                return min(most, SESSION_FILE_BYTES_MOST)
            case Way.IMAGE_LINK | Way.DOCUMENT_LINK:
                return most
            case _:
                assert_never(self.way)

    @property
    def name(self) -> str:
        """What it is called where it goes: harmless, with the ending of its kind."""
        name, ending = plain_name(self.note.name), f".{self.format.ending}"
        return name if name.lower().endswith(ending) else name + ending


Decision: TypeAlias = Passed | Refusal
TOO_MANY_FILES = Refusal(TOO_MANY, bound=str(FILES_MOST))
"""Said of all files that are one too many, and names none."""


@dataclass(frozen=True, slots=True)
class Means:
    """What can be done with files for the app that is asked.

    Attributes:
        kind: What the app was built as.
        takes_image_variable: Whether a workflow's variables name the one for images.
        has_links: Whether the bot can be reached from outside.
        has_session_files: Whether files can be uploaded to Model Studio.
        session_files_most: So many uploads can go along with a question.
    """

    kind: AppKind
    takes_image_variable: bool = False
    has_links: bool = False
    has_session_files: bool = False
    session_files_most: int = MAX_SESSION_FILES

    @classmethod
    def of(
        cls,
        kind: AppKind,
        options: Mapping[str, Json],
        *,
        has_links: bool,
        has_session_files: bool,
    ) -> Self:
        """Return the means for an app and the options it is asked with.

        A workflow takes images only where its variables name `imageList`, be it an empty list:
        nothing else tells that its author provided for them. Session files that the options name
        take the places of uploads.
        """
        variables, uploaded = options.get("biz_params"), options.get("session_file_ids")
        named = len(uploaded) if isinstance(uploaded, Sequence) else 0
        return cls(
            kind=kind,
            takes_image_variable=kind in _TAKE_IMAGE_VARIABLES
            and isinstance(variables, Mapping)
            and IMAGE_VARIABLE in variables,
            has_links=has_links,
            has_session_files=has_session_files,
            session_files_most=MAX_SESSION_FILES - named,
        )


def decide(found: Sequence[FileNote | Refusal], *, means: Means) -> tuple[Decision, ...]:
    """Decide for each file how it goes; order is kept, and so is what was refused before.

    A text goes inside the prompt as long as there is room, because every app reads that. When more
    than FILES_MOST could go, one refusal stands for all that come after these; an upload without a
    place leaves its own to the files after it.
    """
    return tuple(_decisions(found, means))


def _decisions(found: Sequence[FileNote | Refusal], means: Means) -> Iterator[Decision]:
    room, places, uploads = TEXTS_BYTES_MOST, FILES_MOST, means.session_files_most
    for each in found:
        decision = each if isinstance(each, Refusal) else _decision(each, means, room=room)
        if isinstance(decision, Passed):
            if not places:
                yield TOO_MANY_FILES
                return
            is_upload = decision.way is Way.SESSION_FILE
            if is_upload and uploads < 1:
                yield refusal(NO_PLACE, decision.note, bound=str(MAX_SESSION_FILES))
                continue
            uploads -= is_upload
            places -= 1
            room -= _claimed(decision.note) if decision.way is Way.TEXT else 0
        yield decision


def _decision(note: FileNote, means: Means, *, room: int) -> Decision:
    if reason := _out_of_reach(note):
        return refusal(reason, note)
    found = format_of(note) if note.mode in KEPT_MODES else None
    if found is None:
        return refusal(UNKNOWN_KIND, note)
    if note.size_bytes == 0:
        return refusal(EMPTY, note)
    if found.family is Family.TEXT:
        return _text_decision(note, found, means, room=room)
    return _sent(note, found, means)


def _text_decision(note: FileNote, found: Format, means: Means, *, room: int) -> Decision:
    size = _claimed(note)
    if size <= min(room, TEXT_BYTES_MOST):
        return Passed(note, found, Way.TEXT)
    sent = _sent(note, found, means)
    if isinstance(sent, Passed) or sent.phrase is TOO_LARGE:
        return sent
    if size <= TEXT_BYTES_MOST:
        return refusal(TOO_MUCH_TEXT, note, bound=_shown(TEXTS_BYTES_MOST))
    return refusal(TOO_LARGE, note, bound=_shown(TEXT_BYTES_MOST))


def _out_of_reach(note: FileNote) -> Phrase | None:
    if note.mode == EXTERNAL:
        return KEPT_ELSEWHERE
    is_hidden = note.must_be_looked_up or note.mode in {"tombstone", "hidden_by_limit"}
    return NOT_THERE if is_hidden else None


def _sent(note: FileNote, found: Format, means: Means) -> Decision:
    """Decide how a file goes that does not go inside the prompt."""
    way = _way(found.family, means)
    if isinstance(way, Phrase):
        return refusal(way, note)
    passed = Passed(note, found, way)
    return too_large(passed) if (note.size_bytes or 0) > passed.bytes_most else passed


def _way(family: Family, means: Means) -> Way | Phrase:
    is_image, is_agent = family is Family.IMAGE, means.kind is AppKind.AGENT
    if not is_agent and not is_image:
        return NO_DOCUMENTS
    if not is_agent and not means.takes_image_variable:
        return NO_IMAGES
    if means.has_links:
        return Way.IMAGE_LINK if is_image else Way.DOCUMENT_LINK
    return Way.SESSION_FILE if is_agent and means.has_session_files else NO_WAY


def too_large(passed: Passed) -> Refusal:
    """Return the refusal of a file that turned out larger than Slack had said."""
    return refusal(TOO_LARGE, passed.note, bound=_shown(passed.bytes_most))


def quoted(note: FileNote, content: bytes) -> str | Refusal:
    """Return a text file as it stands in a prompt: its name, then its text in a fence of its own.

    Nothing in the text can close the fence.
    """
    text = decoded(content)
    if text is None or not text.strip():
        return refusal(NO_TEXT, note)
    longest = max((len(ticks) for ticks in _FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    tag = note.ending if _TAG.fullmatch(note.ending) else ""
    return f"{plain_name(note.name)}:\n{fence}{tag}\n{text}\n{fence}"


def _claimed(note: FileNote) -> int:
    """Return the room a text takes; as much as any may when Slack does not say."""
    return TEXT_BYTES_MOST if note.size_bytes is None else note.size_bytes


def _shown(size_bytes: int) -> str:
    is_large = size_bytes >= 1_000_000
    return f"{size_bytes // 1_000_000} MB" if is_large else f"{size_bytes // 1000} KB"
