"""The words that can follow a command, where they are few, and which of them was meant."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from bot.core.likeness import mended
from bot.core.setting import Setting
from bot.core.usage_request import USAGE_WORDS, parse_usage
from bot.errors import BadValue

_APPS_WORDS = ("list", "add", "edit", "test", "remove")
_MEANT_OF_APPS = {
    **dict.fromkeys(("delete", "rm", "del", "删除", "移除"), "remove"),
    **dict.fromkeys(("new", "create", "添加", "新增"), "add"),
    **dict.fromkeys(("change", "编辑", "修改"), "edit"),
    **dict.fromkeys(("try", "check", "测试"), "test"),
}
_AUDIT_WORDS = ("all", "csv")
_MORE_OF_MEMORY = ("id",)
"""What follows `memory` besides its values."""
_DROPPING = "inherit"


@dataclass(frozen=True, slots=True)
class FurtherWords:
    """The words that can follow a command.

    Attributes:
        known: Those worth suggesting, in lower case.
        reads: Whether a text can follow.
        meant_by: Words that look like none of them, and the one each means.
    """

    known: Sequence[str]
    reads: Callable[[str], bool]
    meant_by: Mapping[str, str] = field(default_factory=dict[str, str])

    def meant(self, typed: str) -> str:
        """Return what somebody meant; empty when it can be read, or nobody can tell."""
        if self.reads(typed):
            return ""
        return mended(typed, known=self.known, reads=self.reads, meant_by=self.meant_by)


OF_VERBS: Mapping[str, FurtherWords] = MappingProxyType(
    {
        "apps": FurtherWords(
            _APPS_WORDS, lambda typed: _first(typed) in _APPS_WORDS, meant_by=_MEANT_OF_APPS
        ),
        "audit": FurtherWords(_AUDIT_WORDS, lambda typed: typed in _AUDIT_WORDS),
        "usage": FurtherWords(USAGE_WORDS, lambda typed: parse_usage(typed) is not None),
    }
)
"""By the verb; what follows `tokens` may be a token, and is never said again."""


def of_setting(setting: Setting) -> FurtherWords | None:
    """Return the words for a setting of a few values; None for any other."""
    if not setting.choices:
        return None
    more = _MORE_OF_MEMORY if setting.key == "memory" else ()

    def reads(typed: str) -> bool:
        return typed == _DROPPING or _first(typed) in more or _is_value(setting, typed)

    return FurtherWords((*(choice.value for choice in setting.choices), _DROPPING, *more), reads)


def _is_value(setting: Setting, typed: str) -> bool:
    try:
        setting.read(typed)
    except BadValue:
        return False
    return True


def _first(typed: str) -> str:
    return next(iter(typed.casefold().split()), "")
