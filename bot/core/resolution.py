"""What holds in a place: the settings of its levels put together, for the app that answers."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal, TypeVar

from bot.core.api_fields import AGENT_VARIABLES, is_sent, problems
from bot.core.json_value import Json
from bot.core.language import Phrase
from bot.core.plugin_tokens import NO_TOKENS_THERE
from bot.core.question import AppKind, AppProfile
from bot.core.setting import (
    DEFAULT_APP,
    SETTINGS,
    Follow,
    History,
    LanguageChoice,
    Level,
    MemoryUse,
    candidate_options,
    is_option_of_its_own,
)
from bot.core.shapes import NONE

_NEEDS_MESSAGES = Phrase(
    "It is sent only while History is `messages`.", "仅当对话历史为 `messages` 时才会发送。"
)

EnumT = TypeVar("EnumT", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Layers:
    """What is set for a place, by setting, level by level; empty where nothing is.

    Attributes:
        workspace: The workspace's defaults.
        channel: The channel's own; empty for direct messages.
        user: The user's own; only for direct messages, empty anywhere else.
        is_direct: Whether the place is somebody's direct messages.
    """

    workspace: Mapping[str, Json] = field(default_factory=dict[str, Json])
    channel: Mapping[str, Json] = field(default_factory=dict[str, Json])
    user: Mapping[str, Json] = field(default_factory=dict[str, Json])
    is_direct: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit on one UTC day.

    Attributes:
        per: Whose use is counted: each person's, or the channel's as a whole.
        unit: What is counted.
        limit: At least 1.
        across: Where a person's use is counted: in the whole workspace or in this channel.
    """

    per: Literal["user", "channel"]
    unit: Literal["turns", "tokens"]
    limit: int
    across: Literal["workspace", "channel"]


@dataclass(frozen=True, slots=True)
class Effective:
    """What holds in a place.

    Attributes:
        app: Who answers.
        options: Fields of its requests by API name; the app's kind takes all of them.
        asked: Names of the variables that whoever asks gives.
        plugins: Ids of the plugins that get a token of whoever asks.
        unused: API names of options, and keys of settings, that are set but of no use to this app.
        history: How the app learns what was said before.
        system: What the model is told before that; empty unless the history is sent as messages.
        follow: Which messages in its threads the bot answers.
        memory: Whether long-term memory is used; SHARED only where the channel itself says so.
        language: Which language the bot's own sentences are in.
        shows_sources: Whether sources are listed under an answer.
        keeps_steps: Whether a finished answer keeps a line of its steps.
        who: Who may ask: any of `admins`, `members`, `guests`, `external`.
        quotas: Every limit that applies, the workspace's first.
        delegate: Whether a channel's creator and managers may configure it.
        managers: Ids of the channel's managers.
        origins: Where each setting (by key) and each option (by API name) comes from; None for
            what is built in or the app's own.
        values: The value that holds for each setting by key, `unused` ones and NONE included;
            absent when nothing does.
        reasons: Why, by the names in `unused`.
    """

    app: AppProfile
    options: Mapping[str, Json] = field(default_factory=dict[str, Json])
    asked: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    history: History = History.SESSION
    system: str = ""
    follow: Follow = Follow.MENTION
    memory: MemoryUse = MemoryUse.ON
    language: LanguageChoice = LanguageChoice.AUTO
    shows_sources: bool = True
    keeps_steps: bool = False
    who: frozenset[str] = frozenset({"members"})
    quotas: tuple[Quota, ...] = ()
    delegate: bool = False
    managers: frozenset[str] = frozenset()
    origins: Mapping[str, Level | None] = field(default_factory=dict[str, Level | None])
    values: Mapping[str, Json] = field(default_factory=dict[str, Json])
    reasons: Mapping[str, Phrase] = field(default_factory=dict[str, Phrase])


@dataclass(frozen=True, slots=True)
class _Found:
    """A value and where it is set; None for an option that is not to be had."""

    value: Json
    origin: Level | None


def chosen_app(layers: Layers) -> str:
    """Return the name of the app that answers; `default` when nobody chose one."""
    chosen = _set_value("app", layers)
    return str(chosen.value) if chosen else DEFAULT_APP


def resolve(layers: Layers, *, app: AppProfile) -> Effective:
    """Put the levels together.

    A channel inherits the bot's own settings from the workspace, one by one. The options of an app
    begin with its own; over them lie the workspace's, unless another app than the workspace's
    answers here; over them lie the channel's. Each option is replaced as a whole, or by none.

    A value that is not its setting's, or stands where that setting cannot be set, counts for
    nothing. An option the app's kind cannot use is left out of `options`, and where no token
    may go there are no `plugins`.

    Args:
        layers: What is set.
        app: The profile of `chosen_app(layers)`.
    """
    settings = _in_force(layers)
    options = _options(layers, app=app)
    wanted = {name: found.value for name, found in options.items() if found.value is not None}
    usable, reasons = _usable(wanted, app.kind)
    values = {key: found.value for key, found in settings.items()}
    history, objection = _history(values["history"], kind=app.kind)
    reasons |= objection
    system, objection = _system(values.get("system"), history=history)
    reasons |= objection
    plugins, objection = _plugins(usable.get("plugins"), app=app)
    reasons |= objection
    memory, objection = _memory(settings["memory"], kind=app.kind)
    reasons |= objection
    return Effective(
        app=app,
        options={name: value for name, value in usable.items() if is_sent(name)},
        asked=_words(usable.get("ask")),
        plugins=plugins,
        unused=tuple(reasons),
        history=history,
        system=system,
        follow=Follow(str(values["follow"])),
        memory=memory,
        language=LanguageChoice(str(values["language"])),
        shows_sources=values["sources"] is True,
        keeps_steps=values["steps"] is True,
        who=frozenset(_words(values["who"])),
        quotas=tuple(_quotas(layers)),
        delegate=values["delegate"] is True,
        managers=frozenset(_words(values.get("managers"))),
        origins=_origins(settings, options),
        values=values | _values_of_options(options),
        reasons=reasons,
    )


def _in_force(layers: Layers) -> dict[str, _Found]:
    """Return the bot's own settings by key, all that somebody set or that have a default."""
    found = {
        key: _set_value(key, layers) or _Found(setting.default, None)
        for key, setting in SETTINGS.items()
        if not setting.is_app_option
    }
    return {key: each for key, each in found.items() if each.value is not None}


def _set_value(key: str, layers: Layers) -> _Found | None:
    """Return the value of the nearest level where this setting may stand and one of its stands."""
    for level, values in _nearest_first(layers):
        value = values.get(key)
        if value is not None and level in SETTINGS[key].levels and not SETTINGS[key].misfit(value):
            return _Found(value, level)
    return None


def _nearest_first(layers: Layers) -> tuple[tuple[Level, Mapping[str, Json]], ...]:
    # Of a user's own, only the choice of an app counts: SETTINGS allows no other at that level.
    return (
        (Level.USER, layers.user),
        (Level.CHANNEL, layers.channel),
        (Level.WORKSPACE, layers.workspace),
    )


def _options(layers: Layers, *, app: AppProfile) -> dict[str, _Found]:
    """Return the options of the app by API name, whether its kind can use them or not."""
    options = {name: _Found(value, None) for name, value in app.options.items()}
    workspaces = Layers(workspace=layers.workspace)
    if chosen_app(layers).casefold() == chosen_app(workspaces).casefold():
        options = _laid_over(options, layers.workspace, level=Level.WORKSPACE)
    return _laid_over(options, layers.channel, level=Level.CHANNEL)


def _laid_over(
    options: Mapping[str, _Found], values: Mapping[str, Json], *, level: Level
) -> dict[str, _Found]:
    """Return options with those of a level in the place of what it inherits."""
    own = {name: _Found(value, level) for name, value in candidate_options(values).items()}
    if values.get("more") == NONE:
        options = {name: found for name, found in options.items() if is_option_of_its_own(name)}
        own["more"] = _Found(None, level)
    return {**_not_given_again(options, own=own), **own}


def _not_given_again(
    options: Mapping[str, _Found], *, own: Mapping[str, _Found]
) -> dict[str, _Found]:
    """Return what is inherited without the agents' variables that a level has a value of.

    One that stands by itself and one inside `biz_params` are the same field of a request, so the
    nearer level decides; with none of `biz_params` there is neither.
    """
    variables: Json = own["biz_params"].value if "biz_params" in own else {}
    inside = AGENT_VARIABLES if variables is None else _parts(variables)
    again = {name for name in AGENT_VARIABLES if name in own or name in inside}
    left = {name: found for name, found in options.items() if name not in again}
    inherited = left.get("biz_params")
    if inherited and again & _parts(inherited.value).keys():
        rest = {name: part for name, part in _parts(inherited.value).items() if name not in again}
        left["biz_params"] = replace(inherited, value=rest)
        if not rest:
            del left["biz_params"]
    return left


def _usable(
    options: Mapping[str, Json], kind: AppKind
) -> tuple[Mapping[str, Json], dict[str, Phrase]]:
    """Return what the kind can use, and why the rest is of no use."""
    reasons: dict[str, Phrase] = {}
    # Without one field another may be wrong that needed it; each round leaves out at least one.
    while found := problems(options, kind=kind):
        reasons |= found
        options = {name: value for name, value in options.items() if name not in found}
    return options, reasons


def _plugins(value: Json, *, app: AppProfile) -> tuple[tuple[str, ...], dict[str, Phrase]]:
    """Return the plugins that get a token; none where no token may go."""
    if value is None or app.takes_tokens:
        return _words(value), {}
    return (), {"plugins": NO_TOKENS_THERE}


def _history(value: Json, *, kind: AppKind) -> tuple[History, dict[str, Phrase]]:
    """Return how history is kept; an app that takes no messages is asked as by default."""
    objection = SETTINGS["history"].problem(value, kind=kind)
    return (History.SESSION, {"history": objection}) if objection else (History(str(value)), {})


def _system(value: Json, *, history: History) -> tuple[str, dict[str, Phrase]]:
    """Return what the model is told before the thread; nothing unless that goes as messages."""
    if value is None or value == NONE:
        return "", {}
    return (str(value), {}) if history is History.MESSAGES else ("", {"system": _NEEDS_MESSAGES})


def _memory(found: _Found, *, kind: AppKind) -> tuple[MemoryUse, dict[str, Phrase]]:
    """Return how memory is used: what opens a private channel is a setting of its own alone."""
    use = MemoryUse(str(found.value))
    if use is MemoryUse.SHARED and found.origin is Level.WORKSPACE:
        use = MemoryUse.ON
    is_set = found.origin is not None  # nobody is told of what is built in
    objection = SETTINGS["memory"].problem(found.value, kind=kind) if is_set else None
    return use, {"memory": objection} if objection else {}


def _quotas(layers: Layers) -> Iterator[Quota]:
    yield from _quotas_of("user", layers.workspace, across="workspace")
    yield from _quotas_of("user", layers.channel, across="channel")
    if not layers.is_direct:
        values = {key: found.value for key, found in _in_force(layers).items()}
        yield from _quotas_of("channel", values, across="channel")


def _quotas_of(
    per: Literal["user", "channel"],
    values: Mapping[str, Json],
    *,
    across: Literal["workspace", "channel"],
) -> Iterator[Quota]:
    units: tuple[Literal["turns", "tokens"], ...] = ("turns", "tokens")
    for unit in units:
        key = f"quota_{per}_{unit}"
        limit = values.get(key)
        if isinstance(limit, int) and not SETTINGS[key].misfit(limit):
            yield Quota(per=per, unit=unit, limit=limit, across=across)


def _origins(
    settings: Mapping[str, _Found], options: Mapping[str, _Found]
) -> Mapping[str, Level | None]:
    further = {found.origin for name, found in options.items() if not is_option_of_its_own(name)}
    nearest = next((level for level in (Level.CHANNEL, Level.WORKSPACE) if level in further), None)
    return {
        **dict.fromkeys(SETTINGS),
        **{name: found.origin for name, found in options.items()},
        **{key: found.origin for key, found in settings.items()},
        "more": nearest,
    }


def _values_of_options(options: Mapping[str, _Found]) -> dict[str, Json]:
    """Return options by the key of their setting."""
    own: dict[str, Json] = {
        name: NONE if found.value is None else found.value
        for name, found in options.items()
        if is_option_of_its_own(name)
    }
    further = {name: found.value for name, found in options.items() if name not in own}
    if not further:
        return own
    shown = {name: value for name, value in further.items() if (name, value) != ("more", None)}
    return {**own, "more": shown or NONE}


def _parts(value: Json) -> Mapping[str, Json]:
    """Return an object; of anything else there are no parts."""
    return value if isinstance(value, Mapping) else {}


def _words(value: Json) -> tuple[str, ...]:
    """Return a list of texts; it was checked to be one, or is absent."""
    return tuple(str(each) for each in value) if isinstance(value, Sequence) else ()
