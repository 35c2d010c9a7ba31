"""The form with every setting of a workspace, a channel, or somebody's direct messages."""

from collections.abc import Iterator, Sequence
from functools import partial

from bot.admin import config_texts as texts
from bot.admin import replies, scopes
from bot.admin.config_page import (
    CALLBACK,
    GROUPS,
    INHERIT,
    OFF,
    ON,
    ConfigPage,
    ConfigState,
    NamedApp,
    inherited,
    settings_shown,
)
from bot.admin.forms import asking_form, telling_form
from bot.core.api_fields import KIND_NAMES
from bot.core.json_value import Json
from bot.core.language import Language, Phrase
from bot.core.quota import HOLD_BESIDES
from bot.core.screens import (
    MAX_INPUT_CHARS,
    MAX_LABEL_CHARS,
    MAX_OPTION_CHARS,
    MAX_OPTIONS,
    MAX_PLACEHOLDER_CHARS,
    Form,
    Input,
    Option,
    Prose,
    Values,
)
from bot.core.setting import SETTINGS, Level, Setting

_APPS_LISTED = MAX_OPTIONS - 2
"""Besides them, the list holds the choice to inherit, and perhaps an app that is gone."""


_VALUE_CHARS = 300
"""Of a value that can only be read; a heading has six at most."""


def config_form(
    page: ConfigPage, *, language: Language, entered: Values | None = None, note: str = ""
) -> Form:
    """Return the form.

    Args:
        page: What it shows.
        language: Of its words.
        entered: What somebody entered before, to be kept.
        note: Stands on top, in mrkdwn.
    """
    builder = _Builder(page, language=language, entered=entered or {})
    place = f"<#{scopes.channel_of(page.scope)}>"
    top = [note] if note else []
    top.append(texts.INTRODUCTIONS[page.level].say(language, place=place))
    if page.level is Level.CHANNEL:
        top.append(texts.APP_OPTIONS_GO_ALONG.say(language))
    if page.level is not Level.USER:
        top.append(texts.NONE_IS_TYPED.say(language))
    parts = (*map(Prose, top), *builder.parts())
    state = ConfigState(page.scope, page.version).text()
    return asking_form(CALLBACK, texts.TITLES[page.level], parts, language=language, state=state)


def reading_form(page: ConfigPage, *, language: Language) -> Form:
    """Return the settings for somebody who may not change them: words, and nothing to submit."""
    builder = _Builder(page, language=language, entered={})
    return telling_form(
        texts.TITLES[page.level].say(language),
        texts.READ_ONLY.say(language),
        language,
        *builder.paragraphs(),
    )


class _Builder:
    """Makes the inputs of one form."""

    def __init__(self, page: ConfigPage, *, language: Language, entered: Values) -> None:
        self._page = page
        self._inherited = inherited(page)
        self._language = language
        self._entered = entered

    def parts(self) -> Iterator[Input | Prose]:
        shown = {
            setting.key: setting
            for setting in settings_shown(self._page.level, is_admin=self._page.is_admin)
        }
        for heading, keys in GROUPS.items():
            inputs = [self._input(shown[key]) for key in keys if key in shown]
            if inputs and self._page.level is not Level.USER:
                yield Prose(f"*{heading.say(self._language)}*")
            yield from inputs
        if len(self._page.apps) > _APPS_LISTED:
            yield Prose(
                texts.MORE_APPS.say(self._language, command=replies.typeable("app", "NAME"))
            )

    def paragraphs(self) -> Iterator[str]:
        """Yield what holds, one paragraph for each heading, in mrkdwn."""
        level = self._page.level
        for heading, keys in GROUPS.items():
            shown = [SETTINGS[key] for key in keys if level in SETTINGS[key].levels]
            if shown:
                lines = (self._line(setting) for setting in shown)
                yield "\n".join((f"*{heading.say(self._language)}*", *lines))

    def _line(self, setting: Setting) -> str:
        own = self._page.values.get(setting.key)
        shown = self._inherit(setting) if own is None else self._in_words(setting, own)
        # People are shown by name: their ids were checked when they were set.
        is_people = setting.shape == "users" and own is not None
        said = shown if is_people else _in_mrkdwn(_clipped(shown, _VALUE_CHARS))
        return f"{self._label(setting)}: {said}"

    def _input(self, setting: Setting) -> Input:
        asked = partial(
            Input, key=setting.key, label=self._label(setting), hint=self._hint(setting)
        )
        match setting.shape:
            case "app" | "choice" | "flag":
                inherit = Option(INHERIT, _clipped(self._inherit(setting), MAX_OPTION_CHARS))
                options = (inherit, *self._options(setting))
                value = self._chosen(setting, options)
                return asked(kind="select", value=value, options=options, is_optional=False)
            case "words" if setting.choices:
                return asked(
                    kind="multi_select",
                    value=self._many(setting),
                    placeholder=self._placeholder(setting),
                    options=self._options(setting),
                )
            case "users":
                return asked(kind="users", value=self._many(setting))
            case "number" | "words" | "json" | "text":
                entered = self._entered.get(setting.key)
                return asked(
                    kind="line" if setting.shape == "number" else "lines",
                    value=entered if isinstance(entered, str) else self._own(setting),
                    placeholder=self._placeholder(setting),
                    max_chars=MAX_INPUT_CHARS,
                )

    def _chosen(self, setting: Setting, options: Sequence[Option]) -> str:
        """Return which option of a select is shown: what was entered, or else the own value."""
        wanted = (self._entered.get(setting.key), self._own(setting))
        offered = {option.value for option in options}
        return next((str(value) for value in wanted if value in offered), INHERIT)

    def _many(self, setting: Setting) -> tuple[str, ...]:
        """Return the options or people that were entered, or else the own ones."""
        entered, own = self._entered.get(setting.key), self._page.values.get(setting.key)
        if isinstance(entered, tuple):
            return entered
        return tuple(map(str, own)) if isinstance(own, list | tuple) else ()

    def _options(self, setting: Setting) -> tuple[Option, ...]:
        match setting.shape:
            case "app":
                return self._apps()
            case "flag":
                return (Option(ON, self._say(texts.ON)), Option(OFF, self._say(texts.OFF)))
            case _:
                return tuple(Option(each.value, self._say(each.label)) for each in setting.choices)

    def _apps(self) -> tuple[Option, ...]:
        listed = self._page.apps[:_APPS_LISTED]
        options = [Option(app.name, self._named(app)) for app in listed]
        own = self._own(SETTINGS["app"])
        if own and own not in {option.value for option in options}:
            options.append(Option(own, self._own_app(own)))
        return tuple(options)

    def _named(self, app: NamedApp) -> str:
        if app.is_closed:  # what it is by now is not for those it is closed to
            return texts.CLOSED_APP.say(self._language, name=app.name)
        return f"{app.name} · {self._say(KIND_NAMES[app.kind])}"

    def _own_app(self, name: str) -> str:
        """Return how the chosen app is called when the list does not hold it."""
        known = any(app.name.casefold() == name.casefold() for app in self._page.apps)
        return name if known else texts.GONE_APP.say(self._language, name=name)

    def _own(self, setting: Setting) -> str:
        value = self._page.values.get(setting.key)
        return "" if value is None else setting.show(value)

    def _inherit(self, setting: Setting) -> str:
        """Return what the choice of having no own value is called."""
        value, origin = self._inherited[setting.key]
        said = self._say(origin)
        if value is None:
            return texts.INHERIT_NOTHING.say(self._language, origin=said)
        shown = self._in_words(setting, value)
        return texts.INHERIT.say(self._language, origin=said, value=shown)

    def _placeholder(self, setting: Setting) -> str:
        value, origin = self._inherited[setting.key]
        if value is None:
            return ""
        shown = self._in_words(setting, value)
        if origin is texts.FROM_WORKSPACE and setting.key in HOLD_BESIDES:
            said = texts.HOLDS_BESIDES.say(self._language, value=shown)
        else:
            said = texts.INHERITED.say(self._language, origin=self._say(origin), value=shown)
        return _clipped(said, MAX_PLACEHOLDER_CHARS)

    def _in_words(self, setting: Setting, value: Json) -> str:
        for choice in setting.choices:
            if choice.value == value:
                return self._say(choice.label)
        if setting.shape == "flag":
            return self._say(texts.ON if value is True else texts.OFF)
        return setting.show(value)

    def _label(self, setting: Setting) -> str:
        return _clipped(self._say(setting.label), MAX_LABEL_CHARS)

    def _hint(self, setting: Setting) -> str:
        return _clipped(self._say(setting.hint), MAX_LABEL_CHARS)

    def _say(self, phrase: Phrase) -> str:
        return phrase.say(self._language)


def _clipped(text: str, most_chars: int) -> str:
    """Return text on one line and no longer than Slack takes it."""
    line = " ".join(text.split())
    return line if len(line) <= most_chars else f"{line[: most_chars - 1]}…"


def _in_mrkdwn(text: str) -> str:
    """Return text so that Slack reads nothing into it ("Formatting message text", escaping)."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"`{escaped.replace('`', 'ˋ')}`"
