"""`memory`: everybody sees, corrects and deletes what is remembered of them."""

import asyncio
import re
from collections.abc import Iterator

from bot.admin import memory_texts as texts
from bot.admin import replies, scopes
from bot.admin.changing import MAX_TRIES
from bot.admin.forgetting import forget, forget_all, forget_button
from bot.admin.forms import SAVE, open_filled
from bot.admin.home import show_home
from bot.admin.marks import code
from bot.admin.memory_book import (
    Look,
    MemoryAction,
    Page,
    Spot,
    entry_buttons,
    is_off,
    more_buttons,
    nothing_yet,
    own_entry,
    own_memory,
    read_page,
    refusing,
    scope_here,
    switch_button,
    why_unused,
)
from bot.admin.office import Office
from bot.admin.ports import Press, Visit
from bot.admin.replies import Refused, typeable
from bot.admin.shown_settings import effective_at
from bot.admin.submission import Submission
from bot.core.language import Language, Phrase
from bot.core.memory import MAX_CONTENT_CHARS, content_problem
from bot.core.memory_places import OWN_SWITCH
from bot.core.screens import Button, Errors, Form, Input, Notice, Screen, Submitted, Taken
from bot.core.setting import MemoryUse
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
    await _show(office, visit, Look())


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
            return await _done(office, visit, Look(spot.scope, first=first, is_again=True))
        case MemoryAction.DELETE:
            said = await _delete(office, visit, spot)
        case MemoryAction.FORGET:
            said = await forget(office, visit, spot.scope)
        case MemoryAction.FORGET_ALL:
            said = await forget_all(office, visit)
        case MemoryAction.OFF | MemoryAction.ON as chosen:
            said = await _switch(office, visit, is_on=chosen is MemoryAction.ON)
    return await _done(office, visit, Look(spot.scope, lead=said, is_again=True))


async def _switch(office: Office, visit: Visit, *, is_on: bool) -> str:
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
        return (texts.SWITCHED_ON if is_on else texts.SWITCHED_OFF).say(visit.language)
    raise Refused(replies.MOVED_ON.say(visit.language, command=typeable("memory")))


async def switch_typed(office: Office, visit: Visit, typed: str) -> Notice:
    """Switch the caller's own memory as they typed it in direct messages.

    Raises:
        Refused: It is neither, or others kept changing the same settings.
        StorageError: The database did not answer.
    """
    word = typed.strip().casefold()
    if word not in {"on", "off"}:
        on, off = typeable("memory", "on"), typeable("memory", "off")
        raise Refused(texts.ON_OR_OFF.say(visit.language, on=on, off=off))
    return Notice(await _switch(office, visit, is_on=word == "on"))


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
        await _done(submission.office, visit, Look(spot.scope, lead=said))

    return Taken(finish)


async def _done(office: Office, visit: Visit, look: Look) -> None:
    """Show the memory as it is now, where the caller looked at it."""
    if visit.is_at_home:
        await show_home(office, visit.caller, language=visit.language, look=look)
    else:
        await _show(office, visit, look)


async def _show(office: Office, visit: Visit, look: Look) -> None:
    caller, language = visit.caller, visit.language
    effective, _ = await effective_at(office, visit, scopes.here(caller))
    scope = look.scope or await scope_here(office, caller, effective)
    memory = await own_memory(office, caller, scope)
    if memory is None and office.notebook is None:
        await visit.screen.show(Notice(texts.NO_KEYS.say(language)), replace=look.is_again)
        return
    is_switched_off = await is_off(office, caller)
    content, was_announced = await _read(office, visit, memory, first=look.first)
    why = why_unused(office, effective, is_off=is_switched_off)
    parts = [
        look.lead,
        f"{texts.about(scope, language=language)} {texts.ONLY_YOURS.say(language)}",
        texts.UNUSED[why].say(language) if why else "",
        _listed(content, language=language)
        or nothing_yet(office, why=why, has_memory=memory is not None, language=language),
    ]
    buttons = [
        *_entry_buttons(scope, content, language=language),
        *([forget_button(scope, language=language)] if memory and office.notebook else []),
        switch_button(is_off=is_switched_off, language=language),
    ]
    notice = Notice("\n\n".join(filter(None, parts)), tuple(buttons))
    await visit.screen.show(notice, replace=look.is_again or was_announced)


async def _read(
    office: Office, visit: Visit, memory: StoredMemory | None, *, first: int
) -> tuple[Page | Phrase | None, bool]:
    """Return what a memory holds, and whether the caller was asked for patience meanwhile."""
    if memory is None:
        return None, False
    reading = asyncio.create_task(read_page(office, memory, first=first), name="memory page")
    try:
        done, _ = await asyncio.wait({reading}, timeout=SOON_S)
        if not done:
            await visit.screen.show(Notice(texts.ONE_MOMENT.say(visit.language)))
        return await reading, not done
    finally:
        reading.cancel()


def _listed(content: Page | Phrase | None, *, language: Language) -> str:
    """Return the entries, or why they cannot be read; empty when there are none."""
    if isinstance(content, Phrase):
        return content.say(language)
    if content is None or not content.entries:
        return ""
    last = content.first + len(content.entries) - 1
    title = texts.SOME.say(language, first=content.first, last=last, total=content.total)
    entries = enumerate(content.entries, start=content.first)
    return "\n".join([title, "", *(f"{at}. {code(entry.content)}" for at, entry in entries)])


def _entry_buttons(
    scope: str, content: Page | Phrase | None, *, language: Language
) -> Iterator[Button]:
    if not isinstance(content, Page):
        return
    for number, entry in enumerate(content.entries, start=content.first):
        yield from entry_buttons(scope, entry, number, language=language)
    yield from more_buttons(scope, content, language=language)


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


async def _change(office: Office, visit: Visit, spot: Spot, *, content: str) -> str:
    own = await own_entry(office, visit, spot)
    with refusing(visit.language):
        await own.notebook.update_node(own.memory_id, own.entry.node_id, content=content)
    return texts.CHANGED.say(visit.language)


async def _delete(office: Office, visit: Visit, spot: Spot) -> str:
    own = await own_entry(office, visit, spot)
    with refusing(visit.language):
        await own.notebook.delete_node(own.memory_id, own.entry.node_id)
    return texts.DELETED.say(visit.language)
