"""The form that adds or changes an app."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from bot.admin import app_texts as texts
from bot.admin.app_entry import (
    IS_OPEN,
    MAX_APP_ID_CHARS,
    MAX_KEY_CHARS,
    MAX_NAME_CHARS,
    MAX_WORKSPACE_CHARS,
    OTHER_REGION,
    USES_BOT_KEY,
    address_fields,
    fields_of,
)
from bot.admin.forms import asking_form
from bot.core.api_fields import KIND_NAMES
from bot.core.app_addresses import BASE_URLS, MAX_BASE_URL_CHARS
from bot.core.language import Language, Phrase
from bot.core.loose_json import count_at, parse_object, text_at
from bot.core.question import AppKind
from bot.core.screens import MAX_INPUT_CHARS, Form, Input, Option, Prose, Values
from storage.records import StoredApp

CALLBACK = "app"
"""What a submission of this form names."""


@dataclass(frozen=True, slots=True)
class AppFormState:
    """What a form remembers of the app it was opened for; anybody may forge it.

    Attributes:
        name: The app; empty for a new one.
        version: Of the app as the form showed it; 0 for a new one.
    """

    name: str
    version: int

    def text(self) -> str:
        """Return it as the form carries it."""
        return json.dumps({"name": self.name, "version": self.version})


def read_state(text: str) -> AppFormState | None:
    """Return what a form remembered; None when no form of ours did."""
    found = parse_object(text)
    if found is None:
        return None
    name, version = text_at(found, "name"), count_at(found, "version")
    if len(name) > MAX_NAME_CHARS or bool(name) != bool(version):
        return None
    return AppFormState(name=name, version=version)


def new_app(base_url: str) -> Values:
    """Return what the form of a new app holds: that it is where the bot's own is."""
    return {"kind": AppKind.AGENT.value, **address_fields(base_url)}


def app_form(
    app: StoredApp | None,
    *,
    language: Language,
    can_keep_keys: bool,
    entered: Values | None = None,
    note: str = "",
) -> Form:
    """Return the form for a new app, or for one that there is.

    Args:
        app: The app as it is now; None to add one.
        language: Of its words.
        can_keep_keys: Whether an app can have a key of its own.
        entered: What somebody entered before, to be kept, or `new_app`.
        note: Stands on top, in mrkdwn.
    """
    values = typed_fields(entered or {}) if entered or not app else fields_of(app)
    fields = _Fields(values, language)
    parts = (
        *([Prose(note)] if note else []),
        *_identity(fields, app=app),
        *_address(fields),
        *_key(language, has_own=bool(app and app.secret_name), can_keep=can_keep_keys),
        *_use(fields),
    )
    state = AppFormState(name=app.name, version=app.version) if app else AppFormState("", 0)
    title = texts.EDIT_TITLE if app else texts.ADD_TITLE
    return asking_form(CALLBACK, title, parts, language=language, state=state.text())


def typed_fields(values: Values) -> Mapping[str, str]:
    """Return what was entered as if it had been typed; a checkbox gives its option or nothing."""
    return {
        key: value if isinstance(value, str) else value[0] if value else ""
        for key, value in values.items()
    }


@dataclass(frozen=True, slots=True)
class _Fields:
    """Makes questions by the names of an app's fields, filled with what is known of it."""

    values: Mapping[str, str]
    language: Language

    def line(
        self, name: str, *, most: int, placeholder: str = "", is_needed: bool = False
    ) -> Input:
        return Input(
            key=name,
            label=texts.LABELS[name].say(self.language),
            kind="line",
            value=self.values.get(name, ""),
            hint=texts.HINTS[name].say(self.language),
            placeholder=placeholder,
            is_optional=not is_needed,
            max_chars=most,
        )

    def select(self, name: str, options: Mapping[str, Phrase]) -> Input:
        return Input(
            key=name,
            label=texts.LABELS[name].say(self.language),
            kind="select",
            value=self.values.get(name, ""),
            hint=texts.HINTS[name].say(self.language),
            options=tuple(Option(word, said.say(self.language)) for word, said in options.items()),
            is_optional=False,
        )


def _identity(fields: _Fields, *, app: StoredApp | None) -> Iterator[Input | Prose]:
    if app is None:
        yield fields.line("name", most=MAX_NAME_CHARS, is_needed=True)
    else:
        yield Prose(f"*{app.name}*\n{texts.FRESH_SESSIONS.say(fields.language)}")
    yield fields.line("app_id", most=MAX_APP_ID_CHARS, is_needed=True)
    yield fields.select("kind", {kind.value: KIND_NAMES[kind] for kind in AppKind})


def _address(fields: _Fields) -> Iterator[Input]:
    regions = {word: texts.REGIONS[word] for word in BASE_URLS}
    yield fields.select("region", regions | {OTHER_REGION: texts.OTHER_ADDRESS})
    yield fields.line("base_url", most=MAX_BASE_URL_CHARS, placeholder="https://…/api/v1")
    yield fields.line("workspace", most=MAX_WORKSPACE_CHARS)


def _key(language: Language, *, has_own: bool, can_keep: bool) -> Iterator[Input | Prose]:
    """A key that was entered is never shown again, not even to whoever entered it."""
    if not can_keep:
        yield Prose(texts.KEYS_PROSE.say(language))
        return
    yield Input(
        key="api_key",
        label=texts.LABELS["api_key"].say(language),
        kind="line",
        hint=(texts.KEY_HINT_OWN if has_own else texts.KEY_HINT_NONE).say(language),
        placeholder="sk-…",
        max_chars=MAX_KEY_CHARS,
    )
    if has_own:
        yield Input(
            key="bot_key",
            label=texts.LABELS["bot_key"].say(language),
            kind="checkbox",
            options=(Option(USES_BOT_KEY, texts.BOT_KEY_OPTION.say(language)),),
        )


def _use(fields: _Fields) -> Iterator[Input]:
    yield Input(
        key="open",
        label=texts.LABELS["open"].say(fields.language),
        kind="checkbox",
        value=(IS_OPEN,) if fields.values.get("open") == IS_OPEN else (),
        options=(Option(IS_OPEN, texts.OPEN_OPTION.say(fields.language)),),
    )
    options = fields.line("options", most=MAX_INPUT_CHARS, placeholder='{"has_thoughts": true}')
    yield replace(options, kind="lines")
