"""The form with every setting, submitted: read, checked for the app, written."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.admin import config_texts as texts
from bot.admin import marks, replies, scopes
from bot.admin.app_choice import may_choose
from bot.admin.appointing import UNFIT, UNTOLD, doubts_about
from bot.admin.audit_lines import MAX_LINE_CHARS, changed_values, joined
from bot.admin.changing import MAX_TRIES, Draft, app_of, useless
from bot.admin.config import read_page
from bot.admin.config_form import config_form
from bot.admin.config_page import INHERIT, ConfigState, read_state, settings_shown
from bot.admin.consequences import consequences
from bot.admin.submission import STALE_FORM, Submission
from bot.admin.undoing import undo_button
from bot.core.json_value import Json
from bot.core.language import Language
from bot.core.screens import MAX_PROSE_CHARS, Closed, Errors, Notice, Replaced, Submitted
from bot.core.setting import SETTINGS, Setting
from bot.errors import BadValue, UnknownApp
from storage.errors import VersionConflict
from storage.records import AuditEntry, StoredSettings

_NO_MENTION = re.compile(r"<(?!@[UW][A-Z0-9]{1,30}>)")
"""What mrkdwn would read as a token, but for people, whose ids were checked when they were set."""
_MAX_CHANGES_CHARS = 6_000
_MAX_MEANWHILE = 3
"""Changes of others that are told about; the newest."""


@dataclass(frozen=True, slots=True)
class _Entered:
    """What a form brought, beside what it showed and what is set by now.

    Attributes:
        form: What the form remembered.
        current: What is set by now.
        base: What was set when the form was filled.
        mine: What was entered otherwise than it was shown; None takes the own value away.
        errors: What is wrong, by field.
    """

    form: ConfigState
    current: StoredSettings
    base: Mapping[str, Json]
    mine: Mapping[str, Json]
    errors: Mapping[str, str]

    @property
    def values(self) -> Mapping[str, Json]:
        """What there is to be: whatever was not entered stays as others left it."""
        together = {**self.current.values, **self.mine}
        return {key: value for key, value in together.items() if value is not None}

    @property
    def is_late(self) -> bool:
        """Whether others changed something since the form was filled."""
        return self.current.version != self.form.version

    @property
    def disputed(self) -> Sequence[str]:
        """The keys of what others changed meanwhile to something else than was entered here."""
        now = self.current.values
        return [
            key
            for key, value in self.mine.items()
            if now.get(key) != value and now.get(key) != self.base.get(key)
        ]


async def config_submitted(submission: Submission) -> Submitted:
    """Take the form, or say at which field what is wrong.

    Raises:
        SlackError: Slack did not say who the caller is.
        StorageError: The database did not answer.
    """
    form = read_state(submission.state)
    if form is None:
        return submission.refused(STALE_FORM)
    access = submission.office.access
    standing = await access.standing(submission.caller, form.scope, fresh=True)
    if not standing.may_change:
        return submission.refused_as(
            replies.may_not_change(
                form.scope, is_known=standing.is_known, language=submission.language
            )
        )
    for _ in range(MAX_TRIES):
        try:
            return await _submitted_once(submission, form, is_admin=standing.is_admin)
        except VersionConflict:
            continue
    command = replies.typeable("show", scope=form.scope)
    return submission.refused_as(replies.MOVED_ON.say(submission.language, command=command))


async def _submitted_once(
    submission: Submission, form: ConfigState, *, is_admin: bool
) -> Submitted:
    """Take the form for the settings as they are now.

    Raises:
        VersionConflict: They were changed before they could be written.
    """
    office, team_id = submission.office, submission.caller.team_id
    stored = await office.choices.stored(team_id, form.scope)
    current = stored[form.scope]
    base: Mapping[str, Json] | None = current.values
    if form.version != current.version:
        base = await office.storage.audit.former(team_id, form.scope, version=form.version)
    if base is None:
        return submission.refused(STALE_FORM)
    entered = _read(submission, form, current=current, base=base, is_admin=is_admin)
    draft = Draft(form.scope, stored, entered.values)
    errors = await _trouble_with_app(submission, draft, is_admin=is_admin)
    errors = {**errors, **await _trouble_with_managers(submission, entered)}
    app = None if errors else await app_of(office, team_id, draft.layers)
    if app is not None:
        errors = useless(draft, app, language=submission.language)
    if entered.errors:
        return Errors({**errors, **entered.errors})
    if entered.is_late and (errors or entered.disputed):
        return await _ask_again(submission, entered, is_admin=is_admin)
    return Errors(errors) if errors else await _write(submission, draft)


def _read(
    submission: Submission,
    form: ConfigState,
    *,
    current: StoredSettings,
    base: Mapping[str, Json],
    is_admin: bool,
) -> _Entered:
    """Read what the form holds; the rest stays as it is.

    Somebody who is no admin any more is told what only admins set, unless it is as it was.
    """
    mine, errors = dict[str, Json](), dict[str, str]()
    allowed = settings_shown(scopes.level_of(form.scope), is_admin=is_admin)
    for setting in settings_shown(scopes.level_of(form.scope), is_admin=True):
        if setting.key not in submission.values:
            continue
        typed = _typed(submission.values[setting.key])
        try:
            value = None if _is_left_to_inherit(setting, typed) else setting.read(typed)
        except BadValue as error:
            errors[setting.key] = error.phrase.say(submission.language, **error.values)
            continue
        if value == base.get(setting.key):
            continue
        mine[setting.key] = value
        if setting not in allowed:
            errors[setting.key] = texts.ADMINS_SET.say(submission.language)
    return _Entered(form, current, base, mine, errors)


def _is_left_to_inherit(setting: Setting, typed: str) -> bool:
    return typed.strip() in {"", INHERIT} or setting.is_dropped_by(typed)


def _typed(entered: str | tuple[str, ...]) -> str:
    """Return what was entered as it would be typed in a command."""
    return entered if isinstance(entered, str) else " ".join(entered)


async def _trouble_with_app(
    submission: Submission, draft: Draft, *, is_admin: bool
) -> Mapping[str, str]:
    """Return what is wrong with the app that was chosen here; one chosen before may be gone."""
    name = draft.values.get("app")
    if not isinstance(name, str) or not draft.chooses_app:
        return {}
    try:
        app = await submission.office.choices.profile(
            submission.caller.team_id, name, with_key=False
        )
    except UnknownApp:
        return {"app": replies.UNKNOWN_APP.say(submission.language, name=name)}
    if not may_choose(app, is_admin=is_admin):
        return {"app": replies.CLOSED_APP.say(submission.language, name=name)}
    return {}


async def _trouble_with_managers(submission: Submission, entered: _Entered) -> Mapping[str, str]:
    """Return who of those who were entered here is not known to be fit to manage a channel."""
    named, language = entered.mine.get("managers"), submission.language
    doubts = await doubts_about(
        submission.office, submission.caller.team_id, named, until=submission.named_until
    )
    if doubts.unfit:
        return {"managers": f"{', '.join(doubts.unfit)}: {UNFIT.say(language)}"}
    if doubts.untold:
        return {"managers": UNTOLD.say(language, names=", ".join(doubts.untold))}
    return {}


async def _write(submission: Submission, draft: Draft) -> Submitted:
    office, caller = submission.office, submission.caller
    version = draft.stored[draft.scope].version
    stored = await office.storage.settings.change(
        caller.team_id,
        draft.scope,
        values=draft.values,
        expected_version=version,
        by=caller.user_id,
    )
    if stored.version == version:
        return Closed(Notice(texts.NOTHING_NEW.say(submission.language)))
    undo = await undo_button(office, submission, scope=draft.scope)
    return Closed(Notice(await _told(submission, draft), buttons=undo))


async def _told(submission: Submission, draft: Draft) -> str:
    """Return what was changed, where it holds, and what follows from it."""
    language = submission.language
    changes = changed_values(draft.before, draft.values, language=language)
    lines = [
        texts.CHANGES.say(language) + " " + joined(changes, most_chars=_MAX_CHANGES_CHARS),
        replies.reach(draft.scope, changed=draft.changed, language=language),
        *await consequences(submission.office, submission, draft),
    ]
    return "\n\n".join(lines)


async def _ask_again(submission: Submission, entered: _Entered, *, is_admin: bool) -> Replaced:
    """Show the form once more: what was entered here, beside what others set meanwhile."""
    office, caller, language = submission.office, submission.caller, submission.language
    scope, passed = entered.form.scope, entered.current.version - entered.form.version
    page = await read_page(office, caller.team_id, scope, is_admin=is_admin)
    entries = await office.storage.audit.page(
        caller.team_id, scope=scope, before_id=None, limit=max(1, min(passed, _MAX_MEANWHILE))
    )
    said = [texts.MEANWHILE.say(language)]
    if entered.disputed:
        names = ", ".join(SETTINGS[key].label.say(language) for key in entered.disputed)
        said.append(texts.DISPUTED.say(language, names=names))
    said += (_entry_line(entry, language=language) for entry in entries)
    note = marks.cut("\n".join(said), most_chars=MAX_PROSE_CHARS, ending="…")
    mine = {key: submission.values[key] for key in entered.mine}
    form = config_form(page, language=language, entered=mine, note=note)
    return Replaced(replace(form, edition=page.version))


def _entry_line(entry: AuditEntry, *, language: Language) -> str:
    """Return who changed what, in mrkdwn."""
    changes = changed_values(entry.before or {}, entry.after or {}, language=language)
    said = _NO_MENTION.sub("&lt;", joined(changes, most_chars=MAX_LINE_CHARS))
    who = marks.user(entry.user_id)
    return texts.MEANWHILE_LINE.say(language, who=who, changes=said)
