"""A form of the playground's Slack, drawn in a terminal and filled in line by line."""

import re
from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from bot.playground.slack.filling import FIELD, state_of
from bot.playground.slack.payload import Json, as_list, as_object, as_text, objects
from bot.playground.slack.server import SlackServer
from bot.playground.slack.views import View
from bot.screen import named, prose

NOTHING = "–"
"""Stands for an empty input."""
MARK = "*"
"""Behind the name of an input that must not stay empty."""

_ENTRY = re.compile(r"\s*([\w.-]+)\s*=\s*(.*)", re.DOTALL)
_WORDS = re.compile(r"[\s,]+")
_YES = frozenset({"yes", "on", "true"})
_NO = frozenset({"no", "off", "false"})


class Sheet:
    """One form on somebody's screen, and what was entered in it so far.

    Args:
        view: The form as Slack shows it.
        slack: Knows the names of people.

    Attributes:
        view: The same.
        given: What was entered, as `People.submit` takes it.
        errors: What the bot said about inputs, by their names.
    """

    def __init__(self, view: View, *, slack: SlackServer) -> None:
        self.view = view
        self.given: dict[str, str | Sequence[str]] = {}
        self.errors: Mapping[str, str] = {}
        self._slack = slack
        self._inputs = {
            as_text(as_object(block["element"]).get("action_id")): block
            for block in view.blocks
            if block["type"] == "input"
        }

    @property
    def title(self) -> str:
        """What stands above it."""
        return _plain(self.view.payload.get("title"))

    @property
    def can_be_sent(self) -> bool:
        """Whether it has a button that sends it."""
        return "submit" in self.view.payload

    def write(self, line: str) -> str:
        """Take a line `name = value` and return the name; no value empties the input.

        Raises:
            ValueError: There is no such input, or it takes no such value; the text says it.
        """
        entry = _ENTRY.fullmatch(line)
        if entry is None:
            raise ValueError(f"The form “{self.title}” is open: {self._ways()}")
        name, typed = entry[1], entry[2].strip()
        if name not in self._inputs:
            raise ValueError(f"The form has no input called {name}.")
        self.given[name] = self._read(self._element(name), typed=typed)
        self.errors = {key: said for key, said in self.errors.items() if key != name}
        return name

    def entry(self, name: str) -> RenderableType:
        """Draw what one input holds, and what the bot said about it."""
        now, meaning = self._now(name)
        is_needed = self._inputs[name].get("optional") is not True
        parts = [(f"{name}{MARK if is_needed else ''}", "bold"), " = ", now]
        lines: list[RenderableType] = [
            Text.assemble(*parts, (f"  {meaning}" if meaning else "", "dim"))
        ]
        if name in self.errors:
            lines.append(_indented(Text(f"! {self.errors[name]}", "bold red")))
        return Group(*lines)

    def _input(self, name: str) -> RenderableType:
        """Draw an input with what it is and takes."""
        label, hint = (_plain(self._inputs[name].get(part)) for part in ("label", "hint"))
        about = ": ".join(filter(None, [label, _choices(self._element(name)) or hint]))
        return Group(self.entry(name), _indented(Text(about, "dim")))

    def __rich__(self) -> RenderableType:
        """Draw the form."""
        title = Text.assemble((self.title, "bold"), (" · a form", "dim"))
        parts = [
            self._input(as_text(as_object(block["element"]).get("action_id")))
            if block["type"] == "input"
            else self._prose(block)
            for block in self.view.blocks
        ]
        parts.append(Text(f"\n{self._ways()}", "dim"))
        return Group(title, *(Padding(part, (0, 0, 0, 2)) for part in parts), "")

    def _prose(self, block: Json) -> RenderableType:
        return Padding(Text(prose(self._slack, block)), (1, 0, 0, 0))

    def _ways(self) -> str:
        ways = f"`name = value` fills an input in ({MARK}: needed), " if self.can_be_sent else ""
        send = (
            f"`submit` is “{_plain(self.view.payload.get('submit'))}”, " if self.can_be_sent else ""
        )
        return f"{ways}{send}`cancel` closes the form."

    def _element(self, name: str) -> Json:
        return as_object(self._inputs[name]["element"])

    def _now(self, name: str) -> tuple[str, str]:
        """Return what an input holds as one types it, and what that means, be it nothing."""
        element = self._element(name)
        if name in self.given:
            value = self.given[name]
            values = [value] if isinstance(value, str) else list(value)
        else:
            block_id = as_text(self._inputs[name].get("block_id"))
            state = as_object(as_object(state_of(self.view)[block_id])[name])
            values = _held(state.get(FIELD.get(as_text(element.get("type")), "value")))
        if not any(values):
            return NOTHING, _plain(element.get("placeholder"))
        labels = {each["value"]: _plain(each["text"]) for each in _options(element)}
        meanings = [labels[value] for value in values if labels.get(value, value) != value]
        if element.get("type") == "multi_users_select":
            values = [named(self._slack, f"<@{one}>") for one in values]
        return " ".join(values).replace("\n", "\\n"), ", ".join(meanings)

    def _read(self, element: Json, *, typed: str) -> str | Sequence[str]:
        """Return what somebody typed as the control would give it.

        Raises:
            ValueError: It has no such choice.
        """
        match element.get("type"):
            case "static_select":
                return _choice(element, typed=typed) if typed else ""
            case "multi_static_select":
                return [_choice(element, typed=word) for word in _words(typed)]
            case "checkboxes":
                return [as_text(_options(element)[0]["value"])] if _is_yes(typed) else []
            case "multi_users_select":
                return [self._person(word) for word in _words(typed)]
            case _ if element.get("multiline") is True:
                return typed.replace("\\n", "\n")
            case _:
                return typed

    def _person(self, name: str) -> str:
        wanted = name.removeprefix("@").casefold()
        for user in self._slack.workspace.users.values():
            if wanted in {user.name.casefold(), user.user_id.casefold()}:
                return user.user_id
        raise ValueError(f"There is nobody called {name}.")


def _plain(value: object) -> str:
    return as_text(as_object(value).get("text"))


def _held(value: object) -> list[str]:
    """Return what the state of an input holds, as texts."""
    if isinstance(value, list):
        return [text for part in as_list(value) for text in _held(part)]
    if isinstance(value, dict):
        return [as_text(as_object(value).get("value"))]
    return [value] if isinstance(value, str) else []


def _words(typed: str) -> list[str]:
    return [word for word in _WORDS.split(typed) if word]


def _choice(element: Json, *, typed: str) -> str:
    """Return the value of the option that was named by its value or its words."""
    values = {as_text(option["value"]): _plain(option["text"]) for option in _options(element)}
    for value, label in values.items():
        if typed.casefold() in {value.casefold(), label.casefold()}:
            return value
    raise ValueError(f"Choose one of: {', '.join(values)}.")


def _choices(element: Json) -> str:
    """Return the values an input takes, when there are only some."""
    if element.get("type") == "checkboxes":
        return f"yes | no: {_plain(_options(element)[0]['text'])}"
    return " | ".join(as_text(option["value"]) for option in _options(element))


def _options(element: Json) -> list[Json]:
    return list(objects(element.get("options")))


def _is_yes(typed: str) -> bool:
    if typed.casefold() in _YES:
        return True
    if typed and typed.casefold() not in _NO:
        raise ValueError("Type yes or no.")
    return False


def _indented(text: Text) -> RenderableType:
    return Padding(text, (0, 0, 0, 4))
