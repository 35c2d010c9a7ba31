"""Storing an app that was read, and telling what that changed."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from bot.admin import app_texts as texts
from bot.admin import marks, replies
from bot.admin.app_entry import AppEntry, KeyRules, fields_of
from bot.admin.app_list import test_button
from bot.admin.choices import profile_of
from bot.admin.consequences import app_consequences, apps_of
from bot.admin.office import Office
from bot.admin.ports import Reader
from bot.admin.undoing import undo_button
from bot.core.language import Language
from bot.core.screens import Caller, Notice
from storage.apps import subject_of
from storage.database import Storage
from storage.errors import StorageConflict
from storage.records import StoredApp


@dataclass(frozen=True, slots=True)
class Saved:
    """An app before and after it was stored.

    Attributes:
        before: None when it is new.
        after: What is stored now.
    """

    before: StoredApp | None
    after: StoredApp


def key_rules(office: Office, *, before: StoredApp | None) -> KeyRules:
    """Return which key may go where, for an app that is new or as it was before."""
    return KeyRules(
        can_keep=office.storage.secrets.is_open,
        default_base_url=office.choices.default_app.base_url,
        before=before,
    )


async def save(
    entry: AppEntry, *, before: StoredApp | None, storage: Storage, caller: Caller
) -> Saved:
    """Store an app, its own key first and under a name of its own, so that undoing brings both.

    Raises:
        VersionConflict: Somebody else changed the app, or added one of its name, meanwhile.
        StorageError: The database did not answer.
    """
    kept = None if before is None or entry.drops_key else before.secret_name
    secret_name = f"app/{secrets.token_hex(8)}" if entry.api_key else None
    if secret_name is not None:
        await storage.secrets.put(caller.team_id, secret_name, entry.api_key)
    app = StoredApp(
        name=before.name if before else entry.name,
        app_id=entry.app_id,
        kind=entry.kind.value,
        base_url=entry.base_url,
        workspace=entry.workspace,
        secret_name=secret_name or kept,
        options=entry.options,
        is_open=entry.is_open,
    )
    version = before.version if before else 0
    try:
        after = await storage.apps.put(
            caller.team_id, app, expected_version=version, by=caller.user_id
        )
    except StorageConflict:
        if secret_name is not None:
            await storage.secrets.remove(caller.team_id, secret_name)
        raise
    return Saved(before=before, after=after)


async def saved_notice(saved: Saved, *, office: Office, reader: Reader) -> Notice:
    """Tell what was stored, with a button to take it back.

    Raises:
        StorageError: The database did not answer; the app is stored all the same.
    """
    language, name = reader.language, marks.code(saved.after.name)
    if saved.before is None:
        use = replies.typeable("app", saved.after.name)
        added = texts.ADDED.say(language, name=name), texts.USE_IT.say(language, command=use)
        apps = await apps_of(office, reader.caller.team_id)
        was = {key: app for key, app in apps.items() if key != saved.after.name.casefold()}
        text = "\n\n".join(
            (*added, *await app_consequences(office, reader, saved.after.name, before=was))
        )
    elif saved.before.version == saved.after.version:
        return Notice(texts.UNCHANGED.say(language, name=name))
    else:
        changes = _changes(saved.before, saved.after, language=language)
        follows = await _consequences(saved.before, office=office, reader=reader)
        text = "\n\n".join((changes, *follows))
    test = test_button(saved.after.name, language=language)
    undo = await undo_button(office, reader, subject=subject_of(saved.after.name))
    return Notice(text, buttons=(test, *undo))


async def _consequences(before: StoredApp, *, office: Office, reader: Reader) -> list[str]:
    apps = await apps_of(office, reader.caller.team_id)
    default_base_url = office.choices.default_app.base_url
    former = profile_of(before, api_key="", default_base_url=default_base_url)
    was = {**apps, before.name.casefold(): former}
    return await app_consequences(office, reader, before.name, before=was)


def _changes(before: StoredApp, after: StoredApp, *, language: Language) -> str:
    old, new = _told(before, language=language), _told(after, language=language)
    changed = [name for name in new if old.get(name, "") != new[name]]
    lines = [
        texts.EDITED.say(language, name=marks.code(after.name)),
        *(
            f"- {name}: {marks.code_or_dash(old.get(name))} → {marks.code_or_dash(new[name])}"
            for name in changed
        ),
    ]
    return "\n".join(lines)


def _told(app: StoredApp, *, language: Language) -> Mapping[str, str]:
    """Return an app's fields; of its key only whose it is, and whether it is still the same."""
    own = texts.OWN_KEY if app.secret_name else texts.BOT_KEY
    return {**fields_of(app), "api_key": own.say(language)}
