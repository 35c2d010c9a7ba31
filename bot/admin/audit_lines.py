"""An entry of the audit as one readable line."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile
from typing import Any

from bot.admin import marks, scopes
from bot.admin.marks import code, moment, user
from bot.admin.memory_texts import place as memory_place
from bot.admin.places import named
from bot.admin.replies import NOT_SET, place
from bot.core.json_value import Json, json_text
from bot.core.language import Language, Phrase
from bot.core.setting import SETTINGS, Setting
from storage.journal import MEMORY_PREFIX
from storage.journal import SETTINGS as SETTINGS_SUBJECT
from storage.records import AuditEntry

MAX_SIDE_CHARS = 100
"""Of a value before or after, this much is shown."""
_LEAD_CHARS = 20
"""Of what two long values share, this much leads to where they differ."""
MAX_LINE_CHARS = 800
"""More than this nobody reads in a list; ten lines fit into a notice."""

_UNDO = Phrase("undo: ", "撤销：")
_ADDED = Phrase("app {name} added: ", "添加应用 {name}：")
_REMOVED = Phrase("app {name} removed: ", "移除应用 {name}：")
_EDITED = Phrase("app {name}: ", "应用 {name}：")
_OWN_KEY = Phrase("own key", "单独的 Key")
_NO_KEY = Phrase("the bot's", "机器人自带")
_KEPT_KEY = Phrase("kept", "已保存")
_OTHER_KEY = Phrase("replaced", "已更换")

_MEMORY = Phrase("memory of {user} ({place}): ", "{user} 的记忆体（{place}）：")

_APP_FIELDS = ("name", "app_id", "kind", "base_url", "workspace", "options", "is_open")
"""What of an app is no secret; where its key is kept is not told either."""


def line(entry: AuditEntry, *, language: Language) -> str:
    """Return who changed what, when, where, from what to what; never a secret."""
    undone = _UNDO.say(language) if entry.undoes is not None else ""
    is_others = scopes.user_of(entry.scope) not in {None, entry.user_id}
    where = (named if is_others else place)(entry.scope, language=language)
    head = f"{moment(entry.at)} · {user(entry.user_id)} · {where} · {undone}"
    return head + joined(_changes(entry, language=language), most_chars=MAX_LINE_CHARS)


def joined(parts: Iterable[str], *, most_chars: int) -> str:
    """Return parts with commas between, whole ones as far as they fit."""
    line = ""
    for part in parts:
        if len(line) + len(part) > most_chars:
            return f"{line}, …" if line else "…"
        line = f"{line}, {part}" if line else part
    return line


def _changes(entry: AuditEntry, *, language: Language) -> Iterator[str]:
    if entry.subject == SETTINGS_SUBJECT:
        yield from changed_values(entry.before or {}, entry.after or {}, language=language)
    elif entry.subject.startswith(MEMORY_PREFIX):
        yield _changed_memory(entry, language=language)
    else:
        yield from _changed_app(entry, language=language)


def _changed_memory(entry: AuditEntry, *, language: Language) -> str:
    user_id, _, scope = entry.subject.removeprefix(MEMORY_PREFIX).partition(":")
    before, after = (
        code(str(side["memory_id"])) if side else NOT_SET.say(language)
        for side in (entry.before, entry.after)
    )
    where = memory_place(scope, language=language)
    whose = _MEMORY.say(language, user=user(user_id), place=where)
    return whose + _step(before, after)


def changed_values(
    before: Mapping[str, Any], after: Mapping[str, Any], *, language: Language
) -> Iterator[str]:
    """Yield each setting that differs, from what to what, in the order settings are shown."""
    for key in (*SETTINGS, *sorted({*before, *after} - {*SETTINGS})):
        if before.get(key) != after.get(key):
            name = SETTINGS[key].command if key in SETTINGS else key
            yield f"{code(name)} " + _step(*sides(key, before, after, language=language))


def value_shown(setting: Setting, value: Json, *, most_chars: int = MAX_SIDE_CHARS) -> str:
    """Return a value as one would type it, harmless; people as mentions."""
    if setting.shape == "users" and isinstance(value, list):
        return joined((user(str(one)) for one in value), most_chars=most_chars)
    return code(setting.show(value), most_chars=most_chars)


def sides(
    key: str, before: Mapping[str, Any], after: Mapping[str, Any], *, language: Language
) -> tuple[str, str]:
    """Return a setting's two values as `value_shown` does, long ones around what differs."""
    setting = SETTINGS.get(key)
    if setting is not None and setting.shape == "users":
        was, now = (
            value_shown(setting, values[key]) if key in values else NOT_SET.say(language)
            for values in (before, after)
        )
        return was, now
    show = setting.show if setting is not None else json_text
    texts = (show(values[key]) if key in values else None for values in (before, after))
    was, now = (
        code(text, most_chars=MAX_SIDE_CHARS) if text is not None else NOT_SET.say(language)
        for text in _around_difference(*texts)
    )
    return was, now


def _around_difference(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """Return two texts without most of a beginning they share, where they would be cut there."""
    if before is None or after is None or max(len(before), len(after)) <= MAX_SIDE_CHARS:
        return before, after
    shared = takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False))
    start = sum(1 for _ in shared) - _LEAD_CHARS
    if start <= 0:
        return before, after
    return f"…{before[start:]}", f"…{after[start:]}"


def _step(before: str, after: str) -> str:
    return f"{before} → {after}"


def _changed_app(entry: AuditEntry, *, language: Language) -> Iterator[str]:
    before, after = entry.before, entry.after
    name = code(str((after or before or {}).get("name", "")))
    if before is not None and after is not None:
        head, fields = _EDITED, list(_changed_fields(before, after, language=language))
    else:
        head, fields = (
            _REMOVED if after is None else _ADDED,
            list(_own_fields(after or before or {})),
        )
    yield head.say(language, name=name) + (fields[0] if fields else "")
    yield from fields[1:]


def _own_fields(app: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is set of an app; where its key is kept is told of a change alone."""
    for field in _APP_FIELDS:
        if field != "name" and app.get(field):
            yield f"{code(field)} {_field(app[field])}"


def _changed_fields(
    before: Mapping[str, Any], after: Mapping[str, Any], *, language: Language
) -> Iterator[str]:
    for field in _APP_FIELDS:
        if before.get(field) != after.get(field):
            texts = _around_difference(_text(before.get(field)), _text(after.get(field)))
            yield f"{code(field)} " + _step(*map(_field, texts))
    if before.get("secret_name") != after.get("secret_name"):
        had, has = (app.get("secret_name") is not None for app in (before, after))
        old = _KEPT_KEY if had else _NO_KEY
        new = (_OTHER_KEY if had else _KEPT_KEY) if has else _NO_KEY
        yield f"{_OWN_KEY.say(language)} " + _step(old.say(language), new.say(language))


def _field(value: Any) -> str:
    return marks.code(_text(value), most_chars=MAX_SIDE_CHARS)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)
