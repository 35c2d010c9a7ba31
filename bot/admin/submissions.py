"""What becomes of a form that was submitted.

The state a form carries and the values that come back are whatever somebody sent: who they are and
what they may is asked anew, and every value is read as if it had been typed.
"""

from collections.abc import Mapping

from bot.admin import app_forms, config_page, own_matters, replies
from bot.admin import app_texts as texts
from bot.admin.app_entry import AppEntry, EntryProblems, read_entry
from bot.admin.app_forms import app_form, typed_fields
from bot.admin.app_saving import key_rules, save, saved_notice
from bot.admin.config_submission import config_submitted
from bot.admin.office import Office
from bot.admin.own_matters import own_submitted
from bot.admin.submission import Submission, refusal
from bot.core.screens import Caller, Closed, Errors, Replaced, Submitted, Values
from bot.errors import SlackError
from storage.errors import StorageError, VersionConflict
from storage.records import StoredApp

LANGUAGE_WITHIN_S = 0.2
"""Most of the little time there is for a form goes into who sent it."""


async def submitted(
    office: Office, caller: Caller, callback: str, *, state: str, values: Values
) -> Submitted:
    """Take a submission, or say what is wrong with it; never raises for what it holds.

    Args:
        office: The services.
        caller: Who submitted it, as Slack vouches.
        callback: Which form.
        state: What the form carried.
        values: What was entered.
    """
    language = await office.access.language(caller, within_s=LANGUAGE_WITHIN_S)
    submission = Submission(office=office, caller=caller, language=language, values=values)
    try:
        match callback:
            case config_page.CALLBACK:
                return await config_submitted(submission, state=state)
            case app_forms.CALLBACK:
                return await _app_submitted(submission, state=state)
            case _ if callback in own_matters.CALLBACKS:
                return await own_submitted(submission, callback, state=state)
            case _:
                return refusal(submission, texts.STALE_FORM)
    except SlackError:
        return refusal(submission, replies.WHO_UNKNOWN)
    except StorageError:
        return refusal(submission, replies.STORAGE_TROUBLE)


async def _app_submitted(submission: Submission, *, state: str) -> Submitted:
    office, caller = submission.office, submission.caller
    form = app_forms.read_state(state)
    if form is None:
        return refusal(submission, texts.STALE_FORM)
    if not await office.access.is_admin(caller, fresh=True):
        return refusal(submission, replies.ONLY_ADMINS)
    fields = typed_fields(submission.values)
    name = form.name or fields.get("name", "").strip()
    before = await office.storage.apps.get(caller.team_id, name)
    if form.name and before is None:
        return refusal(submission, texts.STALE_FORM)
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
            return refusal(submission, texts.STALE_FORM)
        if before is None:
            return _taken(submission, error.current.name)
        return _ask_again(submission, error.current)
    notice = await saved_notice(saved, storage=storage, caller=caller, language=submission.language)
    return Closed(notice)


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
