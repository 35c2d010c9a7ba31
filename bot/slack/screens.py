"""What notices and forms are on the wire, and what comes back of a form.

The maker of a `Notice` or a `Form` keeps Slack's bounds, which stand in `core.screens`; only a
notice's length is seen to here as well, because it depends on what people have stored.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, assert_never, cast

from bot.core.language import Language, Phrase
from bot.core.reply import Content
from bot.core.screens import (
    MAX_INPUT_CHARS,
    MAX_NOTICE_CHARS,
    Button,
    Errors,
    Form,
    Input,
    Notice,
    Option,
    Prose,
    Values,
)
from bot.slack.message import fallback

ADMIN_PREFIX = "admin:"
"""Every action_id under a notice and every callback_id of a form starts with it."""
WORDS_MOST_CHARS = 11_300
"""All words of a message, its buttons' included: live workspaces were seen to refuse 11,341
(slackapi/bolt-js issues 2509 and 2867)."""
ROOM_LEAST_CHARS = 1_000
"""A notice says something, however many words stand on its buttons."""
CUT = "*(Too long to show in full.)* *（内容过长，未全部显示。）*"
"""Stands under a notice that was cut; in both languages, for the reader's is not known here."""
CONFIRM_CHARS = 300
GO_ON_CHARS = 30
"""The text and the button of a question (docs.slack.dev, "Confirmation dialog object")."""
NOT_NOW = Phrase("Cancel", "取消")
ERROR_CHARS = 500
"""Of the sentence under an input. Slack names no bound; nobody reads on."""

_MASS_MENTION = re.compile(r"<(?=!(?i:here|channel|everyone|group|subteam\^))")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_ORIGIN = re.compile(r"[A-Z0-9]{0,40}")
_REPEATED = re.compile(r"#[0-9]{1,3}\Z")


def message_of(notice: Notice) -> dict[str, Any]:
    """Return what a notice is as a message, whichever way it goes."""
    buttons = [button_of(button, number) for number, button in enumerate(notice.buttons)]
    room = max(ROOM_LEAST_CHARS, WORDS_MOST_CHARS - sum(map(_chars, buttons)))
    text = _MASS_MENTION.sub("&lt;", notice.text.strip()) or "…"
    text = _cut(text, room=min(MAX_NOTICE_CHARS, room))
    blocks: list[dict[str, Any]] = [{"type": "markdown", "text": text}]
    if buttons:
        blocks.append({"type": "actions", "elements": buttons})
    return {"text": fallback(Content(text)), "blocks": blocks}


def _cut(text: str, *, room: int) -> str:
    """Return `text`, or its first whole lines and a sentence that says so."""
    if len(text) <= room:
        return text
    kept = text[: room - len(CUT) - len("\n```\n\n")]
    kept = kept.rpartition("\n")[0] or kept  # one endless line is cut in its middle
    is_code_open = sum(line.lstrip().startswith("```") for line in kept.splitlines()) % 2
    return kept.rstrip() + ("\n```" if is_code_open else "") + f"\n\n{CUT}"


def button_of(button: Button, number: int) -> dict[str, Any]:
    """Return a button; its number, below 1,000, makes its action_id the only one of its kind."""
    element: dict[str, Any] = {
        "type": "button",
        "action_id": f"{ADMIN_PREFIX}{button.action}" + (f"#{number}" if number else ""),
        "text": _plain(button.label),
        "value": button.value,
    }
    if button.style:
        element["style"] = button.style
    if button.confirm:
        language = Language.ZH if _CHINESE.search(button.confirm) else Language.EN
        element["confirm"] = {
            "title": _plain(button.label),
            "text": _plain(_shortened(button.confirm, CONFIRM_CHARS)),
            "confirm": _plain(_shortened(button.label, GO_ON_CHARS)),
            "deny": _plain(NOT_NOW.say(language)),
        }
    return element


def _chars(element: Mapping[str, Any]) -> int:
    """Return how many characters of words a button adds to its message."""
    texts = (element["text"], *element.get("confirm", {}).values())
    return sum(len(text["text"]) for text in texts)


def action_of(action_id: str) -> str:
    """Return what a button under a notice does, from its action_id."""
    return _REPEATED.sub("", action_id.removeprefix(ADMIN_PREFIX))


def view_of(form: Form, *, origin: str) -> dict[str, Any]:
    """Return a form as `views.open` and `views.update` take it.

    Args:
        form: What to show.
        origin: The channel it was opened in; comes back with the submission, which names none.
    """
    view: dict[str, Any] = {
        "type": "modal",
        "callback_id": ADMIN_PREFIX + form.callback,
        "title": _plain(form.title),
        "private_metadata": f"{origin}\n{form.state}",
        "blocks": [_part(part, edition=form.edition) for part in form.parts],
    }
    if form.submit:
        view["submit"] = _plain(form.submit)
    if form.close:
        view["close"] = _plain(form.close)
    return view


def origin_of(private_metadata: str) -> tuple[str, str]:
    """Return the channel a form was opened in, empty when it names none, and the form's state."""
    origin, separator, state = private_metadata.partition("\n")
    if not separator or not _ORIGIN.fullmatch(origin):
        return "", private_metadata
    return origin, state


def _part(part: Input | Prose, *, edition: int) -> dict[str, Any]:
    if isinstance(part, Prose):
        # Verbatim: Slack looks for no bare names and addresses in it.
        text = {"type": "mrkdwn", "text": part.text, "verbatim": True}
        return {"type": "section", "text": text}
    block: dict[str, Any] = {
        "type": "input",
        "block_id": f"{part.key}.{edition}" if edition else part.key,
        "label": _plain(part.label),
        "element": {"action_id": part.key, **_element(part)},
        "optional": part.is_optional,
    }
    if part.hint:
        block["hint"] = _plain(part.hint)
    return block


def _element(part: Input) -> dict[str, Any]:
    element: dict[str, Any]
    match part.kind:
        case "line" | "lines":
            element = {
                "type": "plain_text_input",
                "multiline": part.kind == "lines",
                "max_length": min(part.max_chars or MAX_INPUT_CHARS, MAX_INPUT_CHARS),
                **_unless_empty("initial_value", part.value),
            }
        case "select":
            chosen = _chosen(part)
            element = {
                "type": "static_select",
                "options": _options(part.options),
                **_unless_empty("initial_option", chosen[0] if chosen else None),
            }
        case "multi_select" | "checkbox":
            kind = "checkboxes" if part.kind == "checkbox" else "multi_static_select"
            element = {
                "type": kind,
                "options": _options(part.options),
                **_unless_empty("initial_options", _chosen(part)),
            }
        case "users":
            users = list(_values(part))
            element = {"type": "multi_users_select", **_unless_empty("initial_users", users)}
        case _:
            assert_never(part.kind)
    if part.placeholder and part.kind != "checkbox":
        element["placeholder"] = _plain(part.placeholder)
    return element


def _unless_empty(name: str, value: object) -> dict[str, Any]:
    """Slack takes no empty initial values."""
    return {name: value} if value else {}


def _values(part: Input) -> tuple[str, ...]:
    return tuple(filter(None, (part.value,) if isinstance(part.value, str) else part.value))


def _chosen(part: Input) -> list[dict[str, Any]]:
    """Return the options that are chosen at first; a value that is not offered is none."""
    values = _values(part)
    return _options([option for option in part.options if option.value in values])


def _options(options: Sequence[Option]) -> list[dict[str, Any]]:
    return [{"text": _plain(option.label), "value": option.value} for option in options]


def values_of(state: object) -> Values:
    """Return what was entered, from the `state.values` of a view.

    Args:
        state: As it came; whatever does not look like Slack's is left out.
    """
    entered: dict[str, str | tuple[str, ...]] = {}
    for block in _mapping(state).values():
        for key, control in _mapping(block).items():
            value = _entered(_mapping(control))
            if value is not None:
                entered[key] = value
    return entered


def _entered(control: Mapping[str, Any]) -> str | tuple[str, ...] | None:
    match control.get("type"):
        case "plain_text_input":
            return _text(control.get("value"))
        case "static_select":
            return _text(_mapping(control.get("selected_option")).get("value"))
        case "multi_static_select" | "checkboxes":
            chosen = _items(control.get("selected_options"))
            return tuple(_text(_mapping(option).get("value")) for option in chosen)
        case "multi_users_select":
            return tuple(_text(user) for user in _items(control.get("selected_users")))
        case _:
            return None


def refusal_of(errors: Errors, *, view: Mapping[str, Any]) -> dict[str, str]:
    """Return the sentences as Slack takes them: under inputs of the view they are about.

    A sentence about an input that is not there goes under the first one; empty when the view has no
    input at all, for then Slack takes no sentence.
    """
    blocks = dict(_inputs(view))
    refused: dict[str, str] = {}
    for key, sentence in errors.by_key.items():
        place = blocks.get(key) or next(iter(blocks.values()), "")
        if place:
            said = f"{refused[place]} {sentence}" if place in refused else sentence
            refused[place] = _shortened(said, ERROR_CHARS)
    return refused


def _inputs(view: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the key of each input, and the id of its block."""
    for block in map(_mapping, _items(view.get("blocks"))):
        if block.get("type") == "input":
            yield (
                _text(_mapping(block.get("element")).get("action_id")),
                _text(block.get("block_id")),
            )


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _mapping(value: object) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def _items(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
