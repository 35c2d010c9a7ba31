"""What is remembered of whoever asks: their own memories and nobody else's.

Which memory is meant is looked up by the caller's id each time; what comes back from buttons and
forms names a place and an entry, never a memory.
"""

import re
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from bot.admin import memory_texts as texts
from bot.admin import scopes
from bot.admin.office import Office
from bot.admin.ports import Notebook, Visit
from bot.admin.replies import Refused
from bot.core.language import Language, Phrase
from bot.core.memory import MemoryNode
from bot.core.memory_places import (
    PRIVATE,
    is_scope,
    is_switched_off,
    may_use,
)
from bot.core.question import AppKind
from bot.core.resolution import Effective
from bot.core.screens import Button, Caller
from bot.core.setting import MemoryUse
from bot.errors import AccountProblem, DashScopeError, MemoryGone, Misconfigured
from storage.memories import MemoryKey, StoredMemory

PAGE_ENTRIES = 10
"""With two buttons each, and three more, they fit under one notice."""
MAX_ENTRIES = 200
"""Each fifty take a second to read; nobody pages on and on."""


class MemoryAction(StrEnum):
    """What the buttons do."""

    EDIT = "memory.edit"
    DELETE = "memory.delete"
    MORE = "memory.more"
    FORGET = "memory.forget"
    OFF = "memory.off"
    ON = "memory.on"


_NAMED = re.compile(r"(?P<scope>[A-Za-z0-9:]{1,60})(?: (?P<rest>[A-Za-z0-9_-]{1,128}))?")


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what a memory holds.

    Attributes:
        entries: In the service's order.
        first: The number of the first of them; the memory's own first one is 1.
        total: How many there are altogether.
    """

    entries: Sequence[MemoryNode]
    first: int
    total: int


@dataclass(frozen=True, slots=True)
class Spot:
    """What a button or a form of ours names.

    Attributes:
        scope: Which of the caller's memories.
        rest: The entry, or the number of the first entry to show; may be empty.
    """

    scope: str
    rest: str

    @classmethod
    def read(cls, text: str) -> "Spot | None":
        """Read what `text` wrote; None for anything else."""
        found = _NAMED.fullmatch(text)
        if found is None or not is_scope(found["scope"]):
            return None
        return cls(found["scope"], found["rest"] or "")

    def text(self) -> str:
        """Return it as buttons and forms carry it."""
        return f"{self.scope} {self.rest}".rstrip()


async def own_memory(office: Office, caller: Caller, scope: str) -> StoredMemory | None:
    """Return the caller's memory of a place; None while there is none.

    Raises:
        StorageError: The database did not answer.
    """
    found = await office.storage.memories.get(MemoryKey(caller.team_id, caller.user_id, scope))
    return found if found is not None and found.memory_id is not None else None


async def is_off(office: Office, caller: Caller) -> bool:
    """Whether the caller switched their memory off.

    Raises:
        StorageError: The database did not answer.
    """
    own = scopes.of_user(caller.user_id)
    stored = await office.storage.settings.get(caller.team_id, own)
    return is_switched_off(stored[own].values)


async def read_page(office: Office, memory: StoredMemory, *, first: int = 1) -> Page | Phrase:
    """Return some entries, or the sentence that says why there are none; takes seconds.

    A memory that does not exist any more is forgotten.

    Raises:
        StorageError: The database did not answer.
    """
    notebook, memory_id = office.notebook, memory.memory_id
    if notebook is None or memory_id is None:
        return texts.NAMED_WITHOUT_KEYS
    first = min(max(first, 1), MAX_ENTRIES - PAGE_ENTRIES + 1)
    last = first + PAGE_ENTRIES - 1
    try:
        found = await notebook.nodes(memory_id, limit=last)
    except MemoryGone:
        await office.storage.memories.forget(memory.key, memory_id)
        return texts.NO_SUCH_MEMORY
    except DashScopeError as error:
        return trouble_with(error, otherwise=texts.AWAY)
    entries = found.nodes[first - 1 : last]
    return Page(entries, first, total=max(found.total, first - 1 + len(entries)))


@contextmanager
def refusing(language: Language) -> Generator[None]:
    """Turn what goes wrong with entries into a sentence.

    Raises:
        Refused: It went wrong.
    """
    try:
        yield
    except DashScopeError as error:
        raise Refused(trouble_with(error, otherwise=texts.NOT_DONE).say(language)) from error


def trouble_with(error: DashScopeError, *, otherwise: Phrase) -> Phrase:
    """Return the sentence for an error of the service."""
    match error:
        case MemoryGone():
            return texts.NO_SUCH_ENTRY
        case Misconfigured() | AccountProblem():
            return texts.REFUSED
        case _:
            return otherwise


def entry_buttons(
    scope: str, entry: MemoryNode, number: int, *, language: Language
) -> tuple[Button, ...]:
    """Return what can be done with one entry."""
    value = Spot(scope, entry.node_id).text()
    return (
        Button(MemoryAction.EDIT, texts.EDIT.say(language, number=number), value),
        Button(
            MemoryAction.DELETE,
            texts.DELETE.say(language, number=number),
            value,
            confirm=texts.DELETE_SURE.say(language),
        ),
    )


def forget_button(scope: str, *, language: Language) -> Button:
    """Return what takes a whole memory away."""
    return Button(
        MemoryAction.FORGET,
        texts.FORGET.say(language),
        scope,
        style="danger",
        confirm=texts.FORGET_SURE.say(language),
    )


def switch_button(*, is_off: bool, language: Language) -> Button:
    """Return what switches the caller's own memory off or on."""
    if is_off:
        return Button(MemoryAction.ON, texts.SWITCH_ON.say(language), PRIVATE)
    return Button(MemoryAction.OFF, texts.SWITCH_OFF.say(language), PRIVATE)


@dataclass(frozen=True, slots=True)
class OwnEntry:
    """An entry of the caller's own memory.

    Attributes:
        notebook: Changes it.
        memory_id: The memory it is in.
        entry: As it is.
    """

    notebook: Notebook
    memory_id: str
    entry: MemoryNode


async def own_entry(office: Office, visit: Visit, spot: Spot) -> OwnEntry:
    """Return an entry of the caller's own memory.

    Raises:
        Refused: There is no such entry, or it cannot be read.
        StorageError: The database did not answer.
    """
    memory, notebook = await own_memory(office, visit.caller, spot.scope), office.notebook
    if memory is None or memory.memory_id is None or notebook is None or not spot.rest:
        raise Refused(texts.NO_SUCH_ENTRY.say(visit.language))
    with refusing(visit.language):
        entry = await notebook.node(memory.memory_id, spot.rest)
    return OwnEntry(notebook, memory.memory_id, entry)


def remark(office: Office, effective: Effective, *, is_off: bool, language: Language) -> str:
    """Say why a memory is not used where these settings hold; empty when it is."""
    app = effective.app
    if is_off:
        return texts.OFF_BY_YOU.say(language)
    if effective.memory is MemoryUse.OFF:
        return texts.OFF_HERE.say(language)
    if app.kind is not AppKind.AGENT:
        return texts.NO_AGENT.say(language)
    is_reached = may_use(app, endpoint=office.endpoint)
    return "" if is_reached else texts.OTHER_REGION.say(language)
