"""Choosing an app by its name."""

import difflib
from collections.abc import Sequence

from bot.admin import replies, scopes
from bot.admin.marks import code
from bot.admin.office import Office
from bot.admin.ports import Visit
from bot.admin.replies import Refused, typeable
from bot.core.question import AppProfile
from bot.core.setting import DEFAULT_APP
from bot.errors import UnknownApp

MAX_NAMES = 20
"""More names are no help in one sentence."""


async def chosen(office: Office, visit: Visit, name: str, *, scope: str) -> AppProfile:
    """Return the app of a name for a scope, without its key.

    Raises:
        Refused: There is none of that name, or it is not open to this user's direct messages.
        StorageError: The database did not answer.
    """
    team_id, user_id = visit.caller.team_id, visit.caller.user_id
    try:
        app = await office.choices.profile(team_id, name, with_key=False)
    except UnknownApp:
        raise Refused(await _no_such_app(office, visit, name, scope=scope)) from None
    is_own = scopes.user_of(scope) is not None
    if is_own and not await office.choices.may_choose(team_id, user_id, app):
        raise Refused(replies.CLOSED_APP.say(visit.language, name=code(app.name)))
    return app


async def _no_such_app(office: Office, visit: Visit, name: str, *, scope: str) -> str:
    language = visit.language
    stored = await office.storage.apps.list(visit.caller.team_id)
    # Closed apps are nobody's business in a direct message.
    is_own = scopes.user_of(scope) is not None
    names = [DEFAULT_APP, *(app.name for app in stored if app.is_open or not is_own)]
    sentences = [replies.UNKNOWN_APP.say(language, name=code(name))]
    close = _closest(name, names=names)
    if close:
        command = typeable("app", close, scope=scope)
        sentences.append(replies.DID_YOU_MEAN.say(language, commands=command))
    else:
        shown = ", ".join(code(known) for known in names[:MAX_NAMES])
        sentences.append(replies.THESE_APPS.say(language, names=shown))
    return " ".join(sentences)


def _closest(name: str, *, names: Sequence[str]) -> str:
    by_key = {known.casefold(): known for known in names}
    found = difflib.get_close_matches(name.casefold()[:64], by_key, n=1)
    return by_key[found[0]] if found else ""
