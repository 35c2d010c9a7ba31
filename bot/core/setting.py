"""What can be set in Slack: names, words, where, and what each value may be.

An *app option* is a field of DashScope's requests and belongs to an app: it is of no use to another
one. Any other setting is the bot's own, and a channel inherits it from the workspace.

A setting without a value of its own takes the inherited one; with NONE it takes none. Of the fields
inside `more`, null says the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.core import setting_checks as must_be
from bot.core import setting_texts as texts
from bot.core import shapes
from bot.core.api_fields import API_FIELDS, problem_of
from bot.core.field_checks import Check, flag, list_of
from bot.core.json_value import Json, refuse_unreadable, trouble_with
from bot.core.language import Phrase
from bot.core.pasted_keys import KEPT_OUT, holds_key
from bot.core.question import AppKind
from bot.core.shapes import Choice, Shape
from bot.errors import BadValue

DEFAULT_APP = "default"
"""The app the bot was started with; nobody can register another one under this name."""

_NO_MESSAGES = Phrase(
    "Only agents and dialog workflows take a thread as messages.",
    "仅智能体应用和对话型工作流支持以消息形式发送对话。",
)

_NO_MEMORY = Phrase("Only agents remember people.", "仅智能体应用支持长期记忆。")


class Level(StrEnum):
    """Where a value is set."""

    WORKSPACE = "workspace"
    CHANNEL = "channel"
    USER = "user"


class History(StrEnum):
    """How an app learns what was said before in a thread."""

    SESSION = "session"
    MESSAGES = "messages"
    OFF = "off"


class Follow(StrEnum):
    """Which messages in a thread with the bot it answers."""

    MENTION = "mention"
    THREAD = "thread"


class MemoryUse(StrEnum):
    """Whether an app's long-term memory of people is used, and with whom a channel shares it.

    ON lets public channels share one, and no private channel; SHARED lets a channel that says so
    itself, and is no more than ON for a whole workspace.
    """

    ON = "on"
    OFF = "off"
    SEPARATE = "separate"
    SHARED = "shared"


class LanguageChoice(StrEnum):
    """Which language the bot's own sentences are in."""

    AUTO = "auto"
    EN = "en"
    ZH = "zh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing that can be set.

    Attributes:
        key: What it is stored under; an app option's is the API's own name (but `more`).
        command: The words after the slash command.
        label: What people call it.
        hint: What it does, and how its value is typed.
        levels: Where it can be set; a value found elsewhere counts for nothing.
        is_app_option: Whether it is a field of requests, and so belongs to an app.
        shape: What its value looks like.
        check: Says what is wrong with a value whatever the kind of app.
        choices: The values there are, when there are only a few.
        default: What holds while nobody set it; None when nothing does.
    """

    key: str
    command: str
    label: Phrase
    hint: Phrase
    levels: frozenset[Level]
    is_app_option: bool
    shape: Shape
    check: Check
    choices: tuple[Choice, ...] = ()
    default: Json = None

    @property
    def can_be_none(self) -> bool:
        """Whether NONE is a value of it: it is inherited, and nothing else switches it off."""
        return self.default is None and self.shape not in {"flag", "users"}

    def read(self, typed: str) -> Json:
        """Return the value somebody typed; it passes `misfit`.

        Args:
            typed: The user's own text, not stripped, at most MAX_TYPED_CHARS.

        Raises:
            BadValue: It is none of this setting's, or holds a key; then the phrase is KEPT_OUT,
                and what was typed is not to be said again.
        """
        refuse_unreadable(typed)
        # Before it is parsed as well: what stands at a mistake is repeated.
        if holds_key(typed):
            raise BadValue(KEPT_OUT)
        value = self._parse(typed)
        if holds_key(value):
            raise BadValue(KEPT_OUT)
        if misfit := self.misfit(value):
            raise BadValue(misfit)
        return value

    def is_dropped_by(self, typed: str) -> bool:
        """Whether somebody who typed this wants the own value taken away."""
        word = typed.strip().casefold()
        # The built-in app is called `default`: for an app that word is a name like any other.
        return word in shapes.DROPPING_WORDS and (self.shape, word) != ("app", DEFAULT_APP)

    def show(self, value: Json) -> str:
        """Return a value as one types it: `read(show(value)) == value` when it passes `misfit`."""
        return shapes.NONE if self.is_none(value) else shapes.show(value, shape=self.shape)

    def is_none(self, value: Json) -> bool:
        """Whether nothing of it is to be had, not even what is inherited."""
        return self.can_be_none and value == shapes.NONE

    def misfit(self, value: Json) -> Phrase | None:
        """Return why this is no value of the setting, whatever the kind of app."""
        return None if self.is_none(value) else trouble_with(value) or self.check(value)

    def problem(self, value: Json, *, kind: AppKind) -> Phrase | None:
        """Return why an app of this kind cannot do with the value; None when it can.

        Fields that need each other are told by `core.api_fields.problems` alone.
        """
        misfit = self.misfit(value)
        if misfit or self.is_none(value):
            return misfit
        if self.key == "more":
            return must_be.problem_of_fields(value, kind=kind)
        if self.is_app_option:
            return problem_of(self.key, value, kind=kind)
        if self.key == "memory" and value != MemoryUse.OFF:
            return None if kind is AppKind.AGENT else _NO_MEMORY
        needs_messages = self.key == "system" or (self.key, value) == ("history", History.MESSAGES)
        return _NO_MESSAGES if needs_messages and not kind.takes_messages else None

    def _parse(self, typed: str) -> Json:
        is_null = self.shape == "json" and typed.strip() == "null"
        if self.can_be_none and (is_null or shapes.is_nothing(typed)):
            return shapes.NONE
        if self.shape == "choice":
            return shapes.read_choice(typed, choices=self.choices)
        if self.choices:
            return shapes.read_choices(typed, choices=self.choices)
        if self.key == "biz_params":
            return shapes.read_json_or_pairs(typed)
        return shapes.READERS[self.shape](typed)


_ANYWHERE = frozenset(Level)
_SHARED = frozenset({Level.WORKSPACE, Level.CHANNEL})
_WORKSPACE = frozenset({Level.WORKSPACE})
_CHANNEL = frozenset({Level.CHANNEL})


def _app_option(key: str, command: str, *, shape: Shape, check: Check | None = None) -> Setting:
    own = _own(key, command, shape=shape, check=check or API_FIELDS[key].check)
    return replace(own, is_app_option=True)


def _own(
    key: str,
    command: str,
    *,
    shape: Shape,
    check: Check | None = None,
    default: Json = None,
    levels: frozenset[Level] = _SHARED,
) -> Setting:
    choices = texts.CHOICES.get(key, ())
    return Setting(
        key=key,
        command=command,
        label=texts.LABELS[key],
        hint=texts.HINTS[key],
        levels=levels,
        is_app_option=False,
        shape=shape,
        check=check or must_be.among(choices),
        choices=choices,
        default=default,
    )


def _quota(key: str, command: str) -> Setting:
    return _own(key, command, shape="number", check=must_be.quota, default=shapes.NO_LIMIT)


_IN_THE_ORDER_SHOWN = (
    _own("app", "app", shape="app", check=must_be.app_name, default=DEFAULT_APP, levels=_ANYWHERE),
    _app_option("pipeline_ids", "kb", shape="words"),
    _app_option("file_ids", "docs", shape="words"),
    _app_option("tags", "tags", shape="words"),
    _app_option("metadata_filter", "filter", shape="json"),
    _app_option("structured_filter", "filter table", shape="json"),
    _app_option("biz_params", "params", shape="json"),
    _app_option("ask", "ask", shape="words"),
    _app_option("plugins", "plugins", shape="words"),
    _app_option("has_thoughts", "thoughts", shape="flag"),
    _app_option("flow_stream_mode", "thoughts mode", shape="choice"),
    _app_option("more", "more", shape="json", check=must_be.further_fields(own=texts.LABELS)),
    _own("history", "history", shape="choice", default=History.SESSION.value),
    _own("system", "system", shape="text", check=must_be.instruction),
    _own("follow", "follow", shape="choice", default=Follow.MENTION.value),
    _own("memory", "memory", shape="choice", default=MemoryUse.ON.value),
    _own("language", "language", shape="choice", default=LanguageChoice.AUTO.value),
    _own("sources", "reply sources", shape="flag", check=flag, default=True),
    _own("steps", "reply steps", shape="flag", check=flag, default=False),
    _own(
        "who",
        "who",
        shape="words",
        check=list_of(must_be.among(texts.CHOICES["who"])),
        default=("members",),
    ),
    _quota("quota_user_turns", "quota user turns"),
    _quota("quota_user_tokens", "quota user tokens"),
    _quota("quota_channel_turns", "quota channel turns"),
    _quota("quota_channel_tokens", "quota channel tokens"),
    _own("managers", "managers", shape="users", check=list_of(must_be.person), levels=_CHANNEL),
    _own("delegate", "delegate", shape="flag", check=flag, default=False, levels=_WORKSPACE),
)

SETTINGS: Mapping[str, Setting] = {setting.key: setting for setting in _IN_THE_ORDER_SHOWN}
"""Every setting by its key, in the order they are shown."""

_BY_COMMAND: Mapping[tuple[str, ...], Setting] = {
    tuple(setting.command.split()): setting for setting in _IN_THE_ORDER_SHOWN
}
_LONGEST_COMMAND = max(len(words) for words in _BY_COMMAND)


def by_command(words: Sequence[str]) -> tuple[Setting, int] | None:
    """Return the setting these words begin with and how many of them name it; None for none.

    Where two fit, the longer one is meant: `filter table`, not `filter`.
    """
    folded = tuple(word.casefold() for word in words[:_LONGEST_COMMAND])
    heads = (folded[:count] for count in range(len(folded), 0, -1))
    return next(((_BY_COMMAND[head], len(head)) for head in heads if head in _BY_COMMAND), None)


def candidate_options(values: Mapping[str, Json]) -> Mapping[str, Json]:
    """Return the app options among the values of one level, by API name; `more` is unfolded.

    What is not to be had there is None. Nothing is checked, but a `more` that is no object holds no
    options.
    """
    further = values.get("more")
    options = dict(further) if isinstance(further, Mapping) else dict[str, Json]()
    own = {key: value for key, value in values.items() if is_option_of_its_own(key)}
    return options | {
        key: None if SETTINGS[key].is_none(value) else value for key, value in own.items()
    }


def command_of(name: str) -> str:
    """Return what people type for a setting's key, or for a field of requests."""
    return SETTINGS[name].command if name in SETTINGS else f"more: {name}"


def is_option_of_its_own(name: str) -> bool:
    """Whether a field of requests has a setting of its own, outside `more`."""
    return name != "more" and name in SETTINGS and SETTINGS[name].is_app_option
