"""The button that takes one's own change back."""

from bot.admin import replies, scopes
from bot.admin.office import Office
from bot.admin.ports import Reader
from bot.core.screens import Button
from storage.journal import SETTINGS

_LOOK_BACK = 10
"""How many entries of the audit may have come in since one's own; our own bound."""


async def undo_button(
    office: Office, reader: Reader, *, subject: str = SETTINGS, scope: str = scopes.WORKSPACE
) -> tuple[Button, ...]:
    """Return a button that undoes the reader's newest change of a subject, if there is one.

    Raises:
        StorageError: The database did not answer.
    """
    caller = reader.caller
    entries = await office.storage.audit.page(
        caller.team_id, scope=scope, before_id=None, limit=_LOOK_BACK
    )
    own = (
        entry.id for entry in entries if (entry.subject, entry.user_id) == (subject, caller.user_id)
    )
    entry_id = next(own, None)
    if entry_id is None:
        return ()
    return (Button("undo", replies.UNDO.say(reader.language), str(entry_id)),)
