"""`memory`: everybody sees, corrects and deletes what is remembered of them."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from bot.admin import memory_texts as texts
from bot.admin import replies, scopes
from bot.admin.changing import MAX_TRIES
from bot.admin.forms import SAVE, open_filled
from bot.admin.home import show_home
from bot.admin.marks import code
from bot.admin.memory_book import (
    MAX_ENTRIES,
    MemoryAction,
    Page,
    Spot,
    entry_buttons,
    forget_button,
    is_off,
    own_entry,
    own_memory,
    read_page,
    refusing,
    remark,
    switch_button,
)
from bot.admin.office import Office
from bot.admin.ports import Press, Visit
from bot.admin.replies import Refused, typeable
from bot.admin.shown_settings import effective_at
from bot.admin.submission import Submission
from bot.core.language import Language, Phrase
from bot.core.memory import MAX_CONTENT_CHARS, content_problem
from bot.core.memory_places import CHANNELS, OWN_SWITCH, PRIVATE, scope_at
from bot.core.resolution import Effective
from bot.core.screens import Button, Caller, Errors, Form, Input, Notice, Screen, Submitted, Taken
from bot.core.setting import MemoryUse
from bot.errors import MemoryGone
from storage.errors import VersionConflict
from storage.memories import StoredMemory

CALLBACK = "memory"
"""What a submission of the form names."""
SOON_S = 2.0
"""Reading that takes longer is announced."""
_CONTENT = "content"
_NUMBER = re.compile(r"[0-9]{1,4}")


async def show_memory(office: Office, visit: Visit) -> None:
    """Show what is remembered of the caller here.

    Raises:
        SlackError: Slack did not take the answer.
        StorageError: The database did not answer.
    """
    await _show(office, visit, _Look())


async def memory_pressed(office: Office, visit: Visit, press: Press) -> None:
    """Answer a button of MemoryAction, which concerns the caller's own memories alone.

    Args:
        office: The services.
        visit: Who pressed.
        press: Which button.

    Raises:
        Refused: It is not there any more, or could not be done.
        SlackError: Slack did not take the answer.
        StorageError: The database did not answer.
    """
    spot = Spot.read(press.value)
    if spot is None:
        raise Refused(replies.unknown_button(visit.language, command="memory"))
    match MemoryAction(press.action):
        case MemoryAction.EDIT:
            return await _open_entry(office, visit, spot)
        case MemoryAction.MORE:
            first = int(spot.rest) if _NUMBER.fullmatch(spot.rest) else 1
            return await _show(office, visit, _Look(spot.scope, first=first, is_again=True))
        case MemoryAction.DELETE:
            said = await _delete(office, visit, spot)
        case MemoryAction.FORGET:
            said = await _forget(office, visit, spot.scope)
        case MemoryAction.OFF | MemoryAction.ON as chosen:
            said = await switch(office, visit, is_on=chosen is MemoryAction.ON)
    return await _done(office, visit, _Look(spot.scope, lead=said, is_again=True))


async def switch(office: Office, visit: Visit, *, is_on: bool) -> Phrase:
    """Switch the caller's own memory on or off, everywhere; return what to say of it.

    Raises:
        Refused: Others kept changing the same settings.
        StorageError: The database did not answer.
    """
    caller, settings = visit.caller, office.storage.settings
    scope = scopes.of_user(caller.user_id)
    for _ in range(MAX_TRIES):
        stored = (await settings.get(caller.team_id, scope))[scope]
        values = {key: value for key, value in stored.values.items() if key != OWN_SWITCH}
        if not is_on:
            values[OWN_SWITCH] = MemoryUse.OFF.value
        try:
            await settings.change(
                caller.team_id,
                scope,
                values=values,
                expected_version=stored.version,
                by=caller.user_id,
            )
        except VersionConflict:
            continue
        return texts.SWITCHED_ON if is_on else texts.SWITCHED_OFF
    raise Refused(replies.MOVED_ON.say(visit.language, command=typeable("memory")))


async def switch_typed(office: Office, visit: Visit, typed: str) -> Notice:
    """Switch the caller's own memory as they typed it in direct messages; raises as `switch`."""
    word = typed.strip().casefold()
    if word not in {"on", "off"}:
        on, off = typeable("memory", "on"), typeable("memory", "off")
        raise Refused(texts.ON_OR_OFF.say(visit.language, on=on, off=off))
    return Notice((await switch(office, visit, is_on=word == "on")).say(visit.language))


async def memory_submitted(submission: Submission) -> Submitted:
    """Take a changed entry; it is written after the form is gone, for that takes seconds."""
    content = submission.values.get(_CONTENT, "")
    spot = Spot.read(submission.state)
    if spot is None or not isinstance(content, str):
        return submission.refused(texts.NO_SUCH_ENTRY)
    problem = content_problem(content)
    if problem is not None:
        return Errors({_CONTENT: problem.say(submission.language)})

    async def finish(screen: Screen) -> None:
        visit = Visit(submission.caller, submission.language, screen)
        try:
            said = await _change(submission.office, visit, spot, content=content.strip())
        except Refused as refused:
            await screen.show(Notice(refused.text))
            return
        await _done(submission.office, visit, _Look(spot.scope, lead=said))

    return Taken(finish)


@dataclass(frozen=True, slots=True)
class _Look:
    """What is to be shown of a memory.

    Attributes:
        scope: Which; empty for the one that counts where the caller is.
        first: The number of the first entry.
        lead: What is said before; None for nothing.
        is_again: Whether it takes the place of what was shown before.
    """

    scope: str = ""
    first: int = 1
    lead: Phrase | None = None
    is_again: bool = False


async def _done(office: Office, visit: Visit, look: _Look) -> None:
    """Show the memory as it is now, where the caller looked at it."""
    if visit.is_at_home:
        await show_home(office, visit.caller, language=visit.language, note=look.lead)
    else:
        await _show(office, visit, look)


async def _show(office: Office, visit: Visit, look: _Look) -> None:
    caller, language = visit.caller, visit.language
    effective, _ = await effective_at(office, visit, scopes.here(caller))
    scope = look.scope or _scope_here(caller, effective)
    memory = await own_memory(office, caller, scope)
    if memory is None and office.notebook is None:
        await visit.screen.show(Notice(texts.NO_KEYS.say(language)), replace=look.is_again)
        return
    is_switched_off = await is_off(office, caller)
    content, was_announced = await _read(office, visit, memory, first=look.first)
    parts = [
        look.lead.say(language) if look.lead else "",
        f"{texts.about(scope, language=language)} {texts.ONLY_YOURS.say(language)}",
        remark(office, effective, is_off=is_switched_off, language=language),
        _listed(content, language=language),
    ]
    buttons = [
        *_entry_buttons(scope, content, language=language),
        *([forget_button(scope, language=language)] if memory and office.notebook else []),
        switch_button(is_off=is_switched_off, language=language),
    ]
    notice = Notice("\n\n".join(filter(None, parts)), tuple(buttons))
    await visit.screen.show(notice, replace=look.is_again or was_announced)


def _scope_here(caller: Caller, effective: Effective) -> str:
    """Return the memory that counts where the caller is, or would if memory were on."""
    shared = PRIVATE if scopes.is_direct(caller.channel_id) else CHANNELS
    return scope_at(caller.channel_id, effective.memory) or shared


async def _read(
    office: Office, visit: Visit, memory: StoredMemory | None, *, first: int
) -> tuple[Page | Phrase, bool]:
    """Return what a memory holds, and whether the caller was asked for patience meanwhile."""
    if memory is None:
        return texts.NOTHING_YET, False
    reading = asyncio.create_task(read_page(office, memory, first=first), name="memory page")
    try:
        done, _ = await asyncio.wait({reading}, timeout=SOON_S)
        if not done:
            await visit.screen.show(Notice(texts.ONE_MOMENT.say(visit.language)))
        return await reading, not done
    finally:
        reading.cancel()


def _listed(content: Page | Phrase, *, language: Language) -> str:
    if isinstance(content, Phrase):
        return content.say(language)
    if not content.entries:
        return texts.NOTHING_YET.say(language)
    last = content.first + len(content.entries) - 1
    title = texts.SOME.say(language, first=content.first, last=last, total=content.total)
    entries = enumerate(content.entries, start=content.first)
    return "\n".join([title, "", *(f"{at}. {code(entry.content)}" for at, entry in entries)])


def _entry_buttons(scope: str, content: Page | Phrase, *, language: Language) -> Iterator[Button]:
    if isinstance(content, Phrase):
        return
    for number, entry in enumerate(content.entries, start=content.first):
        yield from entry_buttons(scope, entry, number, language=language)
    after = content.first + len(content.entries)
    if after <= min(content.total, MAX_ENTRIES):
        yield Button(MemoryAction.MORE, texts.MORE.say(language), Spot(scope, str(after)).text())


async def _open_entry(office: Office, visit: Visit, spot: Spot) -> None:
    language = visit.language

    async def fill() -> Form:
        entry = (await own_entry(office, visit, spot)).entry
        return Form(
            callback=CALLBACK,
            title=texts.FORM_TITLE.say(language),
            submit=SAVE.say(language),
            parts=(
                Input(
                    key=_CONTENT,
                    label=texts.FORM_LABEL.say(language),
                    kind="lines",
                    value=entry.content[:MAX_CONTENT_CHARS],
                    is_optional=False,
                    max_chars=MAX_CONTENT_CHARS,
                ),
            ),
            state=spot.text(),
        )

    await open_filled(visit, texts.FORM_TITLE.say(language), fill)


async def _change(office: Office, visit: Visit, spot: Spot, *, content: str) -> Phrase:
    own = await own_entry(office, visit, spot)
    with refusing(visit.language):
        await own.notebook.update_node(own.memory_id, own.entry.node_id, content=content)
    return texts.CHANGED


async def _delete(office: Office, visit: Visit, spot: Spot) -> Phrase:
    own = await own_entry(office, visit, spot)
    with refusing(visit.language):
        await own.notebook.delete_node(own.memory_id, own.entry.node_id)
    return texts.DELETED


async def _forget(office: Office, visit: Visit, scope: str) -> Phrase:
    """Delete a memory, and only then let go of its id: nothing of it may be left behind."""
    memory = await own_memory(office, visit.caller, scope)
    if memory is None or memory.memory_id is None:
        raise Refused(texts.NO_SUCH_MEMORY.say(visit.language))
    if office.notebook is None:
        raise Refused(texts.NAMED_WITHOUT_KEYS.say(visit.language))
    with refusing(visit.language), suppress(MemoryGone):
        await office.notebook.delete(memory.memory_id)
    await office.storage.memories.forget(memory.key, memory.memory_id)
    return texts.FORGOTTEN
