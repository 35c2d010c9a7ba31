"""The apps of a workspace in a table."""

from collections.abc import Sequence

from bot.admin import app_texts as texts
from bot.admin import marks, replies
from bot.admin.office import Office
from bot.admin.ports import Visit
from bot.core.api_fields import KIND_NAMES
from bot.core.app_addresses import host_of, region_of
from bot.core.language import Language
from bot.core.question import AppKind
from bot.core.screens import Button, Notice
from bot.core.setting import DEFAULT_APP
from storage.apps import name_key
from storage.records import StoredApp

MAX_ROWS = 30
"""So that the longest names and hosts fit into one notice."""
MAX_BUTTONS = 25
"""In one row of buttons (Slack, "Actions block")."""
_BUTTONS_EACH = 3


async def apps_notice(office: Office, visit: Visit) -> Notice:
    """List the built-in app and every registered one; admins get buttons.

    Raises:
        StorageError: The database did not answer.
    """
    team_id = visit.caller.team_id
    apps = [_built_in(office), *await office.storage.apps.list(team_id)]
    places = await office.storage.apps.places(team_id)
    may_change = await office.access.is_admin(visit.caller, fresh=False)
    language = visit.language
    rows = (
        (*_cells(app, language=language), str(places.get(name_key(app.name), 0)))
        for app in apps[:MAX_ROWS]
    )
    paragraphs = [marks.table([phrase.say(language) for phrase in texts.COLUMNS], rows)]
    if len(apps) > MAX_ROWS:
        paragraphs.append(texts.MORE_APPS.say(language, count=len(apps) - MAX_ROWS))
    if len(apps) == 1:
        paragraphs.append(texts.NO_APPS.say(language))
    if may_change:
        paragraphs.append(_commands())
    buttons = _buttons(apps[1:], language=language) if may_change else ()
    return Notice("\n\n".join(paragraphs), buttons=buttons)


def _built_in(office: Office) -> StoredApp:
    app = office.choices.default_app
    return StoredApp(
        name=DEFAULT_APP,
        app_id=app.app_id,
        kind=app.kind.value,
        base_url=app.base_url,
        workspace=app.workspace,
        secret_name=None,
        options=app.options,
        is_open=True,
    )


def _cells(app: StoredApp, *, language: Language) -> tuple[str, ...]:
    region = texts.REGIONS.get(region_of(app.base_url))
    return (
        marks.cell(app.name),
        KIND_NAMES[AppKind(app.kind)].say(language),
        region.say(language) if region else marks.cell(host_of(app.base_url)),
        marks.cell(app.workspace) if app.workspace else "–",
        (texts.OWN_KEY if app.secret_name else texts.BOT_KEY).say(language),
        (texts.YES if app.is_open else texts.NO).say(language),
    )


def _commands() -> str:
    """Return what can be typed; the same in both languages."""
    words = ("add", "edit NAME", "test NAME", "remove NAME")
    return " · ".join(replies.typeable("apps", each) for each in words)


def _buttons(apps: Sequence[StoredApp], *, language: Language) -> tuple[Button, ...]:
    """Return buttons for adding, for testing the built-in app, and for as many more as fit."""
    shown = apps[: (MAX_BUTTONS - 2) // _BUTTONS_EACH]
    own = (button for app in shown for button in _buttons_of(app.name, language=language))
    add = Button("app.add", texts.ADD.say(language), "new", style="primary")
    return (add, test_button(DEFAULT_APP, language=language), *own)


def _buttons_of(name: str, *, language: Language) -> tuple[Button, ...]:
    return (
        Button("app.edit", texts.EDIT.say(language, name=name), name),
        test_button(name, language=language),
        Button("app.remove", texts.REMOVE.say(language, name=name), name),
    )


def test_button(name: str, *, language: Language) -> Button:
    """Return what tries an app out."""
    return Button("app.test", texts.TEST.say(language, name=name), name)
