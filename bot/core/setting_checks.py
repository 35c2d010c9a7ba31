"""What the values of settings may be, beyond what the API's own fields are checked for."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

from bot.core import shapes
from bot.core.api_fields import misfit_of, misfit_of_name, problem_of
from bot.core.field_checks import Check, filled_object
from bot.core.json_value import Json
from bot.core.language import Phrase
from bot.core.question import AppKind
from bot.core.shapes import Choice

MAX_QUOTA = 10**12
"""No quota is larger; our own bound."""

MAX_INSTRUCTION_CHARS = 1_000
"""Of what a model is told before a thread; our own bound, as it is sent with every question."""

_APP_NAME = re.compile(r"[\w-]{1,32}")

_BAD_APP_NAME = Phrase(
    "An app's name is 1 to 32 letters, digits, `_` or `-`.",
    "应用名称由 1 到 32 个字母、汉字、数字、`_` 或 `-` 组成。",
)
_BAD_QUOTA = Phrase(
    f"A whole number from 1 to {MAX_QUOTA:,} is needed, or `off`.",
    f"需要 1 到 {MAX_QUOTA:,} 的整数，或 `off`。",
)
_BAD_INSTRUCTION = Phrase(
    f"A text of 1 to {MAX_INSTRUCTION_CHARS:,} characters is needed.",
    f"需要 1 到 {MAX_INSTRUCTION_CHARS:,} 个字符的文本。",
)
_NO_PERSON = Phrase("People are needed, by their ids.", "需要成员的 ID。")
_OWN_SETTING = Phrase("it has a setting of its own.", "它有单独的设置项。")


def app_name(value: Json) -> Phrase | None:
    """Check for the name of an app; whether it is registered is not known here."""
    return None if isinstance(value, str) and _APP_NAME.fullmatch(value) else _BAD_APP_NAME


def quota(value: Json) -> Phrase | None:
    """Check for a limit a day, or `off`."""
    is_bool = isinstance(value, bool)
    is_limit = isinstance(value, int) and not is_bool and 1 <= value <= MAX_QUOTA
    return None if is_limit or value == shapes.NO_LIMIT else _BAD_QUOTA


def instruction(value: Json) -> Phrase | None:
    """Check for what a model is told before a thread, without blanks around it."""
    if isinstance(value, str) and 0 < len(value) <= MAX_INSTRUCTION_CHARS:
        is_told = value == value.strip() and not shapes.stands_alone(value)
        return None if is_told else _BAD_INSTRUCTION
    return _BAD_INSTRUCTION


def person(value: Json) -> Phrase | None:
    """Check for the id of a person."""
    return None if shapes.is_user_id(value) else _NO_PERSON


def among(choices: Sequence[Choice]) -> Check:
    """Make a check for one of a few values."""
    problem = shapes.one_of(choices)
    values = [choice.value for choice in choices]

    def check(value: Json) -> Phrase | None:
        return None if value in values else problem

    return check


def further_fields(*, own: Collection[str]) -> Check:
    """Make a check for fields by API name; null for one that is not to be sent.

    Args:
        own: Names that are settings themselves and so are not taken.
    """

    def misfit(name: str, part: Json) -> Phrase | None:
        if wrong := misfit_of_name(name):
            return wrong
        if name in own:
            return _OWN_SETTING
        return None if part is None else misfit_of(name, part)

    def check(value: Json) -> Phrase | None:
        if not isinstance(value, Mapping) or not value:
            return filled_object(value)
        return _first((name, misfit(name, part)) for name, part in value.items())

    return check


def problem_of_fields(value: Json, *, kind: AppKind) -> Phrase | None:
    """Return why an app of this kind cannot do with one of these fields; None when it can."""
    fields = value.items() if isinstance(value, Mapping) else ()
    sent = ((name, part) for name, part in fields if part is not None)
    return _first((name, problem_of(name, part, kind=kind)) for name, part in sent)


def _first(found: Iterable[tuple[str, Phrase | None]]) -> Phrase | None:
    """Return the first problem, with the name of its field before it."""
    return next((_about(name, problem) for name, problem in found if problem), None)


def _about(name: str, problem: Phrase) -> Phrase:
    # What somebody typed may hold what a sentence takes for the place of a value.
    shown = name.replace("{", "{{").replace("}", "}}")
    return Phrase(f"`{shown}`: {problem.en}", f"`{shown}`：{problem.zh}")
