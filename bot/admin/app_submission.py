"""The form of an app, submitted: read, checked, stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.admin import app_texts as texts
from bot.admin import replies
from bot.admin.app_entry import EntryProblems, fields_of, read_entry
from bot.admin.app_forms import AppFormState, app_form, read_state, typed_fields
from bot.admin.app_saving import key_rules, save, saved_notice
from bot.admin.changing import MAX_TRIES
from bot.admin.marks import code
from bot.admin.submission import STALE_FORM, Submission
from bot.core.screens import Closed, Errors, Replaced, Submitted
from storage.apps import subject_of
from storage.errors import VersionConflict
from storage.journal import WORKSPACE
from storage.records import StoredApp

_KEY = "secret_name"
_TOGETHER = (
    ("app_id",),
    ("kind", "options"),  # options are of a kind
    ("region", "base_url", "api_key", "bot_key", _KEY),  # a key is for an address
    ("workspace",),
    ("open",),
)
"""Fields that say one thing together, so that no two people's are ever mixed."""


@dataclass(frozen=True, slots=True)
class _Merged:
    """What was entered, beside what others changed since the form was filled.

    Attributes:
        fields: What there is to be: whatever was not entered stays as others left it.
        disputed: The fields of what others changed to something else than was entered here.
    """

    fields: Mapping[str, str]
    disputed: Sequence[str] = ()


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
    why = await office.access.why_not_admin(caller, fresh=True)
    if why is not None:
        return submission.refused(why)
    for _ in range(MAX_TRIES):
        try:
            return await _submitted_once(submission, form)
        except VersionConflict:
            continue
    command = replies.typeable("apps")
    said = texts.CHANGED_MEANWHILE.say(submission.language, name=code(form.name), command=command)
    return submission.refused_as(said)


async def _submitted_once(submission: Submission, form: AppFormState) -> Submitted:
    """Take the form for the app as it is now.

    Raises:
        VersionConflict: It was changed before it could be written.
    """
    office, caller = submission.office, submission.caller
    fields = typed_fields(submission.values)
    name = form.name or fields.get("name", "").strip()
    before = await office.storage.apps.get(caller.team_id, name)
    if form.name and before is None:
        return submission.refused(STALE_FORM)
    if before is not None and not form.name:
        taken = texts.TAKEN_NAME.say(submission.language, name=before.name)
        return Errors({"name": taken})
    merged: _Merged | None = _Merged(fields)
    if before is not None:
        merged = await _merged(submission, form, before)
    if merged is None:
        return submission.refused(STALE_FORM)
    return await _save(submission, merged, before=before)


async def _save(submission: Submission, merged: _Merged, *, before: StoredApp | None) -> Submitted:
    office, caller = submission.office, submission.caller
    keys = key_rules(office, before=before)
    entry = read_entry(merged.fields, keys=keys, language=submission.language)
    if isinstance(entry, EntryProblems):
        return Errors(entry.by_field)
    if before is not None and merged.disputed:
        return _ask_again(submission, before, merged)
    saved = await save(entry, before=before, storage=office.storage, caller=caller)
    return Closed(await saved_notice(saved, office=office, reader=submission))


async def _merged(submission: Submission, form: AppFormState, now: StoredApp) -> _Merged | None:
    """Put what was entered together with what others changed; None for a version never shown."""
    entered = {**typed_fields(submission.values), "name": now.name}
    if form.version == now.version:
        return _Merged(entered)
    base = await submission.office.storage.audit.former(
        submission.caller.team_id, WORKSPACE, version=form.version, subject=subject_of(form.name)
    )
    return None if base is None else _merge(entered, base=StoredApp(**base), now=now)


def _merge(entered: Mapping[str, str], *, base: StoredApp, now: StoredApp) -> _Merged:
    shown, present = ({**fields_of(app), _KEY: app.secret_name or ""} for app in (base, now))
    fields, disputed = dict(entered), list[str]()
    for group in _TOGETHER:
        asked = [name for name in group if name != _KEY]
        mine = [name for name in asked if entered.get(name, "").strip() != shown.get(name, "")]
        if all(present.get(name, "") == shown.get(name, "") for name in group):
            continue
        if not mine:
            fields |= {name: present.get(name, "") for name in asked}
        elif any(entered.get(name, "").strip() != present.get(name, "") for name in asked):
            disputed += mine
    return _Merged(fields, disputed)


def _ask_again(submission: Submission, current: StoredApp, merged: _Merged) -> Replaced:
    """Show the form once more: what was entered here, beside what others changed meanwhile."""
    language = submission.language
    names = ", ".join(texts.LABELS[name].say(language) for name in merged.disputed)
    form = app_form(
        current,
        language=language,
        can_keep_keys=submission.office.storage.secrets.is_open,
        entered=merged.fields,
        note=texts.APP_MEANWHILE.say(language, names=names),
    )
    return Replaced(replace(form, edition=current.version))
