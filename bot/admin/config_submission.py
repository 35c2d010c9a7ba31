"""The form with every setting, submitted: read, checked for the app, written."""

import re
from collections.abc import Mapping, Sequence

from bot.admin import config_texts as texts
from bot.admin import marks, replies, scopes
from bot.admin.audit_lines import MAX_LINE_CHARS, changed_values, joined
from bot.admin.changing import Draft, app_of
from bot.admin.config import read_page
from bot.admin.config_form import config_form
from bot.admin.config_page import INHERIT, read_state, settings_shown
from bot.admin.consequences import consequences
from bot.admin.submission import STALE_FORM, Submission
from bot.admin.undoing import undo_button
from bot.core.json_value import Json
from bot.core.language import Language
from bot.core.question import AppProfile
from bot.core.resolution import resolve
from bot.core.screens import MAX_PROSE_CHARS, Closed, Errors, Notice, Replaced, Submitted
from bot.core.setting import SETTINGS, Setting, candidate_options
from bot.errors import BadValue, UnknownApp
from storage.errors import VersionConflict
from storage.records import AuditEntry, StoredSettings

_NO_MENTION = re.compile(r"<(?!@[UW][A-Z0-9]{1,30}>)")
"""What mrkdwn would read as a token, but for people, whose ids were checked when they were set."""
_MAX_CHANGES_CHARS = 6_000
_MAX_MEANWHILE = 3
"""Changes of others that are told about; the newest."""


async def config_submitted(submission: Submission) -> Submitted:
    """Take the form, or say at which field what is wrong.

    Raises:
        SlackError: Slack did not say who the caller is.
        StorageError: The database did not answer.
    """
    form = read_state(submission.state)
    if form is None:
        return submission.refused(STALE_FORM)
    office, caller = submission.office, submission.caller
    standing = await office.access.standing(caller, form.scope, fresh=True)
    if not standing.may_change:
        return submission.refused_as(
            replies.may_not_change(form.scope, language=submission.language)
        )
    stored = await office.choices.stored(caller.team_id, form.scope)
    settings = settings_shown(scopes.level_of(form.scope), is_admin=standing.is_admin)
    values, errors = _read(submission, settings, own=stored[form.scope].values)
    draft = Draft(form.scope, stored, values)
    errors |= await _trouble_with_app(submission, draft) or {}
    app = None if "app" in errors else await app_of(office, caller.team_id, draft.layers)
    if app is not None:
        errors = _useless(submission, draft, app) | errors
    if errors:
        return Errors(errors)
    return await _write(submission, draft, version=form.version, is_admin=standing.is_admin)


def _read(
    submission: Submission, settings: Sequence[Setting], *, own: Mapping[str, Json]
) -> tuple[dict[str, Json], dict[str, str]]:
    """Return the values there are to be, and what is wrong by field.

    What the form does not hold stays as it is: settings that only admins see among them.
    """
    values, errors = dict(own), dict[str, str]()
    for setting in settings:
        if setting.key not in submission.values:
            continue
        typed = _typed(submission.values[setting.key])
        if not typed.strip() or typed == INHERIT:
            values.pop(setting.key, None)
            continue
        try:
            values[setting.key] = setting.read(typed)
        except BadValue as error:
            errors[setting.key] = error.phrase.say(submission.language, **error.values)
    return values, errors


def _typed(entered: str | tuple[str, ...]) -> str:
    """Return what was entered as it would be typed in a command."""
    return entered if isinstance(entered, str) else " ".join(entered)


async def _trouble_with_app(submission: Submission, draft: Draft) -> dict[str, str] | None:
    """Return what is wrong with the app that was chosen here; one chosen before may be gone."""
    name = draft.values.get("app")
    if not isinstance(name, str) or not draft.chooses_app:
        return None
    choices, caller = submission.office.choices, submission.caller
    try:
        app = await choices.profile(caller.team_id, name, with_key=False)
    except UnknownApp:
        return {"app": replies.UNKNOWN_APP.say(submission.language, name=name)}
    is_own = scopes.user_of(draft.scope) is not None
    if is_own and not await choices.may_choose(caller.team_id, caller.user_id, app):
        return {"app": replies.CLOSED_APP.say(submission.language, name=name)}
    return None


def _useless(submission: Submission, draft: Draft, app: AppProfile) -> dict[str, str]:
    """Return what the app cannot use, by field.

    Only what this form brings about is refused: a value that was of no use before is left out of
    questions, and must not stand in the way of other changes.
    """
    effective = resolve(draft.layers, app=app)
    known = resolve(draft.layers_before, app=app).reasons
    level = scopes.level_of(draft.scope)
    errors: dict[str, list[str]] = {}
    for name, phrase in effective.reasons.items():
        is_known = name in known and not draft.chooses_app and not _is_new(name, draft)
        if effective.origins.get(name) is level and not is_known:
            reason = phrase.say(submission.language)
            key = name if name in SETTINGS else "more"
            errors.setdefault(key, []).append(reason if key == name else f"{name}: {reason}")
    return {key: " ".join(reasons) for key, reasons in errors.items()}


def _is_new(name: str, draft: Draft) -> bool:
    before, after = (
        {**values, **candidate_options(values)} for values in (draft.before, draft.values)
    )
    return before.get(name) != after.get(name)


async def _write(
    submission: Submission, draft: Draft, *, version: int, is_admin: bool
) -> Submitted:
    storage, caller = submission.office.storage, submission.caller
    try:
        stored = await storage.settings.change(
            caller.team_id,
            draft.scope,
            values=draft.values,
            expected_version=version,
            by=caller.user_id,
        )
    except VersionConflict as error:
        if not isinstance(error.current, StoredSettings):
            return submission.refused(STALE_FORM)
        return await _ask_again(
            submission, error.current, passed=error.current.version - version, is_admin=is_admin
        )
    if stored.version == version:
        return Closed(Notice(texts.NOTHING_NEW.say(submission.language)))
    undo = await undo_button(submission.office, submission, scope=draft.scope)
    return Closed(Notice(await _told(submission, draft), buttons=undo))


async def _told(submission: Submission, draft: Draft) -> str:
    """Return what was changed, where it holds, and what follows from it."""
    language = submission.language
    changes = changed_values(draft.before, draft.values, language=language)
    lines = [
        texts.CHANGES.say(language) + " " + joined(changes, most_chars=_MAX_CHANGES_CHARS),
        replies.reach(draft.scope, language=language),
        *await consequences(submission.office, submission, draft),
    ]
    return "\n\n".join(lines)


async def _ask_again(
    submission: Submission, current: StoredSettings, *, passed: int, is_admin: bool
) -> Replaced:
    """Show the form once more, with what was entered and with what others changed meanwhile.

    Args:
        submission: What was submitted.
        current: What is set by now.
        passed: How many changes others made since the form was opened, if its state is true.
        is_admin: Whether the caller may set what only admins set.
    """
    office, caller = submission.office, submission.caller
    page = await read_page(office, caller.team_id, current.scope, is_admin=is_admin)
    entries = await office.storage.audit.page(
        caller.team_id,
        scope=current.scope,
        before_id=None,
        limit=max(1, min(passed, _MAX_MEANWHILE)),
    )
    lines = (_entry_line(entry, language=submission.language) for entry in entries)
    said = "\n".join((texts.MEANWHILE.say(submission.language), *lines))
    note = marks.cut(said, most_chars=MAX_PROSE_CHARS, ending="…")
    form = config_form(page, language=submission.language, entered=submission.values, note=note)
    return Replaced(form)


def _entry_line(entry: AuditEntry, *, language: Language) -> str:
    """Return who changed what, in mrkdwn."""
    changes = changed_values(entry.before or {}, entry.after or {}, language=language)
    said = _NO_MENTION.sub("&lt;", joined(changes, most_chars=MAX_LINE_CHARS))
    who = marks.user(entry.user_id)
    return texts.MEANWHILE_LINE.say(language, who=who, changes=said)
