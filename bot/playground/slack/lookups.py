"""The smaller methods: who and what is there, reactions, views, and the socket's address."""

import re

from bot.playground.slack.arguments import Arguments, refuse_arguments
from bot.playground.slack.backend import Backend, Method, TokenKind
from bot.playground.slack.conversations import page_of
from bot.playground.slack.directory import file_json, user_json
from bot.playground.slack.payload import Json, RefusedError
from bot.playground.slack.views import View, checked_view, require_hash, view_json

_USERS_PAGE_MAX = 1_000
_EMOJI_NAME = re.compile(r"[a-z0-9_+'-]+(?:::skin-tone-[2-6])?")


def api_test(_backend: Backend, args: Arguments) -> Json:
    """Echo."""
    if error := args.text("error"):
        raise RefusedError(error, args=args.values)
    return {"args": args.values}


def auth_test(backend: Backend, _args: Arguments) -> Json:
    """Tell the token whose it is."""
    workspace, app = backend.workspace, backend.app
    return {
        "url": f"https://{workspace.domain}.slack.com/",
        "team": workspace.domain,
        "user": app.name,
        "team_id": workspace.team_id,
        "user_id": app.bot_user_id,
        "bot_id": app.bot_id,
        "is_enterprise_install": False,
    }


def auth_revoke(_backend: Backend, _args: Arguments) -> Json:
    """Say that the token's life is over; the Web API ends it."""
    return {"revoked": True}


def users_info(backend: Backend, args: Arguments) -> Json:
    """Describe a user."""
    user = backend.workspace.users.get(args.required("user"))
    if user is None:
        raise RefusedError("user_not_found")
    with_locale = args.flag("include_locale")
    team_id = backend.workspace.team_id
    return {"user": user_json(user, team_id=team_id, with_locale=with_locale)}


def users_list(backend: Backend, args: Arguments) -> Json:
    """List everybody."""
    users = list(backend.workspace.users.values())
    page = page_of(args, total=len(users), default=_USERS_PAGE_MAX, maximum=_USERS_PAGE_MAX)
    with_locale, team_id = args.flag("include_locale"), backend.workspace.team_id
    shown = [user_json(u, team_id=team_id, with_locale=with_locale) for u in page.of(users)]
    return {"members": shown, "response_metadata": page.cursor}


def team_info(backend: Backend, _args: Arguments) -> Json:
    """Describe the workspace."""
    workspace = backend.workspace
    return {"team": {"id": workspace.team_id, "name": workspace.domain, "domain": workspace.domain}}


def bots_info(backend: Backend, args: Arguments) -> Json:
    """Describe the app's bot."""
    app = backend.app
    if args.text("bot") not in {"", app.bot_id}:
        raise RefusedError("bot_not_found")
    bot = {"id": app.bot_id, "deleted": False, "name": app.name, "app_id": app.app_id}
    return {"bot": {**bot, "user_id": app.bot_user_id}}


def files_info(backend: Backend, args: Arguments) -> Json:
    """Describe a file."""
    file = backend.workspace.files.get(args.required("file"))
    if file is None:
        raise RefusedError("file_not_found")
    return {"file": file_json(file, files_url=backend.files_url())}


def reactions_add(backend: Backend, args: Arguments) -> Json:
    """Put a reaction on a message."""
    if not _react(backend, args, is_added=True):
        raise RefusedError("already_reacted")
    return {}


def reactions_remove(backend: Backend, args: Arguments) -> Json:
    """Take a reaction off a message."""
    if not _react(backend, args, is_added=False):
        raise RefusedError("no_reaction")
    return {}


def _react(backend: Backend, args: Arguments, *, is_added: bool) -> bool:
    name = args.required("name").strip(":")
    if not _EMOJI_NAME.fullmatch(name):
        raise RefusedError("invalid_name")
    channel = backend.channel(args.required("channel"))
    if channel.is_archived:
        raise RefusedError("is_archived")
    backend.require_membership(channel)
    message = backend.message(channel, args.required("timestamp"))
    user = backend.app.bot_user_id
    return backend.workspace.react(message, user=user, name=name, is_added=is_added)


def views_open(backend: Backend, args: Arguments) -> Json:
    """Open a modal."""
    payload = _view(args, kind="modal")
    user = backend.triggers.exchange(args.required("trigger_id"))
    return _shown(backend, backend.views.open(user, payload))


def views_push(backend: Backend, args: Arguments) -> Json:
    """Open a modal on top of the one somebody is looking at."""
    payload = _view(args, kind="modal")
    user = backend.triggers.exchange(args.required("trigger_id"))
    below = backend.views.modal(user)
    if below is None:
        return _shown(backend, backend.views.open(user, payload))
    return _shown(backend, backend.views.push(below, payload))


def views_update(backend: Backend, args: Arguments) -> Json:
    """Change a view that is open."""
    view_id, external_id = args.text("view_id"), args.text("external_id")
    view = backend.views.find(view_id=view_id, external_id=external_id)
    payload = _view(args, kind="home" if view.is_home else "modal")
    require_hash(view, args.text("hash"))
    return _shown(backend, backend.views.update(view, payload))


def views_publish(backend: Backend, args: Arguments) -> Json:
    """Set somebody's Home tab."""
    user = args.required("user_id")
    if user not in backend.workspace.users:
        refuse_arguments("user_id is unknown")
    payload = _view(args, kind="home")
    return _shown(backend, backend.views.publish(user, payload, expected_hash=args.text("hash")))


def _view(args: Arguments, *, kind: str) -> Json:
    return checked_view(args.structure("view", error="invalid_arguments"), kind=kind)


def _shown(backend: Backend, view: View) -> Json:
    app_id, team_id = backend.app.app_id, backend.workspace.team_id
    return {"view": view_json(view, app_id=app_id, team_id=team_id)}


def connections_open(backend: Backend, _args: Arguments) -> Json:
    """Return an address for one Socket Mode connection."""
    return {"url": backend.socket_url()}


LOOKUP_METHODS = {
    "api.test": Method(api_test, token=TokenKind.NONE),
    "apps.connections.open": Method(connections_open, token=TokenKind.APP),
    "auth.revoke": Method(auth_revoke),
    "auth.test": Method(auth_test),
    "bots.info": Method(bots_info, ("users:read",)),
    "files.info": Method(files_info, ("files:read",)),
    "reactions.add": Method(reactions_add, ("reactions:write",)),
    "reactions.remove": Method(reactions_remove, ("reactions:write",)),
    "team.info": Method(team_info, ("team:read",)),
    "users.info": Method(users_info, ("users:read",)),
    "users.list": Method(users_list, ("users:read",)),
    "views.open": Method(views_open),
    "views.publish": Method(views_publish),
    "views.push": Method(views_push),
    "views.update": Method(views_update),
}
