"""`apps …`: which DashScope apps there are, adding, changing, testing and removing them.

`apps` · `apps add [NAME app_id=… kind=… region=…|base_url=… workspace=… open=yes options={…}]` ·
`apps edit NAME [field=…]` · `apps test NAME` · `apps remove NAME`. Without fields, `add` and `edit`
open a form. Keys are entered in the form alone, because Slack keeps what is typed as a command.
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from bot.admin import app_texts as texts
from bot.admin import marks, replies
from bot.admin.app_entry import EntryProblems, address_fields, fields_of, read_entry
from bot.admin.app_forms import app_form, new_app
from bot.admin.app_list import apps_notice
from bot.admin.app_saving import key_rules, save, saved_notice
from bot.admin.app_test import try_out
from bot.admin.choices import KeyHeldBack
from bot.admin.consequences import app_consequences, apps_of
from bot.admin.forms import open_filled
from bot.admin.office import Office
from bot.admin.places import all_named
from bot.admin.ports import Press, Visit
from bot.admin.replies import Refused
from bot.admin.undoing import undo_button
from bot.core.language import Language, together
from bot.core.pasted_keys import holds_key
from bot.core.screens import Button, Form, Notice
from bot.core.setting import DEFAULT_APP
from bot.errors import UnknownApp
from storage.apps import subject_of
from storage.errors import AppInUse, SecretsLocked, SecretUnreadable, VersionConflict
from storage.records import StoredApp

ACTIONS: Final = frozenset(
    {"app.add", "app.edit", "app.test", "app.remove", "app.remove_now", "app.remove_everywhere"}
)
"""The buttons this module answers."""

_FIELDS = frozenset({"app_id", "kind", "region", "base_url", "workspace", "open", "options"})
_KEY_FIELDS = frozenset({"api_key", "apikey", "api-key", "key", "secret", "token", "bot_key"})
_OPTIONS = re.compile(r"(?:^|\s)options=", re.IGNORECASE)
_CONFIRMED = re.compile(r"([1-9][0-9]{0,9}):(.+)", re.DOTALL)


async def apps_command(office: Office, visit: Visit, rest: str) -> None:
    """Answer `apps` and whatever was typed after it, with one notice or one form.

    Raises:
        Refused: Nothing was done; the sentence says why.
        SlackError: Slack did not say who the caller is, or did not take the answer.
        StorageError: The database did not answer.
    """
    if holds_key(rest):
        raise _key_typed(visit)
    word, after = [*rest.split(maxsplit=1), "", ""][:2]
    words = after.split()
    name = next(iter(words), "")
    match word.casefold():
        case "" | "list" if not words:
            await visit.screen.show(await apps_notice(office, visit))
        case "add" if words:
            await _add(office, visit, after)
        case "add":
            await _open_form(office, visit, name="")
        case "edit" if len(words) > 1:
            await _edit(office, visit, after)
        case "edit" if name:
            await _open_form(office, visit, name=name)
        case "test" if len(words) == 1:
            await _test(office, visit, name)
        case "remove" if len(words) == 1:
            await _ask_to_remove(office, visit, name)
        case _:
            raise Refused(texts.USAGE.say(visit.language, lines=_usage()))


async def apps_pressed(office: Office, visit: Visit, press: Press) -> None:
    """Answer a button in `ACTIONS`; its value is looked at as if it had been typed.

    Raises:
        Refused: Nothing was done; the sentence says why.
        SlackError: As above.
        StorageError: The database did not answer.
    """
    match press.action:
        case "app.add":
            await _open_form(office, visit, name="")
        case "app.edit":
            await _open_form(office, visit, name=press.value)
        case "app.test":
            await _test(office, visit, press.value)
        case "app.remove":
            await _ask_to_remove(office, visit, press.value)
        case "app.remove_now" | "app.remove_everywhere":
            await _remove(office, visit, press)
        case _:
            raise Refused(replies.unknown_button(visit.language, command="apps"))


async def _open_form(office: Office, visit: Visit, *, name: str) -> None:
    async def fill() -> Form:
        # Who they are is asked anew when the form is submitted.
        await office.access.need_admin(visit, fresh=False)
        app = await _registered(office, visit, name) if name else None
        can_keep_keys = office.storage.secrets.is_open
        form = partial(app_form, app, language=visit.language, can_keep_keys=can_keep_keys)
        return form() if app else form(entered=new_app(office.choices.default_app.base_url))

    title = texts.EDIT_TITLE if name else texts.ADD_TITLE
    await open_filled(visit, title.say(visit.language), fill)


async def _add(office: Office, visit: Visit, typed: str) -> None:
    await office.access.need_admin(visit)
    name, fields = _read_fields(visit, typed)
    taken = await office.storage.apps.get(visit.caller.team_id, name)
    if taken is not None:
        raise Refused(texts.TAKEN_NAME.say(visit.language, name=marks.code(taken.name)))
    elsewhere = fields.get("region") or fields.get("base_url")
    where = dict[str, str]() if elsewhere else address_fields(office.choices.default_app.base_url)
    await _save(office, visit, {"kind": "agent", **fields, **where, "name": name}, before=None)


async def _edit(office: Office, visit: Visit, typed: str) -> None:
    await office.access.need_admin(visit)
    name, fields = _read_fields(visit, typed)
    before = await _registered(office, visit, name)
    merged = {**fields_of(before), **fields}
    if "region" in fields and "base_url" not in fields:
        merged["base_url"] = ""
    if "base_url" in fields and "region" not in fields:
        merged["region"] = ""
    await _save(office, visit, merged, before=before)


async def _save(
    office: Office, visit: Visit, fields: Mapping[str, str], *, before: StoredApp | None
) -> None:
    language, caller = visit.language, visit.caller
    entry = read_entry(fields, keys=key_rules(office, before=before), language=language)
    if isinstance(entry, EntryProblems):
        raise Refused(_problems_text(entry, language=language))
    try:
        saved = await save(entry, before=before, storage=office.storage, caller=caller)
    except VersionConflict as error:
        raise _moved_on(visit, entry.name) from error
    await visit.screen.show(await saved_notice(saved, office=office, reader=visit))


async def _test(office: Office, visit: Visit, name: str) -> None:
    await office.access.need_admin(visit)
    language = visit.language
    try:
        app = await office.choices.profile(visit.caller.team_id, name)
    except UnknownApp as error:
        raise await _unknown_app(office, visit, name) from error
    except KeyHeldBack as error:
        raise Refused(f"{marks.code(name)}: {texts.NEEDS_OWN_KEY.say(language)}") from error
    except (SecretsLocked, SecretUnreadable) as error:
        edit = replies.typeable("apps", "edit", name)
        raise Refused(
            texts.KEY_UNREADABLE.say(language, name=marks.code(name), command=edit)
        ) from error
    await visit.screen.show(Notice(await try_out(app, prober=office.prober, language=language)))


async def _ask_to_remove(office: Office, visit: Visit, name: str) -> None:
    await office.access.need_admin(visit)
    app = await _registered(office, visit, name)
    places = await office.storage.apps.users_of(visit.caller.team_id, app.name)
    language = visit.language
    button = Button(
        "app.remove_everywhere" if places else "app.remove_now",
        (texts.REMOVE_EVERYWHERE if places else texts.REMOVE).say(language, name=app.name),
        f"{app.version}:{app.name}",
        style="danger",
        confirm=texts.SURE_CONFIRM.say(language, name=app.name),
    )
    text = texts.SURE.say(language, name=marks.code(app.name))
    if places:
        text = _in_use(visit, app.name, places)
    await visit.screen.show(Notice(text, buttons=(button,)))


async def _remove(office: Office, visit: Visit, press: Press) -> None:
    """Remove the app as it was when the question was asked."""
    await office.access.need_admin(visit)
    asked = _CONFIRMED.fullmatch(press.value)
    if asked is None:
        raise Refused(replies.unknown_button(visit.language, command="apps"))
    app = await _registered(office, visit, asked[2])
    team_id, user_id = visit.caller.team_id, visit.caller.user_id
    apps = await apps_of(office, team_id)
    try:
        places = await office.storage.apps.remove(
            team_id,
            app.name,
            expected_version=int(asked[1]),
            by=user_id,
            unless_used=press.action == "app.remove_now",
        )
    except AppInUse as error:
        raise Refused(_in_use(visit, app.name, error.scopes)) from error
    except VersionConflict as error:
        raise _moved_on(visit, app.name) from error
    told = [texts.REMOVED.say(visit.language, name=marks.code(app.name))]
    if places:
        named = all_named(places, language=visit.language)
        told.append(texts.INHERITED_NOW.say(visit.language, places=named))
    follows = await app_consequences(office, visit, app.name, before=apps, chosen_at=places)
    text = "\n\n".join((together(told, language=visit.language), *follows))
    undo = await undo_button(office, visit, subject=subject_of(app.name))
    await visit.screen.show(Notice(text, buttons=undo))


async def _registered(office: Office, visit: Visit, name: str) -> StoredApp:
    if name.casefold() == DEFAULT_APP:
        raise Refused(texts.DEFAULT_STAYS.say(visit.language))
    app = await office.storage.apps.get(visit.caller.team_id, name)
    if app is None:
        raise await _unknown_app(office, visit, name)
    return app


async def _unknown_app(office: Office, visit: Visit, name: str) -> Refused:
    """Return a refusal that names the apps whose names look most like what was typed."""
    names = [app.name for app in await office.storage.apps.list(visit.caller.team_id)]
    close = difflib.get_close_matches(name[:80], names, n=3)
    language = visit.language
    said = replies.UNKNOWN_APP.say(language, name=marks.code(name))
    if not close:
        further = replies.SEE_APPS.say(language, command=replies.typeable("apps"))
    else:
        listed = replies.listed([marks.code(app) for app in close], language=language)
        further = replies.DID_YOU_MEAN.say(language, commands=listed)
    return Refused(together((said, further), language=language))


def _problems_text(problems: EntryProblems, *, language: Language) -> str:
    lines = (f"- {marks.code(field)}: {said}" for field, said in problems.by_field.items())
    return "\n".join((texts.NOTHING_SAVED.say(language), *lines))


def _read_fields(visit: Visit, typed: str) -> tuple[str, Mapping[str, str]]:
    """Return the name and the fields that were typed after `add` or `edit`.

    `options=` takes all that follows, for JSON may hold spaces.
    """
    start = _OPTIONS.search(typed)
    before = typed[: start.start()] if start else typed
    name, *pairs = before.split() or [""]
    fields = {"options": typed[start.end() :]} if start else dict[str, str]()
    for pair in pairs:
        field, equals, value = pair.partition("=")
        if field.casefold() in _KEY_FIELDS:
            raise _key_typed(visit)
        if not equals or field.casefold() not in _FIELDS:
            raise Refused(_unknown_field(visit, field))
        fields[field.casefold()] = value
    return name, fields


def _key_typed(visit: Visit) -> Refused:
    forms = (replies.typeable("apps", words) for words in ("add", "edit NAME"))
    command = replies.listed(list(forms), language=visit.language)
    return Refused(texts.NO_SECRETS_HERE.say(visit.language, command=command))


def _unknown_field(visit: Visit, field: str) -> str:
    said = texts.UNKNOWN_FIELD.say(visit.language, field=marks.code(field))
    return f"{said}\n{texts.USAGE.say(visit.language, lines=_usage())}"


def _usage() -> str:
    fields = "app_id=… kind=… region=… base_url=… workspace=… open=yes options={…}"
    commands = ("", "add", f"add NAME {fields}", "edit NAME", "edit NAME kind=workflow")
    return "\n".join(
        f"- {replies.typeable('apps', words)}" for words in (*commands, "test NAME", "remove NAME")
    )


def _moved_on(visit: Visit, name: str) -> Refused:
    said = texts.CHANGED_MEANWHILE.say(
        visit.language, name=marks.code(name), command=replies.typeable("apps")
    )
    return Refused(said)


def _in_use(visit: Visit, name: str, places: Sequence[str]) -> str:
    named = all_named(places, language=visit.language)
    return texts.IN_USE.say(visit.language, name=marks.code(name), places=named)
