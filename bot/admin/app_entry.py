"""What somebody typed about an app -> what is stored of it, or what is wrong, field by field.

The fields have the same names in the form and in the command. The shape of a workspace id is Model
Studio's ("Application API reference").
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bot.admin import app_texts as texts
from bot.core import api_fields
from bot.core.app_addresses import (
    BASE_URLS,
    is_base_url,
    is_vendors,
    may_take_bot_key,
    origin,
    region_of,
)
from bot.core.json_value import Json, json_text, parse_json
from bot.core.language import Language, Phrase
from bot.core.pasted_keys import KEPT_OUT, holds_key
from bot.core.plugin_tokens import NO_TOKENS_THERE
from bot.core.question import AppKind
from bot.core.shapes import DROPPING_WORDS, NOTHING
from bot.errors import BadValue
from storage.records import StoredApp

OTHER_REGION: Final = "other"
"""The choice of a form that means: the address is given."""
USES_BOT_KEY: Final = "bot"
"""What the field `bot_key` holds when an app's own key is to be dropped."""
IS_OPEN: Final = "yes"
"""What the field `open` holds of an app that everybody may choose."""

RESERVED_NAMES = DROPPING_WORDS | NOTHING
"""Words that mean something where the name of an app is typed, or may come to."""

MAX_NAME_CHARS = 32
MAX_APP_ID_CHARS = 128
MAX_WORKSPACE_CHARS = 64
"""Model Studio's own bound: the id may become a label of a host name."""
MAX_KEY_CHARS = 500
"""Keys have 35 characters today; our own bound, as the others above."""

_NAME = re.compile(rf"[\w-]{{1,{MAX_NAME_CHARS}}}")
_APP_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_APP_ID_CHARS}}}")
_WORKSPACE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_-]{{0,{MAX_WORKSPACE_CHARS - 1}}}")
_KEY = re.compile(rf"[\x21-\x7e]{{1,{MAX_KEY_CHARS}}}")
_YES = frozenset({"yes", "on", "true", "是", IS_OPEN})
_NO = frozenset({"no", "off", "false", "否", ""})


@dataclass(frozen=True, slots=True)
class AppEntry:
    """What somebody wants an app to be.

    Attributes:
        name: What people call it.
        app_id: DashScope's id of it.
        kind: What it was built as.
        base_url: Ends in `/api/v1`.
        workspace: Empty for the default one.
        options: What is asked of it unless something else is set.
        is_open: Whether everybody may choose it for their direct messages.
        api_key: A new key of its own; empty for none.
        drops_key: Whether the key it has is to be forgotten.
    """

    name: str
    app_id: str
    kind: AppKind
    base_url: str
    workspace: str = ""
    options: Mapping[str, Json] = field(default_factory=dict[str, Json])
    is_open: bool = False
    api_key: str = field(default="", repr=False)
    drops_key: bool = False


@dataclass(frozen=True, slots=True)
class EntryProblems:
    """Some of what was typed cannot be.

    Attributes:
        by_field: One sentence for each field that is wrong; at least one.
    """

    by_field: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class KeyRules:
    """What decides which address an app may have, and which key may go there.

    Attributes:
        can_keep: Whether an app can have a key of its own at all.
        default_base_url: Where the bot's own key goes anyway.
        before: The app as it is; None for a new one.
    """

    can_keep: bool
    default_base_url: str
    before: StoredApp | None = None


def read_entry(
    typed: Mapping[str, str], *, keys: KeyRules, language: Language
) -> AppEntry | EntryProblems:
    """Read every field, and tell all that is wrong at once.

    Args:
        typed: Any of `name`, `app_id`, `kind`, `region`, `base_url`, `workspace`, `api_key`,
            `bot_key`, `open` and `options`; a field that is missing counts as empty.
        keys: What decides which key may go where.
        language: Of the sentences.
    """
    reader = _Reader(typed, language=language)
    for name, text in typed.items():
        if name != "api_key" and holds_key(text):
            reader.blame(name, KEPT_OUT)
    kind = reader.kind()
    entry = AppEntry(
        name=reader.name(),
        app_id=reader.matching("app_id", _APP_ID, texts.BAD_APP_ID),
        kind=kind or AppKind.AGENT,
        base_url=reader.base_url(keys),
        workspace=reader.matching("workspace", _WORKSPACE, texts.BAD_WORKSPACE, is_needed=False),
        options=reader.options(kind),
        is_open=reader.is_open(),
        api_key=reader.matching("api_key", _KEY, texts.BAD_KEY, is_needed=False),
        drops_key=reader.text("bot_key") == USES_BOT_KEY,
    )
    if not reader.problems:
        reader.check_key(entry, keys=keys)
        reader.check_plugins(entry, keys=keys)
    return EntryProblems(reader.problems) if reader.problems else entry


def address_fields(base_url: str) -> Mapping[str, str]:
    """Return the fields that give an address."""
    region = region_of(base_url)
    return {"region": region or OTHER_REGION, "base_url": "" if region else base_url}


def fields_of(app: StoredApp) -> Mapping[str, str]:
    """Return a stored app as it would be typed; its key is never among the fields."""
    return {
        "name": app.name,
        "app_id": app.app_id,
        "kind": app.kind,
        **address_fields(app.base_url),
        "workspace": app.workspace,
        "open": IS_OPEN if app.is_open else "",
        "options": json_text(app.options) if app.options else "",
    }


class _Reader:
    """Reads fields one by one and remembers what was wrong with each."""

    def __init__(self, typed: Mapping[str, str], *, language: Language) -> None:
        self.problems: dict[str, str] = {}
        self._typed = typed
        self._language = language

    def text(self, name: str) -> str:
        """Return a field without the spaces around it, each accented letter in one code point."""
        return unicodedata.normalize("NFC", self._typed.get(name, "")).strip()

    def blame(self, field: str, phrase: Phrase, **values: object) -> None:
        self.problems.setdefault(field, phrase.say(self._language, **values))

    def matching(
        self, name: str, pattern: re.Pattern[str], phrase: Phrase, *, is_needed: bool = True
    ) -> str:
        text = self.text(name)
        if not text and is_needed:
            self.blame(name, texts.MISSING_FIELD)
        elif text and not pattern.fullmatch(text):
            self.blame(name, phrase)
        return text

    def name(self) -> str:
        text = self.matching("name", _NAME, texts.BAD_NAME)
        if text.casefold() in RESERVED_NAMES:
            self.blame("name", texts.RESERVED_NAME, name=text)
        return text

    def kind(self) -> AppKind | None:
        word = re.sub(r"[\s-]+", "_", self.text("kind").casefold())
        kind = next((kind for kind in AppKind if kind.value == word), None)
        if kind is None:
            self.blame("kind", texts.BAD_KIND)
        return kind

    def base_url(self, keys: KeyRules) -> str:
        region, typed = self.text("region").casefold(), self.text("base_url").rstrip("/")
        if region not in {*BASE_URLS, OTHER_REGION, ""}:
            self.blame("region", texts.BAD_REGION)
            return ""
        shared = BASE_URLS.get(region, "")
        if not typed:
            if not shared:
                self.blame("base_url", texts.NO_ADDRESS)
            return shared
        if shared not in {"", typed}:
            self.blame("base_url", texts.TWO_ADDRESSES)
        elif not is_base_url(typed, default_base_url=keys.default_base_url):
            self.blame("base_url", texts.BAD_BASE_URL)
        return typed

    def options(self, kind: AppKind | None) -> Mapping[str, Json]:
        text = self._typed.get("options", "")
        if not text.strip():
            return {}
        try:
            value = parse_json(text)
        except BadValue as error:
            said = error.phrase.say(self._language, **error.values)
            self.problems.setdefault("options", said)
            return {}
        if not isinstance(value, Mapping):
            self.blame("options", texts.NO_OBJECT)
            return {}
        if holds_key(value):
            self.blame("options", KEPT_OUT)
        for name, phrase in api_fields.problems(value, kind=kind).items() if kind else ():
            self.blame("options", texts.BAD_OPTION, name=name, reason=phrase.say(self._language))
        return value

    def is_open(self) -> bool:
        word = self.text("open").casefold()
        if word not in _YES | _NO:
            self.blame("open", texts.BAD_OPEN)
        return word in _YES

    def check_plugins(self, entry: AppEntry, *, keys: KeyRules) -> None:
        """Let no option ask for tokens that would not be sent."""
        takes_tokens = may_take_bot_key(entry.base_url, default_base_url=keys.default_base_url)
        if "plugins" in entry.options and not takes_tokens:
            reason = NO_TOKENS_THERE.say(self._language)
            self.blame("options", texts.BAD_OPTION, name="plugins", reason=reason)

    def check_key(self, entry: AppEntry, *, keys: KeyRules) -> None:
        """Let no key go where it was not meant to go."""
        before = keys.before
        if entry.api_key:
            if entry.drops_key:
                self.blame("api_key", texts.TWO_KEYS)
            if not keys.can_keep:
                self.blame("api_key", texts.KEYS_ARE_LOCKED)
        elif before is not None and before.secret_name is not None and not entry.drops_key:
            is_elsewhere = origin(entry.base_url) != origin(before.base_url)
            if is_elsewhere and not is_vendors(entry.base_url):
                self.blame("api_key" if keys.can_keep else "base_url", texts.NEEDS_KEY_AGAIN)
        elif not may_take_bot_key(entry.base_url, default_base_url=keys.default_base_url):
            self.blame("api_key" if keys.can_keep else "base_url", texts.NEEDS_OWN_KEY)
