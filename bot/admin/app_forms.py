"""The form that adds or changes an app."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.admin import app_texts as texts
from bot.admin.app_entry import (
    BASE_URLS,
    IS_OPEN,
    MAX_APP_ID_CHARS,
    MAX_BASE_URL_CHARS,
    MAX_KEY_CHARS,
    MAX_NAME_CHARS,
    MAX_WORKSPACE_CHARS,
    OTHER_REGION,
    USES_BOT_KEY,
    fields_of,
)
from bot.core.api_fields import KIND_NAMES
from bot.core.language import Language, Phrase
from bot.core.loose_json import count_at, parse_object, text_at
from bot.core.question import AppKind
from bot.core.screens import MAX_INPUT_CHARS, Form, Input, Option, Prose, Values
from storage.records import StoredApp

CALLBACK = "app"
"""What a submission of this form names."""

_DEFAULTS: Mapping[str, str] = {"kind": AppKind.AGENT.value, "region": "singapore"}


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
        entered: What somebody entered before, to be kept.
        note: Stands on top, in mrkdwn.
    """
    say = _Words(language)
    values = typed_fields(entered) if entered is not None else fields_of(app) if app else _DEFAULTS
    parts = (
        *([Prose(note)] if note else []),
        *_identity(values, say=say, app=app),
        *_address(values, say=say),
        *(_key(say=say, has_own=bool(app and app.secret_name)) if can_keep_keys else ()),
        *([] if can_keep_keys else [Prose(say(texts.KEYS_PROSE))]),
        *_use(values, say=say),
    )
    state = AppFormState(name=app.name, version=app.version) if app else AppFormState("", 0)
    return Form(
        callback=CALLBACK,
        title=say(texts.EDIT_TITLE if app else texts.ADD_TITLE),
        submit=say(texts.SAVE),
        parts=parts,
        state=state.text(),
        close=say(texts.CANCEL),
    )


def typed_fields(values: Values) -> Mapping[str, str]:
    """Return what was entered as if it had been typed; a checkbox gives its option or nothing."""
    return {
        key: value if isinstance(value, str) else value[0] if value else ""
        for key, value in values.items()
    }


@dataclass(frozen=True, slots=True)
class _Words:
    language: Language

    def __call__(self, phrase: Phrase, **values: object) -> str:
        return phrase.say(self.language, **values)


def _identity(
    values: Mapping[str, str], *, say: _Words, app: StoredApp | None
) -> Iterator[Input | Prose]:
    if app is None:
        yield Input(
            key="name",
            label=say(texts.NAME_LABEL),
            kind="line",
            value=values.get("name", ""),
            hint=say(texts.NAME_HINT),
            is_optional=False,
            max_chars=MAX_NAME_CHARS,
        )
    else:
        yield Prose(f"*{app.name}*\n{say(texts.FRESH_SESSIONS)}")
    yield Input(
        key="app_id",
        label=say(texts.APP_ID_LABEL),
        kind="line",
        value=values.get("app_id", ""),
        hint=say(texts.APP_ID_HINT),
        is_optional=False,
        max_chars=MAX_APP_ID_CHARS,
    )
    yield Input(
        key="kind",
        label=say(texts.KIND_LABEL),
        kind="select",
        value=values.get("kind", ""),
        hint=say(texts.KIND_HINT),
        options=tuple(Option(kind.value, say(KIND_NAMES[kind])) for kind in AppKind),
        is_optional=False,
    )


def _address(values: Mapping[str, str], *, say: _Words) -> Iterator[Input]:
    regions = {word: texts.REGIONS[word] for word in BASE_URLS} | {
        OTHER_REGION: texts.OTHER_ADDRESS
    }
    yield Input(
        key="region",
        label=say(texts.REGION_LABEL),
        kind="select",
        value=values.get("region", ""),
        hint=say(texts.REGION_HINT),
        options=tuple(Option(word, say(phrase)) for word, phrase in regions.items()),
        is_optional=False,
    )
    yield Input(
        key="base_url",
        label=say(texts.BASE_URL_LABEL),
        kind="line",
        value=values.get("base_url", ""),
        hint=say(texts.BASE_URL_HINT),
        placeholder="https://…/api/v1",
        max_chars=MAX_BASE_URL_CHARS,
    )
    yield Input(
        key="workspace",
        label=say(texts.WORKSPACE_LABEL),
        kind="line",
        value=values.get("workspace", ""),
        hint=say(texts.WORKSPACE_HINT),
        max_chars=MAX_WORKSPACE_CHARS,
    )


def _key(*, say: _Words, has_own: bool) -> Iterator[Input]:
    """A key that was entered is never shown again, not even to whoever entered it."""
    yield Input(
        key="api_key",
        label=say(texts.KEY_LABEL),
        kind="line",
        hint=say(texts.KEY_HINT_OWN if has_own else texts.KEY_HINT_NONE),
        placeholder="sk-…",
        max_chars=MAX_KEY_CHARS,
    )
    if has_own:
        yield Input(
            key="bot_key",
            label=say(texts.BOT_KEY_LABEL),
            kind="checkbox",
            options=(Option(USES_BOT_KEY, say(texts.BOT_KEY_OPTION)),),
        )


def _use(values: Mapping[str, str], *, say: _Words) -> Iterator[Input]:
    yield Input(
        key="open",
        label=say(texts.OPEN_LABEL),
        kind="checkbox",
        value=(IS_OPEN,) if values.get("open") == IS_OPEN else (),
        options=(Option(IS_OPEN, say(texts.OPEN_OPTION)),),
    )
    yield Input(
        key="options",
        label=say(texts.OPTIONS_LABEL),
        kind="lines",
        value=values.get("options", ""),
        hint=say(texts.OPTIONS_HINT),
        placeholder='{"has_thoughts": true}',
        max_chars=MAX_INPUT_CHARS,
    )
