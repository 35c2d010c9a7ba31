"""Changing the settings of a scope: read, change, check, write, and say what was changed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.admin import replies, scopes
from bot.admin.choices import layers_of
from bot.admin.marks import code
from bot.admin.office import Office
from bot.admin.ports import Visit
from bot.admin.replies import Refused, typeable
from bot.core.api_fields import KIND_NAMES
from bot.core.json_value import Json
from bot.core.mentions import defuse
from bot.core.question import AppProfile
from bot.core.resolution import Layers, chosen_app, resolve
from bot.core.screens import Caller
from bot.core.setting import SETTINGS, Level, Setting, candidate_options
from bot.errors import UnknownApp, Wording
from storage.errors import VersionConflict
from storage.records import StoredSettings

MAX_TRIES = 3
"""Once, and twice more when somebody else was faster."""

MAX_TYPED_CHARS = 200
"""Of a value that is refused, this much is repeated."""

Values = Mapping[str, Json]
Edit = Callable[[Values], Values]
"""Own values of a scope -> what they are to be."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a command acts on.

    Attributes:
        scope: Where the settings are filed.
        level: Which level of settings that is.
    """

    scope: str
    level: Level


@dataclass(frozen=True, slots=True)
class Made:
    """A change that was made, or found made already.

    Attributes:
        before: Own values before.
        after: Own values now.
        layers: All that holds there now.
        app: The app that answers there now, without its key; None when it does not exist.
    """

    before: Values
    after: Values
    layers: Layers
    app: AppProfile | None


def target_of(caller: Caller, *, for_workspace: bool) -> Target:
    """Return what a command typed here acts on."""
    if for_workspace:
        return Target(scopes.WORKSPACE, Level.WORKSPACE)
    is_direct = scopes.is_direct(caller.channel_id)
    return Target(scopes.here(caller), Level.USER if is_direct else Level.CHANNEL)


async def change(office: Office, visit: Visit, scope: str, *, edit: Edit) -> Made:
    """Change the own values of a scope; whether the caller may was asked before.

    Raises:
        Refused: The app cannot use a value that is new, or others kept changing the same settings.
        StorageError: The database did not answer.
    """
    for _ in range(MAX_TRIES):
        try:
            return await _change_once(office, visit, scope, edit=edit)
        except VersionConflict:
            continue
    command = typeable("show", scope=scope)
    raise Refused(replies.MOVED_ON.say(visit.language, command=command))


async def _change_once(office: Office, visit: Visit, scope: str, *, edit: Edit) -> Made:
    caller = visit.caller
    stored = dict(await office.choices.stored(caller.team_id, caller.channel_id, caller.user_id))
    own = stored[scope]
    after = edit(own.values)
    layers = _layers_with(stored, caller=caller, scope=scope, values=after)
    app = await app_of(office, caller.team_id, layers)
    if app is not None:
        _refuse_useless(visit, layers, app, before=own.values, after=after)
    changed = await office.storage.settings.change(
        caller.team_id, scope, values=after, expected_version=own.version, by=caller.user_id
    )
    return Made(own.values, changed.values, layers, app)


async def app_of(office: Office, team_id: str, layers: Layers) -> AppProfile | None:
    """Return the app that layers choose, without its key; None when it does not exist.

    Raises:
        StorageError: The database did not answer.
    """
    try:
        return await office.choices.profile(team_id, chosen_app(layers), with_key=False)
    except UnknownApp:
        return None


def layers_at(stored: Mapping[str, StoredSettings], *, caller: Caller, scope: str) -> Layers:
    """Return the layers that hold at a scope: for the workspace's own, nothing lies on top."""
    if scope == scopes.WORKSPACE:
        return Layers(workspace=stored[scope].values)
    return layers_of(stored, channel_id=caller.channel_id, user_id=caller.user_id)


def made_text(visit: Visit, made: Made, scope: str, *, changes: Sequence[str]) -> list[str]:
    """Return what every change is answered with: what, where, for whom, from when."""
    language = visit.language
    lines = [*changes, replies.reach(scope, language=language)]
    if made.app is None:
        name = code(chosen_app(made.layers))
        command = typeable("app", "NAME", scope=scope)
        return [*lines, replies.APP_GONE.say(language, name=name, command=command)]
    if _app_name(made.before) != _app_name(made.after):
        lines.append(replies.FRESH_SESSIONS.say(language))
    unused = resolve(made.layers, app=made.app).unused
    if unused:
        kind = KIND_NAMES[made.app.kind].say(language)
        names = ", ".join(code(name) for name in unused)
        lines.append(replies.UNUSED_NOW.say(language, kind=kind, names=names))
    return lines


def _layers_with(
    stored: Mapping[str, StoredSettings], *, caller: Caller, scope: str, values: Values
) -> Layers:
    changed = {**stored, scope: replace(stored[scope], values=values)}
    return layers_at(changed, caller=caller, scope=scope)


def _refuse_useless(
    visit: Visit, layers: Layers, app: AppProfile, *, before: Values, after: Values
) -> None:
    """Refuse new values that the app would not understand.

    Values that were there before are left out of questions instead, so that another app can be
    chosen without losing them.
    """
    together = resolve(layers, app=app).reasons
    for key, value in after.items():
        if key not in SETTINGS or before.get(key) == value:
            continue
        setting = SETTINGS[key]
        among = (together[name] for name in candidate_options({key: value}) if name in together)
        reason = setting.problem(value, kind=app.kind) or next(among, None)
        if reason is not None:
            raise Refused(bad_value(visit, setting, setting.show(value), reason=reason))


def bad_value(
    visit: Visit, setting: Setting, typed: str, *, reason: Wording, **values: object
) -> str:
    """Say why a value cannot be; what was typed stays harmless, in the reason too."""
    return replies.BAD_VALUE.say(
        visit.language,
        name=code(setting.command),
        typed=code(typed, most_chars=MAX_TYPED_CHARS),
        reason=defuse(reason.say(visit.language, **values)),
    )


def _app_name(values: Values) -> str:
    name = values.get("app")
    return name.casefold() if isinstance(name, str) else ""
