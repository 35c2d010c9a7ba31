"""`audit` and `undo`: who changed what, and taking it back."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.admin import replies, scopes
from bot.admin.access import changes_admins_own
from bot.admin.app_choice import chosen
from bot.admin.app_texts import CHOSEN_AGAIN
from bot.admin.audit_lines import line
from bot.admin.changing import Draft, changed_names
from bot.admin.consequences import Apps, app_consequences, apps_of, consequences
from bot.admin.marks import code, moment, user
from bot.admin.memory_texts import NOT_THEIRS
from bot.admin.office import Office
from bot.admin.places import all_named
from bot.admin.ports import Press, Visit
from bot.admin.replies import Refused, typeable
from bot.core.language import Phrase
from bot.core.screens import Button, Notice
from bot.errors import UnknownApp
from storage.errors import AppInUse, NotUndoable, StorageConflict, VersionConflict
from storage.journal import SETTINGS as SETTINGS_SUBJECT
from storage.records import AuditEntry

PAGE_ENTRIES = 10
MAX_UNDO_BUTTONS = 5
_EVERYWHERE = "all"
"""In a button's value, the place of a scope: the trail of every scope."""
_ENTRY_ID = re.compile(r"[1-9][0-9]{0,17}")
_OLDER_THAN = re.compile(r"(all|workspace|(?:channel|user):[A-Z0-9]{1,30}) ([1-9][0-9]{0,17})")

_TITLE = Phrase("**Changes** in {place}, newest first:", "{place} 的**更改记录**，最新的在前：")
_TITLE_ALL = Phrase(
    "**Changes** anywhere in the workspace, newest first:",
    "工作区内的全部**更改记录**，最新的在前：",
)
_NONE = Phrase("Nothing was changed here yet.", "此处尚无任何更改。")
_NO_OLDER = Phrase("There is nothing older.", "没有更早的记录。")
_OLDER = Phrase("Older", "更早")
_UNDO_ONE = Phrase("Undo {number}", "撤销第 {number} 条")


async def show_audit(
    office: Office, visit: Visit, *, scope: str | None, before_id: int | None = None
) -> Notice:
    """Return one page of the trail.

    Args:
        office: What there is.
        visit: Who asks.
        scope: Of which scope; None for all.
        before_id: Entries older than this one; None for the newest.

    Raises:
        Refused: The caller may not see it.
        SlackError: Slack did not say who the caller is.
        StorageError: The database did not answer.
    """
    wanted = scopes.WORKSPACE if scope is None else scope
    standing = await office.access.standing(visit.caller, wanted, fresh=True)
    if not standing.may_change:
        why = replies.ONLY_ADMINS_READ if standing.is_known else replies.WHO_UNSEEN
        raise Refused(why.say(visit.language))
    entries = await office.storage.audit.page(
        visit.caller.team_id, scope=scope, before_id=before_id, limit=PAGE_ENTRIES + 1
    )
    return _page(visit, entries, scope=scope, is_first=before_id is None)


async def older_pressed(office: Office, visit: Visit, press: Press) -> Notice:
    """Return the page that a button of another one names; raises as `show_audit` does."""
    found = _OLDER_THAN.fullmatch(press.value)
    if found is None:
        raise Refused(replies.unknown_button(visit.language))
    scope = None if found[1] == _EVERYWHERE else found[1]
    return await show_audit(office, visit, scope=scope, before_id=int(found[2]))


def _page(
    visit: Visit, entries: Sequence[AuditEntry], *, scope: str | None, is_first: bool
) -> Notice:
    if not entries:
        return Notice((_NONE if is_first else _NO_OLDER).say(visit.language))
    shown = entries[:PAGE_ENTRIES]
    title = _TITLE_ALL.say(visit.language)
    if scope is not None:
        title = _TITLE.say(visit.language, place=replies.place(scope, language=visit.language))
    lines = [line(entry, language=visit.language) for entry in shown]
    text = "\n".join([title, "", *(f"{at}. {text}" for at, text in enumerate(lines, start=1))])
    buttons = list(_undo_buttons(visit, shown)) if is_first else []
    if len(entries) > PAGE_ENTRIES:
        value = f"{scope or _EVERYWHERE} {shown[-1].id}"
        buttons.append(Button("audit", _OLDER.say(visit.language), value))
    return Notice(text, tuple(buttons))


def _undo_buttons(visit: Visit, shown: Sequence[AuditEntry]) -> Iterator[Button]:
    """Yield a button for the newest change of each subject, which alone can be undone.

    What people chose for themselves, they alone take back.
    """
    mine = {None, visit.caller.user_id}
    places = [(entry.scope, entry.subject) for entry in shown]
    newest = [at for at, place in enumerate(places) if place not in places[:at]]
    undoable = [at for at in newest if scopes.user_of(shown[at].scope) in mine]
    for at in undoable[:MAX_UNDO_BUTTONS]:
        label = _UNDO_ONE.say(visit.language, number=at + 1)
        yield Button("undo", label, str(shown[at].id))


async def undo_last(office: Office, visit: Visit, *, scope: str) -> Notice:
    """Take back the newest change of a scope.

    Raises:
        Refused: There is none, the caller may not, or it cannot be undone.
        SlackError: Slack did not say who the caller is.
        StorageError: The database did not answer.
    """
    standing = await office.access.need_change(visit, scope)
    entry = await office.storage.audit.last(visit.caller.team_id, scope)
    if entry is None:
        raise Refused(replies.NOTHING_TO_UNDO.say(visit.language))
    return await _undo(office, visit, entry, is_admin=standing.is_admin)


async def undo_pressed(office: Office, visit: Visit, press: Press) -> Notice:
    """Take back the change that a button names, as `undo_last` does."""
    if not _ENTRY_ID.fullmatch(press.value):
        raise Refused(replies.unknown_button(visit.language))
    entry_id = int(press.value)
    found = await office.storage.audit.page(
        visit.caller.team_id, scope=None, before_id=entry_id + 1, limit=1
    )
    entry = next((each for each in found if each.id == entry_id), None)
    if entry is None:
        raise Refused(replies.UNDO_IMPOSSIBLE.say(visit.language))
    standing = await office.access.need_change(visit, entry.scope)
    return await _undo(office, visit, entry, is_admin=standing.is_admin)


async def _undo(office: Office, visit: Visit, entry: AuditEntry, *, is_admin: bool) -> Notice:
    """Put back what there was; the caller may change the entry's scope."""
    if entry.subject == SETTINGS_SUBJECT:
        # Whoever manages a channel must not make managers by taking back what an admin did.
        if changes_admins_own(entry.before or {}, entry.after or {}):
            await office.access.need_admin(visit)
        await _need_app(office, visit, entry, is_admin=is_admin)
    apps = await apps_of(office, visit.caller.team_id)
    try:
        undone = await office.storage.audit.undo(
            visit.caller.team_id, entry.id, by=visit.caller.user_id
        )
    except StorageConflict as error:
        raise Refused(_why_not(error, visit=visit, scope=entry.scope)) from error
    changed = changed_names(entry.before or {}, entry.after or {})
    text = [
        _undone(visit, entry),
        line(undone, language=visit.language),
        replies.reach(entry.scope, changed=changed, language=visit.language),
        *await _consequences(office, visit, undone, apps=apps),
    ]
    undo = Button("undo", replies.UNDO.say(visit.language), str(undone.id))
    return Notice("\n\n".join(text), (undo,))


def _undone(visit: Visit, entry: AuditEntry) -> str:
    """Say that a change was taken back, and whose, when it was somebody else's."""
    if entry.user_id == visit.caller.user_id:
        return replies.UNDONE.say(visit.language)
    return replies.UNDONE_OF.say(visit.language, user=user(entry.user_id), at=moment(entry.at))


async def _consequences(
    office: Office, visit: Visit, undone: AuditEntry, *, apps: Apps
) -> list[str]:
    """Return what follows from a change that was taken back; the apps are those before that."""
    if undone.subject == SETTINGS_SUBJECT:
        stored = await office.choices.stored(visit.caller.team_id, undone.scope)
        own = replace(stored[undone.scope], values=undone.before or {})
        draft = Draft(undone.scope, {**stored, undone.scope: own}, undone.after or {})
        return await consequences(office, visit, draft)
    name = str((undone.after or undone.before or {}).get("name", ""))
    if not name:
        return []
    # An app that was removed is again the choice of the places that had lost it, and of no others.
    is_back = name.casefold() not in apps
    team_id = visit.caller.team_id
    places = await office.storage.apps.users_of(team_id, name) if is_back else ()
    follows = await app_consequences(office, visit, name, before=apps, chosen_at=places)
    if places:
        named = all_named(places, language=visit.language)
        follows.insert(0, CHOSEN_AGAIN.say(visit.language, places=named))
    return follows


async def _need_app(office: Office, visit: Visit, entry: AuditEntry, *, is_admin: bool) -> None:
    name = (entry.before or {}).get("app")
    if not isinstance(name, str) or name == (entry.after or {}).get("app"):
        return
    try:
        await office.choices.profile(visit.caller.team_id, name, with_key=False)
    except UnknownApp:
        raise Refused(_app_is_gone(visit, name, scope=entry.scope)) from None
    await chosen(office, visit, name, scope=entry.scope, is_admin=is_admin)


def _app_is_gone(visit: Visit, name: str, *, scope: str) -> str:
    """Say that a choice of app cannot be put back, and how to go on."""
    return replies.UNDO_APP_GONE.say(
        visit.language,
        name=code(name),
        back=typeable("undo", scope=scopes.WORKSPACE),
        audit=typeable("audit", scope=scopes.WORKSPACE),
        show=typeable("show", scope=scope),
    )


def _why_not(error: StorageConflict, *, visit: Visit, scope: str) -> str:
    match error:
        case VersionConflict():
            command = typeable("undo", scope=scope)
            return replies.UNDO_TOO_LATE.say(visit.language, command=command)
        case AppInUse():
            return replies.UNDO_APP_IN_USE.say(visit.language, command=typeable("apps"))
        case NotUndoable():
            return replies.UNDO_IMPOSSIBLE.say(visit.language)
        case _:  # a memory, by now of somebody else or of another place
            return NOT_THEIRS.say(visit.language)
