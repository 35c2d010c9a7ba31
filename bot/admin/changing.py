"""Changing the settings of a scope: read, change, check, write, and say what was changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.admin import replies, scopes
from bot.admin.choices import layers_at
from bot.admin.marks import code
from bot.admin.office import Office
from bot.admin.ports import Visit
from bot.admin.replies import Refused, typeable
from bot.core.json_value import Json
from bot.core.language import Language, together
from bot.core.mentions import defuse
from bot.core.question import AppProfile
from bot.core.resolution import Layers, chosen_app, resolve
from bot.core.setting import SETTINGS, Setting, candidate_options
from bot.errors import UnknownApp
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
class Draft:
    """The own values of a scope, and what somebody wants them to be.

    Attributes:
        scope: Where the settings are filed.
        stored: What is set there and for the workspace, by scope.
        values: What is to be set there.
    """

    scope: str
    stored: Mapping[str, StoredSettings]
    values: Values

    @property
    def before(self) -> Values:
        """What is set there now."""
        return self.stored[self.scope].values

    @property
    def layers_before(self) -> Layers:
        """All that holds there now."""
        return layers_at(self.scope, stored=self.stored)

    @property
    def layers(self) -> Layers:
        """All that would hold there."""
        own = replace(self.stored[self.scope], values=self.values)
        return layers_at(self.scope, stored={**self.stored, self.scope: own})

    @property
    def changed(self) -> set[str]:
        """The settings and fields of requests that are to have another value."""
        return changed_names(self.before, self.values)

    @property
    def chooses_app(self) -> bool:
        """Whether another app is chosen there."""
        return _app_name(self.before) != _app_name(self.values)


async def change(office: Office, visit: Visit, scope: str, *, edit: Edit) -> Draft:
    """Change the own values of a scope and return the change; who may was asked before.

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


async def _change_once(office: Office, visit: Visit, scope: str, *, edit: Edit) -> Draft:
    team_id = visit.caller.team_id
    stored = await office.choices.stored(team_id, scope)
    draft = Draft(scope, stored, edit(stored[scope].values))
    app = await app_of(office, team_id, draft.layers)
    if app is not None:
        _refuse_useless(visit, draft, app)
    changed = await office.storage.settings.change(
        team_id,
        scope,
        values=draft.values,
        expected_version=stored[scope].version,
        by=visit.caller.user_id,
    )
    return replace(draft, values=changed.values)


async def app_of(office: Office, team_id: str, layers: Layers) -> AppProfile | None:
    """Return the app that layers choose, without its key; None when it does not exist.

    Raises:
        StorageError: The database did not answer.
    """
    try:
        return await office.choices.profile(team_id, chosen_app(layers), with_key=False)
    except UnknownApp:
        return None


def useless(draft: Draft, app: AppProfile, *, language: Language) -> Mapping[str, str]:
    """Return why the app has no use for values that are new, by the key of their setting.

    Values that were there before are left out of questions instead, so that another app can be
    chosen without losing them.
    """
    unused = resolve(draft.layers, app=app).reasons
    found: dict[str, str] = {}
    for key, value in draft.values.items():
        if key in SETTINGS and draft.before.get(key) != value:
            # A workspace's choice for memory also holds in channels whose apps are agents.
            is_for_others = key == "memory" and draft.scope == scopes.WORKSPACE
            own = None if is_for_others else SETTINGS[key].problem(value, kind=app.kind)
            reasons = {key: own} if own and key != "more" else {}
            among = (name for name in candidate_options({key: value}) if name in unused)
            reasons |= {name: unused[name] for name in among}
            said = {name: reason.say(language) for name, reason in reasons.items()}
            lines = [text if name == key else f"`{name}`: {text}" for name, text in said.items()]
            found |= {key: together(lines, language=language)} if lines else {}
    return found


def _refuse_useless(visit: Visit, draft: Draft, app: AppProfile) -> None:
    for key, reason in useless(draft, app, language=visit.language).items():
        setting = SETTINGS[key]
        raise Refused(bad_value(visit, setting, setting.show(draft.values[key]), reason=reason))


def bad_value(visit: Visit, setting: Setting, typed: str, *, reason: str) -> str:
    """Say why a value cannot be; what was typed stays harmless, in the reason too."""
    return replies.BAD_VALUE.say(
        visit.language,
        name=code(setting.command),
        typed=code(typed, most_chars=MAX_TYPED_CHARS),
        reason=defuse(reason),
    )


def changed_names(before: Values, after: Values) -> set[str]:
    """Return the settings and fields of requests that have another value in one than in another."""
    was, now = ({**values, **candidate_options(values)} for values in (before, after))
    return {name for name in {*was, *now} if was.get(name) != now.get(name)}


def _app_name(values: Values) -> str:
    name = values.get("app")
    return name.casefold() if isinstance(name, str) else ""
