"""The Home tab: what the bot is, who answers, what is left, and what is remembered."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.admin import home_texts as texts
from bot.admin import memory_texts
from bot.admin.forgetting import forget_all_button, forget_button
from bot.admin.memory_book import (
    Look,
    MemoryAction,
    Page,
    entry_buttons,
    is_off,
    more_buttons,
    nothing_yet,
    read_page,
    switch_button,
    why_unused,
)
from bot.admin.memory_texts import Unused
from bot.admin.office import Office
from bot.admin.replies import typeable
from bot.admin.status import quota_lines, who_answers
from bot.core.home import Heading, Home, Quote, Row, Words
from bot.core.language import Language, Phrase
from bot.core.memory_places import CHANNELS, PRIVATE
from bot.core.resolution import Effective
from bot.core.screens import Button, Caller
from storage.memories import StoredMemory

ANY_DM = "D"
"""The place whose settings a Home shows: those of its owner's direct messages."""
MAX_APART = 100
"""So many memories of single channels are listed; whoever forgets one sees the next."""
_ROW = 25
"""Of them so many share a row of buttons; Slack takes no more in one."""

_COMMON = (PRIVATE, CHANNELS)
"""What a Home shows unasked."""

_Part = Heading | Words | Quote | Row


@dataclass(frozen=True, slots=True)
class _Remembered:
    """One of the memories a Home shows, as far as it was read."""

    scope: str
    memory: StoredMemory | None
    content: Page | Phrase | None


async def show_home(
    office: Office, caller: Caller, *, language: Language, look: Look | None = None
) -> None:
    """Publish the caller's Home; a few seconds, while what is remembered is read.

    Args:
        office: The services.
        caller: Whose.
        language: What they read.
        look: What to say on top, and which memory to show besides; None for neither.

    Raises:
        SlackError: Slack did not take it.
        StorageError: The database did not answer.
    """
    if office.homes is None:
        return
    look, caller = look or Look(), replace(caller, channel_id=ANY_DM)
    known = await office.storage.memories.of_user(caller.team_id, caller.user_id)
    rows = {memory.key.scope: memory for memory in known if memory.memory_id is not None}
    apart = [scope for scope in rows if scope not in _COMMON]
    wanted = [look.scope] if look.scope in apart else []
    read = [await _read(office, scope, rows.get(scope), look) for scope in (*wanted, *_COMMON)]
    top = [*([Words(look.lead)] if look.lead else []), Words(texts.WHAT_I_AM.say(language))]
    effective, standing = await _standing(office, caller, language=language)
    own = await _memories(office, caller, effective, read=read, language=language)
    listed = list(_apart(office, apart, language=language))
    parts = [*top, *standing, *own, *listed, Words(_help(language))]
    await office.homes.publish(caller.team_id, caller.user_id, Home(tuple(parts)))


async def show_first_home(office: Office, caller: Caller, *, language: Language) -> None:
    """Publish what is known at once; raises as `show_home`."""
    if office.homes is None:
        return
    caller = replace(caller, channel_id=ANY_DM)
    _, standing = await _standing(office, caller, language=language)
    moment = Words(memory_texts.ONE_MOMENT.say(language))
    parts = [Words(texts.WHAT_I_AM.say(language)), *standing, moment, Words(_help(language))]
    await office.homes.publish(caller.team_id, caller.user_id, Home(tuple(parts)))


async def _standing(
    office: Office, caller: Caller, *, language: Language
) -> tuple[Effective, list[_Part]]:
    """Return what holds in the caller's direct messages, and what is told of it."""
    found = await who_answers(office, caller, language=language)
    app = _bold(texts.ANSWERS.say(language, name=f"`{found.effective.app.name}`"))
    quotas = await quota_lines(office, caller, found.effective, language=language)
    lines = [app, *([found.trouble] if found.trouble else []), *quotas]
    return found.effective, [Words("\n".join(_bold(line) for line in lines))]


async def _read(office: Office, scope: str, memory: StoredMemory | None, look: Look) -> _Remembered:
    if memory is None:
        return _Remembered(scope, None, memory_texts.NO_KEYS if office.notebook is None else None)
    first = look.first if scope == look.scope else 1
    return _Remembered(scope, memory, await read_page(office, memory, first=first))


async def _memories(
    office: Office,
    caller: Caller,
    effective: Effective,
    *,
    read: Sequence[_Remembered],
    language: Language,
) -> list[_Part]:
    if office.notebook is None and not any(each.memory for each in read):
        return [Heading(texts.MEMORY.say(language)), Words(memory_texts.NO_KEYS.say(language))]
    is_switched_off = await is_off(office, caller)
    parts: list[_Part] = [Heading(texts.MEMORY.say(language))]
    why = why_unused(office, effective, is_off=is_switched_off)
    parts += [Words(memory_texts.UNUSED[why].say(language))] if why else []
    parts.append(Row((switch_button(is_off=is_switched_off, language=language),)))
    for each in read:
        parts += _memory(office, each, why=why, language=language)
    return parts


def _memory(
    office: Office, read: _Remembered, *, why: Unused | None, language: Language
) -> Iterator[_Part]:
    buttons: list[Button] = []
    yield Words(_bold(memory_texts.about(read.scope, language=language)))
    if isinstance(read.content, Phrase):
        yield Words(read.content.say(language))
    elif read.content is None or not read.content.entries:
        has_memory = read.memory is not None
        yield Words(nothing_yet(office, why=why, has_memory=has_memory, language=language))
    else:
        for number, entry in enumerate(read.content.entries, start=read.content.first):
            yield Quote(f"{number}. {entry.content}")
            yield Row(entry_buttons(read.scope, entry, number, language=language))
        buttons += more_buttons(read.scope, read.content, language=language)
    if read.memory is not None and office.notebook is not None:
        buttons.append(forget_button(read.scope, language=language))
    if buttons:
        yield Row(tuple(buttons))


def _apart(office: Office, scopes: Sequence[str], *, language: Language) -> Iterator[_Part]:
    """Yield the memories of single channels, each with a button that shows it here.

    No command reaches those of channels whose settings changed, that are shared now, or that their
    owner has left.
    """
    if not scopes:
        return
    yield Words(_bold(texts.APART.say(language)))
    numbered = list(enumerate(scopes[:MAX_APART], start=1))
    for begin in range(0, len(numbered), _ROW):
        row = numbered[begin : begin + _ROW]
        places = [f"{at}. {memory_texts.place(scope, language=language)}" for at, scope in row]
        yield Words("\n".join(places))
        yield Row(tuple(_show_button(scope, at, language=language) for at, scope in row))
    if office.notebook is not None:
        yield Row((forget_all_button(language=language),))


def _show_button(scope: str, number: int, *, language: Language) -> Button:
    return Button(MemoryAction.MORE, memory_texts.SHOW.say(language, number=number), scope)


def _help(language: Language) -> str:
    return texts.HELP.say(language, command=typeable("help"))


def _bold(markdown: str) -> str:
    """Return our own Markdown as mrkdwn."""
    return markdown.replace("**", "*")
