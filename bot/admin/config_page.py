"""Which settings a form shows, what holds without them, and what the form remembers."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.admin import config_texts as texts
from bot.admin import scopes
from bot.admin.access import ADMINS_OWN
from bot.core.json_value import Json
from bot.core.language import Phrase
from bot.core.loose_json import count_at, parse_object, text_at
from bot.core.question import AppKind, AppProfile
from bot.core.resolution import Effective, Layers, resolve
from bot.core.setting import SETTINGS, Level, Setting

CALLBACK = "config"
"""What a submission of this form names."""
INHERIT = "(inherit)"
"""The choice of a select that takes the own value away; no app can be called that."""
ON, OFF = "on", "off"

GROUPS: Mapping[Phrase, tuple[str, ...]] = {
    Phrase("Answers", "回答"): ("app", "has_thoughts", "flow_stream_mode", "plugins", "more"),
    Phrase("Knowledge", "知识库"): (
        "pipeline_ids",
        "file_ids",
        "tags",
        "metadata_filter",
        "structured_filter",
    ),
    Phrase("Workflow variables", "工作流变量"): ("biz_params", "ask"),
    Phrase("Conversation", "对话"): (
        "history",
        "system",
        "follow",
        "memory",
        "language",
        "sources",
        "steps",
    ),
    Phrase("People", "人员"): ("who", "managers", "delegate"),
    Phrase("Limits per UTC day", "每日额度（UTC）"): (
        "quota_user_turns",
        "quota_user_tokens",
        "quota_channel_turns",
        "quota_channel_tokens",
    ),
}
"""Every setting, under its heading."""

_SCOPE = re.compile(r"workspace|channel:[CG][A-Z0-9]{1,30}|user:[UW][A-Z0-9]{1,30}")


@dataclass(frozen=True, slots=True)
class NamedApp:
    """An app that can be chosen.

    Attributes:
        name: What people call it.
        kind: What it was built as.
        is_closed: Whether it is listed only because the reader chose it while it was open to them.
    """

    name: str
    kind: AppKind
    is_closed: bool = False


@dataclass(frozen=True, slots=True)
class ConfigPage:
    """What the form shows.

    Attributes:
        scope: Where the settings belong, as storage files them.
        version: Of the settings as they are shown.
        values: What is set there.
        workspace: What is set for the workspace; empty when that is what is shown.
        app: What answers there, without its key; without options when it does not exist any more.
        apps: What may be chosen, `default` included.
        is_admin: Whether the reader may set what only admins set.
    """

    scope: str
    version: int
    values: Mapping[str, Json]
    workspace: Mapping[str, Json]
    app: AppProfile
    apps: Sequence[NamedApp]
    is_admin: bool

    @property
    def level(self) -> Level:
        """Which level of settings this is."""
        return scopes.level_of(self.scope)


@dataclass(frozen=True, slots=True)
class ConfigState:
    """What a form remembers of the settings it was opened for; anybody may forge it.

    Attributes:
        scope: `workspace`, `channel:C…` or `user:U…`.
        version: Of the settings as the form showed them.
    """

    scope: str
    version: int

    def text(self) -> str:
        """Return it as the form carries it."""
        return json.dumps({"scope": self.scope, "version": self.version})


def read_state(text: str) -> ConfigState | None:
    """Return what a form remembered; None when no form of ours did."""
    found = parse_object(text)
    if found is None or not _SCOPE.fullmatch(text_at(found, "scope")):
        return None
    return ConfigState(scope=text_at(found, "scope"), version=count_at(found, "version"))


def settings_shown(level: Level, *, is_admin: bool) -> tuple[Setting, ...]:
    """Return the settings of a form, in its order."""
    keys = (key for group in GROUPS.values() for key in group)
    return tuple(
        SETTINGS[key]
        for key in keys
        if level in SETTINGS[key].levels and (is_admin or key not in ADMINS_OWN)
    )


def inherited(page: ConfigPage) -> Mapping[str, tuple[Json, Phrase]]:
    """Return what holds while a setting has no own value, and whose it is; None for nothing."""
    app = {key: value for key, value in page.values.items() if key == "app"}
    # An app's own options are inherited from the one that answers, whoever chose it.
    options, rest = (resolve(_layers(page, own), app=page.app) for own in (app, {}))
    return {
        key: _inherited(setting, options if setting.is_app_option else rest)
        for key, setting in SETTINGS.items()
    }


def _layers(page: ConfigPage, own: Mapping[str, Json]) -> Layers:
    match page.level:
        case Level.WORKSPACE:
            return Layers(workspace=own)
        case Level.CHANNEL:
            return Layers(workspace=page.workspace, channel=own)
        case Level.USER:
            return Layers(workspace=page.workspace, user=own, is_direct=True)


def _inherited(setting: Setting, effective: Effective) -> tuple[Json, Phrase]:
    value = effective.values.get(setting.key)
    if effective.origins.get(setting.key) is Level.WORKSPACE:
        return value, texts.FROM_WORKSPACE
    return value, texts.FROM_APP if setting.is_app_option else texts.FROM_BUILD
