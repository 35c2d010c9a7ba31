"""The form of an app, submitted: read, checked, stored."""

from collections.abc import Mapping

from bot.admin import app_texts as texts
from bot.admin import replies
from bot.admin.app_entry import AppEntry, EntryProblems, read_entry
from bot.admin.app_forms import app_form, read_state, typed_fields
from bot.admin.app_saving import key_rules, save, saved_notice
from bot.admin.submission import STALE_FORM, Submission
from bot.core.screens import Closed, Errors, Replaced, Submitted
from storage.errors import VersionConflict
from storage.records import StoredApp


async def app_submitted(submission: Submission) -> Submitted:
    """Take the form, or say at which field what is wrong.

    Raises:
        SlackError: Slack did not say who the caller is.
        StorageError: The database did not answer.
    """
    office, caller = submission.office, submission.caller
    form = read_state(submission.state)
    if form is None:
        return submission.refused(STALE_FORM)
    if not await office.access.is_admin(caller, fresh=True):
        return submission.refused(replies.ONLY_ADMINS)
    fields = typed_fields(submission.values)
    name = form.name or fields.get("name", "").strip()
    before = await office.storage.apps.get(caller.team_id, name)
    if form.name and before is None:
        return submission.refused(STALE_FORM)
    if before is not None and not form.name:
        return _taken(submission, before.name)
    return await _read_and_save(submission, fields, before=before, version=form.version)


async def _read_and_save(
    submission: Submission,
    fields: Mapping[str, str],
    *,
    before: StoredApp | None,
    version: int,
) -> Submitted:
    if before is not None:
        fields = {**fields, "name": before.name}
    keys = key_rules(submission.office, before=before)
    entry = read_entry(fields, keys=keys, language=submission.language)
    if isinstance(entry, EntryProblems):
        return Errors(entry.by_field)
    if before is not None and before.version != version:
        return _ask_again(submission, before)
    return await _saved(submission, entry, before=before)


def _taken(submission: Submission, name: str) -> Errors:
    return Errors({"name": texts.TAKEN_NAME.say(submission.language, name=name)})


async def _saved(submission: Submission, entry: AppEntry, *, before: StoredApp | None) -> Submitted:
    storage, caller = submission.office.storage, submission.caller
    try:
        saved = await save(entry, before=before, storage=storage, caller=caller)
    except VersionConflict as error:
        if not isinstance(error.current, StoredApp):
            return submission.refused(STALE_FORM)
        if before is None:
            return _taken(submission, error.current.name)
        return _ask_again(submission, error.current)
    return Closed(await saved_notice(saved, office=submission.office, reader=submission))


def _ask_again(submission: Submission, current: StoredApp) -> Replaced:
    """Show the form once more, with what was entered: somebody else changed the app meanwhile."""
    form = app_form(
        current,
        language=submission.language,
        can_keep_keys=submission.office.storage.secrets.is_open,
        entered=submission.values,
        note=texts.APP_MEANWHILE.say(submission.language),
    )
    return Replaced(form)
