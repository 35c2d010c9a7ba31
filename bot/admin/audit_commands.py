"""`audit` and `undo`: who changed what, and taking it back."""

from collections.abc import Iterator, Sequence

from bot.admin import replies, scopes
from bot.admin.access import changes_admins_own
from bot.admin.app_choice import chosen
from bot.admin.audit_lines import line
from bot.admin.office import Office
from bot.admin.ports import Visit
from bot.admin.replies import Refused, typeable
from bot.core.language import Phrase
from bot.core.screens import Button, Caller, Notice
from storage.errors import AppInUse, NotUndoable, VersionConflict
from storage.journal import SETTINGS as SETTINGS_SUBJECT
from storage.records import AuditEntry

PAGE_ENTRIES = 10
MAX_UNDO_BUTTONS = 5
EVERYWHERE = "all"
"""In a button's value, the place of a scope: the trail of every scope."""

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
        StorageError: The database did not answer.
    """
    wanted = scopes.WORKSPACE if scope is None else scope
    if not await office.access.may_change(visit.caller, wanted, fresh=False):
        raise Refused(replies.ONLY_ADMINS_READ.say(visit.language))
    entries = await office.storage.audit.page(
        visit.caller.team_id, scope=scope, before_id=before_id, limit=PAGE_ENTRIES + 1
    )
    return _page(visit, entries, scope=scope, is_first=before_id is None)


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
        value = f"{scope or EVERYWHERE} {shown[-1].id}"
        buttons.append(Button("audit", _OLDER.say(visit.language), value))
    return Notice(text, tuple(buttons))


def _undo_buttons(visit: Visit, shown: Sequence[AuditEntry]) -> Iterator[Button]:
    """Yield a button for the newest change of each subject, which alone can be undone."""
    places = [(entry.scope, entry.subject) for entry in shown]
    newest = [at for at, place in enumerate(places) if place not in places[:at]]
    for at in newest[:MAX_UNDO_BUTTONS]:
        label = _UNDO_ONE.say(visit.language, number=at + 1)
        yield Button("undo", label, str(shown[at].id))


async def undo_last(office: Office, visit: Visit, *, scope: str) -> Notice:
    """Take back the newest change of a scope.

    Raises:
        Refused: There is none, the caller may not, or it cannot be undone.
        SlackError: Slack did not say who the caller is.
        StorageError: The database did not answer.
    """
    await _need_change(office, visit, scope=scope)
    entry = await office.storage.audit.last(visit.caller.team_id, scope)
    if entry is None:
        raise Refused(replies.NOTHING_TO_UNDO.say(visit.language))
    return await _undo(office, visit, entry)


async def undo_entry(office: Office, visit: Visit, *, entry_id: int) -> Notice:
    """Take back one change, as `undo_last` does; the id comes from a button anybody can forge."""
    entry = await _find(visit.caller, office, entry_id=entry_id)
    if entry is None:
        raise Refused(replies.UNDO_IMPOSSIBLE.say(visit.language))
    await _need_change(office, visit, scope=entry.scope)
    return await _undo(office, visit, entry)


async def _find(caller: Caller, office: Office, *, entry_id: int) -> AuditEntry | None:
    entries = await office.storage.audit.page(
        caller.team_id, scope=None, before_id=entry_id + 1, limit=1
    )
    return entries[0] if entries and entries[0].id == entry_id else None


async def _need_change(office: Office, visit: Visit, *, scope: str) -> None:
    if not await office.access.may_change(visit.caller, scope, fresh=True):
        raise Refused(replies.refused(scope, language=visit.language))


async def _undo(office: Office, visit: Visit, entry: AuditEntry) -> Notice:
    """Put back what there was; the caller may change the entry's scope."""
    if entry.subject == SETTINGS_SUBJECT:
        await _need_admin_for_managers(office, visit, entry)
        await _need_app(office, visit, entry)
    try:
        undone = await office.storage.audit.undo(
            visit.caller.team_id, entry.id, by=visit.caller.user_id
        )
    except (VersionConflict, AppInUse, NotUndoable) as error:
        raise Refused(_why_not(error, visit=visit, scope=entry.scope)) from error
    text = [
        replies.UNDONE.say(visit.language),
        line(undone, language=visit.language),
        replies.reach(entry.scope, language=visit.language),
    ]
    undo = Button("undo", replies.UNDO.say(visit.language), str(undone.id))
    return Notice("\n\n".join(text), (undo,))


async def _need_admin_for_managers(office: Office, visit: Visit, entry: AuditEntry) -> None:
    """Whoever manages a channel must not make managers by taking back what an admin did."""
    if not changes_admins_own(entry.before or {}, entry.after or {}):
        return
    if not await office.access.is_admin(visit.caller, fresh=True):
        raise Refused(replies.ONLY_ADMINS.say(visit.language))


async def _need_app(office: Office, visit: Visit, entry: AuditEntry) -> None:
    name = (entry.before or {}).get("app")
    if isinstance(name, str) and name != (entry.after or {}).get("app"):
        await chosen(office, visit, name, scope=entry.scope)


def _why_not(error: VersionConflict | AppInUse | NotUndoable, *, visit: Visit, scope: str) -> str:
    match error:
        case VersionConflict():
            command = typeable("undo", scope=scope)
            return replies.UNDO_TOO_LATE.say(visit.language, command=command)
        case AppInUse():
            return replies.UNDO_APP_IN_USE.say(visit.language, command=typeable("apps"))
        case NotUndoable():
            return replies.UNDO_IMPOSSIBLE.say(visit.language)
