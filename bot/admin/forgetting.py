"""Forgetting what is remembered of somebody: one of their memories, or all of them."""

from contextlib import suppress

from bot.admin import memory_texts as texts
from bot.admin.memory_book import MemoryAction, own_memory, refusing
from bot.admin.office import Office
from bot.admin.ports import Visit
from bot.admin.replies import Refused
from bot.core.language import Language
from bot.core.memory_places import PRIVATE
from bot.core.screens import Button
from bot.errors import DashScopeError, MemoryGone, RequestRefused
from storage.memories import StoredMemory

MAX_AT_ONCE = 50
"""Each takes a second; a press of a button has two minutes."""


def forget_button(scope: str, *, language: Language) -> Button:
    """Return what takes a whole memory away."""
    return Button(
        MemoryAction.FORGET,
        texts.FORGET.say(language),
        scope,
        style="danger",
        confirm=texts.FORGET_SURE.say(language),
    )


def forget_all_button(*, language: Language) -> Button:
    """Return what takes all memories of the caller away, wherever they count or counted."""
    return Button(
        MemoryAction.FORGET_ALL,
        texts.FORGET_ALL.say(language),
        PRIVATE,
        style="danger",
        confirm=texts.FORGET_ALL_SURE.say(language),
    )


async def forget(office: Office, visit: Visit, scope: str) -> str:
    """Delete one of the caller's memories; return what to say of it.

    Raises:
        Refused: There is none, or it could not be deleted.
        StorageError: The database did not answer.
    """
    language = visit.language
    memory = await own_memory(office, visit.caller, scope)
    if memory is None:
        raise Refused(texts.NO_SUCH_MEMORY.say(language))
    if office.notebook is None:
        raise Refused(texts.NAMED_WITHOUT_KEYS.say(language))
    with refusing(language):
        await _delete(office, memory)
    said = texts.FORGOTTEN.say(language, place=texts.place(scope, language=language))
    has_more = not visit.is_at_home and await _all_of(office, visit)
    return f"{said} {texts.ELSEWHERE.say(language)}" if has_more else said


async def forget_all(office: Office, visit: Visit) -> str:
    """Delete the caller's memories; return what to say of it, and of those that are left.

    A refusal of one memory holds for that one alone. Any other failure is the last call: the
    service is away, or refuses the account.

    Raises:
        StorageError: The database did not answer.
    """
    with suppress(DashScopeError):
        for memory in (await _all_of(office, visit))[:MAX_AT_ONCE]:
            with suppress(RequestRefused):
                await _delete(office, memory)
    if left := await _all_of(office, visit):
        return texts.SOME_LEFT.say(visit.language, count=len(left))
    return texts.ALL_FORGOTTEN.say(visit.language)


async def _all_of(office: Office, visit: Visit) -> list[StoredMemory]:
    """Return every memory of the caller that has been made."""
    caller = visit.caller
    found = await office.storage.memories.of_user(caller.team_id, caller.user_id)
    return [memory for memory in found if memory.memory_id is not None]


async def _delete(office: Office, memory: StoredMemory) -> None:
    """Delete a memory, and only then let go of its id: nothing of it may be left behind.

    Without access keys nothing can be deleted, and nothing happens.

    Raises:
        DashScopeError: It may still be there.
        StorageError: The database did not answer.
    """
    if office.notebook is None or memory.memory_id is None:
        return
    with suppress(MemoryGone):
        await office.notebook.delete(memory.memory_id)
    await office.storage.memories.forget(memory.key, memory.memory_id)
