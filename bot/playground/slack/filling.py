"""What somebody enters in a form, as Slack's clients let them and as Slack tells it.

Source: docs pages of the elements under "Block Kit", and "View interactions payload".
"""

from collections.abc import Collection, Mapping, Sequence

from bot.playground.slack.blocks import Control, controls
from bot.playground.slack.inputs import TEXT_CHARS_MAX, offered_by
from bot.playground.slack.payload import Json, as_list, as_object, as_text
from bot.playground.slack.views import View

Given = Mapping[str, str | Sequence[str]]
"""By action_id: a text, an option's value, or several values or user ids; empty clears it."""

FIELD = {
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "checkboxes": "selected_options",
    "multi_static_select": "selected_options",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
}
"""Where the state of an element keeps what was entered; `value` for every other element."""


def chosen(element: Json, *, choice: str | Sequence[str]) -> object:
    """Return the value of an element after somebody chose.

    Raises:
        ValueError: The element offers no such option, or takes fewer.
    """
    field = FIELD.get(as_text(element.get("type")), "value")
    if not field.endswith("s"):
        if not isinstance(choice, str):
            raise ValueError(f"only one choice: {choice}")
        return _option(element, choice) if field == "selected_option" else choice
    wanted = [choice] if isinstance(choice, str) else list(choice)
    most = element.get("max_selected_items")
    if len(set(wanted)) != len(wanted) or (isinstance(most, int) and len(wanted) > most):
        raise ValueError(f"too many choices: {wanted}")
    if field == "selected_options":
        return [_option(element, value) for value in wanted]
    return wanted


def _option(element: Json, value: str) -> Json:
    for option in offered_by(element):
        if option.get("value") == value:
            return option
    raise ValueError(f"no such option: {value}")


def state_of(view: View) -> Json:
    """Return `state.values` of a view nobody has touched: block_id -> action_id -> value."""
    return _state({control.action_id: _held(control, view) for control in _inputs(view)}, view)


def filled(view: View, given: Given, *, people: Collection[str]) -> Json:
    """Return `state.values` of a view that somebody fills in and sends.

    Args:
        view: The view.
        given: What is entered; the rest stays as it was.
        people: The ids of those who can be chosen.

    Raises:
        ValueError: Slack's client would not let it be entered, or not be sent.
    """
    inputs = {control.action_id: control for control in _inputs(view)}
    if unknown := given.keys() - inputs.keys():
        raise ValueError(f"no such input: {sorted(unknown)}")
    entered = {
        name: _entered(control.element, given[name], people=people)
        if name in given
        else _held(control, view)
        for name, control in inputs.items()
    }
    if missing := [name for name in _required(view) if not entered.get(name)]:
        raise ValueError(f"required and empty: {missing}")
    return _state(entered, view)


def _inputs(view: View) -> list[Control]:
    return [c for c in controls(view.blocks) if c.element.get("type") != "button"]


def _required(view: View) -> list[str]:
    """Return the inputs that must not stay empty: those whose block is not optional."""
    blocks = (b for b in view.blocks if b["type"] == "input" and b.get("optional") is not True)
    return [as_text(as_object(block.get("element")).get("action_id")) for block in blocks]


def _initial(element: Json) -> object:
    field = FIELD.get(as_text(element.get("type")), "value")
    initial = element.get(f"initial_{field.removeprefix('selected_')}")
    return as_list(initial) if field.endswith("s") else initial


def _held(control: Control, view: View) -> object:
    """Return what an input holds that nobody touched since its view was shown or updated."""
    kept = as_object(as_object(view.kept.get(control.block_id)).get(control.action_id))
    kind = as_text(control.element.get("type"))
    return kept.get(FIELD.get(kind, "value")) if kept else _initial(control.element)


def _entered(element: Json, value: str | Sequence[str], *, people: Collection[str]) -> object:
    if as_text(element.get("type")) == "plain_text_input":
        return _typed(element, value)
    if not value:
        return _initial({"type": element.get("type")})
    if unknown := set(_people_in(element, value)) - set(people):
        raise ValueError(f"no such user: {sorted(unknown)}")
    return chosen(element, choice=value)


def _people_in(element: Json, value: str | Sequence[str]) -> Sequence[str]:
    if as_text(element.get("type")) not in {"users_select", "multi_users_select"}:
        return ()
    return [value] if isinstance(value, str) else value


def _typed(element: Json, value: str | Sequence[str]) -> str | None:
    """Return a text; Slack tells an empty one as null."""
    is_one_line = element.get("multiline") is not True
    if not isinstance(value, str) or (is_one_line and "\n" in value):
        raise ValueError(f"one text, of one line unless multiline, not {value!r}")
    least, most = element.get("min_length") or 0, element.get("max_length") or TEXT_CHARS_MAX
    if value and not least <= len(value) <= most:
        raise ValueError(f"takes {least} to {most} characters, not {len(value)}")
    return value or None


def _state(values: Mapping[str, object], view: View) -> Json:
    state: Json = {}
    for control in _inputs(view):
        kind = as_text(control.element.get("type"))
        value = {"type": kind, FIELD.get(kind, "value"): values[control.action_id]}
        state.setdefault(control.block_id, {})[control.action_id] = value
    return state
