"""Slack's bounds of notices and forms, checked."""

from bot.core import screens
from bot.core.screens import Form, Input, Notice, Prose
from bot.slack.screens import view_of


def assert_fits(form: Form) -> None:
    assert 1 <= len(form.parts) <= screens.MAX_FORM_PARTS
    for words in (form.title, form.submit, form.close):
        assert len(words) <= screens.MAX_TITLE_CHARS
    assert form.title
    assert len(form.state) <= screens.MAX_STATE_CHARS
    keys = [part.key for part in form.parts if isinstance(part, Input)]
    assert len(keys) == len(set(keys))
    for part in form.parts:
        match part:
            case Prose(text):
                assert 1 <= len(text) <= screens.MAX_PROSE_CHARS
            case Input():
                assert_input_fits(part)
    assert view_of(form, origin="C1")["type"] == "modal"


def assert_input_fits(part: Input) -> None:
    assert 1 <= len(part.label) <= screens.MAX_LABEL_CHARS
    assert len(part.hint) <= screens.MAX_LABEL_CHARS
    assert len(part.placeholder) <= screens.MAX_PLACEHOLDER_CHARS
    assert len(part.options) <= screens.MAX_OPTIONS
    values = [option.value for option in part.options]
    assert len(values) == len(set(values))
    for option in part.options:
        assert 1 <= len(option.value) <= 150
        assert 1 <= len(option.label) <= screens.MAX_OPTION_CHARS
    if part.kind in {"line", "lines"}:
        assert len(part.value) <= (part.max_chars or screens.MAX_INPUT_CHARS)
    else:
        chosen = (part.value,) if isinstance(part.value, str) else part.value
        assert part.kind == "users" or set(chosen) - {""} <= set(values)


def assert_notice_fits(notice: Notice) -> None:
    assert 1 <= len(notice.text) <= screens.MAX_NOTICE_CHARS
    assert len(notice.buttons) <= 25
    for button in notice.buttons:
        assert 1 <= len(button.label) <= 75
        assert 1 <= len(button.value) <= screens.MAX_BUTTON_VALUE_CHARS
        assert len(button.confirm) <= 300


def inputs_of(form: Form) -> dict[str, Input]:
    return {part.key: part for part in form.parts if isinstance(part, Input)}


def prose_of(form: Form) -> str:
    return "\n".join(part.text for part in form.parts if isinstance(part, Prose))


def values_of(form: Form) -> dict[str, str | tuple[str, ...]]:
    """What comes back when somebody submits a form as it is."""
    return {key: part.value for key, part in inputs_of(form).items()}
