"""What the value of a request field may be; each check says what is wrong, or None.

A check knows nothing of kinds of apps. Limits without a source are our own: the vendor names none.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeGuard

from bot.core.json_value import Json
from bot.core.language import Phrase

Check: TypeAlias = Callable[[Json], Phrase | None]

MAX_WORD_CHARS = 128
"""The longest id, tag or name of a model."""

_MAX_LIST = 50
_MAX_PLUGINS = 10  # "user_defined_params" in the "Application API reference"
_MAX_ADDRESS_CHARS = 2000

# The vendor names no alphabet for ids. Those on record are letters, digits, `_` and `-`; `.` and
# `:` are let pass as well. What is kept out is what a slip of the hand leaves in an id: commas,
# quotation marks, brackets, braces, spaces.
_ID = re.compile(rf"[A-Za-z0-9_.:-]{{1,{MAX_WORD_CHARS}}}")
_VARIABLE = re.compile(r"[\w.-]{1,64}")  # our own bound; the vendor names none
_IN_AGENTS_VARIABLES = ("user_prompt_params", "user_defined_params", "user_defined_tokens")
_SESSION_FILE_PREFIX = "file_session_"  # "session files" in the agents' calling guide
_ADDRESS = re.compile(rf"https?://[^\s]{{1,{_MAX_ADDRESS_CHARS}}}")
_QUOTES = frozenset('"“”„‟')

_WORD = Phrase(
    f"Each is a text of 1 to {MAX_WORD_CHARS} characters without quotation marks or line breaks.",
    f"每一项为 1 到 {MAX_WORD_CHARS} 个字符的文本，不能有引号或换行。",
)
_IDENTIFIER = Phrase(
    f"An id is 1 to {MAX_WORD_CHARS} letters, digits or any of `_` `-` `.` `:`.",
    f"ID 由 1 到 {MAX_WORD_CHARS} 个字母、数字或 `_` `-` `.` `:` 组成。",
)
_VARIABLE_NAME = Phrase(
    "The name of a variable is 1 to 64 letters, digits or any of `_` `-` `.`.",
    "变量名由 1 到 64 个字母、汉字、数字或 `_` `-` `.` 组成。",
)
_NO_VARIABLE = Phrase(
    "This name stands for what agents take in here: it is no variable of a workflow.",
    "此名称是智能体应用的专用字段，不是工作流变量。",
)
_SESSION_FILE = Phrase(
    f"The id of a session file begins with `{_SESSION_FILE_PREFIX}`.",
    f"会话文件的 ID 以 `{_SESSION_FILE_PREFIX}` 开头。",
)
_ADDRESSES = Phrase(
    "Each is an address that begins with http:// or https://.",
    "每一项为以 http:// 或 https:// 开头的地址。",
)
_LIST = Phrase("A list with something in it is needed.", "需要一个非空的列表。")
_OBJECT = Phrase("An object with something in it is needed.", "需要一个非空的对象。")
_FLAG = Phrase("Either true or false is needed.", "需要 true 或 false。")
_COUNT = Phrase("A whole number is needed, 0 or more.", "需要不小于 0 的整数。")
_TEMPERATURE = Phrase("A number from 0 to below 2 is needed.", "需要大于等于 0 且小于 2 的数字。")
_SHARE = Phrase("A number above 0, up to 1, is needed.", "需要大于 0 且不超过 1 的数字。")
_METADATA = Phrase(
    "Each value is a text, or a list of texts of which one must match.",
    "每个值为一个文本，或一个文本列表（匹配其中之一）。",
)
_SCALARS = Phrase(
    "Each value is a text, a number, true or false.", "每个值为文本、数字、true 或 false。"
)
_NO_NULL_INSIDE = Phrase(
    "Leave a variable out instead of giving null.", "不要写 null，不需要的变量请省略。"
)
_TOKENS = Phrase(
    "`user_defined_tokens` are secrets of each user and cannot be set for everybody.",
    "`user_defined_tokens` 是每个用户自己的机密，不能为所有人设置。",
)
_PLUGINS = Phrase(
    f"For each tool id, at most {_MAX_PLUGINS}, an object of parameters is needed.",
    f"需要以工具 ID 为名的参数对象，最多 {_MAX_PLUGINS} 个工具。",
)


def flag(value: Json) -> Phrase | None:
    """Check for true or false."""
    return None if isinstance(value, bool) else _FLAG


def count(value: Json) -> Phrase | None:
    """Check for a whole number, 0 or more."""
    is_bool = isinstance(value, bool)
    return None if isinstance(value, int) and not is_bool and value >= 0 else _COUNT


def temperature(value: Json) -> Phrase | None:
    """Check for a sampling temperature: 0 to below 2 (vendor's SDK, `Application.call`)."""
    return None if _is_number(value) and 0 <= value < 2 else _TEMPERATURE


def share(value: Json) -> Phrase | None:
    """Check for a sampling share: above 0, up to 1 (vendor's SDK, `Application.call`: top_p)."""
    return None if _is_number(value) and 0 < value <= 1 else _SHARE


def word(value: Json) -> Phrase | None:
    """Check for a tag or a name: one line of text, without quotation marks around it or in it."""
    fits = (
        isinstance(value, str)
        and 0 < len(value) <= MAX_WORD_CHARS
        and value.isprintable()
        and value == value.strip()
        and _QUOTES.isdisjoint(value)
    )
    return None if fits else _WORD


def identifier(value: Json) -> Phrase | None:
    """Check for one id; two of them in one text are none."""
    return None if isinstance(value, str) and _ID.fullmatch(value) else _IDENTIFIER


def variable(value: Json) -> Phrase | None:
    """Check for the name of a variable of a workflow's start node."""
    if value in _IN_AGENTS_VARIABLES:
        return _NO_VARIABLE
    return None if isinstance(value, str) and _VARIABLE.fullmatch(value) else _VARIABLE_NAME


def session_file(value: Json) -> Phrase | None:
    """Check for the id of a file uploaded for one session."""
    starts_right = isinstance(value, str) and value.startswith(_SESSION_FILE_PREFIX)
    return identifier(value) if starts_right else _SESSION_FILE


def address(value: Json) -> Phrase | None:
    """Check for an http(s) address."""
    return None if isinstance(value, str) and _ADDRESS.fullmatch(value) else _ADDRESSES


def image(value: Json) -> Phrase | None:
    """Check for an image: its address, or itself as a data URL."""
    is_data = isinstance(value, str) and value.startswith("data:image/")
    return None if is_data else address(value)


def one_of(*texts: str) -> Check:
    """Make a check for one of a few texts."""
    listed = ", ".join(f"`{text}`" for text in texts)
    problem = Phrase(f"One of these is needed: {listed}.", f"需要其中之一：{listed}。")

    def check(value: Json) -> Phrase | None:
        return None if value in texts else problem

    return check


def list_of(one: Check, *, most: int = _MAX_LIST) -> Check:
    """Make a check for a list with something in it, all of which passes `one`."""

    def check(value: Json) -> Phrase | None:
        if isinstance(value, str) or not isinstance(value, Sequence) or not value:
            return _LIST
        if len(value) > most:
            return Phrase(
                f"At most {most} are possible; {len(value)} were given.",
                f"最多 {most} 个，现在给出了 {len(value)} 个。",
            )
        return _first(one, value)

    return check


def filled_object(value: Json) -> Phrase | None:
    """Check for an object with something in it."""
    return None if isinstance(value, Mapping) and value else _OBJECT


def metadata_filter(value: Json) -> Phrase | None:
    """Check for texts, or lists of texts of which one must match, by the name of a label."""
    return _object_of(value, part=_text_or_texts)


def structured_filter(value: Json) -> Phrase | None:
    """Check for single values by a table's column."""
    return _object_of(value, part=_scalar)


def plugins(value: Json) -> Phrase | None:
    """Check for objects of parameters by a tool's id."""
    if isinstance(value, Mapping) and len(value) > _MAX_PLUGINS:
        return _PLUGINS
    return _object_of(value, part=_parameters)


def variables(value: Json) -> Phrase | None:
    """Check for biz_params as far as they are alike for all kinds: no secrets, no null."""
    if isinstance(value, Mapping) and "user_defined_tokens" in value:
        return _TOKENS
    return _object_of(value, part=_not_null)


def _is_number(value: Json) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _first(check: Check, values: Sequence[Json]) -> Phrase | None:
    return next((problem for value in values if (problem := check(value))), None)


def _object_of(value: Json, *, part: Check) -> Phrase | None:
    if not isinstance(value, Mapping) or not value:
        return _OBJECT
    return _first(part, list(value.values()))


def _is_text(value: Json) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _text_or_texts(value: Json) -> Phrase | None:
    texts = [value] if isinstance(value, str) or not isinstance(value, Sequence) else value
    return None if texts and all(_is_text(text) for text in texts) else _METADATA


def _scalar(value: Json) -> Phrase | None:
    return None if isinstance(value, str | int | float) else _SCALARS


def _parameters(value: Json) -> Phrase | None:
    return None if isinstance(value, Mapping) else _PLUGINS


def _not_null(value: Json) -> Phrase | None:
    return _NO_NULL_INSIDE if value is None else None
