"""Slack's checks of the elements people enter something with.

Limits are those of the docs pages of each element, and of "Option object" and "Confirmation dialog
object".
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.playground.slack.payload import Json, as_list, as_object, as_text, objects

TEXT_CHARS_MAX = 3_000
_OPTIONS_MAX = 100
_CHECKBOXES_MAX = 10
_OPTION_CHARS_MAX = 75
_OPTION_VALUE_CHARS_MAX = 150
_PLACEHOLDER_CHARS_MAX = 150
_QUESTION_CHARS_MAX = {"title": 100, "text": 300, "confirm": 30, "deny": 30}


def problems_of_element(element: Json) -> Iterator[str]:
    """Yield what is wrong with an element; nothing for kinds that are not known here."""
    yield from _CHECKS.get(as_text(element.get("type")), _none)(element)
    if "placeholder" in element:
        yield from problems_of_label(element, "placeholder", most=_PLACEHOLDER_CHARS_MAX)
    if "confirm" in element:
        yield from _question(as_object(element["confirm"]))


def _none(_element: Json) -> Iterator[str]:
    yield from ()


def problems_of_label(owner: Json, name: str, *, most: int) -> Iterator[str]:
    """Yield what is wrong with a plain text of something else."""
    text = as_object(owner.get(name))
    if text.get("type") != "plain_text" or not 1 <= len(as_text(text.get("text"))) <= most:
        yield f"{name} must be plain_text of 1 to {most} characters"


def _question(question: Json) -> Iterator[str]:
    for name, most in _QUESTION_CHARS_MAX.items():
        text = as_text(as_object(question.get(name)).get("text"))
        if not 1 <= len(text) <= most:
            yield f"confirm.{name} must have 1 to {most} characters"


def _text_input(element: Json) -> Iterator[str]:
    least, most = element.get("min_length", 0), element.get("max_length", TEXT_CHARS_MAX)
    if not (_is_number(least) and _is_number(most) and 0 <= least <= most <= TEXT_CHARS_MAX):
        yield f"min_length and max_length must be numbers up to {TEXT_CHARS_MAX}"
        return
    if most < 1:
        yield "max_length must be at least 1"
    initial = element.get("initial_value", "")
    if not isinstance(initial, str) or len(initial) > most:
        yield f"initial_value must be a text of at most {most} characters"


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _one_of(element: Json) -> Iterator[str]:
    yield from _options(element, most=_OPTIONS_MAX)
    if "initial_option" in element and element["initial_option"] not in offered_by(element):
        yield "initial_option must be one of the options"


def _some_of(element: Json) -> Iterator[str]:
    is_boxes = element.get("type") == "checkboxes"
    if is_boxes and "placeholder" in element:
        yield "checkboxes take no placeholder"
    yield from _options(element, most=_CHECKBOXES_MAX if is_boxes else _OPTIONS_MAX)
    if "initial_options" in element:
        chosen = as_list(element["initial_options"])
        if not chosen or any(option not in offered_by(element) for option in chosen):
            yield "initial_options must be some of the options"


def offered_by(element: Json) -> list[Json]:
    """Return the options of an element, those in groups as well."""
    groups = objects(element.get("option_groups"))
    return [*objects(element.get("options")), *(o for g in groups for o in objects(g["options"]))]


def _options(element: Json, *, most: int) -> Iterator[str]:
    offered = offered_by(element)
    if "option_groups" not in element and not 1 <= len(offered) <= most:
        yield f"takes 1 to {most} options"
    for option in offered:
        yield from problems_of_label(option, "text", most=_OPTION_CHARS_MAX)
        if not 1 <= len(as_text(option.get("value"))) <= _OPTION_VALUE_CHARS_MAX:
            yield f"an option's value takes 1 to {_OPTION_VALUE_CHARS_MAX} characters"


def _people(element: Json) -> Iterator[str]:
    if "initial_users" in element and not as_list(element["initial_users"]):
        yield "initial_users must name somebody"


_CHECKS: Mapping[str, Callable[[Json], Iterator[str]]] = {
    "checkboxes": _some_of,
    "multi_static_select": _some_of,
    "multi_users_select": _people,
    "plain_text_input": _text_input,
    "static_select": _one_of,
}
