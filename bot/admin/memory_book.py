"""What is remembered of whoever asks: their own memories and nobody else's.

Which memory is meant is looked up by the caller's id each time; what comes back from buttons and
forms names a place and an entry, never a memory.
"""

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from bot.admin import memory_texts as texts
from bot.admin import scopes
from bot.admin.memory_texts import Unused
from bot.admin.office import Office
from bot.admin.ports import Notebook, Visit
from bot.admin.replies import Refused
from bot.core.language import Language, Phrase
from bot.core.memory import MemoryNode
from bot.core.memory_places import PRIVATE, is_scope, is_switched_off, scope_at, why_without
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
    FORGET_ALL = "memory.forget_all"
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


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be shown of a memory.

    Attributes:
        scope: Which; empty for the one that counts where the caller is.
        first: The number of the first entry.
        lead: What is said before; empty for nothing.
        is_again: Whether it takes the place of what was shown before.
    """

    scope: str = ""
    first: int = 1
    lead: str = ""
    is_again: bool = False


async def scope_here(office: Office, caller: Caller, effective: Effective) -> str:
    """Return the memory that counts where a caller is, or would if memory were on there."""
    channel = await office.directory.channel(caller.team_id, caller.channel_id)
    return scope_at(caller.channel_id, effective.memory, channel=channel)


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


def more_buttons(scope: str, page: Page, *, language: Language) -> Iterator[Button]:
    """Yield what goes on to the next page, if there is one."""
    after = page.first + len(page.entries)
    if after <= min(page.total, MAX_ENTRIES):
        yield Button(MemoryAction.MORE, texts.MORE.say(language), Spot(scope, str(after)).text())


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


def why_unused(office: Office, effective: Effective, *, is_off: bool) -> Unused | None:
    """Return why a memory is not used where these settings hold; None when it is.

    Args:
        office: The services.
        effective: The settings.
        is_off: Whether its owner switched it off.
    """
    if is_off:
        return "owner"
    if effective.memory is MemoryUse.OFF:
        return "setting"
    return why_without(effective.app, workspace=office.workspace)


def nothing_yet(office: Office, *, why: Unused | None, has_memory: bool, language: Language) -> str:
    """Say that there is no entry, and what is to be expected of that.

    Args:
        office: The services.
        why: Why the memory is not used; None when it is, or would be.
        has_memory: Whether there is one, without entries.
        language: What its owner reads.
    """
    if why is not None:
        return texts.NOTHING.say(language)
    failure = office.not_made()
    if failure is None or has_memory:
        return texts.NOTHING_YET.say(language)
    return texts.not_made(failure, language=language)


async def standing(
    office: Office, caller: Caller, effective: Effective, *, language: Language
) -> str:
    """Say in a few words whether memory is used where a caller is, in Markdown.

    Raises:
        StorageError: The database did not answer.
    """
    scope = await scope_here(office, caller, effective)
    if office.notebook is None and await own_memory(office, caller, scope) is None:
        return texts.NO_KEYS.say(language)
    why = why_unused(office, effective, is_off=await is_off(office, caller))
    if why is not None:
        return texts.UNUSED[why].say(language)
    if (failure := office.not_made()) is not None:
        return texts.not_made(failure, language=language)
    return texts.ON.say(language, place=texts.place(scope, language=language))
