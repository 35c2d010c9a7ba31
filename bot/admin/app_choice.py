"""Choosing an app by its name."""

import difflib
from collections.abc import Sequence

from bot.admin import replies, scopes
from bot.admin.marks import code
from bot.admin.office import Office
from bot.admin.ports import Visit
from bot.admin.replies import Refused, typeable
from bot.core.language import together
from bot.core.question import AppProfile
from bot.core.setting import DEFAULT_APP, Level
from bot.errors import UnknownApp

MAX_NAMES = 20
"""More names are no help in one sentence."""


def may_choose(app: AppProfile, *, is_admin: bool) -> bool:
    """Whether somebody who may change a scope may have an app answer there."""
    return is_admin or app.is_open or app.name == DEFAULT_APP


async def chosen(
    office: Office, visit: Visit, name: str, *, scope: str, is_admin: bool
) -> AppProfile:
    """Return the app of a name for a scope, without its key.

    Args:
        office: What there is.
        visit: Who chooses.
        name: What was typed.
        scope: Where; the app that is chosen for a channel already may always be.
        is_admin: Whether they may choose apps that are not open.

    Raises:
        Refused: There is none of that name, or only admins may choose it.
        StorageError: The database did not answer.
    """
    team_id = visit.caller.team_id
    try:
        app = await office.choices.profile(team_id, name, with_key=False)
    except UnknownApp:
        said = await _no_such_app(office, visit, name, scope=scope, is_admin=is_admin)
        raise Refused(said) from None
    if may_choose(app, is_admin=is_admin):
        return app
    own = (await office.choices.stored(team_id, scope))[scope].values
    is_kept = str(own.get("app", "")).casefold() == app.name.casefold()
    if not is_kept or scopes.level_of(scope) is Level.USER:  # there it does not answer any more
        raise Refused(replies.CLOSED_APP.say(visit.language, name=code(app.name)))
    return app


async def _no_such_app(
    office: Office, visit: Visit, name: str, *, scope: str, is_admin: bool
) -> str:
    language = visit.language
    stored = await office.storage.apps.list(visit.caller.team_id)
    names = [DEFAULT_APP, *(app.name for app in stored if app.is_open or is_admin)]
    sentences = [replies.UNKNOWN_APP.say(language, name=code(name))]
    close = _closest(name, names=names)
    if close:
        command = typeable("app", close, scope=scope)
        sentences.append(replies.DID_YOU_MEAN.say(language, commands=command))
    else:
        shown = ", ".join(code(known) for known in names[:MAX_NAMES])
        sentences.append(replies.THESE_APPS.say(language, names=shown))
    return together(sentences, language=language)


def _closest(name: str, *, names: Sequence[str]) -> str:
    by_key = {known.casefold(): known for known in names}
    found = difflib.get_close_matches(name.casefold()[:64], by_key, n=1)
    return by_key[found[0]] if found else ""
