"""`memory id`: admins name which memory is whose; it works without access keys too."""

from bot.admin import memory_texts as texts
from bot.admin import scopes
from bot.admin.marks import code, user
from bot.admin.office import Office
from bot.admin.ports import Visit
from bot.admin.replies import Refused, typeable
from bot.admin.shown_settings import effective_at
from bot.admin.undoing import undo_button
from bot.core.memory_naming import parse_named
from bot.core.memory_places import channel_of, scope_at, why_without
from bot.core.screens import Caller, Notice
from bot.core.setting import MemoryUse
from storage.errors import StorageConflict
from storage.memories import MemoryKey, subject_of

USAGE = "@user private|channels|#channel MEMORY_ID|none"


async def name_memory(office: Office, visit: Visit, typed: str) -> Notice:
    """Say which memory is somebody's, or that they have none.

    Args:
        office: The services.
        visit: Who does it.
        typed: As `core.memory_naming` reads it.

    Raises:
        Refused: The caller may not, it is not of that form, or the memory is somebody else's.
        SlackError: Slack did not say who the caller is.
        StorageError: The database did not answer.
    """
    caller, language = visit.caller, visit.language
    await office.access.need_admin(visit)
    named = parse_named(typed)
    if named is None:
        raise Refused(texts.NAMING.say(language, command=typeable("memory", "id", USAGE)))
    scope = await _counting_now(office, caller, named.scope)
    key = MemoryKey(caller.team_id, named.user_id, scope)
    try:
        given = await office.storage.memories.give(key, named.memory_id, by=caller.user_id)
    except StorageConflict:
        raise Refused(texts.NOT_THEIRS.say(language)) from None
    if given is None:
        return Notice(texts.NAMED_SAME.say(language))
    place = texts.place(scope, language=language)
    phrase = texts.NAMED if named.memory_id else texts.UNNAMED
    shown = code(named.memory_id or "")
    lines = [phrase.say(language, user=user(named.user_id), memory=shown, place=place)]
    if given.former_id is not None:
        lines.append(texts.LEFT_BEHIND.say(language, memory=code(given.former_id)))
    effective, _ = await effective_at(office, visit, scopes.here(caller))
    why = why_without(effective.app, workspace=office.workspace)
    if named.memory_id and why:
        lines.append(texts.UNUSED[why].say(language))
    buttons = await undo_button(office, visit, subject=subject_of(key))
    return Notice("\n\n".join(lines), buttons)


async def _counting_now(office: Office, caller: Caller, scope: str) -> str:
    """Return what a named scope stands for; a channel's own depends on who may read there."""
    channel_id = channel_of(scope)
    if channel_id is None:
        return scope
    channel = await office.directory.channel(caller.team_id, channel_id)
    return scope_at(channel_id, MemoryUse.SEPARATE, channel=channel)
