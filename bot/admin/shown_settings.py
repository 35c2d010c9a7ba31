"""`show` and a setting's words alone: what holds here, and where it comes from."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bot.admin import replies, scopes
from bot.admin.audit_lines import value_shown
from bot.admin.choices import closed_choice
from bot.admin.consequences import uncounted
from bot.admin.inviting import invitation
from bot.admin.marks import MAX_CELL_CHARS, code, cut, table
from bot.admin.memory_book import is_off
from bot.admin.office import Office
from bot.admin.ports import Visit
from bot.admin.replies import typeable
from bot.core.api_fields import KIND_NAMES
from bot.core.language import Language, Phrase
from bot.core.memory_places import OWN_SWITCH
from bot.core.mentions import defuse
from bot.core.quota import has_uncounted_tokens
from bot.core.resolution import Effective, resolve
from bot.core.screens import MAX_NOTICE_CHARS, Notice
from bot.core.setting import SETTINGS, Level, MemoryUse, Setting, command_of
from bot.core.shapes import NONE
from bot.errors import UnknownApp

MAX_ONE_CHARS = 3_000
"""Of a value shown alone."""

_OF_CHANNELS = frozenset({"follow", "quota_channel_turns", "quota_channel_tokens", "delegate"})
"""Settings of the workspace that mean nothing in direct messages."""
_TOKEN_QUOTAS = frozenset({"quota_user_tokens", "quota_channel_tokens"})
_TITLE_HERE = Phrase("**Settings** in {place}", "{place} 的**设置**")
_SETTING = Phrase("Setting", "设置项")
_VALUE = Phrase("Value", "当前值")
_ORIGIN = Phrase("From", "来源")
_BUILT_IN = Phrase("built-in", "内置默认")
_FROM_APP = Phrase("the app's default", "应用默认")
_NOTHING = Phrase("–", "–")
_LEVELS: Mapping[Level, Phrase] = {
    Level.WORKSPACE: Phrase("workspace", "工作区"),
    Level.CHANNEL: Phrase("this channel", "此频道"),
    Level.USER: Phrase("your choice", "您的选择"),
}
_LEFT_OUT = Phrase(
    "**Set, but left out** with this app ({kind}):", "**已设置，但此应用（{kind}）不使用**："
)
_BOTH_QUOTAS = Phrase(
    "The workspace's quotas for each person hold besides this channel's own.",
    "工作区的每人额度与此频道自己的额度同时生效。",
)
_HOW = Phrase(
    "{command} followed by a value changes one; alone it explains it.",
    "输入 {command} 加上新值即可更改；只输入名称则查看说明。",
)
_CUT = Phrase("… the rest does not fit here.", "……其余内容放不下。")
_ONE = Phrase(
    "**{label}** ({name}): {value} — {origin}", "**{label}**（{name}）：{value} — {origin}"
)
_ONE_UNSET = Phrase("**{label}** ({name}): not set", "**{label}**（{name}）：未设置")
_NOT_USED = Phrase("Left out with this app: {reason}", "此应用不使用：{reason}")
_TYPE = Phrase(
    "Type {value} to set it, {default} to take it away.", "输入 {value} 设置，输入 {default} 清除。"
)
_TYPE_NONE = Phrase(
    "Type {command} to send none, whatever is inherited.",
    "输入 {command} 则不发送任何值，也不继承。",
)


async def show_all(office: Office, visit: Visit, *, scope: str) -> Notice:
    """Return a table of every setting that holds here.

    Raises:
        StorageError: The database did not answer.
    """
    effective, trouble = await effective_at(office, visit, scope)
    if scopes.level_of(scope) is Level.USER and await is_off(office, visit.caller):
        effective = _without_memory(effective)
    language = visit.language
    place = replies.place(scope, language=language)
    parts = [
        _TITLE_HERE.say(language, place=place),
        _table(effective, scope, language=language),
        trouble,
        *_notes(effective, language=language),
        await invitation(office, visit, scope=scope),
        _HOW.say(language, command=typeable("follow", scope=scope)),
    ]
    text = "\n\n".join(filter(None, parts))
    return Notice(cut(text, most_chars=MAX_NOTICE_CHARS, ending=_CUT.say(language)))


async def show_one(office: Office, visit: Visit, setting: Setting, *, scope: str) -> Notice:
    """Return what one setting is, where that comes from, and how it is set.

    Raises:
        StorageError: The database did not answer.
    """
    effective, trouble = await effective_at(office, visit, scope)
    language = visit.language
    one = (_ONE if setting.key in effective.values else _ONE_UNSET).say(
        language,
        label=setting.label.say(language),
        name=code(setting.command),
        value=_value(setting, effective, most_chars=MAX_ONE_CHARS, language=language),
        origin=_origin(setting, effective, language=language),
    )
    parts = [one, *_reasons_of(setting, effective, language=language)]
    parts += [setting.hint.say(language), *_ways(setting, scope, language=language)]
    return Notice("\n\n".join(filter(None, (*parts, trouble))))


async def effective_at(office: Office, visit: Visit, scope: str) -> tuple[Effective, str]:
    """Return what holds, and a sentence if the chosen app is gone or closed to the caller.

    Of an app that is gone nothing is known; the built-in one stands in for it.
    """
    caller, choices, language = visit.caller, office.choices, visit.language
    layers = await choices.layers(caller.team_id, scope)
    try:
        app, counting = await choices.answering(
            caller.team_id, layers, user_id=caller.user_id, with_key=False
        )
    except UnknownApp as error:
        gone = replies.app_gone(error.name, language=language)
        return resolve(layers, app=choices.default_app), gone
    closed = closed_choice(layers, counting)
    trouble = replies.app_closed(closed, language=language) if closed else ""
    return resolve(counting, app=app), trouble


def _table(effective: Effective, scope: str, *, language: Language) -> str:
    rows = (
        (
            f"{code(setting.command)} {setting.label.say(language)}",
            _value(setting, effective, most_chars=MAX_CELL_CHARS, language=language).replace(
                "|", "\\|"
            ),
            _origin(setting, effective, language=language),
        )
        for setting in SETTINGS.values()
        if _concerns(setting, level=scopes.level_of(scope))
    )
    return table([phrase.say(language) for phrase in (_SETTING, _VALUE, _ORIGIN)], rows)


def _without_memory(effective: Effective) -> Effective:
    """Return what holds for somebody who switched memory off for themselves."""
    return replace(
        effective,
        values={**effective.values, OWN_SWITCH: MemoryUse.OFF.value},
        origins={**effective.origins, OWN_SWITCH: Level.USER},
    )


def _concerns(setting: Setting, *, level: Level) -> bool:
    """Whether a setting has a meaning at a level; in direct messages the workspace's hold."""
    if level is Level.USER:
        return Level.WORKSPACE in setting.levels and setting.key not in _OF_CHANNELS
    return level in setting.levels


def _value(setting: Setting, effective: Effective, *, most_chars: int, language: Language) -> str:
    value = effective.values.get(setting.key)
    if value is None:
        return _NOTHING.say(language)
    return value_shown(setting, value, most_chars=most_chars)


def _origin(setting: Setting, effective: Effective, *, language: Language) -> str:
    level = effective.origins.get(setting.key)
    if level is not None:
        return _LEVELS[level].say(language)
    is_set = setting.key in effective.values
    if setting.is_app_option and is_set:
        return _FROM_APP.say(language)
    return (_BUILT_IN if is_set else _NOTHING).say(language)


def _notes(effective: Effective, *, language: Language) -> Iterator[str]:
    if effective.reasons:
        kind = KIND_NAMES[effective.app.kind].say(language)
        lines = [
            f"- {code(command_of(name))}: {defuse(reason.say(language))}"
            for name, reason in effective.reasons.items()
        ]
        yield "\n".join([_LEFT_OUT.say(language, kind=kind), "", *lines])
    if any(quota.per == "user" and quota.across == "channel" for quota in effective.quotas):
        yield _BOTH_QUOTAS.say(language)
    if has_uncounted_tokens(effective):
        yield uncounted(language=language)


def _reasons_of(setting: Setting, effective: Effective, *, language: Language) -> Iterator[str]:
    for name, reason in effective.reasons.items():
        if name == setting.key or (setting.key == "more" and name not in SETTINGS):
            yield _NOT_USED.say(language, reason=defuse(reason.say(language)))
    if setting.key in _TOKEN_QUOTAS and has_uncounted_tokens(effective):
        yield uncounted(language=language)


def _ways(setting: Setting, scope: str, *, language: Language) -> Iterator[str]:
    """Yield how the setting is set."""
    if setting.choices:
        yield "\n".join(
            f"- {code(choice.value)} {choice.label.say(language)}" for choice in setting.choices
        )
    if setting.shape == "app":
        yield replies.SEE_APPS.say(language, command=typeable("apps"))
    if setting.levels == frozenset({Level.WORKSPACE}) and scope != scopes.WORKSPACE:
        command = typeable("workspace", setting.command, "…")
        yield replies.ONLY_WORKSPACE.say(language, name=code(setting.command), command=command)
    if scopes.level_of(scope) in setting.levels:
        examples = ["on", "off"] if setting.shape == "flag" else ["…"]
        examples = [setting.choices[0].value] if setting.choices else examples
        values = [typeable(setting.command, example, scope=scope) for example in examples]
        yield _TYPE.say(
            language,
            value=replies.listed(values, language=language),
            default=typeable(setting.command, "inherit", scope=scope),
        )
        if setting.can_be_none:
            none = typeable(setting.command, NONE, scope=scope)
            yield _TYPE_NONE.say(language, command=none)
