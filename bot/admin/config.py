"""`config`: opens the form with every setting; those who may not change them read them there."""

from dataclasses import replace

from bot.admin import config_texts as texts
from bot.admin import scopes
from bot.admin.changing import app_of
from bot.admin.choices import layers_at
from bot.admin.config_form import config_form, reading_form
from bot.admin.config_page import ConfigPage, NamedApp
from bot.admin.forms import open_filled
from bot.admin.office import Office
from bot.admin.ports import Visit
from bot.core.question import AppKind
from bot.core.screens import Form
from bot.core.setting import DEFAULT_APP, Level


async def open_config(office: Office, visit: Visit, *, scope: str) -> None:
    """Open the form for a scope.

    Raises:
        SlackError: Slack did not open the form, or it was closed meanwhile.
    """

    async def fill() -> Form:
        # Who they are is asked anew when the form is submitted.
        standing = await office.access.standing(visit.caller, scope, fresh=False)
        page = await read_page(office, visit.caller.team_id, scope, is_admin=standing.is_admin)
        make = config_form if standing.may_change else reading_form
        return make(page, language=visit.language)

    await open_filled(visit, texts.TITLES[scopes.level_of(scope)].say(visit.language), fill)


async def read_page(office: Office, team_id: str, scope: str, *, is_admin: bool) -> ConfigPage:
    """Return what the form of a scope shows.

    Raises:
        StorageError: The database did not answer.
    """
    stored = await office.choices.stored(team_id, scope)
    apps = await office.storage.apps.list(team_id)
    own = str(stored[scope].values.get("app", "")).casefold()
    default = office.choices.default_app
    app = await app_of(office, team_id, layers_at(scope, stored=stored))
    # What an admin chose for a channel answers there, open or not.
    must_be_open = not is_admin and scopes.level_of(scope) is Level.USER
    return ConfigPage(
        scope=scope,
        version=stored[scope].version,
        values=stored[scope].values,
        workspace={} if scope == scopes.WORKSPACE else stored[scopes.WORKSPACE].values,
        app=app or replace(default, options={}),
        apps=(
            NamedApp(DEFAULT_APP, default.kind),
            *(
                NamedApp(app.name, AppKind(app.kind), is_closed=must_be_open and not app.is_open)
                for app in apps
                if is_admin or app.is_open or own == app.name.casefold()
            ),
        ),
        is_admin=is_admin,
    )
